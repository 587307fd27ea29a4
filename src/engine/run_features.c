/* Which columns the models may see, and the feature matrices.
 *
 * A feature is a column of both tables that has no other role. Where the arms were randomised, a
 * column that differs between them beyond chance was written after the treatment: it is left out,
 * unless the campaign lists it. The recipe never sees an outcome, so that nothing of a held-out row
 * leaks into its features.
 */
#include <string.h>

#include "base/alloc.h"
#include "engine/run.h"

static int is_listed(struct option_list list, const char *name) {
    for (int64_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i], name) == 0) return 1;
    return 0;
}

static int is_same(const char *a, const char *b) { return a && strcmp(a, b) == 0; }

static void leave_out(struct run *run, const char *column, const char *reason) {
    const char *kept = arena_string(&run->arena, column);
    if (kept) run->left_out[run->left_out_count++] = (struct run_left_out){kept, reason};
}

/* The role that the campaign gives a column; PREPARE_FEATURE where it is silent. */
static enum prepare_role named_role(const struct run *run, const char *name) {
    const struct campaign *campaign = &run->campaign;
    const struct campaign_history *history = &campaign->history;
    if (is_same(history->action, name)) return PREPARE_TREATMENT;
    if (is_same(history->value_column, name) || is_listed(history->also, name))
        return PREPARE_LABEL;
    if (is_same(history->propensity, name)) return PREPARE_PROTECTED;
    if (is_same(campaign->customers.id, name) || is_same(campaign->customers.consent, name))
        return PREPARE_DROPPED;
    if (is_listed(campaign->customers.sensitive, name)) return PREPARE_SENSITIVE;
    if (is_same(campaign->limits.fairness_column, name)) return PREPARE_SENSITIVE;
    if (is_listed(campaign->customers.drop, name)) return PREPARE_DROPPED;
    return PREPARE_FEATURE;
}

/* A feature that the campaign lists must exist and have no other role. */
static kai_status check_listed(const struct run *run, kai_err *err) {
    struct option_list features = run->campaign.customers.features;
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < features.count; i++) {
        const struct column *column;
        const char *name = features.items[i];
        st = table_column(run->customers.table, name, &column, err);
        if (!st) st = table_column(run->history.table, name, &column, err);
        enum prepare_role role = named_role(run, name);
        if (!st && role != PREPARE_FEATURE)
            st = err_set(err, KAI_INVALID, "feature '%s' is %s already", name,
                         role == PREPARE_SENSITIVE ? "sensitive" : prepare_role_text(role));
    }
    return st;
}

static kai_status set_roles(struct run *run, kai_err *err) {
    const struct table *history = run->history.table, *customers = run->customers.table;
    struct option_list features = run->campaign.customers.features;
    run->roles = mem_zero((size_t)history->count, sizeof *run->roles);
    run->left_out =
        mem_zero((size_t)history->count + (size_t)customers->count, sizeof *run->left_out);
    if (!run->roles || !run->left_out) return err_memory(err, history->count);
    for (int32_t c = 0; c < history->count; c++) {
        const char *name = history->columns[c]->name;
        run->roles[c] = named_role(run, name);
        if (run->roles[c] != PREPARE_FEATURE) continue;
        if (features.count && !is_listed(features, name))
            run->roles[c] = PREPARE_DROPPED;
        else if (table_find(customers, name) < 0) {
            run->roles[c] = PREPARE_DROPPED;
            leave_out(run, name, "the customers' table lacks it");
        }
    }
    for (int32_t c = 0; !run->is_same_table && c < customers->count; c++)
        if (named_role(run, customers->columns[c]->name) == PREPARE_FEATURE &&
            table_find(history, customers->columns[c]->name) < 0)
            leave_out(run, customers->columns[c]->name, "the history lacks it");
    return check_listed(run, err);
}

