#include <float.h>
#include <math.h>

#include "base/text.h"
#include "prepare/recipe_parts.h"

static const double US_PER_DAY = 86400e6, US_PER_HOUR = 3600e6;

const char *recipe_encoding_text(enum recipe_encoding encoding) {
    static const char *const TEXTS[ENCODE_KINDS] = {
        "number", "absent", "rank",         "target mean", "share", "code", "one-hot",
        "year",   "month",  "day of month", "weekday",     "hour",  "days"};
    return TEXTS[encoding];
}

double recipe_date_part(enum recipe_encoding part, double us) {
    if (isnan(us)) return NAN;
    double day = floor(us / US_PER_DAY);
    if (part == ENCODE_DAYS) return day;
    if (part == ENCODE_HOUR) return floor((us - day * US_PER_DAY) / US_PER_HOUR);
    if (fabs(day) > 3e6) return NAN; /* some 8,000 years: no calendar */
    int64_t days = (int64_t)day;
    if (part == ENCODE_WEEKDAY) return (double)(((days + 3) % 7 + 7) % 7 + 1); /* day 0: Thursday */
    int year, month, of_month;
    text_date_from_days(days, &year, &month, &of_month);
    return part == ENCODE_YEAR ? year : part == ENCODE_MONTH ? month : of_month;
}

static double group_value(const struct recipe_feature *feature, int32_t group) {
    if (feature->encoding == ENCODE_ABSENT) return group < 0;
    if (feature->encoding == ENCODE_ONEHOT) return group == feature->part;
    if (group < 0) return NAN;
    return feature->encoding == ENCODE_CODE ? group : feature->values[group];
}

static double number_value(const struct recipe_feature *feature, double number) {
    if (feature->encoding == ENCODE_ABSENT) return isnan(number);
    if (feature->encoding == ENCODE_NUMBER) return number;
    return recipe_date_part(feature->encoding, number);
}

static float fit_float(double value) {
    if (value > FLT_MAX) return FLT_MAX;
    if (value < -FLT_MAX) return -FLT_MAX;
    return (float)value;
}

void recipe_emit(const struct recipe_feature *feature, const double *numbers, const int32_t *groups,
                 int64_t count, float *ret_column) {
    for (int64_t i = 0; i < count; i++) {
        double value = groups ? group_value(feature, groups[i]) : number_value(feature, numbers[i]);
        if (feature->scale.is_on) value = recipe_scale_apply(&feature->scale, value);
        if (feature->cardinality && isnan(value)) value = 0; /* a part of a missing date */
        ret_column[i] = fit_float(value);
    }
}
