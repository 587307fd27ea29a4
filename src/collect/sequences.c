#include "collect/sequences.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"

enum { READ_BYTES = 1 << 18, WORD_BYTES_MAX = 4096 };

struct reading {
    const char *name;
    enum sequences_kind kind;
    int64_t line;          /* from 1 */
    int64_t rows, capacity;
    int64_t case_count;
    int32_t *customers; /* owned; codes; of the given format unused */
    int32_t *items;     /* owned; codes */
    int64_t *cases;     /* owned; only of the given format */
    uint8_t *is_target; /* owned; only of the given format */
    struct dict *customer_dict, *item_dict; /* owned */
    struct buf pending;                     /* an unfinished line */
};

static kai_status refuse(const struct reading *reading, int64_t column, const char *reason,
                         kai_err *err) {
    return err_set(err, KAI_INVALID, "%s:%lld:%lld: %s", reading->name, (long long)reading->line,
                   (long long)column, reason);
}

static kai_status grow(struct reading *reading, kai_err *err) {
    if (reading->rows < reading->capacity) return KAI_OK;
    if (reading->rows >= CAPS_ROWS)
        return err_set(err, KAI_LIMIT, "%s:%lld: more than %lld events", reading->name,
                       (long long)reading->line, (long long)CAPS_ROWS);
    int64_t capacity = reading->capacity ? 2 * reading->capacity : 1024;
    int is_given = reading->kind == SEQUENCES_GIVEN;
    int32_t *items = mem_resize(reading->items, (size_t)capacity, sizeof *items);
    if (items) reading->items = items;
    void *owners = is_given
                       ? mem_resize(reading->cases, (size_t)capacity, sizeof *reading->cases)
                       : mem_resize(reading->customers, (size_t)capacity, sizeof *items);
    if (owners && is_given) reading->cases = owners;
    if (owners && !is_given) reading->customers = owners;
    uint8_t *is_target = reading->is_target;
    if (is_given) is_target = mem_resize(reading->is_target, (size_t)capacity, 1);
    if (is_target) reading->is_target = is_target;
    if (!items || !owners || (is_given && !is_target)) return err_memory(err, capacity * 16);
    reading->capacity = capacity;
    return KAI_OK;
}

static kai_status append_row(struct reading *reading, int32_t customer, struct slice item,
                             int is_target, kai_err *err) {
    kai_status st = grow(reading, err);
    int32_t code = 0;
    if (!st) st = dict_add(reading->item_dict, item, &code, err);
    if (st) return st;
    reading->items[reading->rows] = code;
    if (reading->kind == SEQUENCES_GIVEN) {
        reading->cases[reading->rows] = reading->case_count;
        reading->is_target[reading->rows] = (uint8_t)is_target;
    } else {
        reading->customers[reading->rows] = customer;
    }
    reading->rows++;
    return KAI_OK;
}

/* The next word of line[*at..size); empty at the end. */
static kai_status next_word(const struct reading *reading, struct slice line, size_t *at,
                            struct slice *ret_word, kai_err *err) {
    while (*at < line.size && (line.data[*at] == ' ' || line.data[*at] == '\t')) ++*at;
    size_t begin = *at;
    while (*at < line.size && line.data[*at] != ' ' && line.data[*at] != '\t') ++*at;
    *ret_word = (struct slice){line.data + begin, *at - begin};
    if (ret_word->size <= WORD_BYTES_MAX) return KAI_OK;
    return err_set(err, KAI_LIMIT, "%s:%lld:%zu: a word of more than %d bytes", reading->name,
                   (long long)reading->line, begin + 1, WORD_BYTES_MAX);
}

static kai_status take_customer(struct reading *reading, struct slice line, size_t *at,
                                int32_t *ret_customer, kai_err *err) {
    int32_t before = reading->customer_dict->count;
    struct slice word = {0};
    char number[24];
    kai_status st = KAI_OK;
    if (reading->kind == SEQUENCES_ANONYMOUS) {
        int size = snprintf(number, sizeof number, "%lld", (long long)reading->line);
        word = (struct slice){number, (size_t)size};
    } else {
        st = next_word(reading, line, at, &word, err);
    }
    if (!st) st = dict_add(reading->customer_dict, word, ret_customer, err);
    if (!st && *ret_customer < before)
        st = refuse(reading, 1, "this customer has a line already", err);
    return st;
}

