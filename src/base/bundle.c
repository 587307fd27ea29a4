#include "base/bundle.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"

enum { MAGIC_BYTES = 8, VERSION = 1, HEADER_BYTES = 24, ENTRY_BYTES = BUNDLE_NAME_BYTES + 24 };

static const char MAGIC[MAGIC_BYTES] = "KAIROS\0";

int bundle_begins(const void *bytes, size_t size) {
    return size >= MAGIC_BYTES && memcmp(bytes, MAGIC, MAGIC_BYTES) == 0;
}

static size_t name_length(const char *name) { return strnlen(name, BUNDLE_NAME_BYTES); }

static kai_status check_names(const struct bundle_section *sections, int32_t count, kai_err *err) {
    if (count < 0 || count > BUNDLE_SECTIONS_MAX)
        return err_set(err, KAI_LIMIT, "a bundle holds at most %d sections, got %d",
                       BUNDLE_SECTIONS_MAX, count);
    for (int32_t i = 0; i < count; i++) {
        size_t n = name_length(sections[i].name);
        if (n == 0 || n == BUNDLE_NAME_BYTES)
            return err_set(err, KAI_INVALID, "section name '%s': expected 1 to %d bytes",
                           sections[i].name, BUNDLE_NAME_BYTES - 1);
        if (bundle_find(sections, i, sections[i].name))
            return err_set(err, KAI_EXISTS, "section '%s' stands twice", sections[i].name);
    }
    return KAI_OK;
}

static kai_status print_table(const struct bundle_section *sections, int32_t count,
                              struct buf *table, kai_err *err) {
    struct bytes_writer writer;
    bytes_write(&writer, table);
    uint64_t offset = HEADER_BYTES + (uint64_t)count * ENTRY_BYTES;
    for (int32_t i = 0; i < count; i++) {
        char name[BUNDLE_NAME_BYTES] = {0};
        memcpy(name, sections[i].name, name_length(sections[i].name));
        bytes_put_raw(&writer, name, sizeof name);
        bytes_put_i64(&writer, (int64_t)offset);
        bytes_put_i64(&writer, (int64_t)sections[i].size);
        bytes_put_i64(&writer, (int64_t)hash_bytes(sections[i].data, sections[i].size, 0));
        offset += sections[i].size;
    }
    return bytes_written(&writer, err);
}

kai_status bundle_print(const struct bundle_section *sections, int32_t count, struct buf *out,
                        kai_err *err) {
    kai_status st = check_names(sections, count, err);
    if (st) return st;
    struct buf table;
    buf_init(&table, BUNDLE_SECTIONS_MAX * ENTRY_BYTES);
    st = print_table(sections, count, &table, err);
    if (!st) {
        struct bytes_writer writer;
        bytes_write(&writer, out);
        bytes_put_raw(&writer, MAGIC, MAGIC_BYTES);
        bytes_put_i32(&writer, VERSION);
        bytes_put_i32(&writer, count);
        bytes_put_i64(&writer, (int64_t)hash_bytes(table.data, table.size, 0));
        bytes_put_raw(&writer, table.data, table.size);
        for (int32_t i = 0; i < count; i++)
            bytes_put_raw(&writer, sections[i].data, sections[i].size);
        st = bytes_written(&writer, err);
    }
    buf_release(&table);
    return st;
}

/* The i-th entry; sections lie end to end, so that every byte is under a checksum. */
static kai_status parse_entry(const char *name, const char *bytes, size_t size,
                              struct bytes_reader *reader, size_t *offset,
                              struct bundle_section *ret_section, char *ret_name, kai_err *err) {
    const char *raw = bytes_get_raw(reader, BUNDLE_NAME_BYTES);
    uint64_t begin = (uint64_t)bytes_get_i64(reader);
    uint64_t length = (uint64_t)bytes_get_i64(reader);
    uint64_t hash = (uint64_t)bytes_get_i64(reader);
    size_t n = raw ? name_length(raw) : 0;
    if (n == 0 || n == BUNDLE_NAME_BYTES)
        return err_set(err, KAI_CORRUPT, "%s: a section without a name", name);
    memcpy(ret_name, raw, BUNDLE_NAME_BYTES);
    if (begin != *offset || length > size - *offset)
        return err_set(err, KAI_CORRUPT, "%s: section '%s' lies outside the file", name, ret_name);
    if (hash_bytes(bytes + begin, (size_t)length, 0) != hash)
        return err_set(err, KAI_CORRUPT, "%s: section '%s' does not match its checksum", name,
                       ret_name);
    *offset += (size_t)length;
    *ret_section = (struct bundle_section){ret_name, bytes + begin, (size_t)length};
    return KAI_OK;
}

static kai_status parse_header(const char *name, const char *bytes, size_t size,
                               struct bytes_reader *reader, int32_t *ret_count, kai_err *err) {
    const char *magic = bytes_get_raw(reader, MAGIC_BYTES);
    if (!magic || memcmp(magic, MAGIC, MAGIC_BYTES) != 0)
        return err_set(err, KAI_CORRUPT, "%s: not a file of kairos", name);
    int32_t version = bytes_get_i32(reader), count = bytes_get_i32(reader);
    uint64_t hash = (uint64_t)bytes_get_i64(reader);
    if (!reader->is_short && version > VERSION)
        return err_set(err, KAI_UNSUPPORTED,
                       "%s: format %d is newer than this program, which reads up to %d", name,
                       version, VERSION);
    if (reader->is_short || version < VERSION || count < 0 || count > BUNDLE_SECTIONS_MAX)
        return err_set(err, KAI_CORRUPT, "%s: the header is damaged", name);
    size_t table_bytes = (size_t)count * ENTRY_BYTES;
    if (table_bytes > size - HEADER_BYTES)
        return err_set(err, KAI_CORRUPT, "%s: the file is cut short", name);
    if (hash_bytes(bytes + HEADER_BYTES, table_bytes, 0) != hash)
        return err_set(err, KAI_CORRUPT, "%s: the section table does not match its checksum", name);
    *ret_count = count;
    return KAI_OK;
}

kai_status bundle_parse(const char *name, const void *bytes, size_t size,
                        struct bundle_section ret_sections[BUNDLE_SECTIONS_MAX],
                        char ret_names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES], int32_t *ret_count,
                        kai_err *err) {
    struct bytes_reader reader;
    bytes_read(&reader, bytes, size, name);
    int32_t count = 0;
    kai_status st = parse_header(name, bytes, size, &reader, &count, err);
    size_t offset = HEADER_BYTES + (size_t)count * ENTRY_BYTES;
    for (int32_t i = 0; !st && i < count; i++) {
        st = parse_entry(name, bytes, size, &reader, &offset, &ret_sections[i], ret_names[i], err);
        if (!st && bundle_find(ret_sections, i, ret_names[i]))
            st = err_set(err, KAI_CORRUPT, "%s: section '%s' stands twice", name, ret_names[i]);
    }
    if (!st && offset != size)
        st = err_set(err, KAI_CORRUPT, "%s: %zu bytes too many at the end", name, size - offset);
    if (!st) *ret_count = count;
    return st;
}

const struct bundle_section *bundle_find(const struct bundle_section *sections, int32_t count,
                                         const char *name) {
    for (int32_t i = 0; i < count; i++)
        if (strcmp(sections[i].name, name) == 0) return &sections[i];
    return NULL;
}
