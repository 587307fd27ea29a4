/* An on-line learner of chances (click, conversion) over hashed features: each example is predicted
 * first and learned from after, so its running loss is an honest test (progressive validation).
 *
 * A row is a list of hashed features; the position in the list is the field, so that pairs of
 * fields can be crossed. A constant is added. Weights live in a table of 2^bits slots; features
 * that share a slot share a weight.
 *
 *   FTRL     FTRL-proximal with per-coordinate rates: McMahan et al., "Ad Click Prediction: a View
 *            from the Trenches", KDD 2013, algorithm 1
 *   ADAGRAD  w <- w - rate g / (beta + sqrt(sum g^2)): Duchi, Hazan, Singer, JMLR 2011
 *
 * Mathematics, failure modes: docs/methods/online-learning.md. Threads: one at a time for a model.
 * Predicting and updating allocate nothing and take O(features of the row).
 */
#ifndef KAIROS_DECIDE_ONLINE_H
#define KAIROS_DECIDE_ONLINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum online_method { ONLINE_FTRL, ONLINE_ADAGRAD, ONLINE_METHODS };
enum { ONLINE_FEATURES_MAX = 1024, ONLINE_CROSSES_MAX = 64 };

struct online_options {
    enum online_method method;
    int32_t bits; /* of the table, 8 .. 30; 20 */
    double rate;  /* > 0; 0.1 */
    double beta;  /* > 0; 1 */
    double l1;    /* FTRL, >= 0; weights of rare features stay 0; 0 */
    double l2;    /* >= 0; 0 */
    int32_t cross_count;
    int32_t cross[ONLINE_CROSSES_MAX][2]; /* pairs of fields whose product is a feature */
};

struct online_row {
    const uint32_t *feature; /* (count) hashes, by online_hash; field = position */
    const float *value;      /* (count) or NULL: all 1 */
    int32_t count;           /* with the crosses at most ONLINE_FEATURES_MAX - 1 */
};

/* What progressive validation says so far. */
struct online_progress {
    int64_t examples;
    double weight;    /* of the examples */
    double logloss;   /* mean, nats; each example judged before it was learned */
    double positive;  /* mean label */
    double predicted; /* mean prediction: calibration in the large */
};

struct online;

void online_options_init(struct online_options *options);
/* The hash of a feature of a field; equal bytes in two fields are two features. */
uint32_t online_hash(uint32_t field, const void *bytes, size_t size);
/* Fails: KAI_INVALID (an option out of range, which one), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status online_new(const struct online_options *options,
                                     struct online **ret_online, kai_err *err);
void online_free(struct online *online);
/* The chance of a 1, in (0, 1). A feature whose value is not finite counts as absent. */
double online_predict(const struct online *online, const struct online_row *row);
/* Predict, then learn: label in [0, 1], weight >= 0 (1 for most). ret_chance: the prediction before
 * learning; may be NULL. Fails: KAI_INVALID (a label, weight or length out of range). */
KAI_MUST_CHECK kai_status online_update(struct online *online, const struct online_row *row,
                                        double label, double weight, double *ret_chance,
                                        kai_err *err);
void online_progress(const struct online *online, struct online_progress *ret_progress);
/* Slots whose weight is not 0. */
int64_t online_used(const struct online *online);
/* The whole state as one checked document (docs/formats/online.md), appended to `out`. */
KAI_MUST_CHECK kai_status online_print(const struct online *online, struct buf *out, kai_err *err);
/* Fails: KAI_CORRUPT, KAI_UNSUPPORTED (newer), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status online_parse(const void *bytes, size_t size, struct online **ret_online,
                                       kai_err *err);

#endif
