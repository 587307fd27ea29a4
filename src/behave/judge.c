#include "behave/judge.h"

#include <math.h>

#include "base/alloc.h"
#include "kernel/topk.h"

/* Questions that are scored at once: enough rows for a product that BLAS likes, while the scores of
 * one thread stay within this memory. */
enum { BLOCK_QUESTIONS_MAX = 128 };
#define BLOCK_BYTES (32ll << 20)

struct judging {
    const struct judge_request *request;
    judge_score_fn score;
    void *user;
    int64_t block;      /* questions */
    float *scores;      /* owned; (threads, block, item_count) */
    float *list_scores; /* owned; (threads, list_length) */
    int32_t *ranks, *lists;
};

static void judge_question(const struct judging *judging, int64_t question, float *scores,
                           float *list_scores) {
    const struct judge_request *request = judging->request;
    const struct behave_sequences *asked = request->asked;
    int32_t target = request->targets[question];
    int32_t *list = judging->lists + question * request->list_length;
    if (request->is_seen_excluded)
        for (int64_t e = asked->offsets[question]; e < asked->offsets[question + 1]; e++)
            scores[asked->items[e]] = -INFINITY;
    int is_found = scores[target] > -INFINITY;
    judging->ranks[question] =
        is_found ? (int32_t)rank_f32(request->item_count, scores, target) + 1 : 0;
    int32_t count =
        topk_f32(request->item_count, scores, request->list_length, list, list_scores);
    for (int32_t i = count; i < request->list_length; i++) list[i] = -1;
}

static kai_status judge_block(void *user, int64_t task, int32_t worker, kai_err *err) {
    struct judging *judging = user;
    int64_t items = judging->request->item_count, first = task * judging->block;
    int64_t count = judging->request->asked->sequence_count - first;
    if (count > judging->block) count = judging->block;
    float *scores = judging->scores + worker * judging->block * items;
    kai_status st = judging->score(judging->user, first, count, scores, err);
    for (int64_t q = 0; !st && q < count; q++)
        judge_question(judging, first + q, scores + q * items,
                       judging->list_scores + worker * judging->request->list_length);
    return st;
}

kai_status judge_rank(const struct judge_request *request, judge_score_fn score, void *user,
                      struct pool *pool, const struct progress *progress, int32_t *ret_ranks,
                      int32_t *ret_lists, kai_err *err) {
    int64_t questions = request->asked->sequence_count, items = request->item_count;
    struct judging judging = {.request = request,
                              .score = score,
                              .user = user,
                              .block = BLOCK_BYTES / (int64_t)sizeof(float) / items,
                              .ranks = ret_ranks,
                              .lists = ret_lists};
    if (judging.block > BLOCK_QUESTIONS_MAX) judging.block = BLOCK_QUESTIONS_MAX;
    if (judging.block < 1) judging.block = 1;
    size_t threads = (size_t)pool_threads(pool);
    judging.scores =
        mem_aligned(threads * (size_t)judging.block * (size_t)items, sizeof *judging.scores);
    judging.list_scores =
        mem_array(threads * (size_t)request->list_length, sizeof *judging.list_scores);
    kai_status st = KAI_OK;
    if (!judging.scores || !judging.list_scores) st = err_memory(err, judging.block * items * 4);
    if (!st)
        st = pool_run_telling(pool, (questions + judging.block - 1) / judging.block, judge_block,
                              &judging, progress, request->stage, err);
    mem_free_aligned(judging.scores);
    mem_free(judging.list_scores);
    return st;
}
