/* usage: bench_snapshot FOLDER [EVENTS [MEMORY_MIB]]
 *
 * A store of EVENTS events (made where the folder has none), a training snapshot of it, and a walk
 * over the snapshot's columns: seconds, rates, and the peak memory of the process since the store
 * was made. One JSON line a measurement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "store/store.h"
#include "table/snapshot.h"

enum { BATCH = 1000, CUSTOMERS = 500000, ITEMS = 50000, SCANS = 5 };

static const char *const TYPES[] = {"view", "view", "view", "view", "cart", "order"};

static void fill_batch(struct event_batch *batch, int64_t first) {
    event_batch_reset(batch);
    for (int64_t i = first; i < first + BATCH; i++) {
        char id[40], customer[32], item[16];
        struct event event = event_empty();
        struct rng rng;
        rng_init(&rng, 1, "snapshot", (uint64_t)i);
        (void)snprintf(id, sizeof id, "%016llx-%lld", (unsigned long long)rng_u64(&rng),
                       (long long)i);
        (void)snprintf(customer, sizeof customer, "p_customer%016u",
                       (unsigned)(rng_unit(&rng) * CUSTOMERS));
        (void)snprintf(item, sizeof item, "sku-%u",
                       (unsigned)(rng_unit(&rng) * rng_unit(&rng) * ITEMS));
        event.id = slice_of(id);
        event.customer = slice_of(customer);
        event.type = slice_of(TYPES[(unsigned)(rng_unit(&rng) * 6)]);
        event.item = slice_of(item);
        event.channel = slice_of("web");
        event.currency = slice_of("EUR");
        event.value = 19.5;
        /* most come in order, some late */
        event.time_us = 1700000000000000 + i * 1000 - (i % 97 == 0) * 3600000000ll;
        event.received_us = event.time_us;
        if (event_batch_append(batch, &event, NULL)) exit(3);
    }
}

static void make_store(const char *folder, int64_t events) {
    struct store *store = NULL;
    struct event_batch batch;
    int64_t ticket = 0, before = 0;
    event_batch_init(&batch);
    if (store_open(folder, STORE_WRITE, &store, NULL)) exit(4);
    double begin = clock_seconds();
    int64_t first = store_event_count(store);
    for (int64_t i = first; i < events; i += BATCH) {
        fill_batch(&batch, i);
        if (store_append(store, &batch, &ticket, NULL)) exit(5);
        if (before > 8 && store_wait(store, before - 8, before - 8, NULL)) exit(6);
        before = ticket;
    }
    if (store_commit(store, NULL)) exit(7);
    if (first < events)
        (void)printf("{\"name\":\"store.ingest\",\"events\":%lld,\"per_second\":%.0f}\n",
                     (long long)(events - first),
                     (double)(events - first) / (clock_seconds() - begin));
    store_close(store);
    event_batch_release(&batch);
}

/* "VmHWM" or "RssAnon", MiB. */
static double memory_mib(const char *what) {
    char line[256];
    double kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, what, strlen(what)) == 0) kib = strtod(line + strlen(what) + 1, NULL);
    if (file) (void)fclose(file);
    return kib / 1024;
}

static void reset_peak(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file) return;
    (void)fputs("5", file);
    (void)fclose(file);
}

static int64_t build(const char *folder, const char *path, int64_t memory_bytes) {
    struct store *store = NULL;
    struct store_snapshot_report report;
    struct store_snapshot_request request = {.memory_bytes = memory_bytes};
    kai_err err = {0};
    reset_peak();
    double begin = clock_seconds();
    if (store_open(folder, STORE_READ, &store, &err)) exit(8);
    double opened = clock_seconds();
    if (store_snapshot(store, path, &request, &report, &err)) {
        (void)fprintf(stderr, "bench_snapshot: %s\n", err.message);
        exit(9);
    }
    (void)printf(
        "{\"name\":\"snapshot.build\",\"events\":%lld,\"customers\":%lld,\"runs\":%lld,"
        "\"open_seconds\":%.3f,\"seconds\":%.2f,\"peak_mib\":%.0f}\n",
        (long long)report.events, (long long)report.customers, (long long)report.runs,
        opened - begin, clock_seconds() - begin, memory_mib("VmHWM"));
    store_close(store);
    return report.events;
}

/* What training does first: every event of every customer, in order. */
static double scan(const struct snapshot *snapshot, double *sum) {
    double begin = clock_seconds(), value = 0;
    int64_t gaps = 0, items = 0;
    for (int64_t c = 0; c < snapshot->customer_count; c++) {
        int64_t last = 0;
        for (int64_t e = snapshot->offsets[c]; e < snapshot->offsets[c + 1]; e++) {
            gaps += last ? snapshot->times_us[e] - last : 0;
            last = snapshot->times_us[e];
            items += snapshot->items[e] + snapshot->types[e] + snapshot->channels[e];
            value += (double)snapshot->values[e];
        }
    }
    *sum = value + (double)gaps + (double)items;
    return clock_seconds() - begin;
}

int main(int argc, char **argv) {
    int64_t events = argc > 2 ? atoll(argv[2]) : 1000000;
    int64_t memory_bytes = argc > 3 ? atoll(argv[3]) << 20 : 0;
    struct snapshot snapshot;
    char path[600];
    double sum = 0;
    if (argc < 2 || events % BATCH || file_make_dir(argv[1], NULL)) return 2;
    (void)snprintf(path, sizeof path, "%s/bench.snapshot", argv[1]);
    make_store(argv[1], events);
    int64_t count = build(argv[1], path, memory_bytes);
    if (snapshot_open(path, &snapshot, NULL)) return 3;
    double begin = clock_seconds();
    if (snapshot_check(&snapshot, path, NULL)) return 3;
    (void)printf("{\"name\":\"snapshot.check\",\"per_second\":%.0f}\n",
                 (double)count / (clock_seconds() - begin));
    for (int i = 0; i < SCANS; i++) {
        double seconds = scan(&snapshot, &sum);
        (void)printf("{\"name\":\"snapshot.scan\",\"per_second\":%.0f,\"sum\":%.6g}\n",
                     (double)count / seconds, sum);
    }
    snapshot_close(&snapshot);
    return 0;
}
