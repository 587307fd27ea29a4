#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "collect/csv_source.h"
#include "csv_kit.h"

static void test_csv_read__rfc_4180(void **state) {
    (void)state;
    struct read read;
    read_ok(&read,
            "a,b,c\r\n1,\"x, y\",\"say \"\"hi\"\"\"\r\n2,\"two\nlines\",plain\"quote\r\n"
            "3 , \"padded\" ,\" kept \"\r\n",
            NULL);
    assert_int_equal(read.table->rows, 3);
    assert_string_equal(cell(&read, 1, 0), "x, y");
    assert_string_equal(cell(&read, 2, 0), "say \"hi\"");
    assert_string_equal(cell(&read, 1, 1), "two\nlines");
    assert_string_equal(cell(&read, 2, 1), "plain\"quote");
    assert_string_equal(cell(&read, 0, 2), "3");
    assert_string_equal(cell(&read, 1, 2), "padded");
    assert_string_equal(cell(&read, 2, 2), " kept ");
    assert_int_equal(kind_of(&read, "a"), COLUMN_I64);
    read_release(&read);
}

static void test_csv_read__line_ends_and_mark(void **state) {
    (void)state;
    static const char *const TEXTS[] = {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4", "a,b\r1,2\r3,4\r",
                                        "\xef\xbb\xbf"
                                        "a,b\n1,2\n3,4",
                                        "\n\na,b\n\n1,2\n  \n3,4\n\n\n"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct read read;
        read_ok(&read, TEXTS[i], NULL);
        assert_int_equal(read.table->rows, 2);
        assert_string_equal(read.table->columns[0]->name, "a");
        assert_string_equal(cell(&read, 1, 1), "4");
        read_release(&read);
    }
}

static void test_csv_read__finds_the_delimiter(void **state) {
    (void)state;
    static const struct {
        const char *text;
        char delimiter;
    } CASES[] = {{"a;b\n1,5;2\n2,5;3\n", ';'},
                 {"a\tb c\n1\t2,3\n2\t3,4\n", '\t'},
                 {"a|b\nx, y|z\nx|z\n", '|'},
                 {"a,b\n\"x;y\",1\nz;w,2\n", ','},
                 {"a,b,c\n1,2,3\n1,2\n4,5,6\n7,8,9\n", ','},
                 {"one\nx y\nz\n", ','}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct read read;
        read_ok(&read, CASES[i].text, NULL);
        assert_int_equal(read.report.delimiter, CASES[i].delimiter);
        read_release(&read);
    }
    struct read read;
    read_ok(&read, "a;b\n1;2\n", &(struct csv_options){.delimiter = ','});
    assert_int_equal(read.table->count, 1);
    read_release(&read);
    read_fails("a\n1\n", &(struct csv_options){.delimiter = ':'}, "delimiter ':'");
}

static void test_csv_read__missing_values(void **state) {
    (void)state;
    struct read read;
    const char *text =
        "n,c,d\n1,x,2020-01-01\nNA,NULL,\n,\"\",nan\n\"\",?,\"\"\n4,N/A,2020-01-05\n";
    read_ok(&read, text, NULL);
    assert_int_equal(kind_of(&read, "n"), COLUMN_I64);
    assert_int_equal(kind_of(&read, "d"), COLUMN_TIME);
    assert_int_equal(read.report.columns[0].missing, 3);
    assert_int_equal(read.report.columns[2].missing, 3);
    assert_string_equal(cell(&read, 0, 1), "<missing>");
    assert_string_equal(cell(&read, 1, 1), "<missing>");
    assert_string_equal(cell(&read, 1, 2), ""); /* a quoted nothing is a text */
    assert_string_equal(cell(&read, 1, 3), "?");
    assert_string_equal(cell(&read, 2, 4), "2020-01-05");
    assert_int_equal(read.table->columns[0]->as.i64[1], 0);
    assert_int_equal(read.table->columns[1]->as.codes[1], -1);
    read_release(&read);

    read_ok(&read, text, &(struct csv_options){.missing = LIST("?")});
    assert_int_equal(kind_of(&read, "n"), COLUMN_CATEGORY); /* the list replaces the defaults */
    assert_string_equal(cell(&read, 0, 1), "NA");
    assert_string_equal(cell(&read, 1, 3), "<missing>");
    read_release(&read);
}

