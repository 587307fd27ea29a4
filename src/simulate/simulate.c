/* Streams a campaign to disk: waves of blocks are drawn and printed in parallel, then written in
 * order. */
#include "simulate/simulate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/caps.h"
#include "base/file.h"
#include "base/json.h"
#include "simulate/simulate_print.h"
#include "simulate/simulate_process.h"

enum {
    BLOCK_ROWS = 1024,
    WAVE_BLOCKS = 32,
    ROW_BYTES_MAX = 512,  /* of customers.csv: 22 short fields */
    TRUTH_CELL_BYTES = 24 /* one fixed-point number and its comma */
};

static const char *const NOISES[] = {"easy", "medium", "hard"};
static const char *const PROPENSITIES[] = {"uniform", "features"};
static const char *const OUTCOMES[] = {"spend", "gaussian"};

void simulate_options_init(struct simulate_options *options) {
    memset(options, 0, sizeof *options);
    options->customers = 100000;
    options->offers = 3;
    options->seed = 42;
}

static int parse_name(const char *text, const char *const *names, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0) return i;
    return -1;
}

int simulate_parse_noise(const char *text, enum simulate_noise *ret_noise) {
    int i = parse_name(text, NOISES, SIMULATE_NOISES);
    if (i >= 0) *ret_noise = (enum simulate_noise)i;
    return i >= 0;
}

int simulate_parse_propensity(const char *text, enum simulate_propensity *ret_propensity) {
    int i = parse_name(text, PROPENSITIES, SIMULATE_PROPENSITIES);
    if (i >= 0) *ret_propensity = (enum simulate_propensity)i;
    return i >= 0;
}

int simulate_parse_outcome(const char *text, enum simulate_outcome *ret_outcome) {
    int i = parse_name(text, OUTCOMES, SIMULATE_OUTCOMES);
    if (i >= 0) *ret_outcome = (enum simulate_outcome)i;
    return i >= 0;
}

/* Sums over rows, added block by block in index order. */
struct tally {
    double noise_variance;
    struct {
        double customers, outcome, mu, effect, effect2, harmed;
    } arm[SIMULATE_ARMS_MAX];
};

struct block {
    char *customers; /* owned; BLOCK_ROWS x ROW_BYTES_MAX */
    char *truth;     /* owned */
    size_t customers_size, truth_size;
    struct tally tally;
};

struct run {
    const struct simulate_process *process;
    int64_t first_row; /* of the wave */
    struct block blocks[WAVE_BLOCKS];
};

/* ---- printing ---- */

static char *put_customer(char *at, const struct simulate_process *process, int64_t row,
                          const struct simulate_customer *c, const struct simulate_expected *e,
                          const struct simulate_event *event) {
    at = simulate_put_count(at, row + 1);
    *at++ = ',';
    at = simulate_put_field(at, c->age, 0);
    at = simulate_put_field(at, c->income, 0);
    at = simulate_put_field(at, c->tenure, 0);
    at = simulate_put_field(at, c->recency, 0);
    at = simulate_put_field(at, c->orders, 0);
    at = simulate_put_field(at, c->basket, 2);
    at = simulate_put_field(at, c->visits, 0);
    at = simulate_put_field(at, c->discount_share, 2);
    at = simulate_put_field(at, c->open_rate, 2);
    at = simulate_put_field(at, c->survey, 0);
    at = simulate_put_name(at, c->newsletter ? "yes" : "no");
    at = simulate_put_name(at, SIMULATE_DEVICE_NAMES[c->device]);
    at = simulate_put_name(at, SIMULATE_TIER_NAMES[c->tier]);
    at = simulate_put_name(at, SIMULATE_FAVOURITE_NAMES[c->favourite]);
    at = simulate_put_text(at, "city-");
    *at++ = (char)('0' + (c->city + 1) / 10);
    *at++ = (char)('0' + (c->city + 1) % 10);
    *at++ = ',';
    at = simulate_put_name(at, SIMULATE_REGION_NAMES[c->region]);
    at = simulate_put_name(at, process->arm[event->arm].name);
    if (process->options.propensity == SIMULATE_FEATURES)
        at = simulate_put_field(at, e->propensity[event->arm], 6);
    *at++ = event->visit ? '1' : '0';
    *at++ = ',';
    *at++ = event->conversion ? '1' : '0';
    *at++ = ',';
    at = simulate_put_fixed(at, event->spend, 2);
    *at++ = '\n';
    return at;
}

