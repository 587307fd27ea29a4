#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "prepare/recipe_parts.h"
#include "prepare/target_mean.h"

enum { MEAN_CLASSES_MAX = 16 /* target means of more classes are more columns than they tell */ };

/* The item's next feature, named by `format`. */
static kai_status add_feature(struct recipe_item *item, enum recipe_encoding encoding,
                              int32_t cardinality, const char *name, const char *suffix,
                              struct recipe_feature **ret_feature, kai_err *err) {
    struct recipe_feature *features =
        mem_resize(item->features, (size_t)item->count + 1, sizeof *features);
    if (!features) return err_memory(err, (item->count + 1) * (int64_t)sizeof *features);
    item->features = features;
    struct buf text;
    buf_init(&text, CAPS_FIELD_BYTES);
    kai_status st = buf_printf(&text, err, "%s%s", name, suffix);
    char *copy = st ? NULL : mem_string(text.data);
    buf_release(&text);
    if (st) return st;
    if (!copy) return err_memory(err, CAPS_FIELD_BYTES);
    features[item->count] =
        (struct recipe_feature){.name = copy, .encoding = encoding, .cardinality = cardinality};
    *ret_feature = &features[item->count++];
    return KAI_OK;
}

static int has_missing(const double *numbers, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (isnan(numbers[i])) return 1;
    return 0;
}

static kai_status add_absent(const double *numbers, int64_t count, const char *name,
                             struct recipe_item *item, kai_err *err) {
    struct recipe_feature *feature = NULL;
    if (!has_missing(numbers, count)) return KAI_OK;
    return add_feature(item, ENCODE_ABSENT, 0, name, " absent", &feature, err);
}

static kai_status scale_feature(const struct recipe_options *options, const double *values,
                                int64_t count, struct recipe_feature *feature, kai_err *err) {
    double *scratch = mem_array((size_t)count, 2 * sizeof *scratch);
    if (!scratch) return err_memory(err, count * 2 * (int64_t)sizeof *scratch);
    feature->scale = recipe_scale_fit(values, count, options->clip, scratch);
    mem_free(scratch);
    return KAI_OK;
}

static kai_status fit_number(const struct recipe_options *options,
                             const struct recipe_learned *learned, const char *name,
                             struct recipe_item *item, kai_err *err) {
    struct recipe_feature *feature = NULL;
    kai_status st = add_feature(item, ENCODE_NUMBER, 0, name, "", &feature, err);
    if (st || options->view == RECIPE_TREE) return st;
    st = scale_feature(options, learned->numbers, learned->count, feature, err);
    return st ? st : add_absent(learned->numbers, learned->count, name, item, err);
}

/* 0 and 1 stay; a missing flag is the more frequent one. */
static kai_status fit_flag(const struct recipe_options *options,
                           const struct recipe_learned *learned, const char *name,
                           struct recipe_item *item, kai_err *err) {
    struct recipe_feature *feature = NULL;
    kai_status st = add_feature(item, ENCODE_NUMBER, 0, name, "", &feature, err);
    if (st || options->view == RECIPE_TREE) return st;
    int64_t ones = 0, zeros = 0;
    for (int64_t i = 0; i < learned->count; i++) {
        ones += learned->numbers[i] == 1;
        zeros += learned->numbers[i] == 0;
    }
    feature->scale = (struct recipe_scale){
        .is_on = 1, .fill = ones > zeros, .deviation = 1, .clip = options->clip};
    return add_absent(learned->numbers, learned->count, name, item, err);
}

/* Whether a part of a date differs between the rows to learn from; fills ret_parts. */
static int part_varies(enum recipe_encoding part, const struct recipe_learned *learned,
                       double *ret_parts) {
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < learned->count; i++) {
        double value = ret_parts[i] = recipe_date_part(part, learned->numbers[i]);
        if (value < low) low = value;
        if (value > high) high = value;
    }
    return high > low;
}

static kai_status fit_date(const struct recipe_options *options,
                           const struct recipe_learned *learned, const char *name,
                           struct recipe_item *item, kai_err *err) {
    static const struct {
        const char *suffix;
        enum recipe_encoding part;
        int32_t cardinality; /* in the dense view; 0 = missing */
    } PARTS[] = {{" year", ENCODE_YEAR, 0},        {" month", ENCODE_MONTH, 13},
                 {" day of month", ENCODE_DAY, 0}, {" weekday", ENCODE_WEEKDAY, 8},
                 {" hour", ENCODE_HOUR, 0},        {" days", ENCODE_DAYS, 0}};
    double *parts = mem_array((size_t)learned->count, sizeof *parts);
    if (!parts) return err_memory(err, learned->count * (int64_t)sizeof *parts);
    kai_status st = KAI_OK;
    int is_dense = options->view == RECIPE_DENSE;
    for (size_t p = 0; !st && p < sizeof PARTS / sizeof *PARTS; p++) {
        struct recipe_feature *feature = NULL;
        if (!part_varies(PARTS[p].part, learned, parts)) continue;
        int32_t cardinality = is_dense ? PARTS[p].cardinality : 0;
        st = add_feature(item, PARTS[p].part, cardinality, name, PARTS[p].suffix, &feature, err);
        if (!st && is_dense && !cardinality)
            st = scale_feature(options, parts, learned->count, feature, err);
    }
    mem_free(parts);
    if (!st && is_dense) st = add_absent(learned->numbers, learned->count, name, item, err);
    return st;
}

