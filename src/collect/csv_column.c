/* Filling a column. What becomes of it when all rows are in stands in csv_decide.c. */
#include "collect/csv_column.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "collect/csv_value.h"

/* A dictionary with more entries than this costs more than the texts themselves. */
enum { DICT_ENTRIES_MAX = 1 << 18 };

kai_status csv_column_init(struct csv_column *column, struct slice name, int32_t index,
                           const struct option_list *markers, enum csv_kind asked, kai_err *err) {
    *column = (struct csv_column){.index = index, .markers = markers, .asked = asked};
    column->kind = asked;
    column->name = mem_string_n(name.data, name.size);
    return column->name ? KAI_OK : err_memory(err, (int64_t)name.size);
}

void csv_column_reset(struct csv_column *column) {
    mem_free(column->as.i64);
    mem_free(column->valid);
    mem_free(column->bytes);
    mem_free(column->recent);
    mem_free(column->scratch);
    mem_free(column->odd);
    dict_release(&column->dict);
    arena_release(&column->odd_texts);
    *column = (struct csv_column){.name = column->name,
                                  .index = column->index,
                                  .markers = column->markers,
                                  .asked = column->asked,
                                  .kind = column->kind};
}

void csv_column_release(struct csv_column *column) {
    csv_column_reset(column);
    mem_free(column->name);
    column->name = NULL;
}

static enum csv_store store_of(enum csv_kind kind) {
    switch (kind) {
    case CSV_NUMBER:
    case CSV_INTEGERS:
    case CSV_NUMERIC: return CSV_STORE_NUMBER;
    case CSV_TIME: return CSV_STORE_TIME;
    case CSV_FLAG: return CSV_STORE_FLAG;
    case CSV_TEXT: return CSV_STORE_TEXT;
    default: return CSV_STORE_DICT;
    }
}

static struct slice plain_text(const char *text, struct csv_field field) {
    return (struct slice){text + field.at, field.size};
}

void csv_column_guess(struct csv_column *column, const struct csv_block *block) {
    enum { SAMPLE_ROWS = 256 };
    column->store = store_of(column->kind);
    if (column->kind != CSV_INFER) return;
    int64_t values = 0, numbers = 0, times = 0;
    for (int64_t r = 0; r < block->rows && r < SAMPLE_ROWS; r++) {
        struct slice text =
            slice_trim(plain_text(block->text, block->fields[r * block->columns + column->index]));
        if (text.size == 0 || csv_is_marker(text, column->markers)) continue;
        struct csv_number number = csv_parse_number(text);
        int64_t us;
        values++;
        numbers += number.kind != CSV_NO_NUMBER && !number.is_code;
        times += csv_parse_time(text, &us);
    }
    if (values && numbers == values) column->store = CSV_STORE_NUMBER;
    if (values && times == values) column->store = CSV_STORE_TIME;
}

static kai_status grow(void **memory, int64_t *capacity, int64_t need, size_t bytes, kai_err *err) {
    if (need <= *capacity) return KAI_OK;
    int64_t grown = *capacity + *capacity / 2;
    if (grown < need) grown = need;
    void *resized = mem_resize(*memory, (size_t)grown, bytes);
    if (!resized) return err_memory(err, grown * (int64_t)bytes);
    *memory = resized;
    *capacity = grown;
    return KAI_OK;
}

static size_t value_bytes(enum csv_store store) {
    if (store == CSV_STORE_FLAG) return sizeof(uint8_t);
    return store == CSV_STORE_DICT ? sizeof(int32_t) : sizeof(int64_t);
}

/* Room for `count` more rows, all valid until said otherwise. */
static kai_status reserve_rows(struct csv_column *column, int64_t count, kai_err *err) {
    int64_t before = column->capacity, need = column->rows + count;
    void *values = column->as.i64;
    kai_status st = grow(&values, &column->capacity, need, value_bytes(column->store), err);
    column->as.i64 = values;
    if (st || !column->valid) return st;
    if (column->capacity > before) {
        uint8_t *valid = mem_resize(column->valid, (size_t)column->capacity, 1);
        if (!valid) return err_memory(err, column->capacity);
        column->valid = valid;
    }
    memset(column->valid + column->rows, 1, (size_t)count);
    return KAI_OK;
}

