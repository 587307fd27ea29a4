#include "store/span.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

enum { DIGITS = 10 };

kai_status span_path(const char *folder, struct span span, struct buf *out, kai_err *err) {
    return buf_printf(out, err, "%s/%0*lld-%0*lld", folder, DIGITS, (long long)span.first, DIGITS,
                      (long long)span.last);
}

static int by_place(const void *a, const void *b) {
    const struct span *x = a, *y = b;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return (x->last < y->last) - (x->last > y->last);
}

static int parse(const char *text, struct span *ret_span) {
    struct slice name = slice_of(text);
    return name.size == 2 * DIGITS + 1 && name.data[DIGITS] == '-' &&
           text_parse_i64((struct slice){name.data, DIGITS}, &ret_span->first) &&
           text_parse_i64((struct slice){name.data + DIGITS + 1, DIGITS}, &ret_span->last);
}

static kai_status list(const char *folder, int is_reader, struct span *ret_spans, int32_t capacity,
                       int32_t *ret_count, kai_err *err) {
    *ret_count = 0;
    DIR *directory = opendir(folder);
    if (!directory) return is_reader ? KAI_OK : file_make_dir(folder, err);
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct span span;
        if (parse(entry->d_name, &span) && *ret_count < capacity) ret_spans[(*ret_count)++] = span;
    }
    (void)closedir(directory);
    qsort(ret_spans, (size_t)*ret_count, sizeof *ret_spans, by_place);
    return KAI_OK;
}

kai_status span_load(const char *folder, int is_reader, int32_t most, span_open_fn open, void *user,
                     kai_err *err) {
    enum { LISTED = 256 };
    struct span found[LISTED];
    int32_t listed = 0;
    int64_t covered = 0;
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = list(folder, is_reader, found, LISTED, &listed, err);
    for (int32_t i = 0; !st && i < listed; i++) {
        int64_t last = 0;
        buf_reset(&path);
        st = span_path(folder, found[i], &path, err);
        if (!st && found[i].first == covered + 1 && most > 0)
            st = open(user, path.data, &last, err);
        if (last) {
            covered = last;
            most--;
        } else if (!st && !is_reader) {
            (void)unlink(path.data); /* covered by another, behind a gap, or damaged */
        }
    }
    buf_release(&path);
    return st;
}
