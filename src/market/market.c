#include "market/market.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/dict.h"

/* A key is the codes of its columns in the market's dictionaries; codes of one dictionary each. The
 * market's rows are sorted by key and, where a column holds dates, by date; a lookup is one binary
 * search. */

enum { CODE_UNKNOWN = -2, CODE_MISSING = -1 };

enum key_side { SIDE_CUSTOMER, SIDE_OFFER_NAME, SIDE_OFFER_CHANNEL };

struct key_column {
    const char *name;
    const struct column *market;
    const struct column *customer; /* NULL where the offer has it */
    enum key_side side;
    struct dict dict; /* texts of the market's column */
    int32_t *map;     /* owned; customer's category code -> market code; NULL for other kinds */
};

struct market_row {
    int32_t codes[MARKET_JOIN_MAX];
    int64_t date_us;
    int64_t row;
    double factor;
};

struct join {
    struct key_column keys[MARKET_JOIN_MAX];
    int32_t key_count;
    const struct column *market_date; /* NULL = no date */
    const struct column *customer_date;
    int64_t date_us;         /* of all customers, where customer_date is NULL */
    struct market_row *rows; /* owned; sorted */
    int64_t row_count;
};

void market_options_init(struct market_options *options) {
    *options = (struct market_options){.fallback = NAN, .date_us = INT64_MIN};
}

static long long line_of(int64_t row) { return (long long)row + 2; }

static int compare_keys(const struct market_row *a, const struct market_row *b) {
    for (int32_t k = 0; k < MARKET_JOIN_MAX; k++)
        if (a->codes[k] != b->codes[k]) return a->codes[k] < b->codes[k] ? -1 : 1;
    return a->date_us < b->date_us ? -1 : a->date_us > b->date_us;
}

static int compare_rows(const void *a, const void *b) {
    const struct market_row *x = a, *y = b;
    int order = compare_keys(x, y);
    return order ? order : x->row < y->row ? -1 : x->row > y->row;
}

static kai_status check_options(const struct market_options *options, kai_err *err) {
    if (options->join_count < 1 || options->join_count > MARKET_JOIN_MAX)
        return err_set(err, KAI_INVALID, "market: join on 1 to %d columns", MARKET_JOIN_MAX);
    if (options->factor_count < 1 || options->factor_count > MARKET_FACTOR_MAX)
        return err_set(err, KAI_INVALID, "market: name 1 to %d factors", MARKET_FACTOR_MAX);
    if (!isnan(options->fallback) && !(options->fallback > 0 && isfinite(options->fallback)))
        return err_set(err, KAI_INVALID, "market: a default factor of %g is not positive",
                       options->fallback);
    return KAI_OK;
}

static kai_status set_date(const struct column *market, const struct column *customer,
                           const struct market_options *options, struct join *join, kai_err *err) {
    if (join->market_date)
        return err_set(err, KAI_INVALID, "market: '%s' and '%s' are both dates; join on one",
                       join->market_date->name, market->name);
    if (customer && customer->kind != COLUMN_TIME)
        return err_set(err, KAI_INVALID, "market: column '%s' holds dates there and is a %s here",
                       market->name, column_kind_text(customer->kind));
    if (!customer && options->date_us == INT64_MIN)
        return err_set(err, KAI_NOT_FOUND, "market: the customers have no date column '%s'",
                       market->name);
    join->market_date = market;
    join->customer_date = customer;
    join->date_us = options->date_us;
    return KAI_OK;
}

static kai_status set_key(const char *name, const struct column *market,
                          const struct column *customer, const struct table *customers,
                          struct join *join, kai_err *err) {
    enum key_side side = SIDE_CUSTOMER;
    if (!customer && strcmp(name, "offer") == 0)
        side = SIDE_OFFER_NAME;
    else if (!customer && strcmp(name, "channel") == 0)
        side = SIDE_OFFER_CHANNEL;
    else if (!customer)
        return table_column(customers, name, &customer, err); /* fails, with the nearest name */
    struct key_column *key = &join->keys[join->key_count++];
    *key = (struct key_column){.name = name, .market = market, .customer = customer, .side = side};
    dict_init(&key->dict);
    return KAI_OK;
}

