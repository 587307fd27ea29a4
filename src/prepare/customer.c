#include "prepare/customer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/instant.h"

enum { HOURS = 24, WINDOW_KINDS = 6, LONG_WINDOW = 3, ACTIVE_DAYS = 30 };
#define SESSION_GAP_US (30ll * 60 * 1000000)
#define HOUR_US (3600ll * 1000000)

static const int WINDOW_DAYS[CUSTOMER_WINDOWS] = {1, 7, 30, 90};

static const char *const NUMBER_NAMES[CUSTOMER_NUMBERS] = {
    "rfm.recency",
    "rfm.frequency",
    "rfm.monetary",
    "tenure",
    "idle",
    "events",
    "events_1d",
    "events_7d",
    "events_30d",
    "events_90d",
    "views_1d",
    "views_7d",
    "views_30d",
    "views_90d",
    "carts_1d",
    "carts_7d",
    "carts_30d",
    "carts_90d",
    "orders_1d",
    "orders_7d",
    "orders_30d",
    "orders_90d",
    "refunds_1d",
    "refunds_7d",
    "refunds_30d",
    "refunds_90d",
    "money_1d",
    "money_7d",
    "money_30d",
    "money_90d",
    "active_days_30d",
    "trend",
    "sessions_90d",
    "session.minutes",
    "session.events",
    "items",
    "categories",
    "favourite.item_share",
    "favourite.category_share",
    "favourite.channel_share",
    "order.value",
    "order.gap",
    "order.gap_sd",
    "order.overdue",
    "order.per_cart",
    "hour.peak",
    "hour.spread",
    "weekend_share",
    "night_share",
};

static const char *const TEXT_NAMES[CUSTOMER_TEXTS] = {
    "favourite.item", "favourite.category", "favourite.channel", "first.channel",
    "last.channel",   "first.campaign",     "last.campaign",
};

const char *customer_number_name(int32_t number) { return NUMBER_NAMES[number]; }

const char *customer_text_name(int32_t text) { return TEXT_NAMES[text]; }

int32_t customer_number_find(struct slice name) {
    for (int32_t i = 0; i < CUSTOMER_NUMBERS; i++)
        if (slice_equal_text(name, NUMBER_NAMES[i])) return i;
    return -1;
}

int32_t customer_text_find(struct slice name) {
    for (int32_t i = 0; i < CUSTOMER_TEXTS; i++)
        if (slice_equal_text(name, TEXT_NAMES[i])) return i;
    return -1;
}

const char *customer_text_value(const struct touch_book *book, int32_t text, int32_t code) {
    const struct dict *dict = text == CUSTOMER_FAVOURITE_ITEM       ? &book->items
                              : text == CUSTOMER_FAVOURITE_CATEGORY ? &book->categories
                              : text >= CUSTOMER_FIRST_CAMPAIGN     ? &book->campaigns
                                                                    : &book->channels;
    return code < 0 ? "" : dict_text(dict, code);
}

/* A code and where it was touched. */
struct pair {
    int32_t code;
    int64_t at;
};

void customer_work_init(struct customer_work *work) { *work = (struct customer_work){0}; }

void customer_work_release(struct customer_work *work) {
    mem_free(work->pairs);
    *work = (struct customer_work){0};
}

static kai_status make_room(struct customer_work *work, int64_t count, kai_err *err) {
    if (count <= work->capacity) return KAI_OK;
    int64_t capacity = 2 * count;
    struct pair *pairs = mem_array((size_t)capacity, sizeof *pairs);
    if (!pairs) return err_memory(err, capacity * (int64_t)sizeof *pairs);
    mem_free(work->pairs);
    work->pairs = pairs;
    work->capacity = capacity;
    return KAI_OK;
}

