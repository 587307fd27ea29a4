/* Rows, arms, outcomes, and the features that learners may see. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/lift.h"
#include "engine/reading.h"
#include "prepare/recipe.h"
#include "prepare/split.h"

enum { ARMS_MAX = 64 };

static int is_listed(kai_list list, const char *name) {
    for (int64_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i], name) == 0) return 1;
    return 0;
}

static kai_status check_named(const struct lift *lift, kai_list list, kai_err *err) {
    const struct column *column;
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < list.count; i++)
        st = table_column(lift->table, list.items[i], &column, err);
    return st;
}

static kai_status need(const char *value, const char *option, kai_err *err) {
    return value ? KAI_OK : err_set(err, KAI_INVALID, "option '--%s' is missing", option);
}

static int is_name(const char *a, const char *b) { return a && strcmp(a, b) == 0; }

static kai_status set_roles(struct lift *lift, kai_err *err) {
    const kai_evaluate_uplift_options *o = lift->options;
    lift->roles = mem_zero((size_t)lift->table->count, sizeof *lift->roles);
    if (!lift->roles) return err_memory(err, lift->table->count);
    kai_status st = check_named(lift, o->features, err);
    if (!st) st = check_named(lift, o->drop, err);
    for (int32_t c = 0; !st && c < lift->table->count; c++) {
        const char *name = lift->table->columns[c]->name;
        enum prepare_role role = PREPARE_FEATURE;
        if (is_name(o->arm, name)) role = PREPARE_TREATMENT;
        if (is_name(o->outcome, name)) role = PREPARE_LABEL;
        if (is_name(o->propensity, name)) role = PREPARE_PROTECTED;
        if (is_name(o->score, name) || is_listed(o->drop, name)) role = PREPARE_DROPPED;
        if (role == PREPARE_FEATURE && o->features.count && !is_listed(o->features, name))
            role = PREPARE_DROPPED;
        if (role != PREPARE_FEATURE && is_listed(o->features, name))
            return err_set(err, KAI_INVALID, "feature '%s' is %s already", name,
                           prepare_role_text(role));
        lift->roles[c] = role;
    }
    return st;
}

static int is_before(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The arm's name of a row, in the arena of the first that bears it. */
static kai_status name_arms(struct lift *lift, const struct column *column, kai_err *err) {
    const char *names[ARMS_MAX];
    struct buf text;
    buf_init(&text, 1 << 20);
    int32_t count = 0;
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < lift->table->rows; i++) {
        lift->row_arm[i] = -1;
        if (!column_is_valid(column, i)) continue;
        buf_reset(&text);
        st = column_print(column, i, &text, err);
        int32_t k = 0;
        while (!st && k < count && strcmp(names[k], text.data) != 0) k++;
        if (!st && k == ARMS_MAX)
            st = err_set(err, KAI_INVALID, "column '%s' has more than %d values: is it the arm?",
                         column->name, ARMS_MAX);
        if (!st && k == count) {
            names[count] = arena_string(&lift->arena, text.data);
            if (!names[count++]) st = err_memory(err, (int64_t)text.size);
        }
        lift->row_arm[i] = k;
    }
    buf_release(&text);
    if (st) return st;
    lift->arm_names = arena_alloc(&lift->arena, ARMS_MAX, sizeof *lift->arm_names);
    if (!lift->arm_names) return err_memory(err, ARMS_MAX * 8);
    int32_t place[ARMS_MAX], control = -1, offers = 0;
    for (int32_t k = 0; k < count; k++) {
        if (strcmp(names[k], lift->options->control) == 0)
            control = k;
        else
            lift->arm_names[1 + offers++] = names[k];
    }
    if (control < 0)
        return err_set(err, KAI_NOT_FOUND, "no row of column '%s' has the control '%s'",
                       column->name, lift->options->control);
    if (offers < 1)
        return err_set(err, KAI_INVALID, "column '%s' knows no arm beside the control",
                       column->name);
    qsort(lift->arm_names + 1, (size_t)offers, sizeof *lift->arm_names, is_before);
    lift->arm_names[0] = names[control];
    lift->arms = offers + 1;
    lift->offers = offers;
    for (int32_t k = 0; k < count; k++)
        for (int32_t a = 0; a < lift->arms; a++)
            if (lift->arm_names[a] == names[k]) place[k] = a;
    for (int64_t i = 0; i < lift->table->rows; i++)
        if (lift->row_arm[i] >= 0) lift->row_arm[i] = place[lift->row_arm[i]];
    return KAI_OK;
}