static kai_status new_values(const struct recipe_levels *levels, struct recipe_feature *feature,
                             kai_err *err) {
    feature->values = mem_zero((size_t)levels->count, sizeof *feature->values);
    if (!feature->values) return err_memory(err, levels->count * (int64_t)sizeof *feature->values);
    feature->value_count = levels->count;
    return KAI_OK;
}

static struct target_rows target_rows(const struct recipe_learned *learned,
                                      const struct recipe_levels *levels, int32_t one_class) {
    return (struct target_rows){learned->groups, learned->target, learned->count, levels->count,
                                one_class};
}

struct ranked {
    double key;
    int32_t group;
};

static int compare_ranked(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->group < y->group ? -1 : x->group > y->group;
}

/* Keys become their ranks 0, 1, 2 .. in place. */
static kai_status rank_values(double *values, int32_t count, kai_err *err) {
    struct ranked *ranked = mem_array((size_t)count, sizeof *ranked);
    if (!ranked) return err_memory(err, count * (int64_t)sizeof *ranked);
    for (int32_t g = 0; g < count; g++) ranked[g] = (struct ranked){values[g], g};
    qsort(ranked, (size_t)count, sizeof *ranked, compare_ranked);
    for (int32_t r = 0; r < count; r++) values[ranked[r].group] = r;
    mem_free(ranked);
    return KAI_OK;
}

static kai_status mean_values(const struct recipe_options *options,
                              const struct recipe_learned *learned,
                              const struct recipe_levels *levels, int32_t one_class,
                              struct recipe_feature *feature, kai_err *err) {
    struct target_rows rows = target_rows(learned, levels, one_class);
    kai_status st = new_values(levels, feature, err);
    feature->smoothing = options->smoothing;
    if (!st && options->smoothing == 0) st = target_smoothing(&rows, &feature->smoothing, err);
    return st ? st : target_means(&rows, feature->smoothing, feature->values, err);
}

static kai_status fit_rank(const struct recipe_options *options,
                           const struct recipe_learned *learned, const struct recipe_levels *levels,
                           const char *name, struct recipe_item *item, kai_err *err) {
    struct recipe_feature *feature = NULL;
    kai_status st = add_feature(item, ENCODE_RANK, 0, name, "", &feature, err);
    if (!st && learned->target && learned->task != RECIPE_MULTICLASS) {
        st = mean_values(options, learned, levels, -1, feature, err);
    } else if (!st) {
        st = new_values(levels, feature, err);
        for (int32_t g = 0; !st && g < levels->count; g++)
            feature->values[g] = -(double)levels->rows[g];
    }
    return st ? st : rank_values(feature->values, levels->count, err);
}

static kai_status fit_share(const struct recipe_learned *learned,
                            const struct recipe_levels *levels, const char *name,
                            struct recipe_item *item, kai_err *err) {
    struct recipe_feature *feature = NULL;
    kai_status st = add_feature(item, ENCODE_SHARE, 0, name, " share", &feature, err);
    if (!st) st = new_values(levels, feature, err);
    for (int32_t g = 0; !st && g < levels->count; g++)
        feature->values[g] = (double)levels->rows[g] / (double)learned->count;
    return st;
}

struct spelled {
    struct slice text;
    int32_t group;
};

static int compare_spelled(const void *a, const void *b) {
    const struct spelled *x = a, *y = b;
    size_t n = x->text.size < y->text.size ? x->text.size : y->text.size;
    int order = n ? memcmp(x->text.data, y->text.data, n) : 0;
    return order ? order : x->text.size < y->text.size ? -1 : x->text.size > y->text.size;
}

/* Levels in the order of their texts, the rare before all. Levels of equal means or shares stay
 * apart in it, so that trees can find what only some levels do together with another feature. */
static kai_status fit_order(const struct recipe_levels *levels, const char *name,
                            struct recipe_item *item, kai_err *err) {
    struct recipe_feature *feature = NULL;
    kai_status st = add_feature(item, ENCODE_RANK, 0, name, " order", &feature, err);
    if (!st) st = new_values(levels, feature, err);
    if (st) return st;
    struct spelled *spelled = mem_array((size_t)levels->count, sizeof *spelled);
    if (!spelled) return err_memory(err, levels->count * (int64_t)sizeof *spelled);
    for (int32_t g = 1; g < levels->count; g++)
        spelled[g - 1] = (struct spelled){levels->dict.entries[g - 1], g};
    qsort(spelled, (size_t)levels->count - 1, sizeof *spelled, compare_spelled);
    for (int32_t r = 0; r + 1 < levels->count; r++) feature->values[spelled[r].group] = r + 1;
    mem_free(spelled);
    return KAI_OK;
}

