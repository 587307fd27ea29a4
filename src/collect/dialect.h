/* HTTP requests of the tracking clients that sites already run, as events: bytes in, a validated
 * batch and the answer out. No socket, no store.
 *
 *     const struct dialect *dialect = dialect_find(request.method, request.path);
 *     st = dialect_read(dialect, reader, &request, &batch, &reply, err);
 *
 * Every dialect says the same thing in other words; what one event said becomes one of ours in one
 * place (docs/formats/dialects.md). An event that is none is set aside in the reply with its reason
 * and its bytes; the others of its batch are kept. The caller stores the batch and only then sends
 * the reply.
 */
#ifndef KAIROS_COLLECT_DIALECT_H
#define KAIROS_COLLECT_DIALECT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "table/event.h"

/* An id that was made of what an event says begins with this: whoever stores it hides it first. */
#define DIALECT_MADE_ID "made:"

enum { DIALECT_KEY_BYTES = 128 };

struct dialect; /* static */

struct dialect_header {
    struct slice name, value;
};

/* All borrowed. */
struct dialect_request {
    struct slice method, path, query; /* query: behind '?', as it came */
    const struct dialect_header *headers;
    int32_t header_count;
    struct slice body; /* unpacked */
    int64_t received_us;
};

/* An event that was set aside. */
struct dialect_bad {
    const char *reason; /* static */
    struct slice raw;   /* its JSON; in the reply's arena */
};

struct dialect_reply {
    int32_t http_status;
    const char *content_type; /* static */
    struct buf body;
    char write_key[DIALECT_KEY_BYTES]; /* "" where none came; one that stands here stays */
    int64_t events;                    /* taken: a batch may hold more, one for each item */
    struct dialect_bad *bad;           /* owned; (refused) */
    int64_t refused, bad_capacity;
    struct arena arena;
};

void dialect_reply_init(struct dialect_reply *reply);
void dialect_reply_release(struct dialect_reply *reply);

struct dialect_reader; /* a parser and scratch, used again and again. One thread at a time */
KAI_MUST_CHECK kai_status dialect_reader_new(struct dialect_reader **ret_reader, kai_err *err);
void dialect_reader_free(struct dialect_reader *reader);

/* Who speaks this path: "segment", "posthog" ...; NULL where nobody does. */
const struct dialect *dialect_find(struct slice method, struct slice path);
const char *dialect_name(const struct dialect *dialect);
/* Read one request. Fails: KAI_INVALID (the body is not what the dialect speaks: 400), KAI_LIMIT
 * (too large), KAI_NO_MEMORY; batch and reply are then not to be used, but for the key. */
KAI_MUST_CHECK kai_status dialect_read(const struct dialect *dialect, struct dialect_reader *reader,
                                       const struct dialect_request *request,
                                       struct event_batch *batch, struct dialect_reply *reply,
                                       kai_err *err);
/* A request that brings one event that was set aside once more: `name` is the dialect's, `raw` the
 * event's JSON. Gives: method, path, headers and body of *ret_request, which borrows *body. Fails:
 * KAI_UNSUPPORTED (a dialect whose events stand for nothing alone), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status dialect_wrap(struct slice name, struct slice raw, struct buf *body,
                                       struct dialect_request *ret_request, kai_err *err);

#endif
