#include "store/packed.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

enum { HAS_VALUE = 1, HAS_QUANTITY = 2, NUMBER_BYTES = 10, FIELDS_BYTES = 200 };

static unsigned char *put_number(unsigned char *at, uint64_t number) {
    for (; number >= 0x80; number >>= 7) *at++ = (unsigned char)(number | 0x80);
    *at++ = (unsigned char)number;
    return at;
}

static uint64_t zigzag(int64_t number) {
    return (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t number) { return (int64_t)(number >> 1) ^ (number & 1 ? -1 : 0); }

static uint32_t hash_of(const void *body, size_t size) {
    uint32_t hash = (uint32_t)hash_bytes(body, size, 3);
    return hash ? hash : 1; /* 0 = scrubbed */
}

kai_status packed_put(struct buf *out, const struct coded *coded, kai_err *err) {
    unsigned char fields[FIELDS_BYTES] = {0}, *at = fields + PACKED_HEAD_BYTES;
    const struct slice texts[] = {coded->id, coded->session, coded->properties};
    size_t begin = out->size, texts_bytes = 0;
    int has_value = !isnan(coded->value), has_quantity = !isnan(coded->quantity);
    at = put_number(at, (uint64_t)coded->seq);
    for (int t = 0; t < CODED_TEXTS; t++) at = put_number(at, (uint64_t)coded->codes[t]);
    at = put_number(at, zigzag(coded->time_us));
    at = put_number(at, zigzag((int64_t)((uint64_t)coded->received_us - (uint64_t)coded->time_us)));
    at = put_number(at, coded->flags);
    *at++ = (unsigned char)((has_value ? HAS_VALUE : 0) | (has_quantity ? HAS_QUANTITY : 0));
    if (has_value) memcpy(at, &coded->value, sizeof(double));
    at += has_value ? sizeof(double) : 0;
    if (has_quantity) memcpy(at, &coded->quantity, sizeof(double));
    at += has_quantity ? sizeof(double) : 0;
    for (int i = 0; i < 3; i++) {
        at = put_number(at, texts[i].size);
        texts_bytes += texts[i].size;
    }
    size_t head = (size_t)(at - fields);
    uint32_t size = (uint32_t)(head - PACKED_HEAD_BYTES + texts_bytes);
    memcpy(fields + 4, &size, sizeof size);
    kai_status st = buf_append(out, fields, head, err);
    for (int i = 0; !st && i < 3; i++) st = buf_append(out, texts[i].data, texts[i].size, err);
    if (st) return st;
    uint32_t hash = hash_of(out->data + begin + PACKED_HEAD_BYTES, size);
    memcpy(out->data + begin, &hash, sizeof hash);
    return KAI_OK;
}

size_t packed_next(const unsigned char *bytes, uint64_t *at, uint64_t end,
                   const unsigned char **ret_entry) {
    uint32_t size = 0;
    uint64_t left = end - *at;
    if (left < PACKED_HEAD_BYTES) return 0;
    memcpy(&size, bytes + *at + 4, sizeof size);
    if (size > left - PACKED_HEAD_BYTES) return 0;
    *ret_entry = bytes + *at;
    *at += PACKED_HEAD_BYTES + (uint64_t)size;
    return PACKED_HEAD_BYTES + (size_t)size;
}

/* ---- out ---- */

struct taking {
    const unsigned char *at, *end;
    int is_short;
};

static uint64_t take_number(struct taking *taking) {
    uint64_t number = 0;
    for (int shift = 0; shift < 7 * NUMBER_BYTES && taking->at < taking->end; shift += 7) {
        unsigned char byte = *taking->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return number;
    }
    taking->is_short = 1;
    return 0;
}

static double take_f64(struct taking *taking, int is_there) {
    double value = NAN;
    if (!is_there) return value;
    if (taking->end - taking->at < (ptrdiff_t)sizeof value) {
        taking->is_short = 1;
        return value;
    }
    memcpy(&value, taking->at, sizeof value);
    taking->at += sizeof value;
    return value;
}

static struct slice take_text(struct taking *taking, uint64_t size) {
    struct slice text = {(const char *)taking->at, (size_t)size};
    if (size > (uint64_t)(taking->end - taking->at)) {
        taking->is_short = 1;
        return (struct slice){"", 0};
    }
    taking->at += size;
    return text;
}

enum packed_state packed_get(const unsigned char *bytes, size_t size, struct coded *ret_coded) {
    struct taking taking = {.at = bytes + PACKED_HEAD_BYTES, .end = bytes + size};
    struct coded coded = {0};
    uint32_t hash = 0;
    uint64_t sizes[3];
    memcpy(&hash, bytes, sizeof hash);
    if (!hash) return PACKED_SCRUBBED;
    if (hash != hash_of(taking.at, size - PACKED_HEAD_BYTES)) return PACKED_DAMAGED;
    coded.seq = (int64_t)take_number(&taking);
    for (int t = 0; t < CODED_TEXTS; t++) coded.codes[t] = (int64_t)take_number(&taking);
    coded.time_us = unzigzag(take_number(&taking));
    coded.received_us =
        (int64_t)((uint64_t)coded.time_us + (uint64_t)unzigzag(take_number(&taking)));
    coded.flags = (uint32_t)take_number(&taking);
    int has = taking.at < taking.end ? *taking.at++ : 0;
    coded.value = take_f64(&taking, has & HAS_VALUE);
    coded.quantity = take_f64(&taking, has & HAS_QUANTITY);
    for (int i = 0; i < 3; i++) sizes[i] = take_number(&taking);
    coded.id = take_text(&taking, sizes[0]);
    coded.session = take_text(&taking, sizes[1]);
    coded.properties = take_text(&taking, sizes[2]);
    if (taking.is_short || taking.at != taking.end) return PACKED_DAMAGED;
    *ret_coded = coded;
    return PACKED_WHOLE;
}
