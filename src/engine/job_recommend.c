/* kairos recommend: lists for customers, under the rules of a shop, with reasons. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "behave/reasons.h"
#include "collect/csv_write.h"
#include "engine/recommender_file.h"
#include "engine/shop.h"

enum { REASONS_SHOWN = 3 };

struct recommend {
    kai_engine *engine;
    const kai_recommend_options *options;
    struct timing timing;
    struct recommender_file file;
    struct yardstick *yardstick; /* owned; where one serves */
    struct yardstick *popular;   /* owned; then, for customers without a history */
    struct shop shop;
    struct shelf shelf;
    float *scores;      /* owned; (items) */
    int32_t *items;     /* owned; (k) */
    float *list_scores; /* owned; (k) */
    double *shares;     /* owned; (k, REASONS_PARTS) */
    struct reasons reasons;
    int32_t count; /* of the current list */
};

static kai_status load(struct recommend *recommend, kai_err *err) {
    const kai_recommend_options *options = recommend->options;
    struct recommender_file *file = &recommend->file;
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = recommender_file_path(options->model, options->common.workspace, &path, err);
    if (!st) st = recommender_file_load(path.data, file, err);
    buf_release(&path);
    if (st) return st;
    struct behave_sequences all = histories_view(&file->histories);
    if (!file->transformer)
        st = yardstick_fit((enum yardstick_kind)file->kind, NULL, (uint64_t)options->common.seed,
                           &all, file->items.count, recommend->engine->pool,
                           &recommend->engine->progress, &recommend->yardstick, err);
    if (!st && !file->transformer)
        st = yardstick_fit(YARDSTICK_POPULAR, NULL, 0, &all, file->items.count, NULL, NULL,
                           &recommend->popular, err);
    size_t items = (size_t)file->items.count, k = (size_t)options->k;
    recommend->scores = mem_array(items, sizeof *recommend->scores);
    recommend->items = mem_array(k, sizeof *recommend->items);
    recommend->list_scores = mem_array(k, sizeof *recommend->list_scores);
    recommend->shares = mem_array(k * REASONS_PARTS, sizeof *recommend->shares);
    if (!st &&
        (!recommend->scores || !recommend->items || !recommend->list_scores || !recommend->shares))
        st = err_memory(err, (int64_t)items * 4);
    if (!st) st = shelf_init(&recommend->shelf, file->items.count, err);
    return st ? st : shop_init(&recommend->shop, recommend->engine, options, &file->items, err);
}

static kai_status score_history(void *user, const struct behave_sequences *history,
                                float *ret_scores, kai_err *err) {
    struct recommend *recommend = user;
    if (recommend->file.transformer)
        return behave_score(recommend->file.transformer, history, NULL, 0, 1,
                            recommend->engine->pool, ret_scores, err);
    return yardstick_score(recommend->yardstick, history, NULL, 0, 1, ret_scores, err);
}

/* The history of a customer's code, or nothing. */
static struct behave_sequences history_of(const struct recommend *recommend, int32_t customer,
                                          int64_t offsets[2]) {
    const struct histories *all = &recommend->file.histories;
    int64_t begin = customer >= 0 ? all->offsets[customer] : 0;
    offsets[0] = 0;
    offsets[1] = customer >= 0 ? all->offsets[customer + 1] - begin : 0;
    return (struct behave_sequences){1, offsets, all->items + begin,
                                     all->times ? all->times + begin : NULL};
}

static kai_status fill_list(struct recommend *recommend, int32_t customer, kai_err *err) {
    int64_t offsets[2];
    struct behave_sequences history = history_of(recommend, customer, offsets);
    int is_empty = offsets[1] == 0;
    kai_status st =
        is_empty && recommend->popular
            ? yardstick_score(recommend->popular, &history, NULL, 0, 1, recommend->scores, err)
            : score_history(recommend, &history, recommend->scores, err);
    if (st) return st;
    if (strcmp(recommend->options->seen, "exclude") == 0)
        for (int64_t e = offsets[0]; e < offsets[1]; e++)
            recommend->scores[history.items[e]] = -INFINITY;
    recommend->count = shelf_arrange(&recommend->shelf, &recommend->shop.rules, recommend->scores,
                                     recommend->items, recommend->list_scores);
    recommend->reasons.part_count = 0;
    if (!recommend->options->reasons || is_empty) return KAI_OK;
    return reasons_attribute(score_history, recommend, &history, recommend->file.items.count,
                             recommend->items, recommend->count, &recommend->reasons,
                             recommend->shares, err);
}

