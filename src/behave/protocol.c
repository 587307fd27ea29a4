#include "behave/protocol.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define TEST_SHARE_DEFAULT 0.1
enum { EVENTS_MIN = 3 };

const char *protocol_text(enum protocol_kind kind) {
    static const char *const TEXTS[] = {"leave-one-out", "time-split", "given"};
    return TEXTS[kind];
}

/* One question before it is laid out: events [begin, end) are shown, event `end` is the answer. */
struct question {
    int64_t begin, end;
    int64_t customer;
    int64_t time;
};

static int compare_questions(const void *a, const void *b) {
    const struct question *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->customer < y->customer ? -1 : x->customer > y->customer;
}

static int compare_times(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The moment before which `share` of the events lies not. */
static kai_status find_split(const struct histories *all, double share, int64_t *ret_split,
                             kai_err *err) {
    int64_t events = all->offsets[all->count], known = 0;
    int64_t *times = mem_array((size_t)events, sizeof *times);
    if (!times) return err_memory(err, events * (int64_t)sizeof *times);
    for (int64_t e = 0; e < events; e++)
        if (all->times[e] != BEHAVE_TIME_UNKNOWN) times[known++] = all->times[e];
    qsort(times, (size_t)known, sizeof *times, compare_times);
    int64_t tested = (int64_t)(share * (double)events + 0.5);
    if (tested < 1) tested = 1;
    int is_enough = known >= tested;
    if (is_enough) *ret_split = times[known - tested];
    mem_free(times);
    if (is_enough) return KAI_OK;
    return err_set(err, KAI_INVALID,
                   "time-split: %lld of %lld events have a time, the latest %g of them cannot be "
                   "told",
                   (long long)known, (long long)events, share);
}

/* Events of customer c that training may see, and the index of the answer, or -1. */
static int64_t cut(struct protocol *protocol, const struct histories *all, int64_t c,
                   int64_t *ret_end) {
    int64_t begin = all->offsets[c], end = all->offsets[c + 1];
    *ret_end = end;
    if (protocol->kind == PROTOCOL_LEAVE_ONE_OUT) {
        if (end - begin < EVENTS_MIN) {
            protocol->customers_short += end > begin;
            return -1;
        }
        *ret_end = end - 1;
        return end - 1;
    }
    KAI_ASSERT(all->times);
    int64_t first = begin;
    while (first < end && all->times[first] < protocol->split_time) first++;
    *ret_end = first;
    protocol->customers_new += first == begin && first < end;
    return first > begin && first < end ? first : -1;
}

static void copy_events(struct histories *to, int64_t at, const struct histories *from,
                        int64_t begin, int64_t count) {
    if (count == 0) return;
    KAI_ASSERT(!to->times || from->times);
    memcpy(to->items + at, from->items + begin, (size_t)count * sizeof *to->items);
    if (to->times) memcpy(to->times + at, from->times + begin, (size_t)count * sizeof *to->times);
}

/* Lay out what may be learned from, and collect the questions. */
static kai_status cut_all(struct protocol *protocol, const struct histories *all,
                          struct question *questions, int64_t *ret_count, kai_err *err) {
    int64_t events = all->offsets[all->count], count = 0;
    protocol->has_validation = protocol->kind == PROTOCOL_LEAVE_ONE_OUT;
    kai_status st = histories_init(&protocol->train, all->count, events, all->times != NULL, err);
    if (!st && protocol->has_validation)
        st = histories_init(&protocol->fit, all->count, events, all->times != NULL, err);
    for (int64_t c = 0; !st && c < all->count; c++) {
        int64_t begin = all->offsets[c], end = 0;
        int64_t answer = cut(protocol, all, c, &end), at = protocol->train.offsets[c];
        copy_events(&protocol->train, at, all, begin, end - begin);
        protocol->train.offsets[c + 1] = at + end - begin;
        if (protocol->has_validation) {
            int64_t shorter = end - begin - (answer >= 0), to = protocol->fit.offsets[c];
            copy_events(&protocol->fit, to, all, begin, shorter);
            protocol->fit.offsets[c + 1] = to + shorter;
        }
        if (answer >= 0)
            questions[count++] =
                (struct question){begin, answer, c, all->times ? all->times[answer] : 0};
    }
    *ret_count = count;
    return st;
}

static void thin_out(struct question *questions, int64_t *count, int64_t max) {
    if (max <= 0 || *count <= max) return;
    for (int64_t i = 0; i < max; i++) questions[i] = questions[i * *count / max];
    *count = max;
}

static kai_status ask(struct protocol *protocol, const struct histories *all,
                      const struct question *questions, int64_t count, kai_err *err) {
    int64_t shown = 0;
    for (int64_t q = 0; q < count; q++) shown += questions[q].end - questions[q].begin;
    kai_status st = histories_init(&protocol->asked, count, shown, all->times != NULL, err);
    if (st) return st;
    protocol->targets = mem_array((size_t)count, sizeof *protocol->targets);
    protocol->customers = mem_array((size_t)count, sizeof *protocol->customers);
    if (all->times)
        protocol->target_times = mem_array((size_t)count, sizeof *protocol->target_times);
    if (!protocol->targets || !protocol->customers || (all->times && !protocol->target_times))
        return err_memory(err, count * 20);
    for (int64_t q = 0; q < count; q++) {
        int64_t length = questions[q].end - questions[q].begin, at = protocol->asked.offsets[q];
        copy_events(&protocol->asked, at, all, questions[q].begin, length);
        protocol->asked.offsets[q + 1] = at + length;
        protocol->targets[q] = all->items[questions[q].end];
        protocol->customers[q] = questions[q].customer;
        if (all->times) protocol->target_times[q] = questions[q].time;
    }
    return KAI_OK;
}

/* What a reader must know about the questions: answers that were seen, and that nobody has. */
static kai_status count_targets(struct protocol *protocol, kai_err *err) {
    uint8_t *is_known = mem_zero((size_t)protocol->item_count, 1);
    if (!is_known) return err_memory(err, protocol->item_count);
    struct behave_sequences fit = protocol_fit(protocol);
    for (int64_t e = 0; e < fit.offsets[fit.sequence_count]; e++) is_known[fit.items[e]] = 1;
    for (int64_t q = 0; q < protocol->asked.count; q++) {
        int is_seen = 0;
        for (int64_t e = protocol->asked.offsets[q]; e < protocol->asked.offsets[q + 1]; e++)
            is_seen = is_seen || protocol->asked.items[e] == protocol->targets[q];
        protocol->targets_seen += is_seen;
        protocol->targets_unknown += !is_known[protocol->targets[q]];
    }
    mem_free(is_known);
    return KAI_OK;
}

static kai_status nobody(const struct protocol *protocol, kai_err *err) {
    if (protocol->kind == PROTOCOL_LEAVE_ONE_OUT)
        return err_set(err, KAI_INVALID,
                       "leave-one-out: no customer has %d events, so nobody can be asked",
                       EVENTS_MIN);
    return err_set(err, KAI_INVALID, "time-split: nobody acts both before and after the moment");
}

kai_status protocol_init(struct protocol *ret_protocol, const struct interactions *interactions,
                         const struct protocol_options *options, kai_err *err) {
    const struct histories *all = &interactions->histories;
    struct protocol made = {.kind = options->kind,
                            .item_count = interactions->item_count,
                            .split_time = options->split_time};
    double share = options->test_share > 0 ? options->test_share : TEST_SHARE_DEFAULT;
    int64_t count = 0;
    kai_status st = KAI_OK;
    KAI_ASSERT(options->kind != PROTOCOL_GIVEN);
    if (options->kind == PROTOCOL_TIME_SPLIT && !all->times)
        return err_set(err, KAI_INVALID, "time-split: the events have no times");
    if (options->kind == PROTOCOL_TIME_SPLIT && options->split_time == BEHAVE_TIME_UNKNOWN)
        st = find_split(all, share, &made.split_time, err);
    struct question *questions = mem_array((size_t)all->count, sizeof *questions);
    if (!st && !questions) st = err_memory(err, all->count * (int64_t)sizeof *questions);
    if (!st) st = cut_all(&made, all, questions, &count, err);
    if (!st && count == 0) st = nobody(&made, err);
    if (!st) {
        thin_out(questions, &count, options->questions_max);
        if (all->times) qsort(questions, (size_t)count, sizeof *questions, compare_questions);
        st = ask(&made, all, questions, count, err);
    }
    if (!st) st = count_targets(&made, err);
    mem_free(questions);
    if (st)
        protocol_release(&made);
    else
        *ret_protocol = made;
    return st;
}

static kai_status copy_histories(struct histories *to, const struct histories *from, kai_err *err) {
    int64_t events = from->offsets[from->count];
    kai_status st = histories_init(to, from->count, events, from->times != NULL, err);
    if (st) return st;
    memcpy(to->offsets, from->offsets, ((size_t)from->count + 1) * sizeof *to->offsets);
    copy_events(to, 0, from, 0, events);
    return KAI_OK;
}

kai_status protocol_init_given(struct protocol *ret_protocol,
                               const struct interactions *interactions,
                               const struct protocol_questions *questions, kai_err *err) {
    struct protocol made = {.kind = PROTOCOL_GIVEN, .item_count = questions->item_count};
    int64_t count = 0, at = 0, q = 0;
    for (int64_t row = 0; row < questions->rows; row++) count += questions->is_target[row] != 0;
    if (count == 0) return err_set(err, KAI_INVALID, "given: no question in the file");
    kai_status st = copy_histories(&made.train, &interactions->histories, err);
    if (!st) st = histories_init(&made.asked, count, questions->rows - count, 0, err);
    made.targets = mem_array((size_t)count, sizeof *made.targets);
    made.customers = mem_array((size_t)count, sizeof *made.customers);
    if (!st && (!made.targets || !made.customers)) st = err_memory(err, count * 12);
    for (int64_t row = 0; !st && row < questions->rows; row++) {
        if (!questions->is_target[row]) {
            made.asked.items[at++] = questions->items[row];
            continue;
        }
        made.targets[q] = questions->items[row];
        made.customers[q++] = questions->cases[row];
        made.asked.offsets[q] = at;
    }
    if (!st) st = count_targets(&made, err);
    if (st)
        protocol_release(&made);
    else
        *ret_protocol = made;
    return st;
}

void protocol_release(struct protocol *protocol) {
    histories_release(&protocol->train);
    histories_release(&protocol->fit);
    histories_release(&protocol->asked);
    mem_free(protocol->targets);
    mem_free(protocol->target_times);
    mem_free(protocol->customers);
    *protocol = (struct protocol){0};
}

struct behave_sequences protocol_fit(const struct protocol *protocol) {
    return histories_view(protocol->has_validation ? &protocol->fit : &protocol->train);
}
