/* Requests in, answers out: what a server carries. The library opens no socket; the command does. */
#ifndef KAIROS_SERVICE_H
#define KAIROS_SERVICE_H

#include <kairos/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kai_service kai_service;

typedef struct kai_header {
    const char *name; /* any case */
    const char *value;
} kai_header;

/* One request as it came; all borrowed. */
typedef struct kai_request {
    uint32_t struct_size;
    const char *method; /* "GET", "POST" ... */
    const char *path;   /* "/v1/batch", decoded */
    const char *query;  /* what stands behind '?', as it came; "" */
    const kai_header *headers;
    int64_t header_count;
    const char *body; /* packed where content-encoding says so */
    int64_t body_bytes;
} kai_request;

/* One answer. */
typedef struct kai_answer {
    int32_t http_status;
    const char *content_type; /* static */
    int64_t retry_after_s;    /* 0 = do not say */
    kai_buf body;             /* released by the caller */
} kai_answer;

/* How a service is carried: bytes from outside to kai_service_answer and back, until `stop` asks
 * for the end. The command brings the carrier; other programs may bring theirs. */
typedef struct kai_serve_options kai_serve_options;
typedef int32_t (*kai_carry_fn)(kai_service *service, const kai_serve_options *options,
                                kai_progress_fn progress, void *progress_user, kai_err *err);

struct kai_serve_options {
    uint32_t struct_size;
    kai_common_options common;
    const char *listen; /* "127.0.0.1:8787"; port 0 takes a free one */
    int32_t open;       /* without API keys, also beyond this machine */
    const char *tls_certificate;
    const char *tls_key;
    int64_t queue;       /* requests that may wait */
    int64_t connections; /* at once */
    int64_t body_bytes;  /* of one request, as it comes */
    double timeout;      /* seconds a silent connection is kept */
    kai_carry_fn carry;  /* set by the program; no option of the command */
};

/* Open a workspace for requests: its store, for writing, and its keys.
 *
 * Gives:    *ret_service; close with kai_service_close().
 * Fails:    KAI_NOT_FOUND (no workspace), KAI_STATE (another process writes it), KAI_DENIED,
 *           KAI_CORRUPT, KAI_IO.
 */
KAI_API int32_t kai_service_open(const char *workspace, kai_service **ret_service, kai_err *err);
/* Accepts NULL. What was answered is kept. */
KAI_API void kai_service_close(kai_service *service);
/* Let another process write the workspace where one waits for it (`kairos forget`, `key new`,
 * `collect` ... beside a server), and take it back when that is over, with the keys and consents
 * that are in force then. Meanwhile requests wait. To be called some times a second.
 * Threads:  one. */
KAI_API void kai_service_tend(kai_service *service);
/* Nobody tends it any more: requests that wait for another process are turned away.
 * Threads:  the same one. */
KAI_API void kai_service_end(kai_service *service);
/* Are there API keys in force? Without any, every request may write. */
KAI_API int32_t kai_service_has_keys(const kai_service *service);
/* Answer requests; what they bring is durable, together, before this returns.
 *
 * Gives:    answers[i] to requests[i], failures too, as HTTP status and body.
 * Fails:    KAI_INVALID (struct_size).
 * Threads:  any number at once.
 * Cost:     one commit for all of them.
 */
KAI_API int32_t kai_service_answer(kai_service *service, const kai_request *const *requests,
                                   int64_t count, kai_answer *answers, kai_err *err);
/* Append the counters in the text format of Prometheus.
 * Gives:    *ret_text.
 * Threads:  any. */
KAI_API int32_t kai_service_metrics(kai_service *service, kai_buf *ret_text, kai_err *err);

/* Open the service of a workspace and have it carried until it is told to stop. */
KAI_API int32_t kai_engine_serve(kai_engine *engine, const kai_serve_options *options,
                                 kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

#ifdef __cplusplus
}
#endif
#endif
