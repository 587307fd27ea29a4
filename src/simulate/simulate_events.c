/* Streams a shop's events to disk, day by day: customers live through the day in parallel, what
 * happened is put in order of time, printed in parallel and written in order. */
#include "simulate/simulate_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/caps.h"
#include "base/file.h"
#include "base/instant.h"
#include "simulate/simulate_print.h"
#include "simulate/simulate_shopper.h"

enum {
    BLOCK_CUSTOMERS = 1024,
    PRINT_ROWS = 2048,
    WAVE_BLOCKS = 32,
    LINE_BYTES_MAX = 384, /* of events.jsonl: names of ours and numbers */
    ROW_BYTES_MAX = 128,  /* of touches.csv and truth/orders.csv */
    CUSTOMER_BYTES_MAX = 512,
    DAYS_MAX = 3650,
    ITEMS_MAX = 1000000,
    CUSTOMERS_MAX = 10000000
};

/* Text of one sort, made by a block. */
struct sheet {
    char *text; /* owned */
    size_t size;
};

enum { SHEET_EVENTS, SHEET_TOUCHES, SHEET_ORDERS, SHEETS };
static const char *const SHEET_FILES[] = {"events.jsonl", "touches.csv", "truth/orders.csv"};
static const char *const SHEET_HEADERS[] = {"", "customer,time,channel,converted,value\n",
                                            "customer,time,session,cause,value\n"};
static const size_t SHEET_ROW_BYTES[] = {LINE_BYTES_MAX, ROW_BYTES_MAX, ROW_BYTES_MAX};

struct block {
    struct happenings made;
    struct sheet sheets[SHEETS];
};

struct stream {
    const struct simulate_events_options *options;
    const char *out_dir;
    struct pool *pool;
    const struct progress *progress;
    struct shopper *shoppers;  /* owned; (customers) */
    struct happenings waiting; /* made and not yet written, refunds to come among them */
    int64_t first;             /* customer or row, of a wave */
    int64_t last;              /* behind the last one, of the day */
    int32_t day;
    char date[INSTANT_TEXT_BYTES]; /* of that day, up to the T */
    struct block blocks[WAVE_BLOCKS];
    struct file_writer *files[SHEETS]; /* owned */
    int64_t written;
    struct simulate_events_summary summary;
};

/* ---- one day ---- */

static kai_status start_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    struct stream *stream = user;
    int64_t first = item * BLOCK_CUSTOMERS, last = first + BLOCK_CUSTOMERS;
    if (last > stream->options->customers) last = stream->options->customers;
    for (int64_t i = first; i < last; i++)
        simulate_shopper_start(stream->options, i, &stream->shoppers[i]);
    return KAI_OK;
}

static kai_status live_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct stream *stream = user;
    struct happenings *made = &stream->blocks[item].made;
    int64_t first = stream->first + item * BLOCK_CUSTOMERS, last = first + BLOCK_CUSTOMERS;
    if (last > stream->last) last = stream->last;
    for (int64_t i = first; i < last; i++)
        simulate_shopper_day(stream->options, stream->day, &stream->shoppers[i], made);
    return made->is_starved ? err_memory(err, 2 * made->capacity * (int64_t)sizeof *made->items)
                            : KAI_OK;
}

static void add_up(struct simulate_events_summary *summary, const struct happenings *made) {
    summary->cooled += made->coolings;
    summary->left += made->leavings;
    summary->coolings_expected += made->coolings_expected;
    summary->leavings_expected += made->leavings_expected;
    for (int c = 0; c < SIMULATE_CAUSES; c++) {
        struct simulate_contribution *sum = &summary->cause[c];
        sum->touches += made->cause[c].touches;
        sum->sessions += made->cause[c].sessions;
        sum->sessions_expected += made->cause[c].sessions_expected;
        sum->orders_expected += made->cause[c].orders_expected;
    }
}

/* Move what a block made behind what waits; the block keeps its memory. */
static kai_status take_made(struct stream *stream, struct happenings *made, kai_err *err) {
    struct happenings *waiting = &stream->waiting;
    if (waiting->count + made->count > waiting->capacity) {
        int64_t capacity = 2 * waiting->capacity + made->count;
        struct happening *items = mem_resize(waiting->items, (size_t)capacity, sizeof *items);
        if (!items) return err_memory(err, capacity * (int64_t)sizeof *items);
        waiting->items = items;
        waiting->capacity = capacity;
    }
    if (made->count)
        memcpy(waiting->items + waiting->count, made->items,
               (size_t)made->count * sizeof *made->items);
    waiting->count += made->count;
    add_up(&stream->summary, made);
    *made = (struct happenings){.items = made->items, .capacity = made->capacity};
    return KAI_OK;
}

