/* Effects: what the past shows, how well customers are ranked and calibrated, and why. */
#include <math.h>
#include <string.h>

#include "report/sections.h"

/* The arms' outcomes are the members that are objects with a mean. */
static double mean_of(const struct json_value *outcome) {
    double mean = section_number(outcome, "mean");
    return isfinite(mean) ? mean : section_number(outcome, "value");
}

static double arms_size(const struct json_value *arms, const char *outcome, int is_effect) {
    double size = 0;
    for (int a = 0; a < section_rows(arms); a++) {
        const struct json_value *item = json_get(json_at(arms, a), outcome);
        double mean = fabs(mean_of(item));
        if (is_effect)
            size = section_size(size, json_get(item, "effect"));
        else if (isfinite(mean) && mean > size)
            size = mean;
    }
    return size;
}

static void put_arm(struct html *html, const char *arm, const struct json_value *item,
                    const struct json_value *effect, const int decimals[2]) {
    html_row(html, 0);
    html_cell_text(html, arm);
    html_cell_number(html, section_number(item, "n"), 0);
    html_cell_number(html, mean_of(item), decimals[0]);
    html_cell_interval(html, item, decimals[0]);
    html_cell_number(html, section_number(effect, "value"), decimals[1]);
    html_cell_interval(html, effect, decimals[1]);
    html_row_end(html);
}

static void put_outcome(struct html *html, const struct json_value *doc, const char *outcome) {
    static const struct html_column COLUMNS[] = {{"arm", 0},     {"customers", 1},
                                                 {"mean", 1},    {"interval", 1},
                                                 {"against", 1}, {"interval", 1}};
    const struct json_value *arms = json_get(doc, "arms"), *effects = json_get(doc, "effects");
    /* one more digit than elsewhere: means are compared in their small differences */
    int decimals[2] = {number_decimals(arms_size(arms, outcome, 0)) + 1,
                       number_decimals(arms_size(arms, outcome, 1)) + 1};
    html_raw(html, "<h3>");
    html_text(html, outcome);
    html_raw(html, "</h3>\n");
    html_table(html, COLUMNS, 6);
    for (int a = 0; a < section_rows(arms); a++) {
        const char *arm = json_key_at(arms, a);
        const struct json_value *item = json_get(json_at(arms, a), outcome);
        const struct json_value *effect = json_get(item, "effect");
        if (!effect) effect = json_get(json_get(effects, arm), outcome);
        put_arm(html, arm, item, effect, decimals);
    }
    html_table_end(html);
}

void section_arms(struct html *html, const struct json_value *doc) {
    const struct json_value *arms = json_get(doc, "arms"), *first = json_at(arms, 0);
    int is_open = 0;
    if (!json_is_object(arms)) return;
    for (int m = 0; m < section_rows(first); m++) {
        if (!json_is_object(json_at(first, m))) continue;
        if (!is_open) html_section(html, "arms", "arms-title", "arms-lead");
        is_open = 1;
        put_outcome(html, doc, json_key_at(first, m));
    }
    if (is_open) html_section_end(html);
}

/* A curve is a list of points, or an object that holds one. */
static const struct json_value *points_of(const struct json_value *curve) {
    return json_is_array(curve) ? curve : json_get(curve, "points");
}

/* A point is [share, gain, low, high] or an object of these. */
static double point_member(const struct json_value *point, int index) {
    static const char *const KEYS[] = {"share", "gain", "low", "high"};
    if (json_is_array(point)) return json_as_f64(json_at(point, index), NAN);
    return section_number(point, KEYS[index]);
}

