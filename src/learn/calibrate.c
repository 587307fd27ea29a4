#include "learn/calibrate.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "kernel/loss.h"

enum {
    POINTS_MAX = 1 << 24,
    OUTPUTS_MAX = 1 << 16,
    NEWTON_STEPS_MAX = 100,
    HALVINGS_MAX = 33, /* of a step: to 1e-10 */
};

/* The map of one output. */
struct curve {
    int64_t count;   /* points of isotonic; 0 for Platt */
    double *scores;  /* owned; increasing */
    double *values;  /* owned; never decreasing, in [0, 1] */
    double slope;    /* Platt: A, at most 0 */
    double constant; /* Platt: B */
};

struct calibrator {
    enum calibrate_kind kind;
    int32_t outputs;
    struct curve *curves; /* owned; (outputs) */
};

struct point {
    double score;
    double target; /* 0 or 1, or the mean of a block */
    double weight;
};

const char *calibrate_kind_text(enum calibrate_kind kind) {
    return kind == CALIBRATE_ISOTONIC ? "isotonic" : kind == CALIBRATE_PLATT ? "platt" : "unknown";
}

enum calibrate_kind calibrate_kind(const struct calibrator *calibrator) { return calibrator->kind; }

int32_t calibrate_outputs(const struct calibrator *calibrator) { return calibrator->outputs; }

void calibrate_free(struct calibrator *calibrator) {
    if (!calibrator) return;
    for (int32_t k = 0; k < calibrator->outputs && calibrator->curves; ++k) {
        mem_free(calibrator->curves[k].scores);
        mem_free(calibrator->curves[k].values);
    }
    mem_free(calibrator->curves);
    mem_free(calibrator);
}

static int compare_points(const void *a, const void *b) {
    const struct point *x = a, *y = b;
    return x->score < y->score ? -1 : x->score > y->score;
}

/* Equal scores become one point; the targets are 0 or 1 and the weights are summed by class, so
 * that the order of equal scores does not matter. */
static int64_t merge_equal(struct point *points, int64_t count) {
    int64_t kept = 0;
    for (int64_t i = 0; i < count;) {
        struct point group = {.score = points[i].score};
        double positive = 0;
        for (; i < count && points[i].score == group.score; ++i) {
            group.weight += points[i].weight;
            positive += points[i].weight * points[i].target;
        }
        group.target = positive / group.weight;
        points[kept++] = group;
    }
    return kept;
}

/* Pool adjacent violators: blocks are (mean, weight, points), merged while they fall. On return
 * targets of the points are the fitted values. */
static kai_status pool_violators(struct point *points, int64_t count, kai_err *err) {
    struct block {
        double mean, weight;
        int64_t points;
    };
    struct block *blocks = mem_array((size_t)count, sizeof *blocks);
    if (!blocks) return err_memory(err, count * (int64_t)sizeof *blocks);
    int64_t top = 0;
    for (int64_t i = 0; i < count; ++i) {
        blocks[top++] = (struct block){points[i].target, points[i].weight, 1};
        while (top > 1 && blocks[top - 2].mean >= blocks[top - 1].mean) {
            struct block *low = &blocks[top - 2], *high = &blocks[top - 1];
            double weight = low->weight + high->weight;
            low->mean = (low->mean * low->weight + high->mean * high->weight) / weight;
            low->weight = weight;
            low->points += high->points;
            top--;
        }
    }
    int64_t at = 0;
    for (int64_t b = 0; b < top; ++b)
        for (int64_t i = 0; i < blocks[b].points; ++i) points[at++].target = blocks[b].mean;
    mem_free(blocks);
    return KAI_OK;
}

/* Keep the ends of each run of equal values: the line between them is the same. */
static kai_status keep_corners(const struct point *points, int64_t count, struct curve *curve,
                               kai_err *err) {
    curve->scores = mem_array((size_t)count, sizeof *curve->scores);
    curve->values = mem_array((size_t)count, sizeof *curve->values);
    if (!curve->scores || !curve->values) return err_memory(err, count * 8);
    for (int64_t i = 0; i < count; ++i) {
        int is_inside = i > 0 && i + 1 < count && points[i].target == points[i - 1].target &&
                        points[i].target == points[i + 1].target;
        if (is_inside) continue;
        curve->scores[curve->count] = points[i].score;
        curve->values[curve->count++] = fmin(fmax(points[i].target, 0), 1);
    }
    return KAI_OK;
}

