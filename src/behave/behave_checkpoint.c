/* The checkpoint: a saved model of this moment, and what training needs to go on. */
#include "behave/behave_checkpoint.h"

#include <string.h>

#include "base/bytes.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "behave/behave_save.h"

/* One number for options, seed and data: a checkpoint of anything else is refused. */
static uint64_t fingerprint(const struct behave_training *t) {
    const struct behave_sequences *all = t->train;
    struct behave_options options = t->model->options;
    const double reals[] = {options.learning_rate, options.warmup_share, options.weight_decay,
                            options.dropout,       options.temperature,  options.clip_norm,
                            options.minutes};
    const int64_t numbers[] = {options.width,
                               options.blocks,
                               options.heads,
                               (int64_t)options.attention,
                               options.feed_forward,
                               options.length,
                               options.batch_sequences,
                               options.epochs,
                               options.patience,
                               options.validation_customers,
                               options.item_count,
                               options.tokens,
                               options.times};
    uint64_t hash = hash_bytes(reals, sizeof reals, t->model->seed);
    hash = hash_bytes(numbers, sizeof numbers, hash);
    size_t offsets = (size_t)(all->sequence_count + 1);
    hash = hash_bytes(all->offsets, offsets * sizeof *all->offsets, hash);
    size_t events = (size_t)all->offsets[all->sequence_count];
    hash = hash_bytes(all->items, events * sizeof *all->items, hash);
    if (options.times < 0) return hash;
    return hash_bytes(all->times, all->times ? events * sizeof *all->times : 0, hash);
}

static kai_status print_state(const struct behave_training *t, struct buf *out, kai_err *err) {
    struct bytes_writer writer;
    bytes_write(&writer, out);
    bytes_put_i64(&writer, (int64_t)fingerprint(t));
    bytes_put_i64(&writer, t->stepper.step);
    bytes_put_i64(&writer, t->position);
    bytes_put_i64(&writer, t->seen);
    bytes_put_f64(&writer, t->loss);
    bytes_put_f64(&writer, t->seconds_before + clock_seconds() - t->started);
    return bytes_written(&writer, err);
}

kai_status behave_checkpoint_save(const struct behave_training *t, kai_err *err) {
    if (!t->checkpoint) return KAI_OK;
    const struct behave *model = t->model;
    size_t size = (size_t)model->shape.parameters * sizeof(float);
    struct buf head, state, file;
    buf_init(&head, CAPS_BUF_BYTES);
    buf_init(&state, 1 << 12);
    buf_init(&file, CAPS_BUF_BYTES);
    kai_status st = behave_save_head(model, &head, err);
    if (!st) st = print_state(t, &state, err);
    const struct bundle_section sections[] = {
        {"behave", head.data, head.size},    {"parameters", model->parameters, size},
        {"state", state.data, state.size},   {"mean", t->stepper.mean, size},
        {"square", t->stepper.square, size}, {"best", t->best, size}};
    if (!st) st = bundle_print(sections, sizeof sections / sizeof *sections, &file, err);
    if (!st) st = file_write_all(t->checkpoint, file.data, file.size, err);
    buf_release(&file);
    buf_release(&state);
    buf_release(&head);
    return st;
}

static kai_status read_state(struct behave_training *t, const struct bundle_section *section,
                             kai_err *err) {
    if (!section)
        return err_set(err, KAI_CORRUPT, "%s: not a checkpoint: no section 'state'", t->checkpoint);
    struct bytes_reader reader;
    bytes_read(&reader, section->data, section->size, "checkpoint");
    if ((uint64_t)bytes_get_i64(&reader) != fingerprint(t))
        return err_set(err, KAI_STATE,
                       "%s: checkpoint of other options, another seed or other data",
                       t->checkpoint);
    t->stepper.step = bytes_get_i64(&reader);
    t->position = bytes_get_i64(&reader);
    t->seen = bytes_get_i64(&reader);
    t->loss = bytes_get_f64(&reader);
    t->seconds_before = bytes_get_f64(&reader);
    if (t->stepper.step < 0 || t->position < 0 || t->position > t->usable_count || t->seen < 0)
        bytes_refuse(&reader);
    return bytes_done(&reader, err);
}

static kai_status read_file(struct behave_training *t, const struct buf *file, kai_err *err) {
    struct bundle_section sections[BUNDLE_SECTIONS_MAX];
    char names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES];
    int32_t count;
    kai_status st =
        bundle_parse(t->checkpoint, file->data, file->size, sections, names, &count, err);
    if (!st) st = read_state(t, bundle_find(sections, count, "state"), err);
    struct behave *stored = NULL;
    if (!st) st = behave_load_sections(t->checkpoint, sections, count, &stored, err);
    if (st) return st;
    struct behave *model = t->model;
    const int64_t floats = model->shape.parameters;
    st = behave_load_floats(t->checkpoint, sections, count, "mean", floats, t->stepper.mean, err);
    if (!st)
        st = behave_load_floats(t->checkpoint, sections, count, "square", floats, t->stepper.square,
                                err);
    if (!st) st = behave_load_floats(t->checkpoint, sections, count, "best", floats, t->best, err);
    if (!st) {
        memcpy(model->parameters, stored->parameters, (size_t)floats * sizeof(float));
        memcpy(model->curve, stored->curve, (size_t)stored->epochs_run * sizeof *stored->curve);
        model->epochs_run = stored->epochs_run;
        model->epoch_best = stored->epoch_best;
        model->events = stored->events;
    }
    behave_free(stored);
    return st;
}

kai_status behave_checkpoint_load(struct behave_training *t, kai_err *err) {
    if (!t->checkpoint || !file_exists(t->checkpoint)) return KAI_OK;
    struct buf file;
    buf_init(&file, CAPS_BUF_BYTES);
    kai_status st = file_read_all(t->checkpoint, CAPS_BUF_BYTES, &file, err);
    if (!st) st = read_file(t, &file, err);
    buf_release(&file);
    return st;
}