static void put_point(struct html *html, const char *offer, const struct json_value *point,
                      int decimals) {
    char low[HTML_NUMBER_BYTES], high[HTML_NUMBER_BYTES];
    html_row(html, 0);
    html_cell_text(html, offer);
    html_cell_share(html, point_member(point, 0));
    html_cell_number(html, point_member(point, 1), decimals);
    html_raw(html, "<td class=\"n i\">");
    number_print(low, point_member(point, 2), decimals);
    number_print(high, point_member(point, 3), decimals);
    html_fill(html, "low-to-high", (const char *const[]){low, high}, 2);
    html_raw(html, "</td>");
    html_row_end(html);
}

/* About ten points of each curve: the chart has them all. */
static void put_curves(struct html *html, const struct json_value *curves) {
    static const struct html_column COLUMNS[] = {
        {"offer", 0}, {"share", 1}, {"gain", 1}, {"interval", 1}};
    html_details(html, "table-title", 1);
    html_table(html, COLUMNS, 4);
    for (int o = 0; o < section_rows(curves); o++) {
        const struct json_value *points = points_of(json_at(curves, o));
        int64_t count = json_count(points);
        int64_t step = count > 10 ? count / 10 : 1;
        double size = 0;
        for (int64_t i = step - 1; i < count; i += step) {
            double value = fabs(point_member(json_at(points, i), 1));
            if (isfinite(value) && value > size) size = value;
        }
        for (int64_t i = step - 1; i < count; i += step)
            put_point(html, json_key_at(curves, o), json_at(points, i), number_decimals(size));
    }
    html_table_end(html);
    html_details_end(html);
}

static void put_ranking(struct html *html, const struct json_value *uplift) {
    static const struct html_column COLUMNS[] = {{"offer", 0}, {"qini", 1},     {"interval", 1},
                                                 {"auuc", 1},  {"interval", 1}, {"rows", 1}};
    const struct json_value *qini = json_get(uplift, "qini"), *auuc = json_get(uplift, "auuc");
    double qini_size = 0, auuc_size = 0;
    for (int o = 0; o < section_rows(qini); o++) {
        qini_size = section_size(qini_size, json_at(qini, o));
        auuc_size = section_size(auuc_size, json_get(auuc, json_key_at(qini, o)));
    }
    html_table(html, COLUMNS, 6);
    for (int o = 0; o < section_rows(qini); o++) {
        const char *offer = json_key_at(qini, o);
        const struct json_value *area = json_get(auuc, offer);
        html_row(html, 0);
        html_cell_text(html, offer);
        html_cell_number(html, section_number(json_at(qini, o), "value"),
                         number_decimals(qini_size));
        html_cell_interval(html, json_at(qini, o), number_decimals(qini_size));
        html_cell_number(html, section_number(area, "value"), number_decimals(auuc_size));
        html_cell_interval(html, area, number_decimals(auuc_size));
        html_cell_number(html, section_number(json_at(qini, o), "n"), 0);
        html_row_end(html);
    }
    html_table_end(html);
}

void section_uplift(struct html *html, const struct json_value *doc) {
    const struct json_value *uplift = json_get(doc, "uplift");
    const struct json_value *qini = json_get(uplift, "qini"), *curves = json_get(uplift, "curves");
    int has_qini = json_is_object(qini) && json_count(qini);
    int has_curves = json_is_object(curves) && json_count(curves);
    if (!has_qini && !has_curves) return;
    html_section(html, "uplift", "uplift-title", "uplift-lead");
    if (has_curves) html_chart(html, "uplift", "uplift-title");
    if (has_qini) put_ranking(html, uplift);
    if (has_curves) put_curves(html, curves);
    html_section_end(html);
}

static const struct json_value *bins_of(const struct json_value *calibration) {
    return json_is_array(calibration) ? calibration : json_get(calibration, "bins");
}

