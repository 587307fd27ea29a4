/* plan.csv and receipts.jsonl.gz: formatted in blocks by the pool, written in order. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "collect/csv_write.h"
#include "engine/run.h"

enum { BLOCK_ROWS = 2048, BLOCKS_AT_ONCE = 64 };

struct block_job {
    const struct run *run;
    int64_t first_block;
    int is_receipts;
    struct buf texts[BLOCKS_AT_ONCE];
};

/* The probability of a customer's row: the hold-out is drawn, the rest is fixed. */
static double row_propensity(const struct run *run, int64_t customer) {
    if (!run->has_consent[customer]) return 1;
    double share = run->eligible + run->held_out
                       ? (double)run->held_out / (double)(run->eligible + run->held_out)
                       : 0;
    return run->is_held_out[customer] ? share : 1 - share;
}

/* Money that the offer is expected to add, before its cost. */
static double value_of(const struct run *run, int64_t customer, int32_t offer) {
    return run->objective[customer * run->offers + offer] + run->cost[offer];
}

static void put_number(struct csv_writer *csv, double value) {
    char text[40];
    int n = snprintf(text, sizeof text, "%.9g", value == 0 ? 0.0 : value);
    csv_write_text(csv, (struct slice){text, n < 0 ? 0 : (size_t)n});
}

static kai_status write_plan_row(const struct run *run, int64_t customer, int32_t offer,
                                 struct buf *scratch, struct csv_writer *csv, kai_err *err) {
    kai_status st = run_customer_name(run, customer, scratch, err);
    if (st) return st;
    csv_write_text(csv, (struct slice){scratch->data, scratch->size});
    if (offer >= 0) {
        csv_write_string(csv, run->campaign.offers[offer].name);
        csv_write_string(csv, run->campaign.offers[offer].channel);
        put_number(csv, value_of(run, customer, offer));
        put_number(csv, run->customer_effect[customer * run->offers + offer]);
        put_number(csv, run_offer_cost(run, offer));
    } else {
        csv_write_missing(csv);
        csv_write_missing(csv);
        csv_write_i64(csv, 0);
        csv_write_i64(csv, 0);
        csv_write_i64(csv, 0);
    }
    put_number(csv, row_propensity(run, customer));
    for (int r = 0; r < RUN_REASONS; r++) {
        const char *reason = offer >= 0 ? run->reasons[customer * RUN_REASONS + r] : NULL;
        if (reason)
            csv_write_string(csv, reason);
        else
            csv_write_missing(csv);
    }
    csv_write_i64(csv, run->is_held_out[customer]);
    return csv_write_row(csv, err);
}

static kai_status write_plan_customer(const struct run *run, int64_t customer, struct buf *scratch,
                                      struct csv_writer *csv, kai_err *err) {
    const int32_t *chosen = run->plan->chosen + customer * run->plan->per_customer;
    if (chosen[0] < 0) return write_plan_row(run, customer, -1, scratch, csv, err);
    kai_status st = KAI_OK;
    for (int32_t slot = 0; !st && slot < run->plan->per_customer && chosen[slot] >= 0; slot++)
        st = write_plan_row(run, customer, chosen[slot], scratch, csv, err);
    return st;
}

static const char *because_of(const struct run *run, int64_t customer) {
    if (!run->has_consent[customer]) return "no consent";
    if (run->is_held_out[customer]) return "held out, to prove the effect";
    if (run->plan->chosen[customer * run->plan->per_customer] < 0)
        return "no offer is worth its cost and the prices of the limits";
    return "the offer is worth more than its cost and the prices of the limits";
}

static void describe_candidates(const struct run *run, int64_t customer, struct json_writer *json) {
    int32_t group = run->fair_group ? run->fair_group[customer] : -1;
    double group_price = group >= 0 && run->plan->group_price ? run->plan->group_price[group] : 0;
    json_key(json, "candidates");
    json_array(json);
    for (int32_t j = 0; j < run->offers; j++) {
        double objective = run->objective[customer * run->offers + j];
        double price = run->plan->price[j] + group_price;
        json_object(json);
        json_key_text(json, "offer", run->campaign.offers[j].name);
        json_key_f64(json, "effect", run->customer_effect[customer * run->offers + j]);
        json_key_f64(json, "factor",
                     run->factors.values ? market_factor(&run->factors, customer, j) : 1);
        json_key_f64(json, "value", objective + run->cost[j]);
        json_key_f64(json, "cost", run_offer_cost(run, j));
        json_key_f64(json, "price", price);
        json_key_f64(json, "net", objective - price);
        json_end(json);
    }
    json_end(json);
}

