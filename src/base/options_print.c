#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/options.h"
#include "base/text.h"

enum { LEFT_BYTES = 128, HELP_COLUMN = 28 };

static int has_range(const struct kai_option *option) {
    return (option->kind == OPTION_INT || option->kind == OPTION_NUMBER) &&
           (option->low != 0 || option->high != 0);
}

/* "0 to 1", "1 or more", "0 or less", "" */
static kai_status print_range(const struct kai_option *option, struct buf *out, kai_err *err) {
    if (!has_range(option)) return KAI_OK;
    char low[TEXT_NUMBER_BYTES], high[TEXT_NUMBER_BYTES];
    (void)text_print_f64(option->low, low); /* lengths are not needed */
    (void)text_print_f64(option->high, high);
    if (isinf(option->high)) return buf_printf(out, err, "%s or more", low);
    if (isinf(option->low)) return buf_printf(out, err, "%s or less", high);
    return buf_printf(out, err, "%s to %s", low, high);
}

static int is_true(const struct kai_option *option) {
    int value = 0;
    return option->fallback && text_parse_flag(slice_of(option->fallback), &value) && value;
}

/* "--name VALUE"; a flag that is on by default shows how to switch it off. */
static void print_left(const struct kai_option *option, char ret_text[LEFT_BYTES]) {
    static const char *const PLACEHOLDERS[] = {"", "N", "X", "TEXT", "", "A,B,..."};
    const char *value = option->value ? option->value : PLACEHOLDERS[option->kind];
    if (option->kind == OPTION_CHOICE && !option->value) value = option->choices;
    if (option->kind == OPTION_FLAG)
        (void)snprintf(ret_text, LEFT_BYTES, "--%s%s", is_true(option) ? "no-" : "", option->name);
    else
        (void)snprintf(ret_text, LEFT_BYTES, "--%s %s", option->name, value);
}

static kai_status print_option(const struct kai_option *option, struct buf *out, kai_err *err) {
    char left[LEFT_BYTES];
    print_left(option, left);
    int is_wide = strlen(left) > HELP_COLUMN - 2;
    kai_status st =
        is_wide ? buf_printf(out, err, "  %s\n  %-*s%s", left, HELP_COLUMN, "", option->help)
                : buf_printf(out, err, "  %-*s%s", HELP_COLUMN, left, option->help);
    struct buf notes;
    buf_init(&notes, LEFT_BYTES * 4);
    if (!st) st = print_range(option, &notes, err);
    int has_default = option->fallback && option->fallback[0] && option->kind != OPTION_FLAG;
    if (!st && has_default)
        st = buf_printf(&notes, err, "%sdefault %s", notes.size ? "; " : "", option->fallback);
    if (!st && notes.size) st = buf_printf(out, err, " (%s)", notes.data);
    buf_release(&notes);
    return st ? st : buf_puts(out, "\n", err);
}

kai_status options_print_help(const struct kai_option_table *table, const char *program,
                              struct buf *out, kai_err *err) {
    kai_status st = buf_printf(out, err, "%s %s: %s\n\nusage: %s %s\n", program, table->name,
                               table->summary, program, table->usage);
    if (!st && table->count > 0) st = buf_puts(out, "\noptions:\n", err);
    for (int32_t i = 0; !st && i < table->count; i++)
        st = print_option(&table->options[i], out, err);
    if (!st && table->example) st = buf_printf(out, err, "\nexample:\n  %s\n", table->example);
    return st;
}

/* A cell of a Markdown table: '|' would end it. */
static kai_status print_cell(const char *text, struct buf *out, kai_err *err) {
    kai_status st = KAI_OK;
    for (const char *at = text; !st && *at; at++)
        st = *at == '|' ? buf_puts(out, "\\|", err) : buf_append(out, at, 1, err);
    return st;
}

