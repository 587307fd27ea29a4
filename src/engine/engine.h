/* Own a workspace; run jobs; keep every artefact with its origin. Wiring only: one file a job
 * (job_fit.c, job_run.c ...), arithmetic lives in the stages.
 *
 * Private to this folder; the promise to the outside is include/kairos/engine.h.
 */
#ifndef KAIROS_ENGINE_ENGINE_H
#define KAIROS_ENGINE_ENGINE_H

#include <kairos/engine.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/progress.h"

struct kai_engine {
    struct pool *pool; /* owned */
    struct progress progress;
};

/* Seconds of the named stages of one job, in the order they were first entered. */
enum { TIMING_STAGES = 32 };
struct timing {
    double started; /* of the job */
    double entered; /* of the current stage */
    int32_t count, current;
    const char *names[TIMING_STAGES]; /* static texts; "forest.fit" is a member of "forest" */
    double seconds[TIMING_STAGES];
};

void timing_start(struct timing *timing);
/* Leave the current stage and enter another (NULL: none). */
void timing_enter(struct timing *timing, const char *name);
/* The object `timing`, into an open object. */
void timing_describe(struct timing *timing, struct json_writer *json);

/* Hand a buffer over to the caller: its memory moves. */
void result_give(struct buf *take_buf, kai_buf *ret_buf);

/* An empty struct of options is one that init did not fill. */
KAI_MUST_CHECK kai_status options_check(uint32_t struct_size, size_t expected, kai_err *err);

#endif
