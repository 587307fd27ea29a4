#include "behave/interactions.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/stable_sort.h"

#define MILLISECONDS_ABOVE 1e11

kai_status histories_init(struct histories *histories, int64_t count, int64_t events, int has_times,
                          kai_err *err) {
    *histories = (struct histories){.count = count};
    histories->offsets = mem_zero((size_t)count + 1, sizeof *histories->offsets);
    histories->items = mem_array((size_t)events, sizeof *histories->items);
    if (has_times) histories->times = mem_array((size_t)events, sizeof *histories->times);
    if (histories->offsets && histories->items && (histories->times || !has_times)) return KAI_OK;
    histories_release(histories);
    return err_memory(err, events * 12);
}

void histories_release(struct histories *histories) {
    mem_free(histories->offsets);
    mem_free(histories->items);
    mem_free(histories->times);
    *histories = (struct histories){0};
}

struct behave_sequences histories_view(const struct histories *histories) {
    return (struct behave_sequences){histories->count, histories->offsets, histories->items,
                                     histories->times};
}

/* One event on its way: its key orders a customer's events. */
struct placed {
    double key;
    int64_t row;
};

struct gathering {
    const struct interactions_columns *columns;
    const struct column *key; /* what orders the events; NULL = the rows do */
    double time_unit;         /* seconds of one unit of the time column */
    struct placed *events;    /* owned; (rows); by customer, then in order */
    struct placed *scratch;   /* owned; (rows) */
};

static kai_status check_kinds(const struct interactions_columns *columns, kai_err *err) {
    const struct column *codes[] = {columns->customer, columns->item};
    const struct column *numbers[] = {columns->order, columns->time};
    for (int i = 0; i < 2; i++)
        if (codes[i]->kind != COLUMN_CATEGORY)
            return err_set(err, KAI_INVALID, "column '%s': expected categories, is %s",
                           codes[i]->name, column_kind_text(codes[i]->kind));
    for (int i = 0; i < 2; i++)
        if (numbers[i] && (numbers[i]->kind == COLUMN_CATEGORY || numbers[i]->kind == COLUMN_TEXT))
            return err_set(err, KAI_INVALID, "column '%s': expected numbers or dates, is %s",
                           numbers[i]->name, column_kind_text(numbers[i]->kind));
    return KAI_OK;
}

static double unit_of(const struct column *time) {
    if (!time || time->kind == COLUMN_TIME) return 1e-6;
    for (int64_t row = 0; row < time->rows; row++)
        if (column_f64(time, row) > MILLISECONDS_ABOVE) return 1e-3;
    return 1;
}

static int is_placed(const struct gathering *gathering, int64_t row) {
    const struct interactions_columns *columns = gathering->columns;
    return column_is_valid(columns->customer, row) && column_is_valid(columns->item, row) &&
           (!gathering->key || isfinite(column_f64(gathering->key, row)));
}

/* Rows by customer, in the order of the rows: a counting sort. */
static int64_t group_rows(struct gathering *gathering, struct histories *histories) {
    const struct column *customer = gathering->columns->customer;
    int64_t *offsets = histories->offsets, kept = 0;
    for (int64_t row = 0; row < customer->rows; row++)
        if (is_placed(gathering, row)) offsets[customer->as.codes[row] + 1]++, kept++;
    for (int64_t c = 0; c < histories->count; c++) offsets[c + 1] += offsets[c];
    for (int64_t row = 0; row < customer->rows; row++) {
        if (!is_placed(gathering, row)) continue;
        double key = gathering->key ? column_f64(gathering->key, row) : 0;
        gathering->events[offsets[customer->as.codes[row]]++] = (struct placed){key, row};
    }
    memmove(offsets + 1, offsets, (size_t)histories->count * sizeof *offsets);
    offsets[0] = 0;
    return kept;
}

static int is_not_later(const void *user, const void *a, const void *b) {
    (void)user;
    return ((const struct placed *)a)->key <= ((const struct placed *)b)->key;
}

static int64_t time_at(const struct gathering *gathering, int64_t row) {
    double value = column_f64(gathering->columns->time, row);
    if (!isfinite(value)) return BEHAVE_TIME_UNKNOWN;
    return (int64_t)floor(fmin(fmax(value * gathering->time_unit, -9e15), 9e15));
}

