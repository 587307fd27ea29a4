/* The reader: windows of a file through the columns into a table.
 *
 * One step takes one window: its chunks are scanned side by side into records, bad records are set
 * aside, then the columns, shared out among the threads, append the fields while one thread already
 * fills the next window. A column is filled by one thread in the order of the file, and chunks
 * depend on the bytes alone, so the table does not depend on the number of threads.
 *
 * After the last window every column decides its kind. Most often the store that its first rows
 * suggested can give it; else the file is read again with all kinds known (csv_column.h). The file
 * is also read again from its beginning when its first byte that is no UTF-8 is met and the whole
 * of it proves to be GB18030. What cannot be read twice (stdin, a pipe) is held in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "collect/csv_header.h"
#include "collect/csv_report.h"

enum again { AGAIN_NO, AGAIN_KINDS, AGAIN_ENCODING };

struct csv_reader {
    const char *name;
    const char *bytes; /* borrowed; NULL = read the file `name` */
    size_t size;
    const struct csv_options *options;
    struct pool *pool;
    const struct progress *progress;
    int64_t bytes_total; /* 0 = unknown */
    int is_gb18030;
    int is_encoding_known;
    struct csv_source source;
    struct csv_window window, next;
    struct csv_dialect dialect;
    struct csv_header header;
    int64_t rows; /* appended to the columns */
    int is_guessed;
    int is_done;
    struct collect_report report; /* columns are filled at the end */
    struct csv_quarantine quarantine;
};

static kai_status refuse(const struct csv_reader *reader, kai_err *err, int64_t line,
                         const char *what) {
    return err_set(err, KAI_INVALID, "%s:%lld:1: %s", reader->name, (long long)line, what);
}

/* ---- the first window ---- */

/* A NUL near the beginning means another kind of file. */
static kai_status refuse_binary(const char *name, const char *text, size_t size, kai_err *err) {
    enum { SNIFF_BYTES = 64 << 10 };
    const char *nul = memchr(text, '\0', size < SNIFF_BYTES ? size : SNIFF_BYTES);
    if (!nul) return KAI_OK;
    int is_utf16 = memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0;
    long long line = 1;
    while (text < nul) line += *text++ == '\n';
    return err_set(err, KAI_INVALID, "%s:%lld:1: %s", name, line,
                   is_utf16 ? "UTF-16 text: expected UTF-8 or GB18030"
                            : "a NUL byte: this is not a text file");
}

/* Where text is no UTF-8: is all of it GB18030? Asked once. */
static kai_status check_encoding(struct csv_reader *reader, enum again *ret_again, kai_err *err) {
    int is_gb18030 = 0;
    if (reader->is_encoding_known) return KAI_OK;
    reader->is_encoding_known = 1;
    kai_status st =
        csv_source_is_gb18030(reader->name, reader->bytes, reader->size, &is_gb18030, err);
    if (st || !is_gb18030) return st;
    reader->is_gb18030 = 1;
    *ret_again = AGAIN_ENCODING;
    return KAI_OK;
}

/* Fill until the window holds a whole record. */
static kai_status fill_first(struct csv_reader *reader, kai_err *err) {
    struct csv_window *window = &reader->window;
    kai_status st;
    do {
        st = csv_window_fill(window, &reader->source, err);
        if (st) return st;
        char newline = csv_find_newline(window->text, window->size);
        if (window->is_last || memchr(window->text, newline, window->size)) break;
    } while (window->size < CAPS_LINE_BYTES);
    return refuse_binary(reader->name, window->text, window->size, err);
}

static kai_status begin_pass(struct csv_reader *reader, enum again *ret_again, kai_err *err) {
    struct csv_window *window = &reader->window;
    window->size = window->begin = 0;
    window->lines = 0;
    window->is_last = 0;
    reader->rows = 0;
    reader->is_guessed = reader->is_done = 0;
    kai_status st = csv_source_open(reader->name, reader->bytes, reader->size, reader->is_gb18030,
                                    &reader->source, err);
    if (!st) st = fill_first(reader, err);
    if (st) return st;
    char newline = csv_find_newline(window->text, window->size);
    csv_window_end(window, newline);
    size_t end = window->size;
    while (end > 0 && window->text[end - 1] != newline) end--;
    if (end == 0 && window->size > 0) return refuse(reader, err, 1, "a line without an end");
    if (!reader->is_encoding_known && !csv_is_plain(window->text, end) &&
        text_utf8_valid(window->text, end) < end)
        st = check_encoding(reader, ret_again, err);
    if (st || *ret_again) return st;
    char delimiter = reader->options->delimiter;
    if (!delimiter) delimiter = csv_find_delimiter(newline, window->text, end);
    csv_dialect_init(&reader->dialect, delimiter, newline);
    struct csv_header header;
    st = csv_header_read(window, &reader->dialect, reader->name, reader->options, &header, err);
    if (st) return st;
    if (reader->header.count)
        csv_header_release(&header); /* the second pass keeps the kinds of the first */
    else
        reader->header = header;
    return KAI_OK;
}

