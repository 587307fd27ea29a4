#include "engine/recommender.h"

#include <string.h>

#define TOKENS_DEFAULT 20000000

static const char *name_of(int32_t kind) {
    return kind == RECOMMENDER_TRANSFORMER ? "transformer"
                                           : yardstick_text((enum yardstick_kind)kind);
}

static kai_status parse_name(const char *name, struct recommender *ret_recommender, kai_err *err) {
    for (int32_t kind = 0; kind < RECOMMENDERS_MAX; kind++) {
        if (strcmp(name, name_of(kind)) != 0) continue;
        *ret_recommender = (struct recommender){.name = name_of(kind), .kind = kind};
        return KAI_OK;
    }
    return err_set(err, KAI_INVALID,
                   "model '%s': not known; there are popular, recent-popular, item-knn, ials, "
                   "transformer",
                   name);
}

kai_status recommender_options(const kai_transformer_options *options,
                               struct behave_options *ret_options, kai_err *err) {
    static const char *const SIZES[] = {"small", "base", "large"};
    struct behave_options made = {
        .epochs = (int32_t)options->epochs, .tokens = options->tokens, .minutes = options->minutes};
    for (int i = 0; i < 3; i++)
        if (options->size && strcmp(options->size, SIZES[i]) == 0)
            made.size = (enum behave_size)(BEHAVE_SMALL + i);
    if (!made.size) return err_set(err, KAI_INVALID, "size '%s': not known", options->size);
    if (!made.epochs && !made.tokens && made.minutes == 0) made.tokens = TOKENS_DEFAULT;
    *ret_options = made;
    return KAI_OK;
}

kai_status recommender_parse(kai_list names, struct recommender *ret_recommenders,
                             int32_t *ret_count, kai_err *err) {
    struct recommender parsed[RECOMMENDERS_MAX];
    int32_t count = 0;
    if (names.count == 0) return err_set(err, KAI_INVALID, "option '--models': no model is named");
    for (int64_t i = 0; i < names.count; i++) {
        struct recommender one;
        kai_status st = parse_name(names.items[i], &one, err);
        if (st) return st;
        for (int32_t j = 0; j < count; j++)
            if (parsed[j].name == one.name)
                return err_set(err, KAI_INVALID, "model '%s' is named twice", one.name);
        parsed[count++] = one;
    }
    memcpy(ret_recommenders, parsed, (size_t)count * sizeof *parsed);
    *ret_count = count;
    return KAI_OK;
}

kai_status recommender_fit(struct recommender *recommender, kai_engine *engine,
                           const struct protocol *protocol,
                           const struct behave_options *transformer, uint64_t seed, kai_err *err) {
    if (recommender->kind == RECOMMENDER_TRANSFORMER) {
        struct behave_sequences train = histories_view(&protocol->train);
        struct behave_options options = *transformer;
        struct behave_watch watch = {.progress = &engine->progress};
        options.item_count = protocol->item_count;
        return behave_fit(&options, seed, &train, engine->pool, &watch, &recommender->transformer,
                          err);
    }
    struct behave_sequences fit = protocol_fit(protocol);
    return yardstick_fit((enum yardstick_kind)recommender->kind, NULL, seed, &fit,
                         protocol->item_count, engine->pool, &engine->progress,
                         &recommender->yardstick, err);
}

struct asking {
    const struct recommender *recommender;
    const struct behave_sequences *asked;
    const int64_t *times;
};

static kai_status score(void *user, int64_t first, int64_t count, float *ret_scores, kai_err *err) {
    const struct asking *asking = user;
    const struct recommender *recommender = asking->recommender;
    if (recommender->transformer)
        return behave_score(recommender->transformer, asking->asked, asking->times, first, count,
                            NULL, ret_scores, err);
    return yardstick_score(recommender->yardstick, asking->asked, asking->times, first, count,
                           ret_scores, err);
}

kai_status recommender_judge(const struct recommender *recommender, kai_engine *engine,
                             const struct protocol *protocol, const struct judge_request *request,
                             int32_t *ret_ranks, int32_t *ret_lists, kai_err *err) {
    struct asking asking = {recommender, request->asked, protocol->target_times};
    return judge_rank(request, score, &asking, engine->pool, &engine->progress, ret_ranks,
                      ret_lists, err);
}

void recommender_release(struct recommender *recommender) {
    yardstick_free(recommender->yardstick);
    behave_free(recommender->transformer);
    recommender->yardstick = NULL;
    recommender->transformer = NULL;
}
