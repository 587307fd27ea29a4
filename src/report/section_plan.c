/* The plan: what it is worth beside the baselines, what it does, and what holds it back. */
#include <math.h>
#include <string.h>

#include "report/sections.h"

static int is_plan(const struct json_value *policy) {
    return strcmp(json_as_text(json_get(policy, "name"), ""), "plan") == 0;
}

/* Columns of totals and of values per customer share their decimals. */
struct policy_format {
    int total_decimals, value_decimals, cost_decimals;
};

static struct policy_format measure_policies(const struct json_value *doc,
                                             const struct json_value *policies) {
    double total = 0, value = 0, cost = 0;
    for (int i = 0; i < section_rows(policies); i++) {
        const struct json_value *dr = section_policy_dr(json_at(policies, i));
        double size = section_size(0, dr), scale = section_policy_scale(doc, dr);
        if (size > value) value = size;
        if (size * scale > total) total = size * scale;
        double spent = section_policy_cost(doc, json_at(policies, i));
        if (isfinite(spent) && spent > cost) cost = spent;
    }
    return (struct policy_format){number_decimals(total), number_decimals(value),
                                  number_decimals(cost)};
}

static void put_total_interval(struct html *html, const struct json_value *dr, double scale,
                               int decimals) {
    char low[HTML_NUMBER_BYTES], high[HTML_NUMBER_BYTES];
    number_print(low, section_number(dr, "low") * scale, decimals);
    number_print(high, section_number(dr, "high") * scale, decimals);
    html_raw(html, "<td class=\"n i\">");
    if (section_number(dr, "low") < section_number(dr, "high"))
        html_fill(html, "low-to-high", (const char *const[]){low, high}, 2);
    else
        html_raw(html, "–");
    html_raw(html, "</td>");
}

static void put_policy(struct html *html, const struct json_value *doc,
                       const struct json_value *policy, struct policy_format format) {
    const struct json_value *dr = section_policy_dr(policy);
    double scale = section_policy_scale(doc, dr);
    html_row(html, is_plan(policy));
    html_raw(html, "<td>");
    html_phrase(html, json_as_text(json_get(policy, "name"), ""));
    if (section_policy_is_over(doc, policy)) {
        html_raw(html, " <span class=\"pill\">");
        html_word(html, "pill-over");
        html_raw(html, "</span>");
    }
    html_raw(html, "</td>");
    html_cell_share(html, section_number(policy, "treated_share"));
    html_cell_number(html, section_policy_cost(doc, policy), format.cost_decimals);
    html_cell_number(html, section_number(dr, "value") * scale, format.total_decimals);
    put_total_interval(html, dr, scale, format.total_decimals);
    html_cell_number(html, section_number(dr, "value"), format.value_decimals);
    html_cell_number(html, section_number(policy, "effective_sample"), 0);
    html_row_end(html);
}

static void put_estimators(struct html *html, const struct json_value *policies,
                           struct policy_format format) {
    static const struct html_column COLUMNS[] = {
        {"policy", 0}, {"estimator", 0}, {"per-customer", 1}, {"interval", 1}, {"rows", 1}};
    html_details(html, "estimators-title", 0);
    html_table(html, COLUMNS, 5);
    for (int i = 0; i < section_rows(policies); i++) {
        const struct json_value *estimates = json_get(json_at(policies, i), "estimates");
        for (int e = 0; e < section_rows(estimates); e++) {
            const struct json_value *estimate = json_at(estimates, e);
            html_row(html, is_plan(json_at(policies, i)));
            html_cell_phrase(html, json_as_text(json_get(json_at(policies, i), "name"), ""));
            html_cell_phrase(html, json_key_at(estimates, e));
            html_cell_number(html, section_number(estimate, "value"), format.value_decimals);
            html_cell_interval(html, estimate, format.value_decimals);
            html_cell_number(html, section_number(estimate, "n"), 0);
            html_row_end(html);
        }
    }
    html_table_end(html);
    html_details_end(html);
}

