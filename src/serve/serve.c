#include "serve/serve.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "serve/listen.h"
#include "serve/waiting.h"

enum {
    IO_THREADS = 2,
    WATCH_NS = 50000000, /* how often the end is asked for */
    BUCKETS = 10,
    METRICS_BYTES = 1 << 20,
    RETRY_SECONDS = 1,
    PEM_BYTES = 1 << 20,
    DRAIN_SECONDS = 10,
};

/* Upper bounds of the histogram of answer times, seconds. */
static const double BOUNDS[BUCKETS] = {.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5};

struct server {
    kai_service *service;
    const kai_serve_options *options;
    struct transport *transport; /* owned */
    struct waiting *waiting;     /* owned */
    struct pool *pool;           /* owned */
    kai_progress_fn progress;
    void *progress_user;
    atomic_llong answered, turned_away, buckets[BUCKETS + 1], microseconds;
};

/* ---- answers that need no service ---- */

static void answer_now(struct exchange *exchange, int32_t http_status) {
    exchange->answer.http_status = http_status;
    exchange->answer.content_type = "text/plain; charset=utf-8";
}

static void turn_away(struct server *server, struct exchange *exchange) {
    atomic_fetch_add(&server->turned_away, 1);
    answer_now(exchange, kai_status_http(KAI_LIMIT));
    exchange->answer.retry_after_s = RETRY_SECONDS;
}

static kai_status print_counter(struct buf *out, const char *name, const char *kind,
                                const char *help, int64_t value, kai_err *err) {
    return buf_printf(out, err, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, kind,
                      name, (long long)value);
}

static kai_status print_times(struct server *server, struct buf *out, kai_err *err) {
    const char *name = "kairos_http_answer_seconds";
    int64_t sum = 0;
    kai_status st = buf_printf(out, err,
                               "# HELP %s from the first line of a request to its answer\n"
                               "# TYPE %s histogram\n",
                               name, name);
    for (int b = 0; !st && b < BUCKETS; b++) {
        sum += atomic_load(&server->buckets[b]);
        st = buf_printf(out, err, "%s_bucket{le=\"%g\"} %lld\n", name, BOUNDS[b], (long long)sum);
    }
    sum += atomic_load(&server->buckets[BUCKETS]);
    if (st) return st;
    return buf_printf(out, err, "%s_bucket{le=\"+Inf\"} %lld\n%s_sum %.6f\n%s_count %lld\n", name,
                      (long long)sum, name, (double)atomic_load(&server->microseconds) / 1e6, name,
                      (long long)sum);
}

static kai_status print_metrics(struct server *server, struct buf *out, kai_err *err) {
    kai_buf counted = {0};
    kai_status st = kai_service_metrics(server->service, &counted, err);
    if (!st) st = buf_append(out, counted.data, (size_t)counted.size, err);
    kai_buf_release(&counted);
    if (!st)
        st = print_counter(out, "kairos_http_connections", "gauge", "connections that are open",
                           transport_connections(server->transport), err);
    if (!st)
        st = print_counter(out, "kairos_http_waiting", "gauge", "requests in the queue",
                           waiting_count(server->waiting), err);
    if (!st)
        st = print_counter(out, "kairos_http_turned_away_total", "counter",
                           "requests told to come back because the queue was full",
                           atomic_load(&server->turned_away), err);
    return st ? st : print_times(server, out, err);
}

static void answer_metrics(struct server *server, struct exchange *exchange) {
    struct buf out;
    buf_init(&out, METRICS_BYTES);
    kai_status st = print_metrics(server, &out, NULL);
    answer_now(exchange, kai_status_http(st));
    if (st) {
        buf_release(&out);
        return;
    }
    exchange->answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    exchange->answer.body = (kai_buf){out.data, (int64_t)out.size}; /* moves */
}

/* ---- requests ---- */

/* On an I/O thread: what can be answered here is, all else waits for a worker. */
static int take(void *user, struct exchange *exchange) {
    struct server *server = user;
    const kai_request *request = &exchange->request;
    if (strcmp(request->method, "OPTIONS") == 0) {
        answer_now(exchange, 204);
    } else if (strcmp(request->path, "/healthz") == 0) {
        answer_now(exchange, kai_status_http(KAI_OK));
    } else if (waiting_push(server->waiting, exchange)) {
        return 1;
    } else {
        turn_away(server, exchange);
    }
    return 0;
}

static void note_time(struct server *server, double seconds) {
    int b = 0;
    while (b < BUCKETS && seconds > BOUNDS[b]) b++;
    atomic_fetch_add(&server->buckets[b], 1);
    atomic_fetch_add(&server->microseconds, (long long)(seconds * 1e6));
    atomic_fetch_add(&server->answered, 1);
}

