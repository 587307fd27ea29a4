/* Reading of CSV: bytes of text per second, wall clock and processor time.
 *
 *   bench_csv                       tables of our own making
 *   bench_csv FILE [key=value ...]  one file, read `runs` times; keys: threads, runs, header (0, 1)
 *
 * `per_second` of the first line is bytes per wall second; the second line gives bytes per second
 * of processor time (user and system, all threads), which is steadier on a busy machine. The peer
 * is pandas: python3 -c "import pandas,time; ..." with time.process_time() around read_csv.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/caps.h"
#include "base/pool.h"
#include "base/rng.h"
#include "collect/collect.h"
#include "collect/csv_write.h"
#include "kit/bench.h"

struct run {
    const char *path; /* NULL = text */
    struct buf text;
    struct csv_options options;
    struct pool *pool;
    int64_t bytes, rows;
};

static void stop(const char *what, const kai_err *err) {
    (void)fprintf(stderr, "bench_csv: %s: %s\n", what, err->message);
    exit(1);
}

static void read_once(void *user) {
    struct run *run = user;
    struct table *table = NULL;
    struct collect_report report;
    kai_err err = {0};
    kai_status st =
        run->path
            ? collect_read_csv(run->path, &run->options, run->pool, NULL, &table, &report, &err)
            : collect_read_csv_bytes("text", run->text.data, run->text.size, &run->options,
                                     run->pool, &table, &report, &err);
    if (st) stop("read", &err);
    run->bytes = report.bytes_read;
    run->rows = report.rows_kept;
    table_free(table);
    collect_report_release(&report);
}

static double cpu_seconds(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage); /* cannot fail for this process */
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void measure(const char *name, struct run *run, int runs) {
    read_once(run);
    double before = cpu_seconds();
    (void)bench_run(name, (double)run->bytes, runs, (double)run->bytes, read_once, run);
    double seconds = (cpu_seconds() - before) / (runs + 1); /* bench_run warms up once */
    (void)printf("{\"name\":\"%s.cpu\",\"rows\":%lld,\"cpu_s\":%.6g,\"per_second\":%.6g}\n", name,
                 (long long)run->rows, seconds, (double)run->bytes / seconds);
}

enum shape { SHAPE_SHORT, SHAPE_LONG, SHAPE_WORDS };

/* 20 columns: numbers of 6 or of 17 digits, or quoted words of few kinds beside small integers. */
static void make_text(struct run *run, enum shape shape, int64_t rows) {
    static const char *const WORDS[] = {"\"yes\"", "\"no\"", "\"university.degree\"", "\"may\""};
    enum { COLUMNS = 20 };
    struct rng rng;
    kai_err err = {0};
    rng_init(&rng, 42, "bench csv", (uint64_t)shape);
    buf_init(&run->text, CAPS_BUF_BYTES);
    kai_status st = KAI_OK;
    for (int i = 0; !st && i < COLUMNS; i++)
        st = buf_printf(&run->text, &err, "x%d%s", i, i + 1 < COLUMNS ? "," : "\n");
    for (int64_t k = 0; !st && k < rows * COLUMNS; k++) {
        const char *end = (k + 1) % COLUMNS ? "," : "\n";
        if (shape != SHAPE_WORDS)
            st = buf_printf(&run->text, &err, "%.*g%s", shape == SHAPE_LONG ? 17 : 6,
                            rng_normal(&rng), end);
        else if (k % 2)
            st = buf_printf(&run->text, &err, "%s%s", WORDS[rng_below(&rng, 4)], end);
        else
            st = buf_printf(&run->text, &err, "%d%s", (int)rng_below(&rng, 1000), end);
    }
    if (st) stop("make", &err);
}

int main(int argc, char **argv) {
    struct run run = {.path = argc > 1 ? argv[1] : NULL};
    int threads = 1, runs = 5;
    kai_err err = {0};
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "threads=", 8) == 0) threads = atoi(argv[i] + 8);
        if (strncmp(argv[i], "runs=", 5) == 0) runs = atoi(argv[i] + 5);
        if (strcmp(argv[i], "header=0") == 0) run.options.no_header = 1;
    }
    if (pool_new(threads, &run.pool, &err)) stop("threads", &err);
    if (run.path) {
        measure("csv.file", &run, runs);
    } else {
        static const char *const NAMES[] = {"csv.numbers_6", "csv.numbers_17", "csv.words"};
        for (int shape = SHAPE_SHORT; shape <= SHAPE_WORDS; shape++) {
            make_text(&run, (enum shape)shape, 100000);
            measure(NAMES[shape], &run, runs);
            buf_release(&run.text);
        }
    }
    pool_free(run.pool);
    return 0;
}
