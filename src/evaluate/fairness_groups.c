#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "evaluate/fairness.h"
#include "evaluate/order.h"

enum { NAME_BYTES = 96 };

static const char missing_name[] = "(missing)";

static int is_number(const struct column *column) {
    return column->kind == COLUMN_F64 || column->kind == COLUMN_I64 || column->kind == COLUMN_TIME;
}

static kai_status add_name(struct fairness_groups *groups, const char *name, kai_err *err) {
    if (groups->count >= FAIRNESS_GROUPS_MAX)
        return err_set(err, KAI_LIMIT, "more than %d groups", (int)FAIRNESS_GROUPS_MAX);
    char *copy = mem_string(name);
    if (!copy) return err_memory(err, (int64_t)strlen(name));
    groups->names[groups->count++] = copy;
    return KAI_OK;
}

static int32_t find_name(const struct fairness_groups *groups, const char *name) {
    for (int32_t g = 0; g < groups->count; g++)
        if (strcmp(groups->names[g], name) == 0) return g;
    return -1;
}

/* The distinct values of a number column, rising, up to FAIRNESS_LEVELS_MAX; one more means many.
 */
static int distinct_values(const double *values, const int64_t *order, int64_t count,
                           double *ret_levels) {
    int levels = 0;
    for (int64_t i = 0; i < count; i++) {
        double value = values[order[i]];
        if (levels > 0 && ret_levels[levels - 1] == value) continue;
        if (levels == FAIRNESS_LEVELS_MAX) return levels + 1;
        ret_levels[levels++] = value;
    }
    return levels;
}

static kai_status name_numbers(struct fairness_groups *groups, const double *values,
                               const int64_t *order, int64_t count, kai_err *err) {
    char name[NAME_BYTES];
    int found = distinct_values(values, order, count, groups->levels);
    kai_status st = KAI_OK;
    if (found <= FAIRNESS_LEVELS_MAX) {
        for (int i = 0; i < found && !st; i++) {
            (void)snprintf(name, sizeof name, "%.15g", groups->levels[i]); /* at most 24 bytes */
            st = add_name(groups, name, err);
        }
        groups->level_count = found;
        return st;
    }
    double last = -INFINITY;
    for (int q = 1; q < 4; q++) {
        double cut = values[order[(count - 1) * q / 4]];
        if (cut == last || cut == values[order[count - 1]]) continue;
        groups->cuts[groups->cut_count++] = cut;
        last = cut;
    }
    if (groups->cut_count == 0) return add_name(groups, "all", err);
    for (int c = 0; c <= groups->cut_count && !st; c++) {
        if (c == 0)
            (void)snprintf(name, sizeof name, "to %.15g", groups->cuts[0]);
        else if (c == groups->cut_count)
            (void)snprintf(name, sizeof name, "above %.15g", groups->cuts[c - 1]);
        else
            (void)snprintf(name, sizeof name, "%.15g to %.15g", groups->cuts[c - 1],
                           groups->cuts[c]);
        st = add_name(groups, name, err);
    }
    return st;
}

static kai_status fill_numbers(struct fairness_groups *groups, const struct column *column,
                               kai_err *err) {
    double *values = mem_array((size_t)column->rows, sizeof *values);
    int64_t *order = mem_array((size_t)column->rows, sizeof *order);
    kai_status st = KAI_OK;
    if (!values || !order) st = err_memory(err, column->rows * (int64_t)sizeof *values);
    int64_t count = 0;
    for (int64_t row = 0; row < column->rows && !st; row++) {
        double value = column_f64(column, row);
        if (!isnan(value)) values[count++] = value == 0 ? 0.0 : value;
    }
    if (!st) st = order_rows(values, count, 0, order, err);
    if (!st) st = name_numbers(groups, values, order, count, err);
    mem_free(values);
    mem_free(order);
    return st;
}

/* The categories that appear, in the order of their codes. */
static kai_status fill_categories(struct fairness_groups *groups, const struct column *column,
                                  kai_err *err) {
    int32_t codes = column->dict->count;
    uint8_t *seen = mem_zero((size_t)codes, 1);
    if (!seen) return err_memory(err, codes);
    kai_status st = KAI_OK;
    for (int64_t row = 0; row < column->rows; row++)
        if (column_is_valid(column, row)) seen[column->as.codes[row]] = 1;
    for (int32_t c = 0; c < codes && !st; c++)
        if (seen[c]) st = add_name(groups, dict_text(column->dict, c), err);
    mem_free(seen);
    return st;
}

