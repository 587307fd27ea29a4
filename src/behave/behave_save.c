/* The saved model: docs/formats/behaviour-model.md. */
#include "behave/behave_save.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/caps.h"

static void put_options(const struct behave_options *o, struct bytes_writer *writer) {
    const int32_t numbers[] = {
        (int32_t)o->size,      o->item_count,           o->width,  o->blocks,          o->heads,
        (int32_t)o->attention, o->feed_forward,         o->length, o->batch_sequences, o->epochs,
        o->patience,           o->validation_customers, o->times};
    const double reals[] = {o->learning_rate, o->warmup_share, o->weight_decay, o->dropout,
                            o->temperature,   o->clip_norm,    o->minutes};
    bytes_put_i32s(writer, numbers, (int64_t)(sizeof numbers / sizeof *numbers));
    bytes_put_f64s(writer, reals, (int64_t)(sizeof reals / sizeof *reals));
    bytes_put_i64(writer, o->tokens);
}

/* Zero would mean the default; a stored "none" goes through behave_resolve as a negative. */
static double none(double value) { return value > 0 ? value : -1; }

static void get_options(struct bytes_reader *reader, struct behave_options *o) {
    int32_t numbers[13] = {0};
    double reals[7] = {0};
    bytes_get_i32s(reader, numbers, 13);
    bytes_get_f64s(reader, reals, 7);
    if (numbers[0] < 1 || numbers[0] > BEHAVE_LARGE || numbers[5] < 1 ||
        numbers[5] > BEHAVE_POINTWISE || (numbers[12] != 1 && numbers[12] != -1))
        bytes_refuse(reader);
    *o = (struct behave_options){.size = (enum behave_size)(numbers[0] & 3),
                                 .item_count = numbers[1],
                                 .width = numbers[2],
                                 .blocks = numbers[3],
                                 .heads = numbers[4],
                                 .attention = (enum behave_attention)(numbers[5] & 3),
                                 .feed_forward = numbers[6],
                                 .length = numbers[7],
                                 .batch_sequences = numbers[8],
                                 .epochs = numbers[9],
                                 .patience = numbers[10],
                                 .validation_customers = numbers[11],
                                 .times = numbers[12],
                                 .learning_rate = reals[0],
                                 .warmup_share = none(reals[1]),
                                 .weight_decay = none(reals[2]),
                                 .dropout = none(reals[3]),
                                 .temperature = reals[4],
                                 .clip_norm = none(reals[5]),
                                 .minutes = reals[6],
                                 .tokens = bytes_get_i64(reader)};
    for (int i = 0; i < 7; i++)
        if (!isfinite(reals[i])) bytes_refuse(reader);
}

kai_status behave_save_head(const struct behave *model, struct buf *out, kai_err *err) {
    struct bytes_writer writer;
    bytes_write(&writer, out);
    bytes_put_i32(&writer, BEHAVE_VERSION);
    put_options(&model->options, &writer);
    bytes_put_i64(&writer, (int64_t)model->seed);
    bytes_put_i32(&writer, model->epochs_run);
    bytes_put_i32(&writer, model->epoch_best);
    bytes_put_i64(&writer, model->events);
    bytes_put_i64(&writer, model->steps);
    for (int64_t i = 0; i < model->shape.items; i++) bytes_put_i64(&writer, model->counts[i]);
    for (int32_t e = 0; e < model->epochs_run; e++) {
        bytes_put_f64(&writer, model->curve[e].loss);
        bytes_put_f64(&writer, model->curve[e].ndcg);
        bytes_put_f64(&writer, model->curve[e].hits);
    }
    return bytes_written(&writer, err);
}

kai_status behave_save(const struct behave *model, struct buf *out, kai_err *err) {
    struct buf head;
    buf_init(&head, CAPS_BUF_BYTES);
    kai_status st = behave_save_head(model, &head, err);
    const struct bundle_section sections[BEHAVE_SECTIONS] = {
        {"behave", head.data, head.size},
        {"parameters", model->parameters, (size_t)model->shape.parameters * sizeof(float)}};
    if (!st) st = bundle_print(sections, BEHAVE_SECTIONS, out, err);
    buf_release(&head);
    return st;
}

kai_status behave_load_floats(const char *name, const struct bundle_section *sections,
                              int32_t count, const char *section, int64_t float_count,
                              float *values, kai_err *err) {
    const struct bundle_section *found = bundle_find(sections, count, section);
    if (!found || found->size != (size_t)float_count * sizeof *values)
        return err_set(err, KAI_CORRUPT, "%s: section '%s' is missing or of another size", name,
                       section);
    memcpy(values, found->data, found->size);
    for (int64_t i = 0; i < float_count; i++)
        if (!isfinite(values[i]))
            return err_set(err, KAI_CORRUPT, "%s: section '%s': value %lld is not a number", name,
                           section, (long long)i);
    return KAI_OK;
}

