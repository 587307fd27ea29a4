/* kairos allocate: who gets what, from a table of pairs and a file of limits.
 *
 * An offer that goes by several channels is one offer of the solver for each of them: a variant. A
 * customer has at most one variant of an offer. Costs may differ by pair. */
#include <kairos/decision.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/dict.h"
#include "base/file.h"
#include "collect/csv_write.h"
#include "engine/campaign.h"
#include "engine/engine.h"
#include "engine/problem.h"
#include "engine/reading.h"
#include "evaluate/fairness.h"

struct allocate_keys {
    uint32_t struct_size;
    const char *values;
    const char *goal;
};

static const struct kai_option KEYS[] = {
    {.name = "values",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct allocate_keys, values),
     .value = "FILE",
     .help = "table of pairs: customer, offer, value, cost, channel"},
    {.name = "goal",
     .kind = OPTION_CHOICE,
     .offset = offsetof(struct allocate_keys, goal),
     .fallback = "profit",
     .choices = "profit|value",
     .help = "value less cost, or value"},
};
static const struct kai_option_table TABLE = {
    .name = "problem file", .options = KEYS, .count = (int32_t)(sizeof KEYS / sizeof *KEYS)};

struct allocate {
    kai_engine *engine;
    const kai_allocate_options *options;
    struct timing timing;
    struct campaign campaign; /* arena, offers (variants), limits */
    struct yaml_tree *tree;   /* owned */
    struct allocate_keys keys;
    struct table *table; /* owned */
    struct collect_report report;
    const struct column *customer, *offer, *value, *cost, *channel;
    struct dict customers, offers, variants;
    int32_t *row_customer, *row_offer, *row_variant; /* owned; (table rows) */
    double *objective;                               /* owned; (customers, variants) */
    int64_t *pair_row;                               /* owned; (customers, variants) */
    double *pair_cost;                               /* owned; (customers, variants) */
    int costs_differ;                                /* within a variant */
    struct fairness_groups *groups;                  /* owned */
    int32_t *group;                                  /* owned; (customers) */
    struct problem problem;
    struct decide_plan *plan; /* owned */
    int64_t assigned;
};

static kai_status read_problem(struct allocate *job, kai_err *err) {
    const char *path = job->options->arguments.items[0];
    struct arena *arena = &job->campaign.arena;
    kai_status st = yaml_load(path, &job->tree, err);
    if (!st) st = options_init(&TABLE, &job->keys, arena, err);
    if (!st)
        st = options_from_yaml(&TABLE, job->tree, yaml_root(job->tree), "limits", &job->keys, arena,
                               err);
    if (!st && !job->keys.values)
        st = yaml_error(job->tree, yaml_root(job->tree), err, "the key 'values' is missing");
    struct buf values;
    kai_table_options reading = {0};
    buf_init(&values, 1 << 16);
    if (!st) st = file_join(&values, path, job->keys.values, err);
    if (!st) st = reading_table(job->engine, values.data, &reading, &job->table, &job->report, err);
    buf_release(&values);
    return st;
}

static kai_status check_numbers(const struct allocate *job, const struct column *column,
                                kai_err *err) {
    if (column->kind == COLUMN_F64 || column->kind == COLUMN_I64 || column->kind == COLUMN_BOOL)
        return KAI_OK;
    return err_set(err, KAI_INVALID, "'%s': column '%s' is %s, expected numbers", job->table->name,
                   column->name, column_kind_text(column->kind));
}

static kai_status find_columns(struct allocate *job, kai_err *err) {
    kai_status st = table_column(job->table, "customer", &job->customer, err);
    if (!st) st = table_column(job->table, "offer", &job->offer, err);
    if (!st) st = table_column(job->table, "value", &job->value, err);
    int32_t cost = table_find(job->table, "cost"), channel = table_find(job->table, "channel");
    if (cost >= 0) job->cost = job->table->columns[cost];
    if (channel >= 0) job->channel = job->table->columns[channel];
    if (!st) st = check_numbers(job, job->value, err);
    return st || !job->cost ? st : check_numbers(job, job->cost, err);
}

static kai_status refuse(const struct allocate *job, int64_t row, kai_err *err, const char *what) {
    return err_set(err, KAI_INVALID, "'%s', row %lld: %s", job->table->name, (long long)row + 1,
                   what);
}

