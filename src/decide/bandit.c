#include "decide/bandit.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/rng.h"
#include "decide/bandit_parts.h"

static const char *const METHODS[BANDIT_METHODS] = {"greedy", "ucb", "thompson", "square"};

const char *bandit_method_text(enum bandit_method method) {
    return (uint32_t)method < BANDIT_METHODS ? METHODS[method] : NULL;
}

int bandit_parse_method(const char *text, enum bandit_method *ret_method) {
    for (int32_t i = 0; i < BANDIT_METHODS; i++)
        if (strcmp(text, METHODS[i]) == 0) {
            *ret_method = (enum bandit_method)i;
            return 1;
        }
    return 0;
}

void bandit_options_init(struct bandit_options *options) {
    *options = (struct bandit_options){.method = BANDIT_THOMPSON,
                                       .epsilon = 0.1,
                                       .width = 1,
                                       .gamma = 1,
                                       .ridge = 1,
                                       .noise = 1,
                                       .discount = 1,
                                       .budget = INFINITY,
                                       .seed = 42};
}

static int is_between(double value, double low, double high) {
    return value >= low && value <= high;
}

static kai_status check_options(const struct bandit_options *o, kai_err *err) {
    const struct {
        int is_good;
        const char *what;
    } rules[] = {
        {(uint32_t)o->method < BANDIT_METHODS && (uint32_t)o->model < BANDIT_MODELS,
         "method, model"},
        {o->actions >= 1 && o->actions <= CAPS_OFFERS, "actions: expected 1 to 512"},
        {o->features >= 1 && o->features <= CAPS_BANDIT_FEATURES, "features: expected 1 to 4096"},
        {is_between(o->epsilon, 0, 1), "epsilon: expected 0 to 1"},
        {is_between(o->width, 0, 1e6), "width: expected 0 to 1e6"},
        {is_between(o->gamma, 0, 1e9), "gamma: expected 0 to 1e9"},
        {is_between(o->ridge, 1e-9, 1e9), "ridge: expected 1e-9 to 1e9"},
        {is_between(o->noise, 1e-9, 1e9), "noise: expected 1e-9 to 1e9"},
        {is_between(o->discount, 0.5, 1), "discount: expected 0.5 to 1"},
        {o->window >= 0 && o->window <= CAPS_BANDIT_WINDOW, "window: expected 0 to 100 million"},
        {is_between(o->floor, 0, 1.0 / (o->actions > 0 ? o->actions : 1)),
         "floor: expected 0 to 1 / actions"},
        {o->budget >= 0, "budget: expected 0 or more"},
        {o->horizon >= 0, "horizon: expected 0 or more"},
        {o->window == 0 || o->discount == 1, "window and discount: only one of the two"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].is_good) return err_set(err, KAI_INVALID, "bandit: %s", rules[i].what);
    return KAI_OK;
}

static kai_status take_memory(struct bandit *bandit, kai_err *err) {
    const struct bandit_options *o = &bandit->options;
    size_t features = (size_t)o->features, actions = (size_t)o->actions;
    size_t each = (size_t)belief_numbers(o->features), window = (size_t)o->window;
    size_t work = features + features * features;
    double bytes = (double)each * bandit->beliefs * 8 + (double)window * (double)(features + 3) * 8;
    if (bytes > (double)CAPS_BUF_BYTES)
        return err_set(err, KAI_LIMIT, "bandit: %.1f GiB of beliefs, at most 4", bytes / (1 << 30));
    bandit->belief = mem_zero((size_t)bandit->beliefs, sizeof *bandit->belief);
    bandit->numbers = mem_array(each * (size_t)bandit->beliefs, sizeof *bandit->numbers);
    bandit->scratch = mem_zero(6 * actions + EXPLORE_NODES + work, sizeof *bandit->scratch);
    bandit->is_allowed = mem_zero(actions, 1);
    bandit->window_context = mem_zero(window * features, sizeof *bandit->window_context);
    bandit->window_term = mem_zero(window, sizeof *bandit->window_term);
    bandit->window_belief = mem_zero(window, sizeof *bandit->window_belief);
    if (!bandit->belief || !bandit->numbers || !bandit->scratch || !bandit->is_allowed ||
        !bandit->window_context || !bandit->window_term || !bandit->window_belief)
        return err_memory(err, (int64_t)bytes);
    bandit->mean = bandit->scratch + 3 * actions + EXPLORE_NODES; /* before it: explore's */
    bandit->sd = bandit->mean + actions;
    bandit->probability = bandit->sd + actions;
    bandit->work = bandit->probability + actions;
    return KAI_OK;
}

