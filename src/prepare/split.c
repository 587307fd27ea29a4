#include "prepare/split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dict.h"
#include "base/rng.h"

static int64_t id_at(const struct split_data *data, int64_t i) {
    return data->row_ids ? data->row_ids[i] : i;
}

/* One more than the highest id; checks that no id is negative. */
static kai_status count_rows(const struct split_data *data, int64_t *ret_rows, kai_err *err) {
    if (data->row_count < 2) return err_set(err, KAI_INVALID, "a split needs two rows or more");
    int64_t rows = 0;
    for (int64_t i = 0; i < data->row_count; i++) {
        int64_t id = id_at(data, i);
        if (id < 0) return err_set(err, KAI_INVALID, "row %lld is outside", (long long)id);
        if (id >= rows) rows = id + 1;
    }
    *ret_rows = rows;
    return KAI_OK;
}

/* Sides of rows: 0 is not in the data, 1 teaches, 2 tests. */
static kai_status collect_sides(const uint8_t *sides, int64_t rows, struct split *ret_split,
                                kai_err *err) {
    struct split split = {0};
    for (int64_t i = 0; i < rows; i++) {
        if (sides[i] == 1) split.train_count++;
        if (sides[i] == 2) split.test_count++;
    }
    if (!split.train_count || !split.test_count)
        return err_set(err, KAI_INVALID, "the split leaves no %s rows",
                       split.train_count ? "test" : "training");
    split.train = mem_array((size_t)split.train_count, sizeof *split.train);
    split.test = mem_array((size_t)split.test_count, sizeof *split.test);
    if (!split.train || !split.test) {
        split_release(&split);
        return err_memory(err, rows * (int64_t)sizeof *split.train);
    }
    int64_t train = 0, test = 0;
    for (int64_t i = 0; i < rows; i++) {
        if (sides[i] == 1) split.train[train++] = i;
        if (sides[i] == 2) split.test[test++] = i;
    }
    *ret_split = split;
    return KAI_OK;
}

/* Rows in the order of their stratum, each stratum shuffled. */
struct strata {
    int64_t *ids;    /* owned */
    int64_t *begins; /* owned; (count + 1) */
    int32_t count;
};

static void release_strata(struct strata *strata) {
    mem_free(strata->ids);
    mem_free(strata->begins);
}

static kai_status count_strata(const struct split_data *data, int32_t *ret_count, kai_err *err) {
    int32_t count = 1;
    for (int64_t i = 0; data->strata && i < data->row_count; i++) {
        int32_t stratum = data->strata[id_at(data, i)];
        if (stratum < 0 || stratum >= INT32_MAX - 1)
            return err_set(err, KAI_INVALID, "row %lld has no stratum", (long long)id_at(data, i));
        if (stratum >= count) count = stratum + 1;
    }
    *ret_count = count;
    return KAI_OK;
}

static kai_status shuffle_strata(uint64_t seed, const char *purpose, const struct split_data *data,
                                 struct strata *ret_strata, kai_err *err) {
    struct strata strata = {0};
    kai_status st = count_strata(data, &strata.count, err);
    if (st) return st;
    strata.ids = mem_array((size_t)data->row_count, sizeof *strata.ids);
    strata.begins = mem_zero((size_t)strata.count + 2, sizeof *strata.begins);
    if (!strata.ids || !strata.begins) {
        release_strata(&strata);
        return err_memory(err, data->row_count * (int64_t)sizeof *strata.ids);
    }
    int64_t *ends = strata.begins + 1; /* after the fill, ends[s - 1] is where s begins */
    for (int64_t i = 0; i < data->row_count; i++)
        ends[(data->strata ? data->strata[id_at(data, i)] : 0) + 1]++;
    for (int32_t s = 0; s < strata.count; s++) ends[s + 1] += ends[s];
    for (int64_t i = 0; i < data->row_count; i++)
        strata.ids[ends[data->strata ? data->strata[id_at(data, i)] : 0]++] = id_at(data, i);
    for (int32_t s = 0; s < strata.count; s++) {
        struct rng rng;
        rng_init(&rng, seed, purpose, (uint64_t)s);
        rng_shuffle(&rng, strata.ids + strata.begins[s], strata.begins[s + 1] - strata.begins[s]);
    }
    *ret_strata = strata;
    return KAI_OK;
}

