/* kairos explain: why a score, why a decision. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/reading.h"
#include "engine/saved.h"
#include "learn/surrogate.h"

/* Part of a score that a table column brought. */
struct share {
    const char *column;
    double value;
};

struct why {
    kai_engine *engine;
    const kai_explain_options *options;
    struct saved saved;
    enum learn_kind kind;
    struct table *table;    /* owned */
    struct matrix *matrix;  /* owned; all rows */
    double score, base, r2; /* r2 NaN: exact values of the model itself */
    struct share *shares;   /* owned; (share_count), largest first */
    int32_t share_count;
};

static int compare_shares(const void *a, const void *b) {
    const struct share *x = a, *y = b;
    if (fabs(x->value) != fabs(y->value)) return fabs(x->value) > fabs(y->value) ? -1 : 1;
    return strcmp(x->column, y->column);
}

/* Shapley values of the row; those of a surrogate where the model is no tree model. */
static kai_status attribute(struct why *why, int64_t row, double *values, kai_err *err) {
    const struct model *model = why->saved.models[why->kind];
    struct pool *pool = why->engine->pool;
    int32_t output = model_outputs(model) - 1; /* the last class of several */
    why->r2 = NAN;
    if (why->kind != LEARN_MLP)
        return model_shapley(model, why->matrix, &row, 1, output, pool, values, err);
    int32_t outputs = model_outputs(model);
    struct surrogate *surrogate = NULL;
    double *scores = mem_array((size_t)(why->matrix->rows * outputs), sizeof *scores);
    if (!scores) return err_memory(err, why->matrix->rows * outputs * 8);
    kai_status st = saved_score(&why->saved, why->kind, why->matrix, NULL, why->matrix->rows, pool,
                                scores, err);
    for (int64_t i = 0; !st && i < why->matrix->rows; i++) scores[i] = scores[i * outputs + output];
    if (!st)
        st = surrogate_fit(why->matrix, scores, NULL, why->matrix->rows, 0,
                           (uint64_t)why->options->common.seed, pool, &why->engine->progress,
                           &surrogate, err);
    if (!st) st = surrogate_shapley(surrogate, why->matrix, &row, 1, pool, values, err);
    if (!st) why->r2 = surrogate_r2(surrogate);
    surrogate_free(surrogate);
    mem_free(scores);
    return st;
}

static kai_status gather_shares(struct why *why, const double *values, kai_err *err) {
    int32_t columns = why->matrix->columns;
    why->shares = mem_zero((size_t)columns, sizeof *why->shares);
    if (!why->shares) return err_memory(err, columns);
    for (int32_t c = 0; c < columns; c++) {
        const char *source = why->matrix->info[c].source;
        int32_t at = 0;
        while (at < why->share_count && strcmp(why->shares[at].column, source) != 0) at++;
        if (at == why->share_count) why->shares[why->share_count++].column = source;
        why->shares[at].value += values[c];
    }
    why->base = values[columns];
    qsort(why->shares, (size_t)why->share_count, sizeof *why->shares, compare_shares);
    return KAI_OK;
}

static kai_status load_row(struct why *why, kai_err *err) {
    const char *const *arguments = why->options->arguments.items;
    kai_status st = saved_load(arguments[1], &why->saved, err);
    if (!st) st = saved_kind(&why->saved, why->options->model, &why->kind, err);
    if (!st)
        st = reading_table(why->engine, arguments[2], &why->options->table, &why->table, NULL, err);
    if (!st && why->options->row > why->table->rows)
        st = err_set(err, KAI_NOT_FOUND, "row %lld: '%s' has %lld rows",
                     (long long)why->options->row, arguments[2], (long long)why->table->rows);
    if (!st)
        st = recipe_apply(why->saved.recipes[saved_view(why->kind)], why->table, NULL,
                          why->table->rows, why->engine->pool, &why->matrix, NULL, err);
    return st;
}

