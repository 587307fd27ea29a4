/* Any bytes give a table or a clean status; a table that is written reads as the same values. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "collect/collect.h"
#include "collect/csv_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int same_value(const struct column *a, const struct column *b, int64_t row) {
    struct buf x, y;
    buf_init(&x, CAPS_BUF_BYTES);
    buf_init(&y, CAPS_BUF_BYTES);
    int is_same = column_is_valid(a, row) == column_is_valid(b, row);
    if (is_same && column_is_valid(a, row)) {
        if (column_print(a, row, &x, NULL) || column_print(b, row, &y, NULL)) abort();
        double m, n;
        is_same = strcmp(x.data, y.data) == 0 ||
                  (text_parse_f64((struct slice){x.data, x.size}, &m) &&
                   text_parse_f64((struct slice){y.data, y.size}, &n) && m == n);
    }
    buf_release(&x);
    buf_release(&y);
    return is_same;
}

static void check_again(const struct table *table, const struct csv_options *first) {
    struct csv_options options = {
        .delimiter = ',', .encoding = CSV_ENCODING_UTF8, .missing = first->missing};
    struct csv_writer *writer = NULL;
    struct buf out;
    struct table *again = NULL;
    buf_init(&out, CAPS_BUF_BYTES);
    if (csv_write_new(&out, &writer, NULL) || csv_write_table(writer, table, NULL) ||
        csv_write_close(writer, NULL))
        abort();
    struct collect_report report = {0};
    if (collect_read_csv_bytes("again", out.data, out.size, &options, NULL, &again, &report, NULL))
        abort();
    if (again->rows != table->rows || again->count != table->count || report.rows_bad) abort();
    for (int32_t i = 0; i < table->count; i++) {
        if (strcmp(table->columns[i]->name, again->columns[i]->name) != 0) abort();
        for (int64_t row = 0; row < table->rows; row++)
            if (!same_value(table->columns[i], again->columns[i], row)) abort();
    }
    collect_report_release(&report);
    table_free(again);
    buf_release(&out);
}

/* The first byte chooses options, the rest is the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const NAMES[] = {"a", "b", "c"};
    static const char *const MARKERS[] = {"?", "-"};
    static const char *const TYPES[] = {"c1=number", "c2=date", "c3=flag"};
    if (size < 1) return 0;
    unsigned choice = data[0];
    struct csv_options options = {.no_header = choice & 1,
                                  .delimiter = ",;\t|"[(choice >> 1) & 3],
                                  .encoding = (enum csv_encoding)((choice >> 3) % 3)};
    if (choice & 32) options.delimiter = 0;
    if (choice & 64) options.missing = (struct option_list){MARKERS, 2};
    if (choice >= 192) options.columns = (struct option_list){NAMES, 3};
    if (choice & 128 && choice < 192) options.types = (struct option_list){TYPES, choice % 4};
    struct table *table = NULL;
    struct collect_report report = {0};
    kai_err err = {0};
    kai_status st = collect_read_csv_bytes("fuzz", (const char *)data + 1, size - 1, &options, NULL,
                                           &table, &report, &err);
    if (st && (st < -13 || st > 0 || !err.message[0])) abort();
    if (!st) {
        int64_t by_kind = report.bad_by_reason[COLLECT_NUMBER] +
                          report.bad_by_reason[COLLECT_DATE] + report.bad_by_reason[COLLECT_FLAG];
        if (report.rows_read != report.rows_kept + report.rows_bad) abort();
        if (by_kind == 0 && options.types.count == 0) check_again(table, &options);
    }
    table_free(table);
    collect_report_release(&report);
    return 0;
}
