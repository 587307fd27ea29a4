#include "kit/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum { RUNS_MAX = 101 };

static int compare_seconds(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_run(const char *name, double size, int runs, double rate, void (*fn)(void *user),
                 void *user) {
    double seconds[RUNS_MAX];
    if (runs > RUNS_MAX) runs = RUNS_MAX;
    fn(user);
    for (int i = 0; i < runs; i++) {
        double start = clock_seconds();
        fn(user);
        seconds[i] = clock_seconds() - start;
    }
    qsort(seconds, (size_t)runs, sizeof *seconds, compare_seconds);
    double median = seconds[runs / 2];
    (void)printf(
        "{\"name\":\"%s\",\"size\":%g,\"runs\":%d,\"median_s\":%.6g,\"min_s\":%.6g,\"max_s\":%.6g",
        name, size, runs, median, seconds[0], seconds[runs - 1]);
    if (rate > 0) (void)printf(",\"per_second\":%.6g", rate / median);
    (void)printf("}\n");
    return median;
}
