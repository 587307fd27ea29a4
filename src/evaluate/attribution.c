#include "evaluate/attribution.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "evaluate/evaluate.h"
#include "evaluate/stat.h"

enum { SUM_MODELS = ATTRIBUTION_SHAPLEY + 1, PERMUTATIONS = 1000 };

/* What one group of paths adds up to; groups are added in order. */
struct group {
    double *conversions; /* (SUM_MODELS, channels) */
    double *value;       /* (SUM_MODELS, channels) */
    double *counts;      /* (channels + 1, channels + 2) */
    double total, total_value, unattributed, unattributed_value;
};

struct attribution_job {
    const struct attribution_paths *paths;
    const struct attribution_options *options;
    double half_life;
    struct group groups[ATTRIBUTION_GROUPS];
    double *memory; /* owned; of all groups */
};

const char *attribution_model_text(enum attribution_model model) {
    static const char *const TEXTS[] = {"first",    "last",    "linear", "time-decay",
                                        "position", "shapley", "markov", "markov-shapley"};
    return TEXTS[model];
}

static size_t counts_cells(int32_t channels) {
    return (size_t)(channels + 1) * (size_t)(channels + 2);
}

/* Credit of one touch by each model of shares; shapley is shared by the distinct channels later. */
static void touch_shares(int64_t index, int64_t count, double decay, double decay_sum,
                         double ret_shares[SUM_MODELS]) {
    double inner = count > 2 ? 0.2 / (double)(count - 2) : 0;
    int is_end = index == 0 || index == count - 1;
    ret_shares[ATTRIBUTION_FIRST] = index == 0;
    ret_shares[ATTRIBUTION_LAST] = index == count - 1;
    ret_shares[ATTRIBUTION_LINEAR] = 1 / (double)count;
    ret_shares[ATTRIBUTION_DECAY] = decay_sum > 0 ? decay / decay_sum : 1 / (double)count;
    ret_shares[ATTRIBUTION_POSITION] = count == 1 ? 1 : count == 2 ? 0.5 : is_end ? 0.4 : inner;
}

static void add_conversion(const struct attribution_job *job, struct group *group, int64_t path,
                           int64_t *seen) {
    const struct attribution_paths *paths = job->paths;
    int64_t start = paths->starts[path], count = paths->starts[path + 1] - start, distinct = 0;
    double value = paths->value[path], decay_sum = 0, shares[SUM_MODELS];
    size_t width = (size_t)paths->channels;
    /* ages are taken from the youngest touch on, so that old paths do not vanish */
    double youngest = paths->age[start + count - 1];
    for (int64_t t = 0; t < count; t++) {
        decay_sum += exp2((youngest - paths->age[start + t]) / job->half_life);
        int64_t *last = &seen[paths->channel[start + t]];
        distinct += *last != path + 1;
        *last = path + 1;
    }
    for (int64_t t = 0; t < count; t++) {
        int32_t channel = paths->channel[start + t];
        double decay = exp2((youngest - paths->age[start + t]) / job->half_life);
        touch_shares(t, count, decay, decay_sum, shares);
        shares[ATTRIBUTION_SHAPLEY] = seen[channel] == path + 1 ? 1 / (double)distinct : 0;
        seen[channel] = -(path + 1);
        for (size_t m = 0; m < SUM_MODELS; m++) {
            group->conversions[m * width + (size_t)channel] += shares[m];
            group->value[m * width + (size_t)channel] += shares[m] * value;
        }
    }
    group->total++;
    group->total_value += value;
}

static void count_steps(const struct attribution_paths *paths, int64_t path, double *counts) {
    int32_t width = paths->channels + 2, from = 0; /* row 0 is the start */
    for (int64_t t = paths->starts[path]; t < paths->starts[path + 1]; t++) {
        counts[(int64_t)from * width + paths->channel[t]]++;
        from = paths->channel[t] + 1;
    }
    counts[(int64_t)from * width + paths->channels + (paths->is_converted[path] ? 0 : 1)]++;
}

