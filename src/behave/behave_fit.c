/* Epochs, schedule, early stopping and checkpoints of the behaviour model. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "behave/behave_checkpoint.h"
#include "behave/behave_step.h"

/* What a thread sustains over whole epochs, validation included; measured by bench_behave. */
#define FLOPS_A_THREAD 45e9

static int64_t limit(int64_t count, int64_t most) { return count < most ? count : most; }

/* Where customers come back to items (more than one held-out event in twenty does), the ranking of
 * the validation leaves the history in. */
static void notice_repeats(struct behave_training *t) {
    const struct behave_sequences *all = t->train;
    int64_t repeats = 0;
    for (int64_t i = 0; i < t->held_count; i++) {
        int64_t last = all->offsets[t->held[i] + 1] - 1, e = all->offsets[t->held[i]];
        while (all->items[e] != all->items[last]) e++;
        repeats += e < last;
    }
    t->is_repeating = repeats * 20 > t->held_count;
}

/* Whose last event is held out: all, or a sample of the customers who leave something to learn. */
static kai_status choose_held(struct behave_training *t, kai_err *err) {
    const struct behave_sequences *all = t->train;
    t->is_held = mem_zero((size_t)all->sequence_count, 1);
    t->held = mem_array((size_t)all->sequence_count, sizeof *t->held);
    if (!t->is_held || !t->held) return err_memory(err, all->sequence_count * 9);
    int64_t wanted = t->model->options.validation_customers;
    if (wanted < 0) return KAI_OK;
    for (int64_t s = 0; s < all->sequence_count; s++)
        if (all->offsets[s + 1] - all->offsets[s] >= 3) t->held[t->held_count++] = s;
    struct rng rng;
    rng_init(&rng, t->model->seed, "behave.validation", 0);
    if (t->held_count > wanted) rng_shuffle(&rng, t->held, t->held_count);
    t->held_count = limit(t->held_count, wanted);
    for (int64_t i = 0; i < t->held_count; i++) t->is_held[t->held[i]] = 1;
    notice_repeats(t);
    t->ranks = mem_array((size_t)t->held_count, sizeof *t->ranks);
    return t->ranks ? KAI_OK : err_memory(err, t->held_count * 8);
}

static int64_t events_of(const struct behave_training *t, int64_t s) {
    return t->train->offsets[s + 1] - t->train->offsets[s] - t->is_held[s];
}

static kai_status choose_usable(struct behave_training *t, kai_err *err) {
    const struct behave_sequences *all = t->train;
    const int64_t count = all->sequence_count;
    t->order = mem_array((size_t)count, sizeof *t->order);
    t->windows = mem_array((size_t)t->model->options.batch_sequences, sizeof *t->windows);
    if (!t->order || !t->windows) return err_memory(err, count * 8);
    for (int64_t s = 0; s < count; s++) {
        int64_t events = events_of(t, s);
        for (int64_t e = 0; e < events; e++) t->model->counts[all->items[all->offsets[s] + e]]++;
        if (events < 2) continue;
        t->usable_count++;
    }
    if (t->usable_count == 0)
        return err_set(err, KAI_INVALID,
                       "behaviour model: no sequence has two events to learn from");
    return KAI_OK;
}

/* A history longer than the window shows its end in one epoch and a random part in the next. */
static struct behave_window window_of(const struct behave_training *t, int64_t s, int32_t epoch) {
    int64_t events = events_of(t, s), count = limit(events - 1, t->model->options.length);
    int64_t spare = events - 1 - count, skipped = spare;
    if (spare > 0 && epoch % 2) {
        struct rng rng;
        rng_init(&rng, t->model->seed, "behave.window",
                 (uint64_t)epoch * (uint64_t)t->train->sequence_count + (uint64_t)s);
        skipped = (int64_t)rng_below(&rng, (uint64_t)spare + 1);
    }
    return (struct behave_window){t->train->offsets[s] + skipped, count};
}

static void shuffle(struct behave_training *t, int32_t epoch) {
    int64_t count = 0;
    for (int64_t s = 0; s < t->train->sequence_count; s++)
        if (events_of(t, s) >= 2) t->order[count++] = s;
    struct rng rng;
    rng_init(&rng, t->model->seed, "behave.order", (uint64_t)epoch);
    rng_shuffle(&rng, t->order, count);
}

static double larger(double a, double b) { return a > b ? a : b; }

static double seconds_spent(const struct behave_training *t) {
    return t->seconds_before + clock_seconds() - t->started;
}