/* Test rows of each stratum: round(share x rows) in total, by largest remainder. */
static kai_status share_out(const struct strata *strata, double share, int64_t *ret_quotas,
                            kai_err *err) {
    double *rests = mem_array((size_t)strata->count, sizeof *rests);
    if (!rests) return err_memory(err, strata->count * (int64_t)sizeof *rests);
    int64_t left = llround(share * (double)strata->begins[strata->count]);
    for (int32_t s = 0; s < strata->count; s++) {
        double exact = share * (double)(strata->begins[s + 1] - strata->begins[s]);
        ret_quotas[s] = (int64_t)floor(exact);
        rests[s] = exact - floor(exact);
        left -= ret_quotas[s];
    }
    for (; left > 0; left--) {
        int32_t most = 0;
        for (int32_t s = 1; s < strata->count; s++)
            if (rests[s] > rests[most]) most = s;
        rests[most] = -1;
        ret_quotas[most]++;
    }
    mem_free(rests);
    return KAI_OK;
}

static kai_status share_by_chance(uint64_t seed, double share, const struct split_data *data,
                                  uint8_t *sides, kai_err *err) {
    struct strata strata = {0};
    kai_status st = shuffle_strata(seed, "split", data, &strata, err);
    if (st) return st;
    int64_t *quotas = mem_zero((size_t)strata.count, sizeof *quotas);
    st = quotas ? share_out(&strata, share, quotas, err) : err_memory(err, strata.count);
    for (int32_t s = 0; !st && s < strata.count; s++)
        for (int64_t i = strata.begins[s]; i < strata.begins[s + 1]; i++)
            sides[strata.ids[i]] = i - strata.begins[s] < quotas[s] ? 2 : 1;
    mem_free(quotas);
    release_strata(&strata);
    return st;
}

/* A group: a run of `ids` that were sorted by group. */
struct group {
    int64_t begin, count;
    uint64_t key; /* random order among equal sizes */
};

