/* One request: whose it is, what it says, and what it is told. */
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/service.h"

/* "/k/<key>/v1/batch": for clients that can be told an address but no key. */
static const char KEY_PREFIX[] = "/k/";
enum { PATH_BYTES = 4096 };

static const char *header_of(const kai_request *request, const char *name) {
    for (int64_t h = 0; h < request->header_count; h++)
        if (slice_equal_case(slice_of(request->headers[h].name), name))
            return request->headers[h].value;
    return "";
}

/* Take the key out of the path. */
static kai_status split_path(struct visit *visit, kai_err *err) {
    const char *path = visit->request->path;
    const char *rest = NULL;
    if (strncmp(path, KEY_PREFIX, sizeof KEY_PREFIX - 1) == 0)
        rest = strchr(path + sizeof KEY_PREFIX - 1, '/');
    if (rest) {
        size_t size = (size_t)(rest - path) - (sizeof KEY_PREFIX - 1);
        if (size >= sizeof visit->reply.write_key) return err_set(err, KAI_DENIED, "no such key");
        memcpy(visit->reply.write_key, path + sizeof KEY_PREFIX - 1, size);
        visit->reply.write_key[size] = '\0';
    }
    return buf_puts(&visit->path, rest ? rest : path, err);
}

static int is_packed(const kai_request *request) {
    struct slice encoding = slice_trim(slice_of(header_of(request, "content-encoding")));
    return slice_equal_case(encoding, "gzip") || slice_equal_case(encoding, "deflate");
}

/* The body as it reads. */
static kai_status unpack(struct visit *visit, kai_err *err) {
    const kai_request *request = visit->request;
    size_t size = (size_t)request->body_bytes;
    kai_status st = is_packed(request) ? file_unpack(request->body, size, &visit->body, err)
                                       : buf_append(&visit->body, request->body, size, err);
    if (st == KAI_CORRUPT) st = err_set(err, KAI_INVALID, "the packed body is damaged");
    return st;
}

static kai_status ask(struct visit *visit, struct dialect_reader *reader,
                      struct dialect_header *headers, kai_err *err) {
    const kai_request *request = visit->request;
    for (int64_t h = 0; h < request->header_count; h++)
        headers[h] = (struct dialect_header){slice_of(request->headers[h].name),
                                             slice_of(request->headers[h].value)};
    visit->asked = (struct dialect_request){
        .method = slice_of(request->method),
        .path = (struct slice){visit->path.data, visit->path.size},
        .query = slice_of(request->query),
        .headers = headers,
        .header_count = (int32_t)request->header_count,
        .body = (struct slice){visit->body.data ? visit->body.data : "", visit->body.size},
        .received_us = clock_wall_us()};
    return dialect_read(visit->dialect, reader, &visit->asked, &visit->batch, &visit->reply, err);
}

/* May whoever asks write? Without any key in force, everybody may. */
static kai_status authorise(kai_service *service, struct visit *visit, kai_err *err) {
    if (!kai_service_has_keys(service)) return KAI_OK;
    return access_check(service->access, slice_of(visit->reply.write_key), ACCESS_WRITE,
                        clock_wall_us(), NULL, &visit->wait_us, err);
}

static kai_status hide_ids(const kai_service *service, struct event_batch *batch, kai_err *err) {
    static const size_t MADE = sizeof DIALECT_MADE_ID - 1;
    for (int64_t i = 0; i < batch->count; i++) {
        char id[SECRET_PSEUDONYM_BYTES];
        struct slice *made = &batch->events[i].id;
        if (made->size < MADE || memcmp(made->data, DIALECT_MADE_ID, MADE) != 0) continue;
        doorway_hide_id(service->door, *made, id);
        const char *copy = arena_string(&batch->arena, id);
        if (!copy) return err_memory(err, SECRET_PSEUDONYM_BYTES);
        *made = slice_of(copy);
    }
    return KAI_OK;
}

