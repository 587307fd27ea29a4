/* Why each treated customer gets the offer: exact Shapley values of the effect model where it is
 * one tree model, else of a shallow tree model that imitates the effects (its R2 is told). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/run.h"
#include "explain/explain.h"
#include "learn/surrogate.h"

enum { SURROGATE_ROWS = 20000 }; /* that an imitation learns from */

/* One offer: who gets it, and what the features bring to its effect. */
struct offer_reasons {
    int64_t *rows; /* owned; (count) customers whose first offer it is */
    int64_t count;
    double *shares; /* owned; (count, features + 1) */
    double scale;   /* of the shares, into the goal's unit */
    double r2;
};

struct reasons {
    struct run *run;
    struct explain_columns columns;
    struct offer_reasons *offers; /* owned; (offers) */
};

static kai_status list_rows(const struct run *run, int32_t offer, struct offer_reasons *mine,
                            kai_err *err) {
    int64_t customers = run->customers.table->rows;
    for (int64_t i = 0; i < customers; i++)
        mine->count += run->plan->chosen[i * run->plan->per_customer] == offer;
    size_t width = (size_t)run->customer_matrix->columns + 1;
    mine->rows = mem_array((size_t)mine->count, sizeof *mine->rows);
    mine->shares = mem_array((size_t)mine->count * width, sizeof *mine->shares);
    if (!mine->rows || !mine->shares) return err_memory(err, mine->count * (int64_t)width * 8);
    int64_t count = 0;
    for (int64_t i = 0; i < customers; i++)
        if (run->plan->chosen[i * run->plan->per_customer] == offer) mine->rows[count++] = i;
    return KAI_OK;
}

static kai_status imitate(const struct run *run, int32_t offer, struct offer_reasons *mine,
                          kai_err *err) {
    int64_t customers = run->customers.table->rows;
    struct surrogate *surrogate = NULL;
    double *score = mem_array((size_t)customers, sizeof *score);
    if (!score) return err_memory(err, customers * 8);
    for (int64_t i = 0; i < customers; i++)
        score[i] = run->worth * run->customer_effect[i * run->offers + offer];
    kai_status st = surrogate_fit(run->customer_matrix, score, NULL, customers, SURROGATE_ROWS,
                                  run->seed + (uint64_t)offer, NULL, NULL, &surrogate, err);
    if (!st)
        st = surrogate_shapley(surrogate, run->customer_matrix, mine->rows, mine->count, NULL,
                               mine->shares, err);
    if (!st) mine->r2 = surrogate_r2(surrogate);
    mine->scale = 1;
    surrogate_free(surrogate);
    mem_free(score);
    return st;
}

/* The one tree model of an offer's effect, where all customers are scored by one model. */
static const struct model *own_tree(const struct run *run, int32_t offer, double *ret_scale) {
    double shift;
    return run->full && !run->is_same_table ? effect_tree(run->full, offer, ret_scale, &shift)
                                            : NULL;
}

/* Shares of the features in the effect of one offer. */
static kai_status attribute(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct reasons *reasons = user;
    const struct run *run = reasons->run;
    struct offer_reasons *mine = &reasons->offers[item];
    kai_status st = list_rows(run, (int32_t)item, mine, err);
    if (st || mine->count == 0) return st;
    double scale = 1;
    const struct model *tree = own_tree(run, (int32_t)item, &scale);
    if (!tree) return imitate(run, (int32_t)item, mine, err);
    mine->scale = scale * run->worth;
    mine->r2 = 1;
    return model_shapley(tree, run->customer_matrix, mine->rows, mine->count, 0, NULL, mine->shares,
                         err);
}