/* Texts and codes say "missing" by themselves until the end; other values need the byte. */
static kai_status mark_missing(struct csv_column *column, int64_t row, kai_err *err) {
    if (!column->valid) {
        column->valid = mem_alloc((size_t)column->capacity);
        if (!column->valid) return err_memory(err, column->capacity);
        memset(column->valid, 1, (size_t)column->capacity);
    }
    column->valid[row] = 0;
    if (column->store == CSV_STORE_NUMBER && column->is_f64)
        column->as.f64[row] = NAN;
    else if (column->store == CSV_STORE_FLAG)
        column->as.flags[row] = 0;
    else
        column->as.i64[row] = 0;
    return KAI_OK;
}

kai_status csv_column_text(struct csv_column *column, const char *text, struct csv_field field,
                           struct slice *ret_text, kai_err *err) {
    struct slice plain = plain_text(text, field);
    *ret_text = plain;
    if (!field.is_escaped) return KAI_OK;
    void *scratch = column->scratch;
    kai_status st = grow(&scratch, &column->scratch_capacity, (int64_t)plain.size, 1, err);
    column->scratch = scratch;
    if (st) return st;
    size_t size = 0;
    for (size_t i = 0; i < plain.size; i++) {
        column->scratch[size++] = plain.data[i];
        i += plain.data[i] == '"';
    }
    *ret_text = (struct slice){column->scratch, size};
    return KAI_OK;
}

/* A copy of at most `max` bytes, cut at a character. */
static kai_status keep_text(struct csv_column *column, struct slice text, size_t max,
                            struct slice *ret_copy, kai_err *err) {
    if (text.size > max) text.size = text_utf8_valid(text.data, max);
    char *copy = arena_string_n(&column->odd_texts, text.data, text.size);
    if (!copy) return err_memory(err, (int64_t)text.size);
    column->odd_bytes += (int64_t)text.size;
    *ret_copy = (struct slice){copy, text.size};
    return KAI_OK;
}

/* Remember a value that does not fit. A column of which more than one value in a hundred is odd is
 * not what it promised; then, unless the kind is settled, nothing more needs to be remembered. */
static kai_status append_odd(struct csv_column *column, const struct csv_block *block, int64_t r,
                             struct slice text, kai_err *err) {
    enum { ODD_FREE = 1000, TEXT_BYTES = 60, RAW_BYTES = 256, RAW_TOTAL_BYTES = 64 << 20 };
    if (column->kind == CSV_INFER && column->odd_count > ODD_FREE + column->rows / 100)
        column->is_broken = 1;
    if (column->is_broken) return KAI_OK;
    void *memory = column->odd;
    kai_status st =
        grow(&memory, &column->odd_capacity, column->odd_count + 1, sizeof *column->odd, err);
    column->odd = memory;
    if (st) return st;
    const struct csv_row *row = &block->row[r];
    struct csv_odd odd = {
        .row = column->rows + r, .line = block->line + row->line, .column = column->index};
    size_t raw_max = column->odd_bytes < RAW_TOTAL_BYTES ? SIZE_MAX : RAW_BYTES;
    st = keep_text(column, text, TEXT_BYTES, &odd.text, err);
    struct slice raw = {block->text + row->at, row->size};
    if (!st) st = keep_text(column, raw, raw_max, &odd.raw, err);
    if (!st) column->odd[column->odd_count++] = odd;
    return st;
}

static void widen_to_f64(struct csv_column *column, int64_t rows) {
    for (int64_t i = 0; i < rows; i++) {
        int is_valid = !column->valid || column->valid[i];
        double value = is_valid ? (double)column->as.i64[i] : NAN;
        memcpy(&column->as.f64[i], &value, sizeof value);
    }
    column->is_f64 = 1;
}

/* Store a parsed number; 0 where the column does not take it. */
static int put_number(struct csv_column *column, int64_t row, const struct csv_number *number) {
    struct csv_evidence *evidence = &column->evidence;
    if (number->kind == CSV_NO_NUMBER) return 0;
    if (number->kind == CSV_DECIMAL) {
        if (column->kind == CSV_INTEGERS) return 0;
        if (!column->is_f64) widen_to_f64(column, row);
        column->as.f64[row] = number->decimal;
    } else if (column->is_f64) {
        column->as.f64[row] = (double)number->integer;
    } else {
        column->as.i64[row] = number->integer;
    }
    evidence->values++;
    evidence->numbers++;
    evidence->integers += number->kind == CSV_INTEGER;
    evidence->codes += number->is_code;
    return 1;
}

