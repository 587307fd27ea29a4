/* Probabilities that mean what they say: a monotone map from scores to frequencies.
 *
 * What goes in: scores of rows that the model did not see, and what happened. What comes out: an
 * immutable map. Both kinds never decrease, so that the order of the scores stays (isotonic may
 * make ties). With `outputs` >= 2 each class has its own map, one against the rest, and the results
 * are divided by their sum.
 *
 *   isotonic  least squares under s_i <= s_j => f_i <= f_j by pool-adjacent-violators (Barlow,
 *             Bartholomew, Bremner, Brunk 1972; Zadrozny, Elkan, KDD 2002); linear between the
 *             points, constant outside; equal scores are one point
 *   Platt     1 / (1 + exp(A z + B)), z = log-odds of the score, targets (n+ + 1)/(n+ + 2) and
 *             1/(n- + 2), by Newton with backtracking: Lin, Lin, Weng, "A note on Platt's
 *             probabilistic outputs for support vector machines", 2007, algorithm 1
 */
#ifndef KAIROS_LEARN_CALIBRATE_H
#define KAIROS_LEARN_CALIBRATE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/json.h"

enum calibrate_kind { CALIBRATE_ISOTONIC, CALIBRATE_PLATT, CALIBRATE_KINDS };

/* "isotonic", "platt" */
const char *calibrate_kind_text(enum calibrate_kind kind);

struct calibrator; /* fitted; immutable; any number of threads may share it */

/* scores: (count, outputs), probabilities. target: (count) 0/1 for outputs = 1, else the class.
 * weight: (count) or NULL = 1; rows of weight 0 are left out. Fails: KAI_INVALID (no rows, one
 * class only, a score outside [0, 1], a target that is no class), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status calibrate_fit(enum calibrate_kind kind, int32_t outputs,
                                        const double *scores, const double *target,
                                        const double *weight, int64_t count,
                                        struct calibrator **ret_calibrator, kai_err *err);
void calibrate_free(struct calibrator *calibrator);
enum calibrate_kind calibrate_kind(const struct calibrator *calibrator);
int32_t calibrate_outputs(const struct calibrator *calibrator);
/* In place. scores: (count, outputs); NaN stays NaN. */
void calibrate_apply(const struct calibrator *calibrator, int64_t count, double *scores);

/* Failures stick in the writer. */
void calibrate_save(const struct calibrator *calibrator, struct bytes_writer *writer);
/* From bytes that nobody trusts. Fails: KAI_CORRUPT, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status calibrate_load(struct bytes_reader *reader,
                                         struct calibrator **ret_calibrator, kai_err *err);
/* Kind and parameters (A, B, or the number of points) as members of an open object. */
void calibrate_describe(const struct calibrator *calibrator, struct json_writer *json);

#endif
