#include "engine/recommender_file.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bundle.h"
#include "base/bytes.h"
#include "base/caps.h"
#include "base/file.h"

enum { VERSION = 1, SECTIONS = 4 };

static void put_texts(struct bytes_writer *writer, const struct dict *dict) {
    bytes_put_i64(writer, dict->count);
    for (int32_t i = 0; i < dict->count; i++) bytes_put_text(writer, dict_text(dict, i));
}

static kai_status print_about(const struct recommender_file *file, struct buf *out, kai_err *err) {
    struct bytes_writer writer;
    bytes_write(&writer, out);
    bytes_put_i32(&writer, VERSION);
    bytes_put_i32(&writer, file->kind);
    return bytes_written(&writer, err);
}

static kai_status print_names(const struct recommender_file *file, struct buf *out, kai_err *err) {
    struct bytes_writer writer;
    bytes_write(&writer, out);
    put_texts(&writer, &file->customers);
    put_texts(&writer, &file->items);
    return bytes_written(&writer, err);
}

static kai_status print_histories(const struct recommender_file *file, struct buf *out,
                                  kai_err *err) {
    const struct histories *histories = &file->histories;
    struct bytes_writer writer;
    bytes_write(&writer, out);
    bytes_put_u8(&writer, histories->times != NULL);
    bytes_put_i64(&writer, histories->offsets[histories->count]);
    for (int64_t h = 0; h < histories->count; h++)
        bytes_put_i64(&writer, histories->offsets[h + 1] - histories->offsets[h]);
    bytes_put_i32s(&writer, histories->items, histories->offsets[histories->count]);
    for (int64_t e = 0; histories->times && e < histories->offsets[histories->count]; e++)
        bytes_put_i64(&writer, histories->times[e]);
    return bytes_written(&writer, err);
}

kai_status recommender_file_save(const char *path, const struct recommender_file *file,
                                 kai_err *err) {
    struct buf parts[SECTIONS], out;
    static const char *const NAMES[SECTIONS] = {"recommender", "names", "histories", "model"};
    struct bundle_section sections[SECTIONS];
    for (int i = 0; i < SECTIONS; i++) buf_init(&parts[i], (size_t)CAPS_BUF_BYTES);
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    kai_status st = print_about(file, &parts[0], err);
    if (!st) st = print_names(file, &parts[1], err);
    if (!st) st = print_histories(file, &parts[2], err);
    if (!st && file->transformer) st = behave_save(file->transformer, &parts[3], err);
    for (int i = 0; i < SECTIONS; i++)
        sections[i] = (struct bundle_section){NAMES[i], parts[i].data, parts[i].size};
    if (!st) st = bundle_print(sections, file->transformer ? SECTIONS : SECTIONS - 1, &out, err);
    if (!st) st = file_write_all(path, out.data, out.size, err);
    for (int i = 0; i < SECTIONS; i++) buf_release(&parts[i]);
    buf_release(&out);
    return st;
}

static kai_status get_texts(struct bytes_reader *reader, struct dict *dict, kai_err *err) {
    int32_t count = (int32_t)bytes_get_count(reader, 1 << 30, 4);
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && !reader->is_short && i < count; i++) {
        int32_t code = 0;
        char *text = bytes_get_text(reader);
        if (text) st = dict_add(dict, slice_of(text), &code, err);
        if (text && !st && code != i) bytes_refuse(reader); /* a name twice */
        mem_free(text);
    }
    return st;
}

static kai_status parse_names(const struct bundle_section *section, struct recommender_file *file,
                              kai_err *err) {
    struct bytes_reader reader;
    bytes_read(&reader, section->data, section->size, "names");
    kai_status st = get_texts(&reader, &file->customers, err);
    if (!st) st = get_texts(&reader, &file->items, err);
    return st ? st : bytes_done(&reader, err);
}