kai_status bandit_new(const struct bandit_options *options, struct bandit **ret_bandit,
                      kai_err *err) {
    kai_status st = check_options(options, err);
    if (st) return st;
    struct bandit *bandit = mem_zero(1, sizeof *bandit);
    if (!bandit) return err_memory(err, sizeof *bandit);
    bandit->options = *options;
    bandit->beliefs = options->is_shared ? 1 : options->actions;
    st = take_memory(bandit, err);
    if (st) {
        bandit_free(bandit);
        return st;
    }
    int64_t each = belief_numbers(options->features);
    for (int32_t i = 0; i < bandit->beliefs; i++)
        belief_init(&bandit->belief[i], options->features, options->ridge,
                    bandit->numbers + i * each);
    explore_normals(bandit->normal);
    *ret_bandit = bandit;
    return KAI_OK;
}

void bandit_free(struct bandit *bandit) {
    if (!bandit) return;
    mem_free(bandit->belief);
    mem_free(bandit->numbers);
    mem_free(bandit->scratch);
    mem_free(bandit->is_allowed);
    mem_free(bandit->window_context);
    mem_free(bandit->window_term);
    mem_free(bandit->window_belief);
    mem_free(bandit);
}

/* The chance at a logit. */
static double chance(double z) { return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z)); }

static double squared_length(const double *x, int32_t count) {
    double sum = 0;
    for (int32_t i = 0; i < count; i++) sum += x[i] * x[i];
    return sum;
}

void bandit_predict(const struct bandit *bandit, const double *context, int32_t action,
                    double *ret_mean, double *ret_sd) {
    const struct bandit_options *o = &bandit->options;
    const struct belief *belief = &bandit->belief[o->is_shared ? 0 : action];
    double variance = 0, z = belief_predict(belief, context, &variance);
    if (o->discount < 1 && bandit->decisions > belief->last_tick) { /* what was known has aged */
        double aged = variance / pow(o->discount, (double)(bandit->decisions - belief->last_tick));
        variance = fmin(aged, squared_length(context, o->features) / o->ridge);
    }
    *ret_mean = z;
    *ret_sd = sqrt(variance);
    if (o->model == BANDIT_LINEAR) return;
    /* the mean of the chance under a normal logit (MacKay 1992), its sd by the delta method */
    static const double MACKAY = 0.39269908169872414; /* pi / 8 */
    double p = chance(z / sqrt(1 + MACKAY * variance));
    *ret_mean = p;
    *ret_sd *= p * (1 - p);
}

/* Scores of all actions, and which are allowed. Fails on numbers that are none. */
static kai_status score(struct bandit *bandit, const struct bandit_request *request, kai_err *err) {
    const struct bandit_options *o = &bandit->options;
    double left = o->budget - bandit->purse.spent;
    int32_t allowed = 0;
    for (int32_t a = 0; a < o->actions; a++) {
        double value = request->value ? request->value[a] : 1;
        double cost = request->cost ? request->cost[a] : 0;
        bandit->is_allowed[a] =
            (!request->is_allowed || request->is_allowed[a]) && (cost <= left || cost == 0);
        if (!isfinite(value) || !(cost >= 0) || !isfinite(cost))
            return err_set(err, KAI_INVALID, "bandit: action %d: value or cost is no number", a);
        if (!bandit->is_allowed[a]) continue;
        const double *x = request->context + (o->is_shared ? (int64_t)a * o->features : 0);
        bandit_predict(bandit, x, a, &bandit->mean[a], &bandit->sd[a]);
        bandit->mean[a] = value * bandit->mean[a] - (1 + bandit->purse.price) * cost;
        bandit->sd[a] *= fabs(value);
        if (!isfinite(bandit->mean[a]) || !isfinite(bandit->sd[a]))
            return err_set(err, KAI_INVALID, "bandit: action %d: its context is no number", a);
        allowed++;
    }
    if (!allowed) return err_set(err, KAI_INFEASIBLE, "bandit: no action is allowed and payable");
    return KAI_OK;
}

/* A running mean that soon forgets. */
static void follow(double *mean, double value) { *mean += 0.02 * (value - *mean); }

/* Move the price of the budget after a decision: up where the expected cost ran ahead of the pace.
 */
static void move_price(struct bandit *bandit, const struct bandit_request *request) {
    const struct bandit_options *o = &bandit->options;
    struct bandit_purse *purse = &bandit->purse;
    if (!request->cost || !isfinite(o->budget) || o->horizon == 0) return;
    double expected = 0, ratio = 0, costs = 0;
    int32_t paid = 0;
    for (int32_t a = 0; a < o->actions; a++) {
        double cost = request->cost[a];
        expected += bandit->probability[a] * cost;
        if (!bandit->is_allowed[a] || cost == 0) continue;
        double gain = (bandit->mean[a] + purse->price * cost) / cost;
        if (gain > ratio) ratio = gain;
        costs += cost;
        paid++;
    }
    if (paid) {
        follow(&purse->ratio, ratio);
        follow(&purse->cost, costs / paid);
    }
    double rounds = (double)(o->horizon - bandit->decisions);
    double pace = (o->budget - purse->spent) / fmax(rounds, 1);
    double step = 6 / sqrt((double)o->horizon);
    if (purse->cost > 0) purse->price += step * purse->ratio * (expected - pace) / purse->cost;
    purse->price = fmax(purse->price, 0);
}

