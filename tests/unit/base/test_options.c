#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/options.h"
#include "kit/check.h"

struct sample {
    uint32_t struct_size;
    int32_t wants_cleaning, wants_json;
    int64_t trees;
    double test;
    const char *label, *task;
    struct option_list drop, tables;
};

static const struct kai_option OPTIONS[] = {
    {"clean", OPTION_FLAG, offsetof(struct sample, wants_cleaning), "true", 0, 0, NULL, NULL,
     "clean the table"},
    {"json", OPTION_FLAG, offsetof(struct sample, wants_json), NULL, 0, 0, NULL, NULL,
     "print JSON"},
    {"trees", OPTION_INT, offsetof(struct sample, trees), "100", 1, INFINITY, NULL, NULL,
     "trees of the forest"},
    {"test-share", OPTION_NUMBER, offsetof(struct sample, test), "0.2", 0, 0.9, NULL, "SHARE",
     "share of rows held out"},
    {"label", OPTION_TEXT, offsetof(struct sample, label), NULL, 0, 0, NULL, "COL",
     "column to predict"},
    {"task", OPTION_CHOICE, offsetof(struct sample, task), "auto", 0, 0, "auto|binary|regression",
     NULL, "what kind | of target"},
    {"drop", OPTION_LIST, offsetof(struct sample, drop), "id,name", 0, 0, NULL, NULL,
     "columns to leave out"},
};

static const struct kai_option_table FIT = {
    .name = "fit",
    .summary = "fit a model",
    .usage = "fit TABLE --label COL [options]",
    .options = OPTIONS,
    .count = sizeof OPTIONS / sizeof *OPTIONS,
    .arguments_min = 1,
    .arguments_max = 2,
    .arguments_offset = offsetof(struct sample, tables),
    .example = "kairos fit t.csv --label y",
};

struct fixture {
    struct arena arena;
    struct sample options;
    int is_help;
    kai_err err;
};

static void start(struct fixture *fixture) {
    memset(fixture, 0x55, sizeof *fixture);
    arena_init(&fixture->arena);
    fixture->is_help = -1;
    CHECK_OK(options_init(&FIT, &fixture->options, &fixture->arena, &fixture->err), &fixture->err);
}

enum { ARGS_MAX = 16 };

/* Words between blanks. */
static kai_status parse(struct fixture *fixture, const char *line) {
    static char copy[512];
    const char *argv[ARGS_MAX];
    int argc = 0;
    (void)snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word && argc < ARGS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_parse(&FIT, argc, argv, &fixture->options, &fixture->arena, &fixture->is_help,
                         &fixture->err);
}

static void test_options__defaults_are_typed(void **state) {
    (void)state;
    struct fixture f;
    start(&f);
    assert_int_equal(f.options.wants_cleaning, 1);
    assert_int_equal(f.options.wants_json, 0);
    assert_int_equal(f.options.trees, 100);
    assert_true(f.options.test == 0.2);
    assert_null(f.options.label);
    assert_string_equal(f.options.task, "auto");
    assert_int_equal(f.options.drop.count, 2);
    assert_string_equal(f.options.drop.items[1], "name");
    assert_int_equal(f.options.tables.count, 0);
    assert_int_equal(f.options.struct_size, 0x55555555u); /* the caller's */
    arena_release(&f.arena);
}

static void test_options__parses_every_form(void **state) {
    (void)state;
    struct fixture f;
    start(&f);
    CHECK_OK(parse(&f,
                   "a.csv --trees 7 --test-share=0.5 --no-clean --json --label=--x --task binary "
                   "--drop a,b,c -"),
             &f.err);
    assert_int_equal(f.is_help, 0);
    assert_int_equal(f.options.trees, 7);
    assert_true(f.options.test == 0.5);
    assert_int_equal(f.options.wants_cleaning, 0);
    assert_int_equal(f.options.wants_json, 1);
    assert_string_equal(f.options.label, "--x");
    assert_string_equal(f.options.task, "binary");
    assert_int_equal(f.options.drop.count, 3);
    assert_int_equal(f.options.tables.count, 2);
    assert_string_equal(f.options.tables.items[0], "a.csv");
    assert_string_equal(f.options.tables.items[1], "-");
    arena_release(&f.arena);
}

static void test_options__two_dashes_end_options(void **state) {
    (void)state;
    struct fixture f;
    start(&f);
    CHECK_OK(parse(&f, "--clean=no -- --json -h"), &f.err);
    assert_int_equal(f.options.wants_cleaning, 0);
    assert_int_equal(f.options.wants_json, 0);
    assert_int_equal(f.options.tables.count, 2);
    assert_string_equal(f.options.tables.items[0], "--json");
    arena_release(&f.arena);
}