static char *put_truth(char *at, const struct simulate_process *process, int64_t row, double factor,
                       const struct simulate_expected *e) {
    at = simulate_put_count(at, row + 1);
    *at++ = ',';
    at = simulate_put_field(at, factor, 2);
    for (int32_t a = 0; a < process->arms; a++) at = simulate_put_field(at, e->mu[a], 5);
    for (int32_t a = 1; a < process->arms; a++)
        at = simulate_put_field(at, factor * process->margin * (e->mu[a] - e->mu[0]), 6);
    at[-1] = '\n';
    return at;
}

/* ---- blocks ---- */

static void count_row(struct tally *tally, int32_t arms, const struct simulate_expected *e,
                      const struct simulate_event *event) {
    tally->noise_variance += e->variance[event->arm];
    tally->arm[event->arm].customers += 1;
    tally->arm[event->arm].outcome += event->spend;
    for (int32_t a = 0; a < arms; a++) {
        double effect = e->mu[a] - e->mu[0];
        tally->arm[a].mu += e->mu[a];
        tally->arm[a].effect += effect;
        tally->arm[a].effect2 += effect * effect;
        tally->arm[a].harmed += effect < 0;
    }
}

static void add_tally(struct tally *sum, const struct tally *part) {
    sum->noise_variance += part->noise_variance;
    for (int32_t a = 0; a < SIMULATE_ARMS_MAX; a++) {
        sum->arm[a].customers += part->arm[a].customers;
        sum->arm[a].outcome += part->arm[a].outcome;
        sum->arm[a].mu += part->arm[a].mu;
        sum->arm[a].effect += part->arm[a].effect;
        sum->arm[a].effect2 += part->arm[a].effect2;
        sum->arm[a].harmed += part->arm[a].harmed;
    }
}

static kai_status fill_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    struct run *run = user;
    const struct simulate_process *process = run->process;
    struct block *block = &run->blocks[item];
    int64_t first = run->first_row + item * BLOCK_ROWS;
    int64_t last = first + BLOCK_ROWS;
    if (last > process->options.customers) last = process->options.customers;
    memset(&block->tally, 0, sizeof block->tally);
    char *customers = block->customers, *truth = block->truth;
    for (int64_t row = first; row < last; row++) {
        struct simulate_customer c;
        struct simulate_expected e;
        struct simulate_event event;
        simulate_draw(process, row, &c, &e, &event);
        customers = put_customer(customers, process, row, &c, &e, &event);
        truth = put_truth(truth, process, row, process->factor[c.favourite], &e);
        count_row(&block->tally, process->arms, &e, &event);
    }
    block->customers_size = (size_t)(customers - block->customers);
    block->truth_size = (size_t)(truth - block->truth);
    return KAI_OK;
}

static kai_status new_blocks(struct run *run, kai_err *err) {
    size_t truth_bytes = (size_t)(2 * run->process->arms + 2) * TRUTH_CELL_BYTES;
    for (int i = 0; i < WAVE_BLOCKS; i++) {
        run->blocks[i].customers = mem_array(BLOCK_ROWS, ROW_BYTES_MAX);
        run->blocks[i].truth = mem_array(BLOCK_ROWS, truth_bytes);
        if (!run->blocks[i].customers || !run->blocks[i].truth)
            return err_memory(err, BLOCK_ROWS * ROW_BYTES_MAX);
    }
    return KAI_OK;
}

/* ---- files ---- */

struct outputs {
    struct file_writer *customers; /* owned */
    struct file_writer *truth;     /* owned */
};

static kai_status open_file(const char *dir, const char *name, struct file_writer **ret_writer,
                            kai_err *err) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/%s", dir, name);
    if (!st) st = file_create(path.data, ret_writer, err);
    buf_release(&path);
    return st;
}

