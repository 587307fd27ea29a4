/* The only file that knows libmicrohttpd (0.9.75). */
#include "serve/transport.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/text.h"

enum { PREFLIGHT_SECONDS = 86400, BACKLOG = 1024, SPARE_DESCRIPTORS = 128, DRAIN_BYTES = 64 << 20 };

struct transport {
    struct MHD_Daemon *daemon; /* owned */
    struct transport_options options;
    char *certificate, *key; /* owned; the library may look at them as long as it runs */
    MHD_socket listener;     /* of a daemon that takes no more */
    atomic_llong live;       /* requests whose answer is not out */
    atomic_llong held_bytes; /* of bodies, of all connections */
};

/* An exchange and what carries it; `exchange` stands first. */
struct carried {
    struct exchange exchange;
    struct transport *transport;
    struct MHD_Connection *connection;
    struct arena arena; /* headers, query */
    struct buf body;
    char *path; /* owned */
    int is_begun, is_taken;
    int32_t refusal; /* HTTP status, once the body will not be kept */
};

static struct carried *carried_of(struct exchange *exchange) { return (struct carried *)exchange; }

/* ---- a request comes in ---- */

/* The query as it came: the library decodes it before anybody else sees it. */
static void *begin_request(void *user, const char *uri, struct MHD_Connection *connection) {
    struct transport *transport = user;
    struct carried *carried = mem_zero(1, sizeof *carried);
    (void)connection;
    if (!carried) return NULL;
    const char *query = strchr(uri, '?');
    atomic_fetch_add(&transport->live, 1);
    carried->transport = transport;
    carried->exchange.arrived = clock_seconds();
    carried->exchange.request.struct_size = sizeof carried->exchange.request;
    arena_init(&carried->arena);
    buf_init(&carried->body, (size_t)transport->options.body_bytes);
    carried->exchange.request.query = arena_string(&carried->arena, query ? query + 1 : "");
    return carried;
}

static void end_request(void *user, struct MHD_Connection *connection, void **closure,
                        enum MHD_RequestTerminationCode code) {
    struct carried *carried = *closure;
    struct transport *transport = user;
    (void)connection;
    (void)code;
    if (!carried) return;
    atomic_fetch_sub(&transport->live, 1);
    atomic_fetch_sub(&transport->held_bytes, (long long)carried->body.capacity);
    kai_buf_release(&carried->exchange.answer.body);
    buf_release(&carried->body);
    arena_release(&carried->arena);
    mem_free(carried->path);
    mem_free(carried);
    *closure = NULL;
}

struct gathering {
    struct carried *carried;
    kai_header *headers;
    int64_t count, capacity;
    int is_short;
};

static enum MHD_Result count_header(void *user, enum MHD_ValueKind kind, const char *name,
                                    const char *value) {
    struct gathering *gathering = user;
    (void)kind;
    (void)name;
    (void)value;
    gathering->capacity++;
    return MHD_YES;
}

/* Names and values live in the connection's memory until the request ends. */
static enum MHD_Result gather_header(void *user, enum MHD_ValueKind kind, const char *name,
                                     const char *value) {
    struct gathering *gathering = user;
    (void)kind;
    if (gathering->count == gathering->capacity) return MHD_NO;
    gathering->headers[gathering->count++] = (kai_header){name, value ? value : ""};
    return MHD_YES;
}

static int gather_request(struct carried *carried, const char *method) {
    struct gathering gathering = {.carried = carried};
    kai_request *request = &carried->exchange.request;
    (void)MHD_get_connection_values(carried->connection, MHD_HEADER_KIND, count_header, &gathering);
    gathering.headers =
        arena_alloc(&carried->arena, (size_t)gathering.capacity + 1, sizeof *gathering.headers);
    if (!gathering.headers || !request->query) return 0;
    (void)MHD_get_connection_values(carried->connection, MHD_HEADER_KIND, gather_header,
                                    &gathering);
    request->method = method;
    request->path = carried->path;
    request->headers = gathering.headers;
    request->header_count = gathering.count;
    request->body = carried->body.data ? carried->body.data : "";
    request->body_bytes = (int64_t)carried->body.size;
    return 1;
}

/* ---- an answer goes out ---- */

static const char *header_of(const struct carried *carried, const char *name) {
    return MHD_lookup_connection_value(carried->connection, MHD_HEADER_KIND, name);
}

