/* Fairness: who is treated, who gains, and where the model errs, by group. */
#include <math.h>

#include "report/sections.h"

static const struct json_value *either(const struct json_value *object, const char *key,
                                       const char *other) {
    const struct json_value *found = json_get(object, key);
    return found ? found : json_get(object, other);
}

/* The campaign limits one column; where one is audited, that is the one. */
static double limit_of(const struct json_value *doc, const struct json_value *audit) {
    double limit = section_number(audit, "limit");
    if (isfinite(limit) || json_count(json_get(doc, "fairness")) != 1) return limit;
    return section_number(section_limit(doc, "fairness"), "limit");
}

static void put_gap(struct html *html, const struct json_value *doc,
                    const struct json_value *audit) {
    const struct json_value *gap = either(audit, "treated_gap", "gap");
    double value = section_number(gap, "value"), limit = limit_of(doc, audit);
    char text[4][HTML_NUMBER_BYTES];
    if (!isfinite(value)) return;
    number_print_share(text[0], value);
    number_print_share(text[1], section_number(gap, "low"));
    number_print_share(text[2], section_number(gap, "high"));
    number_print_share(text[3], limit);
    html_raw(html, "<p>");
    html_fill(html, "fairness-gap", (const char *const[]){text[0], text[1], text[2]}, 3);
    if (isfinite(limit)) {
        int is_above = json_as_bool(json_get(audit, "is_gap_above"), value > limit);
        html_space(html);
        html_fill(html, "fairness-limit", (const char *const[]){text[3]}, 1);
        html_raw(html, is_above ? " <span class=\"pill bad\">" : " <span class=\"pill good\">");
        html_word(html, is_above ? "pill-above" : "pill-within");
        html_raw(html, "</span>");
    }
    if (json_as_bool(json_get(audit, "is_below_four_fifths"), 0)) {
        html_raw(html, " <span class=\"pill fair\">");
        html_word(html, "pill-four-fifths");
        html_raw(html, "</span>");
    }
    html_raw(html, "</p>\n");
}

static void put_value(struct html *html, const struct json_value *estimate, int decimals) {
    double value = section_number(estimate, "value");
    html_cell_number(html, isfinite(value) ? value : json_as_f64(estimate, NAN), decimals);
}

static void put_share(struct html *html, const struct json_value *estimate) {
    double value = section_number(estimate, "value");
    html_cell_share(html, isfinite(value) ? value : json_as_f64(estimate, NAN));
}

static void put_group(struct html *html, const struct json_value *group, int decimals) {
    const struct json_value *treated = json_get(group, "treated_share");
    html_row(html, 0);
    html_raw(html, "<td>");
    html_text(html, json_as_text(json_get(group, "group"), ""));
    if (json_as_bool(json_get(group, "is_small"), 0)) {
        html_raw(html, " <span class=\"pill\">");
        html_word(html, "pill-small");
        html_raw(html, "</span>");
    }
    if (json_as_bool(json_get(group, "is_miscalibrated"), 0)) {
        html_raw(html, " <span class=\"pill fair\">");
        html_word(html, "pill-miscalibrated");
        html_raw(html, "</span>");
    }
    html_raw(html, "</td>");
    html_cell_number(html, section_number(group, "n"), 0);
    html_cell_share(html, json_as_f64(either(group, "row_share", "population_share"), NAN));
    put_share(html, treated);
    html_cell_interval_share(html, treated);
    put_share(html, json_get(group, "value_share"));
    put_value(html, either(group, "effect_predicted", "predicted_effect"), decimals);
    put_value(html, either(group, "effect_observed", "observed_effect"), decimals);
    html_cell_interval(html, either(group, "effect_observed", "observed_effect"), decimals);
    html_row_end(html);
}

static void put_audit(struct html *html, const struct json_value *doc, const char *column,
                      const struct json_value *audit) {
    static const struct html_column COLUMNS[] = {
        {"group", 0},         {"customers", 1}, {"population", 1},
        {"treated-share", 1}, {"interval", 1},  {"value-share", 1},
        {"predicted", 1},     {"observed", 1},  {"interval", 1}};
    const struct json_value *groups = json_get(audit, "groups");
    double size = 0;
    for (int g = 0; g < section_rows(groups); g++)
        size = section_size(size, either(json_at(groups, g), "effect_observed", "observed_effect"));
    html_raw(html, "<h3>");
    html_text(html, column);
    html_raw(html, "</h3>\n");
    put_gap(html, doc, audit);
    html_raw(html, "<figure class=\"chart\" data-chart=\"fairness\" data-key=\"");
    html_text(html, column);
    html_raw(html, "\" role=\"img\" aria-label=\"");
    html_word(html, "fairness-title");
    html_raw(html, "\" hidden></figure>\n");
    html_table(html, COLUMNS, 9);
    for (int g = 0; g < section_rows(groups); g++)
        put_group(html, json_at(groups, g), number_decimals(size));
    html_table_end(html);
}

void section_fairness(struct html *html, const struct json_value *doc) {
    const struct json_value *fairness = json_get(doc, "fairness");
    if (!json_is_object(fairness) || !json_count(fairness)) return;
    html_section(html, "fairness", "fairness-title", "fairness-lead");
    for (int c = 0; c < section_rows(fairness); c++)
        put_audit(html, doc, json_key_at(fairness, c), json_at(fairness, c));
    html_section_end(html);
}
