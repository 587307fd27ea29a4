/* The targeting operator characteristic of a ranking, and tests of whether effects differ at all.
 *
 * With psi the doubly robust effect score of a row (trial.h) and u the share of rows that are
 * scored at least as high: TOC(u)  mean of psi in the best u - mean of psi over all: what choosing
 * the best u gains, for each of those chosen AUTOC   area under TOC = mean of psi_i (-1 - ln u_i),
 * in its discrete form over ranks (Yadlowsky, Fleming, Shah, Brunskill, Wager, "Evaluating
 * Treatment Prioritization Rules via Rank-Weighted Average Treatment Effects", 2021). AUTOC asks
 * for the very best customers, Qini (uplift.h) for the whole ranking. 0 = no better than chance.
 * The interval is by the influence function of the rank statistic, which includes the ranks being
 * estimated. */
#ifndef KAIROS_EVALUATE_TOC_H
#define KAIROS_EVALUATE_TOC_H

#include <stdint.h>

#include "base/err.h"
#include "evaluate/estimate.h"

/* score, psi: (rows) finite; ties share their mean rank weight. confidence 0 = 0.95.
 * Fails: KAI_INVALID (fewer than 2 rows, not finite), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status toc_autoc(const double *score, const double *psi, int64_t rows,
                                    double confidence, struct estimate *ret_autoc, kai_err *err);

/* Least squares of psi on standardised columns: which features go with the effect (best linear
 * projection; Semenova, Chernozhukov, Econometrics Journal 2021), errors HC1. */
struct toc_projection {
    struct estimate slope; /* change of the effect for one standard deviation of the column */
    double p;              /* two-sided; Holm over all columns of the call */
    int32_t is_used;       /* 0: constant, or a combination of earlier columns */
};

/* columns: (count) pointers to (rows) values; NaN counts as the column's mean. ret: (count).
 * Fails: KAI_INVALID (rows <= count + 1), KAI_LIMIT (count above 1024), KAI_NO_MEMORY. */
enum { TOC_COLUMNS_MAX = 1024 };
KAI_MUST_CHECK kai_status toc_project(const float *const *columns, int32_t count, const double *psi,
                                      int64_t rows, double confidence, struct toc_projection *ret,
                                      kai_err *err);

#endif
