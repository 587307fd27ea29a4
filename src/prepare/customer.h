/* What a customer is like at a moment: her traits, from her history before it.
 *
 * One piece of code for training and for serving: the traits at T are a function of the touches
 * with time < T and of nothing else, so nothing that happens at T or later can leak into them
 * (tests/unit/prepare/test_customer.c proves it by cutting histories). Days are 24 hours before T.
 *
 * Order events at one moment and of one session are one order (a line each of one basket). Money is the value of
 * orders less that of refunds. A session is a run of touches with one session id, or, without ids,
 * without a gap of 30 minutes. The formulas stand in docs/methods/features.md.
 */
#ifndef KAIROS_PREPARE_CUSTOMER_H
#define KAIROS_PREPARE_CUSTOMER_H

#include "prepare/touch.h"

enum { CUSTOMER_WINDOWS = 4 }; /* 1, 7, 30 and 90 days */

/* Numbers. NaN = there is nothing to compute it from. */
enum customer_number {
    CUSTOMER_RECENCY,      /* rfm.recency: days since the last order */
    CUSTOMER_FREQUENCY,    /* rfm.frequency: orders ever */
    CUSTOMER_MONETARY,     /* rfm.monetary: money ever */
    CUSTOMER_TENURE,       /* days since the first touch */
    CUSTOMER_IDLE,         /* days since the last touch */
    CUSTOMER_EVENTS,       /* ever */
    CUSTOMER_WINDOW_FIRST, /* events, views, carts, orders, refunds, money: a window each */
    CUSTOMER_WINDOW_LAST = CUSTOMER_WINDOW_FIRST + 6 * CUSTOMER_WINDOWS - 1,
    CUSTOMER_ACTIVE_DAYS,    /* of the last 30 */
    CUSTOMER_TREND,          /* events of 30 days over a third of those of 90 */
    CUSTOMER_SESSIONS,       /* sessions of 90 days */
    CUSTOMER_SESSION_LENGTH, /* mean minutes of a session of 90 days */
    CUSTOMER_SESSION_EVENTS, /* mean touches of a session of 90 days */
    CUSTOMER_ITEMS,          /* different items ever */
    CUSTOMER_CATEGORIES,     /* different categories ever */
    CUSTOMER_ITEM_SHARE,     /* share of the favourite item */
    CUSTOMER_CATEGORY_SHARE, /* share of the favourite category */
    CUSTOMER_CHANNEL_SHARE,  /* share of the favourite channel */
    CUSTOMER_ORDER_VALUE,    /* mean money of an order */
    CUSTOMER_ORDER_GAP,      /* mean days between orders */
    CUSTOMER_ORDER_GAP_SD,   /* their standard deviation */
    CUSTOMER_OVERDUE,        /* recency over the mean gap */
    CUSTOMER_CART_ORDERS,    /* orders over carts, 90 days */
    CUSTOMER_HOUR,           /* the hour (UTC) with most touches */
    CUSTOMER_HOUR_SPREAD,    /* entropy of the hours over ln 24: 0 = one hour */
    CUSTOMER_WEEKEND,        /* share of touches on Saturday and Sunday */
    CUSTOMER_NIGHT,          /* share of touches from 22 to 6 */
    CUSTOMER_NUMBERS
};

/* Texts, as codes of the book; -1 = none. */
enum customer_text {
    CUSTOMER_FAVOURITE_ITEM,
    CUSTOMER_FAVOURITE_CATEGORY,
    CUSTOMER_FAVOURITE_CHANNEL,
    CUSTOMER_FIRST_CHANNEL,
    CUSTOMER_LAST_CHANNEL,
    CUSTOMER_FIRST_CAMPAIGN,
    CUSTOMER_LAST_CAMPAIGN,
    CUSTOMER_TEXTS
};

struct customer {
    double numbers[CUSTOMER_NUMBERS];
    int32_t texts[CUSTOMER_TEXTS];
};

/* Scratch memory that grows with the longest history. */
struct customer_work {
    void *pairs; /* owned */
    int64_t capacity;
};
void customer_work_init(struct customer_work *work);
void customer_work_release(struct customer_work *work);

/* "rfm.recency", "money_30d", "favourite.category" ... in the order of the enums; the columns of a
 * feature table and the words of the segment language. */
const char *customer_number_name(int32_t number);
const char *customer_text_name(int32_t text);
/* The index of a name, or -1. */
int32_t customer_number_find(struct slice name);
int32_t customer_text_find(struct slice name);
/* The text behind a code of a customer's text; "" for -1. */
const char *customer_text_value(const struct touch_book *book, int32_t text, int32_t code);

/* touches: (count) sorted by time; those at or after at_us are not looked at. */
KAI_MUST_CHECK kai_status customer_measure(const struct touch_book *book,
                                           const struct touch *touches, int64_t count,
                                           int64_t at_us, struct customer_work *work,
                                           struct customer *ret_customer, kai_err *err);

#endif
