/* Why each treated customer gets the offer: exact Shapley values of the effect model where it is
 * one tree model, else of a shallow tree model that imitates the effects (its R2 is told). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/run.h"
#include "explain/explain.h"
#include "learn/surrogate.h"

struct reasons {
    struct run *run;
    struct explain_columns columns;
    int64_t *rows; /* owned; customers who get the current offer */
    int64_t count;
    double *shares; /* owned; (count, features + 1) of the current offer */
    double scale;   /* of the shares, into the goal's unit */
    int64_t total;  /* treated customers over all offers */
    double r2_weighted;
};

/* Customers whose first offer is `offer`. */
static void list_rows(struct reasons *reasons, int32_t offer) {
    const struct run *run = reasons->run;
    reasons->count = 0;
    for (int64_t i = 0; i < run->customers.table->rows; i++)
        if (run->plan->chosen[i * run->plan->per_customer] == offer)
            reasons->rows[reasons->count++] = i;
}

static kai_status imitate(struct reasons *reasons, int32_t offer, double *ret_r2, kai_err *err) {
    struct run *run = reasons->run;
    int64_t customers = run->customers.table->rows;
    struct surrogate *surrogate = NULL;
    double *score = mem_array((size_t)customers, sizeof *score);
    if (!score) return err_memory(err, customers * 8);
    for (int64_t i = 0; i < customers; i++)
        score[i] = run->worth * run->customer_effect[i * run->offers + offer];
    kai_status st = surrogate_fit(run->customer_matrix, score, NULL, customers, 20000,
                                  run->seed + (uint64_t)offer, run->engine->pool,
                                  &run->engine->progress, &surrogate, err);
    if (!st)
        st = surrogate_shapley(surrogate, run->customer_matrix, reasons->rows, reasons->count,
                               run->engine->pool, reasons->shares, err);
    if (!st) *ret_r2 = surrogate_r2(surrogate);
    reasons->scale = 1;
    surrogate_free(surrogate);
    mem_free(score);
    return st;
}

/* Shares of the features in the effect of one offer, for the listed rows. */
static kai_status attribute(struct reasons *reasons, int32_t offer, kai_err *err) {
    struct run *run = reasons->run;
    double scale = 1, shift = 0, r2 = 1;
    const struct model *tree = NULL;
    if (run->full && !run->is_same_table) tree = effect_tree(run->full, offer, &scale, &shift);
    kai_status st;
    if (tree) {
        reasons->scale = scale * run->worth;
        st = model_shapley(tree, run->customer_matrix, reasons->rows, reasons->count, 0,
                           run->engine->pool, reasons->shares, err);
        run->reason_method = "exact Shapley values of the effect model";
    } else {
        st = imitate(reasons, offer, &r2, err);
        run->reason_method =
            "exact Shapley values of a tree model of depth 6 that imitates the effects";
    }
    reasons->r2_weighted += r2 * (double)reasons->count;
    reasons->total += reasons->count;
    return st;
}

static kai_status phrase_row(struct reasons *reasons, int64_t k, struct buf *cell, struct buf *text,
                             double *sums, kai_err *err) {
    struct run *run = reasons->run;
    int32_t features = run->customer_matrix->columns, order[RUN_REASONS];
    const double *shares = reasons->shares + k * (features + 1);
    explain_sum(&reasons->columns, shares, features, sums);
    for (int32_t c = 0; c < reasons->columns.count; c++) {
        sums[c] *= reasons->scale;
        run->column_effect[c] += fabs(sums[c]);
    }
    explain_strongest(&reasons->columns, sums, RUN_REASONS, order);
    kai_status st = KAI_OK;
    for (int r = 0; !st && r < RUN_REASONS && order[r] >= 0; r++) {
        buf_reset(text);
        st = explain_phrase(&reasons->columns, order[r], run->customers.table, reasons->rows[k],
                            sums[order[r]], cell, text, err);
        char **slot = &run->reasons[reasons->rows[k] * RUN_REASONS + r];
        if (!st && !(*slot = mem_string(text->data))) st = err_memory(err, (int64_t)text->size);
    }
    return st;
}

static kai_status phrase_offer(struct reasons *reasons, kai_err *err) {
    struct buf cell, text;
    buf_init(&cell, 1 << 22);
    buf_init(&text, 1 << 22);
    double *sums = mem_array((size_t)reasons->columns.count + 1, sizeof *sums);
    kai_status st = sums ? KAI_OK : err_memory(err, reasons->columns.count);
    for (int64_t k = 0; !st && k < reasons->count; k++)
        st = phrase_row(reasons, k, &cell, &text, sums, err);
    mem_free(sums);
    buf_release(&cell);
    buf_release(&text);
    return st;
}

static kai_status explain_offers(struct reasons *reasons, kai_err *err) {
    struct run *run = reasons->run;
    size_t width = (size_t)run->customer_matrix->columns + 1;
    kai_status st = KAI_OK;
    for (int32_t j = 0; !st && j < run->offers; j++) {
        list_rows(reasons, j);
        if (reasons->count == 0) continue;
        reasons->shares = mem_array((size_t)reasons->count * width, sizeof *reasons->shares);
        st = reasons->shares ? attribute(reasons, j, err)
                             : err_memory(err, reasons->count * (int64_t)width * 8);
        if (!st) st = phrase_offer(reasons, err);
        mem_free(reasons->shares);
        reasons->shares = NULL;
    }
    return st;
}

kai_status run_reasons(struct run *run, kai_err *err) {
    struct reasons reasons = {.run = run};
    size_t customers = (size_t)run->customers.table->rows;
    size_t features = (size_t)run->customer_matrix->columns;
    run->reasons = mem_zero(customers * RUN_REASONS, sizeof *run->reasons);
    run->column_effect = mem_zero(features, sizeof *run->column_effect);
    run->column_names = mem_zero(features, sizeof *run->column_names);
    reasons.rows = mem_array(customers, sizeof *reasons.rows);
    kai_status st =
        run->reasons && run->column_effect && run->column_names && reasons.rows
            ? explain_columns_new(run->customer_matrix, run->customers.table, &reasons.columns, err)
            : err_memory(err, (int64_t)customers * 32);
    if (!st) st = explain_offers(&reasons, err);
    if (!st && reasons.total > 0) {
        run->surrogate_r2 = reasons.r2_weighted / (double)reasons.total;
        for (int32_t c = 0; c < reasons.columns.count; c++)
            run->column_effect[c] /= (double)reasons.total;
    }
    for (int32_t c = 0; !st && c < reasons.columns.count; c++)
        run->column_names[c] = reasons.columns.names[c]; /* texts of the matrix */
    run->column_count = reasons.columns.count;
    explain_columns_release(&reasons.columns);
    mem_free(reasons.rows);
    return st;
}
