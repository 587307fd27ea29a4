/* kairos serve: a workspace that answers requests until it is told to stop. */
#include "engine/answer.h"
#include "engine/service.h"

static int tell(void *user, const char *stage, int64_t done, int64_t total) {
    const struct progress *progress = user;
    return progress_tell(progress, stage, done, total, NULL) != KAI_OK;
}

static kai_status describe(kai_service *service, struct answer *answer, kai_err *err) {
    long long events = atomic_load(&service->counts[SERVICE_EVENTS]);
    long long requests = atomic_load(&service->counts[SERVICE_REQUESTS]);
    json_key_i64(&answer->json, "requests", requests);
    json_key_i64(&answer->json, "refused", atomic_load(&service->counts[SERVICE_REFUSED]));
    json_key_i64(&answer->json, "events", events);
    json_key_i64(&answer->json, "quarantined", atomic_load(&service->counts[SERVICE_QUARANTINED]));
    doorway_describe(service->door, &answer->json);
    return buf_printf(&answer->text, err, "%lld requests answered, %lld events kept\n", requests,
                      events);
}

int32_t kai_engine_serve(kai_engine *engine, const kai_serve_options *options, kai_buf *ret_json,
                         kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    if (!options->carry)
        return err_set(err, KAI_STATE, "the library opens no socket: set `carry` to what does");
    kai_service *service = NULL;
    struct answer answer;
    answer_begin(&answer);
    timing_enter(&answer.timing, "open");
    st = kai_service_open(options->common.workspace, &service, err);
    timing_enter(&answer.timing, "serve");
    if (!st) st = options->carry(service, options, tell, &engine->progress, err);
    if (!st) st = describe(service, &answer, err);
    st = answer_end(&answer, st, ret_json, ret_text, err);
    kai_service_close(service);
    return st;
}
