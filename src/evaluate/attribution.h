/* Share conversions out among the channels that were touched before them.
 *
 * A path is what one customer touched, in order of time, up to a conversion or to the end of the
 * log. Every model shares out exactly the conversions (and their value) of the paths with a touch;
 * those without one stay unattributed. Intervals are delete-a-group jackknife over
 * ATTRIBUTION_GROUPS groups of paths. None of this is causal by itself: attribution_reconcile holds
 * it against measured lift. docs/methods/attribution.md has the formulas. */
#ifndef KAIROS_EVALUATE_ATTRIBUTION_H
#define KAIROS_EVALUATE_ATTRIBUTION_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "evaluate/estimate.h"

enum { ATTRIBUTION_GROUPS = 50, ATTRIBUTION_CHANNELS = 200, ATTRIBUTION_EXACT = 12 };

enum attribution_model {
    ATTRIBUTION_FIRST,
    ATTRIBUTION_LAST,
    ATTRIBUTION_LINEAR,
    ATTRIBUTION_DECAY,    /* by 2^(-age / half-life) */
    ATTRIBUTION_POSITION, /* 40 % to the first, 40 % to the last, 20 % between */
    ATTRIBUTION_SHAPLEY,  /* of the game: what paths within these channels earn */
    ATTRIBUTION_MARKOV,   /* removal effect in a chain of first order */
    ATTRIBUTION_GAME,     /* Shapley of the game: what the chain earns with these channels only */
    ATTRIBUTION_MODELS
};

/* Borrowed. Touches of path i are channel[starts[i] .. starts[i + 1]). */
struct attribution_paths {
    int64_t count;
    int32_t channels;
    const int64_t *starts;
    const int32_t *channel;      /* in [0, channels) */
    const double *age;           /* of each touch at the end of its path, in days, >= 0 */
    const uint8_t *is_converted; /* (count) */
    const double *value;         /* (count) of the conversion; >= 0 */
};

struct attribution_options {
    double half_life;     /* days; 0 = 7 */
    double confidence;    /* 0 = 0.95 */
    uint64_t seed;        /* of permutations beyond ATTRIBUTION_EXACT channels */
    int32_t permutations; /* 0 = 1000 */
};

struct attribution_credit {
    struct estimate conversions, value;
    double sampling_error; /* of conversions, by permutations; 0 where exact */
};

struct attribution {
    int32_t channels;
    int64_t paths, touches;
    double conversions, value; /* of paths with a touch */
    double unattributed, unattributed_value;
    struct attribution_credit *credit; /* owned; (models, channels) */
};

/* "first", "last", "linear", "time-decay", "position", "shapley", "markov", "markov-shapley" */
const char *attribution_model_text(enum attribution_model model);
/* `models`: bits 1 << model. Fails: KAI_INVALID (no paths, a channel outside, more than
 * ATTRIBUTION_CHANNELS, a value that is negative or not finite), KAI_NO_MEMORY. Threads: the
 * pool's; the answer does not depend on their number. */
KAI_MUST_CHECK kai_status attribution_fit(const struct attribution_paths *paths, uint32_t models,
                                          const struct attribution_options *options,
                                          struct pool *pool, struct attribution *ret_attribution,
                                          kai_err *err);
void attribution_release(struct attribution *attribution);

/* counts: (channels + 1, channels + 2), from start and each channel, to each channel, to a
 * conversion and to nothing. Where `is_in` is not NULL, channels outside of it lead to nothing.
 * Returns the chance of a conversion by solving the linear system of the chain. `work`:
 * channels x (channels + 1). Exposed for tests. */
double attribution_chain(const double *counts, int32_t channels, const uint8_t *is_in,
                         double *work);

/* A measured effect of a channel on conversions, in an experiment. */
struct attribution_lift {
    int32_t channel;
    struct estimate conversions;
};

/* Credits held against measurements: a measured channel takes what was measured; the others are
 * scaled by the measured channels' total over their credit. What is left of all conversions would
 * have come anyway. ret_factors: (channels). Returns the factor of the others (NaN without any). */
double attribution_reconcile(const struct attribution *attribution, enum attribution_model model,
                             const struct attribution_lift *lifts, int32_t count,
                             double *ret_factors);

#endif