/* How much of the planned training is behind, by whichever budget is nearest to its end. */
static double share_done(const struct behave_training *t) {
    const struct behave_options *o = &t->model->options;
    double done = (double)t->stepper.step / (double)t->steps_planned;
    done = larger(done, (double)t->model->events / (double)o->tokens);
    if (o->minutes > 0) done = larger(done, seconds_spent(t) / (60 * o->minutes));
    return done;
}

/* Linear warm-up, then half a cosine (Loshchilov, Hutter, "SGDR", ICLR 2017, without restarts). */
static double rate_at(const struct behave_training *t, double done) {
    const struct behave_options *o = &t->model->options;
    double step = 1 / (double)t->steps_planned;
    if (done < o->warmup_share) return o->learning_rate * (done + step) / (o->warmup_share + step);
    double share = done < 1 ? (done - o->warmup_share) / (1 - o->warmup_share + 1e-9) : 1;
    return o->learning_rate * larger(0.5 * (1 + cos(3.14159265358979323846 * share)), 0.01);
}

static kai_status tell(const struct behave_training *t, const struct behave_watch *watch,
                       kai_err *err) {
    if (!watch || !watch->progress) return KAI_OK;
    return progress_tell(watch->progress, "behave", (int64_t)(1e6 * share_done(t)), 1000000, err);
}

/* From t->position on to the end of the epoch, or of the budget. */
static kai_status run_epoch(struct behave_training *t, const struct behave_watch *watch,
                            kai_err *err) {
    shuffle(t, t->model->epochs_run);
    while (t->position < t->usable_count && share_done(t) < 1) {
        kai_status st = tell(t, watch, err);
        if (st) return st;
        int64_t count = limit(t->usable_count - t->position, t->model->options.batch_sequences),
                events = 0;
        for (int64_t i = 0; i < count; i++) {
            t->windows[i] = window_of(t, t->order[t->position + i], t->model->epochs_run);
            events += t->windows[i].count;
        }
        double loss;
        t->rate = rate_at(t, share_done(t));
        st = behave_step(&t->stepper, t->windows, count, t->rate, &loss, err);
        if (st) return st;
        t->position += count;
        t->loss += loss;
        t->seen += events;
        t->model->events += events;
    }
    return KAI_OK;
}

/* NDCG and hits at 10 of the held-out events; NaN where there are none. */
static kai_status validate(struct behave_training *t, struct behave_curve *curve, kai_err *err) {
    curve->ndcg = curve->hits = NAN;
    if (t->held_count == 0) return KAI_OK;
    struct behave_held held = {t->held_count, t->held, t->train, !t->is_repeating};
    kai_status st = behave_fill(t->model, t->stepper.pool, err);
    if (!st) st = behave_rank(t->model, &held, t->stepper.pool, t->ranks, err);
    if (st) return st;
    double ndcg = 0, hits = 0;
    for (int64_t i = 0; i < t->held_count; i++) {
        if (t->ranks[i] >= 10) continue;
        ndcg += 1 / log2(2 + (double)t->ranks[i]);
        hits++;
    }
    curve->ndcg = ndcg / (double)t->held_count;
    curve->hits = hits / (double)t->held_count;
    return KAI_OK;
}

static void copy_floats(float *to, const float *from, int64_t count) {
    memcpy(to, from, (size_t)count * sizeof *to);
}

static kai_status finish_epoch(struct behave_training *t, const struct behave_watch *watch,
                               double began, kai_err *err) {
    struct behave *model = t->model;
    struct behave_curve *curve = &model->curve[model->epochs_run];
    curve->loss = t->seen ? t->loss / (double)t->seen : NAN;
    double trained = clock_seconds();
    kai_status st = validate(t, curve, err);
    if (st) return st;
    int is_best = t->held_count == 0 || model->epoch_best == 0 ||
                  curve->ndcg > model->curve[model->epoch_best - 1].ndcg;
    struct behave_epoch told = {.epoch = ++model->epochs_run,
                                .step = t->stepper.step,
                                .loss = curve->loss,
                                .ndcg = curve->ndcg,
                                .hits = curve->hits,
                                .rate = t->rate,
                                .seconds = clock_seconds() - began,
                                .tokens_s = (double)(t->seen - t->seen_before) / (trained - began),
                                .is_best = is_best};
    if (is_best) {
        model->epoch_best = model->epochs_run;
        copy_floats(t->best, model->parameters, model->shape.parameters);
    }
    t->position = t->seen = 0;
    t->loss = 0;
    st = behave_checkpoint_save(t, err);
    if (!st && watch && watch->log) watch->log(watch->log_user, &told);
    return st;
}

