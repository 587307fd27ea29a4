/* An experiment without effect, looked at every day: how often each kind of interval leaves 0. */
#ifndef KAIROS_TESTS_PEEKING_SIM_H
#define KAIROS_TESTS_PEEKING_SIM_H

#include <math.h>

#include "base/rng.h"
#include "evaluate/experiment.h"
#include "evaluate/sequential.h"
#include "kit/check.h"

enum peeking_kind { PEEKING_NORMAL, PEEKING_BINARY, PEEKING_SPEND };

struct peeking {
    enum peeking_kind kind;
    int32_t days, units_a_day; /* both arms */
    double rate;               /* BINARY, SPEND: share of hits */
    double effect;             /* NORMAL: of the second arm */
};

struct peeking_rates {
    double one_look; /* the fixed interval on the last day misses the truth */
    double naive;    /* on any day */
    double anytime;  /* the interval of all looks, on any day */
};

static double peeking_draw(const struct peeking *setup, struct rng *rng) {
    if (setup->kind == PEEKING_NORMAL) return rng_normal(rng);
    if (rng_unit(rng) >= setup->rate) return 0;
    return setup->kind == PEEKING_BINARY ? 1 : exp(rng_normal(rng));
}

/* Day by day through the moments of both arms, which is what experiment_measure sees as weights
 * would be; the interval itself is measured by experiment_measure on rows so far. */
static struct peeking_rates peeking_measure(const struct peeking *setup, int32_t runs) {
    static const char *const NAMES[] = {"a", "b"};
    enum { ROWS_MAX = 40000 };
    static double value[ROWS_MAX];
    static int32_t arm[ROWS_MAX];
    static struct experiment_result result;
    int32_t rows = setup->days * setup->units_a_day;
    int64_t misses[3] = {0};
    assert_true(rows <= ROWS_MAX);
    for (int32_t run = 0; run < runs; run++) {
        struct rng rng;
        int is_left[3] = {0};
        rng_init(&rng, 11, "peeking", (uint64_t)run);
        for (int32_t i = 0; i < rows; i++) {
            arm[i] = i % 2;
            value[i] = peeking_draw(setup, &rng) + setup->effect * arm[i];
        }
        for (int32_t day = 1; day <= setup->days; day++) {
            struct experiment experiment = {.rows = (int64_t)day * setup->units_a_day,
                                            .arms = 2,
                                            .arm = arm,
                                            .arm_names = NAMES};
            struct experiment_metric metric = {
                .name = "m",
                .kind = setup->kind == PEEKING_BINARY ? METRIC_PROPORTION : METRIC_MEAN,
                .value = value};
            kai_err err = {0};
            CHECK_OK(experiment_measure(&experiment, &metric, &(struct experiment_options){0},
                                        &result, &err),
                     &err);
            const struct experiment_effect *effect = &result.arm[1];
            int misses_now =
                effect->fixed.low > setup->effect || effect->fixed.high < setup->effect;
            if (day == setup->days) is_left[0] = misses_now;
            is_left[1] |= misses_now;
            is_left[2] |=
                effect->anytime.low > setup->effect || effect->anytime.high < setup->effect;
        }
        for (int k = 0; k < 3; k++) misses[k] += is_left[k];
    }
    return (struct peeking_rates){(double)misses[0] / runs, (double)misses[1] / runs,
                                  (double)misses[2] / runs};
}

static void peeking_print(const char *name, const struct peeking_rates *rates) {
    print_message("%s: one look %.2f %%, naive at all looks %.2f %%, ours %.2f %%\n", name,
                  rates->one_look * 100, rates->naive * 100, rates->anytime * 100);
}

#endif