static kai_status find_columns(const struct market_options *options, const struct table *market,
                               const struct table *customers, struct join *join, kai_err *err) {
    kai_status st = KAI_OK;
    for (int32_t j = 0; !st && j < options->join_count; j++) {
        const char *name = options->join[j];
        const struct column *column = NULL;
        int32_t index = table_find(customers, name);
        const struct column *customer = index < 0 ? NULL : customers->columns[index];
        st = table_column(market, name, &column, err);
        if (st) return st;
        st = column->kind == COLUMN_TIME ? set_date(column, customer, options, join, err)
                                         : set_key(name, column, customer, customers, join, err);
    }
    return st;
}

/* The product of the factor columns in one row. */
static kai_status read_factor(const struct market_options *options, const struct table *market,
                              int64_t row, double *ret_factor, kai_err *err) {
    double product = 1;
    for (int32_t f = 0; f < options->factor_count; f++) {
        const struct column *column = NULL;
        kai_status st = table_column(market, options->factors[f], &column, err);
        if (st) return st;
        int is_number = column->kind == COLUMN_F64 || column->kind == COLUMN_I64;
        double value = is_number || column->kind == COLUMN_BOOL ? column_f64(column, row) : NAN;
        product *= value;
        if (!(value > 0) || !isfinite(product))
            return err_set(err, KAI_INVALID,
                           "'%s', line %lld: factor '%s' is not a positive number",
                           market->name ? market->name : "market", line_of(row), column->name);
    }
    *ret_factor = product;
    return KAI_OK;
}

/* Rows of which a key or the date is missing match nobody; they are an error, being a slip. */
static kai_status read_key(const struct table *market, int64_t row, struct join *join,
                           struct buf *text, struct market_row *ret_row, kai_err *err) {
    const char *empty = NULL;
    for (int32_t k = 0; k < join->key_count; k++) {
        struct key_column *key = &join->keys[k];
        if (!column_is_valid(key->market, row)) empty = key->name;
        kai_status st = column_print(key->market, row, text, err);
        if (!st)
            st = dict_add(&key->dict, (struct slice){text->data, text->size}, &ret_row->codes[k],
                          err);
        if (st) return st;
    }
    if (join->market_date && !column_is_valid(join->market_date, row))
        empty = join->market_date->name;
    if (empty)
        return err_set(err, KAI_INVALID, "'%s', line %lld: '%s' is empty",
                       market->name ? market->name : "market", line_of(row), empty);
    ret_row->date_us = join->market_date ? join->market_date->as.i64[row] : 0;
    ret_row->row = row;
    return KAI_OK;
}

static kai_status read_market(const struct market_options *options, const struct table *market,
                              struct join *join, kai_err *err) {
    join->rows = mem_zero((size_t)market->rows, sizeof *join->rows);
    if (!join->rows) return err_memory(err, market->rows * (int64_t)sizeof *join->rows);
    join->row_count = market->rows;
    struct buf text;
    buf_init(&text, CAPS_FIELD_BYTES);
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < market->rows; i++) {
        st = read_key(market, i, join, &text, &join->rows[i], err);
        if (!st) st = read_factor(options, market, i, &join->rows[i].factor, err);
    }
    buf_release(&text);
    if (st) return st;
    qsort(join->rows, (size_t)join->row_count, sizeof *join->rows, compare_rows);
    for (int64_t i = 1; i < join->row_count; i++)
        if (compare_keys(&join->rows[i - 1], &join->rows[i]) == 0)
            return err_set(err, KAI_EXISTS, "'%s', lines %lld and %lld have the same key",
                           market->name ? market->name : "market", line_of(join->rows[i - 1].row),
                           line_of(join->rows[i].row));
    return KAI_OK;
}

static int32_t code_of(const struct key_column *key, struct slice text) {
    int32_t code = dict_find(&key->dict, text);
    return code < 0 ? CODE_UNKNOWN : code;
}