/* The r-th largest share above 0 of an item of the list; -1 where there is none. */
static int32_t reason_at(const struct recommend *recommend, int32_t place, int32_t r) {
    const double *shares = recommend->shares + (int64_t)place * REASONS_PARTS;
    uint8_t is_told[REASONS_PARTS] = {0};
    int32_t best = -1;
    for (int32_t round = 0; round <= r; round++) {
        best = -1;
        for (int32_t p = 0; p < recommend->reasons.part_count; p++)
            if (!is_told[p] && recommend->reasons.parts[p] >= 0 && shares[p] > 0 &&
                (best < 0 || shares[p] > shares[best]))
                best = p;
        if (best < 0) return -1;
        is_told[best] = 1;
    }
    return best;
}

static const char *item_text(const struct recommend *recommend, int32_t item) {
    return dict_text(&recommend->file.items, item);
}

static void describe_reasons(const struct recommend *recommend, int32_t place,
                             struct json_writer *json) {
    const double *shares = recommend->shares + (int64_t)place * REASONS_PARTS;
    json_key(json, "because");
    json_array(json);
    for (int32_t p = 0; p < recommend->reasons.part_count; p++) {
        int32_t item = recommend->reasons.parts[p];
        json_object(json);
        json_key(json, "item");
        json_text(json, item >= 0 ? item_text(recommend, item) : NULL); /* null: what came before */
        json_key_f64(json, "share", shares[p]);
        json_end(json);
    }
    json_end(json);
}