static kai_status read_events(kai_service *service, struct dialect_reader *reader,
                              struct visit *visit, kai_err *err) {
    struct arena arena;
    arena_init(&arena);
    struct dialect_header *headers =
        arena_alloc(&arena, (size_t)visit->request->header_count + 1, sizeof *headers);
    kai_status st = headers ? unpack(visit, err) : err_memory(err, visit->request->header_count);
    if (!st) st = ask(visit, reader, headers, err);
    visit->body_bytes = (int64_t)visit->body.size;
    visit->is_too_large = st == KAI_LIMIT;
    buf_release(&visit->body); /* what is kept of it lies in the batch and the reply */
    if (!st) st = authorise(service, visit, err);
    if (!st) st = hide_ids(service, &visit->batch, err);
    arena_release(&arena);
    return st;
}

void visit_read(kai_service *service, struct dialect_reader *reader, const kai_request *request,
                struct visit *visit) {
    kai_err *err = &visit->err;
    visit->request = request;
    event_batch_init(&visit->batch);
    dialect_reply_init(&visit->reply);
    buf_init(&visit->body, CAPS_HTTP_BODY_BYTES);
    buf_init(&visit->path, PATH_BYTES);
    visit->status = request->struct_size == sizeof *request
                        ? split_path(visit, err)
                        : err_set(err, KAI_INVALID, "struct_size is not that of this version");
    if (visit->status || strcmp(visit->path.data, "/readyz") == 0) return;
    visit->dialect =
        dialect_find(slice_of(request->method), (struct slice){visit->path.data, visit->path.size});
    if (!visit->dialect)
        visit->status = err_set(err, KAI_NOT_FOUND, "nothing answers %.16s %.200s", request->method,
                                visit->path.data);
    else
        visit->status = read_events(service, reader, visit, err);
    if (visit->status) event_batch_reset(&visit->batch);
}

void visit_release(struct visit *visit) {
    event_batch_release(&visit->batch);
    dialect_reply_release(&visit->reply);
    buf_release(&visit->body);
    buf_release(&visit->path);
}

/* {"success":false,"error":"..."} */
static kai_status describe_failure(const struct visit *visit, struct buf *out, kai_err *err) {
    struct json_writer json;
    const char *message = visit->err.message;
    json_init(&json, out, 0);
    json_object(&json);
    json_key_bool(&json, "success", 0);
    json_key_text(&json, "error", message[0] ? message : kai_status_text(visit->status));
    json_end(&json);
    return json_finish(&json, err);
}

static void answer_failure(const struct visit *visit, kai_answer *answer) {
    struct buf out;
    kai_status st = visit->status;
    buf_init(&out, 1 << 16);
    answer->http_status = kai_status_http(st);
    if (st == KAI_DENIED) answer->http_status = 401;                  /* no key, or none of ours */
    if (st == KAI_IO || st == KAI_CORRUPT) answer->http_status = 503; /* clients come back */
    if (st == KAI_LIMIT && visit->is_too_large) answer->http_status = 413;
    if (answer->http_status == 429 || answer->http_status == 503)
        answer->retry_after_s = 1 + visit->wait_us / 1000000;
    answer->content_type = "application/json";
    if (!describe_failure(visit, &out, NULL)) result_give(&out, &answer->body);
    buf_release(&out);
}

void visit_answer(kai_service *service, struct visit *visit, kai_answer *ret_answer) {
    kai_answer answer = {.http_status = 200, .content_type = "text/plain; charset=utf-8"};
    if (visit->status) {
        answer_failure(visit, &answer);
    } else if (!visit->dialect) { /* /readyz */
        answer.http_status = atomic_load(&service->is_failing) ? 503 : 200;
    } else {
        answer.http_status = visit->reply.http_status;
        answer.content_type = visit->reply.content_type;
        result_give(&visit->reply.body, &answer.body);
        atomic_fetch_add(&service->counts[SERVICE_EVENTS], visit->batch.count);
        atomic_fetch_add(&service->counts[SERVICE_QUARANTINED], visit->reply.refused);
    }
    atomic_fetch_add(&service->counts[SERVICE_REQUESTS], 1);
    atomic_fetch_add(&service->counts[SERVICE_REFUSED], answer.http_status >= 400);
    atomic_fetch_add(&service->counts[SERVICE_BYTES], visit->body_bytes);
    *ret_answer = answer;
}