/* Categories are looked up once a level. */
static kai_status map_categories(struct join *join, kai_err *err) {
    for (int32_t k = 0; k < join->key_count; k++) {
        struct key_column *key = &join->keys[k];
        if (!key->customer || key->customer->kind != COLUMN_CATEGORY) continue;
        const struct dict *dict = key->customer->dict;
        key->map = mem_array((size_t)dict->count, sizeof *key->map);
        if (!key->map) return err_memory(err, dict->count * (int64_t)sizeof *key->map);
        for (int32_t c = 0; c < dict->count; c++) key->map[c] = code_of(key, dict->entries[c]);
    }
    return KAI_OK;
}

static kai_status customer_code(const struct key_column *key, int64_t row, struct buf *text,
                                int32_t *ret_code, kai_err *err) {
    if (!column_is_valid(key->customer, row)) return *ret_code = CODE_MISSING, KAI_OK;
    if (key->map) return *ret_code = key->map[key->customer->as.codes[row]], KAI_OK;
    kai_status st = column_print(key->customer, row, text, err);
    if (!st) *ret_code = code_of(key, (struct slice){text->data, text->size});
    return st;
}

static int32_t offer_code(const struct key_column *key, const struct market_offer *offer) {
    const char *text = key->side == SIDE_OFFER_NAME ? offer->name : offer->channel;
    return text ? code_of(key, slice_of(text)) : CODE_MISSING;
}

/* The row of the key with the latest date not after the wanted one, or NULL. */
static const struct market_row *find_row(const struct join *join, const struct market_row *wanted) {
    int64_t low = 0, high = join->row_count; /* the first row after `wanted` */
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (compare_keys(&join->rows[middle], wanted) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0) return NULL;
    const struct market_row *found = &join->rows[low - 1];
    return memcmp(found->codes, wanted->codes, sizeof found->codes) == 0 ? found : NULL;
}

/* "channel 'sms', date '2020-01-01'" of a key that was not found. */
static kai_status print_key(const struct join *join, const struct market_offer *offer, int64_t row,
                            struct buf *ret_text, kai_err *err) {
    struct buf cell;
    buf_init(&cell, CAPS_FIELD_BYTES);
    kai_status st = KAI_OK;
    for (int32_t k = 0; !st && k <= join->key_count; k++) {
        int is_date = k == join->key_count;
        if (is_date && !join->customer_date) break;
        const struct key_column *key = is_date ? NULL : &join->keys[k];
        const struct column *column = is_date ? join->customer_date : key->customer;
        const char *text = "", *name = is_date ? join->customer_date->name : key->name;
        if (column) {
            st = column_print(column, row, &cell, err);
            if (!st && cell.data) text = cell.data;
        } else if (key) {
            text = key->side == SIDE_OFFER_NAME ? offer->name : offer->channel;
        }
        if (!st)
            st = buf_printf(ret_text, err, "%s%s '%.100s'", k ? ", " : "", name, text ? text : "");
    }
    buf_release(&cell);
    return st;
}

static kai_status fail_key(const struct join *join, const struct market_offer *offer, int64_t row,
                           kai_err *err) {
    struct buf text;
    buf_init(&text, CAPS_FIELD_BYTES);
    kai_status st = print_key(join, offer, row, &text, err);
    if (!st)
        st = err_set(err, KAI_NOT_FOUND, "market: no row for %s (customer row %lld%s%s%s)",
                     text.data ? text.data : "the date", (long long)row + 1,
                     offer->name ? ", offer '" : "", offer->name ? offer->name : "",
                     offer->name ? "'" : "");
    buf_release(&text);
    return st;
}

struct filling {
    const struct join *join;
    const struct market_options *options;
    const struct market_offer *offers;
    int64_t row_wide, offer_wide; /* rows and offers that the factor depends on */
    int64_t rows;
    int32_t offers_count;
    struct market_factors *factors;
};

static kai_status fill_pair(const struct filling *filling, const struct market_row *wanted,
                            int is_known, int64_t row, int32_t offer, kai_err *err) {
    struct market_factors *factors = filling->factors;
    const struct market_row *found = is_known ? find_row(filling->join, wanted) : NULL;
    double factor = found ? found->factor : filling->options->fallback;
    if (isnan(factor)) {
        struct market_offer none = {NULL, NULL};
        return fail_key(filling->join, filling->offer_wide > 1 ? &filling->offers[offer] : &none,
                        row, err);
    }
    if (!found)
        factors->fallbacks += (factors->row_step ? 1 : filling->rows) *
                              (factors->offer_step ? 1 : filling->offers_count);
    if (factor < factors->low) factors->low = factor;
    if (factor > factors->high) factors->high = factor;
    factors->values[row * factors->row_step + offer * factors->offer_step] = factor;
    return KAI_OK;
}