static void test_options__help_needs_nothing_else(void **state) {
    (void)state;
    struct fixture f;
    start(&f);
    CHECK_OK(parse(&f, "--help --nonsense"), &f.err);
    assert_int_equal(f.is_help, 1);
    CHECK_OK(parse(&f, "a.csv -h"), &f.err);
    assert_int_equal(f.is_help, 1);
    arena_release(&f.arena);
}

static void test_options__refuses_with_the_right_words(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"t --lable y", "unknown option '--lable': did you mean '--label'?"},
        {"t --xyzzy=1", "unknown option '--xyzzy'"},
        {"t --hepl", "did you mean '--help'?"},
        {"t --no-label", "unknown option '--no-label'"},
        {"t -x", "unknown option '-x'"},
        {"t --test-share x", "option '--test-share': expected a number between 0 and 0.9, got 'x'"},
        {"t --test-share 0.91", "expected a number between 0 and 0.9, got '0.91'"},
        {"t --test-share nan", "expected a number"},
        {"t --trees 0", "option '--trees': expected a whole number of at least 1, got '0'"},
        {"t --trees 1.5", "expected a whole number"},
        {"t --trees 99999999999999999999", "expected a whole number"},
        {"t --task binry", "option '--task': unknown value 'binry': did you mean 'binary'?"},
        {"t --task zzz", "option '--task': expected one of auto|binary|regression, got 'zzz'"},
        {"t --label", "option '--label': expected COL after it"},
        {"t --label --json", "option '--label': expected COL after it"},
        {"t --trees 1 --trees 2", "option '--trees' stands twice"},
        {"t --clean --no-clean", "option '--clean' stands twice"},
        {"t --clean=maybe", "option '--clean': expected true or false, got 'maybe'"},
        {"t --drop a,,b", "option '--drop': an empty entry in 'a,,b'"},
        {"--json", "an argument is missing: fit TABLE --label COL [options]"},
        {"a b c", "unexpected argument 'c': fit TABLE"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fixture f;
        start(&f);
        CHECK_FAILS(parse(&f, CASES[i][0]), &f.err, KAI_INVALID, CASES[i][1]);
        arena_release(&f.arena);
    }
}

static kai_status from_yaml(struct fixture *f, const char *text, const char *elsewhere) {
    struct yaml_tree *tree = NULL;
    CHECK_OK(yaml_parse("c.yaml", text, strlen(text), &tree, &f->err), &f->err);
    kai_status st =
        options_from_yaml(&FIT, tree, yaml_root(tree), elsewhere, &f->options, &f->arena, &f->err);
    yaml_free(tree); /* what was stored lives in the arena */
    return st;
}

static void test_options__reads_yaml_over_defaults(void **state) {
    (void)state;
    struct fixture f;
    start(&f);
    CHECK_OK(
        from_yaml(&f,
                  "test_share: 0.3\nclean: no\nlabel: 'a,b'\ndrop: [x, 'y,z']\nlimits: {b: 1}\n"
                  "trees:\n",
                  "offers|limits"),
        &f.err);
    assert_true(f.options.test == 0.3);
    assert_int_equal(f.options.wants_cleaning, 0);
    assert_string_equal(f.options.label, "a,b");
    assert_int_equal(f.options.drop.count, 2);
    assert_string_equal(f.options.drop.items[1], "y,z");
    assert_int_equal(f.options.trees, 100);
    CHECK_OK(from_yaml(&f, "drop: one, two\n", NULL), &f.err); /* one name with a comma */
    assert_int_equal(f.options.drop.count, 1);
    CHECK_OK(from_yaml(&f, "drop: []\n", NULL), &f.err);
    assert_int_equal(f.options.drop.count, 0);
    arena_release(&f.arena);
}

static void test_options__yaml_errors_name_the_place(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"a_b: 1\n", "c.yaml:1:1: unknown key 'a_b'"},
        {"trees: 1\n\nlabell: x\n", "c.yaml:3:1: unknown key 'labell': did you mean 'label'?"},
        {"limit: 1\n", "c.yaml:1:1: unknown key 'limit': did you mean 'limits'?"},
        {"test-share: 1\n", "c.yaml:1:1: unknown key 'test-share': did you mean 'test_share'?"},
        {"test_share: 2\n", "c.yaml:1:1: key 'test_share': expected a number between 0 and 0.9"},
        {"trees: [1]\n", "c.yaml:1:1: key 'trees': expected a single value, got a list"},
        {"label: {a: 1}\n", "key 'label': expected a single value, got a map"},
        {"drop: {a: 1}\n", "key 'drop': expected a list, got a map"},
        {"drop:\n  - a\n  - [b]\n",
         "c.yaml:3:5: key 'drop': expected texts in the list, got a list"},
        {"- a\n", "c.yaml:1:1: 'fit': expected a map of keys, got a list"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fixture f;
        start(&f);
        CHECK_FAILS(from_yaml(&f, CASES[i][0], "limits"), &f.err, KAI_INVALID, CASES[i][1]);
        arena_release(&f.arena);
    }
}

