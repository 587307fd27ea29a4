/* The head of the page: what the plan is worth, in numbers that one can read across a table. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/sections.h"

double section_number(const struct json_value *object, const char *key) {
    return json_as_f64(json_get(object, key), NAN);
}

double section_size(double size, const struct json_value *estimate) {
    static const char *const KEYS[] = {"value", "low", "high"};
    for (int i = 0; i < 3; i++) {
        double value = fabs(section_number(estimate, KEYS[i]));
        if (isfinite(value) && value > size) size = value;
    }
    return size;
}

int section_rows(const struct json_value *list) {
    int64_t count = json_count(list);
    return count < HTML_ROWS_MAX ? (int)count : HTML_ROWS_MAX;
}

double section_policy_scale(const struct json_value *doc, const struct json_value *estimate) {
    double total = section_number(estimate, "total"), value = section_number(estimate, "value");
    double scale = total / value;
    return isfinite(scale) && scale > 0 ? scale : section_number(json_get(doc, "plan"), "eligible");
}

const struct json_value *section_policy_dr(const struct json_value *policy) {
    return json_get(json_get(policy, "estimates"), "dr");
}

const struct json_value *section_limit(const struct json_value *doc, const char *name) {
    const struct json_value *limits = json_get(json_get(doc, "plan"), "limits");
    for (int i = 0; i < section_rows(limits); i++)
        if (strcmp(json_as_text(json_get(json_at(limits, i), "name"), ""), name) == 0)
            return json_at(limits, i);
    return NULL;
}

double section_policy_cost(const struct json_value *doc, const struct json_value *policy) {
    double cost = section_number(policy, "cost");
    if (!isfinite(cost)) cost = section_number(policy, "cost_per_customer");
    return cost * section_policy_scale(doc, section_policy_dr(policy));
}

int section_policy_is_over(const struct json_value *doc, const struct json_value *policy) {
    double budget = section_number(section_limit(doc, "budget"), "limit");
    /* costs are sums of rounded shares */
    return section_policy_cost(doc, policy) > budget * (1 + 1e-6);
}

static void open_card(struct html *html, const char *class_name, const char *label) {
    html_raw(html, "<div class=\"");
    html_raw(html, class_name);
    html_raw(html, "\"><p class=\"label\">");
    html_word(html, label);
    html_raw(html, "</p>\n");
}

static void put_figure(struct html *html, const char *text) {
    html_raw(html, "<p class=\"figure\">");
    html_text(html, text);
    html_raw(html, "</p>\n");
}

static void open_note(struct html *html) { html_raw(html, "<p class=\"note\">"); }

static void close_note(struct html *html) { html_raw(html, "</p>\n"); }

static void put_total_interval(struct html *html, const struct json_value *dr, double scale) {
    char low[HTML_NUMBER_BYTES], high[HTML_NUMBER_BYTES];
    number_print_auto(low, section_number(dr, "low") * scale);
    number_print_auto(high, section_number(dr, "high") * scale);
    html_fill(html, "card-interval", (const char *const[]){html->confidence, low, high}, 3);
}

static const struct json_value *find_plan(const struct json_value *policies) {
    for (int i = 0; i < section_rows(policies); i++)
        if (strcmp(json_as_text(json_get(json_at(policies, i), "name"), ""), "plan") == 0)
            return json_at(policies, i);
    return NULL;
}

/* The baseline with the highest doubly robust value among those that the budget pays for; "nobody"
 * is zero by definition. */
static const struct json_value *find_rival(const struct json_value *doc,
                                           const struct json_value *policies) {
    const struct json_value *best = NULL;
    double best_value = -INFINITY;
    for (int i = 0; i < section_rows(policies); i++) {
        const struct json_value *policy = json_at(policies, i);
        const char *name = json_as_text(json_get(policy, "name"), "");
        double value = section_number(section_policy_dr(policy), "value");
        if (strcmp(name, "plan") == 0 || !(value > best_value)) continue;
        if (section_policy_is_over(doc, policy)) continue;
        best = policy;
        best_value = value;
    }
    return best;
}