static kai_status check_path(const struct attribution_paths *paths, int64_t path, kai_err *err) {
    double value = paths->value[path];
    if (paths->is_converted[path] && !(value >= 0 && isfinite(value)))
        return err_set(err, KAI_INVALID, "path %lld: its value is negative or not finite",
                       (long long)path + 1);
    for (int64_t t = paths->starts[path]; t < paths->starts[path + 1]; t++)
        if (paths->channel[t] < 0 || paths->channel[t] >= paths->channels)
            return err_set(err, KAI_INVALID, "path %lld: a channel is not in 0 to %d",
                           (long long)path + 1, (int)paths->channels - 1);
    return KAI_OK;
}

static kai_status add_group(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct attribution_job *job = user;
    const struct attribution_paths *paths = job->paths;
    struct group *group = &job->groups[item];
    int64_t from = paths->count * item / ATTRIBUTION_GROUPS;
    int64_t to = paths->count * (item + 1) / ATTRIBUTION_GROUPS;
    int64_t *seen = mem_zero((size_t)paths->channels + 1, sizeof *seen);
    kai_status st = seen ? KAI_OK : err_memory(err, paths->channels * (int64_t)sizeof *seen);
    for (int64_t path = from; !st && path < to; path++) {
        st = check_path(paths, path, err);
        if (st) break;
        int is_touched = paths->starts[path + 1] > paths->starts[path];
        if (is_touched) count_steps(paths, path, group->counts);
        if (!paths->is_converted[path]) continue;
        if (is_touched) {
            add_conversion(job, group, path, seen);
        } else {
            group->unattributed++;
            group->unattributed_value += paths->value[path];
        }
    }
    mem_free(seen);
    return st;
}

/* Elimination with pivots of (I - Q) b = r; Q has rows that sum to at most 1, and every state that
 * was seen leads out, so it can be solved. */
static void solve(double *work, int32_t n) {
    int32_t width = n + 1;
    for (int32_t k = 0; k < n; k++) {
        int32_t pivot = k;
        for (int32_t i = k + 1; i < n; i++)
            if (fabs(work[i * width + k]) > fabs(work[pivot * width + k])) pivot = i;
        for (int32_t j = k; pivot != k && j < width; j++) {
            double kept = work[k * width + j];
            work[k * width + j] = work[pivot * width + j];
            work[pivot * width + j] = kept;
        }
        double scale = work[k * width + k];
        if (scale == 0) continue;
        for (int32_t i = k + 1; i < n; i++) {
            double factor = work[i * width + k] / scale;
            for (int32_t j = k; factor != 0 && j < width; j++)
                work[i * width + j] -= factor * work[k * width + j];
        }
    }
    for (int32_t k = n - 1; k >= 0; k--) {
        double *row = work + k * width;
        for (int32_t j = k + 1; j < n; j++) row[n] -= row[j] * work[j * width + n];
        row[n] = row[k] != 0 ? row[n] / row[k] : 0;
    }
}

double attribution_chain(const double *counts, int32_t channels, const uint8_t *is_in,
                         double *work) {
    int32_t states[ATTRIBUTION_CHANNELS], n = 0, wide = channels + 2;
    for (int32_t c = 0; c < channels; c++)
        if (!is_in || is_in[c]) states[n++] = c;
    for (int32_t i = 0; i < n; i++) {
        const double *row = counts + (int64_t)(states[i] + 1) * wide;
        double sum = 0;
        for (int32_t j = 0; j < wide; j++) sum += row[j];
        for (int32_t j = 0; j < n; j++)
            work[i * (n + 1) + j] = (i == j) - (sum > 0 ? row[states[j]] / sum : 0);
        work[i * (n + 1) + n] = sum > 0 ? row[channels] / sum : 0;
    }
    solve(work, n);
    double sum = 0, chance = 0;
    for (int32_t j = 0; j < wide; j++) sum += counts[j];
    for (int32_t i = 0; i < n; i++) chance += counts[states[i]] * work[i * (n + 1) + n];
    return sum > 0 ? chance / sum : 0;
}

/* Shares of the channels, adding up to 1. */
typedef void (*share_fn)(const double *counts, int32_t channels, const uint64_t *seed,
                         int32_t permutations, double *work, double *ret_shares,
                         double *ret_errors);

static void normalise(double *shares, double *errors, int32_t channels) {
    double sum = 0;
    for (int32_t c = 0; c < channels; c++) sum += shares[c];
    for (int32_t c = 0; c < channels; c++) {
        shares[c] = sum > 0 ? shares[c] / sum : 0;
        errors[c] = sum > 0 ? errors[c] / sum : 0;
    }
}

