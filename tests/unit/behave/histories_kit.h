/* Histories written by hand or drawn, for the tests of this folder. */
#ifndef KAIROS_TESTS_UNIT_BEHAVE_HISTORIES_KIT_H
#define KAIROS_TESTS_UNIT_BEHAVE_HISTORIES_KIT_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "behave/interactions.h"
#include "kit/check.h"

/* "0 1 2|1 3||2": histories by bars, items by blanks; times of their own where `times` is not NULL
 */
static inline struct histories histories_of(const char *text, const int64_t *times) {
    struct histories made;
    kai_err err = {0};
    int64_t count = 1, events = 0;
    for (const char *at = text; *at; at++) {
        count += *at == '|';
        events += (*at >= '0' && *at <= '9') && (at == text || at[-1] < '0' || at[-1] > '9');
    }
    CHECK_OK(histories_init(&made, count, events, times != NULL, &err), &err);
    int64_t history = 0, event = 0;
    for (const char *at = text; *at; at++) {
        if (*at == '|') made.offsets[++history] = event;
        if (*at < '0' || *at > '9') continue;
        int32_t item = 0;
        for (; *at >= '0' && *at <= '9'; at++) item = 10 * item + (*at - '0');
        at--;
        if (times) made.times[event] = times[event];
        made.items[event++] = item;
    }
    made.offsets[count] = event;
    return made;
}

/* Histories of 0 to `longest` items; neighbours in number follow each other often. */
static inline struct histories histories_drawn(int64_t count, int32_t items, int32_t longest,
                                               uint64_t seed) {
    struct histories made;
    kai_err err = {0};
    CHECK_OK(histories_init(&made, count, count * longest, 0, &err), &err);
    int64_t event = 0;
    for (int64_t h = 0; h < count; h++) {
        struct rng rng;
        rng_init(&rng, seed, "test.histories", (uint64_t)h);
        int64_t length = (int64_t)rng_below(&rng, (uint64_t)longest + 1);
        int32_t item = (int32_t)rng_below(&rng, (uint64_t)items);
        for (int64_t e = 0; e < length; e++) {
            made.items[event++] = item;
            item = rng_unit(&rng) < 0.6 ? (item + 1) % items
                                        : (int32_t)rng_below(&rng, (uint64_t)items);
        }
        made.offsets[h + 1] = event;
    }
    return made;
}

#endif
