/* A training on its way, and its file: what is written after each epoch and on interruption, so
 * that a later call goes on to the same bytes. */
#ifndef KAIROS_BEHAVE_BEHAVE_CHECKPOINT_H
#define KAIROS_BEHAVE_BEHAVE_CHECKPOINT_H

#include "behave/behave_step.h"

struct behave_training {
    const struct behave_sequences *train;
    const char *checkpoint; /* or NULL */
    struct behave *model;   /* owned; with the parameters of this moment */
    struct behave_stepper stepper;
    float *best;                   /* owned; parameters of the best epoch */
    unsigned char *is_held;        /* owned; (sequences) the last event is held out */
    int64_t *held, held_count;     /* owned; those sequences */
    int is_repeating;              /* held-out events often repeat their history */
    int64_t *ranks;                /* owned; (held_count) */
    int64_t *order;                /* owned; (usable_count) of this epoch */
    int64_t usable_count;          /* sequences that teach */
    struct behave_window *windows; /* owned; of a batch */
    int64_t steps_planned;
    double started, seconds_before; /* of this call; spent by earlier calls */
    int64_t position;               /* sequences of this epoch that were learned from */
    int64_t seen, seen_before;      /* events of this epoch; at the beginning of this call */
    double loss;                    /* summed over `seen` */
    double rate;
};

/* Nothing where there is no checkpoint to write. Fails: KAI_IO, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status behave_checkpoint_save(const struct behave_training *training,
                                                 kai_err *err);
/* Nothing where the file is missing. Fails: KAI_CORRUPT, KAI_STATE (of other options, seed or
 * data). */
KAI_MUST_CHECK kai_status behave_checkpoint_load(struct behave_training *training, kai_err *err);

#endif