static kai_status phrase_row(struct reasons *reasons, const struct offer_reasons *mine, int64_t k,
                             struct buf *cell, struct buf *text, double *sums, kai_err *err) {
    struct run *run = reasons->run;
    int32_t features = run->customer_matrix->columns, order[RUN_REASONS];
    const double *shares = mine->shares + k * (features + 1);
    explain_sum(&reasons->columns, shares, features, sums);
    for (int32_t c = 0; c < reasons->columns.count; c++) {
        sums[c] *= mine->scale;
        run->column_effect[c] += fabs(sums[c]);
    }
    explain_strongest(&reasons->columns, sums, RUN_REASONS, order);
    kai_status st = KAI_OK;
    for (int r = 0; !st && r < RUN_REASONS && order[r] >= 0; r++) {
        buf_reset(text);
        st = explain_phrase(&reasons->columns, order[r], run->customers.table, mine->rows[k],
                            sums[order[r]], cell, text, err);
        char **slot = &run->reasons[mine->rows[k] * RUN_REASONS + r];
        if (!st && !(*slot = mem_string(text->data))) st = err_memory(err, (int64_t)text->size);
    }
    return st;
}

static kai_status phrase_offer(struct reasons *reasons, const struct offer_reasons *mine,
                               kai_err *err) {
    struct buf cell, text;
    buf_init(&cell, 1 << 22);
    buf_init(&text, 1 << 22);
    double *sums = mem_array((size_t)reasons->columns.count + 1, sizeof *sums);
    kai_status st = sums ? KAI_OK : err_memory(err, reasons->columns.count);
    for (int64_t k = 0; !st && k < mine->count; k++)
        st = phrase_row(reasons, mine, k, &cell, &text, sums, err);
    mem_free(sums);
    buf_release(&cell);
    buf_release(&text);
    return st;
}

/* Attribute all offers at once, then phrase one after the other. */
static kai_status explain_offers(struct reasons *reasons, kai_err *err) {
    struct run *run = reasons->run;
    double scale;
    kai_status st = pool_run_telling(run->engine->pool, run->offers, attribute, reasons,
                                     &run->engine->progress, "reasons", err);
    int64_t total = 0;
    for (int32_t j = 0; !st && j < run->offers; j++) {
        const struct offer_reasons *mine = &reasons->offers[j];
        st = phrase_offer(reasons, mine, err);
        run->surrogate_r2 += mine->r2 * (double)mine->count;
        total += mine->count;
        if (mine->count)
            run->reason_method =
                own_tree(run, j, &scale)
                    ? "exact Shapley values of the effect model"
                    : "exact Shapley values of a tree model of depth 6 that imitates the effects";
    }
    for (int32_t c = 0; total && c < reasons->columns.count; c++)
        run->column_effect[c] /= (double)total;
    if (total) run->surrogate_r2 /= (double)total;
    return st;
}

kai_status run_reasons(struct run *run, kai_err *err) {
    struct reasons reasons = {.run = run};
    size_t customers = (size_t)run->customers.table->rows;
    size_t features = (size_t)run->customer_matrix->columns;
    run->reasons = mem_zero(customers * RUN_REASONS, sizeof *run->reasons);
    run->column_effect = mem_zero(features, sizeof *run->column_effect);
    run->column_names = mem_zero(features, sizeof *run->column_names);
    reasons.offers = mem_zero((size_t)run->offers, sizeof *reasons.offers);
    kai_status st =
        run->reasons && run->column_effect && run->column_names && reasons.offers
            ? explain_columns_new(run->customer_matrix, run->customers.table, &reasons.columns, err)
            : err_memory(err, (int64_t)customers * 32);
    if (!st) st = explain_offers(&reasons, err);
    for (int32_t c = 0; !st && c < reasons.columns.count; c++)
        run->column_names[c] = reasons.columns.names[c]; /* texts of the matrix */
    run->column_count = reasons.columns.count;
    explain_columns_release(&reasons.columns);
    for (int32_t j = 0; reasons.offers && j < run->offers; j++) {
        mem_free(reasons.offers[j].rows);
        mem_free(reasons.offers[j].shares);
    }
    mem_free(reasons.offers);
    return st;
}
