#include "engine/auction_log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "base/text.h"
#include "collect/csv_write.h"
#include "simulate/simulate_world.h"

void auction_log_release(struct auction_log *log) {
    mem_free(log->outcome);
    mem_free(log->price);
    mem_free(log->value);
    mem_free(log->chance);
    *log = (struct auction_log){0};
}

static kai_status resize(struct auction_log *log, int64_t capacity, kai_err *err) {
    size_t count = (size_t)capacity;
    void *outcome = mem_resize(log->outcome, count, sizeof *log->outcome);
    if (outcome) log->outcome = outcome;
    void *price = mem_resize(log->price, count, sizeof *log->price);
    if (price) log->price = price;
    void *value = mem_resize(log->value, count, sizeof *log->value);
    if (value) log->value = value;
    if (!outcome || !price || !value) return err_memory(err, capacity * 13);
    log->capacity = capacity;
    log->view.outcome = log->outcome;
    log->view.price = log->price;
    log->view.value = log->value;
    return KAI_OK;
}

static struct slice next_word(struct slice *line) {
    *line = slice_trim(*line);
    size_t size = 0;
    while (size < line->size && line->data[size] != ' ' && line->data[size] != '\t') size++;
    struct slice word = {line->data, size};
    *line = (struct slice){line->data + size, line->size - size};
    return word;
}

static kai_status read_line(struct auction_log *log, struct slice line, const char *path,
                            int64_t number, kai_err *err) {
    int64_t outcome = 0, price = 0, at = log->view.auctions;
    double value = 0;
    struct slice words[3];
    for (int i = 0; i < 3; i++) words[i] = next_word(&line);
    if (!text_parse_i64(words[0], &outcome) || outcome < 0 || outcome > 1)
        return err_set(err, KAI_INVALID, "%s:%lld: expected the outcome 0 or 1, got '%.*s'", path,
                       (long long)number, (int)fmin((double)words[0].size, 40), words[0].data);
    if (!text_parse_i64(words[1], &price) || price < 0 || price > INT32_MAX)
        return err_set(err, KAI_INVALID, "%s:%lld: expected a price of 0 or more, got '%.*s'", path,
                       (long long)number, (int)fmin((double)words[1].size, 40), words[1].data);
    if (!text_parse_f64(words[2], &value) || value < 0)
        return err_set(err, KAI_INVALID, "%s:%lld: expected a value of 0 or more, got '%.*s'", path,
                       (long long)number, (int)fmin((double)words[2].size, 40), words[2].data);
    kai_status st =
        at < log->capacity ? KAI_OK : resize(log, log->capacity ? 2 * log->capacity : 4096, err);
    if (st) return st;
    log->outcome[at] = (uint8_t)outcome;
    log->price[at] = (int32_t)price;
    log->value[at] = value;
    log->view.auctions++;
    return KAI_OK;
}

kai_status auction_log_parse(const char *name, const char *text, size_t size,
                             struct auction_log *ret_log, kai_err *err) {
    struct auction_log log = {0};
    kai_status st = KAI_OK;
    int64_t number = 0;
    for (size_t at = 0; !st && at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        struct slice line = {text + at, length};
        if (length && line.data[length - 1] == '\r') line.size--;
        number++;
        if (slice_trim(line).size) st = read_line(&log, line, name, number, err);
        at += length + 1;
    }
    if (!st && log.view.auctions < 3)
        st = err_set(err, KAI_INVALID, "%s: %lld auctions, at least 3 are needed", name,
                     (long long)log.view.auctions);
    if (st)
        auction_log_release(&log);
    else
        *ret_log = log;
    return st;
}

kai_status auction_log_read(const char *path, struct auction_log *ret_log, kai_err *err) {
    struct buf text;
    buf_init(&text, (size_t)CAPS_BUF_BYTES);
    kai_status st = file_read_all(path, (size_t)CAPS_BUF_BYTES, &text, err);
    if (!st) st = auction_log_parse(path, text.data, text.size, ret_log, err);
    buf_release(&text);
    return st;
}

static kai_status write_log(const struct auction_log *log, const char *dir, kai_err *err) {
    struct buf path, line;
    struct file_writer *file = NULL;
    struct csv_writer *csv = NULL;
    buf_init(&path, 1 << 16);
    buf_init(&line, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/truth", dir);
    if (!st) st = file_make_dir(path.data, err);
    if (!st) st = buf_puts(&path, "/auctions.csv", err);
    if (!st) st = csv_write_open(path.data, &csv, err);
    buf_reset(&path);
    if (!st) st = buf_printf(&path, err, "%s/log.txt", dir);
    if (!st) st = file_create(path.data, &file, err);
    if (!st) {
        csv_write_string(csv, "auction");
        csv_write_string(csv, "chance");
        st = csv_write_row(csv, err);
    }
    for (int64_t i = 0; !st && i < log->view.auctions; i++) {
        char number[TEXT_NUMBER_BYTES];
        (void)text_print_f64(log->value[i], number);
        buf_reset(&line);
        st = buf_printf(&line, err, "%d %d %s\n", log->outcome[i], log->price[i], number);
        if (!st) st = file_write(file, line.data, line.size, err);
        csv_write_i64(csv, i + 1);
        csv_write_f64(csv, log->chance[i]);
        if (!st) st = csv_write_row(csv, err);
    }
    if (!st) {
        st = csv_write_close(csv, err);
        csv = NULL;
    }
    if (!st) {
        st = file_commit(file, err);
        file = NULL;
    }
    csv_write_abandon(csv);
    file_abandon(file);
    buf_release(&path);
    buf_release(&line);
    return st;
}

kai_status auction_log_draw(const kai_simulate_auction_options *options,
                            struct auction_log *ret_log, kai_err *err) {
    struct auction_log log = {0};
    kai_status st = resize(&log, options->auctions, err);
    log.view.auctions = options->auctions;
    log.chance = mem_array((size_t)options->auctions, sizeof *log.chance);
    if (!st && !log.chance) st = err_memory(err, options->auctions * 8);
    for (int64_t i = 0; !st && i < options->auctions; i++) {
        struct simulate_auction auction;
        simulate_auction_draw((uint64_t)options->common.seed, i, options->auctions, &auction);
        log.outcome[i] = (uint8_t)auction.outcome;
        log.price[i] = auction.price;
        log.value[i] = auction.predicted;
        log.chance[i] = auction.chance;
    }
    if (!st) st = write_log(&log, options->out, err);
    if (st)
        auction_log_release(&log);
    else
        *ret_log = log;
    return st;
}

struct worth {
    double chance, price;
};

static int is_dearer(const void *a, const void *b) {
    const struct worth *x = a, *y = b;
    double first = x->chance * y->price, second = y->chance * x->price;
    return (first < second) - (first > second);
}

kai_status auction_log_best(const struct auction_log *log, int64_t first, double money,
                            double *ret_outcomes, kai_err *err) {
    int64_t count = log->view.auctions - first;
    struct worth *worth = mem_array((size_t)count, sizeof *worth);
    if (!worth) return err_memory(err, count * (int64_t)sizeof *worth);
    for (int64_t i = 0; i < count; i++)
        worth[i] = (struct worth){log->chance[first + i], log->price[first + i]};
    qsort(worth, (size_t)count, sizeof *worth, is_dearer);
    double outcomes = 0;
    for (int64_t i = 0; i < count && money > 0; i++) {
        double share = worth[i].price > money ? money / worth[i].price : 1;
        outcomes += share * worth[i].chance;
        money -= worth[i].price;
    }
    mem_free(worth);
    *ret_outcomes = outcomes;
    return KAI_OK;
}
