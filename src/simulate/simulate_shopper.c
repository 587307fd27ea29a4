/* Sessions are a superposition of Poisson streams: a customer's own wish, and what is left of the
 * touches of each channel. The cause of a session is therefore known, and taking a channel away
 * would take away its sessions and no others: nothing that a session does comes back into the
 * rates. Every number of a customer and day comes from its own random stream. */
#include "simulate/simulate_shopper.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

enum { WEEK_DAYS = 7, DAYS_STRIDE = 4096, WEEKS_STRIDE = 1024, DRAWS_MAX = 100 };

#define END_SECOND 1751328000ll /* 2025-07-01 */

static const double RATE = 0.2, RATE_SPREAD = 0.7, RATE_MAX = 12;
static const double CHANCE = 0.15, CHANCE_SPREAD = 0.4, CHANCE_MAX = 0.6;
static const double RESPONSE_SPREAD = 0.5, INTENT_SPREAD = 0.7;
static const double COOLING = 0.004, LEAVING = 1.0 / 14;
static const double PHASE_FACTOR[] = {1, 0.4, 0};
static const double TASTE_SD = 1.2, TASTE_KEPT = 0.95;
static const double OPEN_SECOND = 9 * 3600, OPEN_SECONDS = 14.5 * 3600;

/* Sessions that a touch brings in the end, and the share of its effect that is left a day later. */
static const double EFFECT[SIMULATE_CAUSES] = {0, 0.25, 0.12, 0.15, 0.03, 0.5};
static const double KEPT[SIMULATE_CAUSES] = {0, 0.5, 0.25, 0.87, 0.5, 0.5};
static const double CLICKED = 0.7, CLAIMED = 0.5, SEARCHED = 0.45;

const char *const SIMULATE_CAUSE_NAMES[] = {"own", "email", "push", "social", "retargeting", "sms"};
const char *const SIMULATE_ARRIVAL_NAMES[] = {"direct",      "email", "push",  "social",
                                              "retargeting", "sms",   "search"};
const char *const SIMULATE_CATEGORY_NAMES[] = {"shoes",  "shirts", "books", "toys",
                                               "garden", "audio",  "tea",   "lamps"};

int64_t simulate_events_begin(const struct simulate_events_options *options) {
    return END_SECOND - options->days * SIMULATE_DAY_SECONDS;
}

/* Log-normal with mean 1. */
static double about_one(struct rng *rng, double spread) {
    return exp(spread * rng_normal(rng) - spread * spread / 2);
}

/* Poisson by multiplying uniforms; means here are at most RATE_MAX. */
static int draw_count(struct rng *rng, double mean) {
    double floor = exp(-mean), product = rng_unit(rng);
    int count = 0;
    while (product > floor && count < DRAWS_MAX) {
        product *= rng_unit(rng);
        count++;
    }
    return count;
}

static int happens(struct rng *rng, double chance) { return rng_unit(rng) < chance; }

double simulate_item_price(const struct simulate_events_options *options, int64_t item) {
    struct rng rng;
    rng_init(&rng, options->seed, "shop item", (uint64_t)item);
    double level = 2.6 + 0.2 * (double)(item % SIMULATE_CATEGORIES);
    return nearbyint(100 * exp(level + 0.5 * rng_normal(&rng)) + 1) / 100;
}

uint64_t simulate_shopper_device(const struct simulate_events_options *options, int64_t customer) {
    struct rng rng;
    rng_init(&rng, options->seed, "shop device", (uint64_t)customer);
    return rng_u64(&rng) >> 1;
}

/* From a stream of its own: what happens does not depend on it. */
static uint8_t draw_signed_out(const struct simulate_events_options *options, int32_t customer,
                               int32_t session) {
    struct rng rng;
    rng_init(&rng, options->seed, "shop sign-in", (uint64_t)customer << 32 | (uint64_t)session);
    return rng_unit(&rng) < options->signed_out;
}