static kai_status fill_history(const struct gathering *gathering, int64_t customer,
                               struct histories *histories, kai_err *err) {
    const struct interactions_columns *columns = gathering->columns;
    int64_t last = BEHAVE_TIME_UNKNOWN;
    for (int64_t e = histories->offsets[customer]; e < histories->offsets[customer + 1]; e++) {
        int64_t row = gathering->events[e].row;
        histories->items[e] = columns->item->as.codes[row];
        if (!columns->time) continue;
        int64_t time = time_at(gathering, row);
        if (time != BEHAVE_TIME_UNKNOWN && time < last)
            return err_set(err, KAI_INVALID,
                           "row %lld, column '%s': the time goes back along '%s' (customer '%s')",
                           (long long)row + 1, columns->time->name, columns->order->name,
                           dict_text(columns->customer->dict, (int32_t)customer));
        if (time != BEHAVE_TIME_UNKNOWN) last = time;
        histories->times[e] = last;
    }
    return KAI_OK;
}

kai_status interactions_init(struct interactions *ret_interactions,
                             const struct interactions_columns *columns, kai_err *err) {
    int64_t rows = columns->customer->rows, kept = 0;
    struct interactions made = {0};
    struct gathering gathering = {.columns = columns,
                                  .key = columns->order ? columns->order : columns->time,
                                  .time_unit = unit_of(columns->time)};
    kai_status st = check_kinds(columns, err);
    if (st) return st;
    made.item_count = columns->item->dict->count;
    gathering.events = mem_array((size_t)rows, sizeof *gathering.events);
    gathering.scratch = mem_array((size_t)rows, sizeof *gathering.scratch);
    if (!gathering.events || !gathering.scratch)
        st = err_memory(err, 2 * rows * (int64_t)sizeof(struct placed));
    if (!st)
        st = histories_init(&made.histories, columns->customer->dict->count, rows,
                            columns->time != NULL, err);
    if (!st) kept = group_rows(&gathering, &made.histories);
    if (!st && kept == 0)
        st =
            err_set(err, KAI_INVALID, "no event with a customer, an item and a place in the order");
    made.rows_missing = rows - kept;
    for (int64_t c = 0; !st && c < made.histories.count; c++) {
        int64_t begin = made.histories.offsets[c], count = made.histories.offsets[c + 1] - begin;
        stable_sort(gathering.events + begin, gathering.scratch, count, sizeof *gathering.events,
                    is_not_later, NULL);
        st = fill_history(&gathering, c, &made.histories, err);
    }
    mem_free(gathering.events);
    mem_free(gathering.scratch);
    if (st)
        interactions_release(&made);
    else
        *ret_interactions = made;
    return st;
}

static int64_t seconds_of(int64_t time_us) {
    return time_us / 1000000 - (time_us % 1000000 < 0); /* down, before 1970 too */
}

kai_status interactions_init_snapshot(struct interactions *ret_interactions,
                                      const struct snapshot *snapshot, kai_err *err) {
    struct interactions made = {.item_count = (int32_t)snapshot->names[SNAPSHOT_ITEM].count};
    int64_t kept = 0;
    kai_status st =
        histories_init(&made.histories, snapshot->customer_count, snapshot->event_count, 1, err);
    if (st) return st;
    for (int64_t c = 0; c < snapshot->customer_count; c++) {
        for (int64_t e = snapshot->offsets[c]; e < snapshot->offsets[c + 1]; e++) {
            if (snapshot->items[e] < 0) continue;
            made.histories.items[kept] = snapshot->items[e];
            made.histories.times[kept++] = seconds_of(snapshot->times_us[e]);
        }
        made.histories.offsets[c + 1] = kept;
    }
    made.rows_missing = snapshot->event_count - kept;
    if (kept) {
        *ret_interactions = made;
        return KAI_OK;
    }
    interactions_release(&made);
    return err_set(err, KAI_INVALID, "no event of the snapshot has an item");
}

void interactions_release(struct interactions *interactions) {
    histories_release(&interactions->histories);
    *interactions = (struct interactions){0};
}
