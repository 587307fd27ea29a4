/* usage: bench_ingest FOLDER [EVENTS [ROUNDS]]
 *
 * Durable ingest in batches of 1,000, ids looked up, beside a bare SQLite insert of the same rows
 * at the same durability without any code of ours; alternated. Then one customer's history while
 * ingest runs at half its rate. One JSON line a measurement. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "store/store.h"

enum {
    REGULAR = 1000, /* events of one customer, spread over all that is ingested first */
    BATCH = 1000,
    CUSTOMERS = 200000,
    ITEMS = 20000,
    ROUNDS_MAX = 21,
    READS = 2000
};

static const char PROPERTIES[] =
    "{\"category\":\"shoes\",\"name\":\"runner\",\"price\":19.5,\"page\":7}";

struct row {
    char id[40], customer[32], item[16], session[24];
    int64_t time_us;
    double value;
};

static int64_t regular_every; /* events */

static void fill_row(int64_t number, struct row *row) {
    struct rng rng;
    rng_init(&rng, 1, "ingest", (uint64_t)number);
    unsigned customer = (unsigned)(rng_unit(&rng) * CUSTOMERS);
    (void)snprintf(row->id, sizeof row->id, "node-next-%016llx-%lld",
                   (unsigned long long)rng_u64(&rng), (long long)number);
    (void)snprintf(row->customer, sizeof row->customer, "p_customer%016u", customer);
    if (number % regular_every == 0 && number / regular_every < REGULAR)
        (void)snprintf(row->customer, sizeof row->customer, "p_regular");
    (void)snprintf(row->item, sizeof row->item, "sku-%u", (unsigned)(rng_unit(&rng) * ITEMS));
    (void)snprintf(row->session, sizeof row->session, "s-%u-%lld", customer,
                   (long long)(number / 200000));
    row->time_us = 1700000000000000 + number * 1000;
    row->value = 19.5;
}

static void fill_batch(struct event_batch *batch, int64_t first) {
    event_batch_reset(batch);
    for (int64_t i = first; i < first + BATCH; i++) {
        struct row row;
        struct event event = event_empty();
        fill_row(i, &row);
        event.id = slice_of(row.id);
        event.customer = slice_of(row.customer);
        event.type = slice_of("view");
        event.item = slice_of(row.item);
        event.session = slice_of(row.session);
        event.properties = slice_of(PROPERTIES);
        event.time_us = event.received_us = row.time_us;
        event.value = row.value;
        if (event_batch_append(batch, &event, NULL)) exit(3);
    }
}

/* Ours: one caller, who never has more than a few batches under way. */
static double ingest(const char *folder, int64_t first, int64_t count) {
    struct store *store = NULL;
    struct event_batch batch;
    kai_err err = {0};
    int64_t ticket = 0, before = 0;
    event_batch_init(&batch);
    if (store_open(folder, STORE_WRITE, &store, &err)) exit(4);
    double begin = clock_seconds();
    for (int64_t i = first; i < first + count; i += BATCH) {
        fill_batch(&batch, i);
        if (store_append(store, &batch, &ticket, &err)) exit(5);
        if (before > 8 && store_wait(store, before - 8, before - 8, &err)) exit(6);
        before = ticket;
    }
    if (store_commit(store, &err)) exit(7);
    double took = clock_seconds() - begin;
    store_close(store);
    event_batch_release(&batch);
    return took;
}

static void check(int code, sqlite3 *file) {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
    (void)fprintf(stderr, "bench_ingest: %s\n", sqlite3_errmsg(file));
    exit(8);
}

