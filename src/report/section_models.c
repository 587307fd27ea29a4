/* Which learner each fold chose, and how each number of the page was computed. */
#include <math.h>
#include <string.h>

#include "report/sections.h"

enum { FOLDS_MAX = 12, CANDIDATES_MAX = 64 };

static void put_facts(struct html *html, const struct json_value *models) {
    static const char *const KEYS[] = {"propensity", "learner"};
    const struct json_value *features = json_get(models, "features");
    html_raw(html, "<dl class=\"facts\">\n");
    for (int i = 0; i < 2; i++) {
        const char *text = json_as_text(json_get(models, KEYS[i]), NULL);
        if (!text) continue;
        html_raw(html, "<dt>");
        html_word(html, KEYS[i]);
        html_raw(html, "</dt><dd>");
        html_phrase(html, text);
        html_raw(html, "</dd>\n");
    }
    if (json_is_array(features) && json_count(features)) {
        html_raw(html, "<dt>");
        html_word(html, "features");
        html_raw(html, "</dt><dd>");
        for (int i = 0; i < section_rows(features); i++) {
            if (i) html_raw(html, ", ");
            html_text(html, json_as_text(json_at(features, i), ""));
        }
        html_raw(html, "</dd>\n");
    }
    html_raw(html, "</dl>\n");
}

/* A candidate is a learner and the model under it; how far it scales effects is fitted by fold. */
static int is_same(const struct json_value *a, const struct json_value *b) {
    return strcmp(json_as_text(json_get(a, "learner"), ""),
                  json_as_text(json_get(b, "learner"), "")) == 0 &&
           strcmp(json_as_text(json_get(a, "base"), ""), json_as_text(json_get(b, "base"), "")) ==
               0;
}

/* The word of a learner or a base, or what the document says where we have none. */
static const char *name_of(struct html *html, const char *text, const char *const *names, int count,
                           const char *const *keys) {
    for (int i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0) return word_find(html->lang, keys[i]);
    return text;
}

static void put_name(struct html *html, const struct json_value *candidate) {
    static const char *const LEARNERS[] = {"constant", "s", "t", "x", "dr", "blend"};
    static const char *const LEARNER_KEYS[] = {"learner-constant", "learner-s",  "learner-t",
                                               "learner-x",        "learner-dr", "learner-blend"};
    static const char *const BASES[] = {"ridge", "forest", "boost"};
    static const char *const BASE_KEYS[] = {"base-ridge", "base-forest", "base-boost"};
    const char *text = json_as_text(json_get(candidate, "learner"), "");
    const char *base = json_as_text(json_get(candidate, "base"), NULL);
    const char *learner = name_of(html, text, LEARNERS, 6, LEARNER_KEYS);
    if (!base || strcmp(text, "constant") == 0) {
        html_text(html, learner);
        return;
    }
    base = name_of(html, base, BASES, 3, BASE_KEYS);
    html_fill(html, "over", (const char *const[]){learner, base}, 2);
}

static void put_scale(struct html *html, const struct json_value *fold) {
    double shrink = section_number(fold, "shrink");
    char share[HTML_NUMBER_BYTES];
    if (!isfinite(shrink) || shrink == 1) return;
    html_raw(html, " <span class=\"dim\">· ");
    html_fill(html, "shrink", (const char *const[]){number_print_share(share, shrink)}, 1);
    html_raw(html, "</span>");
}

static const struct json_value *find_candidate(const struct json_value *fold,
                                               const struct json_value *wanted) {
    const struct json_value *list = json_get(fold, "candidates");
    for (int i = 0; i < section_rows(list) && i < CANDIDATES_MAX; i++)
        if (is_same(json_at(list, i), wanted)) return json_at(list, i);
    return NULL;
}

static int is_chosen(const struct json_value *fold, const struct json_value *candidate) {
    const struct json_value *flag = json_get(candidate, "chosen");
    return flag ? json_as_bool(flag, 0) : candidate && is_same(fold, candidate);
}

static void put_scores(struct html *html, const struct json_value *folds, int fold_count,
                       const struct json_value *candidate, int decimals) {
    char text[HTML_NUMBER_BYTES];
    html_raw(html, "<tr><td>");
    put_name(html, candidate);
    html_raw(html, "</td>");
    for (int f = 0; f < fold_count; f++) {
        const struct json_value *found = find_candidate(json_at(folds, f), candidate);
        html_raw(html, is_chosen(json_at(folds, f), found) ? "<td class=\"n chosen\">"
                                                           : "<td class=\"n\">");
        html_text(html, number_print(text, section_number(found, "value"), decimals));
        html_raw(html, "</td>");
    }
    html_raw(html, "</tr>\n");
}

