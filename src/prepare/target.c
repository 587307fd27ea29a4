#include "prepare/target.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "prepare/split.h"

enum { INTEGER_CLASSES_MAX = 10, CLASSES_MAX = 1000, NAME_BYTES_MAX = 1 << 20 };

/* The distinct values of a label, by the codes of split_codes. */
struct values {
    int32_t *codes; /* owned; (rows) */
    int32_t count;
    char **names;   /* owned; (count) */
    int64_t *rows;  /* owned; (count) how many have it */
    int32_t *order; /* owned; (count) class of a code */
};

static void release_values(struct values *values) {
    for (int32_t v = 0; values->names && v < values->count; v++) mem_free(values->names[v]);
    mem_free(values->names);
    mem_free(values->rows);
    mem_free(values->order);
    mem_free(values->codes);
}

static kai_status name_values(const struct column *label, struct values *values, kai_err *err) {
    struct buf text;
    buf_init(&text, NAME_BYTES_MAX);
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < label->rows; i++) {
        int32_t code = values->codes[i];
        if (code < 0 || values->rows[code]++ > 0) continue;
        st = column_print(label, i, &text, err);
        if (!st && !(values->names[code] = mem_string(text.data)))
            st = err_memory(err, (int64_t)text.size);
    }
    buf_release(&text);
    return st;
}

/* Values of the label with their names; past CLASSES_MAX only their number is known. */
static kai_status find_values(const struct column *label, struct values *values, kai_err *err) {
    values->codes = mem_array((size_t)label->rows, sizeof *values->codes);
    if (!values->codes) return err_memory(err, label->rows * (int64_t)sizeof *values->codes);
    kai_status st = split_codes(label, values->codes, &values->count, err);
    if (st || values->count > CLASSES_MAX) return st;
    size_t count = (size_t)values->count;
    values->names = mem_zero(count, sizeof *values->names);
    values->rows = mem_zero(count, sizeof *values->rows);
    values->order = mem_zero(count, sizeof *values->order);
    if (!values->names || !values->rows || !values->order)
        return err_memory(err, (int64_t)(count * sizeof *values->names));
    return name_values(label, values, err);
}

static int is_number(const struct column *label) {
    return label->kind == COLUMN_F64 || label->kind == COLUMN_I64;
}

/* No value comes twice: a name of the row, not a class. */
static int is_different_everywhere(const struct values *values) {
    for (int32_t v = 0; v < values->count; v++)
        if (values->rows[v] > 1) return 0;
    return values->count > 2;
}

static enum recipe_task guess_task(const struct column *label, int32_t count) {
    if (count == 2) return RECIPE_BINARY;
    int is_measured =
        label->kind == COLUMN_F64 || (label->kind == COLUMN_I64 && count > INTEGER_CLASSES_MAX);
    return is_measured ? RECIPE_REGRESSION : RECIPE_MULTICLASS;
}

static kai_status choose_task(const struct column *label, const char *task,
                              const struct values *values, enum recipe_task *ret_task,
                              kai_err *err) {
    int32_t count = values->count;
    if (count < 2)
        return err_set(err, KAI_INVALID, "label '%s' has %s: there is nothing to learn",
                       label->name, count ? "one value only" : "no values");
    if (strcmp(task, "regression") == 0)
        *ret_task = RECIPE_REGRESSION;
    else if (strcmp(task, "binary") == 0)
        *ret_task = RECIPE_BINARY;
    else if (strcmp(task, "multiclass") == 0)
        *ret_task = RECIPE_MULTICLASS;
    else
        *ret_task = guess_task(label, count);
    if (*ret_task == RECIPE_REGRESSION && !is_number(label))
        return err_set(err, KAI_INVALID, "label '%s' is a %s: regression needs numbers",
                       label->name, column_kind_text(label->kind));
    if (*ret_task == RECIPE_BINARY && count != 2)
        return err_set(err, KAI_INVALID, "label '%s' has %d values: binary needs two", label->name,
                       count);
    if (*ret_task == RECIPE_MULTICLASS && count > CLASSES_MAX)
        return err_set(err, KAI_INVALID, "label '%s' has %d classes, at most %d are possible",
                       label->name, count, CLASSES_MAX);
    if (*ret_task == RECIPE_MULTICLASS && is_different_everywhere(values))
        return err_set(err, KAI_INVALID,
                       "label '%s' is different in every row: there is nothing to learn",
                       label->name);
    return KAI_OK;
}