/* ---- bad records ---- */

static void print_bad(const struct csv_reader *reader, const struct csv_bad *bad,
                      char ret_text[COLLECT_TEXT_BYTES]) {
    size_t room = COLLECT_TEXT_BYTES;
    switch (bad->reason) {
    case COLLECT_FIELDS:
        (void)snprintf(ret_text, room, "%d field%s, expected %d", bad->fields,
                       bad->fields == 1 ? "" : "s", reader->header.count);
        break;
    case COLLECT_QUOTE:
        (void)snprintf(ret_text, room, "a quote that never closes, or text behind a closing quote");
        break;
    case COLLECT_ENCODING:
        (void)snprintf(ret_text, room, "not valid %s", reader->is_gb18030 ? "GB18030" : "UTF-8");
        break;
    case COLLECT_NUL: (void)snprintf(ret_text, room, "a NUL byte"); break;
    default:
        (void)snprintf(ret_text, room, "a field of more than %d bytes", CAPS_FIELD_BYTES);
        break;
    }
}

static kai_status note_bad(struct csv_reader *reader, const struct csv_chunk *chunk, int64_t lines,
                           kai_err *err) {
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < chunk->bad_count; i++) {
        const struct csv_bad *bad = &chunk->bad[i];
        char message[COLLECT_TEXT_BYTES];
        print_bad(reader, bad, message);
        struct csv_bad_note note = {.line = lines + bad->row.line + 1,
                                    .column = bad->column,
                                    .reason = bad->reason,
                                    .message = message,
                                    .raw = {reader->window.text + bad->row.at, bad->row.size}};
        st = csv_quarantine_add(&reader->quarantine, &note, err);
    }
    return st;
}

/* Cut the chunks to what is still wanted, and set their bad records aside. */
static kai_status take_chunks(struct csv_reader *reader, kai_err *err) {
    struct csv_window *window = &reader->window;
    int64_t rows_max = reader->options->rows_max > 0 ? reader->options->rows_max : INT64_MAX;
    int64_t rows = reader->rows, lines = window->lines;
    kai_status st = KAI_OK;
    for (int32_t k = 0; !st && k < window->chunk_count; k++) {
        struct csv_chunk *chunk = &window->chunks[k];
        if (reader->is_done) chunk->rows = chunk->bad_count = 0;
        if (chunk->rows >= rows_max - rows && !reader->is_done) {
            chunk->rows = rows_max - rows;
            uint32_t end = chunk->row[chunk->rows - 1].at;
            while (chunk->bad_count > 0 && chunk->bad[chunk->bad_count - 1].row.at > end)
                chunk->bad_count--;
            reader->is_done = 1;
        }
        rows += chunk->rows;
        st = note_bad(reader, chunk, lines, err);
        lines += chunk->lines;
    }
    if (!st && rows > CAPS_ROWS)
        st = err_set(err, KAI_LIMIT, "%s: more than %lld rows", reader->name, CAPS_ROWS);
    return st;
}

/* A file of which more than half is wrong is another file than the caller thinks. */
static kai_status refuse_mostly_bad(const struct csv_reader *reader, kai_err *err) {
    const struct collect_report *report = &reader->report;
    const struct collect_bad_row *first = &report->bad[0];
    return err_set(err, KAI_INVALID, "%s:%lld:%d: %s (%lld of %lld rows are wrong, half may be)",
                   reader->name, (long long)first->line, first->column, first->message,
                   (long long)report->rows_bad, (long long)report->rows_read);
}

/* ---- one window ---- */

struct step {
    struct csv_reader *reader;
    int32_t groups;
    int has_next; /* item 0 fills the next window */
};