static void share_by_removal(const double *counts, int32_t channels, const uint64_t *seed,
                             int32_t permutations, double *work, double *ret_shares,
                             double *ret_errors) {
    uint8_t is_in[ATTRIBUTION_CHANNELS];
    (void)seed;
    (void)permutations;
    memset(is_in, 1, sizeof is_in);
    double all = attribution_chain(counts, channels, NULL, work);
    for (int32_t c = 0; c < channels; c++) {
        is_in[c] = 0;
        ret_shares[c] = fmax(0, all - attribution_chain(counts, channels, is_in, work));
        ret_errors[c] = 0;
        is_in[c] = 1;
    }
    normalise(ret_shares, ret_errors, channels);
}

/* Every coalition's worth once; each channel's gain with the weight of its coalition's size. */
static void share_exactly(const double *counts, int32_t channels, double *work,
                          double *ret_shares) {
    double worth[1 << ATTRIBUTION_EXACT], weight[ATTRIBUTION_EXACT];
    uint8_t is_in[ATTRIBUTION_CHANNELS];
    for (uint32_t set = 0; set < 1U << channels; set++) {
        for (int32_t c = 0; c < channels; c++) is_in[c] = (set >> c) & 1;
        worth[set] = set ? attribution_chain(counts, channels, is_in, work) : 0;
    }
    weight[0] = 1.0 / channels;
    for (int32_t s = 1; s < channels; s++) weight[s] = weight[s - 1] * s / (channels - s);
    for (int32_t c = 0; c < channels; c++) ret_shares[c] = 0;
    for (uint32_t set = 0; set < 1U << channels; set++) {
        int32_t size = 0;
        for (int32_t c = 0; c < channels; c++) size += (int32_t)((set >> c) & 1U);
        for (int32_t c = 0; c < channels; c++)
            if (!((set >> c) & 1))
                ret_shares[c] += weight[size] * (worth[set | 1U << c] - worth[set]);
    }
}

static void share_by_permutations(const double *counts, int32_t channels, uint64_t seed,
                                  int32_t permutations, double *work, double *ret_shares,
                                  double *ret_errors) {
    uint8_t is_in[ATTRIBUTION_CHANNELS];
    int64_t order[ATTRIBUTION_CHANNELS];
    struct moments gains[ATTRIBUTION_CHANNELS] = {{0}};
    for (int32_t p = 0; p < permutations; p++) {
        struct rng rng;
        double before = 0;
        rng_init(&rng, seed, "shapley", (uint64_t)p);
        for (int32_t c = 0; c < channels; c++) order[c] = c;
        rng_shuffle(&rng, order, channels);
        memset(is_in, 0, sizeof is_in);
        for (int32_t k = 0; k < channels; k++) {
            is_in[order[k]] = 1;
            double after = attribution_chain(counts, channels, is_in, work);
            moments_add(&gains[order[k]], after - before);
            before = after;
        }
    }
    for (int32_t c = 0; c < channels; c++) {
        ret_shares[c] = gains[c].mean;
        ret_errors[c] = permutations > 1 ? sqrt(moments_variance(&gains[c]) / permutations) : NAN;
    }
}

static void share_by_game(const double *counts, int32_t channels, const uint64_t *seed,
                          int32_t permutations, double *work, double *ret_shares,
                          double *ret_errors) {
    for (int32_t c = 0; c < channels; c++) ret_errors[c] = 0;
    if (channels <= ATTRIBUTION_EXACT)
        share_exactly(counts, channels, work, ret_shares);
    else
        share_by_permutations(counts, channels, *seed, permutations, work, ret_shares, ret_errors);
    normalise(ret_shares, ret_errors, channels);
}

/* Sums of all groups but one (-1: of all). */
static double sum_groups(const struct attribution_job *job, size_t offset, int32_t without) {
    double sum = 0;
    for (int32_t g = 0; g < ATTRIBUTION_GROUPS; g++)
        if (g != without) sum += job->groups[g].conversions[offset];
    return sum;
}

