/* Matrix factorisation of implicit feedback by alternating least squares.
 *
 *   minimise  sum over observed (u, i) of (1 - x_u'y_i)^2  +  a sum over all (u, i) of (x_u'y_i)^2
 *             + l sum_u (n_u + a I) |x_u|^2  +  l sum_i (n_i + a U) |y_i|^2
 *
 * Hu, Koren, Volinsky, ICDM 2008; the weights of the regularisation after Rendle et al., RecSys
 * 2022. Each half step solves its rows exactly by Cholesky; a row depends on no other, so the
 * answer is the same for any number of threads. A new history gets its x_u by the same solve.
 * Private to behave/.
 */
#ifndef KAIROS_BEHAVE_IALS_H
#define KAIROS_BEHAVE_IALS_H

#include "behave/yardstick.h"

enum { IALS_FACTORS_MAX = 512 };

struct ials {
    int32_t item_count, factors;
    double unobserved, regularise;
    float *items;  /* owned; (item_count, factors) */
    float *across; /* owned; (factors, item_count): the same, for products */
    double *gram;  /* owned; (factors, factors): sum over items of y y' */
};

KAI_MUST_CHECK kai_status ials_init(struct ials *ials, const struct yardstick_options *options,
                                    uint64_t seed, const struct behave_sequences *train,
                                    int32_t item_count, struct pool *pool,
                                    const struct progress *progress, kai_err *err);
void ials_release(struct ials *ials);
/* ret_scores: (count, item_count) */
KAI_MUST_CHECK kai_status ials_score(const struct ials *ials,
                                     const struct behave_sequences *histories, int64_t first,
                                     int64_t count, float *ret_scores, kai_err *err);
/* The vector of one row with `length` observed (distinct) columns of `columns` in all.
 * scratch: ials_scratch_bytes(factors, length) bytes, 64-byte aligned. */
int64_t ials_scratch_bytes(int32_t factors, int64_t length);
KAI_MUST_CHECK kai_status ials_solve(const struct ials *ials, const double *gram,
                                     const float *vectors, int32_t columns, const int32_t *observed,
                                     int64_t length, void *scratch, float *ret_vector);

#endif