void simulate_shopper_shares(const struct shopper *shopper,
                             double ret_shares[SIMULATE_CATEGORIES]) {
    double sum = 0;
    for (int k = 0; k < SIMULATE_CATEGORIES; k++)
        sum += ret_shares[k] = exp(shopper->taste[k] - 0.15 * k);
    for (int k = 0; k < SIMULATE_CATEGORIES; k++) ret_shares[k] /= sum;
}

void simulate_shopper_start(const struct simulate_events_options *options, int64_t customer,
                            struct shopper *ret_shopper) {
    struct rng rng;
    rng_init(&rng, options->seed, "shop customer", (uint64_t)customer);
    struct shopper s = {.customer = (int32_t)customer, .cooled = -1, .left = -1, .intent = 1};
    s.arrived = happens(&rng, 0.5) ? 0 : (int32_t)rng_below(&rng, (uint64_t)options->days);
    double engagement = rng_normal(&rng);
    s.rate = RATE * exp(RATE_SPREAD * engagement - RATE_SPREAD * RATE_SPREAD / 2);
    s.hazard = COOLING * exp(-0.5 * engagement);
    s.chance = fmin(CHANCE * about_one(&rng, CHANCE_SPREAD), CHANCE_MAX);
    s.response = about_one(&rng, RESPONSE_SPREAD);
    s.hour = OPEN_SECONDS * rng_unit(&rng);
    s.has_email = (uint8_t)happens(&rng, 0.6);
    s.has_app = (uint8_t)happens(&rng, 0.35);
    s.has_sms = (uint8_t)happens(&rng, 0.25);
    for (int k = 0; k < SIMULATE_CATEGORIES; k++) s.taste[k] = TASTE_SD * rng_normal(&rng);
    *ret_shopper = s;
}

/* Tastes drift, stationary; how much she is after something this week is drawn anew. */
static void turn_week(const struct simulate_events_options *options, int32_t week,
                      struct shopper *s) {
    struct rng rng;
    rng_init(&rng, options->seed, "shop week",
             (uint64_t)s->customer * WEEKS_STRIDE + (uint64_t)week);
    double fresh = TASTE_SD * sqrt(1 - TASTE_KEPT * TASTE_KEPT);
    s->intent = about_one(&rng, INTENT_SPREAD);
    for (int k = 0; week && k < SIMULATE_CATEGORIES; k++)
        s->taste[k] = TASTE_KEPT * s->taste[k] + fresh * rng_normal(&rng);
}

static void turn_phase(struct rng *rng, int32_t day, struct shopper *s, struct happenings *into) {
    double chance = s->phase == SHOPPER_ACTIVE    ? s->hazard
                    : s->phase == SHOPPER_COOLING ? LEAVING
                                                  : 0;
    int turns = happens(rng, chance);
    if (s->phase == SHOPPER_ACTIVE) {
        into->coolings_expected += chance;
        into->coolings += turns;
        if (turns) s->cooled = day;
    } else if (s->phase == SHOPPER_COOLING) {
        into->leavings_expected += chance;
        into->leavings += turns;
        if (turns) s->left = day;
    }
    s->phase = (uint8_t)(s->phase + turns);
}

/* The place of the next happening; NULL where memory ran out. */
static struct happening *append(struct happenings *into, struct shopper *s, int64_t time_s,
                                enum happening_type type) {
    if (into->is_starved) return NULL;
    if (into->count == into->capacity) {
        int64_t capacity = into->capacity ? 2 * into->capacity : 1024;
        struct happening *items = mem_resize(into->items, (size_t)capacity, sizeof *items);
        into->is_starved = !items;
        if (!items) return NULL;
        into->items = items;
        into->capacity = capacity;
    }
    struct happening *next = &into->items[into->count++];
    *next = (struct happening){.time_s = time_s,
                               .customer = s->customer,
                               .number = s->happenings++,
                               .item = -1,
                               .type = (uint8_t)type};
    return next;
}