static int is_before(const void *a, const void *b) {
    const struct happening *x = a, *y = b;
    if (x->time_s != y->time_s) return x->time_s < y->time_s ? -1 : 1;
    if (x->customer != y->customer) return x->customer < y->customer ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* Waves of blocks over [0, last): run, then `take` what each made, in order. */
static kai_status in_waves(struct stream *stream, int64_t last, int64_t block, pool_fn fn,
                           kai_status (*take)(struct stream *, struct block *, kai_err *),
                           kai_err *err) {
    kai_status st = KAI_OK;
    stream->last = last;
    for (stream->first = 0; !st && stream->first < last; stream->first += block * WAVE_BLOCKS) {
        int64_t count = (last - stream->first + block - 1) / block;
        if (count > WAVE_BLOCKS) count = WAVE_BLOCKS;
        st = pool_run(stream->pool, count, fn, stream, err);
        for (int64_t i = 0; !st && i < count; i++) st = take(stream, &stream->blocks[i], err);
    }
    return st;
}

static kai_status take_block(struct stream *stream, struct block *block, kai_err *err) {
    return take_made(stream, &block->made, err);
}

/* ---- printing ---- */

/* A moment of the day that is written, whose date is known. */
static char *put_moment(char *at, const struct stream *stream, int64_t time_s) {
    int64_t second = time_s % SIMULATE_DAY_SECONDS;
    const int64_t parts[] = {second / 3600, second / 60 % 60, second % 60};
    at = simulate_put_text(at, stream->date);
    for (int i = 0; i < 3; i++) {
        *at++ = (char)('0' + parts[i] / 10);
        *at++ = (char)('0' + parts[i] % 10);
        *at++ = i < 2 ? ':' : 'Z';
    }
    return at;
}

static char *put_customer(char *at, const struct happening *h) {
    *at++ = 'c';
    return simulate_put_count(at, h->customer + 1);
}

static char *put_device(char *at, const struct stream *stream, const struct happening *h) {
    *at++ = 'd';
    return simulate_put_count(at, (int64_t)simulate_shopper_device(stream->options, h->customer));
}

/* A session of a device must not name the customer. */
static char *put_session(char *at, const struct stream *stream, const struct happening *h) {
    at = stream->options->signed_out > 0 ? put_device(at, stream, h) : put_customer(at, h);
    *at++ = '-';
    return simulate_put_count(at, h->session);
}

static char *put_item(char *at, int64_t item) {
    at = simulate_put_text(at, SIMULATE_CATEGORY_NAMES[item % SIMULATE_CATEGORIES]);
    *at++ = '-';
    return simulate_put_count(at, item / SIMULATE_CATEGORIES + 1);
}

static char *put_event(char *at, const struct stream *stream, int64_t number,
                       const struct happening *h) {
    static const char *const TYPES[] = {"touch", "view", "cart", "order", "refund"};
    const char *arrival = SIMULATE_ARRIVAL_NAMES[h->arrival];
    at = simulate_put_text(at, "{\"id\":\"e");
    at = simulate_put_count(at, number);
    if (!h->is_signed_out) at = put_customer(simulate_put_text(at, "\",\"customer\":\""), h);
    if (h->session && stream->options->signed_out > 0)
        at = put_device(simulate_put_text(at, "\",\"anonymous\":\""), stream, h);
    at = put_moment(simulate_put_text(at, "\",\"time\":\""), stream, h->time_s);
    at = simulate_put_text(simulate_put_text(at, "\",\"type\":\""), TYPES[h->type]);
    if (h->item >= 0) at = put_item(simulate_put_text(at, "\",\"item\":\""), h->item);
    if (h->quantity) {
        at = simulate_put_count(simulate_put_text(at, "\",\"quantity\":"), h->quantity);
        at = simulate_put_fixed(simulate_put_text(at, ",\"value\":"), h->value, 2);
        at = simulate_put_text(at, ",\"currency\":\"EUR");
    }
    at = simulate_put_text(simulate_put_text(at, "\",\"channel\":\""), arrival);
    if (h->arrival != ARRIVAL_DIRECT && h->arrival != ARRIVAL_SEARCH) {
        at = simulate_put_text(simulate_put_text(at, "\",\"campaign\":\""), arrival);
        *at++ = '-';
        at = simulate_put_count(at, h->week + 1);
    }
    if (h->session) at = put_session(simulate_put_text(at, "\",\"session\":\""), stream, h);
    return simulate_put_text(at, "\"}\n");
}

/* A touch, or an order as a conversion without a touch of its own. */
static char *put_touch(char *at, const struct stream *stream, const struct happening *h) {
    int is_touch = h->type == HAPPENING_TOUCH;
    at = put_customer(at, h);
    *at++ = ',';
    at = put_moment(at, stream, h->time_s);
    *at++ = ',';
    at = simulate_put_name(at, is_touch ? SIMULATE_CAUSE_NAMES[h->cause] : "");
    at = simulate_put_text(at, is_touch ? "0," : "1,");
    if (!is_touch) at = simulate_put_fixed(at, h->total, 2);
    *at++ = '\n';
    return at;
}

static char *put_order(char *at, const struct stream *stream, const struct happening *h) {
    at = put_customer(at, h);
    *at++ = ',';
    at = put_moment(at, stream, h->time_s);
    *at++ = ',';
    at = put_session(at, stream, h);
    *at++ = ',';
    at = simulate_put_name(at, SIMULATE_CAUSE_NAMES[h->cause]);
    at = simulate_put_fixed(at, h->total, 2);
    *at++ = '\n';
    return at;
}

static kai_status print_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    struct stream *stream = user;
    struct sheet *sheets = stream->blocks[item].sheets;
    int64_t first = stream->first + item * PRINT_ROWS, last = first + PRINT_ROWS;
    if (last > stream->last) last = stream->last;
    char *at[SHEETS];
    for (int s = 0; s < SHEETS; s++) at[s] = sheets[s].text;
    for (int64_t i = first; i < last; i++) {
        const struct happening *h = &stream->waiting.items[i];
        at[SHEET_EVENTS] = put_event(at[SHEET_EVENTS], stream, stream->written + i + 1, h);
        if (h->type == HAPPENING_TOUCH || h->total > 0)
            at[SHEET_TOUCHES] = put_touch(at[SHEET_TOUCHES], stream, h);
        if (h->total > 0) at[SHEET_ORDERS] = put_order(at[SHEET_ORDERS], stream, h);
    }
    for (int s = 0; s < SHEETS; s++) sheets[s].size = (size_t)(at[s] - sheets[s].text);
    return KAI_OK;
}

