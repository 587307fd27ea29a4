#include "engine/proof_columns.h"

#include <math.h>

#include "base/alloc.h"
#include "base/caps.h"

enum { FLAG_WORDS_MAX = 16 };

kai_status proof_names(const struct table *table, const char *column, struct dict *names,
                       int32_t **ret_codes, kai_err *err) {
    const struct column *source = NULL;
    struct buf text;
    kai_status st = table_column(table, column, &source, err);
    if (st) return st;
    int32_t *codes = mem_array((size_t)table->rows, sizeof *codes);
    if (!codes) return err_memory(err, table->rows * (int64_t)sizeof *codes);
    buf_init(&text, (size_t)CAPS_BUF_BYTES);
    for (int64_t i = 0; !st && i < table->rows; i++) {
        codes[i] = -1;
        if (!column_is_valid(source, i)) continue;
        st = column_print(source, i, &text, err);
        if (!st)
            st = dict_add(names, (struct slice){text.size ? text.data : "", text.size}, &codes[i],
                          err);
    }
    buf_release(&text);
    if (st)
        mem_free(codes);
    else
        *ret_codes = codes;
    return st;
}

/* Words for yes and no as 1 and 0; 1 where all names of the column are such words. */
static int read_flags(const struct column *source, double *ret_by_code) {
    for (int32_t c = 0; c < source->dict->count; c++) {
        int flag = 0;
        if (!text_parse_flag(slice_of(dict_text(source->dict, c)), &flag)) return 0;
        ret_by_code[c] = flag;
    }
    return 1;
}

kai_status proof_numbers(const struct table *table, const char *column, double **ret_values,
                         kai_err *err) {
    const struct column *source = NULL;
    kai_status st = table_column(table, column, &source, err);
    if (st) return st;
    double flags[FLAG_WORDS_MAX];
    int is_category = source->kind == COLUMN_CATEGORY;
    int is_flags =
        is_category && source->dict->count <= FLAG_WORDS_MAX && read_flags(source, flags);
    if (source->kind == COLUMN_TEXT || (is_category && !is_flags))
        return err_set(err, KAI_INVALID, "column '%s': expected numbers, it holds texts", column);
    double *values = mem_array((size_t)table->rows, sizeof *values);
    if (!values) return err_memory(err, table->rows * (int64_t)sizeof *values);
    for (int64_t i = 0; i < table->rows; i++) {
        values[i] = column_f64(source, i);
        if (is_flags && !isnan(values[i])) values[i] = flags[source->as.codes[i]];
    }
    *ret_values = values;
    return KAI_OK;
}

kai_status proof_numbers_all(const struct table *table, const char *column, double **ret_values,
                             kai_err *err) {
    double *values = NULL;
    kai_status st = proof_numbers(table, column, &values, err);
    for (int64_t i = 0; !st && i < table->rows; i++)
        if (!isfinite(values[i]))
            st = err_set(err, KAI_INVALID, "column '%s': row %lld has no finite value", column,
                         (long long)i + 1);
    if (st)
        mem_free(values);
    else
        *ret_values = values;
    return st;
}
