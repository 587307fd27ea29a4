#include "collect/csv_header.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"

/* The first record, wherever its fields get their names from. */
struct first {
    struct csv_field *fields; /* owned; (CAPS_COLUMNS) */
    int32_t count;
    int64_t line; /* from 1 */
    size_t begin, end;
    int64_t end_lines; /* of the file before `end` */
};

static kai_status refuse(kai_err *err, const char *name, int64_t line, int32_t field,
                         const char *what) {
    return err_set(err, KAI_INVALID, "%s:%lld:%d: %s", name, (long long)line, field, what);
}

/* The first record that is not a blank line. */
static kai_status scan_first(const struct csv_window *window, const struct csv_dialect *dialect,
                             const char *name, struct first *first, kai_err *err) {
    size_t at = window->begin, end = window->size;
    int64_t lines = window->lines;
    while (end > at && window->text[end - 1] != dialect->newline) end--;
    while (at < end) {
        struct csv_record record =
            csv_scan_record(dialect, window->text, at, end, first->fields, CAPS_COLUMNS);
        const struct csv_field *field = first->fields;
        enum collect_reason damage;
        size_t place;
        if (record.state != CSV_RECORD_GOOD)
            return refuse(err, name, lines + 1, record.column,
                          "a quote that never closes, or text behind a closing quote");
        if (csv_find_damage(window->text + at, record.end - at, &damage, &place))
            return refuse(err, name, lines + 1, 1,
                          damage == COLLECT_NUL ? "a NUL byte" : "not valid text");
        if (record.fields > CAPS_COLUMNS)
            return err_set(err, KAI_LIMIT, "%s:%lld:%d: more than %d columns", name,
                           (long long)lines + 1, CAPS_COLUMNS + 1, CAPS_COLUMNS);
        if (record.fields > 1 || field->size > 0 || field->is_quoted) {
            first->count = record.fields;
            first->line = lines + 1;
            first->begin = at;
            first->end = record.end;
            first->end_lines = lines + record.lines;
            return KAI_OK;
        }
        at = record.end;
        lines += record.lines;
    }
    return refuse(err, name, 1, 1, "the file is empty");
}

/* The name of column i: the caller's, the header's, or c1, c2 ... */
static kai_status name_column(const struct csv_window *window, const struct first *first,
                              const struct csv_options *options, int32_t i,
                              struct csv_column *column, kai_err *err) {
    char plain[16];
    struct slice name;
    struct csv_column scratch = {0}; /* holds a name without its doubled quotes */
    kai_status st = KAI_OK;
    if (options->columns.count > 0) {
        name = slice_of(options->columns.items[i]);
    } else if (options->no_header) {
        name = (struct slice){plain, (size_t)snprintf(plain, sizeof plain, "c%d", i + 1)};
    } else {
        st = csv_column_text(&scratch, window->text, first->fields[i], &name, err);
    }
    if (!st) st = csv_column_init(column, name, i, &options->missing, CSV_INFER, err);
    mem_free(scratch.scratch);
    return st;
}

/* No name is empty or stands twice. */
static kai_status check_names(const struct csv_header *header, const char *name, int64_t line,
                              kai_err *err) {
    struct dict names;
    dict_init(&names);
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < header->count; i++) {
        int32_t code;
        const char *text = header->columns[i].name;
        if (!text[0]) {
            st = refuse(err, name, line, i + 1,
                        "the column has no name (the option columns gives names)");
            break;
        }
        st = dict_add(&names, slice_of(text), &code, err);
        if (!st && code < i)
            st = err_set(err, KAI_INVALID, "%s:%lld:%d: column '%.100s' stands twice, first as %d",
                         name, (long long)line, i + 1, text, code + 1);
    }
    dict_release(&names);
    return st;
}

static const char KIND_NAMES[] = "number|integer|category|flag|date|text|id";

/* 1 where the word names a kind. */
static int find_kind(const char *word, enum csv_kind *ret_kind, uint8_t *ret_is_id) {
    static const struct {
        const char *word;
        enum csv_kind kind;
    } KINDS[] = {{"number", CSV_NUMBER}, {"integer", CSV_INTEGERS}, {"category", CSV_CATEGORY},
                 {"flag", CSV_FLAG},     {"date", CSV_TIME},        {"text", CSV_TEXT},
                 {"id", CSV_WORDS}};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        if (strcmp(word, KINDS[i].word) != 0) continue;
        *ret_kind = KINDS[i].kind;
        *ret_is_id = KINDS[i].kind == CSV_WORDS;
        return 1;
    }
    return 0;
}

