/* Reads the truth of a campaign back, and judges plans by it. Both files are CSV without embedded
 * line breaks: the truth is our own, and in a plan only the reasons may be quoted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "simulate/simulate.h"

enum { CHUNK_BYTES = 1 << 20, FIELDS_MAX = 2 * SIMULATE_OFFERS_MAX + 16 };

/* ---- lines and fields ---- */

struct lines {
    struct file_reader *file; /* owned */
    char *bytes;              /* owned; CHUNK_BYTES */
    size_t size, at;
    int64_t line; /* of the last line given, from 1 */
    int is_done;
};

static kai_status lines_open(struct lines *lines, const char *path, kai_err *err) {
    memset(lines, 0, sizeof *lines);
    lines->bytes = mem_alloc(CHUNK_BYTES);
    if (!lines->bytes) return err_memory(err, CHUNK_BYTES);
    return file_open(path, &lines->file, err);
}

static void lines_close(struct lines *lines) {
    if (lines->file) file_close(lines->file);
    mem_free(lines->bytes);
}

/* Keep what was not read, and fill the rest of the buffer. */
static kai_status lines_fill(struct lines *lines, kai_err *err) {
    size_t kept = lines->size - lines->at, got = 0;
    memmove(lines->bytes, lines->bytes + lines->at, kept);
    lines->at = 0;
    lines->size = kept;
    if (kept == CHUNK_BYTES)
        return err_set(err, KAI_LIMIT, "line %lld is longer than %d bytes",
                       (long long)lines->line + 1, CHUNK_BYTES);
    kai_status st = file_read(lines->file, lines->bytes + kept, CHUNK_BYTES - kept, &got, err);
    if (st) return st;
    lines->size += got;
    lines->is_done = got == 0;
    return KAI_OK;
}

/* The next line without its end; *ret_more is 0 where there is none. */
static kai_status lines_next(struct lines *lines, struct slice *ret_line, int *ret_more,
                             kai_err *err) {
    for (;;) {
        char *first = lines->bytes + lines->at;
        size_t left = lines->size - lines->at;
        char *end = memchr(first, '\n', left);
        if (!end && !lines->is_done) {
            kai_status st = lines_fill(lines, err);
            if (st) return st;
            continue;
        }
        *ret_more = left > 0;
        size_t n = end ? (size_t)(end - first) : left;
        lines->at += end ? n + 1 : n;
        if (n > 0 && first[n - 1] == '\r') n--;
        *ret_line = (struct slice){first, n};
        lines->line++;
        return KAI_OK;
    }
}

/* Cut a line at its commas, minding quotes; quotes around a field are taken off. Returns the
 * number of fields, at most FIELDS_MAX. */
static int cut_fields(struct slice line, struct slice ret_fields[FIELDS_MAX]) {
    int count = 0;
    size_t at = 0;
    while (count < FIELDS_MAX) {
        size_t first = at;
        int is_quoted = 0;
        for (; at < line.size && (is_quoted || line.data[at] != ','); at++)
            if (line.data[at] == '"') is_quoted = !is_quoted;
        struct slice field = {line.data + first, at - first};
        if (field.size >= 2 && field.data[0] == '"' && field.data[field.size - 1] == '"') {
            field.data++;
            field.size -= 2;
        }
        ret_fields[count++] = field;
        if (at >= line.size) break;
        at++;
    }
    return count;
}

static int find_field(const struct slice *fields, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (slice_equal_text(fields[i], name)) return i;
    return -1;
}

/* ---- truth ---- */

void simulate_truth_free(struct simulate_truth *truth) {
    if (!truth) return;
    mem_free(truth->factor);
    mem_free(truth->mu);
    mem_free(truth->value);
    mem_free(truth);
}

static int copy_name(char name[SIMULATE_NAME_BYTES], const char *text) {
    if (!text || strlen(text) >= SIMULATE_NAME_BYTES) return 0;
    memcpy(name, text, strlen(text) + 1);
    return 1;
}

