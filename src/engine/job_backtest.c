/* kairos backtest: measure recommenders on history under a stated protocol. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/instant.h"
#include "collect/sequences.h"
#include "engine/backtest.h"

enum { US_PER_SECOND = 1000000 };

static kai_status parse_metrics(struct backtest *backtest, kai_err *err) {
    const kai_list *names = &backtest->options->metrics;
    backtest->list_length = 1;
    if (names->count == 0 || names->count > BACKTEST_METRICS_MAX)
        return err_set(err, KAI_INVALID, "option '--metrics': expected 1 to %d of them",
                       BACKTEST_METRICS_MAX);
    for (int64_t i = 0; i < names->count; i++) {
        struct ranking_metric *metric = &backtest->metrics[i];
        kai_status st = ranking_parse(names->items[i], metric, err);
        if (st) return st;
        for (int64_t j = 0; j < i; j++)
            if (strcmp(backtest->metrics[j].name, metric->name) == 0)
                return err_set(err, KAI_INVALID, "metric '%s' is named twice", metric->name);
        if (metric->kind >= RANKING_NOVELTY && metric->k > backtest->list_length)
            backtest->list_length = metric->k;
    }
    backtest->metric_count = (int32_t)names->count;
    return KAI_OK;
}

/* A moment in seconds: a date, or a number as the column has them. */
static kai_status parse_moment(const char *text, int64_t *ret_time, kai_err *err) {
    double number;
    int64_t time_us;
    if (!text) {
        *ret_time = BEHAVE_TIME_UNKNOWN;
    } else if (text_parse_f64(slice_of(text), &number) && fabs(number) < 9e15) {
        *ret_time = (int64_t)(fabs(number) > 1e11 ? number / 1000 : number);
    } else if (instant_parse(slice_of(text), &time_us)) {
        *ret_time = time_us / US_PER_SECOND;
    } else {
        return err_set(err, KAI_INVALID,
                       "option '--split-at': expected a date or seconds since 1970, got '%s'",
                       text);
    }
    return KAI_OK;
}

/* Questions of a file: their items join the catalogue. */
static kai_status ask_given(struct backtest *backtest, kai_err *err) {
    const struct column *items, *cases, *targets;
    struct table *table = NULL;
    int32_t *map = NULL, *codes = NULL;
    kai_status st = collect_read_sequences(backtest->options->test, SEQUENCES_GIVEN,
                                           &backtest->engine->progress, &table, err);
    if (st) return st;
    backtest->questions = table;
    st = table_column(table, "item", &items, err);
    if (!st) st = table_column(table, "case", &cases, err);
    if (!st) st = table_column(table, "is_target", &targets, err);
    if (!st) st = dict_copy(backtest->input.items, &backtest->items, err);
    if (!st) {
        map = mem_array((size_t)items->dict->count, sizeof *map);
        codes = mem_array((size_t)table->rows, sizeof *codes);
        if (!map || !codes) st = err_memory(err, table->rows * 4);
    }
    for (int32_t i = 0; !st && i < items->dict->count; i++)
        st = dict_add(&backtest->items, items->dict->entries[i], &map[i], err);
    for (int64_t row = 0; !st && row < table->rows; row++) codes[row] = map[items->as.codes[row]];
    if (!st) {
        struct protocol_questions questions = {table->rows, cases->as.i64, codes, targets->as.flags,
                                               backtest->items.count};
        st = protocol_init_given(&backtest->protocol, &backtest->input.interactions, &questions,
                                 err);
    }
    mem_free(map);
    mem_free(codes);
    return st;
}

static kai_status set_protocol(struct backtest *backtest, kai_err *err) {
    const kai_backtest_options *options = backtest->options;
    struct protocol_options protocol = {.test_share = options->test_share,
                                        .questions_max = options->questions};
    int is_given = strcmp(options->protocol, "given") == 0;
    int is_split = strcmp(options->protocol, "time-split") == 0;
    if (is_given != (options->test != NULL))
        return err_set(err, KAI_INVALID,
                       is_given ? "protocol 'given': name its file by --test"
                                : "--test belongs to the protocol 'given'");
    if (is_split && !backtest->input.interactions.histories.times)
        return err_set(err, KAI_INVALID,
                       "protocol 'time-split': name the column of times by --time");
    if (options->split_at && !is_split)
        return err_set(err, KAI_INVALID, "--split-at belongs to the protocol 'time-split'");
    kai_status st = parse_moment(options->split_at, &protocol.split_time, err);
    if (st) return st;
    if (is_given) return ask_given(backtest, err);
    protocol.kind = is_split ? PROTOCOL_TIME_SPLIT : PROTOCOL_LEAVE_ONE_OUT;
    st = protocol_init(&backtest->protocol, &backtest->input.interactions, &protocol, err);
    return st ? err_wrap(err, st, "%s", options->arguments.items[0]) : KAI_OK;
}

