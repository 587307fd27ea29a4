/* Why each treated customer gets the offer: exact Shapley values of the effect model where it is
 * one tree model, else of a shallow tree model that imitates it (its R2 is told).
 *
 * A customer of the history is explained by the model that scored him, that of his fold; one piece
 * of work is a model and an offer.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/run.h"
#include "explain/explain.h"
#include "learn/surrogate.h"

enum { SURROGATE_ROWS = 10000 }; /* that an imitation learns from */

/* One model and one offer: who gets the offer by that model, and what the features bring. */
struct piece {
    const struct effect_model *model; /* NULL = none of its rows are customers */
    int32_t fold, offer;              /* fold -1: the model of the whole history */
    int64_t *rows;                    /* owned; (count) customers whose first offer it is */
    int64_t count;
    double *shares; /* owned; (count, features + 1) */
    double average; /* effect of the offer over all customers, in the goal's unit */
    double scale;   /* of the shares, into the goal's unit */
    double r2;
};

struct reasons {
    struct run *run;
    struct explain_columns columns;
    struct piece *pieces; /* owned; (piece_count) */
    int32_t piece_count;
};

/* The fold whose model scored a customer; -1 for that of the whole history. */
static int32_t fold_of(const struct run *run, int64_t customer) {
    return run->is_same_table && run->used_of_row[customer] >= 0 ? run->fold[customer] : -1;
}

static int is_mine(const struct run *run, const struct piece *piece, int64_t customer) {
    return run->plan->chosen[customer * run->plan->per_customer] == piece->offer &&
           fold_of(run, customer) == piece->fold;
}

static kai_status list_rows(const struct run *run, struct piece *piece, kai_err *err) {
    int64_t customers = run->customers.table->rows, count = 0;
    for (int64_t i = 0; i < customers; i++) piece->count += is_mine(run, piece, i);
    size_t width = (size_t)run->customer_matrix->columns + 1;
    piece->rows = mem_array((size_t)piece->count, sizeof *piece->rows);
    piece->shares = mem_array((size_t)piece->count * width, sizeof *piece->shares);
    if (!piece->rows || !piece->shares) return err_memory(err, piece->count * (int64_t)width * 8);
    for (int64_t i = 0; i < customers; i++)
        if (is_mine(run, piece, i)) piece->rows[count++] = i;
    return KAI_OK;
}

/* What the model says of every step-th customer about the offer, at their rows of `score`. */
static kai_status score_sample(const struct run *run, struct piece *piece, const int64_t *sample,
                               int64_t count, double *score, kai_err *err) {
    double *effects = mem_array((size_t)(count * run->offers), sizeof *effects);
    if (!effects) return err_memory(err, count * run->offers * 8);
    kai_status st =
        effect_predict(piece->model, run->customer_matrix, sample, count, NULL, effects, NULL, err);
    for (int64_t i = 0; !st && i < count; i++)
        score[sample[i]] = run->worth * effects[i * run->offers + piece->offer];
    mem_free(effects);
    return st;
}

static kai_status imitate(const struct run *run, struct piece *piece, kai_err *err) {
    int64_t customers = run->customers.table->rows, count = 0;
    int64_t step = (customers + SURROGATE_ROWS - 1) / SURROGATE_ROWS;
    struct surrogate *surrogate = NULL;
    double *score = mem_zero((size_t)customers, sizeof *score);
    int64_t *sample = mem_array((size_t)(customers / step + 1), sizeof *sample);
    kai_status st = score && sample ? KAI_OK : err_memory(err, customers * 8);
    for (int64_t i = 0; !st && i < customers; i += step) sample[count++] = i;
    if (!st) st = score_sample(run, piece, sample, count, score, err);
    if (!st)
        st = surrogate_fit(run->customer_matrix, score, sample, count, SURROGATE_ROWS,
                           run->seed + (uint64_t)piece->offer, NULL, NULL, &surrogate, err);
    if (!st)
        st = surrogate_shapley(surrogate, run->customer_matrix, piece->rows, piece->count, NULL,
                               piece->shares, err);
    if (!st) piece->r2 = surrogate_r2(surrogate);
    piece->scale = 1;
    surrogate_free(surrogate);
    mem_free(sample);
    mem_free(score);
    return st;
}

/* Shares of the features in the effect of the offer. */
static kai_status attribute(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct reasons *reasons = user;
    const struct run *run = reasons->run;
    struct piece *piece = &reasons->pieces[item];
    double scale = 1, shift = 0;
    kai_status st = piece->model ? list_rows(run, piece, err) : KAI_OK;
    if (st || piece->count == 0) return st;
    piece->average = run->worth * effect_average(piece->model)[piece->offer];
    const struct model *tree = effect_tree(piece->model, piece->offer, &scale, &shift);
    if (!tree) return imitate(run, piece, err);
    piece->scale = scale * run->worth;
    piece->r2 = 1;
    return model_shapley(tree, run->customer_matrix, piece->rows, piece->count, 0, NULL,
                         piece->shares, err);
}

