/* Which rows teach a model, and which are kept back to tell it when to stop. Private to src/learn.
 *
 * Rows of weight 0 do neither. The rows kept back are those that `is_validation` of the data names;
 * where it is NULL, floor(share x rows) of each class, or of all rows for a regression, drawn by
 * (seed, purpose, class). */
#ifndef KAIROS_LEARN_HOLDOUT_H
#define KAIROS_LEARN_HOLDOUT_H

#include "base/err.h"
#include "learn/learn.h"

struct holdout {
    int64_t
        *row_ids; /* owned; the rows that teach, then those kept back; each in the data's order */
    int64_t teaching, kept_back;
};

/* Fewer rows than `least` to keep back, or none to learn from beside them: all teach. A share of 0
 * or less draws none. Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status holdout_draw(const struct learn_data *data, double share, int64_t least,
                                       uint64_t seed, const char *purpose,
                                       struct holdout *ret_holdout, kai_err *err);
void holdout_release(struct holdout *holdout);

#endif