static kai_status write_file(const char *dir, const char *name, const struct buf *text,
                             kai_err *err) {
    struct file_writer *writer = NULL;
    kai_status st = open_file(dir, name, &writer, err);
    if (st) return st;
    st = file_write(writer, text->data, text->size, err);
    if (st) {
        file_abandon(writer);
        return st;
    }
    return file_commit(writer, err);
}

static kai_status write_headers(const struct simulate_process *process, struct outputs *out,
                                kai_err *err) {
    struct buf text;
    buf_init(&text, 1 << 16);
    kai_status st =
        buf_printf(&text, err,
                   "customer,age,income,tenure,recency,orders,basket,visits,"
                   "discount_share,open_rate,survey,newsletter,device,tier,favourite,"
                   "city,region,action,%svisit,conversion,spend\n",
                   process->options.propensity == SIMULATE_FEATURES ? "propensity," : "");
    if (!st) st = file_write(out->customers, text.data, text.size, err);
    buf_reset(&text);
    if (!st) st = buf_puts(&text, "customer,factor", err);
    for (int32_t a = 0; !st && a < process->arms; a++)
        st = buf_printf(&text, err, ",mu_%s", process->arm[a].name);
    for (int32_t a = 1; !st && a < process->arms; a++)
        st = buf_printf(&text, err, ",value_%s", process->arm[a].name);
    if (!st) st = buf_puts(&text, "\n", err);
    if (!st) st = file_write(out->truth, text.data, text.size, err);
    buf_release(&text);
    return st;
}

static kai_status write_rows(struct run *run, struct outputs *out, struct pool *pool,
                             const struct progress *progress, struct tally *sum, kai_err *err) {
    int64_t rows = run->process->options.customers;
    kai_status st = KAI_OK;
    for (run->first_row = 0; !st && run->first_row < rows;
         run->first_row += WAVE_BLOCKS * BLOCK_ROWS) {
        int64_t left = (rows - run->first_row + BLOCK_ROWS - 1) / BLOCK_ROWS;
        int64_t count = left < WAVE_BLOCKS ? left : WAVE_BLOCKS;
        st = pool_run(pool, count, fill_block, run, err);
        for (int64_t i = 0; !st && i < count; i++) {
            const struct block *block = &run->blocks[i];
            add_tally(sum, &block->tally);
            st = file_write(out->customers, block->customers, block->customers_size, err);
            if (!st) st = file_write(out->truth, block->truth, block->truth_size, err);
        }
        if (!st) st = progress_tell(progress, "simulate", run->first_row, rows, err);
    }
    if (!st) st = progress_tell(progress, "simulate", rows, rows, err);
    return st;
}

static kai_status write_tables(const char *dir, const char *truth_dir, struct run *run,
                               struct pool *pool, const struct progress *progress,
                               struct tally *sum, kai_err *err) {
    struct outputs out = {0};
    kai_status st = open_file(dir, "customers.csv", &out.customers, err);
    if (st) goto out;
    st = open_file(truth_dir, "effects.csv", &out.truth, err);
    if (st) goto out;
    st = write_headers(run->process, &out, err);
    if (st) goto out;
    st = write_rows(run, &out, pool, progress, sum, err);
    if (st) goto out;
    st = file_commit(out.truth, err);
    out.truth = NULL;
    if (st) goto out;
    st = file_commit(out.customers, err);
    out.customers = NULL;
out:
    file_abandon(out.customers);
    file_abandon(out.truth);
    return st;
}

static kai_status write_market(const char *dir, const struct simulate_process *process,
                               kai_err *err) {
    struct buf text;
    buf_init(&text, 1 << 16);
    kai_status st = buf_puts(&text, "favourite,demand_index\n", err);
    for (int f = 0; !st && f < SIMULATE_FAVOURITES; f++)
        st = buf_printf(&text, err, "%s,%.2f\n", SIMULATE_FAVOURITE_NAMES[f], process->factor[f]);
    if (!st) st = write_file(dir, "market.csv", &text, err);
    buf_release(&text);
    return st;
}

