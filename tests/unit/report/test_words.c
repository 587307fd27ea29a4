#include <ctype.h>
#include <string.h>

#include "kit/check.h"
#include "report/words.h"

/* Which of {0} to {3} a text holds, as bits. */
static unsigned places(const char *text) {
    unsigned found = 0;
    for (; (text = strchr(text, '{')) != NULL; text++)
        if (isdigit((unsigned char)text[1])) found |= 1u << (text[1] - '0');
    return found;
}

static int has_chinese(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text >= 0xe4 && (unsigned char)*text <= 0xe9) return 1;
    return 0;
}

static void check_table(const struct word *table, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *english = table[i].text[WORD_EN], *chinese = table[i].text[WORD_ZH];
        if (!english || !chinese || !english[0] || !chinese[0])
            fail_msg("'%s' lacks a language", table[i].key);
        for (size_t k = 0; k < i; k++)
            if (strcmp(table[i].key, table[k].key) == 0) fail_msg("'%s' twice", table[i].key);
    }
}

static void test_words__both_languages_have_every_key(void **state) {
    (void)state;
    check_table(WORDS, WORDS_COUNT);
    check_table(PHRASES, PHRASES_COUNT);
    check_table(TEMPLATES, TEMPLATES_COUNT);
}

static void test_words__no_word_is_left_in_english(void **state) {
    (void)state;
    for (size_t i = 0; i < WORDS_COUNT; i++)
        if (strcmp(WORDS[i].key, "low-to-high") != 0 && !has_chinese(WORDS[i].text[WORD_ZH]))
            fail_msg("'%s' is not translated", WORDS[i].key);
    for (size_t i = 0; i < PHRASES_COUNT; i++)
        if (!has_chinese(PHRASES[i].text[WORD_ZH])) fail_msg("'%s'", PHRASES[i].key);
}

static void test_words__translations_keep_the_places(void **state) {
    (void)state;
    for (size_t i = 0; i < WORDS_COUNT; i++) {
        unsigned english = places(WORDS[i].text[WORD_EN]), chinese = places(WORDS[i].text[WORD_ZH]);
        if (english != chinese) fail_msg("'%s': %x and %x", WORDS[i].key, english, chinese);
    }
    for (size_t i = 0; i < TEMPLATES_COUNT; i++)
        assert_int_equal(places(TEMPLATES[i].key), places(TEMPLATES[i].text[WORD_EN]));
}

static void check_part(const char *text, const char *const parts[], const size_t sizes[], int count,
                       const char *const *expected) {
    for (int p = 0; p < count; p++) {
        assert_int_equal(sizes[p], strlen(expected[p]));
        assert_memory_equal(parts[p], expected[p], sizes[p]);
        assert_true(parts[p] >= text && parts[p] + sizes[p] <= text + strlen(text));
    }
}

static void test_words__templates_take_a_warning_apart(void **state) {
    static const char ROWS[] = "3 rows of 'a {0}.csv' were set aside as unreadable";
    static const char LAST[] = "overlap is poor: the plan's value rests on 71 effective rows of 90";
    const char *parts[WORD_PARTS];
    size_t sizes[WORD_PARTS];
    (void)state;
    assert_non_null(word_template(WORD_ZH, ROWS, parts, sizes));
    check_part(ROWS, parts, sizes, 2, (const char *const[]){"3", "a {0}.csv"});
    assert_non_null(word_template(WORD_EN, LAST, parts, sizes));
    check_part(LAST, parts, sizes, 2, (const char *const[]){"71", "90"});
    assert_null(word_template(WORD_EN, "", parts, sizes));
    assert_null(word_template(WORD_EN, "3 rows of 'a.csv' were set aside", parts, sizes));
    assert_null(
        word_template(WORD_EN, "3 rows of 'a.csv' were set aside as unreadable, ha", parts, sizes));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words__both_languages_have_every_key),
        cmocka_unit_test(test_words__no_word_is_left_in_english),
        cmocka_unit_test(test_words__translations_keep_the_places),
        cmocka_unit_test(test_words__templates_take_a_warning_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