/* Append all rows of the window to the columns of one group, some rows at a time, so that a row
 * that was touched for one column is still near for the next. */
static kai_status append_group(const struct csv_reader *reader, int32_t group, int32_t groups,
                               kai_err *err) {
    enum { BLOCK_ROWS = 256 };
    const struct csv_window *window = &reader->window;
    int32_t columns = reader->header.count;
    int64_t line = window->lines + 1;
    kai_status st = KAI_OK;
    for (int32_t k = 0; k < window->chunk_count; k++) {
        const struct csv_chunk *chunk = &window->chunks[k];
        for (int64_t r = 0; !st && r < chunk->rows; r += BLOCK_ROWS) {
            int64_t left = chunk->rows - r;
            struct csv_block block = {.text = window->text,
                                      .fields = chunk->fields + r * columns,
                                      .row = chunk->row + r,
                                      .columns = columns,
                                      .rows = left < BLOCK_ROWS ? left : BLOCK_ROWS,
                                      .line = line};
            for (int32_t i = group; !st && i < columns; i += groups)
                st = csv_column_append(&reader->header.columns[i], &block, err);
        }
        line += chunk->lines;
    }
    return st;
}

static kai_status run_item(void *user, int64_t item, int32_t worker, kai_err *err) {
    const struct step *step = user;
    struct csv_reader *reader = step->reader;
    (void)worker;
    if (step->has_next && item == 0) return csv_window_fill(&reader->next, &reader->source, err);
    return append_group(reader, (int32_t)item - step->has_next, step->groups, err);
}

static void guess_columns(struct csv_reader *reader) {
    const struct csv_window *window = &reader->window;
    for (int32_t k = 0; !reader->is_guessed && k < window->chunk_count; k++) {
        const struct csv_chunk *chunk = &window->chunks[k];
        if (chunk->rows == 0) continue;
        struct csv_block block = {.text = window->text,
                                  .fields = chunk->fields,
                                  .row = chunk->row,
                                  .columns = reader->header.count,
                                  .rows = chunk->rows};
        for (int32_t i = 0; i < reader->header.count; i++)
            csv_column_guess(&reader->header.columns[i], &block);
        reader->is_guessed = 1;
    }
}

static int has_wrong_encoding(const struct csv_window *window) {
    for (int32_t k = 0; k < window->chunk_count; k++)
        for (int64_t i = 0; i < window->chunks[k].bad_count; i++)
            if (window->chunks[k].bad[i].reason == COLLECT_ENCODING) return 1;
    return 0;
}

/* So that a large file that is none is not read to its end. */
static kai_status check_early(struct csv_reader *reader, kai_err *err) {
    enum { SURE = 10000 };
    struct collect_report *report = &reader->report;
    report->rows_read = report->rows_bad + reader->rows;
    if (report->rows_bad > SURE && report->rows_bad > report->rows_read / 2)
        return refuse_mostly_bad(reader, err);
    for (int32_t i = 0; i < reader->header.count; i++) {
        const struct csv_column *column = &reader->header.columns[i];
        if (column->odd_count <= SURE || column->odd_count <= column->rows / 2) continue;
        return err_set(err, KAI_INVALID,
                       "%s:%lld:%d: column '%.100s': '%s' is no %s, nor are %lld of %lld values",
                       reader->name, (long long)column->odd[0].line, i + 1, column->name,
                       column->odd[0].text.data,
                       column->store == CSV_STORE_TIME   ? "date"
                       : column->store == CSV_STORE_FLAG ? "flag"
                                                         : "number",
                       (long long)column->odd_count, (long long)column->rows);
    }
    return KAI_OK;
}

static kai_status append_window(struct csv_reader *reader, kai_err *err) {
    enum { GROUPS_A_THREAD = 2 };
    guess_columns(reader);
    int32_t threads = pool_threads(reader->pool);
    int32_t groups = threads > 1 ? threads * GROUPS_A_THREAD : 1;
    if (groups > reader->header.count) groups = reader->header.count;
    int has_next = !reader->window.is_last && !reader->is_done;
    struct step step = {reader, groups, has_next};
    kai_status st = pool_run(reader->pool, groups + has_next, run_item, &step, err);
    for (int32_t k = 0; k < reader->window.chunk_count; k++)
        reader->rows += reader->window.chunks[k].rows;
    return st;
}