static void test_csv_read__weak_markers_are_missing_among_numbers(void **state) {
    (void)state;
    struct read read;
    read_ok(&read, "n,c\n1.5,?\n?,a\n-,b\n2,a\n3,a\n", NULL);
    assert_int_equal(kind_of(&read, "n"), COLUMN_F64);
    assert_int_equal(read.report.columns[0].marked, 2);
    assert_int_equal(read.report.columns[0].missing, 2);
    assert_true(isnan(read.table->columns[0]->as.f64[1]));
    assert_string_equal(cell(&read, 1, 0), "?");
    read_release(&read);
}

static void test_csv_read__kinds(void **state) {
    (void)state;
    struct read read;
    read_ok(&read,
            "i,f,yes,tf,zip,day,big,none,mixed\n"
            "1,1.5,yes,true,00501,2020-01-01,12345678901234567890,,1\n"
            "0,2,no,false,10001,2020/1/2,12345678901234567891,,x\n",
            NULL);
    assert_int_equal(kind_of(&read, "i"), COLUMN_I64);
    assert_int_equal(kind_of(&read, "f"), COLUMN_F64);
    assert_int_equal(kind_of(&read, "yes"), COLUMN_CATEGORY);
    assert_int_equal(kind_of(&read, "tf"), COLUMN_CATEGORY);
    assert_int_equal(kind_of(&read, "zip"), COLUMN_CATEGORY);
    assert_string_equal(cell(&read, 4, 0), "00501");
    assert_int_equal(kind_of(&read, "day"), COLUMN_TIME);
    assert_int_equal(kind_of(&read, "big"), COLUMN_CATEGORY);
    assert_int_equal(kind_of(&read, "none"), COLUMN_F64);
    assert_int_equal(read.report.columns[7].missing, 2);
    assert_string_equal(read.report.columns[7].reason, "no values");
    assert_int_equal(kind_of(&read, "mixed"), COLUMN_CATEGORY);
    assert_string_equal(read.report.columns[0].reason, "all 2 values are integers");
    read_release(&read);
}

static void test_csv_read__types_override(void **state) {
    (void)state;
    struct read read;
    struct csv_options options = {
        .types = LIST("f=flag", "n=number", "c=category", "k=id", "t=text", "i=integer", "d=date")};
    read_ok(&read, "f,n,c,k,t,i,d\nyes,1,1,007,5,3,2020-01-01\nN,2,2,008,6,4,2020-01-02\n",
            &options);
    assert_int_equal(kind_of(&read, "f"), COLUMN_BOOL);
    assert_int_equal(kind_of(&read, "n"), COLUMN_F64);
    assert_int_equal(kind_of(&read, "c"), COLUMN_CATEGORY);
    assert_int_equal(kind_of(&read, "k"), COLUMN_CATEGORY);
    assert_int_equal(kind_of(&read, "t"), COLUMN_TEXT);
    assert_int_equal(kind_of(&read, "i"), COLUMN_I64);
    assert_int_equal(kind_of(&read, "d"), COLUMN_TIME);
    assert_string_equal(cell(&read, 3, 0), "007");
    assert_true(read.report.columns[3].is_id && read.report.columns[3].is_forced);
    assert_int_equal(read.table->columns[0]->as.flags[1], 0);
    read_release(&read);
    read_fails("ab,b\n1,2\n", &(struct csv_options){.types = LIST("aa=flag")}, "did you mean 'ab'");
    read_fails("a,b\n1,2\n", &(struct csv_options){.types = LIST("a=flog")}, "got 'flog'");
    read_fails("a,b\n1,2\n", &(struct csv_options){.types = LIST("a")}, "COL=KIND");
}

