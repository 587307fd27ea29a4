/* Five latent normals make correlated features; the features, as rounded for the file, make the
 * expected spend under each arm. Every number of customer i comes from the stream (seed,
 * "customer", i), so rows can be drawn in any order. What depends on population moments (the
 * scale of effects, costs, limits) is set on a pilot sample of other customers. */
#include "simulate/simulate_process.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernel/loss.h"

enum { PILOT_ROWS = 20000, SCALE_ROUNDS = 8 };

static const double AMOUNT_LOG_SD = 0.5;
static const double GAUSSIAN_SIGMA = 40.0;
static const double PURCHASE_MIN = 0.002, PURCHASE_MAX = 0.95;

const char *const SIMULATE_FAVOURITE_NAMES[] = {"fashion", "electronics", "home",
                                                "grocery", "beauty",      "toys"};
const char *const SIMULATE_DEVICE_NAMES[] = {"mobile", "desktop", "tablet"};
const char *const SIMULATE_TIER_NAMES[] = {"basic", "silver", "gold", "platinum"};
const char *const SIMULATE_REGION_NAMES[] = {"north", "east", "south", "west"};

static double clamp(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

/* The features on a common scale, missing at 0. */
struct view {
    double age, income, tenure, recency, orders, basket, visits, discount, open, newsletter;
};

/* Index of a draw from weights that need not sum to 1. */
static int draw_of(struct rng *rng, const double *weights, int count) {
    double total = 0;
    for (int i = 0; i < count; i++) total += weights[i];
    double rest = rng_unit(rng) * total;
    for (int i = 0; i < count - 1; i++) {
        rest -= weights[i];
        if (rest < 0) return i;
    }
    return count - 1;
}

static double round_to(double x, double unit) { return nearbyint(x / unit) * unit; }
static double cents(double x) { return nearbyint(x * 100) / 100; }

/* Latents: age, affluence, engagement, price sensitivity, loyalty; unit variance, correlated. */
static void draw_customer(struct rng *rng, struct simulate_customer *c) {
    double a = rng_normal(rng);
    double w = 0.4 * a + 0.9165 * rng_normal(rng);
    double g = -0.3 * a + 0.9539 * rng_normal(rng);
    double s = -0.5 * w + 0.8660 * rng_normal(rng);
    double l = 0.5 * g + 0.3 * a + 0.8660 * rng_normal(rng);
    c->age = floor(18 + 62 * sigmoid_f64(1.1 * a));
    c->income = round_to(exp(10.3 + 0.5 * w), 100);
    c->tenure = floor(1 + 119 * sigmoid_f64(l + 0.8 * rng_normal(rng)));
    c->recency = floor(1 + 364 * sigmoid_f64(-1.5 - g + 0.8 * rng_normal(rng)));
    c->orders = clamp(floor(exp(0.9 + 0.6 * g + 0.4 * l + 0.5 * rng_normal(rng))), 0, 200);
    c->basket = cents(exp(3.6 + 0.35 * w + 0.3 * rng_normal(rng)));
    c->visits = clamp(floor(exp(1.0 + 0.7 * g + 0.6 * rng_normal(rng))), 0, 500);
    c->discount_share = cents(sigmoid_f64(-0.4 + 1.1 * s + 0.6 * rng_normal(rng)));
    c->open_rate = cents(sigmoid_f64(-0.8 + 0.9 * g + 0.8 * rng_normal(rng)));
    c->survey = floor(1 + 10 * rng_unit(rng));
    c->newsletter = rng_unit(rng) < sigmoid_f64(0.5 + 0.8 * g);
    const double devices[] = {exp(0.6 - 0.8 * a), exp(0.2 + 0.4 * a), exp(-1.3 + 0.2 * a)};
    c->device = draw_of(rng, devices, SIMULATE_DEVICES);
    double rank = l + 0.5 * w + 0.4 * rng_normal(rng);
    c->tier = (rank > 0.4) + (rank > 1.3) + (rank > 2.2);
    const double favourites[] = {exp(0.9 - 0.3 * a), exp(0.6 - 0.2 * s),  exp(0.3 + 0.4 * a),
                                 exp(0.0 + 0.3 * s), exp(-0.5 + 0.2 * g), exp(-1.2 - 0.2 * a)};
    c->favourite = draw_of(rng, favourites, SIMULATE_FAVOURITES);
    /* Zipf with exponent 1, by inversion of its continuous form */
    c->city =
        (int)clamp(floor(pow(SIMULATE_CITIES + 1, rng_unit(rng))) - 1, 0, SIMULATE_CITIES - 1);
    const double regions[] = {exp(0.35 * w), exp(0.3 + 0.1 * w), exp(-0.35 * w), exp(-0.4)};
    c->region = draw_of(rng, regions, SIMULATE_REGIONS);
    if (rng_unit(rng) < 0.06) c->income = NAN;
    if (rng_unit(rng) < 0.08) c->open_rate = NAN;
    if (rng_unit(rng) < 0.40) c->survey = NAN;
    if (c->orders < 1) c->basket = NAN;
}

static struct view view_of(const struct simulate_customer *c) {
    struct view v;
    v.age = (c->age - 49) / 16;
    v.income = isnan(c->income) ? 0 : log(c->income / 30000) / 0.5;
    v.tenure = (c->tenure - 60) / 30;
    v.recency = (c->recency - 90) / 60;
    v.orders = (log1p(c->orders) - 1.2) / 0.65;
    v.basket = isnan(c->basket) ? 0 : log(c->basket / 37) / 0.45;
    v.visits = (log1p(c->visits) - 1.25) / 0.7;
    v.discount = (c->discount_share - 0.42) / 0.24;
    v.open = isnan(c->open_rate) ? 0 : (c->open_rate - 0.34) / 0.2;
    v.newsletter = c->newsletter ? 0.6 : -1;
    return v;
}

/* The things an effect is made of: 0-5 smooth, 6-11 stepped, 12-17 interacting. */
static void fill_atoms(const struct simulate_customer *c, const struct view *v,
                       double ret_atoms[SIMULATE_ATOMS]) {
    double atoms[SIMULATE_ATOMS] = {
        1.3 * tanh(v->visits),
        1.3 * tanh(v->discount),
        1.4 * sin(1.5 * v->age),
        2.5 * (exp(-v->recency * v->recency) - 0.55),
        1.2 * tanh(v->income),
        0.8 * (v->tenure * v->tenure - 1),
        c->discount_share > 0.6 ? 1.8 : -0.5,
        c->recency < 45 ? 1.3 : -0.8,
        c->age < 35 ? 1.6 : -0.4,
        c->tier >= 2 ? 2.0 : -0.4,
        c->orders >= 4 ? 1.2 : -0.7,
        isnan(c->open_rate) ? 1.5 : -0.2,
        1.2 * tanh(v->visits * v->discount),
        v->newsletter * tanh(v->income) * 1.5,
        (c->device == 0 ? 1.2 : -1.2) * tanh(v->age),
        v->open > 0.3 && v->recency < 0 ? 1.5 : -0.5,
        1.2 * tanh(v->orders * v->basket),
        (c->favourite < 2 ? 1.0 : -0.8) * tanh(1.5 * v->tenure),
    };
    memcpy(ret_atoms, atoms, sizeof atoms);
}

static double raw_effect(const struct simulate_effect *effect, const double *atoms, int favourite) {
    double sum = effect->favourite[favourite];
    for (int i = 0; i < SIMULATE_ATOMS; i++) sum += effect->weight[i] * atoms[i];
    return sum;
}

/* Spend without an offer: a purchase with probability p0 of an amount with mean m. */
static double baseline(const struct simulate_customer *c, const struct view *v,
                       double *ret_amount) {
    static const double TASTE[] = {0.1, 0.25, 0.0, -0.2, -0.05, -0.1};
    double city = 0.15 * sin(2.1 * c->city);
    double p0 = sigmoid_f64(-0.6 + 0.5 * v->visits + 0.35 * v->orders - 0.3 * v->recency +
                            0.3 * v->newsletter + 0.2 * (c->age > 60) + city);
    *ret_amount = exp(3.7 + 0.25 * tanh(v->income) + 0.3 * tanh(v->basket) + 0.1 * c->tier +
                      TASTE[c->favourite]);
    return clamp(p0, 0.02, 0.9);
}

static void fill_propensity(const struct simulate_process *process,
                            const struct simulate_customer *c, const struct view *v,
                            double ret_propensity[]) {
    double total = 1; /* the control's score is 0 */
    int32_t arms = process->arms;
    if (process->options.propensity == SIMULATE_UNIFORM) {
        for (int32_t a = 0; a < arms; a++) ret_propensity[a] = 1.0 / arms;
        return;
    }
    ret_propensity[0] = 1;
    for (int32_t a = 1; a < arms; a++) {
        const double *w = process->effect[a - 1].propensity;
        double score = w[0] * tanh(v->visits) + w[1] * tanh(v->age) + w[2] * tanh(v->discount) +
                       w[3] * (c->tier >= 2);
        ret_propensity[a] = exp(score);
        total += ret_propensity[a];
    }
    for (int32_t a = 0; a < arms; a++) {
        double exact = 0.7 * ret_propensity[a] / total + 0.3 / arms;
        ret_propensity[a] = exact;
    }
}

static void expect(const struct simulate_process *process, const struct simulate_customer *c,
                   struct simulate_expected *e) {
    struct view v = view_of(c);
    double atoms[SIMULATE_ATOMS];
    fill_atoms(c, &v, atoms);
    double p0 = baseline(c, &v, &e->amount);
    double mu0 = p0 * e->amount;
    double second = exp(AMOUNT_LOG_SD * AMOUNT_LOG_SD) * e->amount * e->amount; /* E amount^2 */
    for (int32_t a = 0; a < process->arms; a++) {
        double tau = 0;
        if (a > 0) {
            const struct simulate_effect *effect = &process->effect[a - 1];
            double unit =
                (raw_effect(effect, atoms, c->favourite) - effect->raw_mean) / effect->raw_sd;
            tau = process->scale * (effect->mean + effect->sd * unit);
        }
        double p = clamp((mu0 + tau) / e->amount, PURCHASE_MIN, PURCHASE_MAX);
        e->purchase[a] = p;
        if (process->options.outcome == SIMULATE_GAUSSIAN) {
            e->mu[a] = mu0 + tau;
            e->variance[a] = process->sigma * process->sigma;
        } else {
            e->mu[a] = p * e->amount;
            e->variance[a] = p * second - e->mu[a] * e->mu[a];
        }
    }
    e->browse = sigmoid_f64(-1.0 + 0.5 * v.visits);
    fill_propensity(process, c, &v, e->propensity);
}

static void happen(const struct simulate_process *process, const struct simulate_expected *e,
                   struct rng *rng, struct simulate_event *event) {
    event->arm = draw_of(rng, e->propensity, process->arms);
    event->conversion = rng_unit(rng) < e->purchase[event->arm];
    double noise = rng_normal(rng);
    double browse = event->arm > 0 ? e->browse + 0.1 * (1 - e->browse) : e->browse;
    event->visit = rng_unit(rng) < browse || event->conversion;
    if (process->options.outcome == SIMULATE_GAUSSIAN)
        event->spend = e->mu[event->arm] + process->sigma * noise;
    else
        event->spend =
            event->conversion
                ? e->amount * exp(AMOUNT_LOG_SD * noise - AMOUNT_LOG_SD * AMOUNT_LOG_SD / 2)
                : 0;
    event->spend = cents(event->spend);
}

void simulate_draw(const struct simulate_process *process, int64_t index,
                   struct simulate_customer *ret_customer, struct simulate_expected *ret_expected,
                   struct simulate_event *ret_event) {
    struct rng rng;
    rng_init(&rng, process->options.seed, "customer", (uint64_t)index);
    draw_customer(&rng, ret_customer);
    expect(process, ret_customer, ret_expected);
    happen(process, ret_expected, &rng, ret_event);
}

/* ---- drawing the process itself ---- */

static double between(struct rng *rng, double low, double high) {
    return low + (high - low) * rng_unit(rng);
}

/* Two atoms of each sort with weights of either sign, and a taste by favourite category. */
static void draw_effect(struct simulate_process *process, int32_t offer) {
    struct simulate_effect *effect = &process->effect[offer];
    struct rng rng;
    rng_init(&rng, process->options.seed, "offer", (uint64_t)offer);
    memset(effect, 0, sizeof *effect);
    for (int sort = 0; sort < 3; sort++) {
        int first = (int)rng_below(&rng, 6);
        int second = (first + 1 + (int)rng_below(&rng, 5)) % 6;
        effect->weight[6 * sort + first] =
            between(&rng, 0.6, 1.2) * (rng_unit(&rng) < 0.5 ? -1 : 1);
        effect->weight[6 * sort + second] =
            between(&rng, 0.3, 0.9) * (rng_unit(&rng) < 0.5 ? -1 : 1);
    }
    for (int f = 0; f < SIMULATE_FAVOURITES; f++) effect->favourite[f] = 0.3 * rng_normal(&rng);
    for (int i = 0; i < 4; i++) effect->propensity[i] = between(&rng, -0.9, 0.9);
    effect->mean = between(&rng, 0.0, 0.7);
    effect->sd = between(&rng, 0.8, 1.2);
}

/* Mean and sd of each offer's mix over the pilot; sds are scaled to a root mean square of 1. */
static void standardise_effects(struct simulate_process *process,
                                const struct simulate_customer *pilot) {
    double squares = 0;
    int32_t offers = process->options.offers;
    for (int32_t k = 0; k < offers; k++) {
        struct simulate_effect *effect = &process->effect[k];
        double sum = 0, sum2 = 0;
        for (int64_t i = 0; i < PILOT_ROWS; i++) {
            double atoms[SIMULATE_ATOMS];
            struct view v = view_of(&pilot[i]);
            fill_atoms(&pilot[i], &v, atoms);
            double raw = raw_effect(effect, atoms, pilot[i].favourite);
            sum += raw;
            sum2 += raw * raw;
        }
        effect->raw_mean = sum / PILOT_ROWS;
        effect->raw_sd = sqrt(sum2 / PILOT_ROWS - effect->raw_mean * effect->raw_mean);
        squares += effect->sd * effect->sd;
    }
    for (int32_t k = 0; k < offers; k++) process->effect[k].sd /= sqrt(squares / offers);
}

/* Effect sd over customers / noise sd, measured on the pilot at the present scale. */
static double measure_ratio(const struct simulate_process *process,
                            const struct simulate_customer *pilot) {
    double noise = 0, effect = 0;
    int32_t offers = process->options.offers;
    double sum[SIMULATE_OFFERS_MAX] = {0}, sum2[SIMULATE_OFFERS_MAX] = {0};
    for (int64_t i = 0; i < PILOT_ROWS; i++) {
        struct simulate_expected e;
        expect(process, &pilot[i], &e);
        for (int32_t a = 0; a < process->arms; a++) noise += e.variance[a] / process->arms;
        for (int32_t k = 0; k < offers; k++) {
            double tau = e.mu[k + 1] - e.mu[0];
            sum[k] += tau;
            sum2[k] += tau * tau;
        }
    }
    for (int32_t k = 0; k < offers; k++) {
        double mean = sum[k] / PILOT_ROWS;
        effect += (sum2[k] / PILOT_ROWS - mean * mean) / offers;
    }
    return sqrt(effect / (noise / PILOT_ROWS));
}

static double two_digits(double x) {
    double unit = pow(10, floor(log10(x)) - 1);
    double rounded = nearbyint(x / unit) * unit;
    return rounded < 0.01 ? 0.01 : cents(rounded);
}

static void draw_arms(struct simulate_process *process) {
    static const struct {
        const char *name, *channel;
        double cost; /* in units of margin x effect sd */
    } KNOWN[] = {
        {"Discount", "email", 0.15},  {"Phone call", "phone", 0.8},  {"Catalogue", "mail", 0.4},
        {"Reminder", "email", 0.08},  {"Free delivery", "app", 0.3}, {"Gift", "mail", 0.6},
        {"Early access", "app", 0.2}, {"Text message", "sms", 0.25},
    };
    const int known = (int)(sizeof KNOWN / sizeof KNOWN[0]);
    (void)snprintf(process->arm[0].name, SIMULATE_NAME_BYTES, "No offer");
    for (int32_t a = 1; a < process->arms; a++) {
        int i = (a - 1) % known;
        struct simulate_arm *arm = &process->arm[a];
        if (a - 1 < known)
            (void)snprintf(arm->name, SIMULATE_NAME_BYTES, "%s", KNOWN[i].name);
        else
            (void)snprintf(arm->name, SIMULATE_NAME_BYTES, "%s %d", KNOWN[i].name,
                           (a - 1) / known + 1);
        (void)snprintf(arm->channel, SIMULATE_NAME_BYTES, "%s", KNOWN[i].channel);
        struct rng rng;
        rng_init(&rng, process->options.seed, "cost", (uint64_t)a);
        arm->cost =
            two_digits(process->margin * process->scale * KNOWN[i].cost * between(&rng, 0.8, 1.2));
    }
}

/* Limits that bind: half the money that everybody's best offer would cost, and for the channel that
 * it would use most, a third of that use. */
static void set_limits(struct simulate_process *process, const struct simulate_customer *pilot) {
    double money = 0, uses[SIMULATE_ARMS_MAX] = {0};
    for (int64_t i = 0; i < PILOT_ROWS; i++) {
        struct simulate_expected e;
        expect(process, &pilot[i], &e);
        int32_t best = 0;
        double best_net = 0;
        for (int32_t a = 1; a < process->arms; a++) {
            double net =
                process->factor[pilot[i].favourite] * process->margin * (e.mu[a] - e.mu[0]) -
                process->arm[a].cost;
            if (net > best_net) {
                best_net = net;
                best = a;
            }
        }
        if (best == 0) continue;
        money += process->arm[best].cost;
        for (int32_t a = 1; a < process->arms; a++) /* the channel's first arm keeps its count */
            if (strcmp(process->arm[a].channel, process->arm[best].channel) == 0) {
                uses[a] += 1;
                break;
            }
    }
    int32_t most = 1;
    for (int32_t a = 2; a < process->arms; a++)
        if (uses[a] > uses[most]) most = a;
    process->budget_each = 0.5 * money / PILOT_ROWS;
    process->capacity_share = uses[most] / 3 / PILOT_ROWS;
    memcpy(process->capacity_channel, process->arm[most].channel, SIMULATE_NAME_BYTES);
}

kai_status simulate_process_init(const struct simulate_options *options,
                                 struct simulate_process *ret_process, kai_err *err) {
    static const double RATIOS[] = {1.0 / 5, 1.0 / 10, 1.0 / 20};
    struct simulate_process *process = ret_process;
    struct simulate_customer *pilot = mem_array(PILOT_ROWS, sizeof *pilot);
    if (!pilot) return err_memory(err, (int64_t)sizeof *pilot * PILOT_ROWS);
    memset(process, 0, sizeof *process);
    process->options = *options;
    process->arms = options->offers + 1;
    process->ratio = RATIOS[options->noise];
    process->sigma = GAUSSIAN_SIGMA;
    process->scale = process->sigma * process->ratio;
    process->margin = 0.4;
    struct rng rng;
    for (int64_t i = 0; i < PILOT_ROWS; i++) {
        rng_init(&rng, options->seed, "pilot", (uint64_t)i);
        draw_customer(&rng, &pilot[i]);
    }
    rng_init(&rng, options->seed, "factor", 0);
    for (int f = 0; f < SIMULATE_FAVOURITES; f++)
        process->factor[f] = cents(clamp(exp(0.25 * rng_normal(&rng)), 0.5, 1.8));
    for (int32_t k = 0; k < options->offers; k++) draw_effect(process, k);
    standardise_effects(process, pilot);
    for (int round = 0; round < SCALE_ROUNDS; round++)
        process->scale *= process->ratio / measure_ratio(process, pilot);
    draw_arms(process);
    set_limits(process, pilot);
    mem_free(pilot);
    return KAI_OK;
}
