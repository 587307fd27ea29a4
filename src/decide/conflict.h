/* Which limits cannot hold together: a smallest set, by leaving them out one after another. Private
 * to decide/. */
#ifndef KAIROS_DECIDE_CONFLICT_H
#define KAIROS_DECIDE_CONFLICT_H

#include "decide/decide.h"

/* KAI_OK where a plan is found. */
typedef kai_status (*conflict_fn)(const struct decide_problem *problem, struct pool *pool,
                                  kai_err *err);

/* A problem for which no plan was found. Leaves out each limit in turn (fairness too), for good
 * where no plan is found without it either (Chinneck, Dravnieks 1991: the deletion filter). Gives:
 * the names of those that stay, in err. Returns KAI_INFEASIBLE, or what kept it from finding out.
 */
KAI_MUST_CHECK kai_status conflict_find(const struct decide_problem *problem, conflict_fn solve,
                                        struct pool *pool, kai_err *err);

#endif
