/* Progressive loss of the on-line learner on a stream from stdin: a line an example, the label (0
 * or 1) and one whole number for each field, separated by blanks.
 *
 *   bench_online ftrl|adagrad RATE [BETA [L1 [L2 [BITS]]]] < stream        one JSON line */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "decide/online.h"

enum { FIELDS_MAX = 256 };

static double number(int argc, char **argv, int index, double fallback) {
    return argc > index ? atof(argv[index]) : fallback;
}

int main(int argc, char **argv) {
    struct online_options options;
    struct online *online = NULL;
    kai_err err = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: bench_online ftrl|adagrad RATE [BETA [L1 [L2 [BITS]]]]\n");
        return 2;
    }
    online_options_init(&options);
    options.method = strcmp(argv[1], "adagrad") == 0 ? ONLINE_ADAGRAD : ONLINE_FTRL;
    options.rate = number(argc, argv, 2, 0.1);
    options.beta = number(argc, argv, 3, 1);
    options.l1 = number(argc, argv, 4, 0);
    options.l2 = number(argc, argv, 5, 0);
    options.bits = (int32_t)number(argc, argv, 6, 22);
    if (online_new(&options, &online, &err)) {
        fprintf(stderr, "bench_online: %s\n", err.message);
        return 1;
    }
    static char line[1 << 16];
    double seconds = 0;
    while (fgets(line, sizeof line, stdin)) {
        uint32_t feature[FIELDS_MAX];
        int32_t count = 0;
        char *at = NULL;
        long label = strtol(line, &at, 10);
        for (char *end = at; count < FIELDS_MAX; at = end, count++) {
            int64_t value = strtoll(at, &end, 10);
            if (end == at) break;
            feature[count] = online_hash((uint32_t)count, &value, sizeof value);
        }
        double start = clock_seconds();
        struct online_row row = {.feature = feature, .count = count};
        if (online_update(online, &row, (double)label, 1, NULL, &err)) {
            fprintf(stderr, "bench_online: %s\n", err.message);
            return 1;
        }
        seconds += clock_seconds() - start;
    }
    struct online_progress progress;
    online_progress(online, &progress);
    printf(
        "{\"name\":\"online.%s\",\"rate\":%g,\"examples\":%lld,\"logloss\":%.6f,"
        "\"positive\":%.5f,\"predicted\":%.5f,\"seconds\":%.3f}\n",
        argv[1], options.rate, (long long)progress.examples, progress.logloss, progress.positive,
        progress.predicted, seconds);
    online_free(online);
    return 0;
}