static kai_status fit_isotonic(struct point *points, int64_t count, struct curve *curve,
                               kai_err *err) {
    qsort(points, (size_t)count, sizeof *points, compare_points);
    count = merge_equal(points, count);
    kai_status st = pool_violators(points, count, err);
    return st ? st : keep_corners(points, count, curve, err);
}

static double log_odds(double score) {
    const double edge = 1e-15;
    double p = fmin(fmax(score, edge), 1 - edge);
    return log(p) - log1p(-p);
}

/* Loss of Lin, Lin, Weng, equation 5, at (slope, constant); points' scores are log-odds and their
 * targets the smoothed ones. */
static double platt_loss(const struct point *points, int64_t count, double slope, double constant) {
    double loss = 0;
    for (int64_t i = 0; i < count; ++i) {
        double f = points[i].score * slope + constant, t = points[i].target;
        loss += points[i].weight * (f >= 0 ? t * f + log1p(exp(-f)) : (t - 1) * f + log1p(exp(f)));
    }
    return loss;
}

/* One step; returns 1 where the gradient is small or no step helps. */
static int newton_step(const struct point *points, int64_t count, struct curve *curve,
                       double *loss) {
    const double ridge = 1e-12, small = 1e-10;
    double h11 = ridge, h22 = ridge, h21 = 0, g1 = 0, g2 = 0, weight = 0;
    for (int64_t i = 0; i < count; ++i) {
        double z = points[i].score, f = z * curve->slope + curve->constant, w = points[i].weight;
        double p = sigmoid_f64(-f);
        double d1 = w * (points[i].target - p), d2 = w * p * (1 - p);
        h11 += z * z * d2;
        h22 += d2;
        h21 += z * d2;
        g1 += z * d1;
        g2 += d1;
        weight += w;
    }
    if (fabs(g1) < small * weight && fabs(g2) < small * weight) return 1;
    double det = h11 * h22 - h21 * h21;
    double da = -(h22 * g1 - h21 * g2) / det, db = -(h11 * g2 - h21 * g1) / det;
    double descent = g1 * da + g2 * db;
    for (int halvings = 0; halvings <= HALVINGS_MAX; ++halvings) {
        double step = ldexp(1, -halvings);
        double slope = curve->slope + step * da, constant = curve->constant + step * db;
        double next = platt_loss(points, count, slope, constant);
        if (!(next < *loss + 1e-4 * step * descent)) continue;
        curve->slope = slope;
        curve->constant = constant;
        *loss = next;
        return 0;
    }
    return 1;
}

static void fit_platt(struct point *points, int64_t count, struct curve *curve) {
    double positive = 0, negative = 0;
    for (int64_t i = 0; i < count; ++i)
        *(points[i].target > 0.5 ? &positive : &negative) += points[i].weight;
    double high = (positive + 1) / (positive + 2), low = 1 / (negative + 2);
    for (int64_t i = 0; i < count; ++i) {
        points[i].score = log_odds(points[i].score);
        points[i].target = points[i].target > 0.5 ? high : low;
    }
    curve->slope = 0;
    curve->constant = log((negative + 1) / (positive + 1));
    double loss = platt_loss(points, count, curve->slope, curve->constant);
    for (int step = 0; step < NEWTON_STEPS_MAX; ++step)
        if (newton_step(points, count, curve, &loss)) break;
    if (curve->slope <= 0) return;
    /* Scores that speak against the truth: the best map that never falls is a constant. */
    curve->slope = 0;
    curve->constant = log((negative + 1) / (positive + 1));
}

/* Points of one output, rows of weight 0 left out; *ret_has_both: both classes are there. */
static kai_status collect(const double *scores, const double *target, const double *weight,
                          int64_t count, int32_t outputs, int32_t output, struct point *points,
                          int64_t *ret_count, int *ret_has_both, kai_err *err) {
    int64_t kept = 0, positives = 0;
    for (int64_t i = 0; i < count; ++i) {
        double w = weight ? weight[i] : 1, s = scores[i * outputs + output], t = target[i];
        if (w == 0) continue;
        if (!(s >= 0 && s <= 1))
            return err_set(err, KAI_INVALID, "calibrate: the score %g is no probability", s);
        if (!(w > 0) || !isfinite(w))
            return err_set(err, KAI_INVALID, "calibrate: a weight is not a number of 0 or more");
        if (!(t >= 0 && t < (outputs == 1 ? 2 : outputs) && t == floor(t)))
            return err_set(err, KAI_INVALID, "calibrate: the target %g is no class", t);
        int is_positive = outputs == 1 ? t == 1 : (int32_t)t == output;
        positives += is_positive;
        points[kept++] = (struct point){s, is_positive, w};
    }
    if (kept == 0) return err_set(err, KAI_INVALID, "calibrate: no rows");
    *ret_count = kept;
    *ret_has_both = positives > 0 && positives < kept;
    return KAI_OK;
}

