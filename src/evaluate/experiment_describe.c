#include "evaluate/describe.h"
#include "evaluate/experiment.h"

static void describe_effect(struct json_writer *json, const struct experiment_effect *effect,
                            int is_anytime) {
    estimate_describe(json, "effect", is_anytime ? &effect->anytime : &effect->fixed);
    json_key_f64(json, "p", is_anytime ? effect->p_anytime : effect->p_fixed);
    estimate_describe(json, "relative", &effect->relative);
    json_key(json, "fixed");
    json_object(json);
    estimate_describe(json, "effect", &effect->fixed);
    json_key_f64(json, "p", effect->p_fixed);
    json_key_f64(json, "error", effect->error);
    json_key_f64(json, "detectable", effect->detectable);
    json_end(json);
    json_key(json, "anytime");
    json_object(json);
    estimate_describe(json, "effect", &effect->anytime);
    json_key_f64(json, "p", effect->p_anytime);
    json_end(json);
    if (effect->posterior.n == 0) return;
    json_key(json, "bayes");
    json_object(json);
    estimate_describe(json, "effect", &effect->posterior);
    json_key_f64(json, "better", effect->better);
    json_end(json);
}

void experiment_describe(struct json_writer *json, const struct experiment *experiment,
                         const struct experiment_result *result, int is_anytime) {
    json_key_text(json, "name", result->name);
    json_key_text(json, "kind", metric_kind_text(result->kind));
    json_key_i64(json, "missing", result->missing);
    json_key_f64(json, "winsorised_at", result->cap);
    json_key_f64(json, "explained", result->explained);
    json_key(json, "arms");
    json_object(json);
    for (int32_t a = 0; a < result->arms; a++) {
        json_key(json, experiment->arm_names[a]);
        json_object(json);
        estimate_describe(json, "level", &result->arm[a].level);
        if (a > 0) describe_effect(json, &result->arm[a], is_anytime);
        json_end(json);
    }
    json_end(json);
}
