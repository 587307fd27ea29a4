#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/yaml.h"
#include "kit/check.h"

static struct yaml_tree *parse(const char *text) {
    struct yaml_tree *tree = NULL;
    kai_err err;
    CHECK_OK(yaml_parse("c.yaml", text, strlen(text), &tree, &err), &err);
    return tree;
}

static void test_yaml__reads_a_campaign(void **state) {
    (void)state;
    struct yaml_tree *tree = parse(
        "\xef\xbb\xbf# a comment\ncampaign: spring e-mail\nlimits:\n  capacity: {email: 12000, \"5\": "
        "'8'}\noffers:\n  - {name: A, cost: 0.08}\n  - name: B\nnone: ~\nempty:\n");
    const struct yaml_node *root = yaml_root(tree);
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->count, 5);
    const struct yaml_node *name = yaml_get(root, "campaign");
    assert_string_equal(name->text, "spring e-mail");
    assert_int_equal(name->line, 2);
    assert_int_equal(name->column, 1);
    const struct yaml_node *capacity = yaml_get(yaml_get(root, "limits"), "capacity");
    assert_int_equal(capacity->line, 4);
    assert_int_equal(capacity->column, 3);
    assert_string_equal(yaml_get(capacity, "email")->text, "12000");
    assert_false(yaml_get(capacity, "email")->is_quoted);
    assert_true(yaml_get(capacity, "5")->is_quoted);
    assert_string_equal(capacity->children[1].key, "5");
    const struct yaml_node *offers = yaml_get(root, "offers");
    assert_int_equal(offers->kind, YAML_LIST);
    assert_int_equal(offers->count, 2);
    assert_int_equal(offers->children[1].line, 7);
    assert_int_equal(offers->children[1].column, 5);
    assert_null(offers->children[1].key);
    assert_int_equal(yaml_get(root, "none")->kind, YAML_NULL);
    assert_int_equal(yaml_get(root, "empty")->kind, YAML_NULL);
    assert_null(yaml_get(root, "missing"));
    assert_null(yaml_get(offers, "name"));
    assert_null(yaml_get(NULL, "name"));
    yaml_free(tree);
}

static void test_yaml__an_empty_file_is_an_empty_map(void **state) {
    (void)state;
    static const char *const TEXTS[] = {"", "# nothing\n", "---\n", "---\n...\n"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct yaml_tree *tree = parse(TEXTS[i]);
        assert_int_equal(yaml_root(tree)->kind, YAML_MAP);
        assert_int_equal(yaml_root(tree)->count, 0);
        yaml_free(tree);
    }
    yaml_free(NULL);
}

static void test_yaml__null_words_are_null_only_without_quotes(void **state) {
    (void)state;
    struct yaml_tree *tree = parse("- null\n- 'null'\n- ''\n- nul\n- |\n  null\n");
    const struct yaml_node *list = yaml_root(tree);
    static const enum yaml_kind KINDS[] = {YAML_NULL, YAML_SCALAR, YAML_SCALAR, YAML_SCALAR,
                                           YAML_SCALAR};
    for (int i = 0; i < 5; i++) assert_int_equal(list->children[i].kind, KINDS[i]);
    assert_string_equal(list->children[1].text, "null");
    yaml_free(tree);
}

