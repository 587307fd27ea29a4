#include "engine/engine.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

const char *kai_version(void) { return KAIROS_VERSION; }

int32_t kai_engine_open(const kai_engine_options *options, kai_engine **ret_engine, kai_err *err) {
    if (!options || !ret_engine) return err_set(err, KAI_INVALID, "an argument is missing");
    kai_engine *engine = mem_zero(1, sizeof *engine);
    if (!engine) return err_memory(err, sizeof *engine);
    engine->progress = (struct progress){options->progress, options->progress_user};
    kai_status st = pool_new(options->threads, &engine->pool, err);
    if (st) {
        kai_engine_close(engine);
        return st;
    }
    *ret_engine = engine;
    return KAI_OK;
}

void kai_engine_close(kai_engine *engine) {
    if (!engine) return;
    pool_free(engine->pool);
    mem_free(engine);
}

void kai_buf_release(kai_buf *buf) {
    if (!buf) return;
    mem_free(buf->data);
    *buf = (kai_buf){0};
}

void result_give(struct buf *take_buf, kai_buf *ret_buf) {
    *ret_buf = (kai_buf){take_buf->data, (int64_t)take_buf->size};
    take_buf->data = NULL;
    buf_release(take_buf);
}

kai_status options_check(uint32_t struct_size, size_t expected, kai_err *err) {
    if (struct_size == expected) return KAI_OK;
    return err_set(err, KAI_INVALID, "options were not initialised, or are of another version");
}

void timing_start(struct timing *timing) {
    *timing = (struct timing){.current = -1, .started = clock_seconds()};
}

void timing_enter(struct timing *timing, const char *name) {
    double now = clock_seconds();
    if (timing->current >= 0) timing->seconds[timing->current] += now - timing->entered;
    timing->current = -1;
    timing->entered = now;
    if (!name) return;
    for (int32_t i = 0; i < timing->count; i++)
        if (strcmp(timing->names[i], name) == 0) timing->current = i;
    if (timing->current >= 0 || timing->count == TIMING_STAGES) return;
    timing->names[timing->count] = name;
    timing->current = timing->count++;
}

/* Bytes of the name before its dot; all of it where there is none. */
static size_t group_bytes(const char *name) { return strcspn(name, "."); }

static int same_group(const char *a, const char *b) {
    return group_bytes(a) == group_bytes(b) && strncmp(a, b, group_bytes(a)) == 0;
}

/* "forest.fit", "forest.predict" become {"forest": {"fit": .., "predict": ..}}. */
void timing_describe(struct timing *timing, struct json_writer *json) {
    timing_enter(timing, NULL);
    json_key(json, "timing");
    json_object(json);
    for (int32_t i = 0; i < timing->count; i++) {
        const char *name = timing->names[i];
        if (!name[group_bytes(name)]) {
            json_key_f64(json, name, timing->seconds[i]);
            continue;
        }
        int is_first = 1;
        for (int32_t j = 0; j < i; j++) is_first = is_first && !same_group(timing->names[j], name);
        if (!is_first) continue;
        char group[64] = "";
        memcpy(group, name, group_bytes(name) < sizeof group ? group_bytes(name) : 0);
        json_key(json, group);
        json_object(json);
        for (int32_t j = i; j < timing->count; j++)
            if (same_group(timing->names[j], name))
                json_key_f64(json, timing->names[j] + group_bytes(name) + 1, timing->seconds[j]);
        json_end(json);
    }
    json_key_f64(json, "total", clock_seconds() - timing->started);
    json_end(json);
}