static int add_header(struct MHD_Response *response, const char *name, const char *value) {
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* Any page may send: keys are the fence, not origins, and there are no cookies. */
static int allow_origin(const struct carried *carried, struct MHD_Response *response) {
    const char *origin = header_of(carried, "Origin");
    const char *wanted = header_of(carried, "Access-Control-Request-Headers");
    char seconds[16];
    (void)snprintf(seconds, sizeof seconds, "%d", PREFLIGHT_SECONDS);
    if (!origin) return 1;
    int is_added = add_header(response, "Access-Control-Allow-Origin", origin) &&
                   add_header(response, "Access-Control-Allow-Credentials", "true") &&
                   add_header(response, "Vary", "Origin");
    if (!is_added || strcmp(carried->exchange.request.method, "OPTIONS") != 0) return is_added;
    return add_header(response, "Access-Control-Allow-Methods", "GET, POST, OPTIONS") &&
           add_header(response, "Access-Control-Max-Age", seconds) &&
           (!wanted || add_header(response, "Access-Control-Allow-Headers", wanted));
}

static enum MHD_Result send_answer(struct carried *carried) {
    kai_answer *answer = &carried->exchange.answer;
    char wait[24];
    struct MHD_Response *response = MHD_create_response_from_buffer(
        (size_t)answer->body.size, answer->body.data, MHD_RESPMEM_PERSISTENT);
    if (!response) return MHD_NO;
    int is_built = allow_origin(carried, response);
    if (is_built && answer->content_type)
        is_built = add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
    if (is_built && answer->retry_after_s > 0) {
        (void)snprintf(wait, sizeof wait, "%lld", (long long)answer->retry_after_s);
        is_built = add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, wait);
    }
    enum MHD_Result result =
        is_built ? MHD_queue_response(carried->connection, (unsigned)answer->http_status, response)
                 : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

static void refuse(struct carried *carried, int32_t http_status) {
    carried->exchange.answer.http_status = http_status;
    if (http_status == kai_status_http(KAI_LIMIT)) carried->exchange.answer.retry_after_s = 1;
    carried->is_taken = 1;
}

/* ---- the library's callbacks ---- */

/* A body that will be too large is read and thrown away, for most clients do not listen before they
 * have sent all; one beyond all reason is cut off at once. */
static enum MHD_Result begin_body(struct carried *carried, struct MHD_Connection *connection,
                                  const char *method, const char *path) {
    int64_t bytes = 0;
    carried->is_begun = 1;
    carried->connection = connection;
    carried->path = mem_string(path);
    carried->exchange.request.method = method;
    if (!carried->path) return MHD_NO;
    const char *length = header_of(carried, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (!length || !text_parse_i64(slice_of(length), &bytes) ||
        bytes <= carried->transport->options.body_bytes)
        return MHD_YES;
    carried->refusal = MHD_HTTP_CONTENT_TOO_LARGE;
    if (bytes <= DRAIN_BYTES) return MHD_YES;
    refuse(carried, carried->refusal);
    return send_answer(carried);
}

/* What is not kept is read and thrown away, so that the client hears why. */
static void take_body(struct carried *carried, const char *bytes, size_t n) {
    struct transport *transport = carried->transport;
    struct buf *body = &carried->body;
    size_t had = body->capacity;
    if (carried->refusal) return;
    if (buf_append(body, bytes, n, NULL)) {
        carried->refusal =
            body->size + n > body->max ? MHD_HTTP_CONTENT_TOO_LARGE : MHD_HTTP_SERVICE_UNAVAILABLE;
        return;
    }
    long long held = (long long)(body->capacity - had);
    held += atomic_fetch_add(&transport->held_bytes, held);
    if (held <= CAPS_HTTP_HELD_BYTES) return;
    carried->refusal = kai_status_http(KAI_LIMIT);
    atomic_fetch_sub(&transport->held_bytes, (long long)body->capacity);
    buf_release(body);
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **closure) {
    struct transport *transport = user;
    struct carried *carried = *closure;
    (void)version;
    if (!carried) return MHD_NO;
    if (!carried->is_begun) return begin_body(carried, connection, method, path);
    if (*upload_size) {
        take_body(carried, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (carried->is_taken) return send_answer(carried);
    if (carried->refusal)
        refuse(carried, carried->refusal);
    else if (!gather_request(carried, method))
        refuse(carried, MHD_HTTP_SERVICE_UNAVAILABLE);
    if (carried->is_taken) return send_answer(carried);
    carried->is_taken = 1;
    MHD_suspend_connection(connection); /* before anybody can answer */
    if (!transport->options.take(transport->options.user, &carried->exchange))
        MHD_resume_connection(connection);
    return MHD_YES;
}

void exchange_answer(struct exchange *exchange) {
    MHD_resume_connection(carried_of(exchange)->connection);
}

/* ---- the socket ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static kai_status parse_address(const struct transport_options *options, union address *ret_address,
                                int *ret_is_v6, kai_err *err) {
    union address address = {0};
    int is_v6 = strchr(options->address, ':') != NULL;
    if (is_v6) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(options->port);
    } else {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(options->port);
    }
    void *binary = is_v6 ? (void *)&address.v6.sin6_addr : (void *)&address.v4.sin_addr;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, options->address, binary) != 1)
        return err_set(err, KAI_INVALID, "'%.80s' is no IP address", options->address);
    *ret_address = address;
    *ret_is_v6 = is_v6;
    return KAI_OK;
}

/* What is told to the library only for TLS. */
static void set_tls(struct transport *transport, struct MHD_OptionItem items[3]) {
    int is_tls = transport->certificate != NULL;
    const struct MHD_OptionItem end = {MHD_OPTION_END, 0, NULL};
    items[0] = is_tls
                   ? (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, transport->certificate}
                   : end;
    items[1] = is_tls ? (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, transport->key} : end;
    items[2] = end;
}

static kai_status start_daemon(struct transport *transport, union address *address, int is_v6,
                               kai_err *err) {
    const struct transport_options *options = &transport->options;
    unsigned timeout = options->timeout_s < 1 ? 1 : (unsigned)options->timeout_s; /* 0 = for ever */
    int is_pool = options->io_threads > 1; /* the library takes no pool of one */
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_OptionItem tls[3];
    set_tls(transport, tls);
    if (is_v6) flags |= MHD_USE_IPv6;
    if (transport->certificate) flags |= MHD_USE_TLS;
    transport->daemon = MHD_start_daemon(
        flags, options->port, NULL, NULL, on_request, transport, MHD_OPTION_SOCK_ADDR,
        &address->any, MHD_OPTION_URI_LOG_CALLBACK, begin_request, transport,
        MHD_OPTION_NOTIFY_COMPLETED, end_request, transport, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->connections, MHD_OPTION_CONNECTION_TIMEOUT, timeout,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CAPS_HTTP_HEADER_BYTES,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)BACKLOG, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
        MHD_OPTION_ARRAY, tls, is_pool ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END,
        (unsigned)options->io_threads, MHD_OPTION_END);
    if (transport->daemon) return KAI_OK;
    return err_set(
        err, KAI_IO, "%s port %u: cannot listen: is the port taken%s?", options->address,
        options->port,
        transport->certificate ? ", or the certificate and key no pair of PEM texts" : "");
}

static kai_status keep_tls(struct transport *transport, kai_err *err) {
    const struct transport_options *options = &transport->options;
    if (!options->tls_certificate) return KAI_OK;
    transport->certificate = mem_string(options->tls_certificate);
    transport->key = mem_string(options->tls_key);
    return transport->certificate && transport->key ? KAI_OK : err_memory(err, 1);
}

/* A descriptor for each connection, as far as the system allows. */
static void raise_descriptors(int64_t connections) {
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections + SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* fewer connections then: the library copes */
}

kai_status transport_open(const struct transport_options *options, struct transport **ret_transport,
                          kai_err *err) {
    struct transport *transport = mem_zero(1, sizeof *transport);
    union address address;
    int is_v6 = 0;
    if (!transport) return err_memory(err, sizeof *transport);
    transport->options = *options;
    transport->listener = MHD_INVALID_SOCKET;
    atomic_init(&transport->live, 0);
    atomic_init(&transport->held_bytes, 0);
    kai_status st = parse_address(options, &address, &is_v6, err);
    if (!st) st = keep_tls(transport, err);
    raise_descriptors(options->connections);
    if (!st) st = start_daemon(transport, &address, is_v6, err);
    if (st)
        transport_close(transport);
    else
        *ret_transport = transport;
    return st;
}

uint16_t transport_port(const struct transport *transport) {
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(transport->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : transport->options.port;
}

int64_t transport_connections(struct transport *transport) {
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(transport->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info ? (int64_t)info->num_connections : 0;
}

void transport_quiesce(struct transport *transport) {
    transport->listener = MHD_quiesce_daemon(transport->daemon);
}

int64_t transport_live(struct transport *transport) { return atomic_load(&transport->live); }

void transport_close(struct transport *transport) {
    if (!transport) return;
    if (transport->daemon) MHD_stop_daemon(transport->daemon);
    if (transport->listener != MHD_INVALID_SOCKET) (void)close(transport->listener); /* was ours */
    mem_free(transport->certificate);
    mem_free(transport->key);
    mem_free(transport);
}
