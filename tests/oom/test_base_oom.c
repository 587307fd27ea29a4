/* Every constructor of base and table with its 1st, 2nd, 3rd ... allocation failing, once and for
 * good, until it succeeds: the right code, nothing left behind, nothing given. */
#include <string.h>

#include "base/alloc.h"
#include "base/bundle.h"
#include "base/bytes.h"
#include "base/dict.h"
#include "base/file.h"
#include "base/json.h"
#include "base/options.h"
#include "base/pool.h"
#include "base/yaml.h"
#include "kit/check.h"
#include "table/matrix.h"
#include "table/table.h"

static kai_status make_dict(kai_err *err) {
    struct dict dict, copy;
    dict_init(&dict);
    dict_init(&copy);
    kai_status st = KAI_OK;
    for (int i = 0; !st && i < 40; i++) {
        char text[4] = {'k', (char)('A' + i), '\0'};
        int32_t code;
        st = dict_add(&dict, slice_of(text), &code, err);
    }
    if (!st) st = dict_copy(&dict, &copy, err);
    dict_release(&copy);
    dict_release(&dict);
    return st;
}

static kai_status make_pool(kai_err *err) {
    struct pool *pool = NULL;
    kai_status st = pool_new(2, &pool, err);
    if (!st) pool_free(pool);
    return st;
}

static kai_status make_json(kai_err *err) {
    static const char TEXT[] = "{\"a\": [1, \"x\", {\"b\": null}], \"c\": \"\\u00e9\"}";
    struct json_value *value = NULL;
    kai_status st = json_parse(TEXT, sizeof TEXT - 1, &value, err);
    assert_true(st ? value == NULL : json_count(value) == 2);
    json_free(value);
    return st;
}

static kai_status write_json(kai_err *err) {
    struct buf buf;
    buf_init(&buf, 1 << 20);
    struct json_writer json;
    json_init(&json, &buf, 1);
    json_array(&json);
    for (int i = 0; i < 100; i++) json_text(&json, "some text that makes the buffer grow");
    json_end(&json);
    kai_status st = json_finish(&json, err);
    buf_release(&buf);
    return st;
}

static kai_status make_yaml(kai_err *err) {
    static const char TEXT[] = "a: 1\nb: [x, y, {c: d}]\ne:\n  - 1\n  - 2\n";
    struct yaml_tree *tree = NULL;
    kai_status st = yaml_parse("c.yaml", TEXT, sizeof TEXT - 1, &tree, err);
    assert_true(st ? tree == NULL : yaml_root(tree)->count == 3);
    yaml_free(tree);
    return st;
}

struct sample {
    uint32_t struct_size;
    const char *label;
    struct option_list drop, files;
};

static kai_status make_options(kai_err *err) {
    static const struct kai_option OPTIONS[] = {
        {"label", OPTION_TEXT, offsetof(struct sample, label), "y", 0, 0, NULL, NULL, "label"},
        {"drop", OPTION_LIST, offsetof(struct sample, drop), "a,b", 0, 0, NULL, NULL, "drop"},
    };
    static const struct kai_option_table TABLE = {
        .name = "fit",
        .usage = "fit",
        .options = OPTIONS,
        .count = 2,
        .arguments_max = 1,
        .arguments_offset = offsetof(struct sample, files)};
    static const char *const ARGV[] = {"t.csv", "--label=z", "--drop", "c,d"};
    struct sample sample;
    struct arena arena;
    arena_init(&arena);
    int is_help = 0;
    kai_status st = options_init(&TABLE, &sample, &arena, err);
    if (!st) st = options_parse(&TABLE, 4, ARGV, &sample, &arena, &is_help, err);
    struct buf out;
    buf_init(&out, 1 << 16);
    if (!st) st = options_print_schema(&TABLE, &out, err);
    buf_release(&out);
    arena_release(&arena);
    return st;
}

static kai_status make_bundle(kai_err *err) {
    static const struct bundle_section SECTIONS[] = {{"a", "xyz", 3}, {"b", "", 0}};
    struct buf buf;
    buf_init(&buf, 1 << 16);
    struct bytes_writer writer;
    bytes_write(&writer, &buf);
    bytes_put_text(&writer, "prefix");
    kai_status st = bytes_written(&writer, err);
    if (!st) st = bundle_print(SECTIONS, 2, &buf, err);
    buf_release(&buf);
    return st;
}

