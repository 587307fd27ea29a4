#include "evaluate/decision.h"

#include <math.h>

#include "base/alloc.h"
#include "evaluate/stat.h"

const char *decision_guard_text(enum decision_guard guard) {
    static const char *const TEXTS[] = {"passes", "uncertain", "fails"};
    return TEXTS[guard];
}

void decision_release(struct decision *decision) {
    mem_free(decision->adjusted);
    mem_free(decision->guards);
    *decision = (struct decision){0};
}

static const struct estimate *effect_of(const struct decision_metric *metric, int32_t arm,
                                        const struct decision_options *options) {
    const struct experiment_effect *effect = &metric->result->arm[arm];
    return options->is_anytime ? &effect->anytime : &effect->fixed;
}

/* Non-inferiority: the bad end of the interval stays within the margin. */
static enum decision_guard guard_of(const struct decision_metric *metric, int32_t arm,
                                    const struct decision_options *options) {
    const struct estimate *effect = effect_of(metric, arm, options);
    double room = options->margin * fabs(metric->result->arm[0].level.value);
    double worst = metric->is_lower_better ? -effect->high : effect->low;
    double best = metric->is_lower_better ? -effect->low : effect->high;
    if (worst > -room || (room > 0 && worst >= -room)) return GUARD_PASSES;
    return best < -room ? GUARD_FAILS : GUARD_UNCERTAIN;
}

/* 1: better, -1: worse, 0: not told apart. */
static int direction_of(const struct decision_metric *metric, int32_t arm, double adjusted,
                        const struct decision_options *options) {
    double value = effect_of(metric, arm, options)->value;
    if (!(adjusted < 1 - options->confidence) || value == 0) return 0;
    return (value > 0) == !metric->is_lower_better ? 1 : -1;
}

static void correct(const double *p, int32_t count, enum decision_correction correction,
                    int32_t *order, double *ret_adjusted) {
    if (correction == DECISION_HOLM) stat_holm(p, count, order, ret_adjusted);
    if (correction == DECISION_BH) stat_benjamini_hochberg(p, count, order, ret_adjusted);
    for (int32_t i = 0; correction == DECISION_UNCORRECTED && i < count; i++)
        ret_adjusted[i] = p[i];
}

/* Correct the p-values of the main metrics together, and put them back at their places. */
static kai_status adjust_all(const struct decision_metric *metrics, int32_t count, int32_t arms,
                             const struct decision_options *options, struct decision *decision,
                             kai_err *err) {
    size_t cells = (size_t)count * (size_t)arms;
    double *p = mem_array(cells * 2, sizeof *p), *fixed = p + cells;
    int32_t *order = mem_array(cells, sizeof *order), used = 0;
    kai_status st = p && order ? KAI_OK : err_memory(err, (int64_t)(cells * 2 * sizeof *p));
    for (int32_t m = 0; !st && m < count; m++)
        for (int32_t a = 1; a < arms && !metrics[m].is_guard; a++)
            p[used++] = options->is_anytime ? metrics[m].result->arm[a].p_anytime
                                            : metrics[m].result->arm[a].p_fixed;
    if (!st) correct(p, used, options->correction, order, fixed);
    used = 0;
    for (int32_t m = 0; !st && m < count; m++)
        for (int32_t a = 0; a < arms; a++)
            decision->adjusted[m * arms + a] = metrics[m].is_guard || a == 0 ? NAN : fixed[used++];
    mem_free(p);
    mem_free(order);
    return st;
}

/* Whether an arm may win: better by the first main metric, worse by none, past every guard-rail. */
static int judge(const struct decision_metric *metrics, int32_t count, int32_t arm, int32_t arms,
                 const struct decision_options *options, const struct decision *decision,
                 int *ret_first, int *ret_blocked) {
    int is_first = 1;
    *ret_first = 0;
    *ret_blocked = 0;
    for (int32_t m = 0; m < count; m++) {
        if (metrics[m].is_guard) {
            if (decision->guards[m * arms + arm] != GUARD_PASSES) *ret_blocked = 1;
            continue;
        }
        int direction = direction_of(&metrics[m], arm, decision->adjusted[m * arms + arm], options);
        if (is_first) *ret_first = direction;
        if (!is_first && direction < 0) *ret_blocked = 1;
        is_first = 0;
    }
    return *ret_first > 0 && !*ret_blocked;
}

static void choose(const struct decision_metric *metrics, int32_t count, int32_t arms,
                   const struct decision_options *options, struct decision *decision) {
    int32_t first = 0, worse = 0, blocked_winners = 0;
    double best = -INFINITY;
    while (first < count && metrics[first].is_guard) first++;
    for (int32_t a = 1; a < arms; a++) {
        int direction, is_blocked;
        int wins = judge(metrics, count, a, arms, options, decision, &direction, &is_blocked);
        double value = first < count ? effect_of(&metrics[first], a, options)->value : 0;
        if (first < count && metrics[first].is_lower_better) value = -value;
        worse += direction < 0;
        blocked_winners += direction > 0 && is_blocked;
        if (wins && value > best) {
            best = value;
            decision->winner = a;
        }
    }
    if (decision->winner > 0) {
        decision->reason = "better than control by the first metric, and nothing speaks against it";
    } else if (blocked_winners) {
        decision->reason =
            "better by the first metric, but another metric or a guard-rail is not "
            "shown to be safe";
    } else if (worse == arms - 1) {
        decision->winner = 0;
        decision->reason = "every other arm is worse than control by the first metric";
    } else {
        decision->reason = "no arm is told apart from control by the first metric";
    }
}

kai_status decision_make(const struct decision_metric *metrics, int32_t count,
                         const struct experiment_srm *srm, const struct decision_options *options,
                         struct decision *ret_decision, kai_err *err) {
    struct decision decision = {.winner = -1};
    int32_t arms = metrics[0].result->arms;
    size_t cells = (size_t)count * (size_t)arms;
    decision.adjusted = mem_array(cells, sizeof *decision.adjusted);
    decision.guards = mem_array(cells, sizeof *decision.guards);
    kai_status st = decision.adjusted && decision.guards
                        ? KAI_OK
                        : err_memory(err, (int64_t)(cells * sizeof(double)));
    if (!st) st = adjust_all(metrics, count, arms, options, &decision, err);
    for (int32_t m = 0; !st && m < count; m++)
        for (int32_t a = 0; a < arms; a++)
            decision.guards[m * arms + a] =
                metrics[m].is_guard && a > 0 ? guard_of(&metrics[m], a, options) : GUARD_PASSES;
    if (st) {
        decision_release(&decision);
        return st;
    }
    decision.is_srm_broken = srm->p < options->srm;
    decision.is_srm_warning = !decision.is_srm_broken && srm->p < options->srm_warning;
    if (decision.is_srm_broken)
        decision.reason =
            "the arms do not have the sizes that were planned: find out why before "
            "anything is read from this experiment";
    else
        choose(metrics, count, arms, options, &decision);
    *ret_decision = decision;
    return KAI_OK;
}