static kai_status step_window(struct csv_reader *reader, enum again *ret_again, kai_err *err) {
    struct csv_window *window = &reader->window;
    size_t rest = 0;
    kai_status st =
        csv_window_scan(window, &reader->dialect, reader->header.count, reader->pool, &rest, err);
    if (!st && !reader->is_encoding_known && has_wrong_encoding(window))
        st = check_encoding(reader, ret_again, err);
    if (st || *ret_again) return st;
    st = csv_window_carry(window, rest, &reader->next, err);
    if (!st && !window->is_last && reader->next.size > CAPS_LINE_BYTES)
        st = refuse(reader, err, reader->next.lines + 1, "a record longer than 16 MiB");
    if (!st) st = take_chunks(reader, err);
    if (!st) st = append_window(reader, err);
    if (!st) st = check_early(reader, err);
    reader->report.bytes_read += (int64_t)(rest - window->begin);
    int64_t total = reader->report.bytes_read > reader->bytes_total ? 0 : reader->bytes_total;
    if (!st) st = progress_tell(reader->progress, "read", reader->report.bytes_read, total, err);
    reader->is_done = reader->is_done || window->is_last;
    struct csv_window done = *window;
    *window = reader->next;
    reader->next = done;
    csv_window_end(window, reader->dialect.newline);
    return st;
}

static void reset_report(struct csv_reader *reader) {
    csv_quarantine_abandon(&reader->quarantine);
    reader->report = (struct collect_report){0};
}

static kai_status decide_item(void *user, int64_t item, int32_t worker, kai_err *err) {
    struct csv_reader *reader = user;
    int again = 0;
    (void)worker;
    kai_status st = csv_column_decide(&reader->header.columns[item], &again, err);
    if (again) reader->header.columns[item].is_broken = 1;
    return st;
}

static kai_status decide_columns(struct csv_reader *reader, enum again *ret_again, kai_err *err) {
    kai_status st = pool_run(reader->pool, reader->header.count, decide_item, reader, err);
    for (int32_t i = 0; !st && i < reader->header.count; i++)
        if (reader->header.columns[i].is_broken) *ret_again = AGAIN_KINDS;
    return st;
}

static kai_status run_pass(struct csv_reader *reader, enum again *ret_again, kai_err *err) {
    *ret_again = AGAIN_NO;
    kai_status st = begin_pass(reader, ret_again, err);
    while (!st && !*ret_again && !reader->is_done) st = step_window(reader, ret_again, err);
    csv_source_close(&reader->source);
    if (!st && !*ret_again) st = decide_columns(reader, ret_again, err);
    if (st || !*ret_again) return st;
    reset_report(reader);
    if (*ret_again == AGAIN_ENCODING) {
        csv_header_release(&reader->header);
        return KAI_OK;
    }
    for (int32_t i = 0; i < reader->header.count; i++) csv_column_reset(&reader->header.columns[i]);
    return KAI_OK;
}

/* ---- after the last window ---- */

