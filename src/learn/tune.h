/* Better settings by successive halving, on training rows only.
 *
 * What goes in: training rows and a number of configurations. Configuration 0 is the given options,
 * the others are drawn from the search space of the model (docs/methods/tuning.md). Each is judged
 * by cross-validation on a share of the training rows; the better third goes on to three times the
 * rows, until one rung has used them all. What comes out: everything that was tried, and the best
 * options. Test rows are not this room's business: do not pass them.
 *
 * Source: Jamieson, Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
 * Optimization", AISTATS 2016, figure 3, with eta = 3 and rows as the resource.
 */
#ifndef KAIROS_LEARN_TUNE_H
#define KAIROS_LEARN_TUNE_H

#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/progress.h"
#include "learn/learn.h"

enum { TUNE_FOLDS_MAX = 10, TUNE_CONFIGURATIONS_MAX = 1000 };

struct tune_options {
    uint64_t seed;
    int32_t configurations;     /* 1..1000; the --tune of the command */
    int32_t folds;              /* 2..10; 0 = 3 */
    int64_t rows_first;         /* training rows of the first rung at least; 0 = 2000 */
    const int32_t *fold_of_row; /* (data.row_count) 0..folds-1, in the order of data.row_ids, for
                                   groups and time; NULL = seeded and stratified */
};

struct tune_trial {
    struct learn_options options;
    int32_t rung;      /* the last that it reached, from 0 */
    double rows_share; /* of the training rows of a fold, on that rung */
    double loss;       /* mean of the folds on that rung: metric_loss, lower is better */
    double folds[TUNE_FOLDS_MAX];
    int32_t is_best;
};

struct tuning; /* what was tried; immutable */

/* Fails: KAI_INVALID (options, data as learn_fit), KAI_NO_MEMORY, KAI_CANCELLED. A configuration
 * that diverges loses (its loss is infinite); where all diverge, KAI_DIVERGED. Threads: the pool
 * shares (configuration, fold) pairs; the result is the same for any number of threads. */
KAI_MUST_CHECK kai_status tune_fit(const struct tune_options *options,
                                   const struct learn_options *base, const struct learn_data *data,
                                   struct pool *pool, const struct progress *progress,
                                   struct tuning **ret_tuning, kai_err *err);
void tune_free(struct tuning *tuning);
/* Best first: by rung reached, then by loss, then in the order drawn. */
const struct tune_trial *tune_trials(const struct tuning *tuning, int32_t *ret_count);
/* Options of the best trial; they live as long as `tuning`. */
const struct learn_options *tune_best(const struct tuning *tuning);
int32_t tune_folds(const struct tuning *tuning);
/* "loss", "folds", "best" and "trials": [{"options":..,"rung":..,"rows_share":..,"loss":..,
 * "folds":[..]},..] as members of an open object */
void tune_describe(const struct tuning *tuning, struct json_writer *json);

#endif