/* The codes of one row: customer, offer, variant. */
static kai_status code_row(struct allocate *job, int64_t row, struct buf *text, kai_err *err) {
    double value = column_f64(job->value, row), cost = job->cost ? column_f64(job->cost, row) : 0;
    if (!column_is_valid(job->customer, row)) return refuse(job, row, err, "no customer");
    if (!column_is_valid(job->offer, row)) return refuse(job, row, err, "no offer");
    if (!isfinite(value)) return refuse(job, row, err, "the value is no number");
    if (!(cost >= 0) || !isfinite(cost))
        return refuse(job, row, err, "the cost is no number, 0 or more");
    buf_reset(text);
    kai_status st = column_print(job->customer, row, text, err);
    if (!st)
        st = dict_add(&job->customers, (struct slice){text->data, text->size},
                      &job->row_customer[row], err);
    buf_reset(text);
    if (!st) st = column_print(job->offer, row, text, err);
    if (!st)
        st = dict_add(&job->offers, (struct slice){text->data, text->size}, &job->row_offer[row],
                      err);
    buf_reset(text);
    if (!st && job->channel) st = column_print(job->channel, row, text, err);
    if (!st) st = buf_printf(text, err, "\n%d", job->row_offer[row]);
    if (!st)
        st = dict_add(&job->variants, (struct slice){text->data, text->size},
                      &job->row_variant[row], err);
    return st;
}

static kai_status code_rows(struct allocate *job, kai_err *err) {
    size_t rows = (size_t)job->table->rows;
    struct buf text;
    buf_init(&text, 1 << 20);
    job->row_customer = mem_array(rows, sizeof *job->row_customer);
    job->row_offer = mem_array(rows, sizeof *job->row_offer);
    job->row_variant = mem_array(rows, sizeof *job->row_variant);
    kai_status st = job->row_customer && job->row_offer && job->row_variant
                        ? KAI_OK
                        : err_memory(err, (int64_t)rows * 12);
    for (int64_t row = 0; !st && row < job->table->rows; row++) st = code_row(job, row, &text, err);
    buf_release(&text);
    if (!st && job->variants.count > CAPS_OFFERS)
        st = err_set(err, KAI_LIMIT, "%lld offers, at most %d", (long long)job->variants.count,
                     CAPS_OFFERS);
    return st;
}

/* Variants as the offers of a campaign, in the order in which they first stand. */
static kai_status make_offers(struct allocate *job, kai_err *err) {
    struct campaign *campaign = &job->campaign;
    size_t variants = (size_t)job->variants.count;
    struct buf text;
    buf_init(&text, 1 << 20);
    campaign->offers = arena_alloc(&campaign->arena, variants, sizeof *campaign->offers);
    kai_status st = campaign->offers ? KAI_OK : err_memory(err, (int64_t)variants);
    for (int64_t row = 0; !st && row < job->table->rows; row++) {
        int32_t variant = job->row_variant[row];
        if (variant < campaign->offer_count) continue;
        struct campaign_offer *offer = &campaign->offers[campaign->offer_count++];
        buf_reset(&text);
        st = column_print(job->offer, row, &text, err);
        offer->name = st ? NULL : arena_string(&campaign->arena, text.data);
        buf_reset(&text);
        if (!st && job->channel) st = column_print(job->channel, row, &text, err);
        offer->channel = st ? NULL : arena_string(&campaign->arena, text.size ? text.data : "");
        offer->cost = job->cost ? column_f64(job->cost, row) : 0;
        if (!st && (!offer->name || !offer->channel)) st = err_memory(err, (int64_t)text.size);
    }
    buf_release(&text);
    return st;
}