static void put_worth(struct html *html, const struct json_value *doc,
                      const struct json_value *plan) {
    const struct json_value *dr = section_policy_dr(plan);
    double scale = section_policy_scale(doc, dr), low = section_number(dr, "low");
    double high = section_number(dr, "high");
    char total[HTML_NUMBER_BYTES], eligible[HTML_NUMBER_BYTES];
    if (!isfinite(section_number(dr, "value") * scale)) return;
    open_card(html, "card hero", "card-worth");
    put_figure(html, number_print_auto(total, section_number(dr, "value") * scale));
    if (isfinite(low) && isfinite(high)) {
        html_raw(html, "<p class=\"interval\">");
        put_total_interval(html, dr, scale);
        html_raw(html, " <span class=\"pill ");
        html_raw(html, low > 0 ? "good\">" : high < 0 ? "bad\">" : "fair\">");
        html_word(html, low > 0 ? "pill-gain" : high < 0 ? "pill-loss" : "pill-unsure");
        html_raw(html, "</span></p>\n");
    }
    open_note(html);
    html_fill(html, "card-worth-note", (const char *const[]){number_print(eligible, scale, 0)}, 1);
    close_note(html);
    html_raw(html, "</div>\n");
}

static void put_rival(struct html *html, const struct json_value *doc,
                      const struct json_value *rival) {
    const struct json_value *dr = section_policy_dr(rival);
    double scale = section_policy_scale(doc, dr);
    double treated = section_number(rival, "treated_share");
    char total[HTML_NUMBER_BYTES];
    if (!isfinite(section_number(dr, "value") * scale)) return;
    open_card(html, "card", section_limit(doc, "budget") ? "card-rival-budget" : "card-rival");
    put_figure(html, number_print_auto(total, section_number(dr, "value") * scale));
    open_note(html);
    html_raw(html, "<b>");
    html_phrase(html, json_as_text(json_get(rival, "name"), ""));
    html_raw(html, "</b>");
    if (section_number(dr, "low") < section_number(dr, "high")) {
        html_raw(html, "<br>");
        put_total_interval(html, dr, scale);
    }
    if (isfinite(treated)) {
        html_raw(html, "<br>");
        html_fill(html, "card-rival-note",
                  (const char *const[]){number_print_share(total, treated)}, 1);
    }
    close_note(html);
    html_raw(html, "</div>\n");
}

static void put_treated(struct html *html, const struct json_value *plan) {
    double treated = section_number(plan, "treated"), eligible = section_number(plan, "eligible");
    char text[3][HTML_NUMBER_BYTES];
    if (!isfinite(treated)) return;
    open_card(html, "card", "card-treated");
    put_figure(html, number_print(text[0], treated, 0));
    open_note(html);
    if (eligible > 0)
        html_fill(html, "card-treated-note",
                  (const char *const[]){number_print_share(text[0], treated / eligible),
                                        number_print(text[1], eligible, 0)},
                  2);
    close_note(html);
    html_raw(html, "</div>\n");
}

static void put_cost(struct html *html, const struct json_value *doc,
                     const struct json_value *plan) {
    const struct json_value *budget = section_limit(doc, "budget");
    double cost = section_number(plan, "cost"), price = section_number(budget, "shadow_price");
    char text[HTML_NUMBER_BYTES];
    if (!isfinite(cost)) return;
    open_card(html, "card", "card-cost");
    put_figure(html, number_print_amount(text, cost));
    open_note(html);
    if (isfinite(section_number(budget, "limit"))) {
        number_print_amount(text, section_number(budget, "limit"));
        html_fill(html, "card-cost-note", (const char *const[]){text}, 1);
    }
    if (price > 0) {
        html_raw(html, "<br>");
        number_print_auto(text, price);
        html_fill(html, "price-budget", (const char *const[]){text, html->goal}, 2);
    }
    close_note(html);
    html_raw(html, "</div>\n");
}

