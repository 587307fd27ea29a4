/* The sections of the page, in reading order. Each takes the whole document of report.json and
 * writes nothing where its members are missing or of another kind. */
#ifndef KAIROS_REPORT_SECTIONS_H
#define KAIROS_REPORT_SECTIONS_H

#include "report/html.h"

void section_summary(struct html *html, const struct json_value *doc); /* heading, cards */
void section_warnings(struct html *html, const struct json_value *doc);
void section_policies(struct html *html, const struct json_value *doc); /* plan and baselines */
void section_plan(struct html *html, const struct json_value *doc);     /* by offer and channel */
void section_frontier(struct html *html, const struct json_value *doc); /* against the budget */
void section_limits(struct html *html, const struct json_value *doc);
void section_arms(struct html *html, const struct json_value *doc); /* what was tried */
void section_uplift(struct html *html, const struct json_value *doc);
void section_calibration(struct html *html, const struct json_value *doc);
void section_reasons(struct html *html, const struct json_value *doc);
void section_fairness(struct html *html, const struct json_value *doc);
void section_data(struct html *html, const struct json_value *doc);
void section_models(struct html *html, const struct json_value *doc);
void section_methods(struct html *html, const struct json_value *doc);

/* A number of an object, or NaN. */
double section_number(const struct json_value *object, const char *key);
/* The larger of a size and the finite sizes of an estimate's value, low and high. */
double section_size(double size, const struct json_value *estimate);
/* At most HTML_ROWS_MAX. */
int section_rows(const struct json_value *list);
/* What turns a policy's value per customer into its total; NaN where neither is known. */
double section_policy_scale(const struct json_value *doc, const struct json_value *estimate);
/* What a policy costs in all; NaN where that is not known. */
double section_policy_cost(const struct json_value *doc, const struct json_value *policy);
/* It costs more than the plan may: 0 where either is not known. */
int section_policy_is_over(const struct json_value *doc, const struct json_value *policy);
/* A limit of the plan by its name, or NULL. */
const struct json_value *section_limit(const struct json_value *doc, const char *name);
/* The doubly robust estimate of a policy, or NULL. */
const struct json_value *section_policy_dr(const struct json_value *policy);

#endif