static struct estimate jackknife(double whole, const double *without, double confidence, int64_t n,
                                 const char *method) {
    double mean = 0, squares = 0;
    for (int32_t g = 0; g < ATTRIBUTION_GROUPS; g++) mean += without[g] / ATTRIBUTION_GROUPS;
    for (int32_t g = 0; g < ATTRIBUTION_GROUPS; g++)
        squares += (without[g] - mean) * (without[g] - mean);
    double error = sqrt(squares * (ATTRIBUTION_GROUPS - 1) / ATTRIBUTION_GROUPS);
    return estimate_around(whole, error, ATTRIBUTION_GROUPS - 1, confidence, n, method);
}

/* A total grows by the group that is left out, so that what is jackknifed is the whole again. */
static void settle_sums(const struct attribution_job *job, enum attribution_model model,
                        double confidence, struct attribution *attribution) {
    int32_t channels = attribution->channels;
    size_t cells = (size_t)SUM_MODELS * (size_t)channels;
    double grow = ATTRIBUTION_GROUPS / (ATTRIBUTION_GROUPS - 1.0), without[ATTRIBUTION_GROUPS];
    for (int32_t c = 0; c < channels; c++) {
        struct attribution_credit *credit = &attribution->credit[(int32_t)model * channels + c];
        for (size_t part = 0; part < 2; part++) { /* value stands behind conversions */
            size_t offset = part * cells + (size_t)((int32_t)model * channels + c);
            for (int32_t g = 0; g < ATTRIBUTION_GROUPS; g++)
                without[g] = grow * sum_groups(job, offset, g);
            struct estimate estimate = jackknife(sum_groups(job, offset, -1), without, confidence,
                                                 attribution->paths, attribution_model_text(model));
            *(part ? &credit->value : &credit->conversions) = estimate;
        }
    }
}

static void sum_counts(const struct attribution_job *job, int32_t without, double *counts) {
    size_t cells = counts_cells(job->paths->channels);
    memset(counts, 0, cells * sizeof *counts);
    for (int32_t g = 0; g < ATTRIBUTION_GROUPS; g++)
        for (size_t i = 0; g != without && i < cells; i++) counts[i] += job->groups[g].counts[i];
}

static void totals_without(const struct attribution_job *job, int32_t without, double ret[2]) {
    double grow = without < 0 ? 1 : ATTRIBUTION_GROUPS / (ATTRIBUTION_GROUPS - 1.0);
    ret[0] = ret[1] = 0;
    for (int32_t g = 0; g < ATTRIBUTION_GROUPS; g++) {
        if (g == without) continue;
        ret[0] += grow * job->groups[g].total;
        ret[1] += grow * job->groups[g].total_value;
    }
}

/* Models whose shares come from the chain. */
static kai_status settle_chain(const struct attribution_job *job, enum attribution_model model,
                               double confidence, struct attribution *attribution, kai_err *err) {
    int32_t channels = attribution->channels;
    share_fn share = model == ATTRIBUTION_MARKOV ? share_by_removal : share_by_game;
    size_t counts_size = counts_cells(channels), row = (size_t)channels;
    size_t cells = counts_size + row * (row + 1) + row * (ATTRIBUTION_GROUPS + 1) + 2 * row;
    double *memory = mem_array(cells, sizeof *memory);
    if (!memory) return err_memory(err, (int64_t)(cells * sizeof *memory));
    double *counts = memory, *work = counts + counts_size, *shares = work + row * (row + 1);
    double *errors = shares + row * (ATTRIBUTION_GROUPS + 1), *spare = errors + row;
    double totals[ATTRIBUTION_GROUPS + 1][2], without[ATTRIBUTION_GROUPS];
    int32_t permutations = job->options->permutations ? job->options->permutations : PERMUTATIONS;
    for (int32_t g = -1; g < ATTRIBUTION_GROUPS; g++) {
        sum_counts(job, g, counts);
        /* the same permutations each time: what differs is the data */
        share(counts, channels, &job->options->seed, g < 0 ? permutations : permutations / 20 + 1,
              work, shares + (size_t)(g + 1) * row, g < 0 ? errors : spare);
        totals_without(job, g, totals[g + 1]);
    }
    for (size_t c = 0; c < row; c++) {
        struct attribution_credit *credit = &attribution->credit[(size_t)model * row + c];
        for (int part = 0; part < 2; part++) {
            for (size_t g = 0; g < ATTRIBUTION_GROUPS; g++)
                without[g] = shares[(g + 1) * row + c] * totals[g + 1][part];
            struct estimate estimate = jackknife(shares[c] * totals[0][part], without, confidence,
                                                 attribution->paths, attribution_model_text(model));
            *(part ? &credit->value : &credit->conversions) = estimate;
        }
        credit->sampling_error = errors[c] * totals[0][0];
    }
    mem_free(memory);
    return KAI_OK;
}

