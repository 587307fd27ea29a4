#include "decide/online.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bundle.h"
#include "base/bytes.h"
#include "base/caps.h"
#include "base/hash.h"

/* FTRL: z and the sum of squared gradients. ADAGRAD: the weight and the same sum. */
struct slot {
    float state, squares;
};

struct online {
    struct online_options options;
    struct slot *slot; /* owned; (2^bits) */
    uint32_t mask;
    struct online_progress sum; /* sums, not means */
};

static const uint32_t CONSTANT = 0x9e3779b9u;

void online_options_init(struct online_options *options) {
    *options = (struct online_options){
        .method = ONLINE_FTRL, .bits = 20, .rate = 0.1, .beta = 1, .l1 = 0, .l2 = 0};
}

uint32_t online_hash(uint32_t field, const void *bytes, size_t size) {
    return (uint32_t)hash_bytes(bytes, size, hash_mix(field));
}

static kai_status check_options(const struct online_options *o, kai_err *err) {
    const struct {
        int is_good;
        const char *what;
    } rules[] = {
        {(uint32_t)o->method < ONLINE_METHODS, "method"},
        {o->bits >= 8 && o->bits <= 30, "bits: expected 8 to 30"},
        {o->rate > 0 && o->rate <= 1e6, "rate: expected more than 0, at most 1e6"},
        {o->beta > 0 && o->beta <= 1e6, "beta: expected more than 0, at most 1e6"},
        {o->l1 >= 0 && o->l1 <= 1e9, "l1: expected 0 to 1e9"},
        {o->l2 >= 0 && o->l2 <= 1e9, "l2: expected 0 to 1e9"},
        {o->cross_count >= 0 && o->cross_count <= ONLINE_CROSSES_MAX, "crosses: at most 64"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].is_good) return err_set(err, KAI_INVALID, "online: %s", rules[i].what);
    for (int32_t i = 0; i < o->cross_count; i++)
        if (o->cross[i][0] < 0 || o->cross[i][1] < 0)
            return err_set(err, KAI_INVALID, "online: cross %d names no field", i);
    return KAI_OK;
}

kai_status online_new(const struct online_options *options, struct online **ret_online,
                      kai_err *err) {
    kai_status st = check_options(options, err);
    if (st) return st;
    size_t slots = (size_t)1 << options->bits;
    struct online *online = mem_zero(1, sizeof *online);
    struct slot *slot = mem_zero(slots, sizeof *slot);
    if (!online || !slot) {
        mem_free(online);
        mem_free(slot);
        return err_memory(err, (int64_t)(slots * sizeof *slot));
    }
    online->options = *options;
    online->slot = slot;
    online->mask = (uint32_t)(slots - 1);
    *ret_online = online;
    return KAI_OK;
}

void online_free(struct online *online) {
    if (!online) return;
    mem_free(online->slot);
    mem_free(online);
}

/* A row with its crosses and the constant, by slot. */
struct work {
    int32_t count;
    uint32_t slot[ONLINE_FEATURES_MAX];
    float value[ONLINE_FEATURES_MAX];
    float weight[ONLINE_FEATURES_MAX];
    float root[ONLINE_FEATURES_MAX]; /* of the sum of squares */
};

static void add(struct work *work, uint32_t slot, float value) {
    if (!isfinite(value)) return;
    work->slot[work->count] = slot;
    work->value[work->count++] = value;
}

static void collect(const struct online *online, const struct online_row *row, struct work *work) {
    const struct online_options *o = &online->options;
    work->count = 0;
    add(work, CONSTANT & online->mask, 1);
    for (int32_t i = 0; i < row->count; i++)
        add(work, row->feature[i] & online->mask, row->value ? row->value[i] : 1);
    for (int32_t c = 0; c < o->cross_count; c++) {
        int32_t a = o->cross[c][0], b = o->cross[c][1];
        if (a >= row->count || b >= row->count) continue;
        uint64_t both = ((uint64_t)row->feature[a] << 32 | row->feature[b]) + (uint64_t)c;
        add(work, (uint32_t)hash_mix(both) & online->mask,
            row->value ? row->value[a] * row->value[b] : 1);
    }
}

