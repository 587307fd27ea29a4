/* Whole jobs with their n-th allocation failing, once and for good: "out of memory", nothing left
 * behind, no result given or the same as ever. n goes over 1 to 100, then on in 1.3-fold steps
 * until the job succeeds. XGBoost allocates by itself and is not failed. */
#include <kairos/engine.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/options.h"
#include "base/rng.h"
#include "kit/check.h"

enum { ALLOCATIONS_MAX = 100000000, EACH_MAX = 100, PATH_BYTES = 512 };

static char table_path[PATH_BYTES], model_path[PATH_BYTES], campaign_path[PATH_BYTES],
    run_path[PATH_BYTES], scores_path[PATH_BYTES], market_path[PATH_BYTES],
    receipts_path[PATH_BYTES], tried_path[PATH_BYTES];

/* One verb with its options, parsed once; only the job itself is starved. */
struct job {
    struct arena arena;
    const kai_verb *verb;
    void *options; /* in the arena */
};

static void make_job(struct job *job, const char *const *words) {
    kai_err err = {0};
    int count = 0, is_help = 0;
    while (words[count + 1]) count++;
    arena_init(&job->arena);
    for (int32_t v = 0; v < kai_verb_count(); v++)
        if (strcmp(kai_verb_name(kai_verb_at(v)), words[0]) == 0) job->verb = kai_verb_at(v);
    int64_t size = kai_verb_options_bytes(job->verb);
    job->options = arena_alloc(&job->arena, 1, (size_t)size);
    assert_non_null(job->options);
    uint32_t struct_size = (uint32_t)size;
    memcpy(job->options, &struct_size, sizeof struct_size);
    const struct kai_option_table *table = kai_verb_table(job->verb);
    CHECK_OK(options_init(table, job->options, &job->arena, &err), &err);
    CHECK_OK(options_parse(table, count, words + 1, job->options, &job->arena, &is_help, &err),
             &err);
}

static kai_status run_job(const struct job *job, int wants_json, kai_buf *ret_result,
                          kai_err *err) {
    kai_engine_options options = {.struct_size = sizeof options, .threads = 1};
    kai_engine *engine = NULL;
    kai_status st = kai_engine_open(&options, &engine, err);
    if (!st)
        st = kai_verb_run(job->verb, engine, job->options, wants_json ? ret_result : NULL,
                          wants_json ? NULL : ret_result, err);
    assert_true(st ? !ret_result->data : ret_result->data != NULL);
    kai_engine_close(engine);
    return st;
}

static int64_t next_step(int64_t nth) { return nth < EACH_MAX ? nth + 1 : nth + nth * 3 / 10; }

/* One failure may be got over (memory that was only to be given back): then the result is the same
 * as ever. A job with no memory from then on must fail. */
static void starve_at(const struct job *job, int64_t nth, int lasting, const char *wanted,
                      int64_t *ret_seen, kai_status *ret_status) {
    kai_err err = {0};
    kai_buf result = {0};
    check_alloc_fail(nth, lasting);
    *ret_status = run_job(job, lasting, &result, &err);
    *ret_seen = check_alloc_count();
    int is_same = lasting || *ret_status || strcmp(result.data, wanted) == 0;
    kai_buf_release(&result);
    int64_t live = check_alloc_live();
    check_alloc_reset();
    if (live || !is_same || (!*ret_status && lasting && *ret_seen >= nth))
        print_error("'%s', allocation %lld\n", kai_verb_name(job->verb), (long long)nth);
    assert_int_equal(live, 0);
    assert_true(is_same);
    if (*ret_seen < nth)
        CHECK_OK(*ret_status, &err);
    else if (lasting || *ret_status)
        CHECK_FAILS(*ret_status, &err, KAI_NO_MEMORY, "out of memory");
}

