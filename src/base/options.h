/* One table describes each option once: type, default, range, unit and a line of help. From it come
 * the command line, the keys of a YAML map, the JSON schema, the help and the docs, so that text is
 * parsed in one place and typed everywhere after.
 *
 * An option struct is plain data: its first field is `uint32_t struct_size`; each option names the
 * offset of its field. Texts and lists that parsing stores live in the caller's arena.
 */
#ifndef KAIROS_BASE_OPTIONS_H
#define KAIROS_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/yaml.h"

enum option_kind {
    OPTION_FLAG,   /* int32_t; --name, --no-name; YAML true/false */
    OPTION_INT,    /* int64_t */
    OPTION_NUMBER, /* double */
    OPTION_TEXT,   /* const char * */
    OPTION_CHOICE, /* const char *, one of `choices` ("a|b|c") */
    OPTION_LIST, /* struct option_list: a,b,c on the command line; a list (or one scalar) in YAML */
};

/* Public option structs declare the same two fields (const char *const *, int64_t). */
struct option_list {
    const char *const *items;
    int64_t count;
};

struct kai_option {
    const char *name; /* "test-column" on the command line, "test_column" in YAML */
    enum option_kind kind;
    size_t offset;
    const char *fallback; /* default as text; NULL = none (NULL text, 0, empty list) */
    double low, high;    /* range of INT and NUMBER, both included; may be infinite; both 0: none */
    const char *choices; /* CHOICE: "a|b|c" */
    const char *value;   /* placeholder and unit in help: "COL", "SECONDS" */
    const char *help;    /* one line, lower case, no full stop */
};

/* A verb or a YAML map: its options and its positional arguments. */
struct kai_option_table {
    const char *name;    /* "fit" */
    const char *summary; /* one line */
    const char *usage;   /* "fit TABLE --label COL [options]" */
    const struct kai_option *options;
    int32_t count;
    int32_t arguments_min, arguments_max; /* positional */
    size_t arguments_offset;              /* of a struct option_list; used where max > 0 */
    const char *example;                  /* may be NULL */
};

/* Write every default into the struct; struct_size stays the caller's. */
KAI_MUST_CHECK kai_status options_init(const struct kai_option_table *table, void *ret_options,
                                       struct arena *arena, kai_err *err);
/* Parse arguments over defaults: --name value, --name=value, flags, "--" ends options; each option
 * once. After --help the rest is not looked at. Fails: KAI_INVALID: "unknown option '--lable': did
 * you mean '--label'?", "option
 * '--test': expected a number between 0 and 1, got 'x'". *ret_help is 1 where --help or -h stands.
 */
KAI_MUST_CHECK kai_status options_parse(const struct kai_option_table *table, int argc,
                                        const char *const *argv, void *options, struct arena *arena,
                                        int *ret_help, kai_err *err);
/* The keys of a YAML map over defaults. `known_elsewhere` lists keys that the caller reads itself
 * (maps within maps), separated by '|', or NULL. An unknown key is an error that names it, its
 * line, and the nearest known key. */
KAI_MUST_CHECK kai_status options_from_yaml(const struct kai_option_table *table,
                                            const struct yaml_tree *tree,
                                            const struct yaml_node *map,
                                            const char *known_elsewhere, void *options,
                                            struct arena *arena, kai_err *err);
/* Set one option from text, as both parsers do; `where` begins the error ("option '--test'"). */
KAI_MUST_CHECK kai_status options_set(const struct kai_option *option, const char *text,
                                      const char *where, void *options, struct arena *arena,
                                      kai_err *err);
/* The help page of a verb. */
KAI_MUST_CHECK kai_status options_print_help(const struct kai_option_table *table,
                                             const char *program, struct buf *out, kai_err *err);
/* Options as a Markdown table, for docs/. */
KAI_MUST_CHECK kai_status options_print_markdown(const struct kai_option_table *table,
                                                 struct buf *out, kai_err *err);
/* Options as a JSON schema object. */
KAI_MUST_CHECK kai_status options_print_schema(const struct kai_option_table *table,
                                               struct buf *out, kai_err *err);
/* Of the names in `candidates` ('|' between), the nearest to `text` by edit distance at most 2 (3
 * for names of 8 letters or more), written into ret_name; 1 where one is near. */
int options_nearest(const char *text, const char *candidates, char *ret_name, size_t capacity);

#endif
