/* kairos simulate bandit: let bandits act in a world whose truth is known. */
#include <kairos/world.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "base/rng.h"
#include "collect/csv_write.h"
#include "decide/bandit.h"
#include "engine/engine.h"
#include "simulate/simulate_world.h"

enum { POINTS = 100, PLAYERS_MAX = BANDIT_METHODS + 1 };

/* One bandit and what it lost; player 0 draws uniformly. */
struct player {
    const char *name;
    struct bandit_options options;
    double value, regret, second_half; /* regret of the second half of the rounds */
    double curve[POINTS];              /* regret after round (p + 1) x rounds / POINTS */
};

struct bandit_job {
    kai_engine *engine;
    const kai_simulate_bandit_options *options;
    struct timing timing;
    struct simulate_world *world; /* owned */
    struct player player[PLAYERS_MAX];
    int32_t players;
    double best;            /* value of always taking the best action */
    double *context, *mean; /* owned together; (features), (actions) */
    double *late;           /* owned; (delay + 1, features) contexts whose reward is to come */
    struct late_reward {
        int32_t action;
        double reward;
        int64_t number;
    } * late_reward; /* owned; (delay + 1) */
};

static void add_player(struct bandit_job *job, const char *name, enum bandit_method method,
                       double epsilon) {
    const kai_simulate_bandit_options *o = job->options;
    struct player *player = &job->player[job->players++];
    struct bandit_options *options = &player->options;
    player->name = name;
    bandit_options_init(options);
    options->method = method;
    options->model = strcmp(o->reward, "binary") == 0 ? BANDIT_LOGISTIC : BANDIT_LINEAR;
    options->actions = (int32_t)o->actions;
    options->features = (int32_t)o->features;
    options->epsilon = epsilon;
    options->discount = o->discount;
    options->window = o->window;
    options->floor = o->floor;
    options->seed = (uint64_t)o->common.seed;
}

static kai_status set_up(struct bandit_job *job, kai_err *err) {
    const kai_simulate_bandit_options *o = job->options;
    struct simulate_world_options world = {.actions = (int32_t)o->actions,
                                           .features = (int32_t)o->features,
                                           .is_binary = strcmp(o->reward, "binary") == 0,
                                           .change = o->change,
                                           .seed = (uint64_t)o->common.seed};
    kai_status st = simulate_world_new(&world, &job->world, err);
    add_player(job, "uniform", BANDIT_GREEDY, 1);
    for (int64_t i = 0; !st && i < o->methods.count; i++) {
        enum bandit_method method = BANDIT_GREEDY;
        const char *name = o->methods.items[i];
        if (!bandit_parse_method(name, &method))
            return err_set(err, KAI_INVALID,
                           "option '--methods': '%s' is not one of greedy, ucb, thompson, square",
                           name);
        for (int32_t p = 1; p < job->players; p++)
            if (strcmp(job->player[p].name, name) == 0)
                return err_set(err, KAI_INVALID, "option '--methods': '%s' stands twice", name);
        add_player(job, name, method, 0.1);
    }
    size_t slots = (size_t)o->delay + 1;
    job->context = mem_zero((size_t)(o->features + o->actions), sizeof *job->context);
    job->late = mem_zero(slots * (size_t)o->features, sizeof *job->late);
    job->late_reward = mem_zero(slots, sizeof *job->late_reward);
    if (!st && (!job->context || !job->late || !job->late_reward))
        st = err_memory(err, (int64_t)slots * o->features * 8);
    if (!st) job->mean = job->context + o->features;
    return st;
}

/* Hear the reward of `delay` rounds ago, and keep the one of this round. */
static kai_status hear(struct bandit_job *job, struct bandit *bandit, int64_t round,
                       const struct bandit_decision *decision, kai_err *err) {
    int64_t slots = job->options->delay + 1, features = job->options->features;
    int64_t put = round % slots, take = (round + 1) % slots;
    memcpy(job->late + put * features, job->context, (size_t)features * sizeof *job->late);
    double reward =
        simulate_world_reward(job->world, round, decision->action, job->mean[decision->action]);
    job->late_reward[put] = (struct late_reward){decision->action, reward, decision->number};
    if (round + 1 < slots) return KAI_OK;
    const struct late_reward *due = &job->late_reward[take];
    return bandit_update(bandit, job->late + take * features, due->action, due->reward, due->number,
                         err);
}

