/* What a column becomes when all its rows are in.
 *
 * Numbers: at least half of the values are numbers, at most one in two hundred is neither number
 * nor weak marker ('?', 'unknown' ...) and then only among 200 values or more, and fewer than one
 * number in a thousand is a code (a leading zero, more digits than an int64). Dates: the same
 * without codes. Everything else is words: a category where texts repeat, a text where they do not.
 * A column whose first rows were numbers or dates and that did not stay so is words. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "collect/csv_column.h"
#include "collect/csv_value.h"

static void count_value(struct csv_evidence *evidence, struct slice text, int64_t times) {
    struct slice trimmed = slice_trim(text);
    evidence->bytes += (int64_t)text.size * times;
    if (trimmed.size == 0) {
        evidence->empties += times;
        return;
    }
    evidence->values += times;
    struct csv_number number = csv_parse_number(trimmed);
    int64_t us;
    if (number.kind != CSV_NO_NUMBER) {
        evidence->numbers += times;
        evidence->integers += number.kind == CSV_INTEGER ? times : 0;
        evidence->codes += number.is_code ? times : 0;
    } else if (csv_parse_time(trimmed, &us)) {
        evidence->times += times;
    } else {
        evidence->marked += csv_is_weak_marker(trimmed) ? times : 0;
    }
}

static struct slice text_of(const struct csv_column *column, int64_t row) {
    int64_t begin = column->as.offsets[row];
    int64_t end = row + 1 < column->rows ? column->as.offsets[row + 1] : column->bytes_size;
    return (struct slice){column->bytes + begin, (size_t)(end - begin)};
}

static kai_status gather_evidence(struct csv_column *column, kai_err *err) {
    struct csv_evidence *evidence = &column->evidence;
    if (column->store == CSV_STORE_TEXT) {
        evidence->distinct = INT64_MAX;
        for (int64_t row = 0; row < column->rows; row++)
            if (!column->valid || column->valid[row])
                count_value(evidence, text_of(column, row), 1);
    }
    if (column->store != CSV_STORE_DICT) return KAI_OK;
    int32_t count = column->dict.count;
    evidence->distinct = count;
    int64_t *times = mem_zero((size_t)count, sizeof *times);
    if (!times) return err_memory(err, count * (int64_t)sizeof *times);
    for (int64_t row = 0; row < column->rows; row++)
        if (column->as.codes[row] >= 0) times[column->as.codes[row]]++;
    for (int32_t code = 0; code < count; code++)
        count_value(evidence, column->dict.entries[code], times[code]);
    mem_free(times);
    return KAI_OK;
}

/* `fitting` values of the column's are of one kind: is it that kind's column? */
static int is_mostly(const struct csv_evidence *evidence, int64_t fitting) {
    enum { VALUES_MIN = 200, ODD_ONE_IN = 200 };
    int64_t odd = evidence->values - fitting - evidence->marked;
    if (fitting == 0 || fitting < evidence->marked) return 0;
    return odd == 0 || (fitting + odd >= VALUES_MIN && odd * ODD_ONE_IN <= fitting + odd);
}

static int is_numeric(const struct csv_evidence *evidence) {
    enum { CODES_ONE_IN = 1000 };
    return is_mostly(evidence, evidence->numbers) &&
           evidence->codes * CODES_ONE_IN < evidence->numbers;
}

static enum csv_kind infer(const struct csv_column *column) {
    const struct csv_evidence *evidence = &column->evidence;
    if (column->is_broken) return CSV_WORDS;
    if (evidence->values == 0) return CSV_NUMBER;
    if (is_numeric(evidence)) return CSV_NUMERIC;
    return is_mostly(evidence, evidence->times) ? CSV_TIME : CSV_WORDS;
}

/* Category or text. */
static enum csv_kind choose_words(const struct csv_evidence *evidence) {
    enum { FEW = 64, LONG_BYTES = 100 };
    int64_t values = evidence->values + evidence->empties;
    if (evidence->distinct == INT64_MAX) return CSV_TEXT;
    if (evidence->distinct <= values / 2) return CSV_CATEGORY;
    int is_short = evidence->bytes <= values * LONG_BYTES;
    return evidence->distinct <= FEW && is_short ? CSV_CATEGORY : CSV_TEXT;
}

kai_status csv_column_decide(struct csv_column *column, int *ret_again, kai_err *err) {
    if (column->asked == CSV_INFER || column->kind == CSV_WORDS) {
        kai_status st = gather_evidence(column, err);
        if (st) return st;
    }
    if (column->kind == CSV_INFER) {
        column->kind = infer(column);
        int keeps_texts = column->store == CSV_STORE_DICT || column->store == CSV_STORE_TEXT;
        const struct csv_evidence *evidence = &column->evidence;
        int64_t fitting = column->kind == CSV_TIME ? evidence->times : evidence->numbers;
        int has_odd = evidence->values > fitting + evidence->marked;
        int is_typed = column->kind != CSV_WORDS;
        if (keeps_texts ? is_typed && has_odd : !is_typed) *ret_again = 1;
        if (!keeps_texts && !is_typed) return KAI_OK;
    }
    if (column->kind == CSV_WORDS) column->kind = choose_words(&column->evidence);
    return KAI_OK;
}

