/* `evaluate uplift` in JSON and in words. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/lift.h"
#include "engine/reading.h"
#include "evaluate/describe.h"

enum { CONTRASTS = 5 };

static const struct lift_proof *proof_of(const struct lift *lift, int32_t learner, int32_t offer) {
    return &lift->proofs[learner * lift->offers + offer];
}

/* Is the ranking better than chance, with confidence? */
static int beats_random(const struct lift_proof *proof) { return proof->curve.qini.low > 0; }

static void describe_proof(const struct lift *lift, int32_t learner, int32_t offer,
                           struct json_writer *json) {
    const struct lift_proof *proof = proof_of(lift, learner, offer);
    json_key(json, lift->arm_names[offer + 1]);
    json_object(json);
    uplift_describe(json, "curve", &proof->curve);
    estimate_describe(json, "qini", &proof->curve.qini);
    estimate_describe(json, "auuc", &proof->curve.auuc);
    estimate_describe(json, "autoc", &proof->autoc);
    json_key_bool(json, "beats_random", beats_random(proof));
    json_key_f64(json, "risk", proof->risk);
    reliability_describe(json, "calibration", &proof->reliability);
    json_key_f64(json, "heterogeneity_p", proof->slope_p);
    json_end(json);
}

static void describe_learners(const struct lift *lift, struct json_writer *json) {
    json_key(json, "learners");
    json_object(json);
    for (int32_t l = 0; l < lift->learner_count; l++) {
        json_key(json, lift_learner_text(lift->learners[l]));
        json_object(json);
        for (int32_t j = 0; j < lift->offers; j++) describe_proof(lift, l, j, json);
        json_end(json);
    }
    json_end(json);
}

/* The learner whose ranking gains most for an offer; noise does not run. */
static int32_t best_of(const struct lift *lift, int32_t offer) {
    int32_t best = -1;
    for (int32_t l = 0; l < lift->learner_count; l++) {
        if (lift->learners[l] == LIFT_NOISE) continue;
        if (best < 0 || proof_of(lift, l, offer)->curve.qini.value >
                            proof_of(lift, best, offer)->curve.qini.value)
            best = l;
    }
    return best;
}

/* A column's mean among the fifth that would gain most and the fifth that would gain least. */
struct contrast {
    int32_t column;
    double top, bottom, size; /* size: difference in standard deviations */
};

static int is_larger(const void *a, const void *b) {
    const struct contrast *x = a, *y = b;
    double first = fabs(x->size), second = fabs(y->size);
    if (first != second) return first < second ? 1 : -1;
    return x->column - y->column;
}

static void contrast_column(const struct lift *lift, const double *effect, int32_t offer,
                            double low, double high, struct contrast *contrast) {
    const float *values = matrix_column(lift->matrix, contrast->column);
    double sum[2] = {0}, all = 0, squares = 0;
    int64_t count[2] = {0}, seen = 0;
    for (int64_t u = 0; u < lift->used_count; u++) {
        double v = values[lift->used[u]], e = effect[u * lift->offers + offer];
        if (isnan(v)) continue;
        all += v;
        squares += v * v;
        seen++;
        if (e <= low) sum[0] += v, count[0]++;
        if (e >= high) sum[1] += v, count[1]++;
    }
    if (!count[0] || !count[1]) return;
    double mean = all / (double)seen, variance = squares / (double)seen - mean * mean;
    contrast->bottom = sum[0] / (double)count[0];
    contrast->top = sum[1] / (double)count[1];
    if (variance > 0) contrast->size = (contrast->top - contrast->bottom) / sqrt(variance);
}