static int put_time(struct csv_column *column, int64_t row, struct slice text) {
    if (!csv_parse_time(text, &column->as.i64[row])) return 0;
    column->evidence.values++;
    column->evidence.times++;
    return 1;
}

static int put_flag(struct csv_column *column, int64_t row, struct slice text) {
    int value;
    if (!text_parse_flag(text, &value)) return 0;
    column->as.flags[row] = (uint8_t)value;
    column->evidence.values++;
    return 1;
}

static int put_typed(struct csv_column *column, int64_t row, struct slice text) {
    if (column->store == CSV_STORE_TIME) return put_time(column, row, text);
    if (column->store == CSV_STORE_FLAG) return put_flag(column, row, text);
    struct csv_number number = csv_parse_number(text);
    return put_number(column, row, &number);
}

/* A field that the store did not take as it stands: missing, quoted with blanks, or odd. */
static kai_status put_other(struct csv_column *column, const struct csv_block *block, int64_t r,
                            struct csv_field field, kai_err *err) {
    int64_t row = column->rows + r;
    struct slice text;
    kai_status st = csv_column_text(column, block->text, field, &text, err);
    if (st) return st;
    struct slice trimmed = slice_trim(text);
    if (trimmed.size != field.size && trimmed.size && put_typed(column, row, trimmed))
        return KAI_OK;
    int is_marked = csv_is_weak_marker(trimmed);
    if (trimmed.size == 0) {
        column->evidence.empties += field.is_quoted;
    } else if (!csv_is_marker(text, column->markers)) {
        column->evidence.values++;
        column->evidence.marked += is_marked;
        if (!is_marked) st = append_odd(column, block, r, text, err);
    }
    return st ? st : mark_missing(column, row, err);
}

static kai_status append_numbers(struct csv_column *column, const struct csv_block *block,
                                 kai_err *err) {
    const struct csv_field *field = block->fields + column->index;
    kai_status st = KAI_OK;
    for (int64_t r = 0; !st && r < block->rows; r++, field += block->columns) {
        struct slice text = plain_text(block->text, *field);
        struct csv_number number = {.is_code = 0};
        number.kind = csv_quick_number(text, &number.integer, &number.decimal);
        if (number.kind == CSV_NO_NUMBER) number = csv_parse_number(text);
        if (!put_number(column, column->rows + r, &number))
            st = put_other(column, block, r, *field, err);
    }
    return st;
}

static kai_status append_typed(struct csv_column *column, const struct csv_block *block,
                               kai_err *err) {
    const struct csv_field *field = block->fields + column->index;
    kai_status st = KAI_OK;
    for (int64_t r = 0; !st && r < block->rows; r++, field += block->columns)
        if (!put_typed(column, column->rows + r, plain_text(block->text, *field)))
            st = put_other(column, block, r, *field, err);
    return st;
}

/* The code of a text that is not among the recent ones; -1 for a marker. */
static kai_status find_code(struct csv_column *column, struct slice text, int32_t *ret_code,
                            kai_err *err) {
    *ret_code = -1;
    if (text.size && csv_is_marker(text, column->markers)) return KAI_OK;
    return dict_add(&column->dict, text, ret_code, err);
}

static struct csv_recent recent_key(struct slice text) {
    struct csv_recent key = {.size = (uint32_t)text.size + 1};
    memcpy(&key.low, text.data, sizeof key.low); /* CSV_PADDING bytes follow every window */
    memcpy(&key.high, text.data + sizeof key.low, sizeof key.high);
    if (text.size < 8) {
        key.low &= (1ull << (8 * text.size)) - 1;
        key.high = 0;
    } else if (text.size < 16) {
        key.high &= (1ull << (8 * (text.size - 8))) - 1;
    }
    return key;
}

