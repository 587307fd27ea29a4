/* Data quality: what was read, what was cleaned, which columns the models never saw. */
#include <math.h>
#include <string.h>

#include "report/sections.h"

static void put_inputs(struct html *html, const struct json_value *inputs) {
    static const struct html_column COLUMNS[] = {
        {"input", 0}, {"file", 0}, {"rows", 1}, {"columns", 1}};
    if (!json_is_object(inputs) || !json_count(inputs)) return;
    html_table(html, COLUMNS, 4);
    for (int i = 0; i < section_rows(inputs); i++) {
        const struct json_value *input = json_at(inputs, i);
        html_row(html, 0);
        html_cell_phrase(html, json_key_at(inputs, i));
        html_cell_text(html, json_as_text(json_get(input, "file"), ""));
        html_cell_number(html, section_number(input, "rows"), 0);
        html_cell_number(html, section_number(input, "columns"), 0);
        html_row_end(html);
    }
    html_table_end(html);
}

/* "income (312), age (12) …": the columns of a step, or the reasons of a quarantine. */
static void put_members(struct html *html, const struct json_value *members, int are_reasons) {
    enum { SHOWN = 6 };
    char text[HTML_NUMBER_BYTES];
    int shown = 0;
    for (int i = 0; i < section_rows(members); i++) {
        const struct json_value *member = json_at(members, i);
        double count = json_as_f64(member, NAN);
        const char *name = json_key_at(members, i);
        if (!name) name = json_as_text(member, NULL);
        if (!name || count == 0) continue;
        if (shown == SHOWN) {
            html_raw(html, " …");
            break;
        }
        if (shown++) html_raw(html, ", ");
        if (are_reasons)
            html_phrase(html, name);
        else
            html_text(html, name);
        if (!isfinite(count)) continue;
        html_raw(html, " (");
        html_text(html, number_print(text, count, 0));
        html_raw(html, ")");
    }
}

static void put_step(struct html *html, const char *key, double count,
                     const struct json_value *members, int are_reasons) {
    html_row(html, 0);
    html_cell_phrase(html, key);
    html_cell_number(html, count, 0);
    html_raw(html, "<td class=\"dim\">");
    put_members(html, members, are_reasons);
    html_raw(html, "</td>");
    html_row_end(html);
}

/* A step is a number, an object with a count, or an object of numbers. */
static void put_cleaning_member(struct html *html, const char *key,
                                const struct json_value *value) {
    double count = json_as_f64(value, NAN);
    if (json_is_object(value)) {
        count = section_number(value, "total");
        if (!isfinite(count)) count = section_number(value, "count");
    }
    if (isfinite(count)) {
        put_step(html, key, count, json_get(value, "columns"), 0);
        return;
    }
    if (!json_is_object(value)) return;
    for (int i = 0; i < section_rows(value); i++) {
        double member = json_as_f64(json_at(value, i), NAN);
        int is_quarantine = strcmp(json_key_at(value, i), "rows_quarantined") == 0;
        if (isfinite(member))
            put_step(html, json_key_at(value, i), member,
                     is_quarantine ? json_get(value, "reasons") : NULL, is_quarantine);
    }
}

static void put_cleaning(struct html *html, const struct json_value *cleaning) {
    static const struct html_column COLUMNS[] = {{"step", 0}, {"count", 1}, {"where", 0}};
    if (!json_is_object(cleaning) || !json_count(cleaning)) return;
    html_raw(html, "<h3>");
    html_word(html, "cleaning-title");
    html_raw(html, "</h3>\n");
    html_table(html, COLUMNS, 3);
    for (int i = 0; i < section_rows(cleaning); i++)
        put_cleaning_member(html, json_key_at(cleaning, i), json_at(cleaning, i));
    html_table_end(html);
}

/* Line and reason of the first rows that were set aside; the records stay in their file. */
static void put_quarantine(struct html *html, const struct json_value *read) {
    static const struct html_column COLUMNS[] = {{"line", 1}, {"reason", 0}};
    const struct json_value *list = json_get(read, "quarantined");
    if (!json_is_array(list) || !json_count(list)) return;
    html_details(html, "quarantine-title", 0);
    html_table(html, COLUMNS, 2);
    for (int i = 0; i < section_rows(list); i++) {
        html_row(html, 0);
        html_cell_number(html, section_number(json_at(list, i), "line"), 0);
        html_cell_text(html, json_as_text(json_get(json_at(list, i), "reason"), ""));
        html_row_end(html);
    }
    html_table_end(html);
    html_details_end(html);
}

static void put_left_out(struct html *html, const struct json_value *list) {
    for (int i = 0; i < section_rows(list); i++) {
        html_row(html, 0);
        html_cell_text(html, json_as_text(json_get(json_at(list, i), "column"), ""));
        html_cell_phrase(html, json_as_text(json_get(json_at(list, i), "reason"), ""));
        html_row_end(html);
    }
}

static void put_all_left_out(struct html *html, const struct json_value *doc) {
    static const struct html_column COLUMNS[] = {{"column", 0}, {"reason", 0}};
    const struct json_value *of_cleaning = json_get(json_get(doc, "cleaning"), "left_out");
    const struct json_value *of_models = json_get(json_get(doc, "models"), "left_out");
    if (!json_is_array(of_models)) of_models = NULL;
    if (!json_is_array(of_cleaning)) of_cleaning = NULL;
    if (!json_count(of_cleaning) && !json_count(of_models)) return;
    html_raw(html, "<h3>");
    html_word(html, "left-out-title");
    html_raw(html, "</h3>\n");
    html_table(html, COLUMNS, 2);
    put_left_out(html, of_models);
    put_left_out(html, of_cleaning);
    html_table_end(html);
}

static void put_shift(struct html *html, const struct json_value *list) {
    static const struct html_column COLUMNS[] = {
        {"column", 0}, {"shift-size", 0}, {"psi", 1}, {"p-value", 1}};
    if (!json_is_array(list) || !json_count(list)) return;
    html_raw(html, "<h3>");
    html_word(html, "shift-title");
    html_raw(html, "</h3>\n");
    html_table(html, COLUMNS, 4);
    for (int i = 0; i < section_rows(list); i++) {
        const struct json_value *shift = json_at(list, i);
        double p = section_number(shift, "p_adjusted");
        html_row(html, 0);
        html_cell_text(html, json_as_text(json_get(shift, "column"), ""));
        html_cell_phrase(html, json_as_text(json_get(shift, "size"), ""));
        html_cell_number(html, section_number(shift, "psi"), 3);
        html_cell_number(html, isfinite(p) ? p : section_number(shift, "p"), 4);
        html_row_end(html);
    }
    html_table_end(html);
}

void section_data(struct html *html, const struct json_value *doc) {
    const struct json_value *models = json_get(doc, "models");
    if (!json_count(json_get(doc, "inputs")) && !json_count(json_get(doc, "cleaning")) &&
        !json_count(json_get(models, "left_out")))
        return;
    html_section(html, "quality", "data-title", "data-lead");
    put_inputs(html, json_get(doc, "inputs"));
    put_cleaning(html, json_get(doc, "cleaning"));
    put_quarantine(html, json_get(json_get(doc, "cleaning"), "read"));
    put_all_left_out(html, doc);
    put_shift(html, json_get(models, "shift"));
    html_section_end(html);
}
