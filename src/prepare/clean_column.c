#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "prepare/clean_parts.h"
#include "prepare/robust.h"

enum {
    ID_ROWS_MIN = 10,          /* fewer rows are distinct by chance */
    MONOTONE_ROWS_MIN = 20,    /* the chance of 20 sorted values is 1 / 20! */
    CODE_DIGITS_MIN = 7,       /* shorter codes look like amounts */
    DISTINCT_COUNT_MAX = 1000, /* numbers are counted on only while they may be an identifier */
    OUTLIER_LEVELS_MIN = 10,   /* scores and counts of few values have no outliers */
};

/* 1900-01-01 and 2101-01-01, in microseconds since 1970. */
static const double DATE_LOW_US = -25567.0 * 86400e6, DATE_HIGH_US = 47847.0 * 86400e6;
/* Of the rows, from which a column that is named an id is one. */
static const double NAMED_ID_SHARE = 0.2;
/* Of repeated texts, up to which text is a category that was not recognised. */
static const double TEXT_SHARE_MAX = 0.5;
static const double NEGATIVE_SHARE_MAX = 0.001;

static int64_t row_at(const int64_t *rows, int64_t i) { return rows ? rows[i] : i; }

/* "customer_id", "PatientId", "ID": the last word is "id"; "paid" is not. */
static int is_named_id(const char *name) {
    size_t n = strlen(name);
    if (n < 2 || (name[n - 1] | 32) != 'd' || (name[n - 2] | 32) != 'i') return 0;
    if (n == 2) return 1;
    char before = name[n - 3];
    int is_lower = before >= 'a' && before <= 'z', is_upper = before >= 'A' && before <= 'Z';
    if (name[n - 2] == 'I') return !is_upper;
    return !is_lower && !is_upper;
}

/* A set of hashes; grows by doubling. Zero is stored as one. */
struct seen {
    uint64_t *slots; /* owned */
    int64_t capacity;
    int64_t count;
};

static kai_status grow_seen(struct seen *seen, kai_err *err) {
    int64_t capacity = seen->capacity ? seen->capacity * 2 : 64;
    uint64_t *slots = mem_zero((size_t)capacity, sizeof *slots);
    if (!slots) return err_memory(err, capacity * (int64_t)sizeof *slots);
    for (int64_t i = 0; i < seen->capacity; i++) {
        if (!seen->slots[i]) continue;
        uint64_t at = seen->slots[i] & (uint64_t)(capacity - 1);
        while (slots[at]) at = (at + 1) & (uint64_t)(capacity - 1);
        slots[at] = seen->slots[i];
    }
    mem_free(seen->slots);
    seen->slots = slots;
    seen->capacity = capacity;
    return KAI_OK;
}

static kai_status add_seen(struct seen *seen, uint64_t hash, kai_err *err) {
    if (seen->capacity < 2 * (seen->count + 1)) {
        kai_status st = grow_seen(seen, err);
        if (st) return st;
    }
    if (!hash) hash = 1;
    uint64_t mask = (uint64_t)(seen->capacity - 1);
    for (uint64_t at = hash & mask;; at = (at + 1) & mask) {
        if (seen->slots[at] == hash) return KAI_OK;
        if (seen->slots[at]) continue;
        seen->slots[at] = hash;
        seen->count++;
        return KAI_OK;
    }
}

static uint64_t hash_value(const struct column *column, int64_t row) {
    switch (column->kind) {
    case COLUMN_F64: {
        double value = column->as.f64[row] + 0.0; /* -0 is 0 */
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        return hash_mix(bits);
    }
    case COLUMN_I64:
    case COLUMN_TIME: return hash_mix((uint64_t)column->as.i64[row]);
    case COLUMN_BOOL: return hash_mix(column->as.flags[row]);
    case COLUMN_CATEGORY: return hash_mix((uint64_t)column->as.codes[row]);
    case COLUMN_TEXT: break;
    }
    int64_t begin = column->offsets[row];
    return hash_bytes(column->as.bytes + begin, (size_t)(column->offsets[row + 1] - begin), 0);
}