static kai_status fit_curves(struct calibrator *calibrator, const double *scores,
                             const double *target, const double *weight, int64_t count,
                             struct point *points, kai_err *err) {
    int32_t outputs = calibrator->outputs;
    for (int32_t k = 0; k < outputs; ++k) {
        int64_t kept = 0;
        int has_both = 0;
        kai_status st =
            collect(scores, target, weight, count, outputs, k, points, &kept, &has_both, err);
        if (!st && !has_both && outputs == 1)
            st = err_set(err, KAI_INVALID, "calibrate: the target has one class only");
        if (!st && calibrator->kind == CALIBRATE_ISOTONIC)
            st = fit_isotonic(points, kept, &calibrator->curves[k], err);
        if (!st && calibrator->kind == CALIBRATE_PLATT)
            fit_platt(points, kept, &calibrator->curves[k]);
        if (st) return st;
    }
    return KAI_OK;
}

static kai_status new_calibrator(enum calibrate_kind kind, int32_t outputs,
                                 struct calibrator **ret_calibrator, kai_err *err) {
    struct calibrator *calibrator = mem_zero(1, sizeof *calibrator);
    if (!calibrator) return err_memory(err, (int64_t)sizeof *calibrator);
    calibrator->kind = kind;
    calibrator->outputs = outputs;
    calibrator->curves = mem_zero((size_t)outputs, sizeof *calibrator->curves);
    if (!calibrator->curves) {
        mem_free(calibrator);
        return err_memory(err, outputs * (int64_t)sizeof(struct curve));
    }
    *ret_calibrator = calibrator;
    return KAI_OK;
}

kai_status calibrate_fit(enum calibrate_kind kind, int32_t outputs, const double *scores,
                         const double *target, const double *weight, int64_t count,
                         struct calibrator **ret_calibrator, kai_err *err) {
    if (kind != CALIBRATE_ISOTONIC && kind != CALIBRATE_PLATT)
        return err_set(err, KAI_INVALID, "calibrate: unknown kind %d", (int)kind);
    if (outputs < 1 || outputs > OUTPUTS_MAX || count < 1)
        return err_set(err, KAI_INVALID, "calibrate: no rows, or a wrong number of outputs");
    struct calibrator *calibrator = NULL;
    struct point *points = mem_array((size_t)count, sizeof *points);
    if (!points) return err_memory(err, count * (int64_t)sizeof *points);
    kai_status st = new_calibrator(kind, outputs, &calibrator, err);
    if (!st) st = fit_curves(calibrator, scores, target, weight, count, points, err);
    mem_free(points);
    if (st) {
        calibrate_free(calibrator);
        return st;
    }
    *ret_calibrator = calibrator;
    return KAI_OK;
}

static double isotonic_value(const struct curve *curve, double score) {
    if (score <= curve->scores[0]) return curve->values[0];
    int64_t low = 0, high = curve->count - 1;
    if (score >= curve->scores[high]) return curve->values[high];
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (curve->scores[middle] <= score)
            low = middle;
        else
            high = middle;
    }
    double share = (score - curve->scores[low]) / (curve->scores[high] - curve->scores[low]);
    double value = curve->values[low] + share * (curve->values[high] - curve->values[low]);
    return fmin(value, curve->values[high]);
}

static double curve_value(const struct calibrator *calibrator, int32_t output, double score) {
    const struct curve *curve = &calibrator->curves[output];
    if (isnan(score)) return score;
    if (calibrator->kind == CALIBRATE_ISOTONIC) return isotonic_value(curve, score);
    return 1 / (1 + exp(log_odds(score) * curve->slope + curve->constant));
}

