/* Options of `evaluate uplift`: whom does an offer change? */
#ifndef KAIROS_LIFT_H
#define KAIROS_LIFT_H

#include <kairos/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kai_evaluate_uplift_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one table */
    kai_table_options table;
    const char *arm;
    const char *control;
    const char *outcome;
    const char *propensity; /* column of the probability of the row's own arm; NULL = uniform */
    kai_list learners;      /* of constant, s, t, x, dr, causal, noise */
    const char *score;      /* judge this column instead of learners */
    kai_list features;      /* NULL = every column without another role */
    kai_list drop;
    int64_t folds;
    int64_t trees; /* of each causal forest */
    int64_t points;
    double confidence;
} kai_evaluate_uplift_options;

/* How well learners rank customers by the effect of each offer, out of fold. */
KAI_API int32_t kai_engine_evaluate_uplift(kai_engine *engine,
                                           const kai_evaluate_uplift_options *options,
                                           kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

#ifdef __cplusplus
}
#endif
#endif
