#include "table/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/options.h"

enum { US_PER_SECOND = 1000000 };

const char *column_kind_text(enum column_kind kind) {
    static const char *const TEXTS[] = {"number", "integer", "flag", "date", "category", "text"};
    return TEXTS[kind];
}

static size_t value_bytes(enum column_kind kind) {
    static const size_t BYTES[] = {sizeof(double),  sizeof(int64_t), sizeof(uint8_t),
                                   sizeof(int64_t), sizeof(int32_t), 0};
    return BYTES[kind];
}

static void set_missing(struct column *column) {
    if (column->kind == COLUMN_F64)
        for (int64_t i = 0; i < column->rows; i++) column->as.f64[i] = NAN;
    if (column->kind == COLUMN_CATEGORY)
        for (int64_t i = 0; i < column->rows; i++) column->as.codes[i] = -1;
}

kai_status column_new(const char *name, enum column_kind kind, int64_t rows,
                      struct column **ret_column, kai_err *err) {
    KAI_ASSERT(rows >= 0);
    struct column *column = mem_zero(1, sizeof *column);
    if (!column) return err_memory(err, sizeof *column);
    column->kind = kind;
    column->rows = rows;
    column->name = mem_string(name);
    column->valid = mem_zero((size_t)rows, 1);
    int is_complete = column->name && column->valid;
    if (kind == COLUMN_TEXT) {
        column->offsets = mem_zero((size_t)rows + 1, sizeof *column->offsets);
        column->as.bytes = mem_zero(1, 1);
        is_complete = is_complete && column->offsets && column->as.bytes;
    } else {
        column->as.bytes = mem_zero((size_t)rows, value_bytes(kind));
        is_complete = is_complete && column->as.bytes;
    }
    if (kind == COLUMN_CATEGORY) {
        column->dict = mem_zero(1, sizeof *column->dict);
        is_complete = is_complete && column->dict;
    }
    if (!is_complete) {
        column_free(column);
        return err_memory(err, rows * (int64_t)sizeof(double));
    }
    set_missing(column);
    *ret_column = column;
    return KAI_OK;
}

void column_free(struct column *column) {
    if (!column) return;
    if (column->dict) dict_release(column->dict);
    mem_free(column->dict);
    mem_free(column->name);
    mem_free(column->valid);
    mem_free(column->as.bytes);
    mem_free(column->offsets);
    mem_free(column);
}

int column_is_valid(const struct column *column, int64_t row) {
    KAI_ASSERT(row >= 0 && row < column->rows);
    return !column->valid || column->valid[row];
}

double column_f64(const struct column *column, int64_t row) {
    if (!column_is_valid(column, row)) return NAN;
    switch (column->kind) {
    case COLUMN_F64: return column->as.f64[row];
    case COLUMN_I64:
    case COLUMN_TIME: return (double)column->as.i64[row];
    case COLUMN_BOOL: return column->as.flags[row];
    case COLUMN_CATEGORY: return column->as.codes[row];
    case COLUMN_TEXT: break;
    }
    return NAN;
}

