/* kairos evaluate uplift: whom does an offer change? */
#include "base/alloc.h"
#include "base/caps.h"
#include "engine/lift.h"

static void release(struct lift *lift) {
    void *const owned[] = {lift->roles,       lift->leaks,          lift->used,      lift->row_arm,
                           lift->row_outcome, lift->row_propensity, lift->fold,      lift->arm,
                           lift->outcome,     lift->propensity,     lift->predicted, lift->psi,
                           lift->proofs,      lift->projection};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) mem_free(owned[i]);
    for (int32_t l = 0; l < LIFT_LEARNERS; l++) mem_free(lift->effect[l]);
    clean_free(lift->clean);
    matrix_free(lift->matrix);
    table_free(lift->table);
    collect_report_release(&lift->report);
    arena_release(&lift->arena);
}

int32_t kai_engine_evaluate_uplift(kai_engine *engine, const kai_evaluate_uplift_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct lift lift = {.engine = engine, .options = options};
    struct buf out;
    arena_init(&lift.arena);
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    timing_start(&lift.timing);
    st = lift_load(&lift, err);
    if (!st) st = lift_learn(&lift, err);
    if (!st) st = ret_json ? lift_describe(&lift, &out, err) : lift_print(&lift, &out, err);
    if (!st) result_give(&out, ret_json ? ret_json : ret_text);
    buf_release(&out);
    release(&lift);
    return st;
}
