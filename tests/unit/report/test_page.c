/* The whole page, from the document of a run and from documents that no run would write. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/file.h"
#include "base/json.h"
#include "kit/check.h"
#include "report/report.h"

enum { DEPTH = 64, NAME = 24 };

static struct buf page;

static const char *write_page(const char *json, const char *lang) {
    kai_err err = {0};
    buf_reset(&page);
    CHECK_OK(report_write_html(json, strlen(json), lang, &page, &err), &err);
    return page.data;
}

static const char *write_run(const char *lang) {
    static char path[4096];
    struct buf json;
    kai_err err = {0};
    snprintf(path, sizeof path, "%s/tests/browser/report.json", getenv("KAIROS_SOURCE"));
    buf_init(&json, 1 << 24);
    CHECK_OK(file_read_all(path, 1 << 24, &json, &err), &err);
    const char *html = write_page(json.data, lang);
    buf_release(&json);
    return html;
}

/* Every element that begins ends in order, every attribute is quoted, and scripts and styles end
 * only at their own end. */
static void check_balanced(const char *html) {
    static const char *const VOID[] = {"meta", "br"};
    char open[DEPTH][NAME];
    int depth = 0;
    for (const char *at = html; (at = strchr(at, '<')) != NULL;) {
        char name[NAME] = {0};
        int is_end = at[1] == '/', size = 0, is_void = 0;
        if (strncmp(at, "<!DOCTYPE html>", 15) == 0) {
            at += 15;
            continue;
        }
        at += 1 + is_end;
        while (isalnum((unsigned char)*at) && size < NAME - 1) name[size++] = *at++;
        if (size == 0) fail_msg("a bare '<' at '%.40s'", at - 1);
        for (; *at && *at != '>'; at++)
            if (*at == '"') at = strchr(at + 1, '"');
        for (int v = 0; v < 2; v++) is_void |= strcmp(name, VOID[v]) == 0;
        if (is_end) {
            if (depth == 0 || strcmp(open[depth - 1], name) != 0)
                fail_msg("</%s> at '%.60s'", name, at);
            depth--;
        } else if (!is_void) {
            assert_true(depth < DEPTH);
            memcpy(open[depth++], name, NAME);
        }
        if (!is_end && (strcmp(name, "script") == 0 || strcmp(name, "style") == 0)) {
            at = strstr(at, name[1] == 'c' ? "</script" : "</style");
            assert_non_null(at);
        }
    }
    assert_int_equal(depth, 0);
}

static int count_of(const char *text, const char *part) {
    int count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part)) count++;
    return count;
}

/* The text of <script id="data">, or NULL where the build has no charts. */
static char *cut_data(const char *html) {
    static const char MARK[] = "id=\"data\">";
    const char *begin = strstr(html, MARK);
    if (!begin) return NULL;
    begin += sizeof MARK - 1;
    return strndup(begin, (size_t)(strstr(begin, "</script>") - begin));
}

static void test_page__is_whole_in_both_languages(void **state) {
    static const char *const SECTIONS[] = {
        "summary", "warnings", "policies", "plan",        "frontier", "limits", "arms",
        "uplift",  "reasons",  "fairness", "calibration", "quality",  "models", "methods"};
    static const char *const LANGS[] = {"en", "zh"};
    char mark[64];
    (void)state;
    for (int l = 0; l < 2; l++) {
        const char *html = write_run(LANGS[l]);
        check_balanced(html);
        for (size_t s = 0; s < sizeof SECTIONS / sizeof *SECTIONS; s++) {
            snprintf(mark, sizeof mark, " id=\"%s\"", SECTIONS[s]);
            if (count_of(html, mark) != 1) fail_msg("section '%s'", SECTIONS[s]);
        }
        assert_non_null(strstr(html, l ? "<html lang=\"zh-CN\">" : "<html lang=\"en\">"));
    }
}

static void test_page__refers_to_no_other_place(void **state) {
    const char *html = write_run("en");
    (void)state;
    assert_int_equal(count_of(html, " src="), 0);
    assert_int_equal(count_of(html, " href="), 0);
    assert_int_equal(count_of(html, "<link"), 0);
    assert_int_equal(count_of(html, "@import"), 0);
    /* the drawing code has url(#id), which stays inside the page */
    assert_int_equal(count_of(html, "url(") - count_of(html, "url(#"), 0);
    assert_true(page.size < 700000);
}

static void test_page__says_the_money_first(void **state) {
    const char *html = write_run("en");
    const char *worth = strstr(html, "<p class=\"figure\">5,460</p>");
    (void)state;
    assert_non_null(worth);
    assert_true(worth < strstr(html, "<table>"));
    assert_non_null(strstr(html, "95% interval: 2,853 to 8,068"));
    assert_non_null(strstr(html, "One more unit of budget earns 2.31."));
    assert_non_null(strstr(html, "One more place earns 0.127."));
    assert_non_null(strstr(html, "Does not bind: more of it would earn nothing."));
    assert_non_null(strstr(html, "wrong number of fields (2), text in numbers (1)"));
    assert_non_null(strstr(html, "recency (12), history (400)"));
}