/* Take what leaks_find found out of the features. */
static kai_status drop_leaks(struct run *run, const struct leak *leaks, int32_t count,
                             kai_err *err) {
    for (int32_t l = 0; l < count; l++) {
        if (!leaks[l].is_leak) continue;
        if (is_listed(run->campaign.customers.features, leaks[l].column)) {
            run_warn(
                run,
                "feature '%s' differs between the arms beyond chance (%s, p = %.3g): it may be "
                "an outcome; it stays because the campaign lists it",
                leaks[l].column, leaks[l].test, leaks[l].p_adjusted);
            continue;
        }
        run->roles[leaks[l].index] = PREPARE_DROPPED;
        leave_out(run, leaks[l].column,
                  "differs between the arms beyond chance: it may be an outcome");
        run_warn(
            run,
            "column '%s' is left out: it differs between the arms beyond chance (%s, p = %.3g) "
            "and may be an outcome; list it in 'features' to keep it",
            leaks[l].column, leaks[l].test, leaks[l].p_adjusted);
    }
    (void)err;
    return KAI_OK;
}

static kai_status find_leaks(struct run *run, kai_err *err) {
    if (strcmp(run->campaign.history.propensity, "uniform") != 0) return KAI_OK;
    const struct table *history = run->history.table;
    int32_t *columns = mem_array((size_t)history->count, sizeof *columns), count = 0;
    struct leak *leaks = mem_zero((size_t)history->count, sizeof *leaks);
    kai_status st = columns && leaks ? KAI_OK : err_memory(err, history->count);
    for (int32_t c = 0; !st && c < history->count; c++)
        if (run->roles[c] == PREPARE_FEATURE) columns[count++] = c;
    if (!st && count > 0)
        st = leaks_find(history, columns, count, run->row_arm, run->arms, 0, run->engine->pool,
                        leaks, err);
    if (!st && count > 0) st = drop_leaks(run, leaks, count, err);
    mem_free(columns);
    mem_free(leaks);
    return st;
}

static kai_status find_shift(struct run *run, kai_err *err) {
    if (run->is_same_table) return KAI_OK;
    const struct table *history = run->history.table;
    const char **names = mem_zero((size_t)history->count, sizeof *names);
    run->shifts = mem_zero((size_t)history->count, sizeof *run->shifts);
    kai_status st = names && run->shifts ? KAI_OK : err_memory(err, history->count);
    for (int32_t c = 0; !st && c < history->count; c++)
        if (run->roles[c] == PREPARE_FEATURE) names[run->shift_count++] = history->columns[c]->name;
    if (!st && run->shift_count)
        st = shift_find(history, run->customers.table, names, run->shift_count, 0,
                        run->engine->pool, run->shifts, err);
    for (int32_t s = 0; !st && s < run->shift_count; s++)
        if (run->shifts[s].size != SHIFT_NONE)
            run_warn(
                run,
                "column '%s' has shifted from history to customers (stability index %.2f, %s): "
                "effects may not carry over",
                run->shifts[s].column, run->shifts[s].psi, shift_size_text(run->shifts[s].size));
    mem_free(names);
    return st;
}

static kai_status make_matrices(struct run *run, kai_err *err) {
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_TREE, run->seed);
    options.onehot = 1;
    struct recipe_data data = {.table = run->history.table,
                               .clean = run->clean,
                               .row_ids = run->used,
                               .row_count = run->used_count,
                               .task = RECIPE_REGRESSION};
    kai_status st = recipe_fit_apply(&options, &data, run->engine->pool, &run->recipe,
                                     &run->history_matrix, NULL, err);
    if (!st && run->is_same_table)
        run->customer_matrix = run->history_matrix;
    else if (!st)
        st = recipe_apply(run->recipe, run->customers.table, NULL, run->customers.table->rows,
                          run->engine->pool, &run->customer_matrix, NULL, err);
    return st;
}

kai_status run_features(struct run *run, kai_err *err) {
    struct clean_options options;
    clean_options_init(&options);
    options.keep |= (uint32_t)CLEAN_KEEP_DUPLICATES;
    kai_status st = set_roles(run, err);
    if (!st) st = find_leaks(run, err);
    if (!st)
        st = clean_find(&options, run->history.table, run->roles, run->used, run->used_count, NULL,
                        run->engine->pool, &run->clean, err);
    if (!st) st = find_shift(run, err);
    return st ? st : make_matrices(run, err);
}
