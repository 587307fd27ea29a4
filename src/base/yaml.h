/* YAML as a tree that knows the line and column of each node (libyaml underneath).
 *
 * Anchors, aliases, tags and several documents are refused: a campaign file is plain data. A key
 * that stands twice in one map is an error. An unquoted scalar that is empty, ~ or null is
 * YAML_NULL. Limits: caps.h.
 */
#ifndef KAIROS_BASE_YAML_H
#define KAIROS_BASE_YAML_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    int is_quoted;              /* of a scalar: "5" in quotes is text */
    int32_t line, column;       /* from 1; of a member of a map: where its key stands */
    const char *key;            /* of a member of a map, else NULL */
    const char *text;           /* of a scalar, NUL-terminated; of others "" */
    int32_t count;              /* children of a list or map */
    struct yaml_node *children; /* in file order */
};

struct yaml_tree;

/* `name` is what errors call the file. An empty file is an empty map.
 * Fails: KAI_INVALID "<name>:<line>:<column>: <reason>", KAI_LIMIT. */
KAI_MUST_CHECK kai_status yaml_parse(const char *name, const char *bytes, size_t n,
                                     struct yaml_tree **ret_tree, kai_err *err);
KAI_MUST_CHECK kai_status yaml_load(const char *path, struct yaml_tree **ret_tree, kai_err *err);
const struct yaml_node *yaml_root(const struct yaml_tree *tree);
const char *yaml_name(const struct yaml_tree *tree);
void yaml_free(struct yaml_tree *tree);

/* The child with that key, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
/* KAI_INVALID "<name>:<line>:<column>: <text>" for a node. */
kai_status yaml_error(const struct yaml_tree *tree, const struct yaml_node *node, kai_err *err,
                      const char *format, ...) ERR_PRINTF(4, 5);

#endif
