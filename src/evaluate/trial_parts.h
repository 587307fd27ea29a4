/* The two halves of an effect score. Private to this room. */
#ifndef KAIROS_EVALUATE_TRIAL_PARTS_H
#define KAIROS_EVALUATE_TRIAL_PARTS_H

#include "evaluate/trial.h"

/* mu_offer - mu_0, and the weighted residual of the logged arm (0 for third arms). The trial has
 * been checked; counts: (arms) its rows. ret_predicted, ret_residual: (rows). */
KAI_MUST_CHECK kai_status trial_parts(const struct trial *trial, const int32_t *offers,
                                      int32_t offer, const int64_t *counts, struct pool *pool,
                                      double *ret_predicted, double *ret_residual, kai_err *err);

#endif