static void starve(const char *const *words) {
    struct job job = {0};
    kai_err err = {0};
    kai_buf wanted = {0};
    make_job(&job, words);
    CHECK_OK(run_job(&job, 0, &wanted, &err), &err);
    for (int lasting = 0; lasting < 2; lasting++) {
        int64_t nth = 1, seen = 0, failed = 0;
        for (;; nth = next_step(nth)) {
            kai_status st;
            assert_true(nth < ALLOCATIONS_MAX);
            starve_at(&job, nth, lasting, wanted.data, &seen, &st);
            failed += st != KAI_OK;
            if (seen < nth) break;
        }
        assert_true(failed > 10);
    }
    kai_buf_release(&wanted);
    arena_release(&job.arena);
}

/* Make the inputs of a job that comes later, with all the memory there is. */
static void run_well(const char *const *words) {
    struct job job = {0};
    kai_err err = {0};
    kai_buf result = {0};
    make_job(&job, words);
    CHECK_OK(run_job(&job, 0, &result, &err), &err);
    kai_buf_release(&result);
    arena_release(&job.arena);
}

static void write_lines(const char *name, char path[PATH_BYTES], const char *header, int rows,
                        void (*print)(FILE *file, int row)) {
    (void)snprintf(path, PATH_BYTES, "%s", check_temp_path(name));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(header, file);
    for (int i = 0; i < rows; i++) print(file, i);
    assert_int_equal(fclose(file), 0);
}

static void print_labelled(FILE *file, int row) {
    struct rng rng;
    rng_init(&rng, 1, "labelled", (uint64_t)row);
    double age = 20 + 40 * rng_unit(&rng);
    (void)fprintf(file, "%.1f,%s,%s,%s\n", age, row % 3 ? "a" : "b",
                  row % 7 ? &"123456"[row % 6] : "", age + 10 * rng_unit(&rng) > 45 ? "yes" : "no");
}

static void print_tried(FILE *file, int row) {
    struct rng rng;
    rng_init(&rng, 2, "tried", (uint64_t)row);
    double age = 20 + 40 * rng_unit(&rng);
    (void)fprintf(file, "%d,%.1f,%s,%s,%.2f\n", row, age, row % 3 ? "a" : "b",
                  row % 2 ? "mail" : "none", 5 + (row % 2) * (age - 35) / 4 + rng_unit(&rng));
}

static int make_inputs(void **state) {
    (void)state;
    static const char CAMPAIGN[] =
        "customers: {table: tried.csv, id: id, sensitive: [place]}\n"
        "history: {action: arm, control: none, outcomes: {value: {column: spend}}}\n"
        "offers: [{name: mail, cost: 0.1, channel: post}]\n"
        "limits: {budget: 3, fairness: {column: place, max_gap: 0.3}}\n"
        "evaluate: {folds: 2, learners: [constant]}\n";
    write_lines("small.csv", table_path, "age,place,gaps,label\n", 30, print_labelled);
    write_lines("tried.csv", tried_path, "id,age,place,arm,spend\n", 130, print_tried);
    (void)snprintf(campaign_path, PATH_BYTES, "%s", check_write("c.yaml", CAMPAIGN));
    (void)snprintf(model_path, PATH_BYTES, "%s", check_temp_path("small.kai"));
    (void)snprintf(scores_path, PATH_BYTES, "%s", check_temp_path("scores.csv"));
    (void)snprintf(run_path, PATH_BYTES, "%s", check_temp_path("run"));
    (void)snprintf(receipts_path, PATH_BYTES, "%s/receipts.jsonl.gz", check_temp_path("run"));
    (void)snprintf(market_path, PATH_BYTES, "%s", check_temp_path("market"));
    return 0;
}

#define SMALL_MODELS \
    "--trees", "2", "--rounds", "2", "--hidden", "3", "--epochs", "1", "--calibrate", "isotonic"

static void test_jobs__fit_survives_hunger(void **state) {
    (void)state;
    starve((const char *const[]){"fit", table_path, "--label", "label", SMALL_MODELS, "--save",
                                 model_path, "--permutation", NULL});
}