static void put_fold_headings(struct html *html, int fold_count, const char *first) {
    char text[HTML_NUMBER_BYTES];
    html_raw(html, "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">");
    html_word(html, first);
    html_raw(html, "</th>");
    for (int f = 0; f < fold_count; f++) {
        html_raw(html, "<th scope=\"col\" class=\"n\">");
        number_print(text, f + 1, 0);
        html_fill(html, "fold", (const char *const[]){text}, 1);
        html_raw(html, "</th>");
    }
    html_raw(html, "</tr></thead>\n<tbody>\n");
}

/* Candidates down, folds across; the chosen one of each fold is marked. */
static void put_candidates(struct html *html, const struct json_value *folds, int fold_count) {
    const struct json_value *candidates = json_get(json_at(folds, 0), "candidates");
    double size = 0;
    if (!json_is_array(candidates) || !json_count(candidates)) return;
    for (int f = 0; f < fold_count; f++) {
        const struct json_value *list = json_get(json_at(folds, f), "candidates");
        for (int i = 0; i < section_rows(list) && i < CANDIDATES_MAX; i++)
            size = section_size(size, json_at(list, i));
    }
    html_details(html, "candidates-title", 0);
    put_fold_headings(html, fold_count, "candidate");
    for (int i = 0; i < section_rows(candidates) && i < CANDIDATES_MAX; i++)
        put_scores(html, folds, fold_count, json_at(candidates, i), number_decimals(size));
    html_table_end(html);
    html_details_end(html);
}

/* The value of the candidate that a fold chose, or NaN. */
static double chosen_value(const struct json_value *fold) {
    const struct json_value *list = json_get(fold, "candidates");
    for (int i = 0; i < section_rows(list) && i < CANDIDATES_MAX; i++)
        if (is_chosen(fold, json_at(list, i))) return section_number(json_at(list, i), "value");
    return NAN;
}

static void put_folds(struct html *html, const struct json_value *folds) {
    static const struct html_column COLUMNS[] = {
        {"fold-heading", 0}, {"learner", 0}, {"chosen-value", 1}};
    int fold_count = section_rows(folds) < FOLDS_MAX ? section_rows(folds) : FOLDS_MAX;
    char text[HTML_NUMBER_BYTES];
    double size = 0;
    if (!json_is_array(folds) || !json_count(folds)) return;
    for (int f = 0; f < fold_count; f++) {
        double value = fabs(chosen_value(json_at(folds, f)));
        if (isfinite(value) && value > size) size = value;
    }
    html_table(html, COLUMNS, 3);
    for (int f = 0; f < fold_count; f++) {
        html_row(html, 0);
        html_cell_text(html, number_print(text, f + 1, 0));
        html_raw(html, "<td>");
        put_name(html, json_at(folds, f));
        put_scale(html, json_at(folds, f));
        html_raw(html, "</td>");
        html_cell_number(html, chosen_value(json_at(folds, f)), number_decimals(size));
        html_row_end(html);
    }
    html_table_end(html);
    put_candidates(html, folds, fold_count);
}

void section_models(struct html *html, const struct json_value *doc) {
    const struct json_value *models = json_get(doc, "models");
    if (!json_is_object(models) || !json_count(models)) return;
    html_section(html, "models", "models-title", "models-lead");
    put_facts(html, models);
    put_folds(html, json_get(models, "folds"));
    html_section_end(html);
}

void section_methods(struct html *html, const struct json_value *doc) {
    static const char *const NOTES[][2] = {{"how-effects", "how-effects-text"},
                                           {"how-value", "how-value-text"},
                                           {"how-interval", "how-interval-text"},
                                           {"how-plan", "how-plan-text"},
                                           {"how-price", "how-price-text"},
                                           {"how-qini", "how-qini-text"},
                                           {"how-calibration", "how-calibration-text"},
                                           {"how-reasons", "how-reasons-text"},
                                           {"how-fairness", "how-fairness-text"},
                                           {"how-leaks", "how-leaks-text"},
                                           {"how-limits", "how-limits-text"}};
    (void)doc; /* every section has the same parameters */
    html_section(html, "methods", "methods-title", NULL);
    html_raw(html, "<dl class=\"methods\">\n");
    for (size_t i = 0; i < sizeof NOTES / sizeof *NOTES; i++) {
        html_raw(html, "<dt>");
        html_word(html, NOTES[i][0]);
        html_raw(html, "</dt><dd>");
        html_word(html, NOTES[i][1]);
        html_raw(html, "</dd>\n");
    }
    html_raw(html, "</dl>\n");
    html_section_end(html);
}