static void test_csv_read__names(void **state) {
    (void)state;
    struct read read;
    read_ok(&read, "1,x\n2,y\n", &(struct csv_options){.no_header = 1});
    assert_int_equal(read.table->rows, 2);
    assert_string_equal(read.table->columns[1]->name, "c2");
    read_release(&read);
    read_ok(&read, "1,x\n2,y\n", &(struct csv_options){.no_header = 1, .columns = LIST("n", "t")});
    assert_string_equal(read.table->columns[1]->name, "t");
    read_release(&read);
    read_ok(&read, "n,t\n2,y\n", &(struct csv_options){.columns = LIST("number", "\"q\"")});
    assert_int_equal(read.table->rows, 1);
    assert_string_equal(read.table->columns[1]->name, "\"q\"");
    read_release(&read);
    read_ok(&read, "\"a \"\"b\"\"\", c d \n1,2\n", NULL);
    assert_string_equal(read.table->columns[0]->name, "a \"b\"");
    assert_string_equal(read.table->columns[1]->name, "c d");
    read_release(&read);
    read_fails("n,t\n2,y\n", &(struct csv_options){.columns = LIST("n")}, "t.csv:1:2: 2 columns");
    read_fails("a,b,a\n1,2,3\n", NULL, "t.csv:1:3: column 'a' stands twice, first as 1");
    read_fails("\na,,c\n1,2,3\n", NULL, "t.csv:2:2: the column has no name");
}

static void test_csv_read__refuses_what_is_no_table(void **state) {
    (void)state;
    read_fails("", NULL, "t.csv:1:1: the file is empty");
    read_fails("\xef\xbb\xbf", NULL, "the file is empty");
    read_fails("\n \n\n", NULL, "the file is empty");
    read_fails("a,b\n", NULL, "t.csv:2:1: no rows");
    read_fails("a,\"b\n1,2\n", NULL, "t.csv:1:2: a quote");
    read_fails("a,b\xff\n1,2\n", NULL, "t.csv:1:1: not valid text");
    struct read read;
    kai_status st = read_bytes(&read, "a,b\n1,\0\n", 9, NULL);
    CHECK_FAILS(st, &read.err, KAI_INVALID, "t.csv:2:1: a NUL byte");
    st = read_bytes(&read,
                    "\xff\xfe"
                    "a\0,\0b\0",
                    8, NULL);
    CHECK_FAILS(st, &read.err, KAI_INVALID, "UTF-16");
    read_fails("a,b\n1\n2\n3,4\n", NULL, "t.csv:2:1: 1 field, expected 2 (2 of 3 rows");
    read_fails("a\nx\ny\n", &(struct csv_options){.types = LIST("a=number")},
               "t.csv:2:1: column 'a': 'x' is not a number");
    st = collect_read_csv(check_temp_path("no such file"), NULL, NULL, NULL, &read.table, NULL,
                          &read.err);
    CHECK_FAILS(st, &read.err, KAI_NOT_FOUND, "no such file");
}

