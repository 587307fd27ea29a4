#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "prepare/clean_parts.h"

/* Rows are compared over a set of columns: all but the test column, or the key columns. */
struct comparison {
    const struct table *table;
    const uint8_t *is_used; /* (columns) */
};

/* A number's bits, with -0 as 0 and one NaN. */
static uint64_t number_bits(double value) {
    uint64_t bits;
    value = isnan(value) ? (double)NAN : value + 0.0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t cell_bits(const struct column *column, int64_t row) {
    if (!column_is_valid(column, row)) return 0x5bd1e995;
    switch (column->kind) {
    case COLUMN_F64: return number_bits(column->as.f64[row]);
    case COLUMN_I64:
    case COLUMN_TIME: return (uint64_t)column->as.i64[row];
    case COLUMN_BOOL: return column->as.flags[row];
    case COLUMN_CATEGORY: return (uint64_t)column->as.codes[row];
    case COLUMN_TEXT: break;
    }
    int64_t begin = column->offsets[row];
    return hash_bytes(column->as.bytes + begin, (size_t)(column->offsets[row + 1] - begin), 0);
}

static uint64_t hash_row(const struct comparison *comparison, int64_t row) {
    uint64_t hash = 0;
    for (int32_t c = 0; c < comparison->table->count; c++)
        if (comparison->is_used[c])
            hash = hash_mix(hash ^ cell_bits(comparison->table->columns[c], row));
    return hash;
}

static int is_equal_cell(const struct column *column, int64_t a, int64_t b) {
    if (column_is_valid(column, a) != column_is_valid(column, b)) return 0;
    if (!column_is_valid(column, a)) return 1;
    if (column->kind != COLUMN_TEXT) return cell_bits(column, a) == cell_bits(column, b);
    int64_t n = column->offsets[a + 1] - column->offsets[a];
    return n == column->offsets[b + 1] - column->offsets[b] &&
           memcmp(column->as.bytes + column->offsets[a], column->as.bytes + column->offsets[b],
                  (size_t)n) == 0;
}

static int is_equal_row(const struct comparison *comparison, int64_t a, int64_t b) {
    for (int32_t c = 0; c < comparison->table->count; c++)
        if (comparison->is_used[c] && !is_equal_cell(comparison->table->columns[c], a, b)) return 0;
    return 1;
}

static int has_whole_key(const struct comparison *comparison, int64_t row) {
    for (int32_t c = 0; c < comparison->table->count; c++)
        if (comparison->is_used[c] && !column_is_valid(comparison->table->columns[c], row))
            return 0;
    return 1;
}

/* ret_first[i]: the first row that equals row i (i itself where none before does; rows that lack a
 * part of the key stand alone while `needs_key`). Returns how many equal an earlier one. */
static kai_status find_first(const struct comparison *comparison, int needs_key, int64_t *ret_first,
                             int64_t *ret_repeats, kai_err *err) {
    int64_t rows = comparison->table->rows, capacity = 64, repeats = 0;
    while (capacity < 2 * rows) capacity *= 2;
    int64_t *slots = mem_zero((size_t)capacity, sizeof *slots); /* row + 1 */
    if (!slots) return err_memory(err, capacity * (int64_t)sizeof *slots);
    for (int64_t i = 0; i < rows; i++) {
        ret_first[i] = i;
        if (needs_key && !has_whole_key(comparison, i)) continue;
        uint64_t at = hash_row(comparison, i) & (uint64_t)(capacity - 1);
        while (slots[at] && !is_equal_row(comparison, slots[at] - 1, i))
            at = (at + 1) & (uint64_t)(capacity - 1);
        if (!slots[at]) {
            slots[at] = i + 1;
            continue;
        }
        ret_first[i] = slots[at] - 1;
        repeats++;
    }
    mem_free(slots);
    *ret_repeats = repeats;
    return KAI_OK;
}

/* Keep the first row of each set of equals; where the set has test rows, keep those alone.
 * has_test: (rows) scratch, zeroed. */
static void drop_repeats(struct clean *clean, const int64_t *first, const uint8_t *is_test,
                         uint8_t *has_test) {
    for (int64_t i = 0; is_test && i < clean->rows; i++)
        if (is_test[i]) has_test[first[i]] = 1;
    for (int64_t i = 0; i < clean->rows; i++) {
        if (is_test && is_test[i]) continue;
        int is_repeat = first[i] != i || has_test[i];
        if (is_repeat) clean->is_dropped[i] = 1;
    }
}

static int32_t choose_columns(const struct clean *clean, int wants_key, uint8_t *ret_used) {
    int32_t count = 0;
    for (int32_t c = 0; c < clean->columns; c++) {
        enum prepare_role role = clean->items[c].role;
        ret_used[c] = wants_key ? role == PREPARE_ID : role != PREPARE_TEST;
        count += ret_used[c];
    }
    return count;
}

kai_status clean_duplicates(struct clean *clean, const struct table *table, const uint8_t *is_test,
                            kai_err *err) {
    uint8_t *is_used = mem_zero((size_t)table->count, 1);
    uint8_t *has_test = mem_zero((size_t)table->rows, 1);
    int64_t *first = mem_array((size_t)table->rows, sizeof *first);
    struct comparison comparison = {table, is_used};
    kai_status st = KAI_OK;
    if (!is_used || !has_test || !first) st = err_memory(err, table->rows * (int64_t)sizeof *first);
    if (!st && choose_columns(clean, 0, is_used))
        st = find_first(&comparison, 0, first, &clean->equal_rows, err);
    if (!st && clean->options.drop_duplicates) drop_repeats(clean, first, is_test, has_test);
    if (!st && choose_columns(clean, 1, is_used)) {
        memset(has_test, 0, (size_t)table->rows);
        st = find_first(&comparison, 1, first, &clean->equal_keys, err);
        if (!st && !(clean->options.keep & CLEAN_KEEP_DUPLICATES))
            drop_repeats(clean, first, is_test, has_test);
    }
    for (int64_t i = 0; !st && i < clean->rows; i++) clean->dropped += clean->is_dropped[i];
    mem_free(is_used);
    mem_free(has_test);
    mem_free(first);
    return st;
}