static enum column_kind column_kind_of(const struct csv_column *column) {
    switch (column->kind) {
    case CSV_NUMBER: return COLUMN_F64;
    case CSV_INTEGERS: return COLUMN_I64;
    case CSV_NUMERIC: {
        const struct csv_evidence *evidence = &column->evidence;
        int is_f64 = column->store == CSV_STORE_NUMBER ? column->is_f64
                                                       : evidence->integers < evidence->numbers;
        return is_f64 ? COLUMN_F64 : COLUMN_I64;
    }
    case CSV_TIME: return COLUMN_TIME;
    case CSV_FLAG: return COLUMN_BOOL;
    case CSV_CATEGORY: return COLUMN_CATEGORY;
    default: return COLUMN_TEXT;
    }
}

/* A number or a time out of a kept text. */
struct cell {
    union {
        double f64;
        int64_t i64;
    } as;
    int is_valid;
};

static struct cell read_cell(struct slice text, enum column_kind kind) {
    struct cell cell = {.as.i64 = 0};
    text = slice_trim(text);
    if (kind == COLUMN_TIME) {
        cell.is_valid = csv_parse_time(text, &cell.as.i64);
        return cell;
    }
    struct csv_number number = csv_parse_number(text);
    cell.is_valid = number.kind != CSV_NO_NUMBER;
    double value = number.kind == CSV_INTEGER ? (double)number.integer : number.decimal;
    if (kind == COLUMN_I64)
        cell.as.i64 = cell.is_valid ? number.integer : 0;
    else
        cell.as.f64 = cell.is_valid ? value : NAN;
    return cell;
}

static kai_status make_valid(struct csv_column *column, kai_err *err) {
    if (column->valid) return KAI_OK;
    column->valid = mem_alloc((size_t)column->rows);
    if (!column->valid) return err_memory(err, column->rows);
    memset(column->valid, 1, (size_t)column->rows);
    return KAI_OK;
}

/* Kept texts become numbers or times; each entry of a dictionary is parsed once. */
static kai_status convert_texts(struct csv_column *column, enum column_kind kind, kai_err *err) {
    int is_dict = column->store == CSV_STORE_DICT;
    int64_t count = is_dict ? column->dict.count : 0;
    struct cell *cells = mem_array((size_t)count, sizeof *cells);
    int64_t *values = mem_array((size_t)column->rows, sizeof *values);
    kai_status st = make_valid(column, err);
    if (!st && (!cells || !values)) st = err_memory(err, column->rows * (int64_t)sizeof *values);
    for (int64_t code = 0; !st && code < count; code++)
        cells[code] = read_cell(column->dict.entries[code], kind);
    for (int64_t row = 0; !st && row < column->rows; row++) {
        struct cell cell = read_cell((struct slice){"", 0}, kind);
        if (is_dict && column->as.codes[row] >= 0) cell = cells[column->as.codes[row]];
        if (!is_dict && column->valid[row]) cell = read_cell(text_of(column, row), kind);
        memcpy(&values[row], &cell.as, sizeof values[row]);
        column->valid[row] = (uint8_t)cell.is_valid;
    }
    mem_free(cells);
    if (st) {
        mem_free(values);
        return st;
    }
    mem_free(column->as.i64);
    column->as.i64 = values;
    return KAI_OK;
}

/* Bring the store to what the kind needs: numbers or times in as.f64, as.i64; codes; texts. */
static kai_status settle(struct csv_column *column, enum column_kind kind, kai_err *err) {
    if (kind == COLUMN_CATEGORY) {
        KAI_ASSERT(column->store == CSV_STORE_DICT);
        kai_status st = make_valid(column, err);
        for (int64_t row = 0; !st && row < column->rows; row++)
            column->valid[row] = column->as.codes[row] >= 0;
        return st;
    }
    if (kind == COLUMN_TEXT)
        return column->store == CSV_STORE_DICT ? csv_column_unfold(column, err) : KAI_OK;
    if (column->store == CSV_STORE_DICT || column->store == CSV_STORE_TEXT)
        return convert_texts(column, kind, err);
    for (int64_t row = 0; kind == COLUMN_F64 && !column->is_f64 && row < column->rows; row++) {
        int is_valid = !column->valid || column->valid[row];
        double value = is_valid ? (double)column->as.i64[row] : NAN;
        memcpy(&column->as.f64[row], &value, sizeof value);
    }
    return KAI_OK;
}

static size_t kind_bytes(enum column_kind kind) {
    if (kind == COLUMN_BOOL) return sizeof(uint8_t);
    return kind == COLUMN_CATEGORY ? sizeof(int32_t) : sizeof(int64_t);
}

