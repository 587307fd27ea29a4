/* What a backtest has found, between the job and its description. */
#ifndef KAIROS_ENGINE_BACKTEST_H
#define KAIROS_ENGINE_BACKTEST_H

#include <kairos/recommend.h>

#include "behave/protocol.h"
#include "engine/engine.h"
#include "engine/history_input.h"
#include "engine/recommender.h"
#include "evaluate/ranking.h"

enum { BACKTEST_METRICS_MAX = 32 };

struct backtest {
    kai_engine *engine;
    const kai_backtest_options *options;
    struct timing timing;
    struct history_input input;
    struct table *questions; /* owned; of the protocol given */
    struct dict items;       /* owned; the catalogue, where a file of questions adds to it */
    struct protocol protocol;
    struct recommender models[RECOMMENDERS_MAX];
    int32_t model_count;
    struct behave_options transformer;
    struct ranking_metric metrics[BACKTEST_METRICS_MAX];
    int32_t metric_count;
    int32_t list_length;
    int32_t *ranks; /* owned; (models, questions) */
    int32_t *lists; /* owned; (models, questions, list_length) */
    struct ranking_result result;
};

/* Read, cut, fit, ask and judge, as `engine` and `options` of a zeroed struct say; release in any
 * case. */
KAI_MUST_CHECK kai_status backtest_run(struct backtest *backtest, kai_err *err);
void backtest_release(struct backtest *backtest);
/* What was found as members of an open object, without the timing. */
void backtest_describe_members(const struct backtest *backtest, struct json_writer *json);
KAI_MUST_CHECK kai_status backtest_describe(struct backtest *backtest, struct buf *out,
                                            kai_err *err);
KAI_MUST_CHECK kai_status backtest_print(const struct backtest *backtest, struct buf *out,
                                         kai_err *err);

#endif