/* Who is touched today; retargeting follows those who are likely to come anyway. */
static void touch(struct rng *rng, const struct simulate_events_options *options, int32_t day,
                  double own, struct shopper *s, struct happenings *into) {
    double chance[SIMULATE_CAUSES] = {
        [SIMULATE_EMAIL] = s->has_email && s->customer % WEEK_DAYS == day % WEEK_DAYS,
        [SIMULATE_PUSH] = s->has_app && s->phase != SHOPPER_GONE ? 0.12 : 0,
        [SIMULATE_SOCIAL] = 0.06,
        [SIMULATE_RETARGETING] = fmin(1.2 * own, 0.8),
        [SIMULATE_SMS] = s->has_sms && day % (4 * WEEK_DAYS) == 2 * WEEK_DAYS};
    int64_t morning =
        simulate_events_begin(options) + (int64_t)day * SIMULATE_DAY_SECONDS + 6 * 3600;
    for (int c = SIMULATE_EMAIL; c < SIMULATE_CAUSES; c++) {
        s->carry[c] *= KEPT[c];
        if (!happens(rng, chance[c])) continue;
        s->carry[c] += 1;
        into->cause[c].touches++;
        struct happening *next =
            append(into, s, morning + (int64_t)rng_below(rng, 3 * 3600), HAPPENING_TOUCH);
        if (!next) continue;
        next->arrival = next->cause = (uint8_t)c;
        next->week = day / WEEK_DAYS;
    }
}

/* A session under way. */
struct visit {
    const struct simulate_events_options *options;
    struct shopper *shopper;
    struct happenings *into;
    struct rng *rng;
    double shares[SIMULATE_CATEGORIES];
    int64_t time_s;
    int32_t session, week;
    uint8_t cause, arrival, is_signed_out;
};

static int32_t draw_item(const struct visit *visit) {
    double rest = rng_unit(visit->rng);
    int64_t k = 0;
    while (k < SIMULATE_CATEGORIES - 1 && (rest -= visit->shares[k]) >= 0) k++;
    int64_t ranks = (visit->options->items - k + SIMULATE_CATEGORIES - 1) / SIMULATE_CATEGORIES;
    /* Zipf with exponent 1, by inversion of its continuous form */
    int64_t rank = (int64_t)pow((double)(ranks + 1), rng_unit(visit->rng)) - 1;
    if (rank >= ranks) rank = ranks - 1;
    return (int32_t)(rank * SIMULATE_CATEGORIES + k);
}

static struct happening *see(const struct visit *visit, enum happening_type type, int32_t item,
                             int quantity) {
    struct happening *next = append(visit->into, visit->shopper, visit->time_s, type);
    if (!next) return NULL;
    next->item = item;
    next->session = visit->session;
    next->week = visit->week;
    next->arrival = visit->arrival;
    next->cause = visit->cause;
    next->quantity = (uint8_t)quantity;
    next->is_signed_out = visit->is_signed_out;
    if (quantity)
        next->value = nearbyint(100 * quantity * simulate_item_price(visit->options, item)) / 100;
    return next;
}

/* The basket becomes an order: its lines at one moment; some come back within days. */
static void order(struct visit *visit, const int32_t *items, const int *quantities, int lines) {
    double total = 0;
    for (int i = 0; i < lines; i++) {
        struct happening *next = see(visit, HAPPENING_ORDER, items[i], quantities[i]);
        if (next) total += next->value;
    }
    if (visit->into->is_starved) return;
    visit->into->items[visit->into->count - lines].total = total;
    int64_t ordered_s = visit->time_s;
    for (int i = 0; i < lines; i++) {
        if (!happens(visit->rng, 0.06)) continue;
        visit->time_s = ordered_s + SIMULATE_DAY_SECONDS * (3 + (int64_t)rng_below(visit->rng, 7)) +
                        (int64_t)rng_below(visit->rng, 3600);
        (void)see(visit, HAPPENING_REFUND, items[i], quantities[i]); /* is_starved tells */
    }
}

