#include "evaluate/power.h"

#include <math.h>

#include "evaluate/power_path.h"
#include "evaluate/stat.h"

#define UNITS_MAX 1e15 /* counts above are no longer exact doubles */
enum { T_POINTS = 600, STEPS = 200 };

double power_proportion(double rate_0, double rate_1, double n_0, double n_1, double level,
                        enum power_formula formula) {
    double z = stat_normal_quantile(1 - level / 2);
    if (formula == POWER_ARCSINE) {
        double h = 2 * asin(sqrt(rate_1)) - 2 * asin(sqrt(rate_0));
        double shift = h / sqrt(1 / n_0 + 1 / n_1);
        return stat_normal_tail(z - shift) + stat_normal_tail(z + shift);
    }
    double pooled = (rate_0 * n_0 + rate_1 * n_1) / (n_0 + n_1);
    double none = sqrt(pooled * (1 - pooled) * (1 / n_0 + 1 / n_1));
    double some = sqrt(rate_0 * (1 - rate_0) / n_0 + rate_1 * (1 - rate_1) / n_1);
    double difference = rate_1 - rate_0;
    return stat_normal_tail((z * none - difference) / some) +
           stat_normal_tail((z * none + difference) / some);
}

/* The t statistic is (Z + shift) / s, where s is the estimated sd over the true one: integrate the
 * normal tail over the density of s (chi over its root of freedom), by Simpson's rule. */
static double t_power(double shift, double freedom, double level) {
    double critical = stat_t_quantile(1 - level / 2, freedom), sum = 0, mass = 0;
    double reach = 12 / sqrt(2 * freedom), low = fmax(-1 + 1e-12, -reach);
    double step = (reach - low) / T_POINTS;
    for (int i = 0; i <= T_POINTS; i++) {
        double e = low + i * step, s = 1 + e;
        double weight = exp((freedom - 1) * log1p(e) - freedom * e - freedom * e * e / 2);
        weight *= i == 0 || i == T_POINTS ? 1 : i % 2 ? 4 : 2;
        sum += weight *
               (stat_normal_tail(critical * s - shift) + stat_normal_tail(critical * s + shift));
        mass += weight;
    }
    return sum / mass;
}

double power_mean(double effect, double sd, double n_0, double n_1, double level) {
    double shift = effect / (sd * sqrt(1 / n_0 + 1 / n_1)), freedom = n_0 + n_1 - 2;
    if (freedom < 1e7) return freedom >= 1 ? t_power(shift, freedom, level) : 0;
    double z = stat_normal_quantile(1 - level / 2);
    return stat_normal_tail(z - shift) + stat_normal_tail(z + shift);
}

static kai_status refuse(kai_err *err, const char *what, double got) {
    return err_set(err, KAI_INVALID, "%s, got %.17g", what, got);
}

static kai_status check_shares(const struct power_plan *plan, kai_err *err) {
    double sum = 0;
    if (plan->arms < 2 || plan->arms > POWER_ARMS)
        return err_set(err, KAI_INVALID, "expected 2 to %d arms with control, got %d", POWER_ARMS,
                       (int)plan->arms);
    for (int32_t a = 0; plan->share && a < plan->arms; a++) {
        if (!(plan->share[a] > 0))
            return refuse(err, "every arm's share must be above 0", plan->share[a]);
        sum += plan->share[a];
    }
    if (plan->share && !(fabs(sum - 1) <= 1e-6))
        return refuse(err, "the arms' shares must add up to 1", sum);
    return KAI_OK;
}