static int is_finished(const struct behave_training *t) {
    const struct behave *model = t->model;
    int is_stale = t->held_count > 0 && model->epochs_run >= model->options.patience &&
                   model->epochs_run - model->epoch_best >= model->options.patience;
    return model->epochs_run >= model->options.epochs || share_done(t) >= 1 || is_stale;
}

static kai_status run_epochs(struct behave_training *t, const struct behave_watch *watch,
                             kai_err *err) {
    kai_status st = KAI_OK;
    while (!st && !is_finished(t)) {
        double began = clock_seconds();
        t->seen_before = t->seen;
        st = run_epoch(t, watch, err);
        if (!st) st = finish_epoch(t, watch, began, err);
    }
    if (st == KAI_CANCELLED) {
        kai_err saving;
        kai_status saved = behave_checkpoint_save(t, &saving);
        if (saved) return err_wrap(err, st, "%s", saving.message);
    }
    return st;
}

static void release(struct behave_training *t) {
    behave_stepper_release(&t->stepper);
    mem_free(t->windows);
    mem_free(t->order);
    mem_free(t->ranks);
    mem_free(t->held);
    mem_free(t->is_held);
    mem_free_aligned(t->best);
}

static kai_status prepare(struct behave_training *t, struct pool *pool, kai_err *err) {
    struct behave *model = t->model;
    kai_status st = choose_held(t, err);
    if (!st) st = choose_usable(t, err);
    if (st) return st;
    t->best = mem_aligned((size_t)model->shape.parameters, sizeof(float));
    if (!t->best) return err_memory(err, model->shape.parameters * 4);
    st = behave_stepper_init(model, t->train, pool, &t->stepper, err);
    if (st) return st;
    int64_t batches =
        (t->usable_count + model->options.batch_sequences - 1) / model->options.batch_sequences;
    t->steps_planned = batches * model->options.epochs;
    behave_init_parameters(&model->shape, model->seed, model->parameters);
    return behave_checkpoint_load(t, err);
}

kai_status behave_fit(const struct behave_options *options, uint64_t seed,
                      const struct behave_sequences *train, struct pool *pool,
                      const struct behave_watch *watch, struct behave **ret_model, kai_err *err) {
    struct behave_options resolved;
    struct behave_training t = {.train = train, .started = clock_seconds()};
    kai_status st = behave_resolve_for(options, train, &resolved, err);
    if (!st) st = behave_new(&resolved, seed, &t.model, err);
    if (st) return st;
    t.checkpoint = options->checkpoint;
    st = prepare(&t, pool, err);
    if (!st) st = run_epochs(&t, watch, err);
    if (!st && t.model->epoch_best > 0)
        copy_floats(t.model->parameters, t.best, t.model->shape.parameters);
    if (!st) st = behave_fill(t.model, pool, err);
    t.model->steps = t.stepper.step;
    release(&t);
    if (st)
        behave_free(t.model);
    else
        *ret_model = t.model;
    return st;
}

kai_status behave_plan(const struct behave_options *options, const struct behave_sequences *train,
                       const struct pool *pool, struct behave_plan *ret_plan, kai_err *err) {
    struct behave_plan plan = {0};
    kai_status st = behave_resolve_for(options, train, &plan.options, err);
    if (st) return st;
    struct behave_shape s = behave_shape_of(&plan.options);
    plan.parameters = s.parameters;
    double pairs = 0;
    for (int64_t i = 0; i < train->sequence_count; i++) {
        int64_t events = train->offsets[i + 1] - train->offsets[i] - 2;
        int64_t count = events > 0 ? limit(events, s.length) : 0;
        plan.events += count;
        pairs += 0.5 * (double)count * (double)(count + 1);
    }
    double matrices = (double)s.blocks * (double)s.bias;
    /* forward, and two products of the same size backward; attention scores are computed again */
    plan.epoch_flops = 6 * (double)plan.events * (matrices + (double)(s.items * s.width)) +
                       14 * pairs * (double)(s.blocks * s.width);
    plan.epoch_seconds = plan.epoch_flops / (FLOPS_A_THREAD * (double)pool_threads(pool));
    plan.memory_bytes = behave_stepper_bytes(&plan.options, pool_threads(pool)) +
                        4 * (2 * s.parameters + 2 * s.items * s.width);
    *ret_plan = plan;
    return KAI_OK;
}
