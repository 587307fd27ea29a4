/* How a metric of an experiment is named in one word: COL, COL:mean, COL:proportion, COL:ratio/DEN,
 * COL:q90. The last colon counts, so that a column may have some in its name ("a:b:mean"). */
#ifndef KAIROS_EVALUATE_METRIC_SPEC_H
#define KAIROS_EVALUATE_METRIC_SPEC_H

#include "base/buf.h"
#include "base/text.h"

enum metric_kind {
    METRIC_AUTO, /* proportion where all values are 0 or 1, else mean */
    METRIC_MEAN,
    METRIC_PROPORTION,
    METRIC_RATIO,    /* sum of one column over the sum of another */
    METRIC_QUANTILE, /* q50, q99.9 */
};

enum { METRIC_COLUMN_BYTES = 256 };

struct metric_spec {
    enum metric_kind kind;
    char column[METRIC_COLUMN_BYTES];
    char per[METRIC_COLUMN_BYTES]; /* RATIO: the denominator; else "" */
    double quantile;               /* QUANTILE: in (0, 1); else 0 */
};

/* "auto", "mean", "proportion", "ratio", "quantile" */
const char *metric_kind_text(enum metric_kind kind);
/* Fails: KAI_INVALID: "metric 'spend:median': expected mean, proportion, ratio/COL or qNN after the
 * colon"; KAI_LIMIT for a name of METRIC_COLUMN_BYTES or more. */
KAI_MUST_CHECK kai_status metric_spec_parse(struct slice text, struct metric_spec *ret_spec,
                                            kai_err *err);
/* The word that parses to the same; appended to `out`. */
KAI_MUST_CHECK kai_status metric_spec_print(const struct metric_spec *spec, struct buf *out,
                                            kai_err *err);

#endif
