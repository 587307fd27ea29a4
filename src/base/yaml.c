/* libyaml gives events; this file makes the tree. It recurses at most CAPS_YAML_DEPTH deep. The
 * only file that knows libyaml. */
#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/caps.h"
#include "base/dict.h"
#include "base/file.h"

struct yaml_tree {
    struct arena arena;
    char *name; /* of the arena */
    struct yaml_node root;
};

struct build {
    yaml_parser_t parser;
    struct yaml_tree *tree;
    const char *bytes;
    size_t size;
    int32_t nodes;
    kai_err *err;
};

/* Children of one list or map while their number is unknown. */
struct family {
    struct yaml_node *nodes; /* owned */
    int32_t count, capacity;
};

static kai_status error_at(const struct build *build, size_t line, size_t column,
                           const char *reason) {
    return err_set(build->err, KAI_INVALID, "%s:%zu:%zu: %s", build->tree->name, line, column,
                   reason);
}

static kai_status error_mark(const struct build *build, yaml_mark_t mark, const char *reason) {
    return error_at(build, mark.line + 1, mark.column + 1, reason);
}

/* Bytes that are no text have an offset only. */
static kai_status error_offset(const struct build *build, size_t offset, const char *reason) {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < build->size; i++) {
        column = build->bytes[i] == '\n' ? 1 : column + 1;
        line += build->bytes[i] == '\n';
    }
    return error_at(build, line, column, reason);
}

static kai_status parser_error(const struct build *build) {
    const yaml_parser_t *parser = &build->parser;
    const char *problem = parser->problem ? parser->problem : "cannot be read";
    if (parser->error == YAML_MEMORY_ERROR) return err_memory(build->err, (int64_t)build->size);
    if (parser->error == YAML_READER_ERROR)
        return error_offset(build, parser->problem_offset, problem);
    return error_mark(build, parser->problem_mark, problem);
}

static kai_status next_event(struct build *build, yaml_event_t *ret_event) {
    return yaml_parser_parse(&build->parser, ret_event) ? KAI_OK : parser_error(build);
}

/* What plain data does not use. */
static const char *refused_feature(const yaml_event_t *event) {
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT: return "aliases ('*name') are not supported";
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default: break;
    }
    if (anchor) return "anchors ('&name') are not supported";
    return tag ? "tags ('!name') are not supported" : NULL;
}

static int is_null_text(const char *text, size_t n) {
    static const char *const NULLS[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof NULLS / sizeof *NULLS; i++)
        if (strlen(NULLS[i]) == n && memcmp(NULLS[i], text, n) == 0) return 1;
    return 0;
}

static kai_status scalar_text(struct build *build, const yaml_event_t *event,
                              const char **ret_text) {
    const char *value = (const char *)event->data.scalar.value;
    size_t n = event->data.scalar.length;
    if (memchr(value, '\0', n))
        return error_mark(build, event->start_mark, "a text may not hold a zero byte");
    *ret_text = arena_string_n(&build->tree->arena, value, n);
    return *ret_text ? KAI_OK : err_memory(build->err, (int64_t)n);
}

static kai_status fill_scalar(struct build *build, const yaml_event_t *event,
                              struct yaml_node *node) {
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    kai_status st = scalar_text(build, event, &node->text);
    if (st) return st;
    int is_null = !node->is_quoted && is_null_text(node->text, event->data.scalar.length);
    node->kind = is_null ? YAML_NULL : YAML_SCALAR;
    if (is_null) node->text = "";
    return KAI_OK;
}

static kai_status add_child(struct build *build, struct family *family, struct yaml_node **ret) {
    if (++build->nodes > CAPS_YAML_NODES)
        return err_set(build->err, KAI_LIMIT, "%s: more than %d values", build->tree->name,
                       CAPS_YAML_NODES);
    if (family->count == family->capacity) {
        int32_t capacity = family->capacity ? family->capacity * 2 : 8;
        struct yaml_node *nodes = mem_resize(family->nodes, (size_t)capacity, sizeof *nodes);
        if (!nodes) return err_memory(build->err, capacity * (int64_t)sizeof *nodes);
        family->nodes = nodes;
        family->capacity = capacity;
    }
    *ret = &family->nodes[family->count++];
    **ret = (struct yaml_node){.text = ""};
    return KAI_OK;
}

static kai_status keep_family(struct build *build, const struct family *family,
                              struct yaml_node *node) {
    node->count = family->count;
    if (family->count == 0) return KAI_OK;
    node->children = arena_alloc(&build->tree->arena, (size_t)family->count, sizeof *node);
    if (!node->children) return err_memory(build->err, family->count * (int64_t)sizeof *node);
    memcpy(node->children, family->nodes, (size_t)family->count * sizeof *node);
    return KAI_OK;
}

static void place(struct yaml_node *node, yaml_mark_t mark) {
    node->line = mark.line < INT32_MAX ? (int32_t)mark.line + 1 : INT32_MAX;
    node->column = mark.column < INT32_MAX ? (int32_t)mark.column + 1 : INT32_MAX;
}

/* The key of a member; `seen` finds one that stands twice. */
static kai_status fill_key(struct build *build, const yaml_event_t *event, struct dict *seen,
                           struct yaml_node *node) {
    const char *refused = refused_feature(event);
    if (refused) return error_mark(build, event->start_mark, refused);
    if (event->type != YAML_SCALAR_EVENT)
        return error_mark(build, event->start_mark, "a key must be a text");
    place(node, event->start_mark);
    kai_status st = scalar_text(build, event, &node->key);
    if (st) return st;
    int32_t before = seen->count, code;
    st = dict_add(seen, slice_of(node->key), &code, build->err);
    if (st || seen->count > before) return st;
    return err_set(build->err, KAI_INVALID, "%s:%d:%d: key '%s' stands twice", build->tree->name,
                   node->line, node->column, node->key);
}