static kai_status write_and_read(const char *path, kai_err *err) {
    kai_status st = file_write_all(path, "some bytes", 10, err);
    struct buf buf;
    buf_init(&buf, 1 << 20);
    if (!st) st = file_read_all(path, 1 << 20, &buf, err);
    buf_release(&buf);
    return st;
}

static kai_status use_plain_file(kai_err *err) {
    return write_and_read(check_temp_path("oom.txt"), err);
}

static kai_status use_gzip_file(kai_err *err) {
    return write_and_read(check_temp_path("oom.gz"), err);
}

static kai_status use_folder(kai_err *err) { return file_make_dir(check_temp_path("oom/a"), err); }

static kai_status fill_table(struct table *table, kai_err *err) {
    for (int kind = COLUMN_F64; kind <= COLUMN_TEXT; kind++) {
        char name[2] = {(char)('a' + kind), '\0'};
        struct column *column = NULL;
        kai_status st = column_new(name, (enum column_kind)kind, 3, &column, err);
        if (!st && kind == COLUMN_CATEGORY)
            st = dict_add(column->dict, slice_of("red"), &column->as.codes[0], err);
        if (!st) st = table_append(table, column, err);
        if (st) {
            column_free(column);
            return st;
        }
    }
    return KAI_OK;
}

static kai_status make_table(kai_err *err) {
    static const int64_t IDS[] = {2, 0};
    struct table *table = NULL, *taken = NULL;
    kai_status st = table_new("t.csv", 3, &table, err);
    if (!st) st = fill_table(table, err);
    if (!st) st = table_take(table, IDS, 2, &taken, err);
    table_free(taken);
    table_free(table);
    return st;
}

static kai_status make_matrix(kai_err *err) {
    struct matrix *matrix = NULL;
    kai_status st = matrix_new(3, 2, &matrix, err);
    if (!st) st = matrix_name(matrix, 0, "a=b", "a", 0, err);
    if (!st) st = matrix_name(matrix, 0, "a", "a", 2, err);
    matrix_free(matrix);
    return st;
}

#define OOM_TEST(name)                       \
    static void test_oom__##name(void **s) { \
        (void)s;                             \
        check_exhaust(name);                 \
    }
OOM_TEST(make_dict)
OOM_TEST(make_pool)
OOM_TEST(make_json)
OOM_TEST(write_json)
OOM_TEST(make_yaml)
OOM_TEST(make_options)
OOM_TEST(make_bundle)
OOM_TEST(use_plain_file)
OOM_TEST(use_gzip_file)
OOM_TEST(use_folder)
OOM_TEST(make_table)
OOM_TEST(make_matrix)

/* A message may lose its hint, but never its subject. */
static void test_oom__a_missing_hint_is_no_failure(void **state) {
    (void)state;
    struct table *table = NULL;
    kai_err err;
    CHECK_OK(table_new("t.csv", 3, &table, &err), &err);
    CHECK_OK(fill_table(table, &err), &err);
    const struct column *column = NULL;
    check_alloc_fail(1, 1);
    kai_status st = table_column(table, "aa", &column, &err);
    check_alloc_reset();
    CHECK_FAILS(st, &err, KAI_NOT_FOUND, "column 'aa' is not in 't.csv'");
    table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oom__make_dict),
        cmocka_unit_test(test_oom__make_pool),
        cmocka_unit_test(test_oom__make_json),
        cmocka_unit_test(test_oom__write_json),
        cmocka_unit_test(test_oom__make_yaml),
        cmocka_unit_test(test_oom__make_options),
        cmocka_unit_test(test_oom__make_bundle),
        cmocka_unit_test(test_oom__use_plain_file),
        cmocka_unit_test(test_oom__use_gzip_file),
        cmocka_unit_test(test_oom__use_folder),
        cmocka_unit_test(test_oom__make_table),
        cmocka_unit_test(test_oom__make_matrix),
        cmocka_unit_test(test_oom__a_missing_hint_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