static void test_options__nearest_name(void **state) {
    (void)state;
    static const struct {
        const char *text, *candidates, *expected;
    } CASES[] = {
        {"lable", "label|table", "label"},
        {"budgett", "budget", "budget"},
        {"Spend", "spend|send", "spend"},
        {"xy", "ab|cd", NULL},
        {"", "a|b", NULL},
        {"capacityy_x", "capacity|x", "capacity"},
        {"segmnt", "segment", "segment"},
        {"abc", "", NULL},
        {"cat", "dog|car", "car"},
        {"colour", "celery", NULL},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char name[32] = "";
        int is_near = options_nearest(CASES[i].text, CASES[i].candidates, name, sizeof name);
        assert_int_equal(is_near, CASES[i].expected != NULL);
        if (is_near) assert_string_equal(name, CASES[i].expected);
    }
    char small[4];
    assert_int_equal(options_nearest("labe", "label", small, sizeof small), 0);
}

static void test_options__prints_help(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    kai_err err;
    CHECK_OK(options_print_help(&FIT, "kairos", &out, &err), &err);
    assert_string_equal(
        out.data,
        "kairos fit: fit a model\n\nusage: kairos fit TABLE --label COL [options]\n\noptions:\n"
        "  --no-clean                  clean the table\n"
        "  --json                      print JSON\n"
        "  --trees N                   trees of the forest (1 or more; default 100)\n"
        "  --test-share SHARE          share of rows held out (0 to 0.9; default 0.2)\n"
        "  --label COL                 column to predict\n"
        "  --task auto|binary|regression\n"
        "                              what kind | of target (default auto)\n"
        "  --drop A,B,...              columns to leave out (default id,name)\n"
        "\nexample:\n  kairos fit t.csv --label y\n");
    buf_release(&out);
}

static void test_options__prints_markdown(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    kai_err err;
    CHECK_OK(options_print_markdown(&FIT, &out, &err), &err);
    assert_non_null(strstr(out.data, "| `--trees` | whole number | 1 or more | 100 | trees of"));
    assert_non_null(strstr(out.data, "auto\\|binary\\|regression"));
    assert_non_null(strstr(out.data, "what kind \\| of target"));
    buf_release(&out);
}

static void test_options__schema_is_json_that_says_the_same(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    kai_err err;
    CHECK_OK(options_print_schema(&FIT, &out, &err), &err);
    struct json_value *schema = NULL;
    CHECK_OK(json_parse(out.data, out.size, &schema, &err), &err);
    const struct json_value *all = json_get(schema, "properties");
    assert_int_equal(json_count(all), FIT.count);
    const struct json_value *share = json_get(all, "test_share");
    assert_string_equal(json_as_text(json_get(share, "type"), ""), "number");
    assert_true(json_as_f64(json_get(share, "maximum"), -1) == 0.9);
    assert_true(json_as_f64(json_get(share, "default"), -1) == 0.2);
    assert_null(json_get(json_get(all, "trees"), "maximum"));
    assert_int_equal(json_as_bool(json_get(json_get(all, "clean"), "default"), -1), 1);
    assert_int_equal(json_count(json_get(json_get(all, "task"), "enum")), 3);
    assert_string_equal(json_as_text(json_at(json_get(json_get(all, "drop"), "default"), 1), ""),
                        "name");
    json_free(schema);
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options__defaults_are_typed),
        cmocka_unit_test(test_options__parses_every_form),
        cmocka_unit_test(test_options__two_dashes_end_options),
        cmocka_unit_test(test_options__help_needs_nothing_else),
        cmocka_unit_test(test_options__refuses_with_the_right_words),
        cmocka_unit_test(test_options__reads_yaml_over_defaults),
        cmocka_unit_test(test_options__yaml_errors_name_the_place),
        cmocka_unit_test(test_options__nearest_name),
        cmocka_unit_test(test_options__prints_help),
        cmocka_unit_test(test_options__prints_markdown),
        cmocka_unit_test(test_options__schema_is_json_that_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
