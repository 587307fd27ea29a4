/* Any bytes as a policy table: a clean status, or chances between 0 and 1. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collect/collect.h"
#include "engine/ope_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 6, ACTIONS = 3, POSITIONS = 2 };

static void require(int is_true) {
    if (!is_true) abort();
}

static void add_names(struct dict *names, const char *const *texts, int32_t count) {
    int32_t code;
    kai_err err = {0};
    dict_init(names);
    for (int32_t i = 0; i < count; i++)
        require(dict_add(names, slice_of(texts[i]), &code, &err) == KAI_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const action_names[] = {"a", "b", "c"}, *const place_names[] = {"1", "2"};
    static const int32_t action[ROWS] = {0, 1, 2, 0, 1, 2}, position[ROWS] = {0, 1, 0, 1, 0, 1};
    static const double means[2 * POSITIONS * ACTIONS] = {0.1, 0.2, 0.3};
    struct dict actions, positions;
    struct table *table = NULL;
    double chosen[ROWS], model[ROWS];
    struct csv_options options = {0};
    kai_err err = {0};
    add_names(&actions, action_names, ACTIONS);
    add_names(&positions, place_names, POSITIONS);
    struct ope_table logged = {.log = {.rows = ROWS, .action = action, .actions = ACTIONS},
                               .actions = &actions,
                               .positions = &positions,
                               .position = position,
                               .means = means,
                               .folds = 2};
    kai_status st = collect_read_csv_bytes("p.csv", (const char *)data, size, &options, NULL,
                                           &table, NULL, &err);
    if (!st) st = ope_policy_read(table, &logged, chosen, model, &err);
    for (int i = 0; !st && i < ROWS; i++) {
        require(chosen[i] >= 0 && chosen[i] <= 1.001);
        require(model[i] >= 0 && model[i] <= 0.31);
    }
    require(!st || strlen(err.message) > 0);
    table_free(table);
    dict_release(&actions);
    dict_release(&positions);
    return 0;
}