static void test_page__escapes_every_text(void **state) {
    static const char DOC[] =
        "{\"campaign\": \"</title></script><script>x()</script><!--\", \"goal\": \"<g>\","
        "\"warnings\": [\"<i>\"], \"policies\": [{\"name\": \"</script><img src=x>\", \"estimates\":"
        "{\"dr\": {\"value\": 1, \"low\": 0, \"high\": 2, \"total\": 5}}, \"warnings\": [\"<u>\"]}],"
        "\"fairness\": {\"\\\" onclick=\\\"x()\": {\"groups\": [{\"group\": \"<s>\"}]}},"
        "\"arms\": {\"<a>\": {\"<o>\": {\"mean\": 1}}}}";
    const char *html = write_page(DOC, "en");
    (void)state;
    check_balanced(html);
    assert_int_equal(count_of(html, "<img"), 0);
    assert_int_equal(count_of(html, "<script>x()"), 0);
    assert_int_equal(count_of(html, "<!--"), 0);
    assert_int_equal(count_of(html, "\" onclick=\""), 0);
    char *data = cut_data(html);
    if (!data) return;
    struct json_value *doc;
    kai_err err = {0};
    assert_null(strchr(data, '<'));
    CHECK_OK(json_parse(data, strlen(data), &doc, &err), &err);
    const struct json_value *policy = json_at(json_get(doc, "policies"), 0);
    assert_string_equal(json_as_text(json_get(policy, "name"), ""), "</script><img src=x>");
    json_free(doc);
    free(data);
}

static void test_page__keeps_rows_that_were_set_aside_to_itself(void **state) {
    static const char DOC[] =
        "{\"cleaning\": {\"read\": {\"rows_read\": 2, \"quarantined\": [{\"line\": 2, \"reason\": "
        "\"1 field, expected 2\", \"raw\": \"secret@example.org\"}]}}}";
    const char *html = write_page(DOC, "en");
    (void)state;
    assert_non_null(strstr(html, "1 field, expected 2"));
    assert_null(strstr(html, "secret@example.org"));
}

static void test_page__hides_what_is_missing(void **state) {
    static const char *const DOCS[] = {
        "{}",
        "[]",
        "3",
        "null",
        "\"x\"",
        "{\"policies\": 3, \"plan\": [1], \"arms\": {\"a\": 1}, \"frontier\": {\"a\": 1}, \"models\": "
        "[], \"uplift\": [], \"reasons\": 1, \"fairness\": [[]], \"cleaning\": 1, \"warnings\": {}}",
        "{\"policies\": [1, {}, {\"name\": 3, \"estimates\": [], \"warnings\": 2}], \"plan\": "
        "{\"offers\": [1], \"channels\": {\"a\": 3}, \"limits\": [{\"limit\": 0}, 3]}}",
        "{\"uplift\": {\"qini\": {\"a\": null}, \"curves\": {\"a\": [1, [], {}], \"b\": 2}, "
        "\"calibration\": {\"a\": [1], \"b\": {\"bins\": 2}}}, \"fairness\": {\"x\": [{}], \"y\": "
        "{\"groups\": [1, {\"treated_share\": 0.5}], \"gap\": 3}}}",
        "{\"models\": {\"folds\": [1, {\"candidates\": [2, {}]}], \"features\": [1], \"shift\": [1]}, "
        "\"cleaning\": {\"a\": {\"b\": {}}, \"c\": {\"total\": 1e300, \"columns\": [1, \"x\"]}}, "
        "\"inputs\": [1], \"frontier\": [null, \"x\", {\"limit\": -1e308}]}",
        "{\"plan\": {\"gap\": -1e300, \"cost\": 1e308, \"eligible\": 0, \"treated\": 1e-300}, "
        "\"confidence\": 1e300, \"rows\": -5, \"seed\": 1e19}"};
    (void)state;
    for (size_t i = 0; i < sizeof DOCS / sizeof *DOCS; i++) {
        check_balanced(write_page(DOCS[i], i % 2 ? "zh" : "en"));
        if (i < 5) assert_int_equal(count_of(page.data, "<section"), 1); /* methods */
    }
}

static void test_page__refuses_what_is_no_json(void **state) {
    kai_err err = {0};
    (void)state;
    buf_reset(&page);
    CHECK_OK(buf_puts(&page, "before", &err), &err);
    CHECK_FAILS(report_write_html("{", 1, "en", &page, &err), &err, KAI_INVALID, "line 1");
    assert_string_equal(page.data, "before");
}

static void test_page__leaves_the_buffer_as_it_was_on_failure(void **state) {
    struct buf small;
    kai_err err = {0};
    (void)state;
    buf_init(&small, 3000);
    CHECK_OK(buf_puts(&small, "before", &err), &err);
    CHECK_FAILS(report_write_html("{}", 2, "en", &small, &err), &err, KAI_LIMIT, "3000 bytes");
    assert_string_equal(small.data, "before");
    assert_int_equal(small.size, 6);
    buf_release(&small);
}

static int open_page(void **state) {
    (void)state;
    buf_init(&page, (size_t)CAPS_BUF_BYTES);
    return 0;
}

static int close_page(void **state) {
    (void)state;
    buf_release(&page);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page__is_whole_in_both_languages),
        cmocka_unit_test(test_page__refers_to_no_other_place),
        cmocka_unit_test(test_page__says_the_money_first),
        cmocka_unit_test(test_page__escapes_every_text),
        cmocka_unit_test(test_page__keeps_rows_that_were_set_aside_to_itself),
        cmocka_unit_test(test_page__hides_what_is_missing),
        cmocka_unit_test(test_page__refuses_what_is_no_json),
        cmocka_unit_test(test_page__leaves_the_buffer_as_it_was_on_failure),
    };
    return cmocka_run_group_tests(tests, open_page, close_page);
}