static kai_status check_goal(const struct power_plan *plan, kai_err *err) {
    int is_units = !isnan(plan->units), is_effect = !isnan(plan->effect);
    if (!(plan->alpha > 0 && plan->alpha < 1))
        return refuse(err, "alpha must lie above 0 and below 1", plan->alpha);
    if (!isnan(plan->power) && !(plan->power > 0 && plan->power < 1))
        return refuse(err, "power must lie above 0 and below 1", plan->power);
    if (!isnan(plan->power) && plan->power <= plan->alpha)
        return refuse(err, "power must be above alpha", plan->power);
    if (!is_units && !is_effect)
        return err_set(err, KAI_INVALID, "an effect or a number of units must be given");
    if (isnan(plan->power) != (is_units && is_effect))
        return err_set(err, KAI_INVALID, "two of effect, units and power must be given");
    if (is_units && !(plan->units >= 2.0 * plan->arms && plan->units <= UNITS_MAX))
        return refuse(err, "units must be two an arm or more, and at most 1e15", plan->units);
    if (is_effect && (plan->effect == 0 || isinf(plan->effect)))
        return refuse(err, "the effect must be a finite number other than 0", plan->effect);
    if (!(plan->daily >= 0) || isinf(plan->daily))
        return refuse(err, "units a day must be a number, 0 or more", plan->daily);
    if (!(plan->horizon >= 0) || isinf(plan->horizon))
        return refuse(err, "the horizon must be a number, 0 or more", plan->horizon);
    return KAI_OK;
}

static kai_status check(const struct power_plan *plan, kai_err *err) {
    kai_status st = check_shares(plan, err);
    if (!st) st = check_goal(plan, err);
    if (st) return st;
    if (plan->metric == POWER_MEAN) {
        if (plan->sd > 0 && isfinite(plan->sd)) return KAI_OK;
        return refuse(err, "the standard deviation must be a number above 0", plan->sd);
    }
    if (!(plan->baseline > 0 && plan->baseline < 1))
        return refuse(err, "the baseline must be a rate above 0 and below 1", plan->baseline);
    double rate = plan->baseline + plan->effect;
    if (!isnan(rate) && !(rate > 0 && rate < 1))
        return refuse(err, "baseline and effect must add up to a rate above 0 and below 1", rate);
    return KAI_OK;
}

static double share_of(const struct power_plan *plan, int32_t arm) {
    return plan->share ? plan->share[arm] : 1.0 / plan->arms;
}

/* Of the treated arms: the one with the lowest power. */
static double smallest_share(const struct power_plan *plan) {
    double least = 1;
    for (int32_t a = 1; a < plan->arms; a++) least = fmin(least, share_of(plan, a));
    return least;
}

static double level_of(const struct power_plan *plan) {
    return plan->is_corrected ? plan->alpha / (plan->arms - 1) : plan->alpha;
}

static double one_look(const struct power_plan *plan, double units, double effect) {
    double n_0 = units * share_of(plan, 0), n_1 = units * smallest_share(plan);
    double level = level_of(plan), rate = plan->baseline;
    if (plan->metric == POWER_MEAN) return power_mean(effect, plan->sd, n_0, n_1, level);
    return power_proportion(rate, rate + effect, n_0, n_1, level, plan->formula);
}

/* The z-statistic of the compared pair of arms, by its units. */
static struct power_path path_of(const struct power_plan *plan, double effect, double power) {
    double control = share_of(plan, 0), other = smallest_share(plan), pair = control + other;
    double rate = plan->baseline + effect, var_0 = plan->sd * plan->sd, var_1 = var_0;
    if (plan->metric == POWER_PROPORTION) {
        var_0 = plan->baseline * (1 - plan->baseline);
        var_1 = rate * (1 - rate);
    }
    double variance = var_0 * pair / control + var_1 * pair / other;
    double level = level_of(plan);
    double z = stat_normal_quantile(1 - level / 2) + stat_normal_quantile(power);
    return (struct power_path){.drift = effect * effect / variance,
                               .one_look = z * z * variance / (effect * effect),
                               .level = level,
                               .horizon = plan->horizon,
                               .spacing = plan->daily * pair,
                               .smallest = fmin(control, other) / pair,
                               .pair = pair,
                               .seed = plan->seed};
}

typedef kai_status (*power_fn)(const struct power_plan *plan, double units, double effect,
                               double *ret_power, kai_err *err);

static kai_status fixed_power(const struct power_plan *plan, double units, double effect,
                              double *ret_power, kai_err *err) {
    (void)err;
    *ret_power = one_look(plan, units, effect);
    return KAI_OK;
}

static kai_status anytime_power(const struct power_plan *plan, double units, double effect,
                                double *ret_power, kai_err *err) {
    /* looks and horizon are set for the power wanted, or where it is asked for, for 80 % */
    struct power_path path = path_of(plan, effect, isnan(plan->power) ? 0.8 : plan->power);
    struct power_stops stops;
    kai_status st = power_path_stop_by(&path, units * path.pair, &stops, err);
    if (!st) *ret_power = stops.power;
    return st;
}