static kai_status write_receipt(const struct run *run, int64_t customer, struct buf *scratch,
                                struct buf *out, kai_err *err) {
    const int32_t *chosen = run->plan->chosen + customer * run->plan->per_customer;
    char hash[17];
    struct json_writer json;
    kai_status st = run_customer_name(run, customer, scratch, err);
    if (st) return st;
    (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)run->model_hash); /* fits */
    json_init(&json, out, 0);
    json_object(&json);
    json_key_text(&json, "customer", scratch->data);
    json_key_text(&json, "offer", chosen[0] >= 0 ? run->campaign.offers[chosen[0]].name : NULL);
    if (run->plan->per_customer > 1) {
        json_key(&json, "offers");
        json_array(&json);
        for (int32_t slot = 0; slot < run->plan->per_customer && chosen[slot] >= 0; slot++)
            json_text(&json, run->campaign.offers[chosen[slot]].name);
        json_end(&json);
    }
    json_key_text(&json, "because", because_of(run, customer));
    json_key_bool(&json, "hold_out", run->is_held_out[customer]);
    json_key_f64(&json, "propensity", row_propensity(run, customer));
    json_key_text(&json, "model", hash);
    json_key_i64(&json, "seed", (int64_t)run->seed);
    describe_candidates(run, customer, &json);
    json_key(&json, "reasons");
    json_array(&json);
    for (int r = 0; r < RUN_REASONS && run->reasons[customer * RUN_REASONS + r]; r++)
        json_text(&json, run->reasons[customer * RUN_REASONS + r]);
    json_end(&json);
    json_end(&json);
    st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status format_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct block_job *job = user;
    const struct run *run = job->run;
    struct buf *text = &job->texts[item], scratch;
    struct csv_writer *csv = NULL;
    int64_t first = (job->first_block + item) * BLOCK_ROWS, last = first + BLOCK_ROWS;
    if (last > run->customers.table->rows) last = run->customers.table->rows;
    buf_init(&scratch, 1 << 20);
    buf_reset(text);
    kai_status st = job->is_receipts ? KAI_OK : csv_write_new(text, &csv, err);
    for (int64_t i = first; !st && i < last; i++)
        st = job->is_receipts ? write_receipt(run, i, &scratch, text, err)
                              : write_plan_customer(run, i, &scratch, csv, err);
    if (!st && csv) {
        st = csv_write_close(csv, err);
        csv = NULL;
    }
    csv_write_abandon(csv);
    buf_release(&scratch);
    return st;
}

static kai_status write_blocks(const struct run *run, struct file_writer *file, int is_receipts,
                               kai_err *err) {
    struct block_job *job = mem_zero(1, sizeof *job);
    if (!job) return err_memory(err, sizeof *job);
    job->run = run;
    job->is_receipts = is_receipts;
    for (int b = 0; b < BLOCKS_AT_ONCE; b++) buf_init(&job->texts[b], (size_t)1 << 30);
    int64_t blocks = (run->customers.table->rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    kai_status st = KAI_OK;
    for (; !st && job->first_block < blocks; job->first_block += BLOCKS_AT_ONCE) {
        int64_t count = blocks - job->first_block;
        if (count > BLOCKS_AT_ONCE) count = BLOCKS_AT_ONCE;
        st = pool_run_telling(run->engine->pool, count, format_block, job, &run->engine->progress,
                              "write", err);
        for (int64_t b = 0; !st && b < count; b++)
            st = file_write(file, job->texts[b].data, job->texts[b].size, err);
    }
    for (int b = 0; b < BLOCKS_AT_ONCE; b++) buf_release(&job->texts[b]);
    mem_free(job);
    return st;
}

static kai_status write_one(struct run *run, const char *dir, const char *name, const char *header,
                            int is_receipts, kai_err *err) {
    struct file_writer *file = NULL;
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/%s", dir, name);
    if (!st) st = file_create(path.data, &file, err);
    if (!st) st = file_write(file, header, strlen(header), err);
    if (!st) st = write_blocks(run, file, is_receipts, err);
    if (!st)
        st = file_commit(file, err);
    else
        file_abandon(file);
    buf_release(&path);
    return st;
}

kai_status run_write(struct run *run, const char *dir, kai_err *err) {
    static const char HEADER[] =
        "customer,offer,channel,expected_value,uplift,cost,propensity,reason_1,reason_2,reason_3,"
        "hold_out\n";
    kai_status st = write_one(run, dir, "plan.csv", HEADER, 0, err);
    timing_enter(&run->timing, "receipts");
    return st ? st : write_one(run, dir, "receipts.jsonl.gz", "", 1, err);
}