static int compare_groups(const void *a, const void *b) {
    const struct group *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

struct member {
    int32_t group;
    int64_t id;
};

static int compare_members(const void *a, const void *b) {
    const struct member *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Members sorted by group, and their runs, largest first. Rows of group -1 stand alone. */
static kai_status sort_groups(uint64_t seed, const struct split_data *data, struct member *members,
                              struct group *groups, int64_t *ret_count, kai_err *err) {
    for (int64_t i = 0; i < data->row_count; i++) {
        int64_t id = id_at(data, i);
        members[i] = (struct member){data->groups[id], id};
        if (members[i].group < -1)
            return err_set(err, KAI_INVALID, "row %lld has no group", (long long)id);
    }
    qsort(members, (size_t)data->row_count, sizeof *members, compare_members);
    int64_t count = 0;
    for (int64_t i = 0; i < data->row_count; i++) {
        if (i == 0 || members[i].group < 0 || members[i].group != members[i - 1].group) {
            struct rng rng;
            rng_init(&rng, seed, "split group", (uint64_t)members[i].id);
            groups[count++] = (struct group){i, 0, rng_u64(&rng)};
        }
        groups[count - 1].count++;
    }
    qsort(groups, (size_t)count, sizeof *groups, compare_groups);
    *ret_count = count;
    return KAI_OK;
}

/* The part that lacks most of what the group's rows are. want, have: (parts, strata) rows. */
static int32_t neediest_part(const struct split_data *data, const struct member *members,
                             const struct group *group, int32_t parts, int32_t strata,
                             const double *want, const double *have) {
    int32_t best = 0;
    double best_need = -INFINITY;
    for (int32_t p = 0; p < parts; p++) {
        double need = 0;
        for (int64_t i = group->begin; i < group->begin + group->count; i++) {
            int32_t s = data->strata ? data->strata[members[i].id] : 0;
            double wanted = want[(int64_t)p * strata + s];
            need += (wanted - have[(int64_t)p * strata + s]) / wanted;
        }
        if (need > best_need) best = p, best_need = need;
    }
    return best;
}

/* Deal whole groups to parts of the given shares. ret_parts: by row id. */
static kai_status deal_groups(uint64_t seed, const struct split_data *data, int32_t parts,
                              const double *shares, int32_t *ret_parts, kai_err *err) {
    int32_t strata = 1;
    kai_status st = count_strata(data, &strata, err);
    if (st) return st;
    size_t n = (size_t)data->row_count, cells = (size_t)parts * (size_t)strata;
    struct member *members = mem_array(n, sizeof *members);
    struct group *groups = mem_array(n, sizeof *groups);
    double *want = mem_zero(cells, sizeof *want), *have = mem_zero(cells, sizeof *have);
    int64_t count = 0;
    if (!members || !groups || !want || !have)
        st = err_memory(err, data->row_count * (int64_t)sizeof *members);
    if (!st) st = sort_groups(seed, data, members, groups, &count, err);
    if (!st && count < parts)
        st = err_set(err, KAI_INVALID, "%lld groups cannot fill %d parts", (long long)count, parts);
    for (int64_t i = 0; !st && i < data->row_count; i++)
        for (int32_t p = 0; p < parts; p++)
            want[(int64_t)p * strata + (data->strata ? data->strata[members[i].id] : 0)] +=
                shares[p];
    for (int64_t g = 0; !st && g < count; g++) {
        int32_t part = neediest_part(data, members, &groups[g], parts, strata, want, have);
        for (int64_t i = groups[g].begin; i < groups[g].begin + groups[g].count; i++) {
            have[(int64_t)part * strata + (data->strata ? data->strata[members[i].id] : 0)] += 1;
            ret_parts[members[i].id] = part;
        }
    }
    mem_free(members);
    mem_free(groups);
    mem_free(want);
    mem_free(have);
    return st;
}

static kai_status share_by_groups(uint64_t seed, double share, const struct split_data *data,
                                  int64_t rows, uint8_t *sides, kai_err *err) {
    int32_t *parts = mem_array((size_t)rows, sizeof *parts);
    if (!parts) return err_memory(err, rows * (int64_t)sizeof *parts);
    const double shares[2] = {1 - share, share};
    kai_status st = deal_groups(seed, data, 2, shares, parts, err);
    for (int64_t i = 0; !st && i < data->row_count; i++)
        sides[id_at(data, i)] = (uint8_t)(1 + parts[id_at(data, i)]);
    mem_free(parts);
    return st;
}

static kai_status check_share(double share, kai_err *err) {
    if (share > 0 && share < 1) return KAI_OK;
    return err_set(err, KAI_INVALID, "a test share of %g is not between 0 and 1", share);
}

kai_status split_share(uint64_t seed, double test_share, const struct split_data *data,
                       struct split *ret_split, kai_err *err) {
    int64_t rows = 0;
    kai_status st = check_share(test_share, err);
    if (!st) st = count_rows(data, &rows, err);
    if (st) return st;
    uint8_t *sides = mem_zero((size_t)rows, 1);
    if (!sides) return err_memory(err, rows);
    st = data->groups ? share_by_groups(seed, test_share, data, rows, sides, err)
                      : share_by_chance(seed, test_share, data, sides, err);
    if (!st) st = collect_sides(sides, rows, ret_split, err);
    mem_free(sides);
    return st;
}

struct moment {
    double time;
    int64_t id;
};

static int compare_moments(const void *a, const void *b) {
    const struct moment *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The cut nearest to `cut` that no two equal times straddle and that leaves both sides rows. */
static int64_t whole_cut(const struct moment *moments, int64_t count, int64_t cut, int64_t first) {
    int64_t low = cut, high = cut;
    while (low > 0 && low < count && moments[low].time == moments[low - 1].time) low--;
    while (high > 0 && high < count && moments[high].time == moments[high - 1].time) high++;
    if (low < first) return high;
    if (high >= count) return low;
    return cut - low <= high - cut ? low : high;
}

kai_status split_time(double test_share, const struct split_data *data, const struct column *time,
                      struct split *ret_split, kai_err *err) {
    int64_t rows = 0, count = 0;
    kai_status st = check_share(test_share, err);
    if (!st && (time->kind == COLUMN_CATEGORY || time->kind == COLUMN_TEXT))
        st =
            err_set(err, KAI_INVALID, "column '%s': a split by time needs dates or numbers, not %s",
                    time->name, column_kind_text(time->kind));
    if (!st) st = count_rows(data, &rows, err);
    if (st) return st;
    uint8_t *sides = mem_zero((size_t)rows, 1);
    struct moment *moments = mem_array((size_t)data->row_count, sizeof *moments);
    if (!sides || !moments) st = err_memory(err, rows * (int64_t)sizeof *moments);
    for (int64_t i = 0; !st && i < data->row_count; i++) {
        int64_t id = id_at(data, i);
        double at = column_f64(time, id);
        sides[id] = 1;
        if (!isnan(at)) moments[count++] = (struct moment){at, id};
    }
    if (!st) {
        qsort(moments, (size_t)count, sizeof *moments, compare_moments);
        int64_t tests = llround(test_share * (double)data->row_count);
        int64_t first = count == data->row_count; /* rows without a time teach */
        int64_t cut = tests < count ? count - tests : 0;
        cut = whole_cut(moments, count, cut, first);
        for (int64_t i = cut; i < count; i++) sides[moments[i].id] = 2;
        st = collect_sides(sides, rows, ret_split, err);
    }
    mem_free(sides);
    mem_free(moments);
    return st;
}

kai_status split_column(const struct split_data *data, const struct column *test,
                        struct split *ret_split, kai_err *err) {
    int64_t rows = 0;
    kai_status st = count_rows(data, &rows, err);
    if (st) return st;
    uint8_t *sides = mem_zero((size_t)rows, 1);
    if (!sides) return err_memory(err, rows);
    for (int64_t i = 0; !st && i < data->row_count; i++) {
        int64_t id = id_at(data, i);
        double value = test->kind == COLUMN_CATEGORY ? NAN : column_f64(test, id);
        if (value != 0 && value != 1)
            st = err_set(err, KAI_INVALID, "column '%s', row %lld: a test column holds 0 or 1 only",
                         test->name, (long long)id + 1);
        sides[id] = value == 1 ? 2 : 1;
    }
    if (!st) st = collect_sides(sides, rows, ret_split, err);
    mem_free(sides);
    return st;
}

void split_release(struct split *split) {
    mem_free(split->train);
    mem_free(split->test);
    *split = (struct split){0};
}

static kai_status fold_by_chance(uint64_t seed, int32_t folds, const struct split_data *data,
                                 int32_t *ret_folds, kai_err *err) {
    struct strata strata = {0};
    kai_status st = shuffle_strata(seed, "folds", data, &strata, err);
    if (st) return st;
    for (int64_t i = 0; i < data->row_count; i++) ret_folds[strata.ids[i]] = (int32_t)(i % folds);
    release_strata(&strata);
    return KAI_OK;
}

static kai_status fold_by_groups(uint64_t seed, int32_t folds, const struct split_data *data,
                                 int32_t *ret_folds, kai_err *err) {
    double *shares = mem_array((size_t)folds, sizeof *shares);
    if (!shares) return err_memory(err, folds * (int64_t)sizeof *shares);
    for (int32_t f = 0; f < folds; f++) shares[f] = 1.0 / folds;
    kai_status st = deal_groups(seed, data, folds, shares, ret_folds, err);
    mem_free(shares);
    return st;
}

kai_status split_folds(uint64_t seed, int32_t folds, const struct split_data *data, int64_t rows,
                       int32_t *ret_folds, kai_err *err) {
    int64_t needed = 0;
    if (folds < 2) return err_set(err, KAI_INVALID, "%d folds are fewer than 2", folds);
    kai_status st = count_rows(data, &needed, err);
    if (st) return st;
    if (data->row_count < folds || needed > rows)
        return err_set(err, KAI_INVALID, "%lld rows cannot fill %d folds",
                       (long long)data->row_count, folds);
    for (int64_t i = 0; i < rows; i++) ret_folds[i] = -1;
    return data->groups ? fold_by_groups(seed, folds, data, ret_folds, err)
                        : fold_by_chance(seed, folds, data, ret_folds, err);
}

/* The bytes that make values of a column equal. */
static struct slice value_bytes(const struct column *column, int64_t row) {
    switch (column->kind) {
    case COLUMN_F64: return (struct slice){(const char *)&column->as.f64[row], sizeof(double)};
    case COLUMN_I64:
    case COLUMN_TIME: return (struct slice){(const char *)&column->as.i64[row], sizeof(int64_t)};
    case COLUMN_BOOL: return (struct slice){(const char *)&column->as.flags[row], 1};
    case COLUMN_CATEGORY: return column->dict->entries[column->as.codes[row]];
    case COLUMN_TEXT: break;
    }
    int64_t begin = column->offsets[row];
    return (struct slice){column->as.bytes + begin, (size_t)(column->offsets[row + 1] - begin)};
}

kai_status split_codes(const struct column *column, int32_t *ret_codes, int32_t *ret_count,
                       kai_err *err) {
    struct dict dict;
    dict_init(&dict);
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < column->rows; i++) {
        ret_codes[i] = -1;
        if (column_is_valid(column, i))
            st = dict_add(&dict, value_bytes(column, i), &ret_codes[i], err);
    }
    if (!st) *ret_count = dict.count;
    dict_release(&dict);
    return st;
}
