/* What a fitted behaviour model is made of; private to its own files. */
#ifndef KAIROS_BEHAVE_BEHAVE_MODEL_H
#define KAIROS_BEHAVE_BEHAVE_MODEL_H

#include "behave/behave_shape.h"
#include "behave/trunk.h"
#include "kernel/cosine_loss.h"

/* Events that one chunk aims at: its activations stay near the caches. */
enum { BEHAVE_CHUNK_EVENTS = 512, BEHAVE_FILL_ITEMS = 256 };

struct behave_curve { /* of one epoch */
    double loss, ndcg, hits;
};

struct behave {
    struct behave_options options; /* resolved; checkpoint NULL */
    struct behave_shape shape;
    uint64_t seed;
    float *parameters; /* owned */
    struct catalogue catalogue;
    float *catalogue_floats;    /* owned */
    int64_t *counts;            /* owned; (items) events of each item in training */
    struct behave_curve *curve; /* owned; (options.epochs) */
    int32_t epochs_run, epoch_best;
    int64_t events, steps; /* trained on */
};

/* An empty model of these options: zero parameters. */
KAI_MUST_CHECK kai_status behave_new(const struct behave_options *resolved, uint64_t seed,
                                     struct behave **ret_model, kai_err *err);
/* Unit rows and panels from the table. */
KAI_MUST_CHECK kai_status behave_fill(const struct behave *model, struct pool *pool, kai_err *err);
/* behave_resolve, and `times` by what the data know. */
KAI_MUST_CHECK kai_status behave_resolve_for(const struct behave_options *options,
                                             const struct behave_sequences *train,
                                             struct behave_options *ret_options, kai_err *err);
/* Items in range, offsets and times in order. */
KAI_MUST_CHECK kai_status behave_check(const struct behave_sequences *sequences, int32_t item_count,
                                       kai_err *err);

/* Where the held-out item stands among all items, or all that the history does not hold; 0 = first.
 */
struct behave_held {
    int64_t sequence_count;
    const int64_t *sequences; /* of `all`: their last event is held out */
    const struct behave_sequences *all;
    int is_seen_excluded;
};
KAI_MUST_CHECK kai_status behave_rank(const struct behave *model, const struct behave_held *held,
                                      struct pool *pool, int64_t *ret_ranks, kai_err *err);

#endif