/* The weights of a row, and its logit. */
static double weigh(const struct online *online, struct work *work) {
    const struct online_options *o = &online->options;
    float beta = (float)o->beta, rate = (float)o->rate, l1 = (float)o->l1, l2 = (float)o->l2;
    for (int32_t i = 0; i < work->count; i++) {
        struct slot slot = online->slot[work->slot[i]];
        work->weight[i] = slot.state;
        work->root[i] = slot.squares;
    }
    for (int32_t i = 0; i < work->count; i++) work->root[i] = sqrtf(work->root[i]);
    if (o->method == ONLINE_FTRL)
        for (int32_t i = 0; i < work->count; i++) {
            float z = work->weight[i], shrunk = fabsf(z) - l1;
            float weight = shrunk / ((beta + work->root[i]) / rate + l2);
            work->weight[i] = shrunk <= 0 ? 0 : z > 0 ? -weight : weight;
        }
    double logit = 0;
    for (int32_t i = 0; i < work->count; i++) logit += work->weight[i] * work->value[i];
    return logit;
}

static double chance(double logit) {
    double bounded = fmin(fmax(logit, -35), 35);
    return 1 / (1 + exp(-bounded));
}

static int is_too_long(const struct online *online, const struct online_row *row) {
    return row->count < 0 || row->count + online->options.cross_count > ONLINE_FEATURES_MAX - 1;
}

double online_predict(const struct online *online, const struct online_row *row) {
    struct work work;
    if (is_too_long(online, row)) return 0.5;
    collect(online, row, &work);
    return chance(weigh(online, &work));
}

static void learn(struct online *online, const struct work *work, double miss) {
    const struct online_options *o = &online->options;
    float rate = (float)o->rate, beta = (float)o->beta, l2 = (float)o->l2;
    for (int32_t i = 0; i < work->count; i++) {
        struct slot *slot = &online->slot[work->slot[i]];
        float gradient = (float)miss * work->value[i];
        float root = sqrtf(slot->squares + gradient * gradient);
        if (o->method == ONLINE_FTRL)
            slot->state += gradient - (root - work->root[i]) / rate * work->weight[i];
        else
            slot->state -= rate * (gradient + l2 * work->weight[i]) / (beta + root);
        slot->squares += gradient * gradient;
    }
}

kai_status online_update(struct online *online, const struct online_row *row, double label,
                         double weight, double *ret_chance, kai_err *err) {
    if (!(label >= 0 && label <= 1) || !(weight >= 0) || !isfinite(weight))
        return err_set(err, KAI_INVALID, "online: a label of %g with weight %g", label, weight);
    if (is_too_long(online, row))
        return err_set(err, KAI_INVALID, "online: a row of %d features, at most %d", row->count,
                       ONLINE_FEATURES_MAX - 1 - online->options.cross_count);
    struct work work;
    collect(online, row, &work);
    double p = chance(weigh(online, &work));
    learn(online, &work, weight * (p - label));
    struct online_progress *sum = &online->sum;
    sum->examples++;
    sum->weight += weight;
    sum->logloss -= weight * (label > 0 ? label * log(p) : 0) +
                    weight * (label < 1 ? (1 - label) * log1p(-p) : 0);
    sum->positive += weight * label;
    sum->predicted += weight * p;
    if (ret_chance) *ret_chance = p;
    return KAI_OK;
}

void online_progress(const struct online *online, struct online_progress *ret_progress) {
    struct online_progress mean = online->sum;
    double weight = mean.weight > 0 ? mean.weight : 1;
    mean.logloss /= weight;
    mean.positive /= weight;
    mean.predicted /= weight;
    *ret_progress = mean;
}

int64_t online_used(const struct online *online) {
    int64_t used = 0;
    float l1 = online->options.method == ONLINE_FTRL ? (float)online->options.l1 : 0;
    for (size_t i = 0; i <= online->mask; i++) used += fabsf(online->slot[i].state) > l1;
    return used;
}