static void test_jobs__tuning_survives_hunger(void **state) {
    (void)state;
    starve((const char *const[]){"fit", table_path, "--label", "age", "--models", "forest,mlp",
                                 "--trees", "2", "--hidden", "3", "--epochs", "1", "--tune", "2",
                                 "--group", "gaps", NULL});
}

static void test_jobs__predict_and_explain_survive_hunger(void **state) {
    (void)state;
    run_well((const char *const[]){"fit", table_path, "--label", "label", SMALL_MODELS, "--save",
                                   model_path, NULL});
    starve((const char *const[]){"predict", model_path, table_path, "--model", "mlp", "--out",
                                 scores_path, NULL});
    starve((const char *const[]){"explain", "score", model_path, table_path, "--row", "3",
                                 "--model", "forest", NULL});
    starve((const char *const[]){"explain", "score", model_path, table_path, "--row", "3",
                                 "--model", "mlp", NULL});
}

static void test_jobs__run_survives_hunger(void **state) {
    (void)state;
    starve((const char *const[]){"run", campaign_path, "--out", run_path, NULL});
    starve((const char *const[]){"explain", "decision", receipts_path, "7", NULL});
}

static void test_jobs__simulate_survives_hunger(void **state) {
    (void)state;
    starve((const char *const[]){"simulate campaign", "--customers", "30", "--out", market_path,
                                 NULL});
    starve((const char *const[]){"simulate events", "--customers", "30", "--days", "10", "--items",
                                 "8", "--out", market_path, NULL});
}

static void test_jobs__proofs_survive_hunger(void **state) {
    (void)state;
    char paths[PATH_BYTES], log[PATH_BYTES], policy[PATH_BYTES];
    (void)snprintf(paths, PATH_BYTES, "%s",
                   check_write("paths.csv",
                               "customer,time,channel,converted,value\n"
                               "b,2,mail,1,20\na,1,search,0,\na,2,mail,1,20\n"));
    (void)snprintf(log, PATH_BYTES, "%s",
                   check_write("log.csv", "a,r,p,s\nx,1,0.5,1\ny,0,0.5,1\nx,1,0.5,2\ny,1,0.5,2\n"));
    (void)snprintf(policy, PATH_BYTES, "%s",
                   check_write("policy.csv", "action,probability\nx,0.3\ny,0.7\n"));
    starve((const char *const[]){"evaluate ab", tried_path, "--arm", "arm", "--control", "none",
                                 "--metric", "spend,spend:q50", "--before", "age", "--segment",
                                 "place", "--cluster", "id", "--bayes", NULL});
    starve((const char *const[]){"evaluate attribution", paths, "--models",
                                 "last,markov,markov-shapley", NULL});
    starve((const char *const[]){"evaluate ope", log, "--action", "a", "--reward", "r",
                                 "--propensity", "p", "--position", "a", "--embedding", "a",
                                 "--policy", policy, NULL});
    starve((const char *const[]){"evaluate ope", log, "--action", "a", "--reward", "r",
                                 "--propensity", "p", "--slate", "s", "--policy", policy, NULL});
    run_well((const char *const[]){"run", campaign_path, "--out", run_path, NULL});
    starve((const char *const[]){"evaluate ledger", run_path, "--outcomes", tried_path, "--id",
                                 "id", "--outcome", "spend", "--period", "place", "--out",
                                 scores_path, NULL});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs__fit_survives_hunger),
        cmocka_unit_test(test_jobs__tuning_survives_hunger),
        cmocka_unit_test(test_jobs__predict_and_explain_survive_hunger),
        cmocka_unit_test(test_jobs__run_survives_hunger),
        cmocka_unit_test(test_jobs__simulate_survives_hunger),
        cmocka_unit_test(test_jobs__proofs_survive_hunger),
    };
    return cmocka_run_group_tests(tests, make_inputs, NULL);
}