/* Where the model sees no difference between customers, the average is the reason. */
static kai_status phrase_average(struct run *run, const struct piece *piece, int64_t k,
                                 struct buf *text, kai_err *err) {
    buf_reset(text);
    kai_status st =
        buf_printf(text, err, "the average effect of the offer (%+.3g)", piece->average);
    char **slot = &run->reasons[piece->rows[k] * RUN_REASONS];
    if (!st && !(*slot = mem_string(text->data))) st = err_memory(err, (int64_t)text->size);
    return st;
}

static kai_status phrase_row(struct reasons *reasons, const struct piece *piece, int64_t k,
                             struct buf *cell, struct buf *text, double *sums, kai_err *err) {
    struct run *run = reasons->run;
    int32_t features = run->customer_matrix->columns, order[RUN_REASONS];
    const double *shares = piece->shares + k * (features + 1);
    explain_sum(&reasons->columns, shares, features, sums);
    for (int32_t c = 0; c < reasons->columns.count; c++) {
        sums[c] *= piece->scale;
        run->column_effect[c] += fabs(sums[c]);
    }
    explain_strongest(&reasons->columns, sums, RUN_REASONS, order);
    kai_status st = KAI_OK;
    if (order[0] < 0) return phrase_average(run, piece, k, text, err);
    for (int r = 0; !st && r < RUN_REASONS && order[r] >= 0; r++) {
        buf_reset(text);
        st = explain_phrase(&reasons->columns, order[r], run->customers.table, piece->rows[k],
                            sums[order[r]], cell, text, err);
        char **slot = &run->reasons[piece->rows[k] * RUN_REASONS + r];
        if (!st && !(*slot = mem_string(text->data))) st = err_memory(err, (int64_t)text->size);
    }
    return st;
}

static kai_status phrase_piece(struct reasons *reasons, const struct piece *piece, kai_err *err) {
    struct buf cell, text;
    buf_init(&cell, 1 << 22);
    buf_init(&text, 1 << 22);
    double *sums = mem_array((size_t)reasons->columns.count + 1, sizeof *sums);
    kai_status st = sums ? KAI_OK : err_memory(err, reasons->columns.count);
    for (int64_t k = 0; !st && k < piece->count; k++)
        st = phrase_row(reasons, piece, k, &cell, &text, sums, err);
    mem_free(sums);
    buf_release(&cell);
    buf_release(&text);
    return st;
}

static kai_status list_pieces(struct reasons *reasons, kai_err *err) {
    struct run *run = reasons->run;
    int32_t folds = (int32_t)run->campaign.evaluate.folds;
    reasons->pieces = mem_zero(((size_t)folds + 1) * (size_t)run->offers, sizeof *reasons->pieces);
    if (!reasons->pieces) return err_memory(err, (folds + 1) * run->offers);
    for (int32_t f = -1; f < folds; f++)
        for (int32_t j = 0; j < run->offers; j++)
            reasons->pieces[reasons->piece_count++] =
                (struct piece){.model = f < 0 ? run->full : run->models[f], .fold = f, .offer = j};
    return KAI_OK;
}

/* Attribute all pieces at once, then phrase one after the other. */
static kai_status explain_pieces(struct reasons *reasons, kai_err *err) {
    struct run *run = reasons->run;
    kai_status st = pool_run_telling(run->engine->pool, reasons->piece_count, attribute, reasons,
                                     &run->engine->progress, "reasons", err);
    int64_t total = 0, imitated = 0;
    for (int32_t p = 0; !st && p < reasons->piece_count; p++) {
        const struct piece *piece = &reasons->pieces[p];
        st = phrase_piece(reasons, piece, err);
        run->surrogate_r2 += piece->r2 * (double)piece->count;
        total += piece->count;
        imitated += piece->r2 < 1 ? piece->count : 0;
    }
    for (int32_t c = 0; total && c < reasons->columns.count; c++)
        run->column_effect[c] /= (double)total;
    if (total) run->surrogate_r2 /= (double)total;
    if (total)
        run->reason_method =
            imitated ? "exact Shapley values of tree models of depth 6 that imitate the effects"
                     : "exact Shapley values of the effect models";
    return st;
}

static void release_reasons(struct reasons *reasons) {
    explain_columns_release(&reasons->columns);
    for (int32_t p = 0; p < reasons->piece_count; p++) {
        mem_free(reasons->pieces[p].rows);
        mem_free(reasons->pieces[p].shares);
    }
    mem_free(reasons->pieces);
}

kai_status run_reasons(struct run *run, kai_err *err) {
    struct reasons reasons = {.run = run};
    size_t customers = (size_t)run->customers.table->rows;
    size_t features = (size_t)run->customer_matrix->columns;
    run->reasons = mem_zero(customers * RUN_REASONS, sizeof *run->reasons);
    run->column_effect = mem_zero(features, sizeof *run->column_effect);
    run->column_names = mem_zero(features, sizeof *run->column_names);
    kai_status st =
        run->reasons && run->column_effect && run->column_names
            ? explain_columns_new(run->customer_matrix, run->customers.table, &reasons.columns, err)
            : err_memory(err, (int64_t)customers * 32);
    if (!st) st = list_pieces(&reasons, err);
    if (!st) st = explain_pieces(&reasons, err);
    for (int32_t c = 0; !st && c < reasons.columns.count; c++)
        run->column_names[c] = reasons.columns.names[c]; /* texts of the matrix */
    run->column_count = reasons.columns.count;
    release_reasons(&reasons);
    return st;
}