kai_status online_print(const struct online *online, struct buf *out, kai_err *err) {
    const struct online_options *o = &online->options;
    struct buf body;
    struct bytes_writer writer;
    buf_init(&body, (size_t)4 * CAPS_BUF_BYTES);
    bytes_write(&writer, &body);
    bytes_put_i32s(&writer, (const int32_t[]){(int32_t)o->method, o->bits, o->cross_count}, 3);
    bytes_put_f64s(&writer, (const double[]){o->rate, o->beta, o->l1, o->l2}, 4);
    bytes_put_i32s(&writer, &o->cross[0][0], 2 * (int64_t)o->cross_count);
    const struct online_progress *sum = &online->sum;
    bytes_put_i64(&writer, sum->examples);
    bytes_put_f64s(&writer,
                   (const double[]){sum->weight, sum->logloss, sum->positive, sum->predicted}, 4);
    for (size_t i = 0; i <= online->mask; i++)
        bytes_put_f32s(&writer, (const float[]){online->slot[i].state, online->slot[i].squares}, 2);
    kai_status st = bytes_written(&writer, err);
    if (!st)
        st = bundle_print(&(struct bundle_section){"online", body.data, body.size}, 1, out, err);
    buf_release(&body);
    return st;
}

static void get_options(struct bytes_reader *in, struct online_options *ret) {
    int32_t small[3] = {0};
    double numbers[4] = {0};
    bytes_get_i32s(in, small, 3);
    bytes_get_f64s(in, numbers, 4);
    *ret = (struct online_options){.bits = small[1],
                                   .rate = numbers[0],
                                   .beta = numbers[1],
                                   .l1 = numbers[2],
                                   .l2 = numbers[3]};
    if ((uint32_t)small[0] >= ONLINE_METHODS || small[2] < 0 || small[2] > ONLINE_CROSSES_MAX) {
        bytes_refuse(in);
        return;
    }
    ret->method = (enum online_method)small[0];
    ret->cross_count = small[2];
    bytes_get_i32s(in, &ret->cross[0][0], 2 * (int64_t)small[2]);
}

static void get_state(struct bytes_reader *in, struct online *online) {
    double sums[4] = {0};
    int64_t examples = bytes_get_i64(in);
    bytes_get_f64s(in, sums, 4);
    online->sum = (struct online_progress){examples, sums[0], sums[1], sums[2], sums[3]};
    int is_good = examples >= 0;
    for (int i = 0; i < 4; i++) is_good = is_good && isfinite(sums[i]);
    for (size_t i = 0; i <= online->mask && !in->is_short; i++) {
        float pair[2] = {0};
        bytes_get_f32s(in, pair, 2);
        online->slot[i] = (struct slot){pair[0], pair[1]};
        is_good = is_good && isfinite(pair[0]) && isfinite(pair[1]) && pair[1] >= 0;
    }
    if (!is_good || in->at != in->size) bytes_refuse(in);
}

kai_status online_parse(const void *bytes, size_t size, struct online **ret_online, kai_err *err) {
    struct bundle_section sections[BUNDLE_SECTIONS_MAX];
    char names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES];
    int32_t count = 0;
    kai_status st = bundle_parse("online", bytes, size, sections, names, &count, err);
    if (st) return st;
    const struct bundle_section *section = bundle_find(sections, count, "online");
    if (!section) return err_set(err, KAI_CORRUPT, "online: no such section");
    struct bytes_reader reader;
    struct online_options options;
    struct online *online = NULL;
    bytes_read(&reader, section->data, section->size, "online");
    get_options(&reader, &options);
    st = bytes_done(&reader, err);
    if (!st && (options.bits < 8 || options.bits > 30 || /* before memory is taken for it */
                (reader.size - reader.at) / sizeof(struct slot) < (size_t)1 << options.bits))
        st = err_set(err, KAI_CORRUPT, "online: cut short");
    if (!st && online_new(&options, &online, NULL) == KAI_INVALID)
        st = err_set(err, KAI_CORRUPT, "online: options that cannot be");
    if (!st && !online) st = err_memory(err, (int64_t)sizeof(struct slot) << options.bits);
    if (st) return st;
    get_state(&reader, online);
    st = bytes_done(&reader, err);
    if (st) {
        online_free(online);
        return st;
    }
    *ret_online = online;
    return KAI_OK;
}
