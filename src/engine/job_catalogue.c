/* kairos catalogue set, show: what the shop sells. */
#include <kairos/event.h>
#include <stdio.h>
#include <string.h>

#include "base/dict.h"
#include "engine/answer.h"
#include "engine/catalogue.h"
#include "engine/reading.h"

enum { TYPE_BYTES = 300, PUTS = 10000 };

struct catalogue_job {
    kai_engine *engine;
    const kai_catalogue_options *options;
    struct doorway *door;
    struct dict listed; /* items of the file */
    struct dict gone;   /* items that it does not list any more */
    struct buf texts[CATALOGUE_TEXTS];
    int64_t rows, nameless, twice, shown;
    struct answer answer;
};

/* ---- set ---- */

/* The item's column must be there; another one where it was asked for by name. */
static kai_status find_columns(const struct catalogue_job *job, const struct table *table,
                               struct catalogue_columns *ret_columns, kai_err *err) {
    const kai_catalogue_options *options = job->options;
    struct catalogue_columns *found = ret_columns;
    const struct {
        const char *name, *usual;
        const struct column **column;
    } wanted[] = {{options->item, NULL, &found->item},
                  {options->title, "title", &found->title},
                  {options->category, "category", &found->category},
                  {options->price, "price", &found->price},
                  {options->stock, "stock", &found->stock}};
    kai_status st = KAI_OK;
    for (size_t c = 0; !st && c < sizeof wanted / sizeof *wanted; c++) {
        int may_lack = wanted[c].usual && strcmp(wanted[c].name, wanted[c].usual) == 0;
        st = table_column(table, wanted[c].name, wanted[c].column, may_lack ? NULL : err);
        if (st == KAI_NOT_FOUND && may_lack) st = KAI_OK;
    }
    return st ? st : catalogue_check(found, err);
}

static kai_status put_row(struct catalogue_job *job, const struct catalogue_columns *columns,
                          int64_t row, kai_err *err) {
    struct catalogue_item item;
    int32_t known = job->listed.count, code = 0;
    kai_status st = catalogue_row(columns, row, job->texts, &item, err);
    if (st) return st;
    job->rows++;
    if (!item.item.size) {
        job->nameless++;
        return KAI_OK;
    }
    st = dict_add(&job->listed, item.item, &code, err);
    job->twice += !st && code < known;
    if (!st) st = catalogue_put(job->door, &item, err);
    return st || row % PUTS ? st : doorway_commit(job->door, err);
}

/* The file is the whole catalogue: what it does not list is gone. */
static kai_status note_gone(void *user, const struct catalogue_item *item, kai_err *err) {
    struct catalogue_job *job = user;
    int32_t code = 0;
    return dict_find(&job->listed, item->item) >= 0 ? KAI_OK
                                                    : dict_add(&job->gone, item->item, &code, err);
}

static kai_status drop_gone(struct catalogue_job *job, kai_err *err) {
    kai_status st = catalogue_items(job->door, note_gone, job, err);
    for (int32_t i = 0; !st && i < job->gone.count; i++) {
        int was_there = 0;
        st = store_drop(doorway_store(job->door), "item", job->gone.entries[i], &was_there, err);
    }
    return st;
}

/* Items are names, whatever they look like. */
static kai_status read_file(struct catalogue_job *job, struct table **ret_table, kai_err *err) {
    const kai_catalogue_options *options = job->options;
    char text[TYPE_BYTES];
    const char *const types[] = {text};
    struct collect_report report = {0};
    kai_table_options reading = options->table;
    int size = snprintf(text, TYPE_BYTES, "%s=category", options->item);
    if (size < 0 || size >= TYPE_BYTES)
        return err_set(err, KAI_INVALID, "column '%.40s...': the name is too long", options->item);
    reading.types = (kai_list){types, 1};
    kai_status st =
        reading_table(job->engine, options->arguments.items[0], &reading, ret_table, &report, err);
    if (!st) collect_report_release(&report);
    return st;
}