static kai_status print_row(const struct kai_option *option, struct buf *out, kai_err *err) {
    static const char *const KINDS[] = {"flag", "whole number", "number", "text", "", "list"};
    const char *type = option->kind == OPTION_CHOICE ? option->choices : KINDS[option->kind];
    kai_status st = buf_printf(out, err, "| `--%s` | ", option->name);
    if (!st) st = print_cell(type, out, err);
    if (!st) st = buf_puts(out, " | ", err);
    if (!st) st = print_range(option, out, err);
    if (!st) st = buf_puts(out, " | ", err);
    if (!st) st = print_cell(option->fallback ? option->fallback : "", out, err);
    if (!st) st = buf_puts(out, " | ", err);
    if (!st) st = print_cell(option->help, out, err);
    return st ? st : buf_puts(out, " |\n", err);
}

kai_status options_print_markdown(const struct kai_option_table *table, struct buf *out,
                                  kai_err *err) {
    kai_status st = buf_puts(out,
                             "| Option | Type | Range | Default | Meaning |\n"
                             "|---|---|---|---|---|\n",
                             err);
    for (int32_t i = 0; !st && i < table->count; i++) st = print_row(&table->options[i], out, err);
    return st;
}

/* The values between `separator`s, each as one JSON text. */
static void put_parts(struct json_writer *json, const char *text, char separator,
                      struct buf *space) {
    json_array(json);
    for (const char *at = text; at && *at && !json->status;) {
        const char *end = strchr(at, separator);
        size_t n = end ? (size_t)(end - at) : strlen(at);
        buf_reset(space);
        json->status = buf_append(space, at, n, &json->err);
        if (!json->status) json_text(json, space->data);
        at = end ? end + 1 : NULL;
    }
    json_end(json);
}

static void put_default(struct json_writer *json, const struct kai_option *option,
                        struct buf *space) {
    double number;
    int64_t whole;
    struct slice text = slice_of(option->fallback);
    json_key(json, "default");
    if (option->kind == OPTION_FLAG)
        json_bool(json, is_true(option));
    else if (option->kind == OPTION_INT && text_parse_i64(text, &whole))
        json_i64(json, whole);
    else if (option->kind == OPTION_NUMBER && text_parse_f64(text, &number))
        json_f64(json, number);
    else if (option->kind == OPTION_LIST)
        put_parts(json, option->fallback, ',', space);
    else
        json_text(json, option->fallback);
}

static void put_property(struct json_writer *json, const struct kai_option *option,
                         struct buf *space) {
    static const char *const TYPES[] = {"boolean", "integer", "number",
                                        "string",  "string",  "array"};
    char key[LEFT_BYTES];
    (void)snprintf(key, sizeof key, "%s", option->name);
    for (char *at = key; *at; at++)
        if (*at == '-') *at = '_';
    json_key(json, key);
    json_object(json);
    json_key_text(json, "type", TYPES[option->kind]);
    json_key_text(json, "description", option->help);
    if (option->kind == OPTION_CHOICE) {
        json_key(json, "enum");
        put_parts(json, option->choices, '|', space);
    }
    if (option->kind == OPTION_LIST) {
        json_key(json, "items");
        json_raw(json, "{\"type\":\"string\"}");
    }
    if (has_range(option) && !isinf(option->low)) json_key_f64(json, "minimum", option->low);
    if (has_range(option) && !isinf(option->high)) json_key_f64(json, "maximum", option->high);
    if (option->fallback) put_default(json, option, space);
    json_end(json);
}

kai_status options_print_schema(const struct kai_option_table *table, struct buf *out,
                                kai_err *err) {
    struct json_writer json;
    json_init(&json, out, 1);
    struct buf space;
    buf_init(&space, LEFT_BYTES * 32);
    json_object(&json);
    json_key_text(&json, "title", table->name);
    json_key_text(&json, "description", table->summary);
    json_key_text(&json, "type", "object");
    json_key(&json, "properties");
    json_object(&json);
    for (int32_t i = 0; i < table->count; i++) put_property(&json, &table->options[i], &space);
    json_end(&json);
    json_key_bool(&json, "additionalProperties", 0);
    json_end(&json);
    buf_release(&space);
    return json_finish(&json, err);
}