static kai_status fit_means(const struct recipe_options *options,
                            const struct recipe_learned *learned,
                            const struct recipe_levels *levels, const char *name,
                            struct recipe_item *item, kai_err *err) {
    kai_status st = KAI_OK;
    int is_multiclass = learned->task == RECIPE_MULTICLASS;
    int32_t means = is_multiclass ? learned->classes : 1;
    if (!learned->target || means > MEAN_CLASSES_MAX) means = 0;
    for (int32_t m = 0; !st && m < means; m++) {
        char suffix[48] = " mean";
        struct recipe_feature *feature = NULL;
        if (is_multiclass) (void)snprintf(suffix, sizeof suffix, " mean of class %d", m);
        st = add_feature(item, ENCODE_MEAN, 0, name, suffix, &feature, err);
        if (st) return st;
        feature->part = is_multiclass ? m : -1;
        st = mean_values(options, learned, levels, feature->part, feature, err);
    }
    return st;
}

static kai_status fit_onehot(const struct recipe_learned *learned,
                             const struct recipe_levels *levels, const char *name,
                             struct recipe_item *item, kai_err *err) {
    kai_status st = KAI_OK;
    struct recipe_feature *feature = NULL;
    struct buf suffix;
    buf_init(&suffix, CAPS_FIELD_BYTES);
    for (int32_t g = levels->rows[0] == 0; !st && g < levels->count; g++) {
        buf_reset(&suffix);
        st = buf_printf(&suffix, err, "=%s", g ? dict_text(&levels->dict, g - 1) : "(other)");
        if (!st) st = add_feature(item, ENCODE_ONEHOT, 0, name, suffix.data, &feature, err);
        if (!st) feature->part = g;
    }
    buf_release(&suffix);
    int absent = 0;
    for (int64_t i = 0; i < learned->count; i++) absent |= learned->groups[i] < 0;
    if (!st && absent) st = add_feature(item, ENCODE_ABSENT, 0, name, " absent", &feature, err);
    return st;
}

static kai_status fit_levels(const struct recipe_options *options,
                             const struct recipe_learned *learned,
                             const struct recipe_levels *levels, const char *name,
                             struct recipe_item *item, kai_err *err) {
    struct recipe_feature *feature = NULL;
    if (options->view == RECIPE_DENSE)
        return add_feature(item, ENCODE_CODE, levels->count, name, "", &feature, err);
    int32_t kinds = levels->count - (levels->rows[0] == 0);
    if (kinds <= options->ordered_max && !levels->buckets)
        return options->onehot ? fit_onehot(learned, levels, name, item, err)
                               : fit_rank(options, learned, levels, name, item, err);
    kai_status st = fit_means(options, learned, levels, name, item, err);
    if (!st && !levels->buckets) st = fit_order(levels, name, item, err);
    return st ? st : fit_share(learned, levels, name, item, err);
}

static kai_status fit_gap(const struct recipe_options *options, const struct recipe_source *sources,
                          const struct recipe_learned *learned, struct recipe_item *item,
                          kai_err *err) {
    struct buf name;
    buf_init(&name, CAPS_FIELD_BYTES);
    kai_status st = buf_printf(&name, err, "%s minus %s", sources[item->source].name,
                               sources[item->other_source].name);
    if (!st) st = fit_number(options, learned, name.data, item, err);
    buf_release(&name);
    return st;
}

kai_status recipe_item_fit(const struct recipe_options *options,
                           const struct recipe_source *sources,
                           const struct recipe_learned *learned, struct recipe_item *item,
                           kai_err *err) {
    const struct recipe_source *source = &sources[item->source];
    switch (item->kind) {
    case ITEM_NUMBER: return fit_number(options, learned, source->name, item, err);
    case ITEM_FLAG: return fit_flag(options, learned, source->name, item, err);
    case ITEM_LEVELS: return fit_levels(options, learned, &source->levels, source->name, item, err);
    case ITEM_DATE: return fit_date(options, learned, source->name, item, err);
    case ITEM_GAP: return fit_gap(options, sources, learned, item, err);
    case ITEM_KINDS: break;
    }
    return err_set(err, KAI_STATE, "recipe: item of an unknown kind");
}

void recipe_item_release(struct recipe_item *item) {
    for (int32_t f = 0; f < item->count; f++) {
        mem_free(item->features[f].name);
        mem_free(item->features[f].values);
    }
    mem_free(item->features);
    item->features = NULL;
    item->count = 0;
}