static kai_status fill_objective(struct allocate *job, kai_err *err) {
    int64_t variants = job->variants.count, cells = job->customers.count * variants;
    int is_profit = strcmp(job->keys.goal, "profit") == 0;
    size_t pairs = (size_t)job->customers.count * (size_t)job->offers.count;
    if (cells > (int64_t)(CAPS_BUF_BYTES / 16))
        return err_set(err, KAI_LIMIT, "%lld customers x %lld variants of offers do not fit",
                       (long long)job->customers.count, (long long)variants);
    job->objective = mem_array((size_t)cells, sizeof *job->objective);
    job->pair_row = mem_array((size_t)cells, sizeof *job->pair_row);
    job->pair_cost = mem_zero((size_t)cells, sizeof *job->pair_cost);
    uint8_t *is_seen = mem_zero(pairs, 1);
    kai_status st = job->objective && job->pair_row && job->pair_cost && is_seen
                        ? KAI_OK
                        : err_memory(err, cells * 24);
    for (int64_t i = 0; !st && i < cells; i++) job->objective[i] = NAN;
    for (int64_t row = 0; !st && row < job->table->rows; row++) {
        int64_t pair = (int64_t)job->row_customer[row] * job->offers.count + job->row_offer[row];
        int64_t cell = (int64_t)job->row_customer[row] * variants + job->row_variant[row];
        double cost = job->cost ? column_f64(job->cost, row) : 0;
        if (is_seen[pair]) st = refuse(job, row, err, "this customer has this offer already");
        is_seen[pair] = 1;
        job->objective[cell] = column_f64(job->value, row) - (is_profit ? cost : 0);
        job->pair_row[cell] = row;
        job->pair_cost[cell] = cost;
        job->costs_differ |= cost != job->campaign.offers[job->row_variant[row]].cost;
    }
    mem_free(is_seen);
    return st;
}

/* The group of a customer is that of his first row; a customer in two groups is an error. */
static kai_status read_groups(struct allocate *job, kai_err *err) {
    const char *name = job->campaign.limits.fairness_column;
    const struct column *column;
    if (!name) return KAI_OK;
    int32_t *row_group = mem_array((size_t)job->table->rows, sizeof *row_group);
    job->group = mem_array((size_t)job->customers.count, sizeof *job->group);
    kai_status st = row_group && job->group ? table_column(job->table, name, &column, err)
                                            : err_memory(err, job->table->rows * 4);
    if (!st) st = fairness_groups_new(column, &job->groups, err);
    if (!st) st = fairness_groups_apply(job->groups, column, row_group, err);
    for (int64_t i = 0; !st && i < job->customers.count; i++) job->group[i] = -2;
    for (int64_t row = 0; !st && row < job->table->rows; row++) {
        int32_t *group = &job->group[job->row_customer[row]];
        if (*group != -2 && *group != row_group[row])
            st = refuse(job, row, err, "the customer stands in two fairness groups");
        *group = row_group[row];
    }
    mem_free(row_group);
    return st;
}

static kai_status solve(struct allocate *job, kai_err *err) {
    kai_status st =
        problem_new(&job->campaign, job->customers.count, job->objective, &job->problem, err);
    if (st) return st;
    struct decide_problem *problem = &job->problem.decide;
    if (problem->per_customer > job->offers.count) /* at most one variant of an offer each */
        problem->per_customer = (int32_t)job->offers.count;
    if (job->group) {
        problem->group = job->group;
        problem->groups = job->groups->count;
        problem->max_gap = job->campaign.limits.max_gap;
    }
    if (job->costs_differ && job->problem.budget_index >= 0)
        job->problem.limits[job->problem.budget_index].pair = job->pair_cost;
    st = decide_solve(problem, job->engine->pool, &job->engine->progress, &job->plan, err);
    int64_t slots = st ? 0 : job->plan->rows * job->plan->per_customer;
    for (int64_t s = 0; s < slots; s++) job->assigned += job->plan->chosen[s] >= 0;
    return st;
}

static kai_status write_rows(const struct allocate *job, struct csv_writer *csv, kai_err *err) {
    int32_t width = job->plan->per_customer;
    static const char *const HEADER[] = {"customer", "offer", "value", "cost"};
    for (size_t i = 0; i < 4; i++) csv_write_string(csv, HEADER[i]);
    kai_status st = csv_write_row(csv, err);
    for (int64_t i = 0; !st && i < job->plan->rows; i++)
        for (int32_t slot = 0; !st && slot < width; slot++) {
            int32_t variant = job->plan->chosen[i * width + slot];
            if (variant < 0) continue;
            int64_t row = job->pair_row[i * job->variants.count + variant];
            csv_write_value(csv, job->customer, row);
            csv_write_value(csv, job->offer, row);
            csv_write_value(csv, job->value, row);
            csv_write_f64(csv, job->pair_cost[i * job->variants.count + variant]);
            st = csv_write_row(csv, err);
        }
    return st;
}

static kai_status write_assignment(const struct allocate *job, kai_err *err) {
    struct csv_writer *csv = NULL;
    if (!job->options->out) return KAI_OK;
    kai_status st = csv_write_open(job->options->out, &csv, err);
    if (!st) st = write_rows(job, csv, err);
    if (!st) return csv_write_close(csv, err);
    csv_write_abandon(csv);
    return st;
}