/* Which of two values is the positive one. */
static kai_status choose_positive(const struct column *label, const struct values *values,
                                  const char *positive, int32_t *ret_code, kai_err *err) {
    if (positive) {
        for (int32_t v = 0; v < 2; v++)
            if (strcmp(values->names[v], positive) == 0) return *ret_code = v, KAI_OK;
        return err_set(err, KAI_INVALID, "label '%s' has no value '%s': it has '%s' and '%s'",
                       label->name, positive, values->names[0], values->names[1]);
    }
    int flags[2];
    if (text_parse_flag(slice_of(values->names[0]), &flags[0]) &&
        text_parse_flag(slice_of(values->names[1]), &flags[1]) && flags[0] != flags[1]) {
        *ret_code = flags[1];
    } else if (values->rows[0] != values->rows[1]) {
        *ret_code = values->rows[1] < values->rows[0];
    } else {
        *ret_code = strcmp(values->names[1], values->names[0]) > 0;
    }
    return KAI_OK;
}

/* Classes of multiclass stand in the order of their values: numbers by size, texts by bytes. */
static void order_classes(const struct column *label, struct values *values) {
    for (int32_t v = 0; v < values->count; v++) {
        for (int32_t other = 0; other < values->count; other++) {
            double a = 0, b = 0;
            int are_numbers = is_number(label) &&
                              text_parse_f64(slice_of(values->names[other]), &a) &&
                              text_parse_f64(slice_of(values->names[v]), &b);
            values->order[v] +=
                are_numbers ? a < b : strcmp(values->names[other], values->names[v]) < 0;
        }
    }
}

static kai_status fill_classes(const struct column *label, struct values *values,
                               const char *positive, struct target *target, kai_err *err) {
    kai_status st = KAI_OK;
    if (target->task == RECIPE_BINARY) {
        int32_t code = 0;
        st = choose_positive(label, values, positive, &code, err);
        values->order[code] = 1;
    } else if (positive) {
        st = err_set(err, KAI_INVALID, "label '%s' is not binary: it has no positive class",
                     label->name);
    } else {
        order_classes(label, values);
    }
    if (st) return st;
    target->classes = values->count;
    target->names = mem_zero((size_t)values->count, sizeof *target->names);
    if (!target->names) return err_memory(err, values->count);
    for (int32_t v = 0; v < values->count; v++) {
        target->names[values->order[v]] = values->names[v];
        values->names[v] = NULL;
    }
    return KAI_OK;
}

static void fill_values(const struct column *label, const struct values *values,
                        struct target *target) {
    for (int64_t i = 0; i < label->rows; i++) {
        int32_t code = values->codes[i];
        target->missing += code < 0;
        target->strata[i] = code < 0 ? -1 : target->classes ? values->order[code] : 0;
        target->values[i] = code < 0          ? NAN
                            : target->classes ? (double)values->order[code]
                                              : column_f64(label, i);
    }
}

kai_status target_new(const struct column *label, const char *task, const char *positive,
                      struct target **ret_target, kai_err *err) {
    struct values values = {0};
    struct target *target = mem_zero(1, sizeof *target);
    if (!target) return err_memory(err, sizeof *target);
    target->rows = label->rows;
    target->values = mem_array((size_t)label->rows, sizeof *target->values);
    target->strata = mem_array((size_t)label->rows, sizeof *target->strata);
    kai_status st = target->values && target->strata ? find_values(label, &values, err)
                                                     : err_memory(err, label->rows * 12);
    if (!st) st = choose_task(label, task, &values, &target->task, err);
    if (!st && target->task != RECIPE_REGRESSION)
        st = fill_classes(label, &values, positive, target, err);
    else if (!st && positive)
        st = err_set(err, KAI_INVALID, "label '%s' is a number: it has no positive class",
                     label->name);
    if (!st) fill_values(label, &values, target);
    release_values(&values);
    if (st) {
        target_free(target);
        return st;
    }
    *ret_target = target;
    return KAI_OK;
}

void target_free(struct target *target) {
    if (!target) return;
    for (int32_t c = 0; target->names && c < target->classes; c++) mem_free(target->names[c]);
    mem_free(target->names);
    mem_free(target->values);
    mem_free(target->strata);
    mem_free(target);
}
