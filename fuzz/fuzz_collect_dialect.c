/* A first line "POST /v1/batch?query" and a body: every dialect, from any bytes. A clean status, or
 * events that can be kept. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "collect/dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct event_batch *batch, const struct dialect_reply *reply) {
    if (reply->http_status < 200 || reply->http_status > 299) abort();
    for (int64_t i = 0; i < batch->count; i++) {
        const struct event *event = &batch->events[i];
        if (!event->id.size || !event->type.size ||
            (!event->customer.size && !event->anonymous.size))
            abort();
        if (event->properties.size && event->properties.data[0] != '{') abort();
        if (text_utf8_valid(event->properties.data, event->properties.size) !=
            event->properties.size)
            abort();
    }
    for (int64_t i = 0; i < reply->refused; i++)
        if (!*reply->bad[i].reason) abort();
}

static void try_dialect(const struct dialect *dialect, const struct dialect_request *request) {
    static struct dialect_reader *reader; /* its memory is used again, as in the server */
    struct event_batch batch;
    struct dialect_reply reply;
    kai_err err = {0};
    if (!reader && dialect_reader_new(&reader, &err)) abort();
    event_batch_init(&batch);
    dialect_reply_init(&reply);
    kai_status st = dialect_read(dialect, reader, request, &batch, &reply, &err);
    if (st && st != KAI_INVALID && st != KAI_LIMIT) abort();
    if (st && !err.message[0]) abort();
    if (!st) check(&batch, &reply);
    event_batch_release(&batch);
    dialect_reply_release(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct dialect_header headers[] = {
        {{"content-type", 12}, {"application/cloudevents+json", 28}},
        {{"authorization", 13}, {"Basic a2V5Og==", 14}},
        {{"ce-id", 5}, {"%41%zz", 6}}};
    const char *text = (const char *)data;
    const char *end = size ? memchr(text, '\n', size) : NULL;
    const char *blank = end ? memchr(text, ' ', (size_t)(end - text)) : NULL;
    if (!blank) return 0;
    const char *query = memchr(blank, '?', (size_t)(end - blank));
    const char *path_end = query ? query : end;
    const struct dialect_request request = {
        .method = {text, (size_t)(blank - text)},
        .path = {blank + 1, path_end > blank + 1 ? (size_t)(path_end - blank - 1) : 0},
        .query = {query ? query + 1 : "", query ? (size_t)(end - query - 1) : 0},
        .headers = headers,
        .header_count = 3 - (int32_t)(size % 2), /* binary CloudEvents too */
        .body = {end + 1, size - (size_t)(end + 1 - text)},
        .received_us = 1795784400000000};
    const struct dialect *dialect = dialect_find(request.method, request.path);
    if (dialect) try_dialect(dialect, &request);
    return 0;
}