static kai_status fill_row(const struct filling *filling, int64_t row, struct buf *text,
                           kai_err *err) {
    const struct join *join = filling->join;
    struct market_row wanted = {.date_us = 0};
    kai_status st = KAI_OK;
    int is_dated = 1;
    if (join->market_date) {
        is_dated = !join->customer_date || column_is_valid(join->customer_date, row);
        wanted.date_us = join->customer_date ? join->customer_date->as.i64[row] : join->date_us;
    }
    for (int32_t k = 0; !st && k < join->key_count; k++)
        if (join->keys[k].customer)
            st = customer_code(&join->keys[k], row, text, &wanted.codes[k], err);
    for (int32_t offer = 0; !st && offer < filling->offer_wide; offer++) {
        int is_known = is_dated;
        for (int32_t k = 0; k < join->key_count; k++) {
            if (!join->keys[k].customer)
                wanted.codes[k] = offer_code(&join->keys[k], &filling->offers[offer]);
            if (wanted.codes[k] < 0) is_known = 0;
        }
        st = fill_pair(filling, &wanted, is_known, row, offer, err);
    }
    return st;
}

static kai_status fill_factors(const struct market_options *options, const struct join *join,
                               const struct table *customers, const struct market_offer *offers,
                               int32_t offer_count, struct market_factors *factors, kai_err *err) {
    int by_customer = join->customer_date != NULL, by_offer = 0;
    for (int32_t k = 0; k < join->key_count; k++) {
        by_customer |= join->keys[k].customer != NULL;
        by_offer |= join->keys[k].customer == NULL;
    }
    struct filling filling = {.join = join,
                              .options = options,
                              .offers = offers,
                              .row_wide = by_customer ? customers->rows : 1,
                              .offer_wide = by_offer ? offer_count : 1,
                              .rows = customers->rows,
                              .offers_count = offer_count,
                              .factors = factors};
    if (customers->rows == 0) filling.row_wide = 0;
    *factors = (struct market_factors){.rows = customers->rows,
                                       .offers = offer_count,
                                       .offer_step = by_offer,
                                       .row_step = by_customer ? filling.offer_wide : 0,
                                       .low = INFINITY,
                                       .high = -INFINITY};
    factors->values = mem_array((size_t)filling.row_wide + 1,
                                (size_t)filling.offer_wide * sizeof *factors->values);
    if (!factors->values)
        return err_memory(err,
                          filling.row_wide * filling.offer_wide * (int64_t)sizeof *factors->values);
    struct buf text;
    buf_init(&text, CAPS_FIELD_BYTES);
    kai_status st = KAI_OK;
    for (int64_t row = 0; !st && row < filling.row_wide; row++)
        st = fill_row(&filling, row, &text, err);
    buf_release(&text);
    return st;
}

kai_status market_join(const struct market_options *options, const struct table *market,
                       const struct table *customers, const struct market_offer *offers,
                       int32_t offer_count, struct market_factors *ret_factors, kai_err *err) {
    struct join join = {0};
    struct market_factors factors = {0};
    kai_status st = check_options(options, err);
    if (!st && offer_count < 1) st = err_set(err, KAI_INVALID, "market: there is no offer");
    if (!st) st = find_columns(options, market, customers, &join, err);
    if (!st) st = read_market(options, market, &join, err);
    if (!st) st = map_categories(&join, err);
    if (!st) st = fill_factors(options, &join, customers, offers, offer_count, &factors, err);
    for (int32_t k = 0; k < join.key_count; k++) {
        dict_release(&join.keys[k].dict);
        mem_free(join.keys[k].map);
    }
    mem_free(join.rows);
    if (st)
        market_factors_release(&factors);
    else
        *ret_factors = factors;
    return st;
}

void market_factors_release(struct market_factors *factors) {
    mem_free(factors->values);
    *factors = (struct market_factors){0};
}