void section_policies(struct html *html, const struct json_value *doc) {
    static const struct html_column COLUMNS[] = {
        {"policy", 0},       {"treated-share", 1},   {"cost", 1}, {"total", 1}, {"interval", 1},
        {"per-customer", 1}, {"effective-sample", 1}};
    const struct json_value *policies = json_get(doc, "policies");
    if (!json_is_array(policies) || !json_count(policies)) return;
    struct policy_format format = measure_policies(doc, policies);
    html_section(html, "policies", "policies-title", "policies-lead");
    html_chart(html, "policies", "policies-title");
    html_table(html, COLUMNS, 7);
    for (int i = 0; i < section_rows(policies); i++)
        put_policy(html, doc, json_at(policies, i), format);
    html_table_end(html);
    put_estimators(html, policies, format);
    html_section_end(html);
}

static void put_plan_sentences(struct html *html, const struct json_value *plan) {
    char text[4][HTML_NUMBER_BYTES];
    double held_out = section_number(plan, "held_out");
    double no_consent = section_number(plan, "no_consent");
    html_raw(html, "<p class=\"lead\">");
    number_print(text[0], section_number(plan, "treated"), 0);
    number_print(text[1], section_number(plan, "eligible"), 0);
    html_fill(html, "plan-treated", (const char *const[]){text[0], text[1]}, 2);
    if (held_out > 0) {
        number_print(text[0], held_out, 0);
        html_space(html);
        html_fill(html, "plan-held-out", (const char *const[]){text[0]}, 1);
    }
    if (no_consent > 0) {
        number_print(text[0], no_consent, 0);
        html_space(html);
        html_fill(html, "plan-no-consent", (const char *const[]){text[0]}, 1);
    }
    if (isfinite(section_number(plan, "value"))) {
        number_print_auto(text[0], section_number(plan, "value"));
        number_print_auto(text[1], section_number(plan, "bound"));
        number_print_share(text[2], section_number(plan, "gap"));
        html_space(html);
        html_fill(html, "plan-proof", (const char *const[]){text[0], text[1], text[2], html->goal},
                  4);
    }
    html_raw(html, "</p>\n");
}

static double column_size(const struct json_value *list, const char *key) {
    double size = 0;
    for (int i = 0; i < section_rows(list); i++) {
        double value = fabs(section_number(json_at(list, i), key));
        if (isfinite(value) && value > size) size = value;
    }
    return size;
}

static void put_shares(struct html *html, const struct json_value *list, int has_channel) {
    int cost_decimals = number_decimals(column_size(list, "cost"));
    int value_decimals = number_decimals(column_size(list, "value"));
    for (int i = 0; i < section_rows(list); i++) {
        const struct json_value *item = json_at(list, i);
        html_row(html, 0);
        html_cell_text(html, json_key_at(list, i));
        if (has_channel) html_cell_text(html, json_as_text(json_get(item, "channel"), ""));
        html_cell_number(html, section_number(item, "customers"), 0);
        html_cell_number(html, section_number(item, "cost"), cost_decimals);
        html_cell_number(html, section_number(item, "value"), value_decimals);
        html_row_end(html);
    }
}

void section_plan(struct html *html, const struct json_value *doc) {
    static const struct html_column OFFERS[] = {
        {"offer", 0}, {"channel", 0}, {"customers", 1}, {"cost", 1}, {"plan-value", 1}};
    static const struct html_column CHANNELS[] = {
        {"channel", 0}, {"customers", 1}, {"cost", 1}, {"plan-value", 1}};
    const struct json_value *plan = json_get(doc, "plan");
    const struct json_value *offers = json_get(plan, "offers");
    const struct json_value *channels = json_get(plan, "channels");
    if (!json_is_object(plan) || !json_count(plan)) return;
    html_section(html, "plan", "plan-title", NULL);
    put_plan_sentences(html, plan);
    if (json_is_object(offers) && json_count(offers)) {
        html_chart(html, "offers", "plan-title");
        html_table(html, OFFERS, 5);
        put_shares(html, offers, 1);
        html_table_end(html);
    }
    if (json_is_object(channels) && json_count(channels)) {
        html_table(html, CHANNELS, 4);
        put_shares(html, channels, 0);
        html_table_end(html);
    }
    html_section_end(html);
}