static double best_of(const double *mean, int64_t actions) {
    double best = mean[0];
    for (int64_t a = 1; a < actions; a++) best = fmax(best, mean[a]);
    return best;
}

static kai_status play(struct bandit_job *job, struct player *player, kai_err *err) {
    const kai_simulate_bandit_options *o = job->options;
    struct bandit *bandit = NULL;
    kai_status st = bandit_new(&player->options, &bandit, err);
    double best = 0;
    for (int64_t round = 0, point = 0; !st && round < o->rounds; round++) {
        struct bandit_decision decision;
        simulate_world_round(job->world, round, job->context, job->mean);
        st = bandit_draw(bandit, &(struct bandit_request){.context = job->context}, &decision, NULL,
                         err);
        if (st) break;
        double most = best_of(job->mean, o->actions), mean = job->mean[decision.action];
        best += most;
        player->value += mean;
        player->regret += most - mean;
        if (round >= o->rounds / 2) player->second_half += most - mean;
        while (point < POINTS && round + 1 >= (point + 1) * o->rounds / POINTS)
            player->curve[point++] = player->regret;
        st = hear(job, bandit, round, &decision, err);
        if (!st && round % 4096 == 0)
            st = progress_tell(&job->engine->progress, player->name, round, o->rounds, err);
    }
    job->best = best;
    bandit_free(bandit);
    return st;
}

static kai_status open_file(const struct bandit_job *job, const char *name,
                            struct csv_writer **ret_csv, kai_err *err) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/%s", job->options->out, name);
    if (!st) st = csv_write_open(path.data, ret_csv, err);
    buf_release(&path);
    return st;
}

static kai_status close_file(struct csv_writer *csv, kai_status st, kai_err *err) {
    if (!st) return csv_write_close(csv, err);
    csv_write_abandon(csv);
    return st;
}

static kai_status write_curves(const struct bandit_job *job, kai_err *err) {
    const kai_simulate_bandit_options *o = job->options;
    struct csv_writer *csv = NULL;
    kai_status st = open_file(job, "regret.csv", &csv, err);
    if (st) return st;
    csv_write_string(csv, "round");
    csv_write_string(csv, "sqrt_rate");
    for (int32_t p = 0; p < job->players; p++) csv_write_string(csv, job->player[p].name);
    st = csv_write_row(csv, err);
    for (int64_t point = 0; !st && point < POINTS; point++) {
        int64_t round = (point + 1) * o->rounds / POINTS;
        csv_write_i64(csv, round);
        csv_write_f64(csv, sqrt((double)(o->actions * o->features) * (double)round));
        for (int32_t p = 0; p < job->players; p++) csv_write_f64(csv, job->player[p].curve[point]);
        st = csv_write_row(csv, err);
    }
    return close_file(csv, st, err);
}

/* What an experimenter would have kept: uniform draws with their propensity. */
static kai_status write_log(struct bandit_job *job, kai_err *err) {
    const kai_simulate_bandit_options *o = job->options;
    struct csv_writer *csv = NULL;
    kai_status st = open_file(job, "log.csv", &csv, err);
    if (st) return st;
    for (int32_t i = 0; i < 4; i++)
        csv_write_string(csv, (const char *const[]){"row", "action", "reward", "propensity"}[i]);
    for (int64_t f = 1; f < o->features; f++) {
        char name[32];
        (void)snprintf(name, sizeof name, "x%lld", (long long)f);
        csv_write_string(csv, name);
    }
    st = csv_write_row(csv, err);
    for (int64_t round = 0; !st && round < o->rounds; round++) {
        struct rng rng;
        rng_init(&rng, (uint64_t)o->common.seed, "uniform log", (uint64_t)round);
        int32_t action = (int32_t)rng_below(&rng, (uint64_t)o->actions);
        simulate_world_round(job->world, round, job->context, job->mean);
        csv_write_i64(csv, round + 1);
        csv_write_i64(csv, action);
        csv_write_f64(csv, simulate_world_reward(job->world, round, action, job->mean[action]));
        csv_write_f64(csv, 1 / (double)o->actions);
        for (int64_t f = 1; f < o->features; f++) csv_write_f64(csv, job->context[f]);
        st = csv_write_row(csv, err);
    }
    return close_file(csv, st, err);
}