static kai_status take_history(struct reading *reading, struct slice line, kai_err *err) {
    size_t at = 0;
    int32_t customer = 0;
    struct slice word = {0};
    kai_status st = take_customer(reading, line, &at, &customer, err);
    if (!st) st = next_word(reading, line, &at, &word, err);
    while (!st && word.size) {
        st = append_row(reading, customer, word, 0, err);
        if (!st) st = next_word(reading, line, &at, &word, err);
    }
    return st;
}

static kai_status take_case(struct reading *reading, struct slice line, kai_err *err) {
    const char *tab = memchr(line.data, '\t', line.size);
    if (!tab) return refuse(reading, (int64_t)line.size + 1, "expected TAB and the next item", err);
    size_t split = (size_t)(tab - line.data), at = 0;
    struct slice prefix = {line.data, split}, word = {0};
    kai_status st = next_word(reading, prefix, &at, &word, err);
    if (!st && !word.size) return refuse(reading, 1, "a case without a prefix", err);
    while (!st && word.size) {
        st = append_row(reading, 0, word, 0, err);
        if (!st) st = next_word(reading, prefix, &at, &word, err);
    }
    at = split;
    if (!st) st = next_word(reading, line, &at, &word, err);
    if (!st && !word.size)
        return refuse(reading, (int64_t)split + 2, "a case without a next item", err);
    if (!st) st = append_row(reading, 0, word, 1, err);
    if (!st) st = next_word(reading, line, &at, &word, err);
    if (!st && word.size)
        return refuse(reading, word.data - line.data + 1, "more than one next item", err);
    reading->case_count++;
    return st;
}

static kai_status take_line(struct reading *reading, struct slice line, kai_err *err) {
    reading->line++;
    if (reading->line == 1 && line.size >= 3 && memcmp(line.data, "\xef\xbb\xbf", 3) == 0)
        line = (struct slice){line.data + 3, line.size - 3};
    if (line.size && line.data[line.size - 1] == '\r') line.size--;
    const char *nul = line.size ? memchr(line.data, '\0', line.size) : NULL;
    if (nul) return refuse(reading, nul - line.data + 1, "a NUL byte", err);
    size_t valid = text_utf8_valid(line.data, line.size);
    if (valid < line.size) return refuse(reading, (int64_t)valid + 1, "not valid UTF-8", err);
    if (slice_trim(line).size == 0) return KAI_OK;
    return reading->kind == SEQUENCES_GIVEN ? take_case(reading, line, err)
                                            : take_history(reading, line, err);
}

/* Cut bytes into lines; the rest waits in `pending`. */
static kai_status take_bytes(struct reading *reading, const char *bytes, size_t size,
                             kai_err *err) {
    kai_status st = KAI_OK;
    while (!st && size) {
        const char *end = memchr(bytes, '\n', size);
        size_t length = end ? (size_t)(end - bytes) : size;
        struct slice line = {bytes, length};
        if (reading->pending.size + length > CAPS_LINE_BYTES)
            return err_set(err, KAI_LIMIT, "%s:%lld: a line of more than %d bytes", reading->name,
                           (long long)reading->line + 1, CAPS_LINE_BYTES);
        if (reading->pending.size || !end) {
            st = buf_append(&reading->pending, bytes, length, err);
            line = (struct slice){reading->pending.data, reading->pending.size};
        }
        if (!st && end) {
            st = take_line(reading, line, err);
            buf_reset(&reading->pending);
        }
        bytes += length + (end != NULL);
        size -= length + (end != NULL);
    }
    return st;
}

static kai_status give_codes(struct table *table, const char *name, int32_t **codes,
                             struct dict **dict, int64_t rows, kai_err *err) {
    struct column *column = NULL;
    kai_status st = column_new(name, COLUMN_CATEGORY, 0, &column, err);
    if (st) return st;
    mem_free(column->valid);
    mem_free(column->as.codes);
    mem_free(column->dict);
    column->valid = NULL;
    column->rows = rows;
    column->as.codes = *codes;
    column->dict = *dict;
    *codes = NULL;
    *dict = NULL;
    st = table_append(table, column, err);
    if (st) column_free(column);
    return st;
}