static kai_status run_model(struct backtest *backtest, int32_t index, kai_err *err) {
    static const char *const STAGES[][2] = {
        {"popular.fit", "popular.ask"},         {"recent-popular.fit", "recent-popular.ask"},
        {"item-knn.fit", "item-knn.ask"},       {"ials.fit", "ials.ask"},
        {"transformer.fit", "transformer.ask"},
    };
    struct recommender *model = &backtest->models[index];
    struct behave_sequences asked = histories_view(&backtest->protocol.asked);
    int64_t questions = asked.sequence_count;
    struct judge_request request = {
        .asked = &asked,
        .targets = backtest->protocol.targets,
        .item_count = backtest->protocol.item_count,
        .list_length = backtest->list_length,
        .is_seen_excluded = strcmp(backtest->options->seen, "exclude") == 0,
        .stage = STAGES[model->kind][1]};
    timing_enter(&backtest->timing, STAGES[model->kind][0]);
    kai_status st =
        recommender_fit(model, backtest->engine, &backtest->protocol, &backtest->transformer,
                        (uint64_t)backtest->options->common.seed, err);
    timing_enter(&backtest->timing, STAGES[model->kind][1]);
    if (!st)
        st = recommender_judge(model, backtest->engine, &backtest->protocol, &request,
                               backtest->ranks + index * questions,
                               backtest->lists + index * questions * backtest->list_length, err);
    recommender_release(model); /* one model's memory at a time */
    return st;
}

/* Training customers who had each item. */
static kai_status count_popularity(const struct protocol *protocol, int64_t **ret_popularity,
                                   kai_err *err) {
    struct behave_sequences fit = protocol_fit(protocol);
    int64_t *popularity = mem_zero((size_t)protocol->item_count, sizeof *popularity);
    int64_t *last = mem_zero((size_t)protocol->item_count, sizeof *last);
    if (!popularity || !last) {
        mem_free(popularity);
        mem_free(last);
        return err_memory(err, (int64_t)protocol->item_count * 16);
    }
    for (int64_t s = 0; s < fit.sequence_count; s++)
        for (int64_t e = fit.offsets[s]; e < fit.offsets[s + 1]; e++) {
            popularity[fit.items[e]] += last[fit.items[e]] != s + 1;
            last[fit.items[e]] = s + 1;
        }
    mem_free(last);
    *ret_popularity = popularity;
    return KAI_OK;
}

static kai_status judge_all(struct backtest *backtest, kai_err *err) {
    struct ranking_model models[RECOMMENDERS_MAX];
    const struct protocol *protocol = &backtest->protocol;
    int64_t questions = protocol->asked.count, *popularity = NULL;
    timing_enter(&backtest->timing, "judge");
    kai_status st = count_popularity(protocol, &popularity, err);
    if (st) return st;
    for (int32_t m = 0; m < backtest->model_count; m++)
        models[m] = (struct ranking_model){backtest->ranks + m * questions,
                                           backtest->lists + m * questions * backtest->list_length};
    struct ranking_input input = {.customers = questions,
                                  .item_count = protocol->item_count,
                                  .list_length = backtest->list_length,
                                  .popularity = popularity,
                                  .training_customers = protocol->train.count,
                                  .models = models,
                                  .model_count = backtest->model_count,
                                  .metrics = backtest->metrics,
                                  .metric_count = backtest->metric_count,
                                  .confidence = backtest->options->confidence,
                                  .seed = (uint64_t)backtest->options->common.seed};
    st = ranking_judge(&input, backtest->engine->pool, &backtest->result, err);
    mem_free(popularity);
    return st;
}

kai_status backtest_run(struct backtest *backtest, kai_err *err) {
    const kai_backtest_options *options = backtest->options;
    timing_start(&backtest->timing);
    dict_init(&backtest->items);
    timing_enter(&backtest->timing, "read");
    kai_status st =
        recommender_parse(options->models, backtest->models, &backtest->model_count, err);
    if (!st) st = recommender_options(&options->transformer, &backtest->transformer, err);
    if (!st) st = parse_metrics(backtest, err);
    if (!st)
        st = history_input_read(backtest->engine, options->arguments.items[0], &options->input,
                                &backtest->input, err);
    if (!st) st = set_protocol(backtest, err);
    if (st) return st;
    size_t cells = (size_t)backtest->model_count * (size_t)backtest->protocol.asked.count;
    backtest->ranks = mem_array(cells, sizeof *backtest->ranks);
    backtest->lists = mem_array(cells * (size_t)backtest->list_length, sizeof *backtest->lists);
    if (!backtest->ranks || !backtest->lists) return err_memory(err, (int64_t)cells * 4);
    for (int32_t m = 0; !st && m < backtest->model_count; m++) st = run_model(backtest, m, err);
    return st ? st : judge_all(backtest, err);
}

void backtest_release(struct backtest *backtest) {
    for (int32_t m = 0; m < backtest->model_count; m++) recommender_release(&backtest->models[m]);
    ranking_result_release(&backtest->result);
    mem_free(backtest->ranks);
    mem_free(backtest->lists);
    protocol_release(&backtest->protocol);
    dict_release(&backtest->items);
    table_free(backtest->questions);
    history_input_release(&backtest->input);
}

int32_t kai_engine_backtest(kai_engine *engine, const kai_backtest_options *options,
                            kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct backtest backtest = {.engine = engine, .options = options};
    struct buf out;
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    st = backtest_run(&backtest, err);
    if (!st)
        st = ret_json ? backtest_describe(&backtest, &out, err)
                      : backtest_print(&backtest, &out, err);
    if (!st) result_give(&out, ret_json ? ret_json : ret_text);
    backtest_release(&backtest);
    buf_release(&out);
    return st;
}