static int32_t pick(const struct bandit *bandit) {
    struct rng rng;
    rng_init(&rng, bandit->options.seed, "bandit", (uint64_t)bandit->decisions);
    double at = rng_unit(&rng);
    int32_t last = 0;
    for (int32_t a = 0; a < bandit->options.actions; a++) {
        if (bandit->probability[a] <= 0) continue;
        last = a;
        at -= bandit->probability[a];
        if (at < 0) break;
    }
    return last;
}

kai_status bandit_draw(struct bandit *bandit, const struct bandit_request *request,
                       struct bandit_decision *ret_decision, double *ret_probability,
                       kai_err *err) {
    const struct bandit_options *o = &bandit->options;
    kai_status st = score(bandit, request, err);
    if (st) return st;
    double seen = (double)(bandit->decisions + 1) * o->actions / o->features;
    struct explore how = {.method = o->method,
                          .epsilon = o->epsilon,
                          .width = o->width,
                          .gamma = o->gamma * sqrt(seen),
                          .floor = o->floor,
                          .normal = bandit->normal};
    explore_probabilities(&how, o->actions, bandit->mean, bandit->sd, bandit->is_allowed,
                          bandit->scratch, bandit->probability);
    int32_t action = pick(bandit);
    *ret_decision = (struct bandit_decision){.number = bandit->decisions,
                                             .action = action,
                                             .propensity = bandit->probability[action],
                                             .score = bandit->mean[action],
                                             .price = bandit->purse.price};
    if (ret_probability)
        memcpy(ret_probability, bandit->probability, (size_t)o->actions * sizeof *ret_probability);
    bandit->purse.spent += request->cost ? request->cost[action] : 0;
    bandit->decisions++;
    move_price(bandit, request);
    return KAI_OK;
}

/* The reward as a term of the belief. */
static struct belief_term term_of(const struct bandit_options *o, const struct belief *belief,
                                  const double *context, double reward) {
    if (o->model == BANDIT_LINEAR) return (struct belief_term){1 / (o->noise * o->noise), reward};
    double variance = 0, z = belief_predict(belief, context, &variance), p = chance(z);
    double weight = fmax(p * (1 - p), 1e-6);
    return (struct belief_term){weight, z + (reward - p) / weight};
}

/* Put a term into the ring; the one that it pushes out leaves its belief. */
static void slide(struct bandit *bandit, const double *context, int32_t index,
                  struct belief_term term) {
    int64_t at = bandit->updates % bandit->options.window, features = bandit->options.features;
    double *kept = bandit->window_context + at * features;
    if (bandit->held == bandit->options.window)
        belief_remove(&bandit->belief[bandit->window_belief[at]], kept, bandit->window_term[at],
                      bandit->work);
    else
        bandit->held++;
    memcpy(kept, context, (size_t)features * sizeof *kept);
    bandit->window_term[at] = term;
    bandit->window_belief[at] = index;
}

kai_status bandit_update(struct bandit *bandit, const double *context, int32_t action,
                         double reward, int64_t tick, kai_err *err) {
    const struct bandit_options *o = &bandit->options;
    if (action < 0 || action >= o->actions)
        return err_set(err, KAI_INVALID, "bandit: action %d is not one of %d", action, o->actions);
    if (!isfinite(reward) || (o->model == BANDIT_LOGISTIC && (reward < 0 || reward > 1)))
        return err_set(err, KAI_INVALID, "bandit: a reward of %g", reward);
    if (!isfinite(squared_length(context, o->features)))
        return err_set(err, KAI_INVALID, "bandit: the context is no number");
    int32_t index = o->is_shared ? 0 : action;
    struct belief *belief = &bandit->belief[index];
    if (o->discount < 1 && tick > belief->last_tick) {
        belief_discount(belief, pow(o->discount, (double)(tick - belief->last_tick)));
        belief->last_tick = tick;
    }
    struct belief_term term = term_of(o, belief, context, reward);
    if (o->window) slide(bandit, context, index, term);
    belief_add(belief, context, term, bandit->work);
    bandit->updates++;
    return KAI_OK;
}

double bandit_spent(const struct bandit *bandit) { return bandit->purse.spent; }
int64_t bandit_decisions(const struct bandit *bandit) { return bandit->decisions; }
double bandit_price(const struct bandit *bandit) { return bandit->purse.price; }
