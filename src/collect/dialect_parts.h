/* What the dialects share. Private to collect/. */
#ifndef KAIROS_COLLECT_DIALECT_PARTS_H
#define KAIROS_COLLECT_DIALECT_PARTS_H

#include "base/caps.h"
#include "collect/dialect.h"
#include "collect/json_fast.h"

enum {
    DIALECT_EVENT_BYTES = 32 << 10,  /* one event, as Segment bounds it */
    DIALECT_BATCH_BYTES = 500 << 10, /* one batch, as Segment bounds it */
    DIALECT_ITEMS = 1000,            /* products of one order */
};

struct dialect_reader {
    struct fast_json *json; /* owned */
    struct arena arena;     /* of one request */
    struct buf text;
};

/* One request being read. */
struct reading {
    struct dialect_reader *reader;
    const struct dialect_request *request;
    struct event_batch *batch;
    struct dialect_reply *reply;
};

typedef kai_status (*dialect_fn)(struct reading *reading, kai_err *err);

/* Where the path of a dialect ends in '/', all below it is meant. */
struct dialect {
    const char *name, *method, *path;
    dialect_fn read;
};

kai_status read_segment(struct reading *reading, kai_err *err);
kai_status read_segment_pixel(struct reading *reading, kai_err *err);
kai_status read_jitsu(struct reading *reading, kai_err *err);
kai_status read_posthog(struct reading *reading, kai_err *err);
kai_status read_posthog_flags(struct reading *reading, kai_err *err);
kai_status read_amplitude(struct reading *reading, kai_err *err);
kai_status read_ga4(struct reading *reading, kai_err *err);
kai_status read_ga4_debug(struct reading *reading, kai_err *err);
kai_status read_snowplow(struct reading *reading, kai_err *err);
kai_status read_snowplow_pixel(struct reading *reading, kai_err *err);
kai_status read_matomo(struct reading *reading, kai_err *err);
kai_status read_cloudevents(struct reading *reading, kai_err *err);
kai_status read_pixel(struct reading *reading, kai_err *err);
kai_status read_beacon(struct reading *reading, kai_err *err);

/* What one event said, in any dialect. Texts are borrowed. */
struct said {
    struct fast_value raw; /* the whole event, for the quarantine */
    struct slice id, customer, anonymous;
    struct slice type; /* the dialect's name of what happened */
    struct slice name; /* of a page, screen or group; kept within the properties */
    struct slice session, channel, campaign;
    struct slice agent, url, referrer;
    int64_t time_us; /* by the client's clock; 0 = not said */
    int64_t sent_us; /* when the client sent it, by its clock; 0 = not said */
    struct fast_value properties;
    struct fast_value context; /* kept within the properties under "context" */
    struct fast_value traits;  /* the same, "traits" */
    struct slice previous;     /* an alias: the earlier id */
};

/* Turn what was said into events of ours, or set it aside. */
KAI_MUST_CHECK kai_status said_take(struct reading *reading, const struct said *said, kai_err *err);
KAI_MUST_CHECK kai_status said_refuse(struct reading *reading, const char *reason,
                                      struct fast_value raw, kai_err *err);

/* The body as JSON. Fails: KAI_INVALID, KAI_LIMIT (beyond max_bytes). */
KAI_MUST_CHECK kai_status reading_body(struct reading *reading, size_t max_bytes,
                                       struct fast_value *ret_root, kai_err *err);
/* A document that was made of other things. */
KAI_MUST_CHECK kai_status reading_parse(struct reading *reading, struct slice text,
                                        struct fast_value *ret_root, kai_err *err);
/* Keep a key, unless one came earlier. */
void reading_key(struct reading *reading, struct slice key);
struct slice reading_header(const struct reading *reading, const char *name);
/* A member of the query, decoded; empty where it is missing. */
KAI_MUST_CHECK kai_status reading_query(struct reading *reading, const char *name,
                                        struct slice *ret_value, kai_err *err);
KAI_MUST_CHECK kai_status reading_reply(struct reading *reading, const char *text, kai_err *err);
/* The smallest GIF there is: one transparent pixel. */
KAI_MUST_CHECK kai_status reading_reply_gif(struct reading *reading, kai_err *err);

/* A text or a number as words; empty for anything else. */
KAI_MUST_CHECK kai_status words_of(struct reading *reading, struct fast_value value,
                                   struct slice *ret_words, kai_err *err);
/* The first of some members (NULL at the end) that is a text or a number. */
KAI_MUST_CHECK kai_status words_at(struct reading *reading, struct fast_value object,
                                   const char *const *keys, struct slice *ret_words, kai_err *err);
/* The first of some members that is a number, or a text that reads as one ("19.90"); else NaN. */
double number_at(struct fast_value object, const char *const *keys);
/* ISO 8601, or a number of seconds, milliseconds or microseconds by its size. */
int moment_of(struct fast_value value, int64_t *ret_us);
struct slice text_at(struct fast_value object, const char *key);

#define KEYS_OF(...) ((const char *const[]){__VA_ARGS__, NULL})

/* "a=1&b=%20": one pair after another, decoded into the arena. 1 while there is one. */
struct query_walk {
    struct slice rest;
    struct slice name, value;
};
KAI_MUST_CHECK kai_status query_next(struct query_walk *walk, struct arena *arena, int *ret_is_one,
                                     kai_err *err);
/* A query as a JSON object of texts, appended. */
KAI_MUST_CHECK kai_status query_print(struct slice query, struct arena *arena, struct buf *out,
                                      kai_err *err);
/* "%E5%BC%A0" as bytes; what is not coded stays. */
KAI_MUST_CHECK kai_status percent_read(struct slice text, int plus_is_blank, struct arena *arena,
                                       struct slice *ret_text, kai_err *err);
/* Base64 or base64url, with or without padding, appended. Fails: KAI_INVALID. */
KAI_MUST_CHECK kai_status base64_read(struct slice text, struct buf *out, kai_err *err);

#endif