static void test_csv_read__bad_rows_are_set_aside(void **state) {
    (void)state;
    const char *path = check_temp_path("quarantine.csv");
    struct read read;
    read_ok(&read,
            "a,b\n1,2\n1,2,3\n3,4\n5\n6,7\n\"x\"y,1\n8,9\n\"bad \xff\",2\n10,11\n"
            "\"never closed,1\n12,13\n14,15\n16,17\n18,19\n",
            &(struct csv_options){.quarantine_path = path});
    assert_int_equal(read.report.rows_read, 14);
    assert_int_equal(read.report.rows_kept, 9);
    assert_int_equal(read.report.rows_bad, 5);
    assert_int_equal(read.report.bad_by_reason[COLLECT_FIELDS], 2);
    assert_int_equal(read.report.bad_by_reason[COLLECT_QUOTE], 2);
    assert_int_equal(read.report.bad_by_reason[COLLECT_ENCODING], 1);
    assert_int_equal(read.report.bad_count, 5);
    const struct collect_bad_row *bad = read.report.bad;
    assert_int_equal(bad[0].line, 3);
    assert_int_equal(bad[0].column, 3);
    assert_string_equal(bad[0].message, "3 fields, expected 2");
    assert_string_equal(bad[0].raw, "1,2,3");
    assert_string_equal(bad[1].message, "1 field, expected 2");
    assert_int_equal(bad[3].line, 9);
    assert_int_equal(bad[3].column, 1);
    assert_int_equal(bad[4].line, 11);
    assert_int_equal(read.table->columns[0]->as.i64[8], 18);
    read_release(&read);

    CHECK_OK(collect_read_csv(path, &(struct csv_options){.encoding = CSV_ENCODING_UTF8}, NULL,
                              NULL, &read.table, &read.report, &read.err),
             &read.err);
    assert_string_equal(read.table->columns[3]->name, "raw");
    assert_int_equal(read.table->rows, 4); /* the row that is no UTF-8 is none here either */
    assert_string_equal(cell(&read, 3, 0), "1,2,3");
    read_release(&read);
}

/* `rows` numbers with `odd` words among them, spread evenly. */
static char *numbers_with_words(int rows, int odd, const char *word) {
    char *text = mem_alloc((size_t)rows * 24 + 16);
    size_t size = (size_t)sprintf(text, "id,n\n");
    for (int i = 0; i < rows; i++) {
        int is_odd = odd && i % (rows / odd) == rows / odd - 1;
        if (is_odd)
            size += (size_t)sprintf(text + size, "%d,%s\n", i, word);
        else
            size += (size_t)sprintf(text + size, "%d,%d.5\n", i, i);
    }
    return text;
}

static void test_csv_read__text_among_numbers(void **state) {
    (void)state;
    static const struct {
        int rows, odd;
        const char *word;
        enum column_kind kind;
        int64_t kept, missing;
    } CASES[] = {
        {1000, 5, "abc", COLUMN_F64, 995, 0},         {1000, 10, "abc", COLUMN_TEXT, 1000, 0},
        {1000, 10, "unknown", COLUMN_F64, 1000, 10},  {190, 1, "abc", COLUMN_TEXT, 190, 0},
        {200, 1, "abc", COLUMN_F64, 199, 0},          {200000, 1000, "abc", COLUMN_F64, 199000, 0},
        {200000, 4000, "abc", COLUMN_TEXT, 200000, 0}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *text = numbers_with_words(CASES[i].rows, CASES[i].odd, CASES[i].word);
        struct read read;
        read_ok(&read, text, NULL);
        assert_int_equal(kind_of(&read, "n"), CASES[i].kind);
        assert_int_equal(read.table->rows, CASES[i].kept);
        assert_int_equal(read.report.columns[1].missing, CASES[i].missing);
        assert_int_equal(read.report.bad_by_reason[COLLECT_NUMBER], CASES[i].rows - CASES[i].kept);
        assert_string_equal(cell(&read, 1, 3), "3.5");
        if (CASES[i].kept < CASES[i].rows) {
            int line = CASES[i].rows / CASES[i].odd + 1;
            assert_int_equal(read.report.bad[0].line, line);
            assert_int_equal(read.report.bad[0].column, 2);
            assert_string_equal(read.report.bad[0].message, "column 'n': 'abc' is not a number");
        }
        read_release(&read);
        mem_free(text);
    }
}