static kai_status print_time(int64_t us, struct buf *buf, kai_err *err) {
    int64_t seconds = us / US_PER_SECOND, fraction = us % US_PER_SECOND;
    if (fraction < 0) fraction += US_PER_SECOND, seconds--;
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) rest += 86400, days--;
    int year, month, day;
    text_date_from_days(days, &year, &month, &day);
    if (rest == 0 && fraction == 0) return buf_printf(buf, err, "%04d-%02d-%02d", year, month, day);
    kai_status st = buf_printf(buf, err, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day,
                               (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
    if (!st && fraction) st = buf_printf(buf, err, ".%06d", (int)fraction);
    return st ? st : buf_puts(buf, "Z", err);
}

kai_status column_print(const struct column *column, int64_t row, struct buf *buf, kai_err *err) {
    buf_reset(buf);
    if (!column_is_valid(column, row)) return buf_puts(buf, "", err);
    char number[TEXT_NUMBER_BYTES];
    switch (column->kind) {
    case COLUMN_F64:
        (void)text_print_f64(column->as.f64[row], number); /* length is not needed */
        return buf_puts(buf, number, err);
    case COLUMN_I64: return buf_printf(buf, err, "%lld", (long long)column->as.i64[row]);
    case COLUMN_TIME: return print_time(column->as.i64[row], buf, err);
    case COLUMN_BOOL: return buf_puts(buf, column->as.flags[row] ? "1" : "0", err);
    case COLUMN_CATEGORY: {
        struct slice text = column->dict->entries[column->as.codes[row]];
        return text.size ? buf_append(buf, text.data, text.size, err) : buf_puts(buf, "", err);
    }
    case COLUMN_TEXT: break;
    }
    int64_t begin = column->offsets[row];
    return buf_append(buf, column->as.bytes + begin, (size_t)(column->offsets[row + 1] - begin),
                      err);
}

static kai_status take_texts(const struct column *column, const int64_t *row_ids, int64_t count,
                             struct column *copy, kai_err *err) {
    for (int64_t i = 0; i < count; i++) {
        int64_t row = row_ids[i];
        copy->offsets[i + 1] = copy->offsets[i] + column->offsets[row + 1] - column->offsets[row];
    }
    char *bytes = mem_resize(copy->as.bytes, (size_t)copy->offsets[count], 1);
    if (!bytes) return err_memory(err, copy->offsets[count]);
    copy->as.bytes = bytes;
    for (int64_t i = 0; i < count; i++)
        memcpy(bytes + copy->offsets[i], column->as.bytes + column->offsets[row_ids[i]],
               (size_t)(copy->offsets[i + 1] - copy->offsets[i]));
    return KAI_OK;
}

kai_status column_take(const struct column *column, const int64_t *row_ids, int64_t count,
                       struct column **ret_column, kai_err *err) {
    struct column *copy = NULL;
    kai_status st = column_new(column->name, column->kind, count, &copy, err);
    if (st) return st;
    for (int64_t i = 0; i < count; i++)
        copy->valid[i] = (uint8_t)column_is_valid(column, row_ids[i]);
    if (column->kind == COLUMN_TEXT) st = take_texts(column, row_ids, count, copy, err);
    if (!st && column->kind == COLUMN_CATEGORY) st = dict_copy(column->dict, copy->dict, err);
    if (st) {
        column_free(copy);
        return st;
    }
    size_t bytes = value_bytes(column->kind);
    for (int64_t i = 0; bytes && i < count; i++)
        memcpy(copy->as.bytes + (size_t)i * bytes, column->as.bytes + (size_t)row_ids[i] * bytes,
               bytes);
    *ret_column = copy;
    return KAI_OK;
}

kai_status table_new(const char *name, int64_t rows, struct table **ret_table, kai_err *err) {
    struct table *table = mem_zero(1, sizeof *table);
    if (!table) return err_memory(err, sizeof *table);
    table->rows = rows;
    if (name && !(table->name = mem_string(name))) {
        table_free(table);
        return err_memory(err, (int64_t)strlen(name));
    }
    *ret_table = table;
    return KAI_OK;
}

void table_free(struct table *table) {
    if (!table) return;
    for (int32_t i = 0; i < table->count; i++) column_free(table->columns[i]);
    mem_free(table->columns);
    mem_free(table->name);
    mem_free(table);
}

kai_status table_append(struct table *table, struct column *take_column, kai_err *err) {
    if (take_column->rows != table->rows)
        return err_set(err, KAI_INVALID, "column '%s' has %lld rows, the table %lld",
                       take_column->name, (long long)take_column->rows, (long long)table->rows);
    if (table_find(table, take_column->name) >= 0)
        return err_set(err, KAI_EXISTS, "column '%s' stands twice", take_column->name);
    if (table->count == CAPS_COLUMNS)
        return err_set(err, KAI_LIMIT, "more than %d columns", CAPS_COLUMNS);
    if (table->count == table->capacity) {
        int32_t capacity = table->capacity ? table->capacity * 2 : 16;
        struct column **columns = mem_resize(table->columns, (size_t)capacity, sizeof *columns);
        if (!columns) return err_memory(err, capacity * (int64_t)sizeof *columns);
        table->columns = columns;
        table->capacity = capacity;
    }
    table->columns[table->count++] = take_column;
    return KAI_OK;
}

int32_t table_find(const struct table *table, const char *name) {
    for (int32_t i = 0; i < table->count; i++)
        if (strcmp(table->columns[i]->name, name) == 0) return i;
    return -1;
}

/* The names of all columns with '|' between; a name that holds one only spoils its own hint. */
static kai_status join_names(const struct table *table, struct buf *names, kai_err *err) {
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < table->count; i++)
        st = buf_printf(names, err, "%s%s", i ? "|" : "", table->columns[i]->name);
    return st;
}

kai_status table_column(const struct table *table, const char *name,
                        const struct column **ret_column, kai_err *err) {
    int32_t index = table_find(table, name);
    if (index >= 0) {
        *ret_column = table->columns[index];
        return KAI_OK;
    }
    struct buf names;
    buf_init(&names, CAPS_TEXT_FILE_BYTES);
    char nearest[128] = "";
    if (!join_names(table, &names, NULL) && names.data)
        (void)options_nearest(name, names.data, nearest, sizeof nearest); /* only a hint */
    buf_release(&names);
    const char *where = table->name ? table->name : "the table";
    if (nearest[0])
        return err_set(err, KAI_NOT_FOUND, "column '%s' is not in '%s': did you mean '%s'?", name,
                       where, nearest);
    return err_set(err, KAI_NOT_FOUND, "column '%s' is not in '%s'", name, where);
}

kai_status table_take(const struct table *table, const int64_t *row_ids, int64_t count,
                      struct table **ret_table, kai_err *err) {
    struct table *copy = NULL;
    kai_status st = table_new(table->name, count, &copy, err);
    for (int32_t i = 0; !st && i < table->count; i++) {
        struct column *column = NULL;
        st = column_take(table->columns[i], row_ids, count, &column, err);
        if (!st) st = table_append(copy, column, err);
        if (st) column_free(column);
    }
    if (st) {
        table_free(copy);
        return st;
    }
    *ret_table = copy;
    return KAI_OK;
}

void table_drop(struct table *table, int32_t index) {
    KAI_ASSERT(index >= 0 && index < table->count);
    column_free(table->columns[index]);
    memmove(table->columns + index, table->columns + index + 1,
            (size_t)(table->count - index - 1) * sizeof *table->columns);
    table->count--;
}