static kai_status explain_row(struct why *why, kai_err *err) {
    kai_status st = load_row(why, err);
    if (st) return st;
    int64_t row = why->options->row - 1;
    int32_t outputs = model_outputs(why->saved.models[why->kind]);
    double *scores = mem_zero((size_t)outputs, sizeof *scores);
    double *values = mem_zero((size_t)why->matrix->columns + 1, sizeof *values);
    st = scores && values ? KAI_OK : err_memory(err, why->matrix->columns * 8);
    if (!st)
        st = saved_score(&why->saved, why->kind, why->matrix, &row, 1, why->engine->pool, scores,
                         err);
    if (!st) st = attribute(why, row, values, err);
    if (!st) st = gather_shares(why, values, err);
    if (!st) why->score = scores[outputs - 1];
    mem_free(scores);
    mem_free(values);
    return st;
}

/* In what unit the shares add up to the score. */
static const char *unit_of(const struct why *why) {
    if (why->kind == LEARN_BOOST && why->saved.task != LEARN_REGRESSION) return "log-odds";
    return why->saved.task == LEARN_REGRESSION ? "label" : "probability";
}

static kai_status print_score(const struct why *why, int wants_json, struct buf *out,
                              kai_err *err) {
    struct json_writer json;
    struct buf cell;
    buf_init(&cell, CAPS_FIELD_BYTES);
    json_init(&json, out, 1);
    json_object(&json);
    json_key_i64(&json, "row", why->options->row);
    json_key_text(&json, "model", learn_kind_text(why->kind));
    json_key_f64(&json, "score", why->score);
    json_key_text(&json, "unit", unit_of(why));
    json_key_f64(&json, "base", why->base);
    json_key_f64(&json, "surrogate_r2", why->r2);
    json_key(&json, "reasons");
    json_array(&json);
    kai_status st = KAI_OK;
    if (!wants_json) {
        buf_reset(out);
        st = buf_printf(out, err, "row %lld: '%s' scores %.6g\nbase %+.6g (%s)\n",
                        (long long)why->options->row, learn_kind_text(why->kind), why->score,
                        why->base, unit_of(why));
        if (!st && !isnan(why->r2))
            st = buf_printf(out, err, "by a tree model fitted to the scores: R2 %.3f\n", why->r2);
    }
    for (int32_t s = 0; !st && s < why->share_count; s++) {
        const struct column *column;
        st = table_column(why->table, why->shares[s].column, &column, err);
        if (!st) st = column_print(column, why->options->row - 1, &cell, err);
        if (st) break;
        if (!wants_json) {
            st = buf_printf(out, err, "%+10.5f  %s = %s\n", why->shares[s].value, column->name,
                            cell.data);
            continue;
        }
        json_object(&json);
        json_key_text(&json, "column", column->name);
        json_key_text(&json, "value", cell.data);
        json_key_f64(&json, "share", why->shares[s].value);
        json_end(&json);
    }
    buf_release(&cell);
    if (st || !wants_json) return st;
    json_end(&json);
    json_end(&json);
    st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status explain_score(kai_engine *engine, const kai_explain_options *options,
                                int wants_json, struct buf *out, kai_err *err) {
    struct why why = {.engine = engine, .options = options};
    kai_status st = explain_row(&why, err);
    if (!st) st = print_score(&why, wants_json, out, err);
    mem_free(why.shares);
    matrix_free(why.matrix);
    table_free(why.table);
    saved_release(&why.saved);
    return st;
}

/* Is this line the receipt of that customer? A line that is no receipt is none of his. */
static kai_status match_receipt(const char *line, size_t size, const char *id, int *ret_is_it,
                                kai_err *err) {
    struct json_value *receipt = NULL;
    kai_status st = json_parse(line, size, &receipt, err);
    *ret_is_it = !st && strcmp(json_as_text(json_get(receipt, "customer"), ""), id) == 0;
    json_free(receipt);
    return st == KAI_NO_MEMORY ? st : KAI_OK;
}

/* The receipt of a customer, found line by line; *ret_line starts it within `text`. */
static kai_status find_receipt(const char *path, const char *id, struct buf *text, kai_err *err) {
    struct file_reader *reader = NULL;
    struct buf pending;
    buf_init(&pending, CAPS_LINE_BYTES * 2);
    kai_status st = file_open(path, &reader, err);
    int is_found = 0;
    for (size_t got = 1; !st && got > 0 && !is_found;) {
        st = buf_reserve(&pending, 1 << 16, err);
        if (!st) st = file_read(reader, pending.data + pending.size, 1 << 16, &got, err);
        if (st) break;
        pending.size += got;
        size_t begin = 0;
        for (char *end; !st && !is_found && begin < pending.size &&
                        (end = memchr(pending.data + begin, '\n', pending.size - begin));) {
            size_t size = (size_t)(end - pending.data) - begin;
            st = match_receipt(pending.data + begin, size, id, &is_found, err);
            if (is_found) st = buf_append(text, pending.data + begin, size, err);
            begin += size + 1;
        }
        memmove(pending.data, pending.data + begin, pending.size - begin);
        pending.size -= begin;
    }
    if (!st && !is_found) st = err_set(err, KAI_NOT_FOUND, "no receipt of '%s' in '%s'", id, path);
    file_close(reader);
    buf_release(&pending);
    return st;
}

static kai_status print_receipt(const struct json_value *receipt, struct buf *out, kai_err *err) {
    const char *offer = json_as_text(json_get(receipt, "offer"), NULL);
    kai_status st =
        buf_printf(out, err, "customer %s: %s\n", json_as_text(json_get(receipt, "customer"), ""),
                   offer ? offer : "no offer");
    if (!st)
        st = buf_printf(out, err, "because: %s\npropensity %.6g, model %s\n",
                        json_as_text(json_get(receipt, "because"), ""),
                        json_as_f64(json_get(receipt, "propensity"), 0),
                        json_as_text(json_get(receipt, "model"), ""));
    const struct json_value *candidates = json_get(receipt, "candidates");
    if (!st)
        st = buf_puts(
            out,
            "\noffer                     effect      value       cost        price       net\n",
            err);
    for (int64_t c = 0; !st && c < json_count(candidates); c++) {
        const struct json_value *candidate = json_at(candidates, c);
        st = buf_printf(out, err, "%-24s  %-10.5g  %-10.5g  %-10.5g  %-10.5g  %-.5g\n",
                        json_as_text(json_get(candidate, "offer"), ""),
                        json_as_f64(json_get(candidate, "effect"), NAN),
                        json_as_f64(json_get(candidate, "value"), NAN),
                        json_as_f64(json_get(candidate, "cost"), NAN),
                        json_as_f64(json_get(candidate, "price"), NAN),
                        json_as_f64(json_get(candidate, "net"), NAN));
    }
    const struct json_value *reasons = json_get(receipt, "reasons");
    for (int64_t r = 0; !st && r < json_count(reasons); r++)
        st = buf_printf(out, err, "%s%s\n", r ? "" : "\n", json_as_text(json_at(reasons, r), ""));
    return st;
}

static kai_status explain_decision(const kai_explain_options *options, int wants_json,
                                   struct buf *out, kai_err *err) {
    struct buf line;
    struct json_value *receipt = NULL;
    buf_init(&line, CAPS_LINE_BYTES);
    kai_status st =
        find_receipt(options->arguments.items[1], options->arguments.items[2], &line, err);
    if (!st && wants_json) {
        st = buf_printf(out, err, "%s\n", line.data);
    } else if (!st) {
        st = json_parse(line.data, line.size, &receipt, err);
        if (!st) st = print_receipt(receipt, out, err);
    }
    json_free(receipt);
    buf_release(&line);
    return st;
}

int32_t kai_engine_explain(kai_engine *engine, const kai_explain_options *options,
                           kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    const char *what = options->arguments.items[0];
    struct buf out;
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    if (strcmp(what, "score") == 0)
        st = explain_score(engine, options, ret_json != NULL, &out, err);
    else if (strcmp(what, "decision") == 0)
        st = explain_decision(options, ret_json != NULL, &out, err);
    else
        st = err_set(err, KAI_INVALID, "explain '%s': expected 'score' or 'decision'", what);
    if (!st) result_give(&out, ret_json ? ret_json : ret_text);
    buf_release(&out);
    return st;
}
