/* The first byte chooses: the rest is a command line (words between newlines) or a YAML map. A
 * clean status, or values that keep their ranges and survive being written as arguments again. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sample {
    uint32_t struct_size;
    int32_t is_clean;
    int64_t trees;
    double share;
    const char *label, *task;
    struct option_list drop, files;
};

static const struct kai_option OPTIONS[] = {
    {"clean", OPTION_FLAG, offsetof(struct sample, is_clean), "true", 0, 0, NULL, NULL, "clean"},
    {"trees", OPTION_INT, offsetof(struct sample, trees), "100", 1, INFINITY, NULL, NULL, "trees"},
    {"test-share", OPTION_NUMBER, offsetof(struct sample, share), "0.2", 0, 0.9, NULL, NULL, "s"},
    {"label", OPTION_TEXT, offsetof(struct sample, label), NULL, 0, 0, NULL, "COL", "label"},
    {"task", OPTION_CHOICE, offsetof(struct sample, task), "auto", 0, 0, "auto|binary", NULL, "t"},
    {"drop", OPTION_LIST, offsetof(struct sample, drop), NULL, 0, 0, NULL, NULL, "drop"},
};

static const struct kai_option_table TABLE = {
    .name = "fuzz",
    .summary = "fuzz",
    .usage = "fuzz [FILE...]",
    .options = OPTIONS,
    .count = sizeof OPTIONS / sizeof *OPTIONS,
    .arguments_max = 8,
    .arguments_offset = offsetof(struct sample, files),
};

enum { ARGS_MAX = 64, LINE_BYTES = 64 };

static void require(int is_true) {
    if (!is_true) abort();
}

static void require_values(const struct sample *sample) {
    require(sample->is_clean == 0 || sample->is_clean == 1);
    require(sample->trees >= 1 && sample->share >= 0 && sample->share <= 0.9);
    require(strcmp(sample->task, "auto") == 0 || strcmp(sample->task, "binary") == 0);
    for (int64_t i = 0; i < sample->drop.count; i++) require(sample->drop.items[i] != NULL);
    require(sample->files.count <= 8);
}

/* Numbers and flags written as arguments give the same numbers and flags. */
static void require_round_trip(const struct sample *sample, struct arena *arena) {
    char number[TEXT_NUMBER_BYTES], trees[LINE_BYTES], share[LINE_BYTES];
    (void)text_print_f64(sample->share, number); /* length is not needed */
    (void)snprintf(trees, sizeof trees, "--trees=%lld", (long long)sample->trees);
    (void)snprintf(share, sizeof share, "--test-share=%s", number);
    const char *argv[] = {trees, share, sample->is_clean ? "--clean" : "--no-clean", "--task",
                          sample->task};
    struct sample again = {0};
    int is_help;
    require(options_init(&TABLE, &again, arena, NULL) == KAI_OK);
    require(options_parse(&TABLE, 5, argv, &again, arena, &is_help, NULL) == KAI_OK);
    require(again.trees == sample->trees && again.share == sample->share);
    require(again.is_clean == sample->is_clean && strcmp(again.task, sample->task) == 0);
}

static kai_status parse_words(char *text, struct sample *sample, struct arena *arena) {
    const char *argv[ARGS_MAX];
    int argc = 0, is_help = 0;
    for (char *at = text; at && argc < ARGS_MAX;) {
        argv[argc++] = at;
        at = strchr(at, '\n');
        if (at) *at++ = '\0';
    }
    return options_parse(&TABLE, argc, argv, sample, arena, &is_help, NULL);
}

static kai_status parse_map(const char *text, struct sample *sample, struct arena *arena) {
    struct yaml_tree *tree = NULL;
    kai_status st = yaml_parse("f.yaml", text, strlen(text), &tree, NULL);
    if (st) return st;
    st = options_from_yaml(&TABLE, tree, yaml_root(tree), "limits|offers", sample, arena, NULL);
    yaml_free(tree);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    char *text = malloc(size);
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    struct arena arena;
    arena_init(&arena);
    struct sample sample = {0};
    require(options_init(&TABLE, &sample, &arena, NULL) == KAI_OK);
    kai_status st =
        data[0] % 2 ? parse_words(text, &sample, &arena) : parse_map(text, &sample, &arena);
    require(st == KAI_OK || st == KAI_INVALID || st == KAI_LIMIT);
    require_values(&sample);
    if (!st) require_round_trip(&sample, &arena);
    arena_release(&arena);
    free(text);
    return 0;
}
