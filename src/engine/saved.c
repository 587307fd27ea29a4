#include "engine/saved.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bundle.h"
#include "base/caps.h"
#include "base/file.h"

static const char *const RECIPE_SECTIONS[] = {"recipe.tree", "recipe.dense"};
static const char *const TASKS[] = {"binary", "multiclass", "regression"};
enum { CLASSES_MAX = 1000 };

enum recipe_view saved_view(enum learn_kind kind) {
    return kind == LEARN_MLP ? RECIPE_DENSE : RECIPE_TREE;
}

void saved_release(struct saved *saved) {
    for (int v = 0; v < 2; v++) recipe_free(saved->recipes[v]);
    for (int k = 0; k < LEARN_KINDS; k++) {
        model_free(saved->models[k]);
        calibrate_free(saved->calibrators[k]);
    }
    for (int32_t c = 0; saved->names && c < saved->classes; c++) mem_free(saved->names[c]);
    mem_free(saved->names);
    mem_free(saved->label);
    *saved = (struct saved){0};
}

static kai_status print_meta(const struct saved *saved, struct buf *out, kai_err *err) {
    struct json_writer json;
    json_init(&json, out, 0);
    json_object(&json);
    json_key_text(&json, "version", kai_version());
    json_key_text(&json, "label", saved->label);
    json_key_text(&json, "task", TASKS[saved->task]);
    json_key_text(&json, "best", learn_kind_text(saved->best));
    json_key(&json, "classes");
    json_array(&json);
    for (int32_t c = 0; c < saved->classes; c++) json_text(&json, saved->names[c]);
    json_end(&json);
    json_end(&json);
    return json_finish(&json, err);
}

/* The sections of a file that is being written: their bytes and names live here. */
struct sections {
    struct bundle_section items[BUNDLE_SECTIONS_MAX];
    struct buf bytes[BUNDLE_SECTIONS_MAX];
    char names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES];
    int32_t count;
};

static struct buf *add_section(struct sections *sections, const char *prefix, const char *name) {
    int32_t index = sections->count++;
    (void)snprintf(sections->names[index], BUNDLE_NAME_BYTES, "%s%s", prefix, name); /* fits */
    buf_init(&sections->bytes[index], (size_t)CAPS_BUF_BYTES);
    return &sections->bytes[index];
}

static kai_status fill_sections(const struct saved *saved, struct sections *sections,
                                kai_err *err) {
    kai_status st = print_meta(saved, add_section(sections, "meta", ""), err);
    struct bytes_writer writer;
    for (int v = 0; !st && v < 2; v++) {
        if (!saved->recipes[v]) continue;
        bytes_write(&writer, add_section(sections, RECIPE_SECTIONS[v], ""));
        recipe_save(saved->recipes[v], &writer);
        st = bytes_written(&writer, err);
    }
    for (int k = 0; !st && k < LEARN_KINDS; k++) {
        const char *kind = learn_kind_text((enum learn_kind)k);
        if (saved->models[k])
            st = model_save(saved->models[k], add_section(sections, "model.", kind), err);
        if (st || !saved->calibrators[k]) continue;
        bytes_write(&writer, add_section(sections, "calib.", kind));
        calibrate_save(saved->calibrators[k], &writer);
        st = bytes_written(&writer, err);
    }
    return st;
}

kai_status saved_save(const struct saved *saved, const char *path, kai_err *err) {
    struct sections *sections = mem_zero(1, sizeof *sections);
    if (!sections) return err_memory(err, sizeof *sections);
    struct buf file;
    buf_init(&file, (size_t)CAPS_BUF_BYTES);
    kai_status st = fill_sections(saved, sections, err);
    for (int32_t s = 0; s < sections->count; s++)
        sections->items[s] = (struct bundle_section){sections->names[s], sections->bytes[s].data,
                                                     sections->bytes[s].size};
    if (!st) st = bundle_print(sections->items, sections->count, &file, err);
    if (!st) st = file_write_all(path, file.data, file.size, err);
    for (int32_t s = 0; s < sections->count; s++) buf_release(&sections->bytes[s]);
    buf_release(&file);
    mem_free(sections);
    return st;
}

