/* The limits of a campaign as an allocation problem. */
#ifndef KAIROS_ENGINE_PROBLEM_H
#define KAIROS_ENGINE_PROBLEM_H

#include "decide/decide.h"
#include "engine/campaign.h"

struct problem {
    struct decide_problem decide;
    struct decide_limit *limits; /* owned */
    double *weights;             /* owned; (limits, offers) */
    int32_t budget_index;        /* of the limit 'budget', or -1 */
};

/* objective: (rows, offers), borrowed as long as the problem. Fairness is the caller's to add. */
KAI_MUST_CHECK kai_status problem_new(const struct campaign *campaign, int64_t rows,
                                      const double *objective, struct problem *ret_problem,
                                      kai_err *err);
void problem_release(struct problem *problem);

#endif
