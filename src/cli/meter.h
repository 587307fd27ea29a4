/* Progress for people: a bar with rate and time left on a terminal, one line each ten seconds
 * otherwise; and Ctrl-C, which cancels the job at its next step. */
#ifndef KAIROS_CLI_METER_H
#define KAIROS_CLI_METER_H

#include <stdint.h>

struct meter {
    int is_quiet, is_terminal, is_drawn;
    double started, last; /* clock_seconds */
    char stage[64];
};

/* Installs the handler of SIGINT and SIGTERM. */
void meter_init(struct meter *meter, int is_quiet);
/* A kai_progress_fn over a struct meter. */
int meter_tell(void *meter, const char *stage, int64_t done, int64_t total);
/* Wipe the bar. */
void meter_finish(struct meter *meter);

#endif