static void test_yaml__refuses_with_line_and_column(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"a: &x 1\nb: *x\n", "c.yaml:1:4: anchors"},
        {"a: *x\n", "c.yaml:1:4: aliases"},
        {"*x : 1\n", "c.yaml:1:1: aliases"},
        {"a: !!int 1\n", "c.yaml:1:4: tags"},
        {"a: !x {b: 1}\n", "c.yaml:1:4: tags"},
        {"&x [1]\n", "c.yaml:1:1: anchors"},
        {"a: 1\n---\nb: 2\n", "c.yaml:2:1: a second document"},
        {"a: 1\nb: 2\n a: 3\n", "c.yaml:3:"},
        {"a: 1\nb: 2\na: 3\n", "c.yaml:3:1: key 'a' stands twice"},
        {"x: {a: 1, a: 2}\n", "c.yaml:1:11: key 'a' stands twice"},
        {"[a]: 1\n", "c.yaml:1:1: a key must be a text"},
        {"a: [1, 2\n", "c.yaml:2:1: "},
        {"a: \"x\\0y\"\n", "c.yaml:1:4: a text may not hold a zero byte"},
        {"a: 1\nb: \xff\n", "c.yaml:2:4: "},
        {"a:\n\t- 1\n", "c.yaml:2:1: "},
        {"a: 'x\n", "c.yaml:"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct yaml_tree *tree = NULL;
        kai_err err;
        CHECK_FAILS(yaml_parse("c.yaml", CASES[i][0], strlen(CASES[i][0]), &tree, &err), &err,
                    KAI_INVALID, CASES[i][1]);
        assert_null(tree);
    }
}

static void test_yaml__bounds_depth(void **state) {
    (void)state;
    char text[2 * CAPS_YAML_DEPTH + 2];
    memset(text, '[', CAPS_YAML_DEPTH);
    memset(text + CAPS_YAML_DEPTH, ']', CAPS_YAML_DEPTH);
    struct yaml_tree *tree = NULL;
    kai_err err;
    CHECK_OK(yaml_parse("c.yaml", text, 2 * CAPS_YAML_DEPTH, &tree, &err), &err);
    yaml_free(tree);
    memset(text, '[', sizeof text);
    CHECK_FAILS(yaml_parse("c.yaml", text, sizeof text, &tree, &err), &err, KAI_INVALID,
                "nested too deeply");
}

static void test_yaml__bounds_nodes(void **state) {
    (void)state;
    enum { COUNT = CAPS_YAML_NODES + 1 };
    char *text = malloc(2 * COUNT + 2);
    assert_non_null(text);
    text[0] = '[';
    for (size_t i = 0; i < COUNT; i++) memcpy(text + 1 + 2 * i, "1,", 2);
    text[2 * COUNT] = ']';
    struct yaml_tree *tree = NULL;
    kai_err err;
    CHECK_FAILS(yaml_parse("c.yaml", text, 2 * COUNT + 1, &tree, &err), &err, KAI_LIMIT,
                "c.yaml: more than");
    text[2 * COUNT - 1] = ' ';
    text[2 * COUNT - 2] = ' '; /* one less */
    CHECK_OK(yaml_parse("c.yaml", text, 2 * COUNT + 1, &tree, &err), &err);
    assert_int_equal(yaml_root(tree)->count, CAPS_YAML_NODES);
    yaml_free(tree);
    free(text);
}

static void test_yaml__loads_a_file_and_names_it(void **state) {
    (void)state;
    struct yaml_tree *tree = NULL;
    kai_err err;
    const char *path = check_write("campaign.yaml", "a:\n  b: 1\n");
    CHECK_OK(yaml_load(path, &tree, &err), &err);
    assert_string_equal(yaml_name(tree), path);
    const struct yaml_node *b = yaml_get(yaml_get(yaml_root(tree), "a"), "b");
    CHECK_FAILS(yaml_error(tree, b, &err, "bad '%s'", "b"), &err, KAI_INVALID,
                "campaign.yaml:2:3: bad 'b'");
    yaml_free(tree);
    tree = NULL;
    CHECK_FAILS(yaml_load("/nowhere.yaml", &tree, &err), &err, KAI_NOT_FOUND, "/nowhere.yaml");
    assert_null(tree);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml__reads_a_campaign),
        cmocka_unit_test(test_yaml__an_empty_file_is_an_empty_map),
        cmocka_unit_test(test_yaml__null_words_are_null_only_without_quotes),
        cmocka_unit_test(test_yaml__refuses_with_line_and_column),
        cmocka_unit_test(test_yaml__bounds_depth),
        cmocka_unit_test(test_yaml__bounds_nodes),
        cmocka_unit_test(test_yaml__loads_a_file_and_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