/* The values of a column of numbers; NaN where missing. */
static kai_status numbers_of(const struct lift *lift, const char *name, double *ret, kai_err *err) {
    const struct column *column;
    kai_status st = table_column(lift->table, name, &column, err);
    if (st) return st;
    if (column->kind != COLUMN_F64 && column->kind != COLUMN_I64 && column->kind != COLUMN_BOOL)
        return err_set(err, KAI_INVALID, "column '%s' is %s, expected numbers or flags", name,
                       column_kind_text(column->kind));
    for (int64_t i = 0; i < lift->table->rows; i++)
        ret[i] = column_is_valid(column, i) ? column_f64(column, i) : NAN;
    return KAI_OK;
}

static kai_status read_rows(struct lift *lift, kai_err *err) {
    const kai_evaluate_uplift_options *o = lift->options;
    size_t rows = (size_t)lift->table->rows;
    const struct column *column;
    lift->row_arm = mem_array(rows, sizeof *lift->row_arm);
    lift->row_outcome = mem_array(rows, sizeof *lift->row_outcome);
    lift->used = mem_array(rows, sizeof *lift->used);
    lift->row_propensity = o->propensity ? mem_array(rows, sizeof(double)) : NULL;
    if (!lift->row_arm || !lift->row_outcome || !lift->used ||
        (o->propensity && !lift->row_propensity))
        return err_memory(err, (int64_t)rows * 28);
    kai_status st = table_column(lift->table, o->arm, &column, err);
    if (!st) st = name_arms(lift, column, err);
    if (!st) st = numbers_of(lift, o->outcome, lift->row_outcome, err);
    if (!st && o->propensity) st = numbers_of(lift, o->propensity, lift->row_propensity, err);
    for (int64_t i = 0; !st && i < lift->table->rows; i++) {
        if (lift->row_arm[i] < 0 || isnan(lift->row_outcome[i])) continue;
        double p = o->propensity ? lift->row_propensity[i] : 1;
        if (!(p > 0 && p <= 1))
            return err_set(err, KAI_INVALID,
                           "column '%s', row %lld: a propensity of %g, expected above 0, at most 1",
                           o->propensity, (long long)i + 1, p);
        lift->used[lift->used_count++] = i;
    }
    if (!st && lift->used_count < 100)
        st = err_set(err, KAI_INVALID, "%lld rows have an arm and an outcome, 100 are needed",
                     (long long)lift->used_count);
    return st;
}

static kai_status gather(struct lift *lift, kai_err *err) {
    size_t used = (size_t)lift->used_count;
    lift->arm = mem_array(used, sizeof *lift->arm);
    lift->outcome = mem_array(used, sizeof *lift->outcome);
    lift->propensity = lift->row_propensity ? mem_array(used, sizeof(double)) : NULL;
    if (!lift->arm || !lift->outcome || (lift->row_propensity && !lift->propensity))
        return err_memory(err, (int64_t)used * 20);
    for (int64_t u = 0; u < lift->used_count; u++) {
        lift->arm[u] = lift->row_arm[lift->used[u]];
        lift->outcome[u] = lift->row_outcome[lift->used[u]];
        if (lift->propensity) lift->propensity[u] = lift->row_propensity[lift->used[u]];
    }
    return KAI_OK;
}