static kai_status put_code(struct csv_column *column, const char *text, struct csv_field field,
                           int32_t *ret_code, kai_err *err) {
    enum { RECENT_BYTES = 16 };
    if (field.size == 0 && !field.is_quoted) {
        *ret_code = -1;
        return KAI_OK;
    }
    struct slice plain = plain_text(text, field);
    if (field.is_escaped || field.size > RECENT_BYTES) {
        kai_status st = csv_column_text(column, text, field, &plain, err);
        return st ? st : find_code(column, plain, ret_code, err);
    }
    struct csv_recent key = recent_key(plain);
    uint64_t mixed = (key.low ^ (key.high * 31) ^ key.size) * 0x9e3779b97f4a7c15ull;
    struct csv_recent *recent = &column->recent[mixed >> 56];
    if (recent->size == key.size && recent->low == key.low && recent->high == key.high) {
        *ret_code = recent->code;
        return KAI_OK;
    }
    kai_status st = find_code(column, plain, &key.code, err);
    if (st) return st;
    *recent = key;
    *ret_code = key.code;
    return KAI_OK;
}

static kai_status append_codes(struct csv_column *column, const struct csv_block *block,
                               kai_err *err) {
    const struct csv_field *field = block->fields + column->index;
    kai_status st = KAI_OK;
    if (!column->recent) column->recent = mem_zero(CSV_RECENTS, sizeof *column->recent);
    if (!column->recent) return err_memory(err, CSV_RECENTS * (int64_t)sizeof *column->recent);
    for (int64_t r = 0; !st && r < block->rows; r++, field += block->columns)
        st = put_code(column, block->text, *field, &column->as.codes[column->rows + r], err);
    return st;
}

static kai_status append_bytes(struct csv_column *column, struct slice text, kai_err *err) {
    void *bytes = column->bytes;
    kai_status st =
        grow(&bytes, &column->bytes_capacity, column->bytes_size + (int64_t)text.size, 1, err);
    column->bytes = bytes;
    if (st) return st;
    if (text.size) memcpy(column->bytes + column->bytes_size, text.data, text.size);
    column->bytes_size += (int64_t)text.size;
    return KAI_OK;
}

static kai_status append_texts(struct csv_column *column, const struct csv_block *block,
                               kai_err *err) {
    const struct csv_field *field = block->fields + column->index;
    kai_status st = KAI_OK;
    for (int64_t r = 0; !st && r < block->rows; r++, field += block->columns) {
        struct slice text;
        int64_t row = column->rows + r;
        st = csv_column_text(column, block->text, *field, &text, err);
        if (st) break;
        int64_t begin = column->bytes_size;
        int is_missing = (text.size == 0 && !field->is_quoted) ||
                         (text.size && csv_is_marker(text, column->markers));
        if (is_missing) st = mark_missing(column, row, err);
        if (!st && !is_missing) st = append_bytes(column, text, err);
        column->as.offsets[row] = begin;
    }
    return st;
}

kai_status csv_column_unfold(struct csv_column *column, kai_err *err) {
    int32_t *codes = column->as.codes;
    int64_t rows = column->rows;
    column->as.offsets = NULL;
    column->capacity = 0;
    column->rows = 0;
    column->store = CSV_STORE_TEXT;
    kai_status st = reserve_rows(column, rows, err);
    for (int64_t row = 0; !st && row < rows; row++) {
        int64_t begin = column->bytes_size;
        if (codes[row] < 0)
            st = mark_missing(column, row, err);
        else
            st = append_bytes(column, column->dict.entries[codes[row]], err);
        column->as.offsets[row] = begin;
    }
    column->rows = rows;
    mem_free(codes);
    dict_release(&column->dict);
    return st;
}

kai_status csv_column_append(struct csv_column *column, const struct csv_block *block,
                             kai_err *err) {
    kai_status st = reserve_rows(column, block->rows, err);
    if (st) return st;
    switch (column->store) {
    case CSV_STORE_NUMBER: st = append_numbers(column, block, err); break;
    case CSV_STORE_TIME:
    case CSV_STORE_FLAG: st = append_typed(column, block, err); break;
    case CSV_STORE_DICT: st = append_codes(column, block, err); break;
    case CSV_STORE_TEXT: st = append_texts(column, block, err); break;
    }
    if (st) return st;
    column->rows += block->rows;
    if (column->store == CSV_STORE_DICT && column->kind != CSV_CATEGORY &&
        column->dict.count > DICT_ENTRIES_MAX)
        st = csv_column_unfold(column, err);
    return st;
}
