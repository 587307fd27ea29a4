#include "evaluate/describe.h"

static void open_object(struct json_writer *json, const char *key) {
    if (key) json_key(json, key);
    json_object(json);
}

static void open_array(struct json_writer *json, const char *key) {
    if (key) json_key(json, key);
    json_array(json);
}

static void write_members(struct json_writer *json, const struct estimate *estimate) {
    json_key_f64(json, "value", estimate->value);
    json_key_f64(json, "low", estimate->low);
    json_key_f64(json, "high", estimate->high);
    json_key_i64(json, "n", estimate->n);
    json_key_text(json, "method", estimate->method);
}

void estimate_describe(struct json_writer *json, const char *key, const struct estimate *estimate) {
    open_object(json, key);
    write_members(json, estimate);
    json_end(json);
}

void arm_outcome_describe(struct json_writer *json, const char *key,
                          const struct arm_outcome *outcome) {
    open_object(json, key);
    json_key_i64(json, "n", outcome->mean.n);
    json_key_f64(json, "mean", outcome->mean.value);
    json_key_f64(json, "low", outcome->mean.low);
    json_key_f64(json, "high", outcome->mean.high);
    json_key_f64(json, "deviation", outcome->deviation);
    json_key_i64(json, "missing", outcome->missing);
    estimate_describe(json, "effect", &outcome->effect);
    json_key_f64(json, "p", outcome->p);
    json_end(json);
}

static void write_warnings(struct json_writer *json, uint32_t warnings) {
    static const struct {
        uint32_t flag;
        const char *text;
    } texts[] = {
        {POLICY_WARN_PROPENSITY, "over 1 % of the rows have a propensity below 0.01"},
        {POLICY_WARN_TOP, "the largest 1 % of the weights hold over 10 % of all weight"},
        {POLICY_WARN_EFFECTIVE, "the effective sample is below 100 or 5 % of the rows"},
        {POLICY_WARN_WEIGHT, "the mean weight is not 1: the propensities are wrong"},
    };
    open_array(json, "warnings");
    for (int i = 0; i < 4; i++)
        if (warnings & texts[i].flag) json_text(json, texts[i].text);
    json_end(json);
}

void policy_describe(struct json_writer *json, const char *key, const struct policy_value *value,
                     int64_t rows) {
    open_object(json, key);
    json_key_text(json, "name", value->name);
    open_object(json, "estimates");
    for (int e = POLICY_ESTIMATORS - 1; e >= 0; e--) {
        open_object(json, policy_estimator_text((enum policy_estimator)e));
        write_members(json, &value->gain[e]);
        json_key_f64(json, "total", value->gain[e].value * (double)rows);
        json_end(json);
    }
    json_end(json);
    open_object(json, "values");
    for (int e = POLICY_ESTIMATORS - 1; e >= 0; e--)
        estimate_describe(json, policy_estimator_text((enum policy_estimator)e), &value->value[e]);
    json_end(json);
    json_key_f64(json, "cost", value->cost);
    json_key_f64(json, "treated_share", value->treated_share);
    json_key_f64(json, "effective_sample", value->effective_sample);
    open_object(json, "overlap");
    json_key_f64(json, "effective_share", value->effective_share);
    json_key_i64(json, "matched", value->matched);
    json_key_f64(json, "weight_mean", value->weight_mean);
    json_key_f64(json, "weight_max", value->weight_max);
    json_key_f64(json, "weight_top_share", value->weight_top_share);
    json_key_f64(json, "propensity_min", value->propensity_min);
    json_key_f64(json, "propensity_low_share", value->propensity_low_share);
    json_end(json);
    write_warnings(json, value->warnings);
    json_end(json);
}

static void write_points(struct json_writer *json, const char *key,
                         const struct uplift_curve *curve, int is_excess) {
    open_array(json, key);
    for (int32_t i = 0; i < curve->count; i++) {
        const struct uplift_point *point = &curve->points[i];
        const struct estimate *at = is_excess ? &point->excess : &point->gain;
        json_array(json);
        json_f64(json, point->share);
        json_f64(json, at->value);
        json_f64(json, at->low);
        json_f64(json, at->high);
        json_end(json);
    }
    json_end(json);
}