static kai_status give_case(struct table *table, struct reading *reading, kai_err *err) {
    struct column *cases = NULL, *targets = NULL;
    kai_status st = column_new("case", COLUMN_I64, 0, &cases, err);
    if (!st) {
        mem_free(cases->valid);
        mem_free(cases->as.i64);
        cases->valid = NULL;
        cases->rows = reading->rows;
        cases->as.i64 = reading->cases;
        reading->cases = NULL;
        st = table_append(table, cases, err);
        if (st) column_free(cases);
    }
    if (!st) st = column_new("is_target", COLUMN_BOOL, 0, &targets, err);
    if (st) return st;
    mem_free(targets->valid);
    mem_free(targets->as.flags);
    targets->valid = NULL;
    targets->rows = reading->rows;
    targets->as.flags = reading->is_target;
    reading->is_target = NULL;
    st = table_append(table, targets, err);
    if (st) column_free(targets);
    return st;
}

static kai_status give_table(struct reading *reading, struct table **ret_table, kai_err *err) {
    struct table *table = NULL;
    if (reading->rows == 0)
        return err_set(err, KAI_INVALID, "%s: no event in the file", reading->name);
    kai_status st = table_new(reading->name, reading->rows, &table, err);
    if (!st && reading->kind != SEQUENCES_GIVEN)
        st = give_codes(table, "customer", &reading->customers, &reading->customer_dict,
                        reading->rows, err);
    if (!st)
        st = give_codes(table, "item", &reading->items, &reading->item_dict, reading->rows, err);
    if (!st && reading->kind == SEQUENCES_GIVEN) st = give_case(table, reading, err);
    if (st)
        table_free(table);
    else
        *ret_table = table;
    return st;
}

static kai_status reading_init(struct reading *reading, kai_err *err) {
    buf_init(&reading->pending, (size_t)CAPS_LINE_BYTES + 1);
    reading->customer_dict = mem_zero(1, sizeof *reading->customer_dict);
    reading->item_dict = mem_zero(1, sizeof *reading->item_dict);
    if (!reading->customer_dict || !reading->item_dict)
        return err_memory(err, 2 * (int64_t)sizeof *reading->item_dict);
    dict_init(reading->customer_dict);
    dict_init(reading->item_dict);
    return KAI_OK;
}

static void reading_release(struct reading *reading) {
    if (reading->customer_dict) dict_release(reading->customer_dict);
    if (reading->item_dict) dict_release(reading->item_dict);
    mem_free(reading->customer_dict);
    mem_free(reading->item_dict);
    mem_free(reading->customers);
    mem_free(reading->items);
    mem_free(reading->cases);
    mem_free(reading->is_target);
    buf_release(&reading->pending);
}

static kai_status finish(struct reading *reading, struct table **ret_table, kai_err *err) {
    kai_status st = KAI_OK;
    if (reading->pending.size)
        st = take_line(reading, (struct slice){reading->pending.data, reading->pending.size}, err);
    return st ? st : give_table(reading, ret_table, err);
}

kai_status collect_read_sequences(const char *path, enum sequences_kind kind,
                                  const struct progress *progress, struct table **ret_table,
                                  kai_err *err) {
    struct reading reading = {.name = path, .kind = kind};
    struct file_reader *file = NULL;
    kai_status st = reading_init(&reading, err);
    char *bytes = mem_alloc(READ_BYTES);
    if (!st && !bytes) st = err_memory(err, READ_BYTES);
    if (!st) st = file_open(path, &file, err);
    for (size_t got = 1; !st && got;) {
        st = file_read(file, bytes, READ_BYTES, &got, err);
        if (!st) st = take_bytes(&reading, bytes, got, err);
        if (!st) st = progress_tell(progress, "read", reading.rows, 0, err);
    }
    if (!st) st = finish(&reading, ret_table, err);
    if (file) file_close(file);
    mem_free(bytes);
    reading_release(&reading);
    return st;
}

kai_status collect_read_sequences_bytes(const char *name, const char *bytes, size_t size,
                                        enum sequences_kind kind, struct table **ret_table,
                                        kai_err *err) {
    struct reading reading = {.name = name, .kind = kind};
    kai_status st = reading_init(&reading, err);
    if (!st) st = take_bytes(&reading, bytes, size, err);
    if (!st) st = finish(&reading, ret_table, err);
    reading_release(&reading);
    return st;
}
