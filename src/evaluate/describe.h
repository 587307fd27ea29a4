/* The results of this room as JSON, one value each, in the form of PRODUCT.md. Where a `key` is
 * given, the value is a member of the open object; NULL writes the bare value. Failures stick in
 * the writer. */
#ifndef KAIROS_EVALUATE_DESCRIBE_H
#define KAIROS_EVALUATE_DESCRIBE_H

#include <stdint.h>

#include "base/json.h"
#include "evaluate/arms.h"
#include "evaluate/estimate.h"
#include "evaluate/fairness.h"
#include "evaluate/leaks.h"
#include "evaluate/policy.h"
#include "evaluate/reliability.h"
#include "evaluate/shift.h"
#include "evaluate/uplift.h"

/* {"value":..,"low":..,"high":..,"n":..,"method":".."} */
void estimate_describe(struct json_writer *json, const char *key, const struct estimate *estimate);
/* {"n":..,"mean":..,"low":..,"high":..,"deviation":..,"missing":..,"effect":{estimate},"p":..} */
void arm_outcome_describe(struct json_writer *json, const char *key,
                          const struct arm_outcome *outcome);
/* {"name":..,"estimates":{"dr":{gain with "total"},..},"values":{..},"cost":..,
 * "effective_sample":.., "overlap":{..},"warnings":[..]}; rows multiply into `total` */
void policy_describe(struct json_writer *json, const char *key, const struct policy_value *value,
                     int64_t rows);
/* {"effect":..,"qini":..,"auuc":..,"top":{"10":..,..},"points":[[share,gain,low,high],..],
 * "qini_points":[[share,excess,low,high],..]} */
void uplift_describe(struct json_writer *json, const char *key, const struct uplift_curve *curve);
void reliability_describe(struct json_writer *json, const char *key,
                          const struct reliability *reliability);
void fairness_describe(struct json_writer *json, const char *key,
                       const struct fairness_audit *audit);
/* [{"column":..,"test":..,"statistic":..,"p":..},..] of those found */
void leaks_describe(struct json_writer *json, const char *key, const struct leak *leaks,
                    int32_t count);
/* [{"column":..,"psi":..,"size":..,..},..] of those that are not "none" */
void shift_describe(struct json_writer *json, const char *key, const struct shift *shifts,
                    int32_t count);

#endif
