#include "prepare/label.h"

#include <math.h>
#include <string.h>

#include "base/instant.h"

struct reader {
    struct slice text;
    size_t at;
    kai_err *err;
};

static kai_status fail(const struct reader *reader, const char *expected) {
    return err_set(reader->err, KAI_INVALID,
                   "label, column %zu: expected %s, as in \"churn: no order in 60 days after 30 "
                   "active\"",
                   reader->at + 1, expected);
}

static void skip_blanks(struct reader *reader) {
    while (reader->at < reader->text.size &&
           (reader->text.data[reader->at] == ' ' || reader->text.data[reader->at] == '\t'))
        reader->at++;
}

/* The next word, up to a blank or a colon, or a text in quotes; empty at the end. */
static struct slice next_word(struct reader *reader) {
    skip_blanks(reader);
    const char *data = reader->text.data;
    size_t start = reader->at, size = reader->text.size;
    char quote = start < size && (data[start] == '"' || data[start] == '\'') ? data[start] : '\0';
    size_t end = start + (quote != '\0');
    while (end < size &&
           (quote ? data[end] != quote : data[end] != ' ' && data[end] != '\t' && data[end] != ':'))
        end++;
    struct slice word = {data + start + (quote != '\0'), end - start - (quote != '\0')};
    reader->at = end + (quote && end < size);
    return word;
}

/* Take the word if it is the next one. */
static int take(struct reader *reader, const char *word) {
    size_t at = reader->at;
    if (slice_equal_text(next_word(reader), word)) return 1;
    reader->at = at;
    return 0;
}

static kai_status copy_name(const struct reader *reader, struct slice word, const char *what,
                            char ret_name[LABEL_NAME_BYTES]) {
    if (!word.size || word.size >= LABEL_NAME_BYTES || memchr(word.data, '\0', word.size))
        return fail(reader, what);
    memcpy(ret_name, word.data, word.size);
    ret_name[word.size] = '\0';
    return KAI_OK;
}

static kai_status read_number(struct reader *reader, double *ret_number) {
    size_t at = reader->at;
    double number = 0;
    if (!text_parse_f64(next_word(reader), &number) || !(number > 0) || number > 36500) {
        reader->at = at;
        skip_blanks(reader);
        return fail(reader, "a number above 0");
    }
    *ret_number = number;
    return KAI_OK;
}

/* N days, hours or minutes */
static kai_status read_span(struct reader *reader, int64_t *ret_us) {
    static const struct {
        const char *word;
        int64_t us;
    } UNITS[] = {{"days", INSTANT_DAY_US},           {"day", INSTANT_DAY_US},
                 {"hours", INSTANT_DAY_US / 24},     {"hour", INSTANT_DAY_US / 24},
                 {"minutes", INSTANT_DAY_US / 1440}, {"minute", INSTANT_DAY_US / 1440}};
    double number = 0;
    kai_status st = read_number(reader, &number);
    for (size_t i = 0; !st && i < sizeof UNITS / sizeof *UNITS; i++) {
        if (!take(reader, UNITS[i].word)) continue;
        *ret_us = (int64_t)(number * (double)UNITS[i].us);
        return KAI_OK;
    }
    return st ? st : fail(reader, "days, hours or minutes");
}

/* [no] TYPE | count TYPE | money */
static kai_status read_what(struct reader *reader, struct label *label) {
    size_t at = reader->at;
    struct slice word = next_word(reader);
    int is_type = 1;
    label->kind = LABEL_HAPPENS;
    if (slice_equal_text(word, "no"))
        label->kind = LABEL_HAPPENS_NOT;
    else if (slice_equal_text(word, "count"))
        label->kind = LABEL_COUNT;
    else if (slice_equal_text(word, "money"))
        label->kind = LABEL_MONEY, is_type = 0;
    else
        reader->at = at;
    if (!is_type) return KAI_OK;
    skip_blanks(reader);
    return copy_name(reader, next_word(reader), "a type of events", label->type);
}

/* after N [days] active */
static kai_status read_active(struct reader *reader, struct label *label) {
    double days = 0;
    if (!take(reader, "after")) return KAI_OK;
    kai_status st = read_number(reader, &days);
    if (st) return st;
    (void)take(reader, "days"); /* may be said */
    if (!take(reader, "active")) return fail(reader, "'active'");
    label->active_us = (int64_t)(days * (double)INSTANT_DAY_US);
    return KAI_OK;
}

kai_status label_parse(struct slice text, struct label *ret_label, kai_err *err) {
    struct reader reader = {text, 0, err};
    struct label label = {0};
    kai_status st = copy_name(&reader, next_word(&reader), "a name", label.name);
    if (!st && (reader.at >= text.size || text.data[reader.at] != ':'))
        st = fail(&reader, "':' behind the name");
    reader.at++;
    if (!st) st = read_what(&reader, &label);
    if (!st && !take(&reader, "in")) st = fail(&reader, "'in'");
    if (!st) st = read_span(&reader, &label.window_us);
    if (!st) st = read_active(&reader, &label);
    skip_blanks(&reader);
    if (!st && reader.at < text.size) st = fail(&reader, "the end");
    if (!st) *ret_label = label;
    return st;
}

int label_is_row(const struct label *label, const struct touch *touches, int64_t count,
                 int64_t at_us) {
    int64_t before = touch_before(touches, count, at_us);
    if (!before) return 0;
    return !label->active_us || touches[before - 1].time_us >= at_us - label->active_us;
}

int label_is_known(const struct label *label, int64_t at_us, int64_t observed_until_us) {
    return at_us + label->window_us <= observed_until_us;
}

double label_value(const struct label *label, const struct touch_book *book,
                   const struct touch *touches, int64_t count, int64_t at_us) {
    int32_t type = dict_find(&book->types, slice_of(label->type));
    double times = 0, money = 0;
    for (int64_t i = touch_before(touches, count, at_us);
         i < count && touches[i].time_us < at_us + label->window_us; i++) {
        double value = isnan(touches[i].value) ? 0 : touches[i].value;
        times += touches[i].type == type;
        if (touches[i].type == book->order) money += value;
        if (touches[i].type == book->refund) money -= fabs(value);
    }
    switch (label->kind) {
    case LABEL_HAPPENS: return times > 0;
    case LABEL_HAPPENS_NOT: return times == 0;
    case LABEL_COUNT: return times;
    default: return money;
    }
}