static kai_status read_summary(struct simulate_truth *truth, const char *path, kai_err *err) {
    struct buf text;
    struct json_value *json = NULL;
    buf_init(&text, CAPS_TEXT_FILE_BYTES);
    kai_status st = file_read_all(path, CAPS_TEXT_FILE_BYTES, &text, err);
    if (!st) st = json_parse(text.data ? text.data : "", text.size, &json, err);
    if (!st) {
        const struct json_value *arms = json_get(json, "arms");
        double customers = json_as_f64(json_get(json, "customers"), 0);
        int64_t count = json_count(arms);
        int is_right = customers >= 1 && customers <= SIMULATE_CUSTOMERS_MAX && count >= 2 &&
                       count <= SIMULATE_OFFERS_MAX + 1;
        truth->margin = json_as_f64(json_get(json, "margin"), 1);
        truth->customers = is_right ? (int64_t)customers : 0;
        truth->offers = is_right ? (int32_t)count - 1 : 0;
        for (int32_t k = 0; k < truth->offers; k++) {
            const struct json_value *arm = json_at(arms, k + 1);
            is_right &= copy_name(truth->name[k], json_as_text(json_get(arm, "name"), NULL));
            is_right &= copy_name(truth->channel[k], json_as_text(json_get(arm, "channel"), NULL));
            truth->cost[k] = json_as_f64(json_get(arm, "cost"), 0);
        }
        if (!is_right) st = err_set(err, KAI_CORRUPT, "'%s': not a simulation's summary", path);
    }
    json_free(json);
    buf_release(&text);
    return st;
}

static kai_status read_row(struct simulate_truth *truth, int64_t row, struct slice line) {
    struct slice fields[FIELDS_MAX];
    int32_t offers = truth->offers;
    int64_t customer = 0;
    if (cut_fields(line, fields) != 2 * offers + 3 || !text_parse_i64(fields[0], &customer) ||
        customer != row + 1 || !text_parse_f64(fields[1], &truth->factor[row]))
        return KAI_CORRUPT;
    for (int32_t a = 0; a <= offers; a++)
        if (!text_parse_f64(fields[2 + a], &truth->mu[row * (offers + 1) + a])) return KAI_CORRUPT;
    for (int32_t k = 0; k < offers; k++)
        if (!text_parse_f64(fields[3 + offers + k], &truth->value[row * offers + k]))
            return KAI_CORRUPT;
    return KAI_OK;
}

static kai_status read_effects(struct simulate_truth *truth, const char *path, kai_err *err) {
    struct lines lines;
    struct slice line;
    int more = 0;
    kai_status st = lines_open(&lines, path, err);
    if (!st) st = lines_next(&lines, &line, &more, err); /* the header */
    for (int64_t row = 0; !st && row < truth->customers; row++) {
        st = lines_next(&lines, &line, &more, err);
        if (!st && (!more || read_row(truth, row, line)))
            st = err_set(err, KAI_CORRUPT, "'%s' line %lld: not the truth of customer %lld", path,
                         (long long)lines.line, (long long)row + 1);
    }
    lines_close(&lines);
    return st;
}

kai_status simulate_truth_read(const char *dir, struct simulate_truth **ret_truth, kai_err *err) {
    struct buf summary, effects;
    buf_init(&summary, 1 << 16);
    buf_init(&effects, 1 << 16);
    kai_status st = KAI_OK;
    struct simulate_truth *truth = mem_zero(1, sizeof *truth);
    if (!truth) st = err_memory(err, sizeof *truth);
    if (!st) st = buf_printf(&summary, err, "%s/truth/summary.json", dir);
    if (!st) st = buf_printf(&effects, err, "%s/truth/effects.csv", dir);
    if (!st) st = read_summary(truth, summary.data, err);
    if (!st) {
        size_t rows = (size_t)truth->customers, offers = (size_t)truth->offers;
        truth->factor = mem_array(rows, sizeof *truth->factor);
        truth->mu = mem_array(rows * (offers + 1), sizeof *truth->mu);
        truth->value = mem_array(rows * offers, sizeof *truth->value);
        if (!truth->factor || !truth->mu || !truth->value)
            st = err_memory(err, (int64_t)(rows * (2 * offers + 2) * sizeof(double)));
    }
    if (!st) st = read_effects(truth, effects.data, err);
    if (!st)
        *ret_truth = truth;
    else
        simulate_truth_free(truth);
    buf_release(&summary);
    buf_release(&effects);
    return st;
}