/* Close the gaps of rows that are out. */
static void take_rows_out(struct csv_column *column, enum column_kind kind, const uint8_t *is_out) {
    size_t bytes = kind_bytes(kind);
    char *values = (char *)column->as.i64;
    int64_t kept = 0, used = 0;
    for (int64_t row = 0; row < column->rows; row++) {
        if (is_out[row]) continue;
        if (kind == COLUMN_TEXT) {
            struct slice text = text_of(column, row);
            memmove(column->bytes + used, text.data, text.size);
            column->as.offsets[kept] = used;
            used += (int64_t)text.size;
        } else {
            memmove(values + (size_t)kept * bytes, values + (size_t)row * bytes, bytes);
        }
        if (column->valid) column->valid[kept] = column->valid[row];
        kept++;
    }
    if (kind == COLUMN_TEXT) column->bytes_size = used;
    column->rows = kept;
}

/* Texts that only stood in rows that are out are no categories of the column. */
static kai_status renew_dict(struct csv_column *column, kai_err *err) {
    struct dict dict;
    dict_init(&dict);
    kai_status st = KAI_OK;
    for (int64_t row = 0; !st && row < column->rows; row++) {
        int32_t *code = &column->as.codes[row];
        if (*code >= 0) st = dict_add(&dict, column->dict.entries[*code], code, err);
    }
    struct dict *old = st ? &dict : &column->dict;
    dict_release(old);
    if (!st) column->dict = dict;
    return st;
}

/* Memory beyond the rows goes back; failing to shrink loses nothing. */
static void *trim(void *memory, int64_t count, size_t bytes) {
    void *trimmed = mem_resize(memory, (size_t)count, bytes);
    return trimmed ? trimmed : memory;
}

static int64_t count_missing(const struct csv_column *column) {
    int64_t missing = 0;
    for (int64_t row = 0; column->valid && row < column->rows; row++)
        missing += !column->valid[row];
    return missing;
}

/* Hand the memory over. */
static kai_status move_out(struct csv_column *column, struct column *made, kai_err *err) {
    int64_t rows = column->rows;
    if (made->kind == COLUMN_TEXT) {
        int64_t *offsets = mem_resize(column->as.offsets, (size_t)rows + 1, sizeof *offsets);
        if (!offsets) return err_memory(err, (rows + 1) * (int64_t)sizeof *offsets);
        offsets[rows] = column->bytes_size;
        mem_free(made->offsets);
        made->offsets = offsets;
        column->as.offsets = NULL;
        if (column->bytes) {
            mem_free(made->as.bytes);
            made->as.bytes = trim(column->bytes, column->bytes_size, 1);
            column->bytes = NULL;
        }
    } else {
        mem_free(made->as.bytes);
        made->as.i64 = trim(column->as.i64, rows, kind_bytes(made->kind));
        column->as.i64 = NULL;
    }
    if (made->kind == COLUMN_CATEGORY) {
        *made->dict = column->dict;
        dict_init(&column->dict);
    }
    int has_missing = count_missing(column) > 0;
    mem_free(made->valid);
    made->valid = has_missing ? trim(column->valid, rows, 1) : NULL;
    if (has_missing) column->valid = NULL;
    made->rows = rows;
    return KAI_OK;
}

kai_status csv_column_finish(struct csv_column *column, const uint8_t *is_out, int64_t rows_out,
                             struct column **ret_column, kai_err *err) {
    enum column_kind kind = column_kind_of(column);
    struct column *made = NULL;
    kai_status st = settle(column, kind, err);
    if (!st && rows_out > 0) {
        take_rows_out(column, kind, is_out);
        if (kind == COLUMN_CATEGORY) st = renew_dict(column, err);
    }
    if (!st) st = column_new(column->name, kind, 0, &made, err);
    if (!st) st = move_out(column, made, err);
    csv_column_reset(column);
    if (st)
        column_free(made);
    else
        *ret_column = made;
    return st;
}

void csv_column_reason(const struct csv_column *column, char *ret_text, size_t capacity) {
    const struct csv_evidence *evidence = &column->evidence;
    long long values = evidence->values, marked = evidence->marked;
    long long fitting = column->kind == CSV_TIME ? evidence->times : evidence->numbers;
    const char *what = column->kind == CSV_TIME                 ? "dates"
                       : evidence->integers < evidence->numbers ? "numbers"
                                                                : "integers";
    if (column->asked != CSV_INFER)
        (void)snprintf(ret_text, capacity, "asked for");
    else if (column->kind == CSV_CATEGORY || column->kind == CSV_TEXT)
        (void)(evidence->distinct == INT64_MAX
                   ? snprintf(ret_text, capacity, "more different texts than a category may have")
                   : snprintf(ret_text, capacity, "%lld different texts in %lld values",
                              (long long)evidence->distinct,
                              values + (long long)evidence->empties));
    else if (values == 0)
        (void)snprintf(ret_text, capacity, "no values");
    else if (fitting == values)
        (void)snprintf(ret_text, capacity, "all %lld values are %s", values, what);
    else if (marked == 0)
        (void)snprintf(ret_text, capacity, "%lld of %lld values are %s", fitting, values, what);
    else
        (void)snprintf(ret_text, capacity, "%lld of %lld values are %s, %lld stand for missing",
                       fitting, values, what, marked);
}