static kai_status write_block(struct stream *stream, struct block *block, kai_err *err) {
    kai_status st = KAI_OK;
    for (int s = 0; !st && s < SHEETS; s++)
        st = file_write(stream->files[s], block->sheets[s].text, block->sheets[s].size, err);
    return st;
}

/* Write what waits and lies before `end_s`, in order of time: the day's, what came before is
 * written. */
static kai_status write_until(struct stream *stream, int64_t end_s, kai_err *err) {
    struct happenings *waiting = &stream->waiting;
    (void)instant_print((end_s - SIMULATE_DAY_SECONDS) * 1000000, stream->date);
    strchr(stream->date, 'T')[1] = '\0';
    int64_t due = 0;
    if (waiting->count)
        qsort(waiting->items, (size_t)waiting->count, sizeof *waiting->items, is_before);
    while (due < waiting->count && waiting->items[due].time_s < end_s) {
        const struct happening *h = &waiting->items[due++];
        KAI_ASSERT(h->time_s >= end_s - SIMULATE_DAY_SECONDS);
        if (!(h->total > 0)) continue;
        stream->summary.cause[h->cause].orders++;
        stream->summary.cause[h->cause].value += h->total;
    }
    kai_status st = in_waves(stream, due, PRINT_ROWS, print_block, write_block, err);
    if (st) return st;
    waiting->count -= due;
    if (waiting->count)
        memmove(waiting->items, waiting->items + due,
                (size_t)waiting->count * sizeof *waiting->items);
    stream->written += due;
    return KAI_OK;
}