static kai_status read_names(const struct json_value *meta, struct saved *saved, kai_err *err) {
    const struct json_value *classes = json_get(meta, "classes");
    int64_t count = json_count(classes);
    if (count > CLASSES_MAX) return err_set(err, KAI_CORRUPT, "%lld classes", (long long)count);
    saved->label = mem_string(json_as_text(json_get(meta, "label"), ""));
    saved->names = mem_zero((size_t)count, sizeof *saved->names);
    if (!saved->label || !saved->names) return err_memory(err, count);
    for (saved->classes = 0; saved->classes < count; saved->classes++) {
        const char *name = json_as_text(json_at(classes, saved->classes), "");
        if (!(saved->names[saved->classes] = mem_string(name))) return err_memory(err, 1);
    }
    return KAI_OK;
}

static int find_word(const char *const *words, int count, const char *word) {
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0) return i;
    return -1;
}

static kai_status read_meta(const struct bundle_section *section, struct saved *saved,
                            kai_err *err) {
    struct json_value *meta = NULL;
    if (!section) return err_set(err, KAI_CORRUPT, "section 'meta' is missing");
    kai_status st = json_parse(section->data, section->size, &meta, err);
    if (st == KAI_NO_MEMORY) return st;
    if (st) return err_set(err, KAI_CORRUPT, "section 'meta' is no JSON");
    st = read_names(meta, saved, err);
    int task = find_word(TASKS, 3, json_as_text(json_get(meta, "task"), ""));
    const char *best = json_as_text(json_get(meta, "best"), "");
    int kind = 0;
    while (kind < LEARN_KINDS && strcmp(learn_kind_text((enum learn_kind)kind), best) != 0) kind++;
    json_free(meta);
    if (st) return st;
    if (task < 0 || kind == LEARN_KINDS)
        return err_set(err, KAI_CORRUPT, "section 'meta' names no task or model");
    saved->task = (enum learn_task)task;
    saved->best = (enum learn_kind)kind;
    return KAI_OK;
}

static kai_status read_kind(const struct bundle_section *sections, int32_t count,
                            enum learn_kind kind, struct saved *saved, kai_err *err) {
    char name[BUNDLE_NAME_BYTES];
    (void)snprintf(name, sizeof name, "model.%s", learn_kind_text(kind)); /* fits */
    const struct bundle_section *model = bundle_find(sections, count, name);
    (void)snprintf(name, sizeof name, "calib.%s", learn_kind_text(kind)); /* fits */
    const struct bundle_section *calibrator = bundle_find(sections, count, name);
    if (!model) return KAI_OK;
    kai_status st = model_load(model->data, model->size, &saved->models[kind], err);
    if (!st &&
        (model_kind(saved->models[kind]) != kind || model_task(saved->models[kind]) != saved->task))
        st = err_set(err, KAI_CORRUPT, "section 'model.%s' holds another model",
                     learn_kind_text(kind));
    const struct recipe *recipe = saved->recipes[saved_view(kind)];
    if (!st && (!recipe || recipe_columns(recipe) != model_columns(saved->models[kind])))
        st = err_set(err, KAI_CORRUPT, "the recipe does not fit the model '%s'",
                     learn_kind_text(kind));
    if (!st && saved->task == LEARN_MULTICLASS &&
        model_outputs(saved->models[kind]) != saved->classes)
        st = err_set(err, KAI_CORRUPT, "the classes do not fit the model '%s'",
                     learn_kind_text(kind));
    if (st || !calibrator) return st;
    struct bytes_reader reader;
    bytes_read(&reader, calibrator->data, calibrator->size, "calibrator");
    st = calibrate_load(&reader, &saved->calibrators[kind], err);
    if (!st && calibrate_outputs(saved->calibrators[kind]) != model_outputs(saved->models[kind]))
        st = err_set(err, KAI_CORRUPT, "the calibrator does not fit the model");
    return st;
}

