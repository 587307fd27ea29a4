/* One gradient step over a batch of windows; private to the fit.
 *
 * The windows of a batch are cut into chunks of about BEHAVE_CHUNK_EVENTS events, in order; chunk c
 * belongs to lane c mod BEHAVE_LANES. A lane sums its chunks' gradients in order into a block of
 * its own, and the lanes are added in order: the same bytes for any number of threads.
 */
#ifndef KAIROS_BEHAVE_BEHAVE_STEP_H
#define KAIROS_BEHAVE_BEHAVE_STEP_H

#include "behave/behave_model.h"
#include "kernel/adam.h"

enum { BEHAVE_LANES = 8 };

/* A run of events whose inputs are begin .. begin+count-1 and whose targets are one later. */
struct behave_window {
    int64_t begin, count;
};

struct behave_stepper {
    struct behave *model; /* borrowed; its parameters move */
    const struct behave_sequences *train;
    struct pool *pool;
    uint64_t seed;
    float *gradients;          /* owned; (lanes, parameters), zero between steps */
    float *mean, *square;      /* owned; moments of Adam */
    float *back;               /* owned; transposed matrices */
    float *slopes;             /* owned; (events of a batch, D) by sqrt(D) table(item) */
    struct behave_desk *desks; /* owned; one a worker */
    int64_t step;              /* steps taken */

    const struct behave_window *windows; /* of this step */
    int64_t window_count, events, events_max;
    int64_t *starts; /* owned; first event of each window in the batch, and the end */
    int64_t *chunks; /* owned; first window of each chunk, and the end */
    int64_t chunk_count;
    int32_t *inputs, *targets; /* owned; (events_max) */
    int64_t *times;            /* owned; (2, events_max) of the inputs, then of the targets */
    int64_t *by_item;          /* owned; (V + 1) where an item's events begin in `order` */
    int32_t *order;            /* owned; (events_max) events by item */
    double *sums;              /* owned; losses of the lanes, then squares of the blocks */
    struct adam adam;
    float clip, decay;
};

KAI_MUST_CHECK kai_status behave_stepper_init(struct behave *model,
                                              const struct behave_sequences *train,
                                              struct pool *pool, struct behave_stepper *stepper,
                                              kai_err *err);
void behave_stepper_release(struct behave_stepper *stepper);
/* Bytes of the above. */
int64_t behave_stepper_bytes(const struct behave_options *resolved, int32_t workers);
/* *ret_loss: summed over the events of the windows. Fills the catalogue before the step. */
KAI_MUST_CHECK kai_status behave_step(struct behave_stepper *stepper,
                                      const struct behave_window *windows, int64_t count,
                                      double rate, double *ret_loss, kai_err *err);
/* The gradient of the mean loss alone, into gradients' first lane; for tests and for behave_step.
 */
KAI_MUST_CHECK kai_status behave_gradient(struct behave_stepper *stepper,
                                          const struct behave_window *windows, int64_t count,
                                          double *ret_loss, double *ret_norm, kai_err *err);

#endif