/* What follows the settings, once the model has its memory. */
static void get_training(struct bytes_reader *reader, struct behave *model) {
    model->epochs_run = bytes_get_i32(reader);
    model->epoch_best = bytes_get_i32(reader);
    model->events = bytes_get_i64(reader);
    model->steps = bytes_get_i64(reader);
    if (model->epochs_run < 0 || model->epochs_run > model->options.epochs ||
        model->epoch_best < 0 || model->epoch_best > model->epochs_run || model->events < 0 ||
        model->steps < 0)
        bytes_refuse(reader);
    for (int64_t i = 0; !reader->is_short && i < model->shape.items; i++) {
        model->counts[i] = bytes_get_i64(reader);
        if (model->counts[i] < 0) bytes_refuse(reader);
    }
    for (int32_t e = 0; !reader->is_short && e < model->epochs_run; e++) {
        model->curve[e].loss = bytes_get_f64(reader);
        model->curve[e].ndcg = bytes_get_f64(reader);
        model->curve[e].hits = bytes_get_f64(reader);
    }
    if (reader->at != reader->size) bytes_refuse(reader);
}

kai_status behave_load_sections(const char *name, const struct bundle_section *sections,
                                int32_t count, struct behave **ret_model, kai_err *err) {
    const struct bundle_section *head = bundle_find(sections, count, "behave");
    const struct bundle_section *body = bundle_find(sections, count, "parameters");
    if (!head || !body)
        return err_set(err, KAI_CORRUPT, "%s: not a behaviour model: a section is missing", name);
    struct bytes_reader reader;
    bytes_read(&reader, head->data, head->size, "behaviour model");
    int32_t version = bytes_get_i32(&reader);
    if (version != BEHAVE_VERSION)
        return err_set(err, KAI_UNSUPPORTED, "%s: behaviour model of version %d, this reads %d",
                       name, version, BEHAVE_VERSION);
    struct behave_options stored, options;
    get_options(&reader, &stored);
    uint64_t seed = (uint64_t)bytes_get_i64(&reader);
    kai_status st = bytes_done(&reader, err);
    if (!st && behave_resolve(&stored, &options, err))
        st = err_set(err, KAI_CORRUPT, "%s: damaged settings", name);
    if (st) return st;
    struct behave_shape shape = behave_shape_of(&options);
    if (body->size != (size_t)shape.parameters * sizeof(float))
        return err_set(err, KAI_CORRUPT, "%s: section 'parameters' is of another size", name);
    struct behave *model;
    st = behave_new(&options, seed, &model, err);
    if (st) return st;
    get_training(&reader, model);
    st = bytes_done(&reader, err);
    if (!st)
        st = behave_load_floats(name, sections, count, "parameters", shape.parameters,
                                model->parameters, err);
    if (!st) st = behave_fill(model, NULL, err);
    if (st)
        behave_free(model);
    else
        *ret_model = model;
    return st;
}

kai_status behave_load(const char *name, const void *bytes, size_t size, struct behave **ret_model,
                       kai_err *err) {
    struct bundle_section sections[BUNDLE_SECTIONS_MAX];
    char names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES];
    int32_t count;
    kai_status st = bundle_parse(name, bytes, size, sections, names, &count, err);
    return st ? st : behave_load_sections(name, sections, count, ret_model, err);
}

void behave_describe(const struct behave *model, struct json_writer *json) {
    static const char *const SIZES[] = {"", "small", "base", "large"};
    const struct behave_options *o = &model->options;
    json_key_text(json, "size", SIZES[o->size]);
    json_key_i64(json, "items", o->item_count);
    json_key_i64(json, "parameters", model->shape.parameters);
    json_key_i64(json, "width", o->width);
    json_key_i64(json, "blocks", o->blocks);
    json_key_i64(json, "heads", o->heads);
    json_key_text(json, "attention", model->shape.is_pointwise ? "pointwise" : "softmax");
    json_key_i64(json, "feed_forward", model->shape.hidden);
    json_key_bool(json, "times", model->shape.is_timed);
    json_key_i64(json, "length", o->length);
    json_key_i64(json, "batch_sequences", o->batch_sequences);
    json_key_f64(json, "learning_rate", o->learning_rate);
    json_key_f64(json, "dropout", o->dropout);
    json_key_f64(json, "temperature", o->temperature);
    json_key_f64(json, "weight_decay", o->weight_decay);
    json_key_i64(json, "seed", (int64_t)model->seed);
    json_key_i64(json, "epochs", model->epochs_run);
    json_key_i64(json, "epoch_best", model->epoch_best);
    json_key_i64(json, "steps", model->steps);
    json_key_i64(json, "events", model->events);
    json_key(json, "curve");
    json_array(json);
    for (int32_t e = 0; e < model->epochs_run; e++) {
        json_object(json);
        json_key_f64(json, "loss", model->curve[e].loss);
        json_key_f64(json, "ndcg_10", model->curve[e].ndcg);
        json_key_f64(json, "hits_10", model->curve[e].hits);
        json_end(json);
    }
    json_end(json);
}
