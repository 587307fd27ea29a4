#include "cli/meter.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static const double TERMINAL_SECONDS = 0.1, LINE_SECONDS = 10;
enum { BAR_CELLS = 24 };

/* The only thing a signal handler may touch. */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

void meter_init(struct meter *meter, int is_quiet) {
    *meter = (struct meter){.is_quiet = is_quiet,
                            .is_terminal = isatty(STDERR_FILENO),
                            .started = clock_seconds(),
                            .last = clock_seconds()};
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    (void)sigaction(SIGINT, &action, NULL); /* both signals exist: cannot fail */
    (void)sigaction(SIGTERM, &action, NULL);
}

static void draw_bar(struct meter *meter, int64_t done, int64_t total, double seconds) {
    char bar[BAR_CELLS + 1];
    int full = total > 0 ? (int)((double)BAR_CELLS * (double)done / (double)total) : 0;
    if (full > BAR_CELLS) full = BAR_CELLS;
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', (size_t)full);
    bar[BAR_CELLS] = '\0';
    double rate = seconds > 0 ? (double)done / seconds : 0;
    double left = rate > 0 && total > done ? (double)(total - done) / rate : 0;
    (void)fprintf(stderr, "\r%-14s [%s] %lld/%lld %.3g/s %.0f s left \x1b[K", meter->stage, bar,
                  (long long)done, (long long)total, rate, left);
    meter->is_drawn = 1;
}

int meter_tell(void *user, const char *stage, int64_t done, int64_t total) {
    struct meter *meter = user;
    double now = clock_seconds();
    if (strncmp(meter->stage, stage, sizeof meter->stage - 1) != 0) {
        (void)snprintf(meter->stage, sizeof meter->stage, "%s", stage);
        meter->started = now;
    }
    double pause = meter->is_terminal ? TERMINAL_SECONDS : LINE_SECONDS;
    if (!meter->is_quiet && now - meter->last >= pause) {
        meter->last = now;
        if (meter->is_terminal)
            draw_bar(meter, done, total, now - meter->started);
        else
            (void)fprintf(stderr, "%s: %lld of %lld, %.0f s\n", stage, (long long)done,
                          (long long)total, now - meter->started);
    }
    return interrupted;
}

void meter_finish(struct meter *meter) {
    if (meter->is_drawn) (void)fputs("\r\x1b[K", stderr); /* a lost wipe harms nobody */
    meter->is_drawn = 0;
}