static int is_below(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The columns that part the two fifths most, the largest difference first. */
static kai_status contrasts_of(const struct lift *lift, int32_t learner, int32_t offer,
                               struct contrast *ret, int32_t *ret_count, kai_err *err) {
    *ret_count = 0;
    if (!lift->matrix || learner < 0 || lift->learners[learner] == LIFT_CONSTANT) return KAI_OK;
    const double *effect = lift->effect[learner];
    double *sorted = mem_array((size_t)lift->used_count, sizeof *sorted);
    struct contrast *all = mem_zero((size_t)lift->matrix->columns, sizeof *all);
    kai_status st = sorted && all ? KAI_OK : err_memory(err, lift->used_count * 8);
    if (!st) {
        for (int64_t u = 0; u < lift->used_count; u++) sorted[u] = effect[u * lift->offers + offer];
        qsort(sorted, (size_t)lift->used_count, sizeof *sorted, is_below);
        double low = sorted[lift->used_count / 5];
        double high = sorted[lift->used_count - 1 - lift->used_count / 5];
        for (int32_t c = 0; c < lift->matrix->columns; c++) {
            all[c].column = c;
            contrast_column(lift, effect, offer, low, high, &all[c]);
        }
        qsort(all, (size_t)lift->matrix->columns, sizeof *all, is_larger);
        for (int32_t c = 0; c < lift->matrix->columns && c < CONTRASTS && all[c].size != 0; c++)
            ret[(*ret_count)++] = all[c];
    }
    mem_free(sorted);
    mem_free(all);
    return st;
}

static kai_status describe_groups(const struct lift *lift, struct json_writer *json, kai_err *err) {
    kai_status st = KAI_OK;
    json_key(json, "groups");
    json_object(json);
    for (int32_t j = 0; !st && j < lift->offers; j++) {
        struct contrast contrasts[CONTRASTS];
        int32_t count = 0, best = best_of(lift, j);
        st = contrasts_of(lift, best, j, contrasts, &count, err);
        json_key(json, lift->arm_names[j + 1]);
        json_object(json);
        json_key_text(json, "learner", best < 0 ? NULL : lift_learner_text(lift->learners[best]));
        json_key(json, "columns");
        json_array(json);
        for (int32_t k = 0; k < count; k++) {
            json_object(json);
            json_key_text(json, "column", lift->matrix->info[contrasts[k].column].name);
            json_key_f64(json, "most_changed_fifth", contrasts[k].top);
            json_key_f64(json, "least_changed_fifth", contrasts[k].bottom);
            json_key_f64(json, "difference_sd", contrasts[k].size);
            json_end(json);
        }
        json_end(json);
        json_end(json);
    }
    json_end(json);
    return st;
}

static void describe_projection(const struct lift *lift, struct json_writer *json) {
    if (!lift->projection) return;
    json_key(json, "projection");
    json_object(json);
    for (int32_t j = 0; j < lift->offers; j++) {
        json_key(json, lift->arm_names[j + 1]);
        json_array(json);
        for (int32_t c = 0; c < lift->matrix->columns; c++) {
            const struct toc_projection *line = &lift->projection[j * lift->matrix->columns + c];
            if (!line->is_used) continue;
            json_object(json);
            json_key_text(json, "column", lift->matrix->info[c].name);
            estimate_describe(json, "slope", &line->slope);
            json_key_f64(json, "p_adjusted", line->p);
            json_end(json);
        }
        json_end(json);
    }
    json_end(json);
}

kai_status lift_describe(struct lift *lift, struct buf *out, kai_err *err) {
    struct json_writer json;
    json_init(&json, out, 1);
    json_object(&json);
    json_key_i64(&json, "rows", lift->table->rows);
    json_key_i64(&json, "used", lift->used_count);
    reading_describe(&json, "read", &lift->report);
    json_key_text(&json, "outcome", lift->options->outcome);
    json_key(&json, "arms");
    json_object(&json);
    for (int32_t a = 0; a < lift->arms; a++) {
        int64_t count = 0;
        for (int64_t u = 0; u < lift->used_count; u++) count += lift->arm[u] == a;
        json_key_i64(&json, lift->arm_names[a], count);
    }
    json_end(&json);
    leaks_describe(&json, "leaks", lift->leaks, lift->leak_count);
    if (lift->clean) {
        json_key(&json, "cleaning");
        json_object(&json);
        clean_describe(lift->clean, &json);
        json_end(&json);
    }
    describe_learners(lift, &json);
    describe_projection(lift, &json);
    kai_status st = describe_groups(lift, &json, err);
    timing_describe(&lift->timing, &json);
    json_end(&json);
    if (!st) st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status print_offer(const struct lift *lift, int32_t offer, struct buf *out,
                              kai_err *err) {
    const struct estimate *effect = &proof_of(lift, 0, offer)->curve.effect;
    struct contrast contrasts[CONTRASTS];
    int32_t count = 0, best = best_of(lift, offer);
    kai_status st = buf_printf(out, err,
                               "\n%s: %+.5g on average (%.5g to %.5g)\n"
                               "  %-9s %12s %27s %12s %9s\n",
                               lift->arm_names[offer + 1], effect->value, effect->low, effect->high,
                               "learner", "qini", "(interval)", "autoc", "slope");
    for (int32_t l = 0; !st && l < lift->learner_count; l++) {
        const struct lift_proof *proof = proof_of(lift, l, offer);
        const struct estimate *qini = &proof->curve.qini;
        st = buf_printf(out, err, "  %-9s %+12.5g %+13.5g %+13.5g %+12.5g %9.3g%s\n",
                        lift_learner_text(lift->learners[l]), qini->value, qini->low, qini->high,
                        proof->autoc.value, proof->reliability.slope.value,
                        beats_random(proof) ? "  beats random" : "");
    }
    if (!st) st = contrasts_of(lift, best, offer, contrasts, &count, err);
    if (!st && count)
        st = buf_printf(out, err, "  the fifth that '%s' expects to change most, and least:\n",
                        lift_learner_text(lift->learners[best]));
    for (int32_t k = 0; !st && k < count; k++)
        st = buf_printf(out, err, "    %-24s %12.4g against %.4g\n",
                        lift->matrix->info[contrasts[k].column].name, contrasts[k].top,
                        contrasts[k].bottom);
    return st;
}

kai_status lift_print(const struct lift *lift, struct buf *out, kai_err *err) {
    kai_status st = buf_printf(out, err, "%lld of %lld rows, %d arms, outcome '%s'\n",
                               (long long)lift->used_count, (long long)lift->table->rows,
                               lift->arms, lift->options->outcome);
    for (int32_t l = 0; !st && l < lift->leak_count; l++)
        if (lift->leaks[l].is_leak)
            st = buf_printf(
                out, err,
                "column '%s' differs between the arms beyond chance (%s, p = %.3g): it "
                "may be an outcome%s\n",
                lift->leaks[l].column, lift->leaks[l].test, lift->leaks[l].p_adjusted,
                lift->roles[lift->leaks[l].index] == PREPARE_DROPPED ? ", and is no feature" : "");
    for (int32_t j = 0; !st && j < lift->offers; j++) st = print_offer(lift, j, out, err);
    return st;
}
