/* Plan an experiment: how many units it takes to find an effect, how small an effect a number of
 * units finds, or how surely.
 *
 * One look fixed in advance. A proportion is planned for the pooled z-test (its error under no
 * effect is pooled, under the effect it is not: Fleiss, Levin, Paik 2003, section 4.2, without
 * continuity correction; what statsmodels calls power_proportions_2indep), or by Cohen's arcsine
 * effect size (1988, chapter 6; statsmodels: NormalIndPower of proportion_effectsize). A mean is
 * planned for the two-sample t-test by the non-central t distribution (statsmodels:
 * TTestIndPower). Tests are two-sided, and both sides count.
 *
 * Every look. The size by which the interval of all looks (evaluate/sequential.h) has left 0 with
 * the wanted chance, by POWER_PATHS simulated paths of the z-statistic with a fixed seed.
 *
 * Many arms are each compared with control at alpha / (arms - 1) where corrected: Holm's first step
 * is Bonferroni's, so the size that is enough for one true effect among many is the same. The size
 * is that of the comparison with the smallest arm. docs/methods/experiments.md has the formulas. */
#ifndef KAIROS_EVALUATE_POWER_H
#define KAIROS_EVALUATE_POWER_H

#include <stdint.h>

#include "base/err.h"

enum { POWER_ARMS = 64, POWER_PATHS = 20000 };
enum power_metric { POWER_PROPORTION, POWER_MEAN };
enum power_formula { POWER_POOLED, POWER_ARCSINE };

/* Of units, effect and power one is NAN and is solved for; where power is NAN both others are
 * given. Borrowed. */
struct power_plan {
    enum power_metric metric;
    enum power_formula formula; /* of a proportion at one look */
    double baseline;            /* PROPORTION: control's rate, in (0, 1) */
    double sd;                  /* MEAN: standard deviation of a unit's value, > 0 */
    double effect;              /* absolute, not 0; below 0 is a fall */
    double units;               /* of all arms together */
    double power;               /* wanted, in (0, 1) */
    double alpha;               /* two-sided, in (0, 1), of the whole family of arms */
    int32_t arms;               /* 2 .. POWER_ARMS, with control */
    const double *share;        /* (arms) each > 0, adding up to 1; [0] is control; NULL = equal */
    int is_corrected;           /* for many arms */
    int is_anytime;
    double horizon; /* anytime: units of the compared pair; 0 = the size of one look */
    double daily;   /* units a day of all arms, a look each day; 0 = fifty looks by that size */
    uint64_t seed;
};

struct power_answer {
    double units; /* of all arms: the sum of arm_units */
    double arm_units[POWER_ARMS];
    double effect;   /* where solved for: the smallest rise that is found */
    double power;    /* at these units, for this effect */
    double level;    /* alpha of one comparison */
    double days;     /* NAN without `daily` */
    double horizon;  /* to give to `evaluate ab`; NAN for one look */
    double expected; /* units at which it stops on average, at the latest at `units`; NAN ... */
    double one_look; /* units that one look needs at the same power; NAN ... for one look */
};

/* Fails: KAI_INVALID for a plan that breaks its rules, naming what; KAI_INFEASIBLE where no size or
 * no effect reaches the power; KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status power_solve(const struct power_plan *plan, struct power_answer *ret,
                                      kai_err *err);
/* Power of one look at n_0 units of control and n_1 of the other arm; `level` is two-sided. */
double power_proportion(double rate_0, double rate_1, double n_0, double n_1, double level,
                        enum power_formula formula);
double power_mean(double effect, double sd, double n_0, double n_1, double level);

#endif
