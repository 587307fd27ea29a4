/* Say how good decisions were and how sure we are.
 *
 * In go plain arrays of rows x arms (what was tried, what happened, what was predicted) and, where
 * columns are compared, tables; out come estimates, each with its interval and its sample. Nothing
 * here fits a model, chooses an action or changes a decision. All sums run over fixed blocks of
 * EVALUATE_BLOCK_ROWS rows that are added in index order, so results are equal byte for byte for
 * any number of threads.
 *
 * Arm 0 is always the control ("nobody"); arms 1 .. arms-1 are the offers.
 *
 * The doors of this room, one per noun:
 *   evaluate/estimate.h     a value with its interval; means, proportions, differences
 *   evaluate/stat.h         distributions: normal, t, chi-square, F, Kolmogorov-Smirnov; Holm
 *   evaluate/trial.h        what was tried and what happened; one doubly robust score a row
 *   evaluate/arms.h         outcome means of each arm and their differences to control
 *   evaluate/policy.h       off-policy value of policies (DM, IPW, SNIPW, DR, SNDR), overlap
 *   evaluate/rotation.h     which folds may train what judges a fold, for honest intervals
 *   evaluate/baseline.h     the policies that a plan must beat
 *   evaluate/uplift.h       gain curve, Qini, AUUC of a ranking
 *   evaluate/toc.h          targeting curve (AUTOC), best linear projection of effects
 *   evaluate/reliability.h  predicted against observed effect by decile
 *   evaluate/fairness.h     a plan and its model by the groups of a sensitive column
 *   evaluate/leaks.h        columns that differ between randomised arms
 *   evaluate/shift.h        columns that differ between history and customers
 *   evaluate/ranking.h      how well items were ordered; models on the same customers
 *   evaluate/order.h        rows in the order of a value
 *   evaluate/describe.h     all of these as JSON
 *   evaluate/experiment.h   effects of an experiment's arms on metrics, and its sample ratio
 *   evaluate/metric_spec.h  how a metric is named: COL:mean, COL:ratio/DEN, COL:q90
 *   evaluate/sequential.h   intervals and p-values that hold at every look
 *   evaluate/posterior.h    what is believed about an effect after the data
 *   evaluate/decision.h     corrected p-values, guard-rails, and who wins
 *   evaluate/power.h        units, detectable effect and power of an experiment
 *   evaluate/power_history.h  level and spread of a metric before an experiment
 *   evaluate/ope.h          off-policy value of logs of many actions, and of slates
 *   evaluate/ledger.h       what campaigns earned, and on what evidence
 *   evaluate/attribution.h  conversions shared out among channels
 */
#ifndef KAIROS_EVALUATE_EVALUATE_H
#define KAIROS_EVALUATE_EVALUATE_H

enum { EVALUATE_BLOCK_ROWS = 4096 };
#define EVALUATE_CONFIDENCE 0.95 /* where the caller gives 0 */

#endif
