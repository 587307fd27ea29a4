/* Options of `allocate`: who gets what, under limits. */
#ifndef KAIROS_DECISION_H
#define KAIROS_DECISION_H

#include <kairos/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kai_allocate_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one problem file */
    const char *out;    /* CSV of the assignment; NULL = none */
} kai_allocate_options;

/* Solve one allocation problem: value, bound, gap, the price of each limit. */
KAI_API int32_t kai_engine_allocate(kai_engine *engine, const kai_allocate_options *options,
                                    kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

#ifdef __cplusplus
}
#endif
#endif
