/* load_events WORKSPACE online-retail|trivago FILE: events of a public data set through the doorway
 * into a workspace, for tests of what reads them. Prints how many were kept. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "collect/collect.h"
#include "engine/doorway.h"

enum { BATCH = 10000 };

/* The columns of one set. */
struct source {
    const struct table *table;
    const struct column *customer, *time, *item, *type, *quantity, *price, *session, *channel;
};

static const struct column *column_of(const struct table *table, const char *name) {
    int32_t index = table_find(table, name);
    return index < 0 ? NULL : table->columns[index];
}

static kai_status read_text(const struct column *column, int64_t row, struct buf *text,
                            kai_err *err) {
    buf_reset(text);
    if (!column || !column_is_valid(column, row)) return buf_puts(text, "", err);
    return column_print(column, row, text, err);
}

static struct slice slice_of_buf(const struct buf *text) {
    return (struct slice){text->data, text->size};
}

/* Row `row` as an event; texts are good until the next one. */
static kai_status make_event(const struct source *source, int64_t row, struct buf texts[5],
                             struct event *event, kai_err *err) {
    const struct column *const columns[] = {source->customer, source->item, source->type,
                                            source->session, source->channel};
    struct slice *const to[] = {&event->customer, &event->item, &event->type, &event->session,
                                &event->channel};
    kai_status st = KAI_OK;
    for (int i = 0; !st && i < 5; i++) {
        st = read_text(columns[i], row, &texts[i], err);
        if (!st) *to[i] = slice_of_buf(&texts[i]);
    }
    if (st) return st;
    event->time_us = source->time->kind == COLUMN_TIME
                         ? source->time->as.i64[row]
                         : (int64_t)column_f64(source->time, row) * 1000000;
    event->received_us = event->time_us;
    if (!source->price) return KAI_OK;
    double quantity = column_f64(source->quantity, row), price = column_f64(source->price, row);
    event->type = slice_of(quantity < 0 ? "refund" : "order");
    event->quantity = fabs(quantity);
    event->value = fabs(quantity) * price;
    return KAI_OK;
}

static kai_status pass_rows(struct doorway *door, const struct source *source, kai_err *err) {
    struct event_batch batch;
    struct buf texts[5];
    kai_status st = KAI_OK;
    event_batch_init(&batch);
    for (int i = 0; i < 5; i++) buf_init(&texts[i], 1 << 20);
    for (int64_t row = 0; !st && row < source->table->rows; row++) {
        struct event event = event_empty();
        char id[32];
        (void)snprintf(id, sizeof id, "row-%lld", (long long)row);
        event.id = slice_of(id);
        if (!column_is_valid(source->customer, row)) continue;
        st = make_event(source, row, texts, &event, err);
        if (!st) st = event_batch_append(&batch, &event, err);
        if (!st && batch.count == BATCH) {
            st = doorway_pass(door, &batch, err);
            event_batch_reset(&batch);
        }
    }
    if (!st) st = doorway_pass(door, &batch, err);
    if (!st) st = doorway_commit(door, err);
    for (int i = 0; i < 5; i++) buf_release(&texts[i]);
    event_batch_release(&batch);
    return st;
}

static kai_status load(const char *workspace, const char *set, const char *file, kai_err *err) {
    int is_retail = strcmp(set, "online-retail") == 0;
    static const char *const RETAIL[] = {"CustomerID=id", "StockCode=category",
                                         "InvoiceNo=category"};
    static const char *const TRIVAGO[] = {"user_id=id", "session_id=category", "reference=category",
                                          "timestamp=number"};
    const struct csv_options options = {.types = {is_retail ? RETAIL : TRIVAGO, is_retail ? 3 : 4}};
    struct table *table = NULL;
    struct doorway *door = NULL;
    struct collect_report report;
    kai_status st = collect_read_csv(file, &options, NULL, NULL, &table, &report, err);
    if (st) return st;
    const struct source source = {
        .table = table,
        .customer = column_of(table, is_retail ? "CustomerID" : "user_id"),
        .time = column_of(table, is_retail ? "InvoiceDate" : "timestamp"),
        .item = column_of(table, is_retail ? "StockCode" : "reference"),
        .type = column_of(table, "action_type"),
        .quantity = column_of(table, "Quantity"),
        .price = column_of(table, "UnitPrice"),
        .session = column_of(table, is_retail ? "InvoiceNo" : "session_id"),
        .channel = column_of(table, is_retail ? "Country" : "device")};
    st = doorway_open(workspace, STORE_WRITE, &door, err);
    if (!st) st = pass_rows(door, &source, err);
    if (!st) (void)printf("%lld\n", (long long)doorway_report(door)->kept);
    doorway_close(door);
    table_free(table);
    collect_report_release(&report);
    return st;
}

int main(int argc, char **argv) {
    kai_err err = {0};
    if (argc != 4) return 2;
    if (load(argv[1], argv[2], argv[3], &err) == KAI_OK) return 0;
    (void)fprintf(stderr, "%s\n", err.message);
    return 1;
}
