/* Trains the behaviour model on a file of user_id,position,item_id[,rating,seconds] (sorted;
 * MovieLens-1M's ratings_ordered.csv.gz) and ranks each customer's last event over the whole
 * catalogue, items of the history excluded, asked for at the event's own time where it is known.
 * One JSON line an epoch, one for the test, two for the time of single requests on one thread: with
 * the history read, and from a kept vector.
 * Use: bench_behave FILE THREADS [name=value ...], names of struct behave_options; save=FILE;
 * rank=0 ends after training */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "behave/behave.h"

enum { EVENTS_MAX = 4 << 20, ITEM_ID_MAX = 1 << 20, TOP = 10, REQUESTS = 1000 };

static void must(kai_status st, const kai_err *err) {
    if (st == KAI_OK) return;
    (void)fprintf(stderr, "bench_behave: %s\n", err->message); /* nothing else can be done */
    exit(1);
}

struct events {
    int64_t *offsets;
    int32_t *items;
    int64_t *times;
    int64_t users, count;
    int32_t item_count;
};

static struct events read_events(const char *path) {
    struct buf text;
    kai_err err;
    buf_init(&text, 1 << 30);
    must(file_read_all(path, 1 << 30, &text, &err), &err);
    struct events events = {mem_array(EVENTS_MAX, sizeof(int64_t)),
                            mem_array(EVENTS_MAX, sizeof(int32_t)),
                            mem_array(EVENTS_MAX, sizeof(int64_t)),
                            0,
                            0,
                            0};
    int32_t *codes = mem_zero(ITEM_ID_MAX, sizeof *codes);
    if (!events.offsets || !events.items || !events.times || !codes) exit(1);
    long last = -1;
    char *line = strchr(text.data, '\n');
    for (; line && line[1]; line = strchr(line + 1, '\n')) {
        char *at = line + 1;
        long user = strtol(at, &at, 10);
        (void)strtol(at + 1, &at, 10);
        long item = strtol(at + 1, &at, 10);
        if (item < 0 || item >= ITEM_ID_MAX || events.count == EVENTS_MAX) exit(1);
        if (user != last) events.offsets[events.users++] = events.count;
        last = user;
        if (!codes[item]) codes[item] = ++events.item_count;
        (void)strtol(*at == ',' ? at + 1 : at, &at, 10);
        events.times[events.count] = *at == ',' && at[1] >= '0' && at[1] <= '9'
                                         ? strtoll(at + 1, &at, 10)
                                         : BEHAVE_TIME_UNKNOWN;
        events.items[events.count++] = codes[item] - 1;
    }
    events.offsets[events.users] = events.count;
    mem_free(codes);
    buf_release(&text);
    return events;
}

/* The same histories without their last event. */
static struct events without_last(const struct events *all) {
    struct events cut = {mem_array(EVENTS_MAX, sizeof(int64_t)),
                         mem_array(EVENTS_MAX, sizeof(int32_t)),
                         mem_array(EVENTS_MAX, sizeof(int64_t)),
                         all->users,
                         0,
                         all->item_count};
    if (!cut.offsets || !cut.items || !cut.times) exit(1);
    for (int64_t u = 0; u < all->users; u++) {
        cut.offsets[u] = cut.count;
        for (int64_t e = all->offsets[u]; e + 1 < all->offsets[u + 1]; e++)
            cut.times[cut.count] = all->times[e], cut.items[cut.count++] = all->items[e];
    }
    cut.offsets[all->users] = cut.count;
    return cut;
}

/* NaN is not JSON. */
static double number_or_none(double value) { return isfinite(value) ? value : -1; }

static void print_epoch(void *user, const struct behave_epoch *epoch) {
    (void)user;
    (void)printf(
        "{\"epoch\": %d, \"loss\": %.4f, \"ndcg\": %.4f, \"hits\": %.4f, \"rate\": %.2g, "
        "\"seconds\": %.1f, \"tokens_s\": %.0f}\n",
        epoch->epoch, epoch->loss, number_or_none(epoch->ndcg), number_or_none(epoch->hits),
        epoch->rate, epoch->seconds, epoch->tokens_s);
    (void)fflush(stdout);
}

struct extras {
    const char *save;
    int is_ranked;
};

static void set_option(struct behave_options *o, struct extras *extras, const char *text) {
    const char *value = strchr(text, '=');
    if (!value) exit(2);
    size_t n = (size_t)(value++ - text);
    double number = strtod(value, NULL);
    const struct {
        const char *name;
        int32_t *whole;
        double *real;
    } names[] = {{"width", &o->width, NULL},
                 {"blocks", &o->blocks, NULL},
                 {"heads", &o->heads, NULL},
                 {"feed_forward", &o->feed_forward, NULL},
                 {"length", &o->length, NULL},
                 {"times", &o->times, NULL},
                 {"batch_sequences", &o->batch_sequences, NULL},
                 {"epochs", &o->epochs, NULL},
                 {"patience", &o->patience, NULL},
                 {"validation_customers", &o->validation_customers, NULL},
                 {"learning_rate", NULL, &o->learning_rate},
                 {"dropout", NULL, &o->dropout},
                 {"temperature", NULL, &o->temperature},
                 {"clip_norm", NULL, &o->clip_norm},
                 {"weight_decay", NULL, &o->weight_decay},
                 {"minutes", NULL, &o->minutes}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == n && strncmp(names[i].name, text, n) == 0) {
            if (names[i].whole) *names[i].whole = (int32_t)number;
            if (names[i].real) *names[i].real = number;
            return;
        }
    if (strncmp(text, "attention=", 10) == 0)
        o->attention = (enum behave_attention)number;
    else if (strncmp(text, "tokens=", 7) == 0)
        o->tokens = (int64_t)number;
    else if (strncmp(text, "save=", 5) == 0)
        extras->save = value;
    else if (strncmp(text, "rank=", 5) == 0)
        extras->is_ranked = number > 0;
    else if (strncmp(text, "checkpoint=", 11) == 0)
        o->checkpoint = value;
    else
        exit(2);
}

