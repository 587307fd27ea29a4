/* The models that a backtest and a training compare, behind one face: fit, score. */
#ifndef KAIROS_ENGINE_RECOMMENDER_H
#define KAIROS_ENGINE_RECOMMENDER_H

#include <kairos/recommend.h>

#include "behave/judge.h"
#include "behave/protocol.h"
#include "behave/yardstick.h"
#include "engine/engine.h"

/* The yardsticks, in their order, and the behaviour model. */
enum { RECOMMENDER_TRANSFORMER = YARDSTICK_KINDS, RECOMMENDERS_MAX };

/* Rows of an option table; `member` is a kai_transformer_options of `type`.
 * The name of a member bears no parentheses: NOLINTBEGIN(bugprone-macro-parentheses) */
#define TRANSFORMER_OPTIONS(type, member)                                                        \
    {.name = "size",                                                                             \
     .kind = OPTION_CHOICE,                                                                      \
     .offset = offsetof(type, member.size),                                                      \
     .fallback = "base",                                                                         \
     .choices = "small|base|large",                                                              \
     .help = "transformer: 2, 6 or 8 blocks, 32, 64 or 128 wide"},                               \
        {.name = "epochs",                                                                       \
         .kind = OPTION_INT,                                                                     \
         .offset = offsetof(type, member.epochs),                                                \
         .fallback = "0",                                                                        \
         .low = 0,                                                                               \
         .high = 10000,                                                                          \
         .value = "N",                                                                           \
         .help =                                                                                 \
             "transformer: passes over the events at most; 0: until the validation is no "       \
             "better, or 'tokens' are spent"},                                                   \
        {.name = "tokens",                                                                       \
         .kind = OPTION_INT,                                                                     \
         .offset = offsetof(type, member.tokens),                                                \
         .fallback = "0",                                                                        \
         .low = 0,                                                                               \
         .high = 1e15,                                                                           \
         .value = "N",                                                                           \
         .help =                                                                                 \
             "transformer: events that training sees at most; 0: 20 million where no "           \
             "epochs are given"},                                                                \
    {                                                                                            \
        .name = "minutes", .kind = OPTION_NUMBER, .offset = offsetof(type, member.minutes),      \
        .fallback = "0", .low = 0, .high = 1e6, .value = "MINUTES",                              \
        .help = "transformer: end training by the clock; the result then depends on the machine" \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

struct recommender {
    const char *name;            /* static */
    int32_t kind;                /* enum yardstick_kind, or RECOMMENDER_TRANSFORMER */
    struct yardstick *yardstick; /* owned; one of the two, after the fit */
    struct behave *transformer;  /* owned */
};

/* The names of a list, in its order, each once. Fails: KAI_INVALID naming what there is. */
KAI_MUST_CHECK kai_status recommender_parse(kai_list names, struct recommender *ret_recommenders,
                                            int32_t *ret_count, kai_err *err);
/* The options of the behaviour model. Fails: KAI_INVALID. */
KAI_MUST_CHECK kai_status recommender_options(const kai_transformer_options *options,
                                              struct behave_options *ret_options, kai_err *err);
/* Fit to what the protocol lets it see; `transformer` matters to that model alone. */
KAI_MUST_CHECK kai_status recommender_fit(struct recommender *recommender, kai_engine *engine,
                                          const struct protocol *protocol,
                                          const struct behave_options *transformer, uint64_t seed,
                                          kai_err *err);
/* Ask the protocol's questions; as judge_rank. */
KAI_MUST_CHECK kai_status recommender_judge(const struct recommender *recommender,
                                            kai_engine *engine, const struct protocol *protocol,
                                            const struct judge_request *request, int32_t *ret_ranks,
                                            int32_t *ret_lists, kai_err *err);
void recommender_release(struct recommender *recommender);

#endif
