#include "store/span.h"

#include <dirent.h>
#include <stdlib.h>

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

kai_status span_list(const char *folder, int is_reader, struct span *ret_spans, int32_t capacity,
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
