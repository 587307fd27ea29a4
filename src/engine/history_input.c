#include "engine/history_input.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "collect/sequences.h"

enum { TYPES_MORE = 2, TYPE_BYTES = 300 };

static int is_typed(const kai_list *types, const char *column) {
    size_t length = strlen(column);
    for (int64_t i = 0; i < types->count; i++)
        if (strncmp(types->items[i], column, length) == 0 && types->items[i][length] == '=')
            return 1;
    return 0;
}

/* Customers and items are names, whatever they look like. */
static kai_status read_csv(struct kai_engine *engine, const char *path,
                           const kai_interactions_options *options, struct history_input *input,
                           kai_err *err) {
    const char *columns[TYPES_MORE] = {options->user, options->item};
    char texts[TYPES_MORE][TYPE_BYTES];
    kai_table_options table = options->table;
    size_t given = (size_t)table.types.count;
    const char **types = mem_array(given + TYPES_MORE, sizeof *types);
    if (!types) return err_memory(err, (int64_t)sizeof *types);
    for (size_t i = 0; i < given; i++) types[i] = table.types.items[i];
    kai_status st = KAI_OK;
    for (int i = 0; !st && i < TYPES_MORE; i++) {
        if (is_typed(&options->table.types, columns[i])) continue;
        int size = snprintf(texts[i], sizeof texts[i], "%s=category", columns[i]);
        if (size < 0 || size >= TYPE_BYTES)
            st = err_set(err, KAI_INVALID, "column '%.40s...': the name is too long", columns[i]);
        types[table.types.count++] = texts[i];
    }
    table.types.items = types;
    if (!st) st = reading_table(engine, path, &table, &input->table, &input->report, err);
    input->has_report = !st;
    mem_free((void *)types);
    return st;
}

static kai_status find_columns(const struct table *table, const kai_interactions_options *options,
                               struct interactions_columns *ret_columns, kai_err *err) {
    int is_csv = strcmp(options->format, "csv") == 0;
    struct interactions_columns found = {0};
    kai_status st = table_column(table, is_csv ? options->user : "customer", &found.customer, err);
    if (!st) st = table_column(table, is_csv ? options->item : "item", &found.item, err);
    if (!st && is_csv && options->time) st = table_column(table, options->time, &found.time, err);
    if (!st && is_csv && options->order)
        st = table_column(table, options->order, &found.order, err);
    if (!st) *ret_columns = found;
    return st;
}

static kai_status copy_names(const struct snapshot *snapshot, enum snapshot_dictionary which,
                             struct dict *dict, kai_err *err) {
    kai_status st = KAI_OK;
    int32_t code = 0;
    for (int64_t i = 0; !st && i < snapshot->names[which].count; i++) {
        st = dict_add(dict, snapshot_name(snapshot, which, i), &code, err);
        if (!st && code != i)
            st = err_set(err, KAI_CORRUPT, "the snapshot names '%s' twice", dict_text(dict, code));
    }
    return st;
}

static kai_status read_snapshot(const char *path, const kai_interactions_options *options,
                                struct history_input *ret_input, kai_err *err) {
    static const enum snapshot_dictionary WHICH[] = {SNAPSHOT_CUSTOMER, SNAPSHOT_ITEM};
    struct history_input input = {.ordered_by = "time"};
    struct snapshot snapshot = {0};
    if (options->time || options->order)
        return err_set(err, KAI_INVALID, "'%s' is a snapshot: it has its times and its order",
                       path);
    for (int i = 0; i < 2; i++) dict_init(&input.names[i]);
    kai_status st = snapshot_open(path, &snapshot, err);
    if (!st) st = snapshot_check(&snapshot, path, err);
    for (int i = 0; !st && i < 2; i++) st = copy_names(&snapshot, WHICH[i], &input.names[i], err);
    if (!st) st = interactions_init_snapshot(&input.interactions, &snapshot, err);
    snapshot_close(&snapshot);
    if (st) {
        history_input_release(&input);
        return st;
    }
    *ret_input = input;
    ret_input->customers = &ret_input->names[0];
    ret_input->items = &ret_input->names[1];
    return KAI_OK;
}

kai_status history_input_read(struct kai_engine *engine, const char *path,
                              const kai_interactions_options *options,
                              struct history_input *ret_input, kai_err *err) {
    if (snapshot_is(path)) return read_snapshot(path, options, ret_input, err);
    struct history_input input = {0};
    struct interactions_columns columns;
    int is_csv = strcmp(options->format, "csv") == 0;
    if (!is_csv && (options->time || options->order))
        return err_set(err, KAI_INVALID, "--time and --order belong to --format csv");
    kai_status st = is_csv ? read_csv(engine, path, options, &input, err)
                           : collect_read_sequences(
                                 path, options->anonymous ? SEQUENCES_ANONYMOUS : SEQUENCES_NAMED,
                                 &engine->progress, &input.table, err);
    if (!st) st = find_columns(input.table, options, &columns, err);
    if (!st) {
        st = interactions_init(&input.interactions, &columns, err);
        if (st) st = err_wrap(err, st, "%s", path);
    }
    if (st) {
        history_input_release(&input);
        return st;
    }
    input.customers = columns.customer->dict;
    input.items = columns.item->dict;
    input.ordered_by = columns.order ? "order" : columns.time ? "time" : "file";
    *ret_input = input;
    return KAI_OK;
}

void history_input_release(struct history_input *input) {
    interactions_release(&input->interactions);
    table_free(input->table);
    for (int i = 0; !input->table && i < 2; i++) dict_release(&input->names[i]);
    if (input->has_report) collect_report_release(&input->report);
    *input = (struct history_input){0};
}