static void put_bins(struct html *html, const struct json_value *calibration) {
    static const struct html_column COLUMNS[] = {
        {"offer", 0}, {"rows", 1}, {"predicted", 1}, {"observed", 1}, {"interval", 1}};
    html_details(html, "table-title", 1);
    html_table(html, COLUMNS, 5);
    for (int o = 0; o < section_rows(calibration); o++) {
        const struct json_value *bins = bins_of(json_at(calibration, o));
        double size = 0;
        for (int b = 0; b < section_rows(bins); b++)
            size = section_size(size, json_get(json_at(bins, b), "observed"));
        int decimals = number_decimals(size);
        for (int b = 0; b < section_rows(bins); b++) {
            const struct json_value *observed = json_get(json_at(bins, b), "observed");
            html_row(html, 0);
            html_cell_text(html, json_key_at(calibration, o));
            html_cell_number(html, section_number(observed, "n"), 0);
            html_cell_number(html, section_number(json_at(bins, b), "predicted"), decimals);
            html_cell_number(html, section_number(observed, "value"), decimals);
            html_cell_interval(html, observed, decimals);
            html_row_end(html);
        }
    }
    html_table_end(html);
    html_details_end(html);
}

static void put_fit(struct html *html, const struct json_value *calibration) {
    static const struct html_column COLUMNS[] = {
        {"offer", 0}, {"slope", 1}, {"interval", 1}, {"bias", 1}, {"interval", 1}};
    html_table(html, COLUMNS, 5);
    for (int o = 0; o < section_rows(calibration); o++) {
        const struct json_value *slope = json_get(json_at(calibration, o), "slope");
        const struct json_value *bias = json_get(json_at(calibration, o), "bias");
        int decimals = number_decimals(section_size(0, bias));
        html_row(html, 0);
        html_cell_text(html, json_key_at(calibration, o));
        html_cell_number(html, section_number(slope, "value"), 2);
        html_cell_interval(html, slope, 2);
        html_cell_number(html, section_number(bias, "value"), decimals);
        html_cell_interval(html, bias, decimals);
        html_row_end(html);
    }
    html_table_end(html);
}

void section_calibration(struct html *html, const struct json_value *doc) {
    const struct json_value *calibration = json_get(json_get(doc, "uplift"), "calibration");
    if (!json_is_object(calibration) || !json_count(calibration)) return;
    html_section(html, "calibration", "calibration-title", "calibration-lead");
    html_chart(html, "calibration", "calibration-title");
    if (json_is_object(json_at(calibration, 0))) put_fit(html, calibration);
    put_bins(html, calibration);
    html_section_end(html);
}

void section_reasons(struct html *html, const struct json_value *doc) {
    static const struct html_column COLUMNS[] = {{"column", 0}, {"mean-effect", 1}};
    const struct json_value *reasons = json_get(doc, "reasons");
    const struct json_value *list = json_get(reasons, "strongest");
    const char *method = json_as_text(json_get(reasons, "method"), NULL);
    char r2[HTML_NUMBER_BYTES];
    double size = 0, fit = section_number(reasons, "r2");
    if (!json_is_array(list) || !json_count(list)) return;
    for (int i = 0; i < section_rows(list); i++) {
        double value = fabs(section_number(json_at(list, i), "mean_effect"));
        if (isfinite(value) && value > size) size = value;
    }
    html_section(html, "reasons", "reasons-title", "reasons-lead");
    html_chart(html, "reasons", "reasons-title");
    html_details(html, "table-title", 1);
    html_table(html, COLUMNS, 2);
    for (int i = 0; i < section_rows(list); i++) {
        html_row(html, 0);
        html_cell_text(html, json_as_text(json_get(json_at(list, i), "column"), ""));
        html_cell_number(html, section_number(json_at(list, i), "mean_effect"),
                         number_decimals(size));
        html_row_end(html);
    }
    html_table_end(html);
    html_details_end(html);
    if (method) {
        html_raw(html, "<p class=\"note\">");
        html_phrase(html, method);
        if (isfinite(fit)) {
            html_raw(html, " · R² ");
            html_text(html, number_print(r2, fit, 3));
        }
        html_raw(html, "</p>\n");
    }
    html_section_end(html);
}
