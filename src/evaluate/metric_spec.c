#include "evaluate/metric_spec.h"

#include <string.h>

const char *metric_kind_text(enum metric_kind kind) {
    static const char *const TEXTS[] = {"auto", "mean", "proportion", "ratio", "quantile"};
    return TEXTS[kind];
}

static kai_status copy_name(struct slice text, struct slice name, char *ret_name, kai_err *err) {
    if (name.size == 0)
        return err_set(err, KAI_INVALID, "metric '%.*s': a column's name is empty",
                       (int)(text.size < 80 ? text.size : 80), text.data);
    if (name.size >= METRIC_COLUMN_BYTES)
        return err_set(err, KAI_LIMIT, "metric '%.80s...': a name has more than %d bytes",
                       text.data, METRIC_COLUMN_BYTES - 1);
    if (memchr(name.data, '\0', name.size))
        return err_set(err, KAI_INVALID, "a metric has a NUL in its name");
    memcpy(ret_name, name.data, name.size);
    ret_name[name.size] = '\0';
    return KAI_OK;
}

/* "q90" as 0.9; 1 on success. */
static int parse_quantile(struct slice kind, double *ret_quantile) {
    double percent;
    if (kind.size < 2 || kind.data[0] != 'q') return 0;
    if (!text_parse_f64((struct slice){kind.data + 1, kind.size - 1}, &percent)) return 0;
    *ret_quantile = percent / 100;
    return *ret_quantile > 0 && *ret_quantile < 1;
}

kai_status metric_spec_parse(struct slice text, struct metric_spec *ret_spec, kai_err *err) {
    static const char RATIO[] = "ratio/";
    struct metric_spec spec = {.kind = METRIC_AUTO};
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':') colon--;
    struct slice name = text, kind = {text.data + colon, text.size - colon};
    if (colon > 0) name.size = colon - 1;
    struct slice per = {kind.data, 0};
    if (colon == 0) {
        spec.kind = METRIC_AUTO;
    } else if (slice_equal_text(kind, "mean")) {
        spec.kind = METRIC_MEAN;
    } else if (slice_equal_text(kind, "proportion")) {
        spec.kind = METRIC_PROPORTION;
    } else if (kind.size >= sizeof RATIO - 1 && memcmp(kind.data, RATIO, sizeof RATIO - 1) == 0) {
        spec.kind = METRIC_RATIO;
        per = (struct slice){kind.data + sizeof RATIO - 1, kind.size - (sizeof RATIO - 1)};
    } else if (parse_quantile(kind, &spec.quantile)) {
        spec.kind = METRIC_QUANTILE;
    } else {
        return err_set(err, KAI_INVALID,
                       "metric '%.*s': expected mean, proportion, ratio/COL or qNN after the colon",
                       (int)(text.size < 80 ? text.size : 80), text.data);
    }
    kai_status st = copy_name(text, name, spec.column, err);
    if (!st && spec.kind == METRIC_RATIO) st = copy_name(text, per, spec.per, err);
    if (!st) *ret_spec = spec;
    return st;
}

kai_status metric_spec_print(const struct metric_spec *spec, struct buf *out, kai_err *err) {
    char number[TEXT_NUMBER_BYTES];
    switch (spec->kind) {
    case METRIC_AUTO: return buf_puts(out, spec->column, err);
    case METRIC_RATIO: return buf_printf(out, err, "%s:ratio/%s", spec->column, spec->per);
    case METRIC_QUANTILE:
        (void)text_print_f64(spec->quantile * 100, number);
        return buf_printf(out, err, "%s:q%s", spec->column, number);
    default: return buf_printf(out, err, "%s:%s", spec->column, metric_kind_text(spec->kind));
    }
}