static kai_status fill_node(struct build *build, const yaml_event_t *event, int depth,
                            struct yaml_node *node);

/* The value that follows, from its own event. */
static kai_status fill_next(struct build *build, int depth, struct yaml_node *node) {
    yaml_event_t event;
    kai_status st = next_event(build, &event);
    if (st) return st;
    st = fill_node(build, &event, depth, node);
    yaml_event_delete(&event);
    return st;
}

static kai_status fill_list(struct build *build, int depth, struct family *family) {
    for (;;) {
        yaml_event_t event;
        kai_status st = next_event(build, &event);
        if (st) return st;
        int is_end = event.type == YAML_SEQUENCE_END_EVENT;
        struct yaml_node *node = NULL;
        if (!is_end) st = add_child(build, family, &node);
        if (!is_end && !st) place(node, event.start_mark);
        if (!is_end && !st) st = fill_node(build, &event, depth, node);
        yaml_event_delete(&event);
        if (st || is_end) return st;
    }
}

static kai_status fill_map(struct build *build, int depth, struct family *family,
                           struct dict *seen) {
    for (;;) {
        yaml_event_t event;
        kai_status st = next_event(build, &event);
        if (st) return st;
        int is_end = event.type == YAML_MAPPING_END_EVENT;
        struct yaml_node *node = NULL;
        if (!is_end) st = add_child(build, family, &node);
        if (!is_end && !st) st = fill_key(build, &event, seen, node);
        yaml_event_delete(&event);
        if (!is_end && !st) st = fill_next(build, depth, node);
        if (st || is_end) return st;
    }
}

static kai_status fill_node(struct build *build, const yaml_event_t *event, int depth,
                            struct yaml_node *node) {
    const char *refused = refused_feature(event);
    if (refused) return error_mark(build, event->start_mark, refused);
    if (event->type == YAML_SCALAR_EVENT) return fill_scalar(build, event, node);
    if (depth == CAPS_YAML_DEPTH) return error_mark(build, event->start_mark, "nested too deeply");
    struct family family = {0};
    struct dict seen;
    dict_init(&seen);
    node->kind = event->type == YAML_MAPPING_START_EVENT ? YAML_MAP : YAML_LIST;
    kai_status st = node->kind == YAML_MAP ? fill_map(build, depth + 1, &family, &seen)
                                           : fill_list(build, depth + 1, &family);
    if (!st) st = keep_family(build, &family, node);
    dict_release(&seen);
    mem_free(family.nodes);
    return st;
}

/* Stream start, at most one document, stream end. */
static kai_status fill_root(struct build *build) {
    struct yaml_node *root = &build->tree->root;
    *root = (struct yaml_node){.kind = YAML_MAP, .line = 1, .column = 1, .text = ""};
    int documents = 0;
    for (;;) {
        yaml_event_t event;
        kai_status st = next_event(build, &event);
        if (st) return st;
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT) {
            if (documents++ > 0) st = error_mark(build, event.start_mark, "a second document");
        } else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_END_EVENT &&
                   type != YAML_STREAM_END_EVENT) {
            place(root, event.start_mark);
            st = fill_node(build, &event, 0, root);
        }
        yaml_event_delete(&event);
        if (st) return st;
        if (type == YAML_STREAM_END_EVENT) break;
    }
    if (root->kind == YAML_NULL) root->kind = YAML_MAP; /* "---" alone is an empty file too */
    return KAI_OK;
}

kai_status yaml_parse(const char *name, const char *bytes, size_t n, struct yaml_tree **ret_tree,
                      kai_err *err) {
    struct yaml_tree *tree = mem_zero(1, sizeof *tree);
    if (!tree) return err_memory(err, sizeof *tree);
    arena_init(&tree->arena);
    tree->name = arena_string(&tree->arena, name);
    struct build build = {.tree = tree, .bytes = bytes, .size = n, .err = err};
    kai_status st = tree->name && yaml_parser_initialize(&build.parser)
                        ? KAI_OK
                        : err_memory(err, sizeof build.parser);
    if (!st) {
        yaml_parser_set_encoding(&build.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&build.parser, (const unsigned char *)bytes, n);
        st = fill_root(&build);
        yaml_parser_delete(&build.parser);
    }
    if (st) {
        yaml_free(tree);
        return st;
    }
    *ret_tree = tree;
    return KAI_OK;
}

kai_status yaml_load(const char *path, struct yaml_tree **ret_tree, kai_err *err) {
    struct buf bytes;
    buf_init(&bytes, CAPS_TEXT_FILE_BYTES);
    kai_status st = file_read_all(path, CAPS_TEXT_FILE_BYTES, &bytes, err);
    if (!st) st = yaml_parse(path, bytes.data, bytes.size, ret_tree, err);
    buf_release(&bytes);
    return st;
}

const struct yaml_node *yaml_root(const struct yaml_tree *tree) { return &tree->root; }

const char *yaml_name(const struct yaml_tree *tree) { return tree->name; }

void yaml_free(struct yaml_tree *tree) {
    if (!tree) return;
    arena_release(&tree->arena);
    mem_free(tree);
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key) {
    for (int32_t i = 0; map && map->kind == YAML_MAP && i < map->count; i++)
        if (strcmp(map->children[i].key, key) == 0) return &map->children[i];
    return NULL;
}

kai_status yaml_error(const struct yaml_tree *tree, const struct yaml_node *node, kai_err *err,
                      const char *format, ...) {
    char text[KAI_ERR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* a cut message is still one */
    va_end(args);
    return err_set(err, KAI_INVALID, "%s:%d:%d: %s", tree->name, node->line, node->column, text);
}
