/* The behaviour model: what customers do next, learned from what they did.
 *
 * What goes in is sequences: one a customer, each an ordered run of item numbers (0 ..
 * item_count-1), with times where they are known. What comes out is an immutable model that scores
 * the whole catalogue as the next item of a history, recommends the best of it, and lays a history
 * out as a vector (the customer embedding). Promised: the same bytes for any number of threads; a
 * training that was interrupted goes on to the same bytes; scores of one history do not depend on
 * its neighbours in a batch. Not its business: names of items and customers, which event counts,
 * what was bought when, rules of the shop, how good a recommendation is (evaluate), baselines (the
 * other doors of this room), where files lie.
 *
 * Doors of this room: behave.h (this model); behave/interactions.h (histories from columns);
 * behave/protocol.h (what is learned from and what is asked); behave/yardstick.h (the simple models
 * that it must beat); behave/judge.h (ranks over the whole catalogue); behave/shelf.h (lists under
 * the rules of a shop); behave/reasons.h (what of a history a score comes from).
 * The mathematics is in docs/methods/behaviour-model.md, the bytes in
 * docs/formats/behaviour-model.md.
 * Threads: a model is only read by score, recommend, embed, describe and save; many may share it.
 */
#ifndef KAIROS_BEHAVE_BEHAVE_H
#define KAIROS_BEHAVE_BEHAVE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/progress.h"

struct behave;

/* Histories of customers, oldest event first. All arrays are borrowed. */
struct behave_sequences {
    int64_t sequence_count;
    const int64_t *offsets; /* (sequence_count + 1); sequence s is events offsets[s] ..
                               offsets[s + 1] - 1 */
    const int32_t *items;   /* (offsets[sequence_count]); 0 .. item_count-1 */
    const int64_t *times;   /* as items, seconds, not decreasing inside a sequence;
                               BEHAVE_TIME_UNKNOWN where not known; NULL = none is known */
};

#define BEHAVE_TIME_UNKNOWN INT64_MIN

enum behave_size { BEHAVE_SIZE_DEFAULT, BEHAVE_SMALL, BEHAVE_BASE, BEHAVE_LARGE };
/* How a block weighs the past: by softmax, or by SiLU of each score alone (HSTU). */
enum behave_attention { BEHAVE_ATTENTION_DEFAULT, BEHAVE_SOFTMAX, BEHAVE_POINTWISE };

/* Zero means the default, which depends on `size` where it says so. */
struct behave_options {
    enum behave_size size;           /* default BEHAVE_BASE */
    int32_t item_count;              /* items of the catalogue; required */
    int32_t width;                   /* of the embeddings, a multiple of 8: 32, 64, 128 by size */
    int32_t blocks;                  /* 2, 6, 8 by size */
    int32_t heads;                   /* 2, 2, 4 by size; divides width */
    enum behave_attention attention; /* softmax */
    int32_t feed_forward;            /* hidden units of the gated layer: 2 x width; -1 = none */
    int32_t times;           /* 1 = learn from times, -1 = from order alone; 0 = from times where
                                most events have one */
    int32_t length;          /* events of a history that are looked at, from its end: 200 */
    int32_t batch_sequences; /* sequences of one gradient step: 64 */
    int32_t epochs;          /* at most; 100 */
    int32_t patience;        /* epochs without a better validation: 10 */
    double learning_rate;    /* highest: 0.001 */
    double warmup_share;     /* of the planned steps that climb to it: 0.02 */
    double weight_decay;     /* 0; negative = 0 */
    double dropout;          /* 0.2; negative = none */
    double temperature;      /* of the cosine between state and item: 0.05 */
    double clip_norm;        /* of a step's whole gradient: 1; negative = none */
    double minutes;          /* budget: training ends with the schedule at this time; 0 = none.
                                The one option under which the bytes depend on the machine */
    int64_t tokens;          /* budget in events learned from: 60 million. Reproducible */
    int32_t validation_customers; /* at most so many, whose last event is held out for early
                                     stopping: 4000; -1 = no validation, all epochs run */
    /* file that each epoch and an interruption write, and that a later call with the same options,
     * seed and data goes on from; NULL = none */
    const char *checkpoint;
};

/* Resolved options and what training will need, before it begins. */
struct behave_plan {
    struct behave_options options; /* nothing is zero that means "default" */
    int64_t parameters;
    int64_t events;       /* that one epoch trains on */
    int64_t memory_bytes; /* of training, without the sequences */
    double epoch_flops;   /* multiply-adds count two */
    double epoch_seconds; /* expected on a quiet machine with AVX2 */
};