/* Three digits are enough for a limit that a person sets. */
static double three_digits(double x) {
    if (x <= 1) return 1;
    double unit = pow(10, floor(log10(x)) - 2);
    return unit < 1 ? nearbyint(x * 100) / 100 : nearbyint(x / unit) * unit;
}

static kai_status write_yaml(const char *dir, const struct simulate_process *process, double budget,
                             kai_err *err) {
    struct buf text;
    buf_init(&text, 1 << 20);
    int by_features = process->options.propensity == SIMULATE_FEATURES;
    double capacity = floor(process->capacity_share * (double)process->options.customers);
    kai_status st = buf_printf(&text, err,
                               "# made by 'kairos simulate campaign'; the truth is in truth/\n"
                               "campaign: simulated campaign\n"
                               "customers:\n"
                               "  table: customers.csv\n"
                               "  id: customer\n"
                               "  sensitive: [region]\n"
                               "history:\n"
                               "  action: action\n"
                               "  control: No offer\n"
                               "  propensity: %s\n"
                               "  outcomes:\n"
                               "    value: {column: spend, margin: %.1f}\n"
                               "    also: [conversion, visit]\n"
                               "offers:\n",
                               by_features ? "propensity" : "uniform", process->margin);
    for (int32_t a = 1; !st && a < process->arms; a++)
        st = buf_printf(&text, err, "  - {name: %s, cost: %.2f, channel: %s}\n",
                        process->arm[a].name, process->arm[a].cost, process->arm[a].channel);
    if (!st)
        st = buf_printf(&text, err,
                        "market:\n"
                        "  table: market.csv\n"
                        "  join: [favourite]\n"
                        "  factor: demand_index\n"
                        "limits:\n"
                        "  budget: %.10g\n"
                        "  capacity: {%s: %.0f}\n"
                        "  per_customer: 1\n"
                        "goal: profit\n"
                        "hold_out: 0.10\n"
                        "evaluate: {folds: 5, confidence: 0.95}\n",
                        budget, process->capacity_channel, capacity < 1 ? 1 : capacity);
    if (!st) st = write_file(dir, "campaign.yaml", &text, err);
    buf_release(&text);
    return st;
}

static void put_process(struct json_writer *json, const struct simulate_process *process,
                        const struct simulate_summary *summary) {
    json_key_text(json, "kind", "campaign");
    json_key_i64(json, "customers", summary->customers);
    json_key_i64(json, "seed", (int64_t)process->options.seed);
    json_key_text(json, "noise", NOISES[process->options.noise]);
    json_key_text(json, "propensity", PROPENSITIES[process->options.propensity]);
    json_key_text(json, "outcome", OUTCOMES[process->options.outcome]);
    json_key_f64(json, "effect_to_noise", process->ratio);
    json_key_f64(json, "noise_sd", summary->noise_sd);
    json_key_f64(json, "effect_sd", summary->effect_sd);
    json_key_f64(json, "margin", summary->margin);
    json_key_f64(json, "budget", summary->budget);
}

static kai_status write_summary(const char *dir, const struct simulate_process *process,
                                const struct simulate_summary *summary, kai_err *err) {
    struct buf text;
    struct json_writer json;
    buf_init(&text, 1 << 20);
    json_init(&json, &text, 1);
    json_object(&json);
    put_process(&json, process, summary);
    json_key(&json, "arms");
    json_array(&json);
    for (int32_t a = 0; a < summary->arms; a++) {
        const struct simulate_arm *arm = &summary->arm[a];
        json_object(&json);
        json_key_text(&json, "name", arm->name);
        json_key_text(&json, "channel", arm->channel);
        json_key_f64(&json, "cost", arm->cost);
        json_key_i64(&json, "customers", arm->customers);
        json_key_f64(&json, "outcome_mean", arm->outcome_mean);
        json_key_f64(&json, "expected_mean", arm->expected_mean);
        json_key_f64(&json, "effect_mean", arm->effect_mean);
        json_key_f64(&json, "effect_sd", arm->effect_sd);
        json_key_f64(&json, "harmed_share", arm->harmed_share);
        json_end(&json);
    }
    json_end(&json);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    if (!st) st = buf_puts(&text, "\n", err);
    if (!st) st = write_file(dir, "summary.json", &text, err);
    buf_release(&text);
    return st;
}