static void put_gap(struct html *html, const struct json_value *plan) {
    double gap = section_number(plan, "gap");
    char text[HTML_NUMBER_BYTES], bound[HTML_NUMBER_BYTES];
    if (!isfinite(gap)) return;
    open_card(html, "card", "card-gap");
    put_figure(html, number_print_share(text, gap));
    open_note(html);
    number_print_auto(bound, section_number(plan, "bound"));
    html_fill(html, "card-gap-note", (const char *const[]){bound}, 1);
    close_note(html);
    html_raw(html, "</div>\n");
}

static void put_meta(struct html *html, const struct json_value *doc) {
    char rows[HTML_NUMBER_BYTES], seed[HTML_NUMBER_BYTES];
    double row_count = section_number(doc, "rows"), seed_number = section_number(doc, "seed");
    html_raw(html, "<p class=\"meta\">");
    if (isfinite(row_count)) {
        html_raw(html, "<span>");
        html_fill(html, "meta-rows", (const char *const[]){number_print(rows, row_count, 0)}, 1);
        html_raw(html, "</span>");
    }
    html_raw(html, "<span>");
    html_word(html, "meta-goal");
    html_raw(html, "</span><span>");
    html_word(html, "meta-confidence");
    html_raw(html, "</span>");
    if (isfinite(seed_number)) {
        text_print_f64(seed_number, seed);
        html_raw(html, "<span>");
        html_fill(html, "meta-seed", (const char *const[]){seed}, 1);
        html_raw(html, "</span>");
    }
    html_raw(html, "</p>\n");
}

void section_summary(struct html *html, const struct json_value *doc) {
    const struct json_value *policies = json_get(doc, "policies"), *plan = json_get(doc, "plan");
    html_raw(html, "<header>\n<p class=\"kicker\">");
    html_word(html, "kicker");
    html_raw(html, "</p>\n<h1>");
    html_text(html, json_as_text(json_get(doc, "campaign"), word_find(html->lang, "untitled")));
    html_raw(html, "</h1>\n");
    put_meta(html, doc);
    html_raw(html, "</header>\n");
    if (!json_count(policies) && !json_count(plan)) return;
    html_raw(html, "<section class=\"cards\" id=\"summary\">\n");
    put_worth(html, doc, find_plan(policies));
    put_rival(html, doc, find_rival(doc, policies));
    put_treated(html, plan);
    put_cost(html, doc, plan);
    put_gap(html, plan);
    html_raw(html, "</section>\n");
}

static void put_policy_warnings(struct html *html, const struct json_value *policy) {
    const struct json_value *list = json_get(policy, "warnings");
    for (int i = 0; i < section_rows(list); i++) {
        html_raw(html, "<li><b>");
        html_phrase(html, json_as_text(json_get(policy, "name"), ""));
        html_raw(html, "</b> · ");
        html_phrase(html, json_as_text(json_at(list, i), ""));
        html_raw(html, "</li>\n");
    }
}

void section_warnings(struct html *html, const struct json_value *doc) {
    const struct json_value *list = json_get(doc, "warnings");
    const struct json_value *policies = json_get(doc, "policies");
    int64_t count = json_count(list);
    for (int i = 0; i < section_rows(policies); i++)
        count += json_count(json_get(json_at(policies, i), "warnings"));
    if (count == 0) return;
    html_raw(html, "<section class=\"callout\" id=\"warnings\">\n<h2>");
    html_word(html, "warnings");
    html_raw(html, "</h2>\n<ul>\n");
    for (int i = 0; i < section_rows(list); i++) {
        html_raw(html, "<li>");
        html_phrase(html, json_as_text(json_at(list, i), ""));
        html_raw(html, "</li>\n");
    }
    for (int i = 0; i < section_rows(policies); i++)
        put_policy_warnings(html, json_at(policies, i));
    html_raw(html, "</ul>\n</section>\n");
}
