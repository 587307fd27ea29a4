/* usage: bench_http PORT [KEY [SECONDS [CONNECTIONS [BATCH [EVENTS_PER_SECOND]]]]]
 *
 * A client of a running `kairos serve`, on one thread: Segment batches over kept connections, each
 * with one request at a time. Prints one JSON line: acknowledged events a second, and the times
 * from a request's first byte to its answer's last. With a rate it sends on a clock, and late
 * answers count from when the request was due. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"

enum { CONNECTIONS_MAX = 1024, TIMES_MAX = 4000000, EVENT_BYTES = 640, ANSWER_BYTES = 4096 };

struct connection {
    int descriptor;
    char *request; /* owned */
    size_t size, sent;
    char answer[ANSWER_BYTES];
    size_t got;
    int is_busy;
    double due;
};

static struct connection connections[CONNECTIONS_MAX];
static struct pollfd polled[CONNECTIONS_MAX];
static double *times;
static long long times_count, acknowledged, refused, made;
static int batch = 100;
static char key[128] = "bench";

static int fail(const char *what) {
    (void)fprintf(stderr, "bench_http: %s: errno %d\n", what, errno);
    exit(1);
}

static int connect_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, descriptor = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address))
        fail("connect");
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

/* About 400 bytes, as the SDK for Node writes them: 20,000 customers, 2,000 products. */
static int print_event(char *out, long long number) {
    struct rng rng;
    rng_init(&rng, 1, "http", (uint64_t)number);
    unsigned user = (unsigned)(rng_unit(&rng) * 20000), item = (unsigned)(rng_unit(&rng) * 2000);
    return snprintf(
        out, EVENT_BYTES,
        "{\"type\":\"track\",\"messageId\":\"node-%d-%016llx\",\"userId\":\"user-%u\","
        "\"event\":\"Product Viewed\",\"timestamp\":\"2026-11-27T12:%02lld:%02lld.%03lldZ\","
        "\"properties\":{\"product_id\":\"sku-%u\",\"category\":\"shoes\",\"name\":\"runner %u\","
        "\"price\":%u.5,\"currency\":\"EUR\",\"quantity\":1},"
        "\"context\":{\"library\":{\"name\":\"@segment/analytics-node\",\"version\":\"3.1.0\"},"
        "\"page\":{\"path\":\"/p/%u\"}},\"integrations\":{}}",
        (int)getpid(), (unsigned long long)number, user, number / 60000 % 60, number / 1000 % 60,
        number % 1000, item, item, item % 90 + 9, item);
}

static void make_request(struct connection *connection) {
    char *body = connection->request + 512;
    size_t size = 0;
    size += (size_t)sprintf(body, "{\"writeKey\":\"%s\",\"batch\":[", key);
    for (int i = 0; i < batch; i++) {
        if (i) body[size++] = ',';
        size += (size_t)print_event(body + size, made++);
    }
    size += (size_t)sprintf(body + size, "],\"sentAt\":null}");
    char head[512];
    int head_size = snprintf(head, sizeof head,
                             "POST /v1/batch HTTP/1.1\r\nHost: bench\r\nContent-Type: "
                             "application/json\r\nContent-Length: %zu\r\n\r\n",
                             size);
    memmove(connection->request + head_size, body, size);
    memcpy(connection->request, head, (size_t)head_size);
    connection->size = size + (size_t)head_size;
    connection->sent = connection->got = 0;
    connection->is_busy = 1;
}

static void send_some(struct connection *connection) {
    while (connection->sent < connection->size) {
        ssize_t n = send(connection->descriptor, connection->request + connection->sent,
                         connection->size - connection->sent, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) fail("send");
        connection->sent += (size_t)n;
    }
}

/* 1 where the answer is whole: a header and as many bytes as it says. */
static int is_whole(const struct connection *connection) {
    const char *end = strstr(connection->answer, "\r\n\r\n");
    const char *length = strstr(connection->answer, "Content-Length: ");
    if (!end || !length) return 0;
    return connection->got >=
           (size_t)(end + 4 - connection->answer) + strtoul(length + 16, NULL, 10);
}

static void receive(struct connection *connection) {
    ssize_t n = recv(connection->descriptor, connection->answer + connection->got,
                     sizeof connection->answer - 1 - connection->got, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) fail("receive");
    connection->got += (size_t)n;
    connection->answer[connection->got] = '\0';
    if (!is_whole(connection)) return;
    if (strncmp(connection->answer, "HTTP/1.1 200", 12) == 0)
        acknowledged += batch;
    else
        refused++;
    if (times_count < TIMES_MAX) times[times_count++] = clock_seconds() - connection->due;
    connection->is_busy = 0;
}

static int by_time(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* One round: begin what is due, move bytes. */
static void turn(int count, double *next, double pause) {
    double now = clock_seconds();
    for (int c = 0; c < count; c++) {
        struct connection *connection = &connections[c];
        if (!connection->is_busy && (pause == 0 || *next <= now)) {
            make_request(connection);
            connection->due = pause == 0 ? clock_seconds() : *next;
            *next += pause;
            send_some(connection);
        }
        polled[c].fd = connection->descriptor;
        polled[c].events = (short)(connection->is_busy ? POLLIN : 0);
        if (connection->sent < connection->size) polled[c].events |= POLLOUT;
    }
    (void)poll(polled, (nfds_t)count, pause > 0 ? 1 : 100);
    for (int c = 0; c < count; c++) {
        if (polled[c].revents & POLLOUT) send_some(&connections[c]);
        if (polled[c].revents & (POLLIN | POLLHUP | POLLERR)) receive(&connections[c]);
    }
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 0;
    if (argc > 2) (void)snprintf(key, sizeof key, "%s", argv[2]);
    double seconds = argc > 3 ? atof(argv[3]) : 5;
    int count = argc > 4 ? atoi(argv[4]) : 16;
    if (argc > 5) batch = atoi(argv[5]);
    double rate = argc > 6 ? atof(argv[6]) : 0, pause = rate > 0 ? batch / rate : 0;
    if (!port || count < 1 || count > CONNECTIONS_MAX || batch < 1) return 2;
    times = malloc(TIMES_MAX * sizeof *times);
    if (!times) return 3;
    for (int c = 0; c < count; c++) {
        connections[c].descriptor = connect_to(port);
        connections[c].request = malloc((size_t)batch * EVENT_BYTES + 2048);
        if (!connections[c].request) return 3;
    }
    double begin = clock_seconds(), next = begin;
    while (clock_seconds() < begin + seconds) turn(count, &next, pause);
    double took = clock_seconds() - begin;
    qsort(times, (size_t)times_count, sizeof *times, by_time);
    long long last = times_count ? times_count - 1 : 0;
    (void)printf(
        "{\"name\":\"http.ingest\",\"batch\":%d,\"connections\":%d,\"seconds\":%.2f,"
        "\"events_per_second\":%.0f,\"requests\":%lld,\"refused\":%lld,\"p50_ms\":%.3f,"
        "\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
        batch, count, took, (double)acknowledged / took, times_count, refused,
        1e3 * times[times_count / 2], 1e3 * times[times_count * 99 / 100], 1e3 * times[last]);
    return refused > 0;
}