void section_frontier(struct html *html, const struct json_value *doc) {
    static const struct html_column COLUMNS[] = {
        {"budget", 1}, {"plan-value", 1}, {"bound", 1}, {"cost", 1}, {"customers", 1}};
    static const char *const KEYS[] = {"limit", "value", "bound", "cost", "treated"};
    const struct json_value *list = json_get(doc, "frontier");
    int decimals[5];
    if (!json_is_array(list) || !json_count(list)) return;
    for (int c = 0; c < 5; c++) decimals[c] = number_decimals(column_size(list, KEYS[c]));
    html_section(html, "frontier", "frontier-title", "frontier-lead");
    html_chart(html, "frontier", "frontier-title");
    html_details(html, "table-title", 1);
    html_table(html, COLUMNS, 5);
    for (int i = 0; i < section_rows(list); i++) {
        html_row(html, 0);
        for (int c = 0; c < 5; c++)
            html_cell_number(html, section_number(json_at(list, i), KEYS[c]),
                             c == 4 ? 0 : decimals[c]);
        html_row_end(html);
    }
    html_table_end(html);
    html_details_end(html);
    html_section_end(html);
}

static void put_use(struct html *html, double used, double limit) {
    char text[HTML_NUMBER_BYTES];
    double share = limit > 0 ? used / limit : NAN;
    html_raw(html, "<td class=\"n use\">");
    if (isfinite(share) && share >= 0) {
        double percent = share < 1 ? share * 100 : 100;
        html_raw(html, "<span class=\"meter\"><i style=\"width:");
        html_text(html, number_print(text, percent, 0));
        html_raw(html, "%\"></i></span>");
    }
    html_raw(html, "<span class=\"percent\">");
    html_text(html, number_print_share(text, share));
    html_raw(html, "</span></td>");
}

/* The name is the campaign's, except for the two limits that have no name of their own. */
enum limit_kind { LIMIT_BUDGET, LIMIT_FAIRNESS, LIMIT_CAPACITY };

static enum limit_kind kind_of(const char *name) {
    if (strcmp(name, "budget") == 0) return LIMIT_BUDGET;
    return strcmp(name, "fairness") == 0 ? LIMIT_FAIRNESS : LIMIT_CAPACITY;
}

static void put_price(struct html *html, enum limit_kind kind, double price) {
    static const char *const KEYS[] = {"price-budget", "price-gap", "price-other"};
    char text[HTML_NUMBER_BYTES];
    const char *key = KEYS[kind];
    html_raw(html, "<td>");
    /* a unit of the gap is the whole range; people think in percentage points */
    number_print_auto(text, kind == LIMIT_FAIRNESS ? price / 100 : price);
    if (price > 0)
        html_fill(html, key, (const char *const[]){text, html->goal}, 2);
    else if (isfinite(price))
        html_word(html, "price-none");
    html_raw(html, "</td>");
}

static void put_limit(struct html *html, const char *name, double used, double most, double price) {
    enum limit_kind kind = kind_of(name);
    html_row(html, 0);
    html_raw(html, "<td>");
    if (kind == LIMIT_CAPACITY)
        html_text(html, name);
    else
        html_word(html, kind == LIMIT_BUDGET ? "budget" : "limit-fairness");
    html_raw(html, "</td>");
    if (kind == LIMIT_FAIRNESS) {
        html_cell_share(html, used);
        html_cell_share(html, most);
    } else {
        html_cell_amount(html, used);
        html_cell_amount(html, most);
    }
    put_use(html, used, most);
    put_price(html, kind, price);
    html_row_end(html);
}

void section_limits(struct html *html, const struct json_value *doc) {
    static const struct html_column COLUMNS[] = {
        {"limit-name", 0}, {"used", 1}, {"limit", 1}, {"use", 1}, {"price", 0}};
    const struct json_value *list = json_get(json_get(doc, "plan"), "limits");
    if (!json_is_array(list) || !json_count(list)) return;
    html_section(html, "limits", "limits-title", "limits-lead");
    html_table(html, COLUMNS, 5);
    for (int i = 0; i < section_rows(list); i++) {
        const struct json_value *limit = json_at(list, i);
        double used = section_number(limit, "used"), most = section_number(limit, "limit");
        const char *name = json_as_text(json_get(limit, "name"), "");
        put_limit(html, name, used, most, section_number(limit, "shadow_price"));
    }
    html_table_end(html);
    html_section_end(html);
}
