#include <math.h>
#include <string.h>

#include "kit/check.h"
#include "report/html.h"

static void check_number(double value, int decimals, const char *expected) {
    char text[HTML_NUMBER_BYTES];
    assert_string_equal(number_print(text, value, decimals), expected);
}

static void test_html__numbers_have_separators_and_a_true_minus(void **state) {
    (void)state;
    check_number(0, 0, "0");
    check_number(999, 0, "999");
    check_number(1000, 0, "1,000");
    check_number(-1234567.891, 2, "−1,234,567.89");
    check_number(0.5, 3, "0.500");
    check_number(999.96, 1, "1,000.0");
    check_number(-0.0004, 2, "0.00"); /* no minus zero */
    check_number(999999999999999, 6, "999,999,999,999,999.000000");
    check_number(1e300, 6, "1e300");
}

static void test_html__what_is_not_finite_is_a_dash(void **state) {
    char text[HTML_NUMBER_BYTES];
    (void)state;
    check_number(NAN, 2, "–");
    check_number(-INFINITY, 0, "–");
    assert_string_equal(number_print_share(text, NAN), "–");
}

static void test_html__shares_and_sizes(void **state) {
    char text[HTML_NUMBER_BYTES];
    (void)state;
    assert_string_equal(number_print_share(text, 0.1953), "19.5%");
    assert_string_equal(number_print_share(text, 0), "0.0%");
    assert_string_equal(number_print_share(text, 0.0001), "0.010%");
    assert_string_equal(number_print_auto(text, 5120.4), "5,120");
    assert_string_equal(number_print_auto(text, 23.14), "23.1");
    assert_string_equal(number_print_auto(text, 2.312), "2.31");
    assert_string_equal(number_print_auto(text, 0.07142), "0.0714");
    assert_string_equal(number_print_auto(text, 1e-9), "0.000000");
    assert_string_equal(number_print_amount(text, 900), "900");
    assert_string_equal(number_print_amount(text, 8.25), "8.25");
}

static void check_text(void (*write)(struct html *, const char *), const char *text,
                       const char *expected) {
    struct buf out;
    struct html html = {.out = &out, .lang = WORD_ZH, .goal = "<x>", .confidence = "95%"};
    buf_init(&out, 4096);
    write(&html, text);
    CHECK_OK(html.status, &html.err);
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

static void test_html__escapes_what_html_would_read(void **state) {
    (void)state;
    check_text(html_text, "<b a=\"x\">&'\x01\n", "&lt;b a=&quot;x&quot;&gt;&amp;&#39; \n");
    check_text(html_word, "meta-goal", "目标：&lt;x&gt;");
}

static void test_html__phrases_speak_the_language(void **state) {
    (void)state;
    check_text(html_phrase, "nobody", "不触达任何人");
    check_text(html_phrase, "everybody: A&B", "全部客户：A&amp;B");
    check_text(html_phrase, "2 rows of 'a<.csv' were set aside as unreadable",
               "a&lt;.csv 中有 2 行无法读取，已被隔离");
    check_text(html_phrase, "<none of ours {0}>", "&lt;none of ours {0}&gt;");
}

static void test_html__a_failure_sticks(void **state) {
    struct buf out;
    struct html html = {.out = &out};
    (void)state;
    buf_init(&out, 8);
    html_text(&html, "12345678");
    html_text(&html, "9");
    html_raw(&html, "");
    CHECK_FAILS(html.status, &html.err, KAI_LIMIT, "8 bytes");
    assert_string_equal(out.data, "12345678");
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html__numbers_have_separators_and_a_true_minus),
        cmocka_unit_test(test_html__what_is_not_finite_is_a_dash),
        cmocka_unit_test(test_html__shares_and_sizes),
        cmocka_unit_test(test_html__escapes_what_html_would_read),
        cmocka_unit_test(test_html__phrases_speak_the_language),
        cmocka_unit_test(test_html__a_failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