/* "column 'x' is not in 'file': did you mean 'y'?" */
static kai_status unknown_column(const struct csv_header *header, const char *item, int size,
                                 const char *name, kai_err *err) {
    struct buf names;
    buf_init(&names, CAPS_TEXT_FILE_BYTES);
    char wanted[128], nearest[128] = "";
    (void)snprintf(wanted, sizeof wanted, "%.*s", size, item);
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < header->count; i++)
        st = buf_printf(&names, NULL, "%s%s", i ? "|" : "", header->columns[i].name);
    if (!st) (void)options_nearest(wanted, names.data, nearest, sizeof nearest); /* only a hint */
    buf_release(&names);
    return err_set(err, KAI_INVALID, "types: column '%s' is not in '%s'%s%s%s", wanted, name,
                   nearest[0] ? ": did you mean '" : "", nearest, nearest[0] ? "'?" : "");
}

/* "COL=KIND"; a name may hold '=', a kind does not. */
static kai_status apply_type(struct csv_header *header, const char *item, const char *name,
                             kai_err *err) {
    const char *equals = strrchr(item, '=');
    if (!equals) return err_set(err, KAI_INVALID, "types: expected COL=KIND, got '%.200s'", item);
    struct slice wanted = {item, (size_t)(equals - item)};
    for (int32_t i = 0; i < header->count; i++) {
        struct csv_column *column = &header->columns[i];
        if (!slice_equal_text(wanted, column->name)) continue;
        if (!find_kind(equals + 1, &column->asked, &header->is_id[i]))
            return err_set(err, KAI_INVALID, "types: column '%.100s': expected %s, got '%.100s'",
                           column->name, KIND_NAMES, equals + 1);
        column->kind = column->asked;
        return KAI_OK;
    }
    return unknown_column(header, item, (int)(equals - item), name, err);
}

static kai_status make_columns(struct csv_header *header, const struct csv_window *window,
                               const struct first *first, const struct csv_options *options,
                               const char *name, kai_err *err) {
    int64_t names = options->columns.count;
    if (names > CAPS_COLUMNS)
        return err_set(err, KAI_LIMIT, "more than %d column names", CAPS_COLUMNS);
    if (names > 0 && !options->no_header && names != first->count)
        return err_set(err, KAI_INVALID, "%s:%lld:%d: %d columns, but %lld names were given", name,
                       (long long)first->line, first->count, first->count, (long long)names);
    int32_t count = names > 0 ? (int32_t)names : first->count;
    header->columns = mem_zero((size_t)count, sizeof *header->columns);
    header->is_id = mem_zero((size_t)count, 1);
    if (!header->columns || !header->is_id)
        return err_memory(err, count * (int64_t)sizeof *header->columns);
    header->count = count;
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < count; i++)
        st = name_column(window, first, options, i, &header->columns[i], err);
    if (!st) st = check_names(header, name, first->line, err);
    for (int64_t i = 0; !st && i < options->types.count; i++)
        st = apply_type(header, options->types.items[i], name, err);
    return st;
}

kai_status csv_header_read(struct csv_window *window, const struct csv_dialect *dialect,
                           const char *name, const struct csv_options *options,
                           struct csv_header *ret_header, kai_err *err) {
    struct csv_header header = {0};
    struct first first = {.fields = mem_array(CAPS_COLUMNS, sizeof *first.fields)};
    kai_status st = first.fields ? KAI_OK : err_memory(err, CAPS_COLUMNS);
    if (!st) st = scan_first(window, dialect, name, &first, err);
    if (!st) st = make_columns(&header, window, &first, options, name, err);
    mem_free(first.fields);
    if (st) {
        csv_header_release(&header);
        return st;
    }
    if (!options->no_header) {
        window->begin = first.end;
        window->lines = first.end_lines;
    }
    *ret_header = header;
    return KAI_OK;
}

void csv_header_release(struct csv_header *header) {
    for (int32_t i = 0; i < header->count; i++) csv_column_release(&header->columns[i]);
    mem_free(header->columns);
    mem_free(header->is_id);
    *header = (struct csv_header){0};
}