static void describe_list(const struct recommend *recommend, const char *name, int32_t customer,
                          struct json_writer *json) {
    json_object(json);
    json_key_text(json, "customer", name);
    json_key_bool(json, "is_known", customer >= 0);
    json_key(json, "items");
    json_array(json);
    for (int32_t i = 0; i < recommend->count; i++) {
        json_object(json);
        json_key_text(json, "item", item_text(recommend, recommend->items[i]));
        json_key_f64(json, "score", (double)recommend->list_scores[i]);
        if (recommend->reasons.part_count) describe_reasons(recommend, i, json);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static kai_status print_list(const struct recommend *recommend, const char *name, int32_t customer,
                             struct buf *out, kai_err *err) {
    kai_status st =
        buf_printf(out, err, "%s%s\n", name, customer >= 0 ? "" : " (never seen: what is popular)");
    for (int32_t i = 0; !st && i < recommend->count; i++) {
        st = buf_printf(out, err, "%4d  %-24s %10.4f", i + 1,
                        item_text(recommend, recommend->items[i]),
                        (double)recommend->list_scores[i]);
        for (int32_t r = 0; !st && r < REASONS_SHOWN; r++) {
            int32_t part = reason_at(recommend, i, r);
            if (part < 0) break;
            st = buf_printf(out, err, "%s %s", r ? "," : "  because of",
                            item_text(recommend, recommend->reasons.parts[part]));
        }
        if (!st) st = buf_puts(out, "\n", err);
    }
    return st;
}

static kai_status write_list(const struct recommend *recommend, const char *name,
                             struct csv_writer *csv, kai_err *err) {
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < recommend->count; i++) {
        csv_write_string(csv, name);
        csv_write_i64(csv, i + 1);
        csv_write_string(csv, item_text(recommend, recommend->items[i]));
        csv_write_f64(csv, (double)recommend->list_scores[i]);
        for (int32_t r = 0; r < REASONS_SHOWN; r++) {
            int32_t part = reason_at(recommend, i, r);
            if (part < 0)
                csv_write_f64(csv, NAN); /* missing */
            else
                csv_write_string(csv, item_text(recommend, recommend->reasons.parts[part]));
        }
        st = csv_write_row(csv, err);
    }
    return st;
}

/* Where lists go: one of the three. */
struct sink {
    struct csv_writer *csv;
    struct json_writer *json;
    struct buf *text;
};

static kai_status serve_customers(struct recommend *recommend, const struct sink *sink,
                                  kai_err *err) {
    const kai_recommend_options *options = recommend->options;
    int64_t count = options->all ? recommend->file.customers.count : options->arguments.count;
    kai_status st = KAI_OK;
    for (int64_t c = 0; !st && c < count; c++) {
        const char *name = options->all ? dict_text(&recommend->file.customers, (int32_t)c)
                                        : options->arguments.items[c];
        int32_t customer =
            options->all ? (int32_t)c : dict_find(&recommend->file.customers, slice_of(name));
        st = fill_list(recommend, customer, err);
        if (!st && sink->csv) st = write_list(recommend, name, sink->csv, err);
        if (!st && sink->json) describe_list(recommend, name, customer, sink->json);
        if (!st && sink->text) st = print_list(recommend, name, customer, sink->text, err);
        if (!st && c % 256 == 0)
            st = progress_tell(&recommend->engine->progress, "recommend", c, count, err);
    }
    return st;
}

static kai_status serve_csv(struct recommend *recommend, struct buf *out, kai_err *err) {
    static const char *const COLUMNS[] = {"customer",  "rank",      "item",     "score",
                                          "because_1", "because_2", "because_3"};
    const char *path = recommend->options->out;
    struct csv_writer *csv = NULL;
    kai_status st =
        strcmp(path, "-") == 0 ? csv_write_new(out, &csv, err) : csv_write_open(path, &csv, err);
    for (size_t i = 0; !st && i < sizeof COLUMNS / sizeof *COLUMNS; i++)
        csv_write_string(csv, COLUMNS[i]);
    if (!st) st = csv_write_row(csv, err);
    if (!st) st = serve_customers(recommend, &(struct sink){.csv = csv}, err);
    if (!st) {
        st = csv_write_close(csv, err);
        csv = NULL;
    }
    csv_write_abandon(csv);
    return st;
}

static kai_status serve_json(struct recommend *recommend, struct buf *out, kai_err *err) {
    struct json_writer json;
    int32_t kind = recommend->file.kind;
    kai_status st = KAI_OK;
    json_init(&json, out, 1);
    json_object(&json);
    json_key_text(&json, "model",
                  kind == RECOMMENDER_TRANSFORMER ? "transformer"
                                                  : yardstick_text((enum yardstick_kind)kind));
    json_key_i64(&json, "items", recommend->file.items.count);
    if (recommend->shop.categories) {
        json_key_i64(&json, "items_left_out_by_catalogue", recommend->shop.items_unlisted);
        json_key_i64(&json, "items_unknown_to_model", recommend->shop.items_unknown);
    }
    if (recommend->options->out) {
        json_key_text(&json, "out", recommend->options->out);
        st = serve_csv(recommend, NULL, err);
    } else {
        json_key(&json, "customers");
        json_array(&json);
        st = serve_customers(recommend, &(struct sink){.json = &json}, err);
        json_end(&json);
    }
    if (st) return st;
    timing_describe(&recommend->timing, &json);
    json_end(&json);
    st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status check_request(const kai_recommend_options *options, int wants_json,
                                kai_err *err) {
    if ((options->arguments.count > 0) == (options->all != 0))
        return err_set(err, KAI_INVALID, "name customers, or ask for --all");
    if (wants_json && options->out && strcmp(options->out, "-") == 0)
        return err_set(err, KAI_INVALID, "with --json the lists need a file: give --out");
    return KAI_OK;
}

static void release(struct recommend *recommend) {
    mem_free(recommend->scores);
    mem_free(recommend->items);
    mem_free(recommend->list_scores);
    mem_free(recommend->shares);
    shelf_release(&recommend->shelf);
    shop_release(&recommend->shop);
    yardstick_free(recommend->yardstick);
    yardstick_free(recommend->popular);
    recommender_file_release(&recommend->file);
}

int32_t kai_engine_recommend(kai_engine *engine, const kai_recommend_options *options,
                             kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct recommend recommend = {.engine = engine, .options = options};
    struct buf out;
    timing_start(&recommend.timing);
    dict_init(&recommend.file.customers);
    dict_init(&recommend.file.items);
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    timing_enter(&recommend.timing, "load");
    st = check_request(options, ret_json != NULL, err);
    if (!st) st = load(&recommend, err);
    timing_enter(&recommend.timing, "recommend");
    if (!st && ret_json)
        st = serve_json(&recommend, &out, err);
    else if (!st && options->out)
        st = serve_csv(&recommend, &out, err);
    else if (!st)
        st = serve_customers(&recommend, &(struct sink){.text = &out}, err);
    if (!st) result_give(&out, ret_json ? ret_json : ret_text);
    release(&recommend);
    buf_release(&out);
    return st;
}