static kai_status parse_histories(const struct bundle_section *section,
                                  struct recommender_file *file, kai_err *err) {
    struct bytes_reader reader;
    bytes_read(&reader, section->data, section->size, "histories");
    int has_times = bytes_get_u8(&reader) != 0;
    int64_t events = bytes_get_i64(&reader), at = 0;
    if (events < 0 || events > (int64_t)section->size / 4) bytes_refuse(&reader);
    if (reader.is_short) return bytes_done(&reader, err);
    struct histories *histories = &file->histories;
    kai_status st = histories_init(histories, file->customers.count, events, has_times, err);
    if (st) return st;
    for (int64_t h = 0; h < histories->count; h++) {
        int64_t length = bytes_get_i64(&reader);
        if (length < 0 || length > events - at) bytes_refuse(&reader), length = 0;
        histories->offsets[h + 1] = at += length;
    }
    if (at != events) bytes_refuse(&reader);
    bytes_get_i32s(&reader, histories->items, events);
    for (int64_t e = 0; e < events && !reader.is_short; e++)
        if (histories->items[e] < 0 || histories->items[e] >= file->items.count)
            bytes_refuse(&reader);
    for (int64_t e = 0; has_times && e < events; e++) histories->times[e] = bytes_get_i64(&reader);
    return bytes_done(&reader, err);
}

static kai_status parse_about(const struct bundle_section *section, struct recommender_file *file,
                              kai_err *err) {
    struct bytes_reader reader;
    bytes_read(&reader, section->data, section->size, "recommender");
    int32_t version = bytes_get_i32(&reader);
    if (!reader.is_short && version > VERSION)
        return err_set(err, KAI_UNSUPPORTED, "a recommender of version %d; this program reads %d",
                       version, VERSION);
    file->kind = bytes_get_i32(&reader);
    if (version < 1 || file->kind < 0 || file->kind >= RECOMMENDERS_MAX) bytes_refuse(&reader);
    return bytes_done(&reader, err);
}

static kai_status parse_sections(const char *name, const struct bundle_section *sections,
                                 int32_t count, struct recommender_file *file, kai_err *err) {
    const struct bundle_section *about = bundle_find(sections, count, "recommender"),
                                *names = bundle_find(sections, count, "names"),
                                *histories = bundle_find(sections, count, "histories"),
                                *model = bundle_find(sections, count, "model");
    if (!about || !names || !histories) return err_set(err, KAI_CORRUPT, "not a recommender");
    kai_status st = parse_about(about, file, err);
    if (!st) st = parse_names(names, file, err);
    if (!st) st = parse_histories(histories, file, err);
    if (st || file->kind != RECOMMENDER_TRANSFORMER) return st;
    if (!model) return err_set(err, KAI_CORRUPT, "the model is missing");
    st = behave_load(name, model->data, model->size, &file->transformer, err);
    if (!st && behave_items(file->transformer) != file->items.count)
        st = err_set(err, KAI_CORRUPT, "the model knows %d items, the names are %d",
                     behave_items(file->transformer), file->items.count);
    return st;
}

kai_status recommender_file_parse(const char *name, const void *bytes, size_t size,
                                  struct recommender_file *ret_file, kai_err *err) {
    struct bundle_section sections[BUNDLE_SECTIONS_MAX];
    char names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES];
    struct recommender_file file = {0};
    int32_t count = 0;
    kai_status st = bundle_parse(name, bytes, size, sections, names, &count, err);
    if (st) return st;
    dict_init(&file.customers);
    dict_init(&file.items);
    st = parse_sections(name, sections, count, &file, err);
    if (st) {
        recommender_file_release(&file);
        return err_wrap(err, st, "%s", name);
    }
    *ret_file = file;
    return KAI_OK;
}

kai_status recommender_file_load(const char *path, struct recommender_file *ret_file,
                                 kai_err *err) {
    struct buf bytes;
    buf_init(&bytes, (size_t)CAPS_BUF_BYTES);
    kai_status st = file_read_all(path, (size_t)CAPS_BUF_BYTES, &bytes, err);
    if (!st) st = recommender_file_parse(path, bytes.data, bytes.size, ret_file, err);
    buf_release(&bytes);
    return st;
}

void recommender_file_release(struct recommender_file *file) {
    dict_release(&file->customers);
    dict_release(&file->items);
    histories_release(&file->histories);
    behave_free(file->transformer);
    *file = (struct recommender_file){0};
}

kai_status recommender_file_path(const char *given, const char *workspace, struct buf *path,
                                 kai_err *err) {
    if (given) return buf_puts(path, given, err);
    return buf_printf(path, err, "%s/models/recommender.kai", workspace);
}