static void browse(struct visit *visit) {
    enum { LINES_MAX = 8 };
    struct rng *rng = visit->rng;
    int32_t items[LINES_MAX];
    int quantities[LINES_MAX], lines = 0;
    int orders = happens(rng, visit->shopper->chance);
    int wanted = orders ? 1 + draw_count(rng, 0.5) : happens(rng, 0.12);
    int views = 1 + draw_count(rng, 3);
    if (wanted > LINES_MAX) wanted = LINES_MAX;
    if (views < wanted) views = wanted;
    for (int v = 0; v < views; v++) {
        int32_t item = draw_item(visit);
        (void)see(visit, HAPPENING_VIEW, item, 0); /* is_starved tells */
        visit->time_s += 5 + (int64_t)(-40 * log(1 - rng_unit(rng)));
        if (views - v > wanted - lines) continue;
        items[lines] = item;
        quantities[lines] = 1 + happens(rng, 0.1);
        (void)see(visit, HAPPENING_CART, item, quantities[lines++]);
        visit->time_s += 5;
    }
    if (!orders) return;
    visit->time_s += 60;
    order(visit, items, quantities, lines);
}

/* How it looks: a click on what brought her, or not; and retargeting claims who came by herself. */
static uint8_t draw_arrival(struct rng *rng, int cause, int is_claimed) {
    if (cause != SIMULATE_OWN && happens(rng, CLICKED)) return (uint8_t)cause;
    if (cause == SIMULATE_OWN && is_claimed && happens(rng, CLAIMED)) return SIMULATE_RETARGETING;
    return happens(rng, SEARCHED) ? ARRIVAL_SEARCH : ARRIVAL_DIRECT;
}

static void come(struct rng *rng, const struct simulate_events_options *options, int32_t day,
                 int cause, struct shopper *s, struct happenings *into) {
    struct visit visit = {.options = options,
                          .shopper = s,
                          .into = into,
                          .rng = rng,
                          .session = ++s->sessions,
                          .week = day / WEEK_DAYS,
                          .cause = (uint8_t)cause};
    double second = fmod(s->hour + 2 * 3600 * rng_normal(rng) + 2 * OPEN_SECONDS, OPEN_SECONDS);
    if (!(second >= 0)) second = 0;
    visit.time_s = simulate_events_begin(options) + (int64_t)day * SIMULATE_DAY_SECONDS +
                   (int64_t)(OPEN_SECOND + second);
    visit.arrival = draw_arrival(rng, cause, s->carry[SIMULATE_RETARGETING] >= 1);
    if (options->signed_out > 0)
        visit.is_signed_out = draw_signed_out(options, s->customer, visit.session);
    simulate_shopper_shares(s, visit.shares);
    browse(&visit);
}

/* More on Saturdays and Sundays; 1 in the mean of a week. */
static double day_factor(const struct simulate_events_options *options, int32_t day) {
    int64_t date = simulate_events_begin(options) / SIMULATE_DAY_SECONDS + day;
    return (date + 3) % WEEK_DAYS >= 5 ? 1.3 : 0.88;
}

void simulate_shopper_day(const struct simulate_events_options *options, int32_t day,
                          struct shopper *shopper, struct happenings *into) {
    struct shopper *s = shopper;
    struct rng rng;
    if (day % WEEK_DAYS == 0) turn_week(options, day / WEEK_DAYS, s);
    if (day < s->arrived) return;
    rng_init(&rng, options->seed, "shop day", (uint64_t)s->customer * DAYS_STRIDE + (uint64_t)day);
    turn_phase(&rng, day, s, into);
    double mean[SIMULATE_CAUSES];
    mean[SIMULATE_OWN] =
        fmin(s->rate * s->intent * day_factor(options, day) * PHASE_FACTOR[s->phase], RATE_MAX);
    touch(&rng, options, day, mean[SIMULATE_OWN], s, into);
    for (int c = SIMULATE_EMAIL; c < SIMULATE_CAUSES; c++)
        mean[c] =
            fmin(EFFECT[c] * (1 - KEPT[c]) * s->carry[c] * s->response * PHASE_FACTOR[s->phase],
                 RATE_MAX);
    for (int c = 0; c < SIMULATE_CAUSES; c++) {
        int sessions = draw_count(&rng, mean[c]);
        into->cause[c].sessions += sessions;
        into->cause[c].sessions_expected += mean[c];
        into->cause[c].orders_expected += mean[c] * s->chance;
        for (int i = 0; i < sessions; i++) come(&rng, options, day, c, s, into);
    }
}