/* Distinct values of the rows to learn from. *ret_valid: rows with a value among those looked at.
 */
static kai_status count_distinct(const struct column *column, const int64_t *learn, int64_t rows,
                                 int64_t *ret_distinct, int64_t *ret_valid, kai_err *err) {
    struct seen seen = {0};
    int64_t valid = 0;
    int is_number = column->kind != COLUMN_TEXT && column->kind != COLUMN_CATEGORY;
    int wants_all = !is_number || is_named_id(column->name);
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < rows; i++) {
        int64_t row = row_at(learn, i);
        if (!column_is_valid(column, row)) continue;
        valid++;
        int may_stop = column->kind != COLUMN_I64 || seen.count < valid - 1;
        if (!wants_all && may_stop && seen.count >= DISTINCT_COUNT_MAX) continue;
        st = add_seen(&seen, hash_value(column, row), err);
    }
    *ret_distinct = seen.count;
    *ret_valid = valid;
    mem_free(seen.slots);
    return st;
}

static int count_digits(int64_t value) {
    int digits = value < 0 ? 20 : 1; /* a negative number is no code */
    for (; value > 9; value /= 10) digits++;
    return digits;
}

/* Whole numbers, all distinct: row numbers or codes? */
static int looks_like_codes(const struct column *column, const int64_t *learn, int64_t rows) {
    int64_t first = column->as.i64[row_at(learn, 0)], before = first, low = first, high = first;
    int ups = 0, downs = 0, digits = count_digits(first), is_code = digits >= CODE_DIGITS_MIN;
    for (int64_t i = 1; i < rows; i++) {
        int64_t value = column->as.i64[row_at(learn, i)];
        if (value > before) ups = 1;
        if (value < before) downs = 1;
        before = value;
        if (value < low) low = value;
        if (value > high) high = value;
        if (is_code && count_digits(value) != digits) is_code = 0;
    }
    int is_dense = (double)high - (double)low < 2.0 * (double)rows;
    int is_monotone = ups + downs == 1 && rows >= MONOTONE_ROWS_MIN;
    return is_monotone || is_dense || (is_code && digits < 20);
}

static int is_identifier(const struct clean_options *options, const struct column *column,
                         const int64_t *learn, int64_t rows, int64_t distinct, int64_t valid) {
    if (valid < ID_ROWS_MIN || column->kind == COLUMN_BOOL || column->kind == COLUMN_TIME) return 0;
    double share = (double)distinct / (double)valid;
    if (is_named_id(column->name) && share >= NAMED_ID_SHARE) return 1;
    if (column->kind == COLUMN_TEXT || column->kind == COLUMN_CATEGORY)
        return share >= options->id_share;
    return column->kind == COLUMN_I64 && valid == rows && distinct == rows &&
           looks_like_codes(column, learn, rows);
}

/* Bounds of the possible, and how many values of all rows lie outside. */
static void find_impossible(const struct clean_options *options, const struct column *column,
                            const int64_t *learn, int64_t rows, struct clean_column *item) {
    if (options->keep & CLEAN_KEEP_IMPOSSIBLE) return;
    if (column->kind == COLUMN_F64) item->low = -DBL_MAX, item->high = DBL_MAX;
    if (column->kind == COLUMN_TIME) item->low = DATE_LOW_US, item->high = DATE_HIGH_US;
    int is_whole = column->kind == COLUMN_I64 || column->kind == COLUMN_F64;
    int64_t negatives = 0;
    for (int64_t i = 0; options->negatives && is_whole && i < rows; i++) {
        double value = column_f64(column, row_at(learn, i));
        if (isnan(value)) continue;
        negatives += value < 0;
        if (value != floor(value)) is_whole = 0;
    }
    if (options->negatives && is_whole && (double)negatives <= NEGATIVE_SHARE_MAX * (double)rows)
        item->low = 0;
    if (column->kind == COLUMN_TEXT || column->kind == COLUMN_CATEGORY) return;
    for (int64_t i = 0; i < column->rows; i++) {
        double value = column_f64(column, i);
        if (value < item->low || value > item->high) item->impossible++;
    }
}