static void test_csv_read__a_promise_that_breaks_is_read_again(void **state) {
    (void)state;
    enum { ROWS = 100000 };
    char *text = mem_alloc(ROWS * 48);
    size_t size = (size_t)sprintf(text, "id,code,day,late\n");
    for (int i = 0; i < ROWS; i++) {
        size +=
            (size_t)sprintf(text + size, "%d,%s%03d,", i, i < ROWS / 2 ? "" : "x", i % 500 + 200);
        size +=
            (size_t)sprintf(text + size, i < ROWS / 2 ? "2020-01-%02d," : "day %d,", i % 28 + 1);
        size += (size_t)sprintf(text + size,
                                i % 300 == 299 ? "bad\n"
                                : i < 300      ? "?\n"
                                               : "%d\n",
                                i);
    }
    struct read read;
    read_ok(&read, text, NULL);
    assert_int_equal(read.report.rows_bad, ROWS / 300);
    assert_int_equal(kind_of(&read, "code"), COLUMN_CATEGORY);
    assert_string_equal(cell(&read, 1, 0), "200");
    assert_int_equal(kind_of(&read, "day"), COLUMN_CATEGORY);
    assert_string_equal(cell(&read, 2, 0), "2020-01-01");
    assert_int_equal(kind_of(&read, "late"), COLUMN_I64);
    assert_int_equal(read.report.columns[3].marked, 299);
    read_release(&read);
    mem_free(text);
}

static void test_csv_read__categories_and_texts(void **state) {
    (void)state;
    enum { ROWS = 300000 };
    char *text = mem_alloc(ROWS * 40);
    size_t size = (size_t)sprintf(text, "user,city,half\n");
    for (int i = 0; i < ROWS; i++)
        size += (size_t)sprintf(text + size, "u%07d,city %d,h%d\n", i * 7 % ROWS, i % 90, i / 2);
    struct read read;
    read_ok(&read, text, NULL);
    assert_int_equal(kind_of(&read, "user"), COLUMN_TEXT);
    assert_int_equal(kind_of(&read, "city"), COLUMN_CATEGORY);
    assert_int_equal(kind_of(&read, "half"), COLUMN_CATEGORY);
    assert_int_equal(read.report.columns[1].distinct, 90);
    assert_string_equal(cell(&read, 0, ROWS - 1), "u0299993");
    assert_string_equal(cell(&read, 1, ROWS - 1), "city 29");
    assert_string_equal(cell(&read, 2, ROWS - 1), "h149999");
    read_release(&read);
    mem_free(text);
}

static void test_csv_read__a_category_of_bad_rows_is_none(void **state) {
    (void)state;
    char *text = numbers_with_words(400, 2, "abc");
    for (char *at = text; (at = strchr(at, '\n')); at++)
        if (strncmp(at - 3, "abc", 3) == 0) memcpy(at - 3, "?!?", 3);
    struct read read;
    read_ok(&read, text, &(struct csv_options){.types = LIST("n=number", "id=category")});
    assert_int_equal(read.report.rows_kept, 398);
    assert_int_equal(read.report.columns[0].distinct, 398);
    assert_int_equal(dict_find(read.table->columns[0]->dict, slice_of("199")), -1);
    assert_string_equal(cell(&read, 0, 199), "200");
    read_release(&read);
    mem_free(text);
}

static void test_csv_read__rows_max(void **state) {
    (void)state;
    struct read read;
    read_ok(&read, "a\n1\n2\n3\n4\n", &(struct csv_options){.rows_max = 2});
    assert_int_equal(read.table->rows, 2);
    assert_int_equal(read.report.rows_read, 2);
    read_release(&read);
    read_ok(&read, "a,b\n1,1\n2\n3,3\n4\n5,5\n", &(struct csv_options){.rows_max = 2});
    assert_int_equal(read.report.rows_read, 3);
    read_release(&read);
}

static void test_csv_read__one_column_keeps_blank_lines(void **state) {
    (void)state;
    struct read read;
    read_ok(&read, "a\n1\n\n3\n", NULL);
    assert_int_equal(read.table->rows, 3);
    assert_string_equal(cell(&read, 0, 1), "<missing>");
    read_release(&read);
}