/* Texts and flags, in order of first appearance. */
static kai_status fill_texts(struct fairness_groups *groups, const struct column *column,
                             kai_err *err) {
    struct buf text;
    buf_init(&text, CAPS_FIELD_BYTES + 1);
    kai_status st = KAI_OK;
    for (int64_t row = 0; row < column->rows && !st; row++) {
        if (!column_is_valid(column, row)) continue;
        st = column_print(column, row, &text, err);
        if (!st && find_name(groups, text.data ? text.data : "") < 0)
            st = add_name(groups, text.data ? text.data : "", err);
    }
    buf_release(&text);
    return st;
}

static int has_missing_rows(const struct column *column) {
    for (int64_t row = 0; row < column->rows; row++) {
        if (!column_is_valid(column, row)) return 1;
        if (column->kind == COLUMN_F64 && isnan(column->as.f64[row])) return 1;
    }
    return 0;
}

kai_status fairness_groups_new(const struct column *column, struct fairness_groups **ret_groups,
                               kai_err *err) {
    struct fairness_groups *groups = mem_zero(1, sizeof *groups);
    if (groups) groups->names = mem_zero(FAIRNESS_GROUPS_MAX, sizeof *groups->names);
    kai_status st = KAI_OK;
    if (!groups || !groups->names) st = err_memory(err, (int64_t)sizeof *groups);
    if (!st && is_number(column))
        st = fill_numbers(groups, column, err);
    else if (!st && column->kind == COLUMN_CATEGORY)
        st = fill_categories(groups, column, err);
    else if (!st)
        st = fill_texts(groups, column, err);
    if (!st && has_missing_rows(column)) {
        st = add_name(groups, missing_name, err);
        groups->has_missing = 1;
    }
    if (st) {
        (void)err_wrap(err, st, "column '%s'", column->name);
        fairness_groups_free(groups);
        return st;
    }
    *ret_groups = groups;
    return KAI_OK;
}

void fairness_groups_free(struct fairness_groups *groups) {
    if (!groups) return;
    for (int32_t g = 0; g < groups->count && groups->names; g++) mem_free(groups->names[g]);
    mem_free(groups->names);
    mem_free(groups);
}

static int32_t group_of_missing(const struct fairness_groups *groups) {
    return groups->has_missing ? groups->count - 1 : -1;
}

static int32_t group_of_number(const struct fairness_groups *groups, double value) {
    if (isnan(value)) return group_of_missing(groups);
    for (int32_t g = 0; g < groups->level_count; g++)
        if (groups->levels[g] == value) return g;
    if (groups->level_count > 0) return -1;
    int32_t g = 0;
    while (g < groups->cut_count && value > groups->cuts[g]) g++;
    return g;
}

kai_status fairness_groups_apply(const struct fairness_groups *groups, const struct column *column,
                                 int32_t *ret_group, kai_err *err) {
    struct buf text;
    buf_init(&text, CAPS_FIELD_BYTES + 1);
    kai_status st = KAI_OK;
    int32_t *of_code = NULL;
    if (column->kind == COLUMN_CATEGORY) {
        of_code = mem_array((size_t)column->dict->count, sizeof *of_code);
        if (!of_code) st = err_memory(err, column->dict->count * (int64_t)sizeof *of_code);
        for (int32_t c = 0; c < column->dict->count && !st; c++)
            of_code[c] = find_name(groups, dict_text(column->dict, c));
    }
    for (int64_t row = 0; row < column->rows && !st; row++) {
        if (!column_is_valid(column, row)) {
            ret_group[row] = group_of_missing(groups);
        } else if (of_code) {
            ret_group[row] = of_code[column->as.codes[row]];
        } else if (is_number(column)) {
            ret_group[row] = group_of_number(groups, column_f64(column, row));
        } else {
            st = column_print(column, row, &text, err);
            if (!st) ret_group[row] = find_name(groups, text.data ? text.data : "");
        }
    }
    mem_free(of_code);
    buf_release(&text);
    return st;
}