KAI_MUST_CHECK kai_status behave_plan(const struct behave_options *options,
                                      const struct behave_sequences *train, const struct pool *pool,
                                      struct behave_plan *ret_plan, kai_err *err);

/* One line of the training log, told after each epoch. */
struct behave_epoch {
    int32_t epoch; /* 1, 2, ... */
    int64_t step;
    double loss;       /* mean cross-entropy of the epoch's events, nats */
    double ndcg, hits; /* at 10, of the held-out events over the whole catalogue, without the
                          history unless customers come back to items (more than one held-out event
                          in twenty does); NaN without validation */
    double rate;       /* learning rate at its end */
    double seconds;    /* of this epoch, validation included */
    double tokens_s;   /* events trained a second */
    int is_best;
};
typedef void (*behave_log_fn)(void *user, const struct behave_epoch *epoch);
struct behave_watch {
    const struct progress *progress; /* may be NULL; cancelling saves the checkpoint */
    behave_log_fn log;               /* may be NULL; called from the caller's thread */
    void *log_user;
};

/* Fit. The last event of each sequence (of a sample of `validation_customers`) is the validation
 * position: it is not trained on. Sequences of one event are allowed and teach nothing; the model
 * of the best validation is returned.
 * Fails: KAI_INVALID (no sequence of two events, item out of range, times that decrease, an option
 * out of range), KAI_LIMIT, KAI_NO_MEMORY, KAI_CANCELLED, KAI_DIVERGED, KAI_IO (checkpoint). */
KAI_MUST_CHECK kai_status behave_fit(const struct behave_options *options, uint64_t seed,
                                     const struct behave_sequences *train, struct pool *pool,
                                     const struct behave_watch *watch, struct behave **ret_model,
                                     kai_err *err);
void behave_free(struct behave *model);
int32_t behave_items(const struct behave *model);
int32_t behave_width(const struct behave *model);

/* Scores of the whole catalogue after histories first .. first+count-1: larger is likelier next;
 * softmax of them is the probability. request_times: (sequence_count) when the next item is asked
 * for, or NULL; used only where the model has learned from times. An empty history scores by
 * popularity. ret_scores: (count, item_count). Fails: KAI_INVALID (item out of range). */
KAI_MUST_CHECK kai_status behave_score(const struct behave *model,
                                       const struct behave_sequences *histories,
                                       const int64_t *request_times, int64_t first, int64_t count,
                                       struct pool *pool, float *ret_scores, kai_err *err);

/* The k best items after histories first .. first+count-1, best first, ties by lower item.
 * is_seen_excluded: items of the history (all of it, not only its last `length` events) are left
 * out. ret_items, ret_scores: (count, k); where fewer than k items remain the rest is -1. */
struct behave_request {
    int64_t first, count;
    int32_t k;
    int is_seen_excluded;
    const int64_t *request_times;     /* as in behave_score */
    const unsigned char *is_excluded; /* (item_count), 1 = never recommended; or NULL */
    const float *vectors;             /* (count, width) kept from behave_embed, so that the model
                                         does not read the histories again; or NULL */
};
KAI_MUST_CHECK kai_status behave_recommend(const struct behave *model,
                                           const struct behave_sequences *histories,
                                           const struct behave_request *request, struct pool *pool,
                                           int32_t *ret_items, float *ret_scores, kai_err *err);

/* The customer embedding: ret_vectors (count, width), unit length (zero for an empty history). */
KAI_MUST_CHECK kai_status behave_embed(const struct behave *model,
                                       const struct behave_sequences *histories,
                                       const int64_t *request_times, int64_t first, int64_t count,
                                       struct pool *pool, float *ret_vectors, kai_err *err);

/* Sizes, settings and the training curve as members of an open object. */
void behave_describe(const struct behave *model, struct json_writer *json);
/* Append the model to `out`: a bundle of its own (base/bundle.h). */
KAI_MUST_CHECK kai_status behave_save(const struct behave *model, struct buf *out, kai_err *err);
/* Reads what behave_save wrote, from bytes that nobody trusts. `name` stands in messages.
 * Fails: KAI_CORRUPT, KAI_UNSUPPORTED (newer version), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status behave_load(const char *name, const void *bytes, size_t size,
                                      struct behave **ret_model, kai_err *err);

#endif
