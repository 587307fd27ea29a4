/* Any bytes: a clean status that names the file, or a tree within its limits whose nodes know
 * where they stand. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/text.h"
#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

static int32_t count_nodes(const struct yaml_node *node, int depth) {
    require(depth <= CAPS_YAML_DEPTH);
    require(node->line >= 1 && node->column >= 1 && node->text && node->count >= 0);
    require(text_utf8_valid(node->text, strlen(node->text)) == strlen(node->text));
    require(node->count == 0 || node->kind == YAML_LIST || node->kind == YAML_MAP);
    int32_t nodes = 1;
    for (int32_t i = 0; i < node->count; i++) {
        const struct yaml_node *child = &node->children[i];
        require(!child->key == (node->kind == YAML_LIST));
        if (child->key) require(yaml_get(node, child->key) == child); /* no key twice */
        nodes += count_nodes(child, depth + 1);
    }
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct yaml_tree *tree = NULL;
    kai_err err = {0};
    kai_status st = yaml_parse("f.yaml", (const char *)data, size, &tree, &err);
    if (st) {
        require(st == KAI_INVALID || st == KAI_LIMIT);
        require(!tree && strncmp(err.message, "f.yaml:", 7) == 0);
        return 0;
    }
    require(count_nodes(yaml_root(tree), 0) <= CAPS_YAML_NODES + 1);
    yaml_free(tree);
    return 0;
}