static kai_status set(struct catalogue_job *job, kai_err *err) {
    struct table *table = NULL;
    struct catalogue_columns columns = {0};
    struct json_writer *json = &job->answer.json;
    kai_status st = read_file(job, &table, err);
    if (!st) st = find_columns(job, table, &columns, err);
    for (int64_t row = 0; !st && row < table->rows; row++) st = put_row(job, &columns, row, err);
    if (!st && !job->listed.count)
        st = err_set(err, KAI_INVALID, "'%s' lists no item", job->options->arguments.items[0]);
    if (!st) st = drop_gone(job, err);
    if (!st) st = doorway_commit(job->door, err);
    table_free(table);
    json_key_i64(json, "rows", job->rows);
    json_key_i64(json, "items", job->listed.count);
    json_key_i64(json, "dropped", job->gone.count);
    json_key_i64(json, "without_name", job->nameless);
    json_key_i64(json, "listed_twice", job->twice);
    if (st) return st;
    st = buf_printf(&job->answer.text, err, "%d items, %d that were listed before are not\n",
                    job->listed.count, job->gone.count);
    if (!st && job->nameless)
        st = buf_printf(&job->answer.text, err, "%lld rows name no item\n",
                        (long long)job->nameless);
    if (!st && job->twice)
        st = buf_printf(&job->answer.text, err, "%lld items stand twice: the last row counts\n",
                        (long long)job->twice);
    return st;
}

/* ---- show ---- */

static int is_asked_for(const struct catalogue_job *job, struct slice item) {
    const kai_list *items = &job->options->arguments;
    for (int64_t i = 0; i < items->count; i++)
        if (slice_equal_text(item, items->items[i])) return 1;
    return items->count == 0;
}

static void key_optional(struct json_writer *json, const char *key, struct slice text) {
    if (text.size)
        json_key_slice(json, key, text);
    else
        json_key_text(json, key, NULL);
}

static kai_status show_item(void *user, const struct catalogue_item *item, kai_err *err) {
    struct catalogue_job *job = user;
    struct json_writer *json = &job->answer.json;
    if (!is_asked_for(job, item->item)) return KAI_OK;
    job->shown++;
    json_object(json);
    json_key_slice(json, "item", item->item);
    key_optional(json, "title", item->title);
    key_optional(json, "category", item->category);
    json_key_f64(json, "price", item->price);
    json_key_f64(json, "stock", item->stock);
    json_end(json);
    return buf_printf(&job->answer.text, err, "%.*s  %.*s  %.*s  %g  %g\n", (int)item->item.size,
                      item->item.data, (int)item->category.size, item->category.data,
                      (int)item->title.size, item->title.data, item->price, item->stock);
}

static kai_status show(struct catalogue_job *job, kai_err *err) {
    struct json_writer *json = &job->answer.json;
    json_key(json, "items");
    json_array(json);
    kai_status st = catalogue_items(job->door, show_item, job, err);
    json_end(json);
    json_key_i64(json, "count", job->shown);
    if (!st && job->options->arguments.count && !job->shown)
        st = err_set(err, KAI_NOT_FOUND, "the catalogue lists none of these");
    return st ? st : buf_printf(&job->answer.text, err, "%lld items\n", (long long)job->shown);
}

static kai_status run(kai_engine *engine, const kai_catalogue_options *options,
                      enum store_mode mode, kai_status (*work)(struct catalogue_job *, kai_err *),
                      kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    struct catalogue_job job = {.engine = engine, .options = options};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    dict_init(&job.listed);
    dict_init(&job.gone);
    catalogue_texts_init(job.texts);
    answer_begin(&job.answer);
    st = doorway_open(options->common.workspace, mode, &job.door, err);
    if (!st) st = work(&job, err);
    doorway_close(job.door);
    dict_release(&job.listed);
    dict_release(&job.gone);
    catalogue_texts_release(job.texts);
    return answer_end(&job.answer, st, ret_json, ret_text, err);
}

int32_t kai_engine_catalogue_set(kai_engine *engine, const kai_catalogue_options *options,
                                 kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    return run(engine, options, STORE_WRITE, set, ret_json, ret_text, err);
}

int32_t kai_engine_catalogue_show(kai_engine *engine, const kai_catalogue_options *options,
                                  kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    return run(engine, options, STORE_READ, show, ret_json, ret_text, err);
}