static int compare_pairs(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    if (x->code != y->code) return x->code < y->code ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* One customer that is being measured. */
struct measure {
    const struct touch_book *book;
    const struct touch *touches;
    int64_t count;
    int64_t at_us;
    double *numbers;
};

static double days_between(int64_t from_us, int64_t to_us) {
    return (double)(to_us - from_us) / (double)INSTANT_DAY_US;
}

static double or_zero(double value) { return isnan(value) ? 0 : value; }

static double ratio(double part, double whole) { return whole > 0 ? part / whole : NAN; }

/* Is this the first line of an order? Order events at one moment are one order, unless their
 * sessions differ. */
static int begins_order(const struct measure *measure, int64_t i) {
    const struct touch *touch = &measure->touches[i];
    if (touch->type != measure->book->order) return 0;
    for (int64_t j = i - 1; j >= 0 && measure->touches[j].time_us == touch->time_us; j--)
        if (measure->touches[j].type == touch->type &&
            measure->touches[j].session == touch->session)
            return 0;
    return 1;
}

static double money_of(const struct measure *measure, const struct touch *touch) {
    if (touch->type == measure->book->order) return or_zero(touch->value);
    if (touch->type == measure->book->refund) return -fabs(or_zero(touch->value));
    return 0;
}

/* events, views, carts, orders, refunds, money within each window */
static void count_windows(const struct measure *measure) {
    const struct touch_book *book = measure->book;
    double *counts = measure->numbers + CUSTOMER_WINDOW_FIRST;
    for (int k = 0; k < WINDOW_KINDS * CUSTOMER_WINDOWS; k++) counts[k] = 0;
    for (int64_t i = measure->count - 1; i >= 0; i--) {
        const struct touch *touch = &measure->touches[i];
        double age = days_between(touch->time_us, measure->at_us);
        if (age > WINDOW_DAYS[LONG_WINDOW]) break;
        const double adds[WINDOW_KINDS] = {1,
                                           touch->type == book->view,
                                           touch->type == book->cart,
                                           begins_order(measure, i),
                                           touch->type == book->refund,
                                           money_of(measure, touch)};
        for (int w = 0; w < CUSTOMER_WINDOWS; w++)
            for (int k = 0; age <= WINDOW_DAYS[w] && k < WINDOW_KINDS; k++)
                counts[k * CUSTOMER_WINDOWS + w] += adds[k];
    }
}

static double window_of(const struct measure *measure, int kind, int window) {
    return measure->numbers[CUSTOMER_WINDOW_FIRST + kind * CUSTOMER_WINDOWS + window];
}

/* Recency, frequency, money, and the rhythm of orders. */
static void measure_orders(const struct measure *measure) {
    double *numbers = measure->numbers;
    double orders = 0, money = 0, gaps = 0, squares = 0;
    int64_t last_us = 0;
    for (int64_t i = 0; i < measure->count; i++) {
        const struct touch *touch = &measure->touches[i];
        money += money_of(measure, touch);
        if (!begins_order(measure, i)) continue;
        double gap = orders > 0 ? days_between(last_us, touch->time_us) : 0;
        gaps += gap;
        squares += gap * gap;
        orders++;
        last_us = touch->time_us;
    }
    double count = orders - 1, mean = count > 0 ? gaps / count : NAN;
    numbers[CUSTOMER_FREQUENCY] = orders;
    numbers[CUSTOMER_MONETARY] = money;
    numbers[CUSTOMER_RECENCY] = orders > 0 ? days_between(last_us, measure->at_us) : NAN;
    numbers[CUSTOMER_ORDER_VALUE] = ratio(money, orders);
    numbers[CUSTOMER_ORDER_GAP] = mean;
    numbers[CUSTOMER_ORDER_GAP_SD] =
        count > 1 ? sqrt(fmax(0, (squares - count * mean * mean) / (count - 1))) : NAN;
    numbers[CUSTOMER_OVERDUE] = ratio(numbers[CUSTOMER_RECENCY], mean);
    numbers[CUSTOMER_CART_ORDERS] =
        ratio(window_of(measure, 3, LONG_WINDOW), window_of(measure, 2, LONG_WINDOW));
}

/* Does touch i begin a session? */
static int begins_session(const struct measure *measure, int64_t i) {
    const struct touch *touch = &measure->touches[i], *before = touch - 1;
    if (i == 0) return 1;
    if (touch->session >= 0 || before->session >= 0) return touch->session != before->session;
    return touch->time_us - before->time_us > SESSION_GAP_US;
}

static void measure_sessions(const struct measure *measure) {
    double sessions = 0, minutes = 0, touches = 0;
    int64_t start_us = measure->at_us - WINDOW_DAYS[LONG_WINDOW] * INSTANT_DAY_US;
    for (int64_t i = touch_before(measure->touches, measure->count, start_us); i < measure->count;
         i++) {
        const struct touch *touch = &measure->touches[i];
        touches++;
        if (sessions == 0 || begins_session(measure, i))
            sessions++;
        else
            minutes += (double)(touch->time_us - (touch - 1)->time_us) / 60e6;
    }
    measure->numbers[CUSTOMER_SESSIONS] = sessions;
    measure->numbers[CUSTOMER_SESSION_LENGTH] = ratio(minutes, sessions);
    measure->numbers[CUSTOMER_SESSION_EVENTS] = ratio(touches, sessions);
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* Hours, weekends, nights, and the days of the last 30 on which there was something. */
static void measure_times(const struct measure *measure) {
    double hours[HOURS] = {0}, weekend = 0, night = 0, entropy = 0, total = (double)measure->count;
    int64_t seen_day = INT64_MIN, active = 0;
    int peak = 0;
    for (int64_t i = 0; i < measure->count; i++) {
        int64_t time_us = measure->touches[i].time_us, day = floor_div(time_us, INSTANT_DAY_US);
        int64_t age = (measure->at_us - time_us) / INSTANT_DAY_US; /* whole days before T */
        int hour = (int)((time_us - day * INSTANT_DAY_US) / HOUR_US);
        int64_t weekday = (day % 7 + 7 + 4) % 7; /* 1970-01-01 was a Thursday; 0 = Sunday */
        hours[hour]++;
        weekend += weekday == 0 || weekday == 6;
        night += hour >= 22 || hour < 6;
        active += age < ACTIVE_DAYS && age != seen_day;
        seen_day = age;
    }
    for (int h = 0; h < HOURS; h++) {
        if (hours[h] > hours[peak]) peak = h;
        if (hours[h] > 0) entropy -= hours[h] / total * log(hours[h] / total);
    }
    measure->numbers[CUSTOMER_HOUR] = measure->count ? (double)peak : NAN;
    measure->numbers[CUSTOMER_HOUR_SPREAD] = measure->count ? entropy / log(HOURS) : NAN;
    measure->numbers[CUSTOMER_WEEKEND] = ratio(weekend, total);
    measure->numbers[CUSTOMER_NIGHT] = ratio(night, total);
    measure->numbers[CUSTOMER_ACTIVE_DAYS] = (double)active;
}

static void measure_age(const struct measure *measure) {
    const struct touch *touches = measure->touches;
    int64_t count = measure->count;
    double *numbers = measure->numbers;
    numbers[CUSTOMER_EVENTS] = (double)count;
    numbers[CUSTOMER_TENURE] = count ? days_between(touches[0].time_us, measure->at_us) : NAN;
    numbers[CUSTOMER_IDLE] = count ? days_between(touches[count - 1].time_us, measure->at_us) : NAN;
    numbers[CUSTOMER_TREND] = ratio(3 * window_of(measure, 0, 2), window_of(measure, 0, 3));
}

static int32_t field_of(const struct touch *touch, int32_t text) {
    switch (text) {
    case CUSTOMER_FAVOURITE_ITEM: return touch->item;
    case CUSTOMER_FAVOURITE_CATEGORY: return touch->category;
    case CUSTOMER_FIRST_CAMPAIGN:
    case CUSTOMER_LAST_CAMPAIGN: return touch->campaign;
    default: return touch->channel;
    }
}

/* The most frequent code of a field; of two the one that was touched later. */
static int32_t find_favourite(const struct measure *measure, int32_t text, struct pair *pairs,
                              double *ret_share, double *ret_distinct) {
    int64_t count = 0, best = 0, best_at = -1;
    int32_t favourite = -1;
    double distinct = 0;
    for (int64_t i = 0; i < measure->count; i++) {
        int32_t code = field_of(&measure->touches[i], text);
        if (code >= 0) pairs[count++] = (struct pair){code, i};
    }
    if (count) qsort(pairs, (size_t)count, sizeof *pairs, compare_pairs);
    for (int64_t start = 0, end = 0; start < count; start = end) {
        while (end < count && pairs[end].code == pairs[start].code) end++;
        distinct++;
        if (end - start < best || (end - start == best && pairs[end - 1].at < best_at)) continue;
        best = end - start;
        best_at = pairs[end - 1].at;
        favourite = pairs[start].code;
    }
    *ret_share = ratio((double)best, (double)count);
    *ret_distinct = distinct;
    return favourite;
}

static void measure_favourites(const struct measure *measure, struct customer_work *work,
                               int32_t *texts) {
    double *numbers = measure->numbers, ignored = 0;
    texts[CUSTOMER_FAVOURITE_ITEM] =
        find_favourite(measure, CUSTOMER_FAVOURITE_ITEM, work->pairs, &numbers[CUSTOMER_ITEM_SHARE],
                       &numbers[CUSTOMER_ITEMS]);
    texts[CUSTOMER_FAVOURITE_CATEGORY] =
        find_favourite(measure, CUSTOMER_FAVOURITE_CATEGORY, work->pairs,
                       &numbers[CUSTOMER_CATEGORY_SHARE], &numbers[CUSTOMER_CATEGORIES]);
    texts[CUSTOMER_FAVOURITE_CHANNEL] =
        find_favourite(measure, CUSTOMER_FAVOURITE_CHANNEL, work->pairs,
                       &numbers[CUSTOMER_CHANNEL_SHARE], &ignored);
}

/* The first and last touch that names a channel, or a campaign. */
static void find_ends(const struct measure *measure, int32_t *texts) {
    static const int32_t FIRSTS[] = {CUSTOMER_FIRST_CHANNEL, CUSTOMER_FIRST_CAMPAIGN};
    static const int32_t LASTS[] = {CUSTOMER_LAST_CHANNEL, CUSTOMER_LAST_CAMPAIGN};
    for (int k = 0; k < 2; k++) {
        texts[FIRSTS[k]] = texts[LASTS[k]] = -1;
        for (int64_t i = 0; i < measure->count && texts[FIRSTS[k]] < 0; i++)
            texts[FIRSTS[k]] = field_of(&measure->touches[i], FIRSTS[k]);
        for (int64_t i = measure->count - 1; i >= 0 && texts[LASTS[k]] < 0; i--)
            texts[LASTS[k]] = field_of(&measure->touches[i], LASTS[k]);
    }
}

kai_status customer_measure(const struct touch_book *book, const struct touch *touches,
                            int64_t count, int64_t at_us, struct customer_work *work,
                            struct customer *ret_customer, kai_err *err) {
    struct customer customer;
    struct measure measure = {book, touches, touch_before(touches, count, at_us), at_us,
                              customer.numbers};
    kai_status st = make_room(work, measure.count, err);
    if (st) return st;
    count_windows(&measure);
    measure_orders(&measure);
    measure_age(&measure);
    measure_sessions(&measure);
    measure_times(&measure);
    measure_favourites(&measure, work, customer.texts);
    find_ends(&measure, customer.texts);
    *ret_customer = customer;
    return KAI_OK;
}