/* ---- plans ---- */

static void treat(const struct simulate_truth *truth, int64_t customer, int32_t offer,
                  struct simulate_profit *profit) {
    profit->treated++;
    profit->value += truth->value[customer * truth->offers + offer];
    profit->cost += truth->cost[offer];
    profit->profit = profit->value - profit->cost;
}

void simulate_truth_profit(const struct simulate_truth *truth, const int32_t *offer,
                           struct simulate_profit *ret_profit) {
    struct simulate_profit profit = {0};
    for (int64_t i = 0; i < truth->customers; i++)
        if (offer[i] > 0 && offer[i] <= truth->offers) treat(truth, i, offer[i] - 1, &profit);
    *ret_profit = profit;
}

struct plan_columns {
    int customer, offer, hold_out;
};

static kai_status add_plan_row(const struct simulate_truth *truth, const struct slice *fields,
                               int count, const struct plan_columns *columns, uint8_t *held_out,
                               struct simulate_profit *profit) {
    int64_t customer = 0, held = 0;
    if (columns->customer >= count || columns->offer >= count || columns->hold_out >= count)
        return KAI_INVALID;
    if (!text_parse_i64(fields[columns->customer], &customer) || customer < 1 ||
        customer > truth->customers)
        return KAI_INVALID;
    if (columns->hold_out >= 0 && !text_parse_i64(fields[columns->hold_out], &held))
        return KAI_INVALID;
    if (held_out && held == 1) held_out[customer - 1] = 1;
    if (fields[columns->offer].size == 0) return KAI_OK;
    for (int32_t k = 0; k < truth->offers; k++)
        if (slice_equal_text(fields[columns->offer], truth->name[k])) {
            if (held != 1) treat(truth, customer - 1, k, profit);
            return KAI_OK;
        }
    return KAI_INVALID;
}

kai_status simulate_plan_profit(const struct simulate_truth *truth, const char *plan_path,
                                uint8_t *ret_held_out, struct simulate_profit *ret_profit,
                                kai_err *err) {
    struct simulate_profit profit = {0};
    struct plan_columns columns = {-1, -1, -1};
    struct lines lines;
    struct slice line, fields[FIELDS_MAX];
    int more = 0;
    if (ret_held_out) memset(ret_held_out, 0, (size_t)truth->customers);
    kai_status st = lines_open(&lines, plan_path, err);
    if (!st) st = lines_next(&lines, &line, &more, err);
    if (!st) {
        int count = cut_fields(line, fields);
        columns.customer = find_field(fields, count, "customer");
        columns.offer = find_field(fields, count, "offer");
        columns.hold_out = find_field(fields, count, "hold_out");
        if (columns.customer < 0 || columns.offer < 0)
            st = err_set(err, KAI_INVALID, "'%s': no columns 'customer' and 'offer'", plan_path);
    }
    while (!st) {
        st = lines_next(&lines, &line, &more, err);
        if (st || !more) break;
        int count = cut_fields(line, fields);
        if (add_plan_row(truth, fields, count, &columns, ret_held_out, &profit))
            st = err_set(err, KAI_INVALID, "'%s' line %lld: not a row of this simulation's plan",
                         plan_path, (long long)lines.line);
    }
    lines_close(&lines);
    if (!st) *ret_profit = profit;
    return st;
}
