/* HTTP on a socket: whole requests in, answers out. The one file behind this header knows the HTTP
 * library (libmicrohttpd: epoll, threads of its own that only move bytes).
 *
 * A request that is complete is handed to `take` on an I/O thread; its connection sleeps until
 * exchange_answer wakes it from any thread. `take` must not wait. Bounded: connections, the bytes
 * of headers and bodies, the time that a connection may be silent.
 */
#ifndef KAIROS_SERVE_TRANSPORT_H
#define KAIROS_SERVE_TRANSPORT_H

#include <kairos/service.h>

struct transport;

/* One request on its way to its answer. */
struct exchange {
    kai_request request;   /* `headers` and all texts live as long as the exchange */
    kai_answer answer;     /* owned; the body goes out with the connection */
    double arrived;        /* clock_seconds, when its first line had come */
    struct exchange *next; /* for whoever holds it */
};

/* Take a whole request. 1: exchange_answer will be called, once; 0: the answer is in the exchange
 * already. */
typedef int (*transport_take_fn)(void *user, struct exchange *exchange);

struct transport_options {
    const char *address; /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;       /* 0 = a free one */
    int32_t io_threads;
    int64_t connections;
    int64_t body_bytes;
    double timeout_s;
    const char *tls_certificate, *tls_key; /* PEM texts; NULL = plain */
    transport_take_fn take;
    void *user;
};

/* Fails: KAI_INVALID (an address or certificate that is none), KAI_IO (the port is taken). */
KAI_MUST_CHECK kai_status transport_open(const struct transport_options *options,
                                         struct transport **ret_transport, kai_err *err);
uint16_t transport_port(const struct transport *transport);
/* Connections that are open now, and requests among them whose answer is not out. */
int64_t transport_connections(struct transport *transport);
int64_t transport_live(struct transport *transport);
/* Take no new connections. Requests that have begun go on. */
void transport_quiesce(struct transport *transport);
/* All exchanges must be answered. Accepts NULL. */
void transport_close(struct transport *transport);
/* The answer is in the exchange, which belongs to the transport from here on. */
void exchange_answer(struct exchange *exchange);

#endif