/* A group shares one commit. */
static kai_status answer_group(struct server *server, struct exchange **group, int64_t count,
                               kai_err *err) {
    const kai_request *requests[CAPS_HTTP_GROUP];
    kai_answer answers[CAPS_HTTP_GROUP] = {{0}};
    int64_t asked = 0, place[CAPS_HTTP_GROUP];
    for (int64_t i = 0; i < count; i++) {
        place[i] = -1;
        if (strcmp(group[i]->request.path, "/metrics") == 0) {
            answer_metrics(server, group[i]);
        } else {
            place[i] = asked;
            requests[asked++] = &group[i]->request;
        }
    }
    kai_status st =
        asked ? kai_service_answer(server->service, requests, asked, answers, err) : KAI_OK;
    double now = clock_seconds();
    for (int64_t i = 0; i < count; i++) {
        if (place[i] >= 0) group[i]->answer = answers[place[i]];
        if (place[i] >= 0 && st) answer_now(group[i], kai_status_http(st));
        note_time(server, now - group[i]->arrived);
        exchange_answer(group[i]);
    }
    return st;
}

static kai_status work(struct server *server, kai_err *err) {
    struct exchange *group[CAPS_HTTP_GROUP];
    int64_t count;
    kai_status st = KAI_OK;
    while ((count = waiting_take(server->waiting, group, CAPS_HTTP_GROUP)) > 0 && !st)
        st = answer_group(server, group, count, err);
    return st;
}

/* ---- life ---- */

static void rest(void) {
    const struct timespec nap = {0, WATCH_NS};
    (void)nanosleep(&nap, NULL); /* woken early is as good */
}

/* Wait for the end, then let what has begun end. */
static void watch(struct server *server) {
    while (!server->progress || server->progress(server->progress_user, "serving",
                                                 atomic_load(&server->answered), 0) == 0) {
        kai_service_tend(server->service);
        rest();
    }
    kai_service_end(server->service);
    transport_quiesce(server->transport);
    double last = clock_seconds() + DRAIN_SECONDS;
    while (transport_live(server->transport) > 0 && clock_seconds() < last) rest();
    waiting_close(server->waiting);
}

/* The caller's thread, worker 0 of the pool, watches; the others work. */
static kai_status run_one(void *user, int64_t item, int32_t worker, kai_err *err) {
    struct server *server = user;
    (void)item;
    if (worker > 0) return work(server, err);
    watch(server);
    return KAI_OK;
}

static kai_status read_pem(const char *path, struct buf *out, kai_err *err) {
    return path ? file_read_all(path, PEM_BYTES, out, err) : KAI_OK;
}

static void say_where(const struct server *server, const struct listen_address *address) {
    const kai_serve_options *options = server->options;
    int is_v6 = strchr(address->host, ':') != NULL;
    (void)fprintf(stderr, "listening on http%s://%s%s%s:%u%s\n", options->tls_key ? "s" : "",
                  is_v6 ? "[" : "", address->host, is_v6 ? "]" : "",
                  transport_port(server->transport),
                  kai_service_has_keys(server->service) ? "" : ", without keys: anybody may write");
}

static kai_status open_transport(struct server *server, kai_err *err) {
    const kai_serve_options *options = server->options;
    struct transport_options transport = {.io_threads = IO_THREADS,
                                          .connections = options->connections,
                                          .body_bytes = options->body_bytes,
                                          .timeout_s = options->timeout,
                                          .take = take,
                                          .user = server};
    struct listen_address address;
    struct buf certificate, key;
    buf_init(&certificate, PEM_BYTES);
    buf_init(&key, PEM_BYTES);
    kai_status st = listen_parse(options->listen, &address, err);
    if (!st && !options->open && !kai_service_has_keys(server->service) && !address.is_loopback)
        st = err_set(err, KAI_DENIED,
                     "without an API key only this machine may write: make one with 'kairos key "
                     "new', or say --open");
    if (!st && !options->tls_certificate != !options->tls_key)
        st = err_set(err, KAI_INVALID, "a certificate needs its key, and a key its certificate");
    if (!st) st = read_pem(options->tls_certificate, &certificate, err);
    if (!st) st = read_pem(options->tls_key, &key, err);
    if (!st) {
        transport.address = address.host;
        transport.port = address.port;
        transport.tls_certificate = options->tls_certificate ? certificate.data : NULL;
        transport.tls_key = options->tls_key ? key.data : NULL;
        st = transport_open(&transport, &server->transport, err);
    }
    if (!st && !options->common.quiet) say_where(server, &address);
    buf_release(&certificate);
    buf_release(&key);
    return st;
}

int32_t serve_carry(kai_service *service, const kai_serve_options *options,
                    kai_progress_fn progress, void *progress_user, kai_err *err) {
    struct server server = {.service = service,
                            .options = options,
                            .progress = progress,
                            .progress_user = progress_user};
    kai_status st = waiting_new(options->queue, &server.waiting, err);
    if (!st) st = pool_new(CAPS_HTTP_WORKERS + 1, &server.pool, err);
    if (!st) st = open_transport(&server, err);
    if (!st) st = pool_run(server.pool, CAPS_HTTP_WORKERS + 1, run_one, &server, err);
    transport_close(server.transport);
    pool_free(server.pool);
    waiting_free(server.waiting);
    return st;
}