static kai_status write_truth(struct bandit_job *job, kai_err *err) {
    const kai_simulate_bandit_options *o = job->options;
    struct csv_writer *csv = NULL;
    kai_status st = open_file(job, "truth/weights.csv", &csv, err);
    if (st) return st;
    csv_write_string(csv, "round");
    csv_write_string(csv, "action");
    csv_write_string(csv, "feature");
    csv_write_string(csv, "weight");
    st = csv_write_row(csv, err);
    for (int64_t round = 0; !st && round < o->rounds; round += o->change ? o->change : o->rounds) {
        const double *weight = simulate_world_truth(job->world, round);
        for (int64_t i = 0; !st && i < o->actions * o->features; i++) {
            csv_write_i64(csv, round + 1);
            csv_write_i64(csv, i / o->features);
            csv_write_i64(csv, i % o->features);
            csv_write_f64(csv, weight[i]);
            st = csv_write_row(csv, err);
        }
    }
    return close_file(csv, st, err);
}

static kai_status describe(struct bandit_job *job, struct buf *out, kai_err *err) {
    const kai_simulate_bandit_options *o = job->options;
    struct json_writer json;
    json_init(&json, out, 1);
    json_object(&json);
    json_key_text(&json, "out", o->out);
    json_key_i64(&json, "rounds", o->rounds);
    json_key_i64(&json, "actions", o->actions);
    json_key_i64(&json, "features", o->features);
    json_key_f64(&json, "oracle_value", job->best);
    json_key_f64(&json, "sqrt_rate", sqrt((double)(o->actions * o->features * o->rounds)));
    json_key(&json, "players");
    json_object(&json);
    for (int32_t p = 0; p < job->players; p++) {
        const struct player *player = &job->player[p];
        json_key(&json, player->name);
        json_object(&json);
        json_key_f64(&json, "value", player->value);
        json_key_f64(&json, "regret", player->regret);
        json_key_f64(&json, "regret_second_half", player->second_half);
        json_key_f64(&json, "regret_of_uniform", player->regret / job->player[0].regret);
        json_end(&json);
    }
    json_end(&json);
    timing_describe(&job->timing, &json);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status print(const struct bandit_job *job, struct buf *out, kai_err *err) {
    kai_status st = buf_printf(out, err,
                               "%lld rounds; always the best action would earn %.1f\n"
                               "%-10s %12s %12s %14s\n",
                               (long long)job->options->rounds, job->best, "", "value", "regret",
                               "of uniform's");
    for (int32_t p = 0; !st && p < job->players; p++)
        st = buf_printf(out, err, "%-10s %12.1f %12.1f %12.1f %%\n", job->player[p].name,
                        job->player[p].value, job->player[p].regret,
                        100 * job->player[p].regret / job->player[0].regret);
    return st ? st : buf_printf(out, err, "curves: %s/regret.csv\n", job->options->out);
}

static kai_status make_truth_dir(const struct bandit_job *job, kai_err *err) {
    struct buf dir;
    buf_init(&dir, 1 << 16);
    kai_status st = buf_printf(&dir, err, "%s/truth", job->options->out);
    if (!st) st = file_make_dir(dir.data, err);
    buf_release(&dir);
    return st;
}

int32_t kai_engine_simulate_bandit(kai_engine *engine, const kai_simulate_bandit_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct bandit_job job = {.engine = engine, .options = options};
    struct buf out;
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    timing_start(&job.timing);
    st = set_up(&job, err);
    for (int32_t p = 0; !st && p < job.players; p++) {
        timing_enter(&job.timing, job.player[p].name);
        st = play(&job, &job.player[p], err);
    }
    timing_enter(&job.timing, "write");
    if (!st) st = make_truth_dir(&job, err);
    if (!st) st = write_log(&job, err);
    if (!st) st = write_curves(&job, err);
    if (!st) st = write_truth(&job, err);
    if (!st) st = ret_json ? describe(&job, &out, err) : print(&job, &out, err);
    if (!st) result_give(&out, ret_json ? ret_json : ret_text);
    buf_release(&out);
    simulate_world_free(job.world);
    mem_free(job.context);
    mem_free(job.late);
    mem_free(job.late_reward);
    return st;
}
