#include "learn/holdout.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

static int32_t class_of(const struct learn_data *data, int64_t row) {
    if (data->task == LEARN_REGRESSION) return 0;
    return data->task == LEARN_BINARY ? data->target[row] >= 0.5 : (int32_t)data->target[row];
}

static int32_t count_classes(const struct learn_data *data) {
    if (data->task == LEARN_REGRESSION) return 1;
    return data->task == LEARN_BINARY ? 2 : data->classes;
}

/* Mark in `is_kept` the share of each class. rows: (count) ids. */
static kai_status draw_share(const struct learn_data *data, const int64_t *rows, int64_t count,
                             double share, uint64_t seed, const char *purpose, uint8_t *is_kept,
                             kai_err *err) {
    int32_t classes = count_classes(data);
    int64_t *places = mem_array((size_t)count, sizeof *places);
    int64_t *ends = mem_zero((size_t)classes + 1, sizeof *ends);
    kai_status st = places && ends ? KAI_OK : err_memory(err, count * (int64_t)sizeof *places);
    for (int64_t i = 0; i < count && !st; i++) ends[class_of(data, rows[i]) + 1]++;
    for (int32_t c = 0; c < classes && !st; c++) ends[c + 1] += ends[c];
    for (int64_t i = count; i-- > 0 && !st;) /* afterwards ends[c + 1] is the begin of c */
        places[--ends[class_of(data, rows[i]) + 1]] = i;
    for (int32_t c = 0; c < classes && !st; c++) {
        int64_t begin = ends[c + 1], end = c + 2 <= classes ? ends[c + 2] : count;
        int64_t take = (int64_t)floor((double)(end - begin) * share);
        struct rng rng;
        rng_init(&rng, seed, purpose, (uint64_t)c);
        for (int64_t i = 0; i < take; i++) {
            int64_t other = begin + i + (int64_t)rng_below(&rng, (uint64_t)(end - begin - i));
            int64_t place = places[other];
            places[other] = places[begin + i];
            is_kept[place] = 1;
        }
    }
    mem_free(places);
    mem_free(ends);
    return st;
}

/* Rows that weigh, in the data's order. */
static int64_t find_rows(const struct learn_data *data, int64_t given, int64_t *ret_rows) {
    int64_t count = 0;
    for (int64_t i = 0; i < given; i++) {
        int64_t row = data->row_ids ? data->row_ids[i] : i;
        if (!data->weight || data->weight[row] != 0) ret_rows[count++] = row;
    }
    return count;
}

kai_status holdout_draw(const struct learn_data *data, double share, int64_t least, uint64_t seed,
                        const char *purpose, struct holdout *ret_holdout, kai_err *err) {
    int64_t given = data->row_ids ? data->row_count : data->features->rows;
    struct holdout holdout = {.row_ids = mem_array((size_t)given, sizeof *holdout.row_ids)};
    int64_t *rows = mem_array((size_t)given, sizeof *rows);
    uint8_t *is_kept = mem_zero((size_t)given, 1);
    kai_status st = KAI_OK;
    if (!holdout.row_ids || !rows || !is_kept) st = err_memory(err, given * (int64_t)sizeof *rows);
    int64_t count = st ? 0 : find_rows(data, given, rows);
    for (int64_t i = 0; i < count && data->is_validation; i++)
        is_kept[i] = data->is_validation[rows[i]];
    if (!st && !data->is_validation && share > 0)
        st = draw_share(data, rows, count, share, seed, purpose, is_kept, err);
    for (int64_t i = 0; i < count && !st; i++) holdout.kept_back += is_kept[i];
    if (!st && (holdout.kept_back < least || holdout.kept_back == count)) {
        memset(is_kept, 0, (size_t)given);
        holdout.kept_back = 0;
    }
    holdout.teaching = count - holdout.kept_back;
    int64_t at = 0, kept_at = holdout.teaching;
    for (int64_t i = 0; i < count && !st; i++)
        holdout.row_ids[is_kept[i] ? kept_at++ : at++] = rows[i];
    mem_free(is_kept);
    mem_free(rows);
    if (st)
        mem_free(holdout.row_ids);
    else
        *ret_holdout = holdout;
    return st;
}

void holdout_release(struct holdout *holdout) { mem_free(holdout->row_ids); }