static kai_status read_sections(const struct bundle_section *sections, int32_t count,
                                struct saved *saved, kai_err *err) {
    kai_status st = read_meta(bundle_find(sections, count, "meta"), saved, err);
    for (int v = 0; !st && v < 2; v++) {
        const struct bundle_section *section = bundle_find(sections, count, RECIPE_SECTIONS[v]);
        if (!section) continue;
        struct bytes_reader reader;
        bytes_read(&reader, section->data, section->size, "recipe");
        st = recipe_load(&reader, &saved->recipes[v], err);
        if (!st && recipe_view(saved->recipes[v]) != (enum recipe_view)v)
            st = err_set(err, KAI_CORRUPT, "section '%s' holds another view", RECIPE_SECTIONS[v]);
    }
    for (int k = 0; !st && k < LEARN_KINDS; k++)
        st = read_kind(sections, count, (enum learn_kind)k, saved, err);
    if (!st && !saved->models[saved->best])
        st = err_set(err, KAI_CORRUPT, "the best model is missing");
    return st;
}

kai_status saved_parse(const char *name, const void *bytes, size_t size, struct saved *ret_saved,
                       kai_err *err) {
    struct bundle_section sections[BUNDLE_SECTIONS_MAX];
    char names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES];
    int32_t count = 0;
    kai_status st = bundle_parse(name, bytes, size, sections, names, &count, err);
    if (st) return st;
    struct saved saved = {0};
    st = read_sections(sections, count, &saved, err);
    if (st) {
        saved_release(&saved);
        return err_wrap(err, st, "'%s'", name);
    }
    *ret_saved = saved;
    return KAI_OK;
}

/* The whole file, or the beginning of one that is no bundle: saved_parse says so. */
static kai_status read_bundle(const char *path, struct buf *bytes, kai_err *err) {
    enum { PIECE_BYTES = 1 << 20 };
    struct file_reader *reader = NULL;
    kai_status st = file_open(path, &reader, err);
    for (size_t got = 1; !st && got > 0;) {
        st = buf_reserve(bytes, PIECE_BYTES, err);
        if (!st) st = file_read(reader, bytes->data + bytes->size, PIECE_BYTES, &got, err);
        if (!st) bytes->size += got;
        if (!st && !bundle_begins(bytes->data, bytes->size)) break;
    }
    file_close(reader);
    return st;
}

kai_status saved_load(const char *path, struct saved *ret_saved, kai_err *err) {
    struct buf bytes;
    buf_init(&bytes, (size_t)CAPS_BUF_BYTES);
    kai_status st = read_bundle(path, &bytes, err);
    if (!st) st = saved_parse(path, bytes.data, bytes.size, ret_saved, err);
    buf_release(&bytes);
    return st;
}

kai_status saved_kind(const struct saved *saved, const char *text, enum learn_kind *ret_kind,
                      kai_err *err) {
    enum learn_kind kind = saved->best;
    for (int k = 0; text && k < LEARN_KINDS; k++)
        if (strcmp(learn_kind_text((enum learn_kind)k), text) == 0) kind = (enum learn_kind)k;
    if (!saved->models[kind])
        return err_set(err, KAI_NOT_FOUND, "model '%s' was not fitted", learn_kind_text(kind));
    *ret_kind = kind;
    return KAI_OK;
}

kai_status saved_score(const struct saved *saved, enum learn_kind kind, const struct matrix *matrix,
                       const int64_t *row_ids, int64_t row_count, struct pool *pool,
                       double *ret_scores, kai_err *err) {
    kai_status st =
        model_predict(saved->models[kind], matrix, row_ids, row_count, pool, ret_scores, err);
    if (!st && saved->calibrators[kind])
        calibrate_apply(saved->calibrators[kind], row_count, ret_scores);
    return st;
}