void calibrate_apply(const struct calibrator *calibrator, int64_t count, double *scores) {
    int32_t outputs = calibrator->outputs;
    for (int64_t i = 0; i < count; ++i) {
        double *row = scores + i * outputs, sum = 0;
        for (int32_t k = 0; k < outputs; ++k) sum += row[k] = curve_value(calibrator, k, row[k]);
        if (outputs == 1) continue;
        /* where every class is impossible, all are equal */
        for (int32_t k = 0; k < outputs; ++k) row[k] = sum > 0 ? row[k] / sum : 1.0 / outputs;
    }
}

void calibrate_save(const struct calibrator *calibrator, struct bytes_writer *writer) {
    bytes_put_i32(writer, (int32_t)calibrator->kind);
    bytes_put_i32(writer, calibrator->outputs);
    for (int32_t k = 0; k < calibrator->outputs; ++k) {
        const struct curve *curve = &calibrator->curves[k];
        bytes_put_i64(writer, curve->count);
        bytes_put_f64s(writer, curve->scores, curve->count);
        bytes_put_f64s(writer, curve->values, curve->count);
        bytes_put_f64(writer, curve->slope);
        bytes_put_f64(writer, curve->constant);
    }
}

static kai_status load_curve(struct bytes_reader *reader, enum calibrate_kind kind,
                             struct curve *curve, kai_err *err) {
    int64_t count = bytes_get_count(reader, POINTS_MAX, 2 * sizeof(double));
    if ((count > 0) != (kind == CALIBRATE_ISOTONIC)) bytes_refuse(reader);
    if (reader->is_short) return bytes_done(reader, err);
    curve->scores = mem_array((size_t)count, sizeof *curve->scores);
    curve->values = mem_array((size_t)count, sizeof *curve->values);
    if (!curve->scores || !curve->values) return err_memory(err, count * 8);
    curve->count = count;
    bytes_get_f64s(reader, curve->scores, count);
    bytes_get_f64s(reader, curve->values, count);
    curve->slope = bytes_get_f64(reader);
    curve->constant = bytes_get_f64(reader);
    for (int64_t i = 0; i < count; ++i) {
        int is_good = isfinite(curve->scores[i]) && curve->values[i] >= 0 && curve->values[i] <= 1;
        if (i > 0)
            is_good &=
                curve->scores[i] > curve->scores[i - 1] && curve->values[i] >= curve->values[i - 1];
        if (!is_good) bytes_refuse(reader);
    }
    if (!(curve->slope <= 0) || !isfinite(curve->slope) || !isfinite(curve->constant))
        bytes_refuse(reader);
    return bytes_done(reader, err);
}

kai_status calibrate_load(struct bytes_reader *reader, struct calibrator **ret_calibrator,
                          kai_err *err) {
    enum { CURVE_BYTES = 24 };
    int32_t kind = bytes_get_i32(reader), outputs = bytes_get_i32(reader);
    if (kind < 0 || kind >= CALIBRATE_KINDS || outputs < 1 || outputs > OUTPUTS_MAX ||
        (size_t)outputs > (reader->size - reader->at) / CURVE_BYTES)
        bytes_refuse(reader);
    kai_status st = bytes_done(reader, err);
    if (st) return st;
    struct calibrator *calibrator = NULL;
    st = new_calibrator((enum calibrate_kind)kind, outputs, &calibrator, err);
    for (int32_t k = 0; k < outputs && !st; ++k)
        st = load_curve(reader, (enum calibrate_kind)kind, &calibrator->curves[k], err);
    if (st) {
        calibrate_free(calibrator);
        return st;
    }
    *ret_calibrator = calibrator;
    return KAI_OK;
}

void calibrate_describe(const struct calibrator *calibrator, struct json_writer *json) {
    json_key_text(json, "kind", calibrate_kind_text(calibrator->kind));
    json_key(json, calibrator->kind == CALIBRATE_ISOTONIC ? "points" : "parameters");
    json_array(json);
    for (int32_t k = 0; k < calibrator->outputs; ++k) {
        const struct curve *curve = &calibrator->curves[k];
        if (calibrator->kind == CALIBRATE_ISOTONIC) {
            json_i64(json, curve->count);
            continue;
        }
        json_object(json);
        json_key_f64(json, "a", curve->slope);
        json_key_f64(json, "b", curve->constant);
        json_end(json);
    }
    json_end(json);
}
