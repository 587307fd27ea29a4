#include "engine/service.h"
#include "engine/engine.h"

#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"

/* ---- the keys in force ---- */

struct key_list {
    struct access_key *keys; /* owned */
    int64_t count, capacity;
};

static kai_status note_key(void *user, struct slice id, struct slice value, kai_err *err) {
    struct key_list *list = user;
    (void)id;
    if (list->count == list->capacity) {
        int64_t capacity = list->capacity ? 2 * list->capacity : 16;
        struct access_key *grown = mem_resize(list->keys, (size_t)capacity, sizeof *list->keys);
        if (!grown) return err_memory(err, capacity * (int64_t)sizeof *list->keys);
        list->keys = grown;
        list->capacity = capacity;
    }
    kai_status st = access_key_parse(value, &list->keys[list->count], err);
    list->count += !st;
    return st;
}

static kai_status load_access(kai_service *service, kai_err *err) {
    struct key_list list = {0};
    kai_status st = store_rows(doorway_store(service->door), "key", (struct slice){"", 0}, note_key,
                               &list, err);
    if (!st) st = access_new(list.keys, list.count, &service->access, err);
    mem_free(list.keys);
    return st;
}

/* ---- readers: a parser keeps its memory from one request to the next ---- */

static kai_status take_reader(kai_service *service, struct dialect_reader **ret_reader,
                              kai_err *err) {
    struct dialect_reader *reader = NULL;
    (void)pthread_mutex_lock(&service->reader_lock);
    if (service->reader_count) reader = service->readers[--service->reader_count];
    (void)pthread_mutex_unlock(&service->reader_lock);
    if (!reader) return dialect_reader_new(ret_reader, err);
    *ret_reader = reader;
    return KAI_OK;
}

static void give_reader(kai_service *service, struct dialect_reader *reader) {
    (void)pthread_mutex_lock(&service->reader_lock);
    if (service->reader_count < CAPS_HTTP_WORKERS) {
        service->readers[service->reader_count++] = reader;
        reader = NULL;
    }
    (void)pthread_mutex_unlock(&service->reader_lock);
    dialect_reader_free(reader);
}

/* ---- life ---- */

/* Claim the workspace, and read what is in force. */
static kai_status open_door(kai_service *service, kai_err *err) {
    kai_status st = doorway_open(service->workspace, STORE_CLAIM, &service->door, err);
    if (!st) st = load_access(service, err);
    return st ? st : quarantine_count(service->door, &service->quarantine_rows, err);
}

/* Counters go on from door to door. */
static void add_report(struct filter_report *report, const struct filter_report *more) {
    report->kept += more->kept;
    report->suppressed += more->suppressed;
    report->without_consent += more->without_consent;
    report->consents += more->consents;
}

static void close_door(kai_service *service) {
    (void)pthread_mutex_lock(&service->lock);
    if (service->door) add_report(&service->report, doorway_report(service->door));
    (void)pthread_mutex_unlock(&service->lock);
    access_free(service->access);
    doorway_close(service->door);
    service->access = NULL;
    service->door = NULL;
}

int32_t kai_service_open(const char *workspace, kai_service **ret_service, kai_err *err) {
    kai_service *service = mem_zero(1, sizeof *service);
    if (!service) return err_memory(err, sizeof *service);
    (void)pthread_mutex_init(&service->lock, NULL); /* default attributes cannot fail on Linux */
    (void)pthread_mutex_init(&service->reader_lock, NULL);
    gate_init(&service->gate);
    service->pace = mem_zero(1, sizeof *service->pace);
    service->workspace = mem_string(workspace);
    kai_status st =
        service->pace && service->workspace ? KAI_OK : err_memory(err, sizeof *service->pace);
    if (!st) st = open_door(service, err);
    if (st)
        kai_service_close(service);
    else
        *ret_service = service;
    return st;
}

void kai_service_close(kai_service *service) {
    if (!service) return;
    for (int32_t i = 0; i < service->reader_count; i++) dialect_reader_free(service->readers[i]);
    mem_free(service->pace);
    close_door(service);
    mem_free(service->workspace);
    gate_release(&service->gate);
    (void)pthread_mutex_destroy(&service->reader_lock);
    (void)pthread_mutex_destroy(&service->lock);
    mem_free(service);
}

void kai_service_tend(kai_service *service) {
    if (service->door) {
        if (!store_is_wanted(doorway_store(service->door))) return;
        gate_shut(&service->gate);
        close_door(service);
    }
    kai_status st = open_door(service, NULL);
    if (st) {
        close_door(service); /* not over yet, or it cannot be read: tried again */
        atomic_store(&service->is_failing, st != KAI_STATE);
        return;
    }
    atomic_store(&service->is_failing, 0);
    gate_open(&service->gate);
}

void kai_service_end(kai_service *service) {
    if (!service->door) gate_open(&service->gate); /* whoever waits is turned away */
}

int32_t kai_service_has_keys(const kai_service *service) {
    return access_count(service->access) > 0;
}

/* ---- a group of requests ---- */

static void pass(kai_service *service, struct visit *visit) {
    if (visit->status) return;
    if (!store_has_room(doorway_store(service->door), visit->batch.count)) {
        visit->status = err_set(&visit->err, KAI_LIMIT, "the store is behind: come back");
    } else if (visit->batch.count) {
        int64_t robots = pace_flag(service->pace, &visit->batch);
        atomic_fetch_add(&service->counts[SERVICE_ROBOTS], robots);
        visit->status = doorway_pass(service->door, &visit->batch, &visit->err);
    }
    if (!visit->status && visit->reply.refused)
        visit->status =
            quarantine_keep(service->door, dialect_name(visit->dialect), &visit->reply,
                            visit->asked.received_us, &service->quarantine_rows, &visit->err);
}

