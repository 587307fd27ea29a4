#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/options.h"
#include "base/text.h"

enum { KEY_BYTES = 64, WHERE_BYTES = 256 };

/* "test-column" is test_column in YAML. */
static void print_key(const struct kai_option *option, char ret_key[KEY_BYTES + 1]) {
    (void)snprintf(ret_key, KEY_BYTES + 1, "%s", option->name);
    for (char *at = ret_key; *at; at++)
        if (*at == '-') *at = '_';
}

static const struct kai_option *find_key(const struct kai_option_table *table, const char *key) {
    for (int32_t i = 0; i < table->count; i++) {
        char name[KEY_BYTES + 1];
        print_key(&table->options[i], name);
        if (strcmp(name, key) == 0) return &table->options[i];
    }
    return NULL;
}

static int is_known_elsewhere(const char *key, const char *names) {
    size_t n = strlen(key);
    for (const char *at = names; at && n; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strncmp(at, key, n) == 0 && (at[n] == '|' || at[n] == '\0')) return 1;
    return 0;
}

static kai_status unknown_key(const struct kai_option_table *table, const struct yaml_tree *tree,
                              const struct yaml_node *node, const char *known_elsewhere,
                              kai_err *err) {
    struct buf names;
    buf_init(&names, CAPS_TEXT_FILE_BYTES);
    kai_status st = buf_puts(&names, known_elsewhere ? known_elsewhere : "", NULL);
    for (int32_t i = 0; !st && i < table->count; i++) {
        char key[KEY_BYTES + 1];
        print_key(&table->options[i], key);
        st = buf_printf(&names, NULL, "|%s", key);
    }
    char nearest[KEY_BYTES + 1] = "";
    if (!st) (void)options_nearest(node->key, names.data, nearest, sizeof nearest); /* a hint */
    buf_release(&names);
    if (nearest[0])
        return yaml_error(tree, node, err, "unknown key '%.100s': did you mean '%s'?", node->key,
                          nearest);
    return yaml_error(tree, node, err, "unknown key '%.100s'", node->key);
}

static const char *kind_text(enum yaml_kind kind) {
    static const char *const TEXTS[] = {"nothing", "a single value", "a list", "a map"};
    return TEXTS[kind];
}

static kai_status set_items(const struct kai_option *option, const struct yaml_tree *tree,
                            const struct yaml_node *node, void *options, struct arena *arena,
                            kai_err *err) {
    int is_single = node->kind == YAML_SCALAR;
    int32_t count = is_single ? 1 : node->count;
    if (count > CAPS_OPTION_LIST)
        return yaml_error(tree, node, err, "key '%s': more than %d entries", node->key,
                          CAPS_OPTION_LIST);
    const char **items = arena_alloc(arena, (size_t)count, sizeof *items);
    if (!items) return err_memory(err, count * (int64_t)sizeof *items);
    for (int32_t i = 0; i < count; i++) {
        const struct yaml_node *item = is_single ? node : &node->children[i];
        if (item->kind != YAML_SCALAR)
            return yaml_error(tree, item, err, "key '%s': expected texts in the list, got %s",
                              node->key, kind_text(item->kind));
        items[i] = arena_string(arena, item->text);
        if (!items[i]) return err_memory(err, (int64_t)strlen(item->text));
    }
    struct option_list list = {items, count};
    memcpy((char *)options + option->offset, &list, sizeof list);
    return KAI_OK;
}

static kai_status set_node(const struct kai_option *option, const struct yaml_tree *tree,
                           const struct yaml_node *node, void *options, struct arena *arena,
                           kai_err *err) {
    if (node->kind == YAML_NULL) return KAI_OK; /* the default stays */
    if (option->kind == OPTION_LIST && node->kind != YAML_MAP)
        return set_items(option, tree, node, options, arena, err);
    if (node->kind != YAML_SCALAR)
        return yaml_error(tree, node, err, "key '%s': expected %s, got %s", node->key,
                          option->kind == OPTION_LIST ? "a list" : "a single value",
                          kind_text(node->kind));
    char where[WHERE_BYTES];
    (void)snprintf(where, sizeof where, "%.150s:%d:%d: key '%s'", yaml_name(tree), node->line,
                   node->column, node->key);
    return options_set(option, node->text, where, options, arena, err);
}

kai_status options_from_yaml(const struct kai_option_table *table, const struct yaml_tree *tree,
                             const struct yaml_node *map, const char *known_elsewhere,
                             void *options, struct arena *arena, kai_err *err) {
    if (map->kind == YAML_NULL) return KAI_OK;
    if (map->kind != YAML_MAP)
        return yaml_error(tree, map, err, "'%s': expected a map of keys, got %s",
                          map->key ? map->key : table->name, kind_text(map->kind));
    for (int32_t i = 0; i < map->count; i++) {
        const struct yaml_node *node = &map->children[i];
        const struct kai_option *option = find_key(table, node->key);
        kai_status st = KAI_OK;
        if (option)
            st = set_node(option, tree, node, options, arena, err);
        else if (!is_known_elsewhere(node->key, known_elsewhere))
            st = unknown_key(table, tree, node, known_elsewhere, err);
        if (st) return st;
    }
    return KAI_OK;
}