static kai_status live(struct stream *stream, kai_err *err) {
    const struct simulate_events_options *options = stream->options;
    int64_t end_s = simulate_events_begin(options);
    int64_t blocks = (options->customers + BLOCK_CUSTOMERS - 1) / BLOCK_CUSTOMERS;
    kai_status st = pool_run(stream->pool, blocks, start_block, stream, err);
    for (stream->day = 0; !st && stream->day < options->days; stream->day++) {
        st = progress_tell(stream->progress, "days", stream->day, options->days, err);
        if (!st)
            st = in_waves(stream, options->customers, BLOCK_CUSTOMERS, live_block, take_block, err);
        end_s += SIMULATE_DAY_SECONDS;
        if (!st) st = write_until(stream, end_s, err);
    }
    stream->summary.events = stream->written;
    stream->summary.customers = options->customers;
    return st ? st : progress_tell(stream->progress, "days", options->days, options->days, err);
}

/* ---- files ---- */

static kai_status open_file(const struct stream *stream, const char *name,
                            struct file_writer **ret_writer, kai_err *err) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/%s", stream->out_dir, name);
    if (!st) st = file_create(path.data, ret_writer, err);
    buf_release(&path);
    return st;
}

/* A small file in one piece. */
static kai_status close_file(struct file_writer *writer, const struct buf *text, kai_status st,
                             kai_err *err) {
    if (!st) st = file_write(writer, text->data, text->size, err);
    if (!st) return file_commit(writer, err);
    file_abandon(writer);
    return st;
}

static kai_status write_items(const struct stream *stream, kai_err *err) {
    struct file_writer *writer = NULL;
    struct buf text;
    buf_init(&text, 1 << 27);
    kai_status st = open_file(stream, "items.csv", &writer, err);
    if (!st) st = buf_puts(&text, "item,category,price\n", err);
    for (int64_t i = 0; !st && i < stream->options->items; i++) {
        char row[ROW_BYTES_MAX], *at = put_item(row, i);
        *at++ = ',';
        at = simulate_put_name(at, SIMULATE_CATEGORY_NAMES[i % SIMULATE_CATEGORIES]);
        at = simulate_put_fixed(at, simulate_item_price(stream->options, i), 2);
        *at++ = '\n';
        st = buf_append(&text, row, (size_t)(at - row), err);
    }
    st = close_file(writer, &text, st, err);
    buf_release(&text);
    return st;
}

static kai_status write_channels(const struct stream *stream, kai_err *err) {
    struct file_writer *writer = NULL;
    struct buf text;
    buf_init(&text, 1 << 16);
    kai_status st = open_file(stream, "truth/channels.csv", &writer, err);
    if (!st)
        st = buf_puts(
            &text, "cause,touches,sessions_expected,sessions,orders_expected,orders,value\n", err);
    for (int c = 0; !st && c < SIMULATE_CAUSES; c++) {
        const struct simulate_contribution *cause = &stream->summary.cause[c];
        st = buf_printf(&text, err, "%s,%lld,%.3f,%lld,%.3f,%lld,%.2f\n", SIMULATE_CAUSE_NAMES[c],
                        (long long)cause->touches, cause->sessions_expected,
                        (long long)cause->sessions, cause->orders_expected,
                        (long long)cause->orders, cause->value);
    }
    st = close_file(writer, &text, st, err);
    buf_release(&text);
    return st;
}

static char *put_day(char *at, const struct stream *stream, int32_t day) {
    if (day < 0) return simulate_put_text(at, ",");
    at += instant_print(
        (simulate_events_begin(stream->options) + (int64_t)day * SIMULATE_DAY_SECONDS) * 1000000,
        at);
    at -= sizeof "T00:00:00Z" - 1;
    *at++ = ',';
    return at;
}

static char *put_shopper(char *at, const struct stream *stream, const struct shopper *s) {
    struct shopper first;
    double shares[2][SIMULATE_CATEGORIES];
    simulate_shopper_start(stream->options, s->customer, &first);
    simulate_shopper_shares(&first, shares[0]);
    simulate_shopper_shares(s, shares[1]);
    *at++ = 'c';
    at = simulate_put_count(at, s->customer + 1);
    *at++ = ',';
    at = put_day(at, stream, s->arrived);
    at = put_day(at, stream, s->cooled);
    at = put_day(at, stream, s->left);
    at = simulate_put_field(at, s->rate, 6);
    at = simulate_put_field(at, s->chance, 6);
    at = simulate_put_field(at, s->response, 6);
    at = simulate_put_field(at, s->hazard, 6);
    for (int when = 0; when < 2; when++)
        for (int k = 0; k < SIMULATE_CATEGORIES; k++)
            at = simulate_put_field(at, shares[when][k], 5);
    at[-1] = '\n';
    return at;
}