static kai_status describe(struct allocate *job, struct buf *out, kai_err *err) {
    const struct decide_plan *plan = job->plan;
    struct json_writer json;
    json_init(&json, out, 1);
    json_object(&json);
    json_key_text(&json, "problem", job->options->arguments.items[0]);
    json_key_text(&json, "goal", job->keys.goal);
    json_key_i64(&json, "customers", job->customers.count);
    json_key_i64(&json, "offers", job->offers.count);
    json_key_i64(&json, "pairs", job->table->rows);
    json_key_i64(&json, "assigned", job->assigned);
    json_key_f64(&json, "value", plan->value);
    json_key_f64(&json, "bound", plan->bound);
    json_key_f64(&json, "gap", plan->gap);
    json_key_f64(&json, "violation", plan->violation);
    json_key_i64(&json, "iterations", plan->iterations);
    json_key(&json, "limits");
    json_array(&json);
    for (int32_t k = 0; k < plan->limit_count; k++) {
        json_object(&json);
        json_key_text(&json, "name", plan->limits[k].name);
        json_key_f64(&json, "used", plan->limits[k].used);
        json_key_f64(&json, "limit", plan->limits[k].limit);
        json_key_f64(&json, "shadow_price", plan->limits[k].shadow_price);
        json_end(&json);
    }
    json_end(&json);
    json_key_text(&json, "out", job->options->out);
    reading_describe(&json, "read", &job->report);
    timing_describe(&job->timing, &json);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status print(const struct allocate *job, struct buf *out, kai_err *err) {
    const struct decide_plan *plan = job->plan;
    kai_status st = buf_printf(out, err,
                               "%lld customers, %lld offers, %lld pairs: %lld assigned\n"
                               "%s %.6g (at most %.6g is possible, gap %.4f %%)\n",
                               (long long)job->customers.count, (long long)job->offers.count,
                               (long long)job->table->rows, (long long)job->assigned,
                               job->keys.goal, plan->value, plan->bound, 100 * plan->gap);
    for (int32_t k = 0; !st && k < plan->limit_count; k++)
        st = buf_printf(out, err, "limit %s: %.6g of %.6g used; one more earns %.4g\n",
                        plan->limits[k].name, plan->limits[k].used, plan->limits[k].limit,
                        plan->limits[k].shadow_price);
    if (!st && job->options->out) st = buf_printf(out, err, "assignment: %s\n", job->options->out);
    return st;
}

static void release(struct allocate *job) {
    decide_plan_free(job->plan);
    problem_release(&job->problem);
    fairness_groups_free(job->groups);
    void *const owned[] = {job->row_customer, job->row_offer, job->row_variant, job->objective,
                           job->pair_row,     job->pair_cost, job->group};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) mem_free(owned[i]);
    dict_release(&job->customers);
    dict_release(&job->offers);
    dict_release(&job->variants);
    table_free(job->table);
    collect_report_release(&job->report);
    yaml_free(job->tree);
    campaign_release(&job->campaign);
}

int32_t kai_engine_allocate(kai_engine *engine, const kai_allocate_options *options,
                            kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct allocate job = {.engine = engine, .options = options};
    struct buf out;
    arena_init(&job.campaign.arena);
    dict_init(&job.customers);
    dict_init(&job.offers);
    dict_init(&job.variants);
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    job.keys.struct_size = sizeof job.keys;
    timing_start(&job.timing);
    timing_enter(&job.timing, "read");
    st = read_problem(&job, err);
    if (!st) st = find_columns(&job, err);
    if (!st) st = code_rows(&job, err);
    if (!st) st = make_offers(&job, err);
    if (!st) st = campaign_read_limits(&job.campaign, job.tree, err);
    if (!st) st = fill_objective(&job, err);
    if (!st) st = read_groups(&job, err);
    timing_enter(&job.timing, "solve");
    if (!st) st = solve(&job, err);
    timing_enter(&job.timing, "write");
    if (!st) st = write_assignment(&job, err);
    if (!st) st = ret_json ? describe(&job, &out, err) : print(&job, &out, err);
    if (!st) result_give(&out, ret_json ? ret_json : ret_text);
    buf_release(&out);
    release(&job);
    return st;
}
