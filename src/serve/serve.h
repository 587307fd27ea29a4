/* Carry requests to the public API and answers back; bounded everywhere.
 *
 * What goes in: a service (kairos/service.h) and where to listen. What comes out: HTTP. I/O threads
 * only move bytes; whole requests wait in a bounded queue, from which workers take them in groups,
 * so that many share one durable commit; a full queue answers at once with 429 and Retry-After.
 * This room answers GET /metrics beside the service: connections, queue, times. What requests mean
 * is not its business.
 */
#ifndef KAIROS_SERVE_SERVE_H
#define KAIROS_SERVE_SERVE_H

#include <kairos/service.h>

/* A kai_carry_fn: say on stderr where it listens, and serve until `progress` cancels; then finish
 * what has begun. Progress is told how many requests are answered. Fails: KAI_INVALID (address,
 * certificate), KAI_DENIED (no keys, and other machines may reach it), KAI_IO. */
int32_t serve_carry(kai_service *service, const kai_serve_options *options,
                    kai_progress_fn progress, void *progress_user, kai_err *err);

#endif