static kai_status write_customers(const struct stream *stream, kai_err *err) {
    struct file_writer *writer = NULL;
    struct buf text;
    buf_init(&text, 1 << 16);
    kai_status st = open_file(stream, "truth/customers.csv", &writer, err);
    if (!st)
        st = buf_puts(&text, "customer,arrived,cooled,left,rate,order_chance,response,hazard", err);
    for (int i = 0; !st && i < 2 * SIMULATE_CATEGORIES; i++)
        st = buf_printf(&text, err, ",%s_%s", i < SIMULATE_CATEGORIES ? "first" : "last",
                        SIMULATE_CATEGORY_NAMES[i % SIMULATE_CATEGORIES]);
    if (!st) st = buf_puts(&text, "\n", err);
    if (!st) st = file_write(writer, text.data, text.size, err);
    for (int64_t i = 0; !st && i < stream->options->customers; i++) {
        char row[CUSTOMER_BYTES_MAX];
        const char *end = put_shopper(row, stream, &stream->shoppers[i]);
        st = file_write(writer, row, (size_t)(end - row), err);
    }
    buf_reset(&text);
    st = close_file(writer, &text, st, err);
    buf_release(&text);
    return st;
}

static kai_status open_stream(struct stream *stream, kai_err *err) {
    int64_t customers = stream->options->customers;
    struct buf dir;
    buf_init(&dir, 1 << 16);
    kai_status st = buf_printf(&dir, err, "%s/truth", stream->out_dir);
    if (!st) st = file_make_dir(dir.data, err);
    buf_release(&dir);
    stream->shoppers = st ? NULL : mem_zero((size_t)customers, sizeof *stream->shoppers);
    if (!st && !stream->shoppers)
        st = err_memory(err, customers * (int64_t)sizeof *stream->shoppers);
    for (int b = 0; !st && b < WAVE_BLOCKS; b++)
        for (int s = 0; !st && s < SHEETS; s++) {
            stream->blocks[b].sheets[s].text = mem_array(PRINT_ROWS, SHEET_ROW_BYTES[s]);
            if (!stream->blocks[b].sheets[s].text)
                st = err_memory(err, (int64_t)(PRINT_ROWS * SHEET_ROW_BYTES[s]));
        }
    for (int s = 0; !st && s < SHEETS; s++) {
        st = open_file(stream, SHEET_FILES[s], &stream->files[s], err);
        if (!st) st = file_write(stream->files[s], SHEET_HEADERS[s], strlen(SHEET_HEADERS[s]), err);
    }
    return st;
}

static kai_status close_stream(struct stream *stream, kai_status st, kai_err *err) {
    for (int s = SHEETS - 1; s >= 0; s--) {
        if (!st)
            st = file_commit(stream->files[s], err);
        else
            file_abandon(stream->files[s]);
    }
    for (int b = 0; b < WAVE_BLOCKS; b++) {
        mem_free(stream->blocks[b].made.items);
        for (int s = 0; s < SHEETS; s++) mem_free(stream->blocks[b].sheets[s].text);
    }
    mem_free(stream->waiting.items);
    mem_free(stream->shoppers);
    return st;
}

kai_status simulate_events(const struct simulate_events_options *options, const char *out_dir,
                           struct pool *pool, const struct progress *progress,
                           struct simulate_events_summary *ret_summary, kai_err *err) {
    if (options->customers < 1 || options->customers > CUSTOMERS_MAX || options->days < 1 ||
        options->days > DAYS_MAX || options->items < SIMULATE_CATEGORIES ||
        options->items > ITEMS_MAX || !(options->signed_out >= 0 && options->signed_out <= 1))
        return err_set(
            err, KAI_INVALID,
            "a stream has 1 to %d customers, 1 to %d days, %d to %d items and a share from "
            "0 to 1 of sessions signed out",
            CUSTOMERS_MAX, DAYS_MAX, SIMULATE_CATEGORIES, ITEMS_MAX);
    struct stream *stream = mem_zero(1, sizeof *stream);
    if (!stream) return err_memory(err, (int64_t)sizeof *stream);
    stream->options = options;
    stream->out_dir = out_dir;
    stream->pool = pool;
    stream->progress = progress;
    kai_status st = open_stream(stream, err);
    if (!st) st = live(stream, err);
    if (!st) st = write_items(stream, err);
    if (!st) st = write_customers(stream, err);
    if (!st) st = write_channels(stream, err);
    st = close_stream(stream, st, err);
    if (!st) *ret_summary = stream->summary;
    mem_free(stream);
    return st;
}
