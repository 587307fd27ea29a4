/* The bounded queue between the I/O threads and the workers. Private to serve/. */
#ifndef KAIROS_SERVE_WAITING_H
#define KAIROS_SERVE_WAITING_H

#include "serve/transport.h"

struct waiting;

KAI_MUST_CHECK kai_status waiting_new(int64_t capacity, struct waiting **ret_waiting, kai_err *err);
/* Must be empty. Accepts NULL. */
void waiting_free(struct waiting *waiting);
/* 1 where there was room. Threads: any. */
int waiting_push(struct waiting *waiting, struct exchange *exchange);
/* Up to `capacity` exchanges in the order they came; waits for the first. 0 once it is closed and
 * empty. Threads: any. */
int64_t waiting_take(struct waiting *waiting, struct exchange **ret_exchanges, int64_t capacity);
/* Wake everybody; nothing more goes in. */
void waiting_close(struct waiting *waiting);
int64_t waiting_count(struct waiting *waiting);

#endif
