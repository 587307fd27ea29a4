/* When the interval of all looks leaves 0: simulated paths of the z-statistic. Private to power.c.
 *
 * With t units of the compared pair the z-statistic is (B(s) + s) / sqrt(s) with s = drift t and B
 * a Brownian motion: one problem for every metric. A path stops at the first look at which |z| is
 * at least sequential_width(t). */
#ifndef KAIROS_EVALUATE_POWER_PATH_H
#define KAIROS_EVALUATE_POWER_PATH_H

#include <stdint.h>

#include "base/err.h"

/* Units are those of the pair. */
struct power_path {
    double drift;    /* effect^2 over the variance of one unit: the squared z that a unit adds */
    double one_look; /* units that one look needs */
    double level;    /* alpha */
    double horizon;  /* 0 = one_look */
    double spacing;  /* units from look to look; 0 = one_look / 50 */
    double smallest; /* share of the smaller arm within the pair */
    double pair;     /* share of the pair within the experiment */
    uint64_t seed;
};

struct power_stops {
    double units;    /* by which the share `power` of the paths has stopped */
    double power;    /* share of the paths that stop by `units` */
    double expected; /* mean units at the stop, `units` where a path does not stop before */
};

/* Fails: KAI_INFEASIBLE where too few paths stop within 100 times one_look, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status power_path_stop_with(const struct power_path *path, double power,
                                               struct power_stops *ret_stops, kai_err *err);
KAI_MUST_CHECK kai_status power_path_stop_by(const struct power_path *path, double units,
                                             struct power_stops *ret_stops, kai_err *err);

#endif
