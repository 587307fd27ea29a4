#include "collect/csv_source.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

static kai_status open_decoder(struct csv_source *source, kai_err *err) {
    source->decoder = iconv_open("UTF-8", "GB18030");
    if (source->decoder == (iconv_t)-1)
        return err_set(err, KAI_UNSUPPORTED, "this system cannot decode GB18030");
    source->has_decoder = 1;
    source->raw = mem_alloc(CSV_RAW_BYTES);
    return source->raw ? KAI_OK : err_memory(err, CSV_RAW_BYTES);
}

kai_status csv_source_open(const char *path, const char *bytes, size_t size, int is_gb18030,
                           struct csv_source *ret_source, kai_err *err) {
    struct csv_source source = {.bytes = bytes, .size = size};
    kai_status st = bytes ? KAI_OK : file_open(path, &source.file, err);
    if (!st && is_gb18030) st = open_decoder(&source, err);
    if (st)
        csv_source_close(&source);
    else
        *ret_source = source;
    return st;
}

void csv_source_close(struct csv_source *source) {
    if (source->file) file_close(source->file);
    if (source->has_decoder) (void)iconv_close(source->decoder); /* frees memory only */
    mem_free(source->raw);
    *source = (struct csv_source){.is_end = 1};
}

/* Fill with bytes as they stand in the file; fewer only at the end. */
static kai_status fill_raw(struct csv_source *source, char *text, size_t capacity, size_t *ret_size,
                           kai_err *err) {
    size_t size = 0;
    if (source->bytes) {
        size = source->size - source->at < capacity ? source->size - source->at : capacity;
        if (size) memcpy(text, source->bytes + source->at, size);
        source->at += size;
        source->is_end = source->at == source->size;
    }
    while (!source->bytes && !source->is_end && size < capacity) {
        size_t got = 0;
        kai_status st = file_read(source->file, text + size, capacity - size, &got, err);
        if (st) return st;
        size += got;
        source->is_end = got == 0;
    }
    *ret_size = size;
    return KAI_OK;
}

/* Decode what is in raw into text[*used..capacity). A byte that cannot begin a character becomes
 * 0xff, which is never UTF-8, so that its row is told by line and field. */
static void decode(struct csv_source *source, char *text, size_t capacity, size_t *used) {
    char *in = source->raw, *out = text + *used;
    size_t in_left = source->raw_size, out_left = capacity - *used;
    while (in_left && out_left) {
        if (iconv(source->decoder, &in, &in_left, &out, &out_left) != (size_t)-1) break;
        /* a byte that is wrong is told even where there is no room for its mark: next time, then */
        if (errno == E2BIG || out_left == 0 || (errno == EINVAL && !source->is_end)) break;
        *out++ = (char)0xff;
        in++, in_left--, out_left--;
        source->broken++;
    }
    memmove(source->raw, in, in_left);
    source->raw_size = in_left;
    *used = capacity - out_left;
}

static kai_status fill_decoded(struct csv_source *source, char *text, size_t capacity,
                               size_t *ret_size, kai_err *err) {
    enum { CHARACTER_BYTES = 8 }; /* room for any one character that the decoder writes */
    size_t size = 0;
    while (capacity - size >= CHARACTER_BYTES && !(source->is_end && source->raw_size == 0)) {
        size_t got = 0;
        kai_status st = fill_raw(source, source->raw + source->raw_size,
                                 CSV_RAW_BYTES - source->raw_size, &got, err);
        if (st) return st;
        source->raw_size += got;
        decode(source, text, capacity, &size);
    }
    *ret_size = size;
    return KAI_OK;
}

kai_status csv_source_fill(struct csv_source *source, char *text, size_t capacity, size_t *ret_size,
                           kai_err *err) {
    static const char MARK[] = "\xef\xbb\xbf"; /* GB18030 has one too; it decodes to this */
    size_t size = 0;
    kai_status st = source->has_decoder ? fill_decoded(source, text, capacity, &size, err)
                                        : fill_raw(source, text, capacity, &size, err);
    if (st) return st;
    if (!source->is_begun && size >= 3 && memcmp(text, MARK, 3) == 0) {
        memmove(text, text + 3, size - 3);
        size -= 3;
    }
    source->is_begun = 1;
    *ret_size = size;
    return KAI_OK;
}

/* One byte further in the structure of GB18030-2005: 0 between characters, 1 to 3 within one, -1
 * where the byte cannot stand there. */
static int next_place(int place, unsigned char byte) {
    int is_digit = byte >= 0x30 && byte <= 0x39, is_lead = byte >= 0x81 && byte <= 0xfe;
    switch (place) {
    case 0: return byte < 0x80 ? 0 : is_lead ? 1 : -1;
    case 1: return is_digit ? 2 : byte >= 0x40 && byte <= 0xfe && byte != 0x7f ? 0 : -1;
    case 2: return is_lead ? 3 : -1;
    default: return is_digit ? 0 : -1;
    }
}

/* By structure, not by decoding: the C library's decoder can lose its place in noise. */
kai_status csv_source_is_gb18030(const char *path, const char *bytes, size_t size, int *ret_answer,
                                 kai_err *err) {
    enum { SCRATCH_BYTES = 256 << 10 };
    struct csv_source source;
    kai_status st = csv_source_open(path, bytes, size, 0, &source, err);
    if (st) return st;
    char *scratch = mem_alloc(SCRATCH_BYTES);
    if (!scratch) st = err_memory(err, SCRATCH_BYTES);
    int place = 0;
    for (size_t got = 1; !st && got && place >= 0;) {
        st = csv_source_fill(&source, scratch, SCRATCH_BYTES, &got, err);
        for (size_t i = 0; !st && i < got && place >= 0; i++)
            place = next_place(place, (unsigned char)scratch[i]);
    }
    if (!st) *ret_answer = place == 0;
    mem_free(scratch);
    csv_source_close(&source);
    return st;
}