static void summarise(const struct simulate_process *process, const struct tally *sum,
                      struct simulate_summary *summary) {
    double rows = (double)process->options.customers, variance = 0;
    memset(summary, 0, sizeof *summary);
    summary->customers = process->options.customers;
    summary->arms = process->arms;
    summary->noise_sd = sqrt(sum->noise_variance / rows);
    summary->margin = process->margin;
    summary->budget = three_digits(process->budget_each * rows);
    for (int32_t a = 0; a < process->arms; a++) {
        struct simulate_arm *arm = &summary->arm[a];
        *arm = process->arm[a];
        arm->customers = (int64_t)sum->arm[a].customers;
        arm->outcome_mean = arm->customers > 0 ? sum->arm[a].outcome / sum->arm[a].customers : NAN;
        arm->expected_mean = sum->arm[a].mu / rows;
        arm->effect_mean = sum->arm[a].effect / rows;
        arm->effect_sd =
            sqrt(fmax(0, sum->arm[a].effect2 / rows - arm->effect_mean * arm->effect_mean));
        arm->harmed_share = sum->arm[a].harmed / rows;
        if (a > 0) variance += arm->effect_sd * arm->effect_sd / (process->arms - 1);
    }
    summary->effect_sd = sqrt(variance);
}

static kai_status check_options(const struct simulate_options *options, kai_err *err) {
    if (options->customers < 1 || options->customers > SIMULATE_CUSTOMERS_MAX)
        return err_set(err, KAI_INVALID, "'customers' must be between 1 and %lld, got %lld",
                       (long long)SIMULATE_CUSTOMERS_MAX, (long long)options->customers);
    if (options->offers < 1 || options->offers > SIMULATE_OFFERS_MAX)
        return err_set(err, KAI_INVALID, "'offers' must be between 1 and %d, got %d",
                       SIMULATE_OFFERS_MAX, options->offers);
    if ((unsigned)options->noise >= SIMULATE_NOISES ||
        (unsigned)options->propensity >= SIMULATE_PROPENSITIES ||
        (unsigned)options->outcome >= SIMULATE_OUTCOMES)
        return err_set(err, KAI_INVALID, "unknown noise, propensity or outcome");
    return KAI_OK;
}

kai_status simulate_campaign(const struct simulate_options *options, const char *out_dir,
                             struct pool *pool, const struct progress *progress,
                             struct simulate_summary *ret_summary, kai_err *err) {
    struct simulate_process process;
    struct simulate_summary summary;
    struct tally sum;
    struct run run;
    struct buf truth_dir;
    memset(&sum, 0, sizeof sum);
    memset(&run, 0, sizeof run);
    run.process = &process;
    buf_init(&truth_dir, 1 << 16);
    kai_status st = check_options(options, err);
    if (!st) st = buf_printf(&truth_dir, err, "%s/truth", out_dir);
    if (!st) st = file_make_dir(truth_dir.data, err);
    if (!st) st = simulate_process_init(options, &process, err);
    if (!st) st = new_blocks(&run, err);
    if (!st) st = write_tables(out_dir, truth_dir.data, &run, pool, progress, &sum, err);
    if (!st) {
        summarise(&process, &sum, &summary);
        st = write_market(out_dir, &process, err);
    }
    if (!st) st = write_summary(truth_dir.data, &process, &summary, err);
    if (!st) st = write_yaml(out_dir, &process, summary.budget, err);
    if (!st && ret_summary) *ret_summary = summary;
    for (int i = 0; i < WAVE_BLOCKS; i++) {
        mem_free(run.blocks[i].customers);
        mem_free(run.blocks[i].truth);
    }
    buf_release(&truth_dir);
    return st;
}