static kai_status make_groups(struct attribution_job *job, kai_err *err) {
    size_t channels = (size_t)job->paths->channels, sums = SUM_MODELS * channels;
    size_t each = 2 * sums + counts_cells(job->paths->channels);
    job->memory = mem_zero(each * ATTRIBUTION_GROUPS, sizeof *job->memory);
    if (!job->memory) return err_memory(err, (int64_t)(each * ATTRIBUTION_GROUPS * sizeof(double)));
    for (size_t g = 0; g < ATTRIBUTION_GROUPS; g++) {
        job->groups[g].conversions = job->memory + g * each;
        job->groups[g].value = job->groups[g].conversions + sums;
        job->groups[g].counts = job->groups[g].value + sums;
    }
    return KAI_OK;
}

kai_status attribution_fit(const struct attribution_paths *paths, uint32_t models,
                           const struct attribution_options *options, struct pool *pool,
                           struct attribution *ret_attribution, kai_err *err) {
    struct attribution_job job = {.paths = paths, .options = options};
    struct attribution attribution = {.channels = paths->channels, .paths = paths->count};
    double confidence = options->confidence > 0 ? options->confidence : EVALUATE_CONFIDENCE;
    job.half_life = options->half_life > 0 ? options->half_life : 7;
    if (paths->count < 1 || paths->channels < 1)
        return err_set(err, KAI_INVALID, "there are no paths with a touch");
    if (paths->channels > ATTRIBUTION_CHANNELS)
        return err_set(err, KAI_INVALID, "%d channels: at most %d can be shared out among",
                       (int)paths->channels, ATTRIBUTION_CHANNELS);
    kai_status st = make_groups(&job, err);
    if (!st) st = pool_run(pool, ATTRIBUTION_GROUPS, add_group, &job, err);
    size_t credits = (size_t)ATTRIBUTION_MODELS * (size_t)paths->channels;
    if (!st) attribution.credit = mem_zero(credits, sizeof *attribution.credit);
    if (!st && !attribution.credit)
        st = err_memory(err, (int64_t)(credits * sizeof *attribution.credit));
    for (int32_t g = 0; g < ATTRIBUTION_GROUPS; g++) {
        attribution.conversions += job.groups[g].total;
        attribution.value += job.groups[g].total_value;
        attribution.unattributed += job.groups[g].unattributed;
        attribution.unattributed_value += job.groups[g].unattributed_value;
    }
    attribution.touches = paths->starts[paths->count];
    for (int32_t m = 0; !st && m < ATTRIBUTION_MODELS; m++) {
        if (!(models & 1U << m)) continue;
        if (m < SUM_MODELS)
            settle_sums(&job, (enum attribution_model)m, confidence, &attribution);
        else
            st = settle_chain(&job, (enum attribution_model)m, confidence, &attribution, err);
    }
    mem_free(job.memory);
    if (st)
        attribution_release(&attribution);
    else
        *ret_attribution = attribution;
    return st;
}

void attribution_release(struct attribution *attribution) {
    mem_free(attribution->credit);
    *attribution = (struct attribution){0};
}

double attribution_reconcile(const struct attribution *attribution, enum attribution_model model,
                             const struct attribution_lift *lifts, int32_t count,
                             double *ret_factors) {
    double measured = 0, credited = 0;
    const struct attribution_credit *credit =
        attribution->credit + (int32_t)model * attribution->channels;
    for (int32_t l = 0; l < count; l++) {
        measured += lifts[l].conversions.value;
        credited += credit[lifts[l].channel].conversions.value;
    }
    double others = credited > 0 ? measured / credited : NAN;
    for (int32_t c = 0; c < attribution->channels; c++) ret_factors[c] = others;
    for (int32_t l = 0; l < count; l++)
        ret_factors[lifts[l].channel] =
            lifts[l].conversions.value / credit[lifts[l].channel].conversions.value;
    return others;
}