/* Bare: the same columns, codes made by the caller, one transaction a batch. */
static double bare(const char *path, int64_t first, int64_t count) {
    sqlite3 *file = NULL;
    sqlite3_stmt *insert = NULL, *begin_it = NULL, *commit = NULL;
    check(sqlite3_open(path, &file), file);
    check(sqlite3_exec(
              file,
              "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS "
              "event (seq INTEGER PRIMARY KEY, id BLOB, customer INTEGER, anonymous INTEGER,"
              " type INTEGER, item INTEGER, currency INTEGER, channel INTEGER, campaign INTEGER,"
              " session BLOB, time_us INTEGER, received_us INTEGER, value REAL, quantity REAL,"
              " flags INTEGER, properties BLOB);",
              NULL, NULL, NULL),
          file);
    check(sqlite3_prepare_v2(file, "INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", -1,
                             &insert, NULL),
          file);
    check(sqlite3_prepare_v2(file, "BEGIN", -1, &begin_it, NULL), file);
    check(sqlite3_prepare_v2(file, "COMMIT", -1, &commit, NULL), file);
    double begin = clock_seconds();
    for (int64_t i = first; i < first + count; i++) {
        struct row row;
        if (i % BATCH == 0) {
            check(sqlite3_step(begin_it), file);
            (void)sqlite3_reset(begin_it);
        }
        fill_row(i, &row);
        (void)sqlite3_bind_null(insert, 1);
        (void)sqlite3_bind_blob(insert, 2, row.id, (int)strlen(row.id), SQLITE_STATIC);
        for (int c = 3; c <= 9; c++)
            (void)sqlite3_bind_int64(insert, c, (int64_t)(row.id[12 + c]) * 1000);
        (void)sqlite3_bind_blob(insert, 10, row.session, (int)strlen(row.session), SQLITE_STATIC);
        (void)sqlite3_bind_int64(insert, 11, row.time_us);
        (void)sqlite3_bind_int64(insert, 12, row.time_us);
        (void)sqlite3_bind_double(insert, 13, row.value);
        (void)sqlite3_bind_null(insert, 14);
        (void)sqlite3_bind_int64(insert, 15, 0);
        (void)sqlite3_bind_blob(insert, 16, PROPERTIES, sizeof PROPERTIES - 1, SQLITE_STATIC);
        check(sqlite3_step(insert), file);
        (void)sqlite3_reset(insert);
        if (i % BATCH == BATCH - 1) {
            check(sqlite3_step(commit), file);
            (void)sqlite3_reset(commit);
        }
    }
    double took = clock_seconds() - begin;
    (void)sqlite3_finalize(insert);
    (void)sqlite3_finalize(begin_it);
    (void)sqlite3_finalize(commit);
    (void)sqlite3_close(file);
    return took;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_rates(const char *name, double *seconds, int rounds, int64_t events) {
    qsort(seconds, (size_t)rounds, sizeof *seconds, by_value);
    (void)printf(
        "{\"name\":\"%s\",\"events\":%lld,\"rounds\":%d,\"median_per_second\":%.0f,"
        "\"slowest\":%.0f,\"fastest\":%.0f}\n",
        name, (long long)events, rounds, (double)events / seconds[rounds / 2],
        (double)events / seconds[rounds - 1], (double)events / seconds[0]);
}

/* ---- history while ingest runs ---- */

struct ingesting {
    struct store *store;
    int64_t first;
    double rate;
    atomic_int stop;
};

static void *ingest_slowly(void *user) {
    struct ingesting *ingesting = user;
    struct event_batch batch;
    double next = clock_seconds();
    int64_t ticket = 0;
    event_batch_init(&batch);
    while (!atomic_load(&ingesting->stop)) {
        fill_batch(&batch, ingesting->first);
        ingesting->first += BATCH;
        if (store_append(ingesting->store, &batch, &ticket, NULL)) exit(9);
        next += BATCH / ingesting->rate;
        double nap = next - clock_seconds();
        if (nap > 0) (void)usleep((useconds_t)(nap * 1e6));
    }
    event_batch_release(&batch);
    return NULL;
}

static kai_status count(void *user, const struct event *event, kai_err *err) {
    (void)event;
    (void)err;
    ++*(int64_t *)user;
    return KAI_OK;
}

static void read_histories(const char *folder, int64_t events, double rate) {
    static double seconds[READS];
    struct ingesting ingesting = {.first = 10 * events, .rate = rate};
    pthread_t thread;
    int64_t seen = 0;
    if (store_open(folder, STORE_WRITE, &ingesting.store, NULL)) exit(13);
    if (pthread_create(&thread, NULL, ingest_slowly, &ingesting)) exit(14);
    for (int i = 0; i < READS; i++) {
        double begin = clock_seconds();
        if (store_history(ingesting.store, slice_of("p_regular"), count, &seen, NULL)) exit(15);
        seconds[i] = clock_seconds() - begin;
        (void)usleep(2000);
    }
    atomic_store(&ingesting.stop, 1);
    (void)pthread_join(thread, NULL);
    if (seen < REGULAR * (int64_t)READS) exit(16);
    qsort(seconds, READS, sizeof *seconds, by_value);
    (void)printf(
        "{\"name\":\"store.history.1000\",\"stored\":%lld,\"ingest_per_second\":%.0f,"
        "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
        (long long)store_event_count(ingesting.store), rate, 1e3 * seconds[READS / 2],
        1e3 * seconds[READS * 99 / 100], 1e3 * seconds[READS - 1]);
    store_close(ingesting.store);
}

int main(int argc, char **argv) {
    int64_t events = argc > 2 ? atoll(argv[2]) : 1000000;
    int rounds = argc > 3 ? atoi(argv[3]) : 5;
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
    char folder[512], path[600];
    if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX || events % BATCH) return 2;
    regular_every = events * rounds / REGULAR;
    (void)snprintf(folder, sizeof folder, "%s/ours", argv[1]);
    (void)snprintf(path, sizeof path, "%s/bare.db", argv[1]);
    if (file_make_dir(folder, NULL)) return 2;
    for (int r = 0; r < rounds; r++) {
        ours[r] = ingest(folder, r * events, events);
        theirs[r] = bare(path, r * events, events);
    }
    print_rates("store.ingest", ours, rounds, events);
    print_rates("sqlite.bare", theirs, rounds, events);
    (void)printf("{\"name\":\"store.ingest/sqlite.bare\",\"ratio\":%.3f}\n",
                 theirs[rounds / 2] / ours[rounds / 2]);
    double begin = clock_seconds();
    struct store *store = NULL;
    if (store_open(folder, STORE_WRITE, &store, NULL)) return 3;
    (void)printf("{\"name\":\"store.open\",\"events\":%lld,\"seconds\":%.3f}\n",
                 (long long)store_event_count(store), clock_seconds() - begin);
    store_close(store);
    read_histories(folder, events * rounds, (double)events / ours[rounds / 2] / 2);
    return 0;
}
