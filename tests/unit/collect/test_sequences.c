#include "collect/sequences.h"

#include <string.h>

#include "base/buf.h"
#include "kit/check.h"

static struct table *read(const char *text, enum sequences_kind kind) {
    struct table *table = NULL;
    kai_err err = {0};
    CHECK_OK(collect_read_sequences_bytes("s.txt", text, strlen(text), kind, &table, &err), &err);
    return table;
}

static void refuse(const char *text, enum sequences_kind kind, kai_status status,
                   const char *message) {
    struct table *table = NULL;
    kai_err err = {0};
    CHECK_FAILS(collect_read_sequences_bytes("s.txt", text, strlen(text), kind, &table, &err), &err,
                status, message);
    assert_null(table);
}

static const char *text_at(const struct table *table, int32_t column, int64_t row) {
    const struct column *of = table->columns[column];
    return dict_text(of->dict, of->as.codes[row]);
}

static void test_sequences__reads_customers_and_items(void **state) {
    (void)state;
    struct table *table = read("\xef\xbb\xbf" "anna  x y\r\n\nben\tx\nlone\n z9 \t y", SEQUENCES_NAMED);
    static const char *const customers[] = {"anna", "anna", "ben", "z9"};
    static const char *const items[] = {"x", "y", "x", "y"};
    assert_int_equal(table->rows, 4);
    for (int row = 0; row < 4; row++) {
        assert_string_equal(text_at(table, 0, row), customers[row]);
        assert_string_equal(text_at(table, 1, row), items[row]);
    }
    assert_int_equal(table->columns[0]->dict->count, 4); /* with the customer who did nothing */
    table_free(table);
}

static void test_sequences__numbers_anonymous_lines(void **state) {
    (void)state;
    struct table *table = read("7 7\n\n8", SEQUENCES_ANONYMOUS);
    assert_int_equal(table->rows, 3);
    assert_string_equal(text_at(table, 0, 0), "1");
    assert_string_equal(text_at(table, 0, 2), "3");
    assert_string_equal(text_at(table, 1, 2), "8");
    table_free(table);
}

static void test_sequences__reads_questions(void **state) {
    (void)state;
    struct table *table = read("1 2\t3\n2\t2\n", SEQUENCES_GIVEN);
    const struct column *cases = table->columns[1], *targets = table->columns[2];
    assert_int_equal(table->rows, 5);
    assert_string_equal(cases->name, "case");
    static const int64_t of[] = {0, 0, 0, 1, 1};
    static const uint8_t is_target[] = {0, 0, 1, 0, 1};
    for (int row = 0; row < 5; row++) {
        assert_int_equal(cases->as.i64[row], of[row]);
        assert_int_equal(targets->as.flags[row], is_target[row]);
    }
    assert_int_equal(table->columns[0]->as.codes[4], table->columns[0]->as.codes[1]);
    table_free(table);
}

static void test_sequences__says_where_a_line_is_wrong(void **state) {
    (void)state;
    refuse("", SEQUENCES_NAMED, KAI_INVALID, "s.txt: no event");
    refuse("a\nb\n", SEQUENCES_NAMED, KAI_INVALID, "s.txt: no event");
    refuse("a 1\nb 2\na 3\n", SEQUENCES_NAMED, KAI_INVALID, "s.txt:3:1: this customer");
    refuse("a 1\nb \xff\n", SEQUENCES_NAMED, KAI_INVALID, "s.txt:2:3: not valid UTF-8");
    refuse("1 2\n", SEQUENCES_GIVEN, KAI_INVALID, "s.txt:1:4: expected TAB");
    refuse("1\t2\n\t3\n", SEQUENCES_GIVEN, KAI_INVALID, "s.txt:2:1: a case without a prefix");
    refuse("1\t2\n1 \t \n", SEQUENCES_GIVEN, KAI_INVALID, "s.txt:2:4: a case without a next");
    refuse("1\t2 3\n", SEQUENCES_GIVEN, KAI_INVALID, "s.txt:1:5: more than one next item");
    struct table *table = NULL;
    kai_err err = {0};
    CHECK_FAILS(
        collect_read_sequences_bytes("s.txt", "a 1\nb\0 2", 8, SEQUENCES_NAMED, &table, &err), &err,
        KAI_INVALID, "s.txt:2:2: a NUL byte");
}

static void test_sequences__bounds_words_and_lines(void **state) {
    (void)state;
    struct buf text;
    kai_err err = {0};
    buf_init(&text, 32 << 20);
    CHECK_OK(buf_puts(&text, "a ", &err), &err);
    for (int i = 0; i < 5000; i++) CHECK_OK(buf_puts(&text, "x", &err), &err);
    refuse(text.data, SEQUENCES_NAMED, KAI_LIMIT, "s.txt:1:3: a word of more than 4096 bytes");
    while (text.size < (17u << 20)) CHECK_OK(buf_puts(&text, " item", &err), &err);
    refuse(text.data, SEQUENCES_NAMED, KAI_LIMIT, "s.txt:1: a line of more than");
    buf_release(&text);
}

static void test_sequences__reads_files_across_reads(void **state) {
    (void)state;
    struct buf text;
    struct table *table = NULL;
    kai_err err = {0};
    buf_init(&text, 8 << 20);
    for (int line = 0; line < 60000; line++)
        CHECK_OK(buf_printf(&text, &err, "c%d i%d i%d\n", line, line % 77, line % 13), &err);
    CHECK_OK(collect_read_sequences(check_write("s.txt", text.data), SEQUENCES_NAMED, NULL, &table,
                                    &err),
             &err);
    assert_int_equal(table->rows, 120000);
    assert_string_equal(text_at(table, 0, 119999), "c59999");
    assert_string_equal(text_at(table, 1, 119998), "i16");
    table_free(table);
    table = NULL;
    CHECK_FAILS(collect_read_sequences("/no/such/file", SEQUENCES_NAMED, NULL, &table, &err), &err,
                KAI_NOT_FOUND, "/no/such/file");
    buf_release(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences__reads_customers_and_items),
        cmocka_unit_test(test_sequences__numbers_anonymous_lines),
        cmocka_unit_test(test_sequences__reads_questions),
        cmocka_unit_test(test_sequences__says_where_a_line_is_wrong),
        cmocka_unit_test(test_sequences__bounds_words_and_lines),
        cmocka_unit_test(test_sequences__reads_files_across_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