/* Columns that the treatment may have written are no features, unless they are listed. */
static kai_status find_leaks(struct lift *lift, kai_err *err) {
    if (lift->options->propensity) return KAI_OK;
    size_t columns = (size_t)lift->table->count;
    int32_t *index = mem_array(columns, sizeof *index), count = 0;
    lift->leaks = mem_zero(columns, sizeof *lift->leaks);
    kai_status st = index && lift->leaks ? KAI_OK : err_memory(err, lift->table->count);
    for (int32_t c = 0; !st && c < lift->table->count; c++)
        if (lift->roles[c] == PREPARE_FEATURE) index[count++] = c;
    if (!st && count)
        st = leaks_find(lift->table, index, count, lift->row_arm, lift->arms, 0, lift->engine->pool,
                        lift->leaks, err);
    for (int32_t l = 0; !st && l < count; l++)
        if (lift->leaks[l].is_leak && !is_listed(lift->options->features, lift->leaks[l].column))
            lift->roles[lift->leaks[l].index] = PREPARE_DROPPED;
    lift->leak_count = st ? 0 : count;
    mem_free(index);
    return st;
}

static kai_status make_matrix(struct lift *lift, kai_err *err) {
    struct clean_options clean;
    struct recipe_options options;
    struct recipe *recipe = NULL;
    clean_options_init(&clean);
    clean.keep = CLEAN_KEEP_DUPLICATES;
    recipe_options_init(&options, RECIPE_TREE, (uint64_t)lift->options->common.seed);
    options.onehot = 1;
    kai_status st = clean_find(&clean, lift->table, lift->roles, lift->used, lift->used_count, NULL,
                               lift->engine->pool, &lift->clean, err);
    struct recipe_data data = {.table = lift->table,
                               .clean = lift->clean,
                               .row_ids = lift->used,
                               .row_count = lift->used_count,
                               .task = RECIPE_REGRESSION};
    if (!st) st = recipe_fit(&options, &data, lift->engine->pool, &recipe, err);
    if (!st)
        st = recipe_apply(recipe, lift->table, NULL, lift->table->rows, lift->engine->pool,
                          &lift->matrix, NULL, err);
    recipe_free(recipe);
    return st;
}

static kai_status draw_folds(struct lift *lift, kai_err *err) {
    lift->fold = mem_array((size_t)lift->table->rows, sizeof *lift->fold);
    if (!lift->fold) return err_memory(err, lift->table->rows * 4);
    for (int64_t i = 0; i < lift->table->rows; i++) lift->fold[i] = -1;
    struct split_data data = {
        .row_ids = lift->used, .row_count = lift->used_count, .strata = lift->row_arm};
    return split_folds((uint64_t)lift->options->common.seed, (int32_t)lift->options->folds, &data,
                       lift->table->rows, lift->fold, err);
}

/* The score column as the only learner: the same ranking for every offer. */
static kai_status take_score(struct lift *lift, kai_err *err) {
    double *values = mem_array((size_t)lift->table->rows, sizeof *values);
    lift->effect[0] = mem_array((size_t)(lift->used_count * lift->offers), sizeof(double));
    kai_status st = values && lift->effect[0] ? numbers_of(lift, lift->options->score, values, err)
                                              : err_memory(err, lift->table->rows * 8);
    for (int64_t u = 0; !st && u < lift->used_count; u++) {
        if (!isfinite(values[lift->used[u]]))
            st = err_set(err, KAI_INVALID, "column '%s', row %lld: the score is missing",
                         lift->options->score, (long long)lift->used[u] + 1);
        for (int32_t j = 0; j < lift->offers; j++)
            lift->effect[0][u * lift->offers + j] = values[lift->used[u]];
    }
    lift->learners[0] = LIFT_SCORE;
    lift->learner_count = 1;
    mem_free(values);
    return st;
}

kai_status lift_load(struct lift *lift, kai_err *err) {
    const kai_evaluate_uplift_options *o = lift->options;
    kai_status st = need(o->arm, "arm", err);
    if (!st) st = need(o->control, "control", err);
    if (!st) st = need(o->outcome, "outcome", err);
    timing_enter(&lift->timing, "read");
    if (!st)
        st = reading_table(lift->engine, o->arguments.items[0], &o->table, &lift->table,
                           &lift->report, err);
    timing_enter(&lift->timing, "prepare");
    if (!st) st = set_roles(lift, err);
    if (!st) st = read_rows(lift, err);
    if (!st) st = gather(lift, err);
    if (!st && o->score) return take_score(lift, err);
    if (!st) st = find_leaks(lift, err);
    if (!st) st = make_matrix(lift, err);
    if (!st) st = draw_folds(lift, err);
    return st;
}