static kai_status find_outliers(const struct clean_options *options, const struct column *column,
                                const int64_t *learn, int64_t rows, struct clean_column *item,
                                kai_err *err) {
    double *values = mem_array((size_t)rows, 2 * sizeof *values);
    if (!values) return err_memory(err, rows * 2 * (int64_t)sizeof *values);
    int64_t count = 0;
    for (int64_t i = 0; i < rows; i++) {
        double value = column_f64(column, row_at(learn, i));
        if (value >= item->low && value <= item->high && isfinite(value)) values[count++] = value;
    }
    if (count) {
        struct robust robust = robust_measure(values, count, values + count);
        if (robust.scale > 0) {
            item->outlier_low = robust.median - options->outlier_z * robust.scale;
            item->outlier_high = robust.median + options->outlier_z * robust.scale;
        }
    }
    mem_free(values);
    for (int64_t i = 0; i < column->rows; i++) {
        double value = column_f64(column, i);
        if (value < item->low || value > item->high) continue;
        if (value < item->outlier_low || value > item->outlier_high) item->outliers++;
    }
    return KAI_OK;
}

static kai_status find_rare(const struct clean_options *options, const struct column *column,
                            const int64_t *learn, int64_t rows, struct clean_column *item,
                            kai_err *err) {
    if (options->keep & CLEAN_KEEP_RARE) return KAI_OK;
    int64_t *counts = mem_zero((size_t)column->dict->count, sizeof *counts);
    if (!counts) return err_memory(err, column->dict->count * (int64_t)sizeof *counts);
    for (int64_t i = 0; i < rows; i++) {
        int32_t code = column->as.codes[row_at(learn, i)];
        if (code >= 0 && column_is_valid(column, row_at(learn, i))) counts[code]++;
    }
    for (int32_t c = 0; c < column->dict->count; c++)
        item->rare_levels += counts[c] > 0 && counts[c] < options->rare_rows_min;
    for (int64_t i = 0; i < column->rows; i++) {
        int32_t code = column->as.codes[i];
        if (code < 0 || !column_is_valid(column, i)) continue;
        item->rare_rows += counts[code] > 0 && counts[code] < options->rare_rows_min;
    }
    mem_free(counts);
    return KAI_OK;
}

static enum clean_reason find_reason(const struct clean_options *options,
                                     const struct column *column, const int64_t *learn,
                                     int64_t rows, int64_t distinct, int64_t valid) {
    if (valid == 0) return CLEAN_EMPTY; /* nothing to keep */
    if (distinct == 1 && valid == rows && !(options->keep & CLEAN_KEEP_CONSTANTS))
        return CLEAN_CONSTANT;
    if (!(options->keep & CLEAN_KEEP_IDS) &&
        is_identifier(options, column, learn, rows, distinct, valid))
        return CLEAN_IDENTIFIER;
    if (column->kind == COLUMN_TEXT && (double)distinct > TEXT_SHARE_MAX * (double)valid &&
        !(options->keep & CLEAN_KEEP_IDS))
        return CLEAN_TEXT;
    return CLEAN_KEPT;
}

kai_status clean_judge(const struct clean_options *options, const struct column *column,
                       const int64_t *learn, int64_t learn_rows, struct clean_column *ret_item,
                       kai_err *err) {
    struct clean_column *item = ret_item;
    item->low = item->outlier_low = -INFINITY;
    item->high = item->outlier_high = INFINITY;
    int64_t valid = 0;
    kai_status st = count_distinct(column, learn, learn_rows, &item->learn_levels, &valid, err);
    if (st) return st;
    item->reason = find_reason(options, column, learn, learn_rows, item->learn_levels, valid);
    if (item->reason != CLEAN_KEPT) return KAI_OK;
    find_impossible(options, column, learn, learn_rows, item);
    int is_number = column->kind == COLUMN_F64 || column->kind == COLUMN_I64;
    if (is_number && item->learn_levels > OUTLIER_LEVELS_MIN)
        st = find_outliers(options, column, learn, learn_rows, item, err);
    if (column->kind == COLUMN_CATEGORY)
        st = find_rare(options, column, learn, learn_rows, item, err);
    return st;
}
