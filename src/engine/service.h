/* A workspace that answers requests: the inside of kairos/service.h.
 *
 * Many threads read requests at once (collect/dialect.h); one at a time goes through the doorway;
 * then each waits for the commit that makes what it brought durable, and only then is it answered.
 */
#ifndef KAIROS_ENGINE_SERVICE_H
#define KAIROS_ENGINE_SERVICE_H

#include <kairos/service.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/caps.h"
#include "collect/dialect.h"
#include "engine/gate.h"
#include "engine/pace.h"
#include "engine/quarantine.h"
#include "govern/access.h"

enum service_count {
    SERVICE_REQUESTS,    /* answered */
    SERVICE_REFUSED,     /* of them, with a status of 400 or more */
    SERVICE_EVENTS,      /* acknowledged */
    SERVICE_QUARANTINED, /* set aside with their reason */
    SERVICE_BYTES,       /* of bodies, unpacked */
    SERVICE_COMMITS,
    SERVICE_ROBOTS, /* flagged by their pace */
    SERVICE_COUNTS
};

struct kai_service {
    char *workspace;       /* owned */
    struct gate gate;      /* around all that answers: shut while another process writes */
    struct doorway *door;  /* owned; behind `lock`; NULL while another process writes */
    struct access *access; /* owned */
    pthread_mutex_t lock;
    struct dialect_reader *readers[CAPS_HTTP_WORKERS]; /* owned; those that nobody uses */
    int32_t reader_count;
    pthread_mutex_t reader_lock;
    atomic_llong counts[SERVICE_COUNTS];
    int64_t quarantine_rows;     /* behind `lock` */
    struct pace *pace;           /* owned; behind `lock` */
    struct filter_report report; /* of doors that are closed; behind `lock` */
    atomic_int is_failing;       /* the last commit failed: not ready */
};

/* One request on its way. */
struct visit {
    const kai_request *request;
    const struct dialect *dialect; /* static; NULL where no dialect speaks this path */
    struct dialect_request asked;
    struct dialect_reply reply;
    struct event_batch batch;
    struct buf body, path; /* unpacked; without the key in front */
    kai_status status;     /* of the request itself */
    kai_err err;
    int64_t wait_us; /* KAI_LIMIT: when to come back */
    int64_t body_bytes;
    int is_too_large; /* KAI_LIMIT: for ever */
};

/* Read one request up to its events; what fails stands in the visit. Threads: any, each with its
 * own reader. */
void visit_read(kai_service *service, struct dialect_reader *reader, const kai_request *request,
                struct visit *visit);
void visit_release(struct visit *visit);
/* The answer to a visit whose events are durable, or whose status says why not. */
void visit_answer(kai_service *service, struct visit *visit, kai_answer *ret_answer);

#endif