static int compare_odd(const void *a, const void *b) {
    const struct csv_odd *x = a, *y = b;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

static kai_status note_odd(struct csv_reader *reader, const struct csv_odd *odd, kai_err *err) {
    const struct csv_column *column = &reader->header.columns[odd->column];
    enum collect_reason reason = COLLECT_NUMBER;
    const char *what = column->kind == CSV_INTEGERS ? "not an integer" : "not a number";
    if (column->kind == CSV_TIME) reason = COLLECT_DATE, what = "not a date";
    if (column->kind == CSV_FLAG) reason = COLLECT_FLAG, what = "neither yes nor no";
    char message[COLLECT_TEXT_BYTES];
    int cut = (int)text_utf8_valid(column->name, strnlen(column->name, 50));
    (void)snprintf(message, sizeof message, "column '%.*s': '%s' is %s", cut, column->name,
                   odd->text.data, what);
    struct csv_bad_note note = {.line = odd->line,
                                .column = odd->column + 1,
                                .reason = reason,
                                .message = message,
                                .raw = odd->raw};
    return csv_quarantine_add(&reader->quarantine, &note, err);
}

/* Set aside the rows of odd values: one note a row, by its first odd column. */
static kai_status take_odd_rows(struct csv_reader *reader, uint8_t **ret_is_out,
                                int64_t *ret_rows_out, kai_err *err) {
    int64_t count = 0, used = 0, rows_out = 0;
    for (int32_t i = 0; i < reader->header.count; i++) count += reader->header.columns[i].odd_count;
    if (count == 0) return KAI_OK;
    struct csv_odd *odd = mem_array((size_t)count, sizeof *odd);
    uint8_t *is_out = mem_zero((size_t)reader->rows, 1);
    kai_status st = odd && is_out ? KAI_OK : err_memory(err, count * (int64_t)sizeof *odd);
    for (int32_t i = 0; !st && i < reader->header.count; i++) {
        const struct csv_column *column = &reader->header.columns[i];
        if (column->odd_count)
            memcpy(odd + used, column->odd, (size_t)column->odd_count * sizeof *odd);
        used += column->odd_count;
    }
    if (!st) qsort(odd, (size_t)count, sizeof *odd, compare_odd);
    for (int64_t i = 0; !st && i < count; i++) {
        if (is_out[odd[i].row]) continue;
        is_out[odd[i].row] = 1;
        rows_out++;
        st = note_odd(reader, &odd[i], err);
    }
    mem_free(odd);
    if (st) {
        mem_free(is_out);
        return st;
    }
    *ret_is_out = is_out;
    *ret_rows_out = rows_out;
    return KAI_OK;
}

struct made {
    struct column *column; /* owned, until the table takes it */
};

struct finish {
    struct csv_reader *reader;
    const uint8_t *is_out;
    int64_t rows_out;
    struct made *made; /* (count) */
};

static kai_status finish_item(void *user, int64_t item, int32_t worker, kai_err *err) {
    const struct finish *finish = user;
    struct csv_column *column = &finish->reader->header.columns[item];
    struct collect_column *told = &finish->reader->report.columns[item];
    (void)worker;
    csv_column_reason(column, told->reason, sizeof told->reason);
    int is_typed = column->kind != CSV_CATEGORY && column->kind != CSV_TEXT;
    told->marked = is_typed ? column->evidence.marked : 0;
    told->is_forced = column->asked != CSV_INFER;
    told->is_id = finish->reader->header.is_id[item];
    told->name = mem_string(column->name);
    if (!told->name) return err_memory(err, (int64_t)strlen(column->name));
    kai_status st = csv_column_finish(column, finish->is_out, finish->rows_out,
                                      &finish->made[item].column, err);
    if (st) return st;
    const struct column *made = finish->made[item].column;
    told->kind = made->kind;
    told->distinct = made->dict ? made->dict->count : -1;
    for (int64_t row = 0; made->valid && row < made->rows; row++)
        told->missing += !made->valid[row];
    return KAI_OK;
}

static kai_status make_table(struct csv_reader *reader, const uint8_t *is_out, int64_t rows_out,
                             struct table **ret_table, kai_err *err) {
    int32_t count = reader->header.count;
    struct table *table = NULL;
    struct finish finish = {reader, is_out, rows_out, mem_zero((size_t)count, sizeof *finish.made)};
    reader->report.columns = mem_zero((size_t)count, sizeof *reader->report.columns);
    kai_status st = finish.made && reader->report.columns
                        ? KAI_OK
                        : err_memory(err, count * (int64_t)sizeof *reader->report.columns);
    if (!st) {
        reader->report.column_count = count;
        st = pool_run(reader->pool, count, finish_item, &finish, err);
    }
    if (!st) st = table_new(reader->name, reader->rows - rows_out, &table, err);
    for (int32_t i = 0; !st && i < count; i++) {
        st = table_append(table, finish.made[i].column, err);
        if (!st) finish.made[i].column = NULL;
    }
    for (int32_t i = 0; finish.made && i < count; i++) column_free(finish.made[i].column);
    mem_free(finish.made);
    if (st)
        table_free(table);
    else
        *ret_table = table;
    return st;
}

static kai_status finish_table(struct csv_reader *reader, struct table **ret_table, kai_err *err) {
    struct collect_report *report = &reader->report;
    uint8_t *is_out = NULL;
    int64_t rows_out = 0;
    struct table *table = NULL;
    kai_status st = take_odd_rows(reader, &is_out, &rows_out, err);
    report->rows_read = reader->rows + report->rows_bad - rows_out;
    report->rows_kept = reader->rows - rows_out;
    report->delimiter = reader->dialect.delimiter;
    report->encoding = reader->is_gb18030 ? CSV_ENCODING_GB18030 : CSV_ENCODING_UTF8;
    if (!st && report->rows_read == 0)
        st = refuse(reader, err, reader->window.lines + 1, "no rows");
    if (!st && report->rows_bad > report->rows_read / 2) st = refuse_mostly_bad(reader, err);
    if (!st) st = make_table(reader, is_out, rows_out, &table, err);
    if (!st) st = csv_quarantine_close(&reader->quarantine, err);
    mem_free(is_out);
    if (st)
        table_free(table);
    else
        *ret_table = table;
    return st;
}

static void release_reader(struct csv_reader *reader) {
    csv_source_close(&reader->source);
    csv_window_release(&reader->window);
    csv_window_release(&reader->next);
    csv_header_release(&reader->header);
    csv_quarantine_abandon(&reader->quarantine);
    collect_report_release(&reader->report);
}

static kai_status read_table(struct csv_reader *reader, struct table **ret_table,
                             struct collect_report *ret_report, kai_err *err) {
    static const struct csv_options DEFAULTS = {0};
    if (!reader->options) reader->options = &DEFAULTS;
    char delimiter = reader->options->delimiter;
    if (delimiter && !strchr(",;\t|", delimiter))
        return err_set(err, KAI_INVALID, "delimiter '%c': expected one of , ; tab |", delimiter);
    reader->is_gb18030 = reader->options->encoding == CSV_ENCODING_GB18030;
    reader->is_encoding_known = reader->options->encoding != CSV_ENCODING_AUTO;
    reader->quarantine = (struct csv_quarantine){.path = reader->options->quarantine_path,
                                                 .report = &reader->report};
    struct table *table = NULL;
    enum again again = AGAIN_NO;
    kai_status st;
    do {
        st = run_pass(reader, &again, err);
    } while (!st && again);
    if (!st) st = finish_table(reader, &table, err);
    if (!st && ret_report) {
        *ret_report = reader->report;
        reader->report = (struct collect_report){0};
    }
    release_reader(reader);
    if (!st) *ret_table = table;
    return st;
}

kai_status collect_read_csv_bytes(const char *name, const char *bytes, size_t size,
                                  const struct csv_options *options, struct pool *pool,
                                  struct table **ret_table, struct collect_report *ret_report,
                                  kai_err *err) {
    struct csv_reader reader = {
        .name = name, .bytes = bytes ? bytes : "", .size = size, .options = options, .pool = pool};
    return read_table(&reader, ret_table, ret_report, err);
}

/* What can be read only once is held in memory; a stream of anything but text is refused before it
 * fills it. */
static kai_status hold_stream(const char *path, struct buf *held, kai_err *err) {
    enum { PIECE_BYTES = 1 << 20 };
    struct file_reader *file = NULL;
    kai_status st = file_open(path, &file, err);
    for (size_t got = 1; !st && got;) {
        int is_first = held->size == 0;
        st = buf_reserve(held, PIECE_BYTES, err);
        if (!st) st = file_read(file, held->data + held->size, PIECE_BYTES, &got, err);
        if (!st) held->size += got;
        if (!st && is_first) st = refuse_binary(path, held->data, held->size, err);
    }
    file_close(file);
    return st;
}

kai_status collect_read_csv(const char *path, const struct csv_options *options, struct pool *pool,
                            const struct progress *progress, struct table **ret_table,
                            struct collect_report *ret_report, kai_err *err) {
    struct csv_reader reader = {
        .name = path, .options = options, .pool = pool, .progress = progress};
    struct stat about;
    size_t length = strlen(path);
    int is_stdin = strcmp(path, "-") == 0;
    int is_known = !is_stdin && stat(path, &about) == 0;
    int is_stream = is_stdin || (is_known && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode));
    int is_packed = length > 3 && strcmp(path + length - 3, ".gz") == 0;
    if (is_known && S_ISREG(about.st_mode) && !is_packed) reader.bytes_total = about.st_size;
    struct buf held;
    buf_init(&held, CAPS_BUF_BYTES);
    kai_status st = is_stream ? hold_stream(path, &held, err) : KAI_OK;
    if (is_stream) {
        reader.bytes = held.data ? held.data : "";
        reader.size = held.size;
    }
    if (!st) st = read_table(&reader, ret_table, ret_report, err);
    buf_release(&held);
    return st;
}
