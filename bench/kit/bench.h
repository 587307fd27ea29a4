/* A benchmark prints one JSON line a measurement: name, size, runs, median and spread in seconds.
 */
#ifndef KAIROS_BENCH_KIT_H
#define KAIROS_BENCH_KIT_H

/* Time `fn` once as warm-up and `runs` times (at most 101), and print the line to stdout. `rate`
 * units of work a run (rows, multiply-adds); 0 leaves the rate out. Returns the median in seconds.
 */
double bench_run(const char *name, double size, int runs, double rate, void (*fn)(void *user),
                 void *user);

#endif