static void test_csv_read__chinese(void **state) {
    (void)state;
    static const char UTF8[] = "姓名,城市\n张三,北京\n李四,上海\n";
    static const char GB[] =
        "\xd0\xd5\xc3\xfb,\xb3\xc7\xca\xd0\n\xd5\xc5\xc8\xfd,\xb1\xb1\xbe\xa9\n"
        "\xc0\xee\xcb\xc4,\xc9\xcf\xba\xa3\n";
    static const struct {
        const char *text;
        enum csv_encoding asked, found;
    } CASES[] = {{UTF8, CSV_ENCODING_AUTO, CSV_ENCODING_UTF8},
                 {GB, CSV_ENCODING_AUTO, CSV_ENCODING_GB18030},
                 {GB, CSV_ENCODING_GB18030, CSV_ENCODING_GB18030}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct read read;
        read_ok(&read, CASES[i].text, &(struct csv_options){.encoding = CASES[i].asked});
        assert_int_equal(read.report.encoding, CASES[i].found);
        assert_string_equal(read.table->columns[1]->name, "城市");
        assert_string_equal(cell(&read, 1, 1), "上海");
        read_release(&read);
    }
    read_fails(GB, &(struct csv_options){.encoding = CSV_ENCODING_UTF8}, "not valid text");
    struct read read;
    read_ok(&read, "a,b\n1,\xd5\xc5\n2,x\n3,\xff\n",
            &(struct csv_options){.encoding = CSV_ENCODING_GB18030});
    assert_string_equal(read.report.bad[0].message, "not valid GB18030");
    assert_int_equal(read.report.bad[0].line, 4);
    assert_int_equal(read.report.bad[0].column, 2);
    assert_string_equal(cell(&read, 1, 0), "张");
    read_release(&read);
}

/* GB18030 that only begins after the first windows: the file is read again from its beginning. */
/* A wrong byte exactly where the decoded text is full: found by 64 MB of chance. */
static void test_csv_read__gb18030_breaks_where_the_window_ends(void **state) {
    (void)state;
    enum { WINDOW = 256 << 10, CHARACTERS = WINDOW / 3, TAIL = 4000 };
    size_t size = 2 * CHARACTERS + WINDOW % 3 + TAIL, at = 0;
    char *bytes = mem_alloc(size), *text = mem_alloc(WINDOW);
    assert_true(bytes && text);
    for (int i = 0; i < CHARACTERS; i++) { /* two bytes that become three */
        bytes[at++] = (char)0xb0;
        bytes[at++] = (char)0xa1;
    }
    for (int i = 0; i < WINDOW % 3; i++) bytes[at++] = 'a';
    memset(bytes + at, 0xff, TAIL);
    kai_err err = {0};
    struct csv_source source;
    size_t got = 0, told = 0;
    CHECK_OK(csv_source_open(NULL, bytes, size, 1, &source, &err), &err);
    CHECK_OK(csv_source_fill(&source, text, WINDOW, &got, &err), &err);
    assert_int_equal(got, WINDOW);
    CHECK_OK(csv_source_fill(&source, text, WINDOW, &got, &err), &err);
    for (size_t i = 0; i < got; i++) told += text[i] == (char)0xff;
    assert_int_equal(got, TAIL);
    assert_int_equal(told, TAIL);
    csv_source_close(&source);
    int answer = 1;
    CHECK_OK(csv_source_is_gb18030(NULL, bytes, size, &answer, &err), &err);
    assert_int_equal(answer, 0);
    mem_free(bytes);
    mem_free(text);
}