void uplift_describe(struct json_writer *json, const char *key, const struct uplift_curve *curve) {
    static const char *const shares[UPLIFT_TOPS] = {"10", "20", "30"};
    open_object(json, key);
    estimate_describe(json, "effect", &curve->effect);
    estimate_describe(json, "qini", &curve->qini);
    estimate_describe(json, "auuc", &curve->auuc);
    open_object(json, "top");
    for (int i = 0; i < UPLIFT_TOPS; i++) estimate_describe(json, shares[i], &curve->top[i]);
    json_end(json);
    write_points(json, "points", curve, 0);
    write_points(json, "qini_points", curve, 1);
    json_end(json);
}

void reliability_describe(struct json_writer *json, const char *key,
                          const struct reliability *reliability) {
    open_object(json, key);
    estimate_describe(json, "bias", &reliability->bias);
    estimate_describe(json, "slope", &reliability->slope);
    json_key_f64(json, "error", reliability->error);
    open_array(json, "bins");
    for (int32_t i = 0; i < reliability->count; i++) {
        json_object(json);
        json_key_f64(json, "predicted", reliability->bins[i].predicted);
        estimate_describe(json, "observed", &reliability->bins[i].observed);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void write_group(struct json_writer *json, const struct fairness_group *group) {
    json_object(json);
    json_key_text(json, "group", group->name);
    json_key_i64(json, "n", group->n);
    json_key_f64(json, "row_share", group->row_share);
    estimate_describe(json, "treated_share", &group->treated_share);
    estimate_describe(json, "value_share", &group->value_share);
    estimate_describe(json, "value_mean", &group->value_mean);
    estimate_describe(json, "effect_predicted", &group->effect_predicted);
    estimate_describe(json, "effect_observed", &group->effect_observed);
    estimate_describe(json, "calibration", &group->calibration);
    estimate_describe(json, "error", &group->error);
    json_key_bool(json, "is_small", group->is_small);
    json_key_bool(json, "is_miscalibrated", group->is_miscalibrated);
    json_end(json);
}

void fairness_describe(struct json_writer *json, const char *key,
                       const struct fairness_audit *audit) {
    open_object(json, key);
    open_array(json, "groups");
    for (int32_t g = 0; g < audit->count; g++) write_group(json, &audit->groups[g]);
    json_end(json);
    estimate_describe(json, "treated_gap", &audit->treated_gap);
    estimate_describe(json, "value_gap", &audit->value_gap);
    estimate_describe(json, "error_gap", &audit->error_gap);
    estimate_describe(json, "calibration_gap", &audit->calibration_gap);
    json_key_f64(json, "treated_ratio", audit->treated_ratio);
    json_key_bool(json, "is_below_four_fifths", audit->is_below_four_fifths);
    json_key_bool(json, "is_gap_above", audit->is_gap_above);
    json_key_bool(json, "is_gap_surely_above", audit->is_gap_surely_above);
    json_key_f64(json, "limit", audit->limit);
    json_end(json);
}

void leaks_describe(struct json_writer *json, const char *key, const struct leak *leaks,
                    int32_t count) {
    open_array(json, key);
    for (int32_t i = 0; i < count; i++) {
        if (!leaks[i].is_leak) continue;
        json_object(json);
        json_key_text(json, "column", leaks[i].column);
        json_key_text(json, "test", leaks[i].test);
        json_key_f64(json, "statistic", leaks[i].statistic);
        json_key_f64(json, "p", leaks[i].p);
        json_key_f64(json, "p_adjusted", leaks[i].p_adjusted);
        json_end(json);
    }
    json_end(json);
}

void shift_describe(struct json_writer *json, const char *key, const struct shift *shifts,
                    int32_t count) {
    open_array(json, key);
    for (int32_t i = 0; i < count; i++) {
        if (shifts[i].size == SHIFT_NONE) continue;
        json_object(json);
        json_key_text(json, "column", shifts[i].column);
        json_key_text(json, "size", shift_size_text(shifts[i].size));
        json_key_text(json, "test", shifts[i].test);
        json_key_f64(json, "psi", shifts[i].psi);
        json_key_f64(json, "distance", shifts[i].distance);
        json_key_f64(json, "p_adjusted", shifts[i].p_adjusted);
        json_key_f64(json, "mean_history", shifts[i].mean_history);
        json_key_f64(json, "mean_customers", shifts[i].mean_customers);
        json_key_f64(json, "missing_history", shifts[i].missing_history);
        json_key_f64(json, "missing_customers", shifts[i].missing_customers);
        json_key_f64(json, "unseen_share", shifts[i].unseen_share);
        json_end(json);
    }
    json_end(json);
}