static void test_last(const struct behave *model, const struct events *all,
                      const struct events *train, struct pool *pool) {
    kai_err err;
    struct behave_sequences histories = {train->users, train->offsets, train->items, train->times};
    struct behave_request request = {.count = train->users, .k = TOP, .is_seen_excluded = 1};
    int32_t *items = mem_array((size_t)train->users * TOP, sizeof *items);
    int64_t *asked = mem_array((size_t)train->users, sizeof *asked);
    if (!items || !asked) exit(1);
    for (int64_t u = 0; u < train->users; u++) asked[u] = all->times[all->offsets[u + 1] - 1];
    request.request_times = asked;
    double began = clock_seconds();
    must(behave_recommend(model, &histories, &request, pool, items, NULL, &err), &err);
    double seconds = clock_seconds() - began, ndcg = 0, hits = 0;
    for (int64_t u = 0; u < train->users; u++)
        for (int rank = 0; rank < TOP; rank++)
            if (items[u * TOP + rank] == all->items[all->offsets[u + 1] - 1]) {
                ndcg += 1 / log2(2 + rank);
                hits++;
            }
    (void)printf(
        "{\"test_ndcg_10\": %.4f, \"test_hits_10\": %.4f, \"customers\": %lld, "
        "\"us_each\": %.0f}\n",
        ndcg / (double)train->users, hits / (double)train->users, (long long)train->users,
        1e6 * seconds / (double)train->users);
    mem_free(asked);
    mem_free(items);
}

static int compare(const void *a, const void *b) {
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* One customer a call, as a service would ask. */
static void time_requests(const struct behave *model, const struct events *train, int is_kept) {
    double seconds[REQUESTS];
    int64_t count = train->users < REQUESTS ? train->users : REQUESTS;
    float *vector = mem_array((size_t)behave_width(model), sizeof *vector);
    if (!vector) exit(1);
    for (int64_t u = 0; u < count; u++) {
        int64_t begin = train->offsets[u], offsets[2] = {0, train->offsets[u + 1] - begin};
        struct behave_sequences history = {1, offsets, train->items + begin, train->times + begin};
        struct behave_request request = {.count = 1, .k = TOP, .is_seen_excluded = 1};
        int32_t items[TOP];
        kai_err err;
        must(behave_embed(model, &history, NULL, 0, 1, NULL, vector, &err), &err);
        if (is_kept) request.vectors = vector;
        double began = clock_seconds();
        must(behave_recommend(model, &history, &request, NULL, items, NULL, &err), &err);
        seconds[u] = clock_seconds() - began;
    }
    qsort(seconds, (size_t)count, sizeof *seconds, compare);
    (void)printf("{\"request\": \"%s\", \"p50_us\": %.0f, \"p99_us\": %.0f}\n",
                 is_kept ? "kept vector" : "whole history", 1e6 * seconds[count / 2],
                 1e6 * seconds[count * 99 / 100]);
    mem_free(vector);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    struct events all = read_events(argv[1]), train = without_last(&all);
    struct behave_options options = {.item_count = all.item_count};
    struct extras extras = {NULL, 1};
    for (int i = 3; i < argc; i++) set_option(&options, &extras, argv[i]);
    struct behave_sequences sequences = {train.users, train.offsets, train.items, train.times};
    struct behave_watch watch = {NULL, print_epoch, NULL};
    struct behave_plan plan;
    struct behave *model;
    struct pool *pool;
    kai_err err;
    must(pool_new(atoi(argv[2]), &pool, &err), &err);
    must(behave_plan(&options, &sequences, pool, &plan, &err), &err);
    (void)printf(
        "{\"parameters\": %lld, \"events\": %lld, \"epoch_gflop\": %.1f, "
        "\"memory_mb\": %lld}\n",
        (long long)plan.parameters, (long long)plan.events, plan.epoch_flops / 1e9,
        (long long)(plan.memory_bytes >> 20));
    (void)fflush(stdout);
    clock_t began = clock();
    must(behave_fit(&options, 42, &sequences, pool, &watch, &model, &err), &err);
    (void)printf("{\"train_cpu_s\": %.2f}\n", (double)(clock() - began) / CLOCKS_PER_SEC);
    if (extras.is_ranked) {
        test_last(model, &all, &train, pool);
        time_requests(model, &train, 0);
        time_requests(model, &train, 1);
    }
    struct buf bytes;
    buf_init(&bytes, 1 << 30);
    must(behave_save(model, &bytes, &err), &err);
    if (extras.save) must(file_write_all(extras.save, bytes.data, bytes.size, &err), &err);
    buf_release(&bytes);
    behave_free(model);
    pool_free(pool);
    return 0;
}
