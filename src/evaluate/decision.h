/* From effects and their p-values to one decision that names its reasons.
 *
 * p-values of all main metrics and arms are corrected together (Holm, Benjamini-Hochberg or not at
 * all). A winner is an arm whose first main metric moved the wanted way, that harms no other main
 * metric and that passes every guard-rail. With a broken sample ratio nobody wins. */
#ifndef KAIROS_EVALUATE_DECISION_H
#define KAIROS_EVALUATE_DECISION_H

#include "evaluate/experiment.h"

enum decision_correction { DECISION_HOLM, DECISION_BH, DECISION_UNCORRECTED };

/* What a guard-rail says of an arm. */
enum decision_guard { GUARD_PASSES, GUARD_UNCERTAIN, GUARD_FAILS };

struct decision_metric {
    const struct experiment_result *result;
    int is_guard;
    int is_lower_better;
};

struct decision_options {
    enum decision_correction correction;
    double confidence;
    int is_anytime; /* decide by the intervals of all looks */
    double margin;  /* a guard-rail may worsen by this share of control's level */
    double srm;     /* mismatch below this p */
    double srm_warning;
};

struct decision {
    int32_t winner;     /* an arm, 0 for control, -1 for nobody */
    const char *reason; /* static */
    int is_srm_broken, is_srm_warning;
    double *adjusted;            /* owned; (metrics, arms); NaN for guard-rails and control */
    enum decision_guard *guards; /* owned; (metrics, arms) */
};

/* Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status decision_make(const struct decision_metric *metrics, int32_t count,
                                        const struct experiment_srm *srm,
                                        const struct decision_options *options,
                                        struct decision *ret_decision, kai_err *err);
void decision_release(struct decision *decision);
/* "passes", "uncertain", "fails" */
const char *decision_guard_text(enum decision_guard guard);

#endif
