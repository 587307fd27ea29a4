/* Reading CSV in tests: a text in, a table and a report out, both kept until the next call. */
#ifndef KAIROS_TESTS_CSV_KIT_H
#define KAIROS_TESTS_CSV_KIT_H

#include <string.h>

#include "collect/collect.h"
#include "kit/check.h"

struct read {
    struct table *table;
    struct collect_report report;
    kai_err err;
};

static inline void read_release(struct read *read) {
    table_free(read->table);
    collect_report_release(&read->report);
    *read = (struct read){0};
}

static inline kai_status read_bytes(struct read *read, const char *bytes, size_t size,
                                    const struct csv_options *options) {
    *read = (struct read){0};
    return collect_read_csv_bytes("t.csv", bytes, size, options, NULL, &read->table, &read->report,
                                  &read->err);
}

static inline void read_ok(struct read *read, const char *text, const struct csv_options *options) {
    CHECK_OK(read_bytes(read, text, strlen(text), options), &read->err);
}

static inline void read_fails(const char *text, const struct csv_options *options,
                              const char *part) {
    struct read read;
    kai_status st = read_bytes(&read, text, strlen(text), options);
    CHECK_FAILS(st, &read.err, KAI_INVALID, part);
    read_release(&read);
}

/* The value of a cell as column_print says it; "<missing>" where there is none. */
static inline const char *cell(const struct read *read, int32_t column, int64_t row) {
    static struct buf text = {.max = 1 << 24};
    assert_in_range(column, 0, read->table->count - 1);
    assert_in_range(row, 0, read->table->rows - 1);
    const struct column *of = read->table->columns[column];
    if (!column_is_valid(of, row)) return "<missing>";
    CHECK_OK(column_print(of, row, &text, NULL), NULL);
    return text.data;
}

static inline enum column_kind kind_of(const struct read *read, const char *name) {
    int32_t index = table_find(read->table, name);
    assert_true(index >= 0);
    return read->table->columns[index]->kind;
}

/* A list of literals as an option list. */
#define LIST(...)                                             \
    ((struct option_list){(const char *const[]){__VA_ARGS__}, \
                          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)})

#endif