static void test_csv_read__late_gb18030(void **state) {
    (void)state;
    enum { ROWS = 150000 };
    char *text = mem_alloc(ROWS * 16);
    size_t size = (size_t)sprintf(text, "id,city\n");
    for (int i = 0; i < ROWS; i++)
        size += (size_t)sprintf(text + size, "%d,%s\n", i,
                                i < ROWS - 2 ? "x" : "\xc9\xcf\xba\xa3"); /* 上海 */
    struct read read;
    read_ok(&read, text, NULL);
    assert_int_equal(read.report.encoding, CSV_ENCODING_GB18030);
    assert_int_equal(read.report.rows_bad, 0);
    assert_string_equal(cell(&read, 1, ROWS - 1), "上海");
    read_release(&read);
    mem_free(text);
}

static void test_csv_read__long_fields(void **state) {
    (void)state;
    enum { LONG = 5 << 20 };
    char *text = mem_alloc(3 * LONG);
    size_t size = (size_t)sprintf(text, "a,b\n1,2\n3,");
    memset(text + size, 'x', LONG);
    size += LONG;
    size += (size_t)sprintf(text + size, "\n4,\"");
    memset(text + size, '\n', LONG / 2);
    size += LONG / 2;
    size += (size_t)sprintf(text + size, "\"\n5,\"6\n7,8\n9,10\n");
    struct read read;
    CHECK_OK(read_bytes(&read, text, size, NULL), &read.err);
    assert_int_equal(read.report.bad_by_reason[COLLECT_LENGTH], 1);
    assert_int_equal(read.report.bad_by_reason[COLLECT_QUOTE], 1);
    assert_int_equal(read.report.bad[1].line, 4 + LONG / 2 + 1);
    assert_int_equal(read.report.rows_kept, 4);
    assert_int_equal(strlen(cell(&read, 1, 1)), LONG / 2);
    read_release(&read);
    mem_free(text);
}

static void test_csv_read__no_record_is_endless(void **state) {
    (void)state;
    enum { SIZE = 20 << 20 };
    char *text = mem_alloc(SIZE);
    memset(text, ',', SIZE);
    memcpy(text, "a,b\n1,2\n", 8);
    struct read read;
    kai_status st = read_bytes(&read, text, SIZE, NULL);
    CHECK_FAILS(st, &read.err, KAI_INVALID, "t.csv:3:1: a record longer than");
    memset(text, 'x', SIZE);
    st = read_bytes(&read, text, SIZE, NULL);
    CHECK_FAILS(st, &read.err, KAI_INVALID, "t.csv:1:1: a line without an end");
    mem_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_read__rfc_4180),
        cmocka_unit_test(test_csv_read__line_ends_and_mark),
        cmocka_unit_test(test_csv_read__finds_the_delimiter),
        cmocka_unit_test(test_csv_read__missing_values),
        cmocka_unit_test(test_csv_read__weak_markers_are_missing_among_numbers),
        cmocka_unit_test(test_csv_read__kinds),
        cmocka_unit_test(test_csv_read__types_override),
        cmocka_unit_test(test_csv_read__names),
        cmocka_unit_test(test_csv_read__refuses_what_is_no_table),
        cmocka_unit_test(test_csv_read__bad_rows_are_set_aside),
        cmocka_unit_test(test_csv_read__text_among_numbers),
        cmocka_unit_test(test_csv_read__a_promise_that_breaks_is_read_again),
        cmocka_unit_test(test_csv_read__categories_and_texts),
        cmocka_unit_test(test_csv_read__a_category_of_bad_rows_is_none),
        cmocka_unit_test(test_csv_read__rows_max),
        cmocka_unit_test(test_csv_read__one_column_keeps_blank_lines),
        cmocka_unit_test(test_csv_read__chinese),
        cmocka_unit_test(test_csv_read__gb18030_breaks_where_the_window_ends),
        cmocka_unit_test(test_csv_read__late_gb18030),
        cmocka_unit_test(test_csv_read__long_fields),
        cmocka_unit_test(test_csv_read__no_record_is_endless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
