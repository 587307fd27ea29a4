/* The page: head, sections, the document for the charts, and the charts' script. */
#include <math.h>
#include <string.h>

#include "base/caps.h"
#include "report/assets.h"
#include "report/report.h"
#include "report/sections.h"

enum { CHART_ITEMS_MAX = 2000 }; /* items of one list that a chart can show */

static void put_bytes(struct html *html, const char *bytes, size_t n) {
    if (!html->status) html->status = buf_append(html->out, bytes, n, &html->err);
}

/* '<', '>' and '&' stand only inside strings of JSON and become \u escapes there, so that nothing
 * in it can end the script element or begin a comment. */
static void put_json(struct html *html, const struct buf *json) {
    size_t begin = 0;
    for (size_t i = 0; i < json->size; i++) {
        char c = json->data[i];
        if (c != '<' && c != '>' && c != '&') continue;
        put_bytes(html, json->data + begin, i - begin);
        html_raw(html, c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026");
        begin = i + 1;
    }
    put_bytes(html, json->data + begin, json->size - begin);
}

/* One value, as deep as the parser allows. */
static void copy_value(struct json_writer *json, const struct json_value *value) {
    double number = json_as_f64(value, NAN);
    const char *text = json_as_text(value, NULL);
    if (json_is_object(value) || json_is_array(value)) {
        int is_object = json_is_object(value);
        int64_t count = json_count(value);
        if (is_object)
            json_object(json);
        else
            json_array(json);
        for (int64_t i = 0; i < count && i < CHART_ITEMS_MAX; i++) {
            if (is_object) json_key(json, json_key_at(value, i));
            copy_value(json, json_at(value, i));
        }
        json_end(json);
    } else if (text) {
        json_text(json, text);
    } else if (json_is_null(value) || isfinite(number)) {
        json_f64(json, number);
    } else {
        json_bool(json, json_as_bool(value, 0));
    }
}

/* What the charts need, and no more: rows that were set aside are nobody's business here. */
static void write_data(struct json_writer *json, const struct json_value *doc) {
    static const char *const MEMBERS[] = {"policies", "plan",    "frontier",
                                          "uplift",   "reasons", "fairness"};
    json_object(json);
    for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
        const struct json_value *member = json_get(doc, MEMBERS[i]);
        if (!member) continue;
        json_key(json, MEMBERS[i]);
        copy_value(json, member);
    }
    json_end(json);
}

/* The charts' words: those whose keys begin with "chart-". */
static void write_words(struct json_writer *json, const struct html *html) {
    json_object(json);
    json_key_text(json, "lang", html->lang == WORD_ZH ? "zh" : "en");
    json_key_text(json, "goal", html->goal);
    json_key_text(json, "confidence", html->confidence);
    for (size_t i = 0; i < WORDS_COUNT; i++)
        if (strncmp(WORDS[i].key, "chart-", 6) == 0)
            json_key_text(json, WORDS[i].key + 6, WORDS[i].text[html->lang]);
    json_key_text(json, "everybody", word_find(html->lang, "everybody"));
    json_key(json, "phrases");
    json_object(json);
    for (size_t i = 0; i < PHRASES_COUNT; i++)
        json_key_text(json, PHRASES[i].key, PHRASES[i].text[html->lang]);
    json_end(json);
    json_end(json);
}

/* <script type="application/json"> with the words (doc NULL) or the numbers. */
static void put_island(struct html *html, const char *id, const struct json_value *doc) {
    struct json_writer json;
    struct buf buf;
    buf_init(&buf, (size_t)CAPS_BUF_BYTES);
    json_init(&json, &buf, 0);
    if (doc)
        write_data(&json, doc);
    else
        write_words(&json, html);
    if (!html->status) html->status = json_finish(&json, &html->err);
    html_raw(html, "<script type=\"application/json\" id=\"");
    html_raw(html, id);
    html_raw(html, "\">");
    if (!html->status) put_json(html, &buf);
    html_raw(html, "</script>\n");
    buf_release(&buf);
}

static void put_scripts(struct html *html, const struct json_value *doc) {
    size_t size;
    const char *script = asset_script(&size);
    if (size == 0) return;
    put_island(html, "words", NULL);
    put_island(html, "data", doc);
    html_raw(html, "<script>");
    put_bytes(html, script, size);
    html_raw(html, "</script>\n");
}

static void put_head(struct html *html, const struct json_value *doc) {
    size_t size;
    const char *style = asset_style(&size);
    html_raw(html, "<!DOCTYPE html>\n<html lang=\"");
    html_raw(html, html->lang == WORD_ZH ? "zh-CN" : "en");
    html_raw(html,
             "\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_text(html, json_as_text(json_get(doc, "campaign"), word_find(html->lang, "untitled")));
    html_raw(html, " · Kairos</title>\n<style>\n");
    put_bytes(html, style, size);
    html_raw(html, "</style>\n</head>\n<body>\n<main>\n");
}

static void put_foot(struct html *html, const struct json_value *doc) {
    const char *version = json_as_text(json_get(doc, "version"), KAIROS_VERSION);
    html_raw(html, "<footer>");
    html_fill(html, "footer", (const char *const[]){version}, 1);
    html_raw(html, "</footer>\n</main>\n");
}

static const char *name_goal(enum word_lang lang, const struct json_value *doc) {
    const char *goal = json_as_text(json_get(doc, "goal"), "profit");
    if (strcmp(goal, "profit") == 0) return word_find(lang, "goal-profit");
    if (strcmp(goal, "value") == 0) return word_find(lang, "goal-value");
    return goal;
}

static void put_page(struct html *html, const struct json_value *doc) {
    static void (*const SECTIONS[])(struct html *, const struct json_value *) = {
        section_summary,  section_warnings, section_policies, section_plan,        section_frontier,
        section_limits,   section_arms,     section_uplift,   section_calibration, section_reasons,
        section_fairness, section_data,     section_models,   section_methods};
    put_head(html, doc);
    for (size_t i = 0; i < sizeof SECTIONS / sizeof *SECTIONS; i++) SECTIONS[i](html, doc);
    put_foot(html, doc);
}

kai_status report_write_html(const char *json, size_t size, const char *lang, struct buf *out,
                             kai_err *err) {
    struct json_value *doc;
    struct html html = {.out = out, .lang = strcmp(lang, "zh") == 0 ? WORD_ZH : WORD_EN};
    kai_status st = json_parse(json, size, &doc, err);
    if (st) return st;
    double confidence = json_as_f64(json_get(doc, "confidence"), 0.95) * 100;
    number_print(html.confidence, confidence, confidence == floor(confidence) ? 0 : 1);
    memcpy(html.confidence + strlen(html.confidence), "%", 2);
    html.goal = name_goal(html.lang, doc);
    size_t before = out->size;
    put_page(&html, doc);
    put_scripts(&html, doc);
    html_raw(&html, "</body>\n</html>\n");
    json_free(doc);
    if (html.status && out->data) {
        out->size = before;
        out->data[before] = '\0';
    }
    return html.status ? err_set(err, html.status, "%s", html.err.message) : KAI_OK;
}