static kai_status solve_units(const struct power_plan *plan, double *ret_units, kai_err *err) {
    double low = log(2.0 * plan->arms), high = log(UNITS_MAX);
    if (one_look(plan, UNITS_MAX, plan->effect) < plan->power)
        return err_set(err, KAI_INFEASIBLE, "no number of units up to 1e15 finds the effect %.6g",
                       plan->effect);
    for (int i = 0; i < STEPS; i++) {
        double middle = (low + high) / 2;
        if (one_look(plan, exp(middle), plan->effect) < plan->power)
            low = middle;
        else
            high = middle;
    }
    *ret_units = exp(high);
    return KAI_OK;
}

/* The smallest rise; a simulated power is a step function: 40 halvings are finer than its steps. */
static kai_status solve_effect(const struct power_plan *plan, double *ret_effect, kai_err *err) {
    power_fn power_at = plan->is_anytime ? anytime_power : fixed_power;
    int is_mean = plan->metric == POWER_MEAN, steps = plan->is_anytime ? 40 : STEPS;
    double low = 0, power = 0, high = is_mean ? plan->sd : (1 - plan->baseline) * (1 - 1e-9);
    kai_status st = power_at(plan, plan->units, high, &power, err);
    for (int i = 0; !st && is_mean && power < plan->power && i < STEPS; i++) {
        high *= 2;
        st = power_at(plan, plan->units, high, &power, err);
    }
    if (!st && power < plan->power)
        return err_set(err, KAI_INFEASIBLE,
                       "%.0f units find no effect, however large, with power %.6g", plan->units,
                       plan->power);
    for (int i = 0; !st && i < steps; i++) {
        double middle = (low + high) / 2;
        st = power_at(plan, plan->units, middle, &power, err);
        *(power < plan->power ? &low : &high) = middle;
    }
    if (!st) *ret_effect = high;
    return st;
}

static void round_up(const struct power_plan *plan, double units, struct power_answer *answer) {
    answer->units = 0;
    for (int32_t a = 0; a < plan->arms; a++) {
        double exact = units * share_of(plan, a);
        answer->arm_units[a] = ceil(exact * (1 - 1e-12));
        answer->units += answer->arm_units[a];
    }
}

static kai_status finish_anytime(const struct power_plan *plan, double wanted,
                                 struct power_answer *answer, kai_err *err) {
    struct power_path path = path_of(plan, answer->effect, wanted);
    struct power_stops stops;
    kai_status st = KAI_OK;
    if (isnan(plan->units)) {
        st = power_path_stop_with(&path, plan->power, &stops, err);
        if (!st) round_up(plan, stops.units / path.pair, answer);
    }
    if (!st) st = power_path_stop_by(&path, answer->units * path.pair, &stops, err);
    if (st) return st;
    answer->power = stops.power;
    answer->expected = stops.expected / path.pair;
    answer->horizon = path.horizon > 0 ? path.horizon : path.one_look;
    answer->one_look = path.one_look / path.pair;
    return KAI_OK;
}

kai_status power_solve(const struct power_plan *plan, struct power_answer *ret, kai_err *err) {
    struct power_answer answer = {
        .effect = plan->effect, .days = NAN, .horizon = NAN, .expected = NAN, .one_look = NAN};
    double units = plan->units;
    kai_status st = check(plan, err);
    if (st) return st;
    answer.level = level_of(plan);
    if (isnan(plan->effect)) st = solve_effect(plan, &answer.effect, err);
    if (!st && isnan(units) && !plan->is_anytime) st = solve_units(plan, &units, err);
    if (!st && !isnan(units)) round_up(plan, units, &answer);
    if (!st && plan->is_anytime)
        st = finish_anytime(plan, isnan(plan->power) ? 0.8 : plan->power, &answer, err);
    if (st) return st;
    if (!plan->is_anytime) answer.power = one_look(plan, answer.units, answer.effect);
    if (plan->daily > 0) answer.days = ceil(answer.units / plan->daily);
    *ret = answer;
    return KAI_OK;
}