static int brings_anything(const struct visit *visit) {
    return !visit->status && (visit->batch.count || visit->reply.refused);
}

/* What memory knows and the file does not, after a failed commit, is forgotten: clients say it
 * again. */
static void take_back(kai_service *service) {
    (void)pthread_mutex_lock(&service->lock);
    kai_status st = doorway_reload(service->door, NULL);
    (void)st; /* a file that cannot be read: the next request tries again */
    (void)pthread_mutex_unlock(&service->lock);
}

/* Everything through the doorway, one request at a time; then wait, while others go through, for
 * the commit that it became part of. */
static kai_status store_group(kai_service *service, struct visit *visits, int64_t count,
                              kai_err *err) {
    struct store *store = doorway_store(service->door);
    int is_needed = 0;
    (void)pthread_mutex_lock(&service->lock);
    int64_t from = store_ticket(store) + 1;
    for (int64_t i = 0; i < count; i++) {
        is_needed |= brings_anything(&visits[i]);
        pass(service, &visits[i]);
    }
    int64_t to = store_ticket(store);
    (void)pthread_mutex_unlock(&service->lock);
    if (!is_needed) return KAI_OK;
    kai_status st = store_wait(store, from, to, err);
    if (st) take_back(service);
    atomic_store(&service->is_failing, st != KAI_OK);
    atomic_fetch_add(&service->counts[SERVICE_COMMITS], 1);
    return st;
}

static kai_status answer(kai_service *service, const kai_request *const *requests, int64_t count,
                         kai_answer *answers, kai_err *err) {
    struct visit *visits = mem_zero((size_t)count, sizeof *visits);
    struct dialect_reader *reader = NULL;
    kai_err why = {0};
    kai_status st = visits ? take_reader(service, &reader, err) : err_memory(err, count);
    if (st) {
        mem_free(visits);
        return st;
    }
    for (int64_t i = 0; i < count; i++) visit_read(service, reader, requests[i], &visits[i]);
    give_reader(service, reader);
    st = store_group(service, visits, count, &why);
    for (int64_t i = 0; i < count; i++) {
        if (st && brings_anything(&visits[i])) {
            visits[i].status = st;
            visits[i].err = why;
        }
        visit_answer(service, &visits[i], &answers[i]);
        visit_release(&visits[i]);
    }
    mem_free(visits);
    return KAI_OK;
}

/* The end comes while another process writes. */
static void turn_away(kai_answer *answers, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        answers[i] = (kai_answer){.http_status = kai_status_http(KAI_NO_MEMORY), /* 503 */
                                  .content_type = "text/plain; charset=utf-8",
                                  .retry_after_s = 1};
}

int32_t kai_service_answer(kai_service *service, const kai_request *const *requests, int64_t count,
                           kai_answer *answers, kai_err *err) {
    kai_status st = KAI_OK;
    gate_enter(&service->gate);
    if (service->door)
        st = answer(service, requests, count, answers, err);
    else
        turn_away(answers, count);
    gate_leave(&service->gate);
    return st;
}

/* ---- counters ---- */

static const struct {
    const char *name, *help;
} COUNTS[SERVICE_COUNTS] = {
    [SERVICE_REQUESTS] = {"kairos_requests_total", "requests answered"},
    [SERVICE_REFUSED] = {"kairos_requests_refused_total", "requests answered with 400 or more"},
    [SERVICE_EVENTS] = {"kairos_events_total", "events acknowledged"},
    [SERVICE_QUARANTINED] = {"kairos_events_quarantined_total", "events set aside with a reason"},
    [SERVICE_BYTES] = {"kairos_body_bytes_total", "bytes of bodies, unpacked"},
    [SERVICE_ROBOTS] = {"kairos_events_too_fast_total", "events flagged: faster than a person"},
    [SERVICE_COMMITS] = {"kairos_commits_total", "groups of requests made durable together"},
};

/* What became of events at the doorway, by reason. */
static kai_status print_doorway(kai_service *service, struct buf *out, kai_err *err) {
    int is_open = gate_try(&service->gate);
    (void)pthread_mutex_lock(&service->lock);
    struct filter_report report = service->report;
    if (is_open && service->door) add_report(&report, doorway_report(service->door));
    (void)pthread_mutex_unlock(&service->lock);
    if (is_open) gate_leave(&service->gate);
    return buf_printf(out, err,
                      "# HELP kairos_doorway_events_total events at the doorway, by fate\n"
                      "# TYPE kairos_doorway_events_total counter\n"
                      "kairos_doorway_events_total{fate=\"kept\"} %lld\n"
                      "kairos_doorway_events_total{fate=\"suppressed\"} %lld\n"
                      "kairos_doorway_events_total{fate=\"without_consent\"} %lld\n"
                      "kairos_doorway_events_total{fate=\"consent\"} %lld\n",
                      (long long)report.kept, (long long)report.suppressed,
                      (long long)report.without_consent, (long long)report.consents);
}

int32_t kai_service_metrics(kai_service *service, kai_buf *ret_text, kai_err *err) {
    struct buf out;
    kai_status st = KAI_OK;
    buf_init(&out, 1 << 20);
    for (int c = 0; !st && c < SERVICE_COUNTS; c++)
        st = buf_printf(&out, err, "# HELP %s %s\n# TYPE %s counter\n%s %lld\n", COUNTS[c].name,
                        COUNTS[c].help, COUNTS[c].name, COUNTS[c].name,
                        (long long)atomic_load(&service->counts[c]));
    if (!st) st = print_doorway(service, &out, err);
    if (!st) result_give(&out, ret_text);
    buf_release(&out);
    return st;
}
