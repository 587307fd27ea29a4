/* The reader on real tables, and its promise that threads change nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "csv_kit.h"

static int read_data(struct read *read, const char *name, const struct csv_options *options) {
    const char *path = check_data_path(name);
    *read = (struct read){0};
    if (!path) return 0;
    CHECK_OK(collect_read_csv(path, options, NULL, NULL, &read->table, &read->report, &read->err),
             &read->err);
    assert_int_equal(read->report.rows_bad, 0);
    return 1;
}

static double sum(const struct read *read, const char *name) {
    int32_t index = table_find(read->table, name);
    assert_true(index >= 0);
    double total = 0;
    for (int64_t row = 0; row < read->table->rows; row++) {
        double value = column_f64(read->table->columns[index], row);
        if (value == value) total += value;
    }
    return total;
}

static void test_csv_data__hillstrom(void **state) {
    (void)state;
    struct read read;
    if (!read_data(&read, "hillstrom/hillstrom.csv.gz", NULL)) return;
    assert_int_equal(read.table->rows, 64000);
    assert_int_equal(read.table->count, 12);
    assert_int_equal(kind_of(&read, "recency"), COLUMN_I64);
    assert_int_equal(kind_of(&read, "history"), COLUMN_F64);
    assert_int_equal(kind_of(&read, "segment"), COLUMN_CATEGORY);
    assert_int_equal(sum(&read, "visit"), 9394);
    assert_int_equal(sum(&read, "conversion"), 578);
    CHECK_NEAR(sum(&read, "spend") / 64000, 1.050908, 1e-6);
    read_release(&read);
}

static void test_csv_data__bank(void **state) {
    (void)state;
    struct read read;
    if (!read_data(&read, "bank_marketing/bank-additional-full.csv.gz", NULL)) return;
    assert_int_equal(read.report.delimiter, ';');
    assert_int_equal(read.table->rows, 41188);
    assert_int_equal(read.table->count, 21);
    assert_int_equal(kind_of(&read, "y"), COLUMN_CATEGORY);
    const struct column *label = read.table->columns[20];
    int64_t yes = 0;
    for (int64_t row = 0; row < 41188; row++)
        yes += strcmp(dict_text(label->dict, label->as.codes[row]), "yes") == 0;
    assert_int_equal(yes, 4640);
    read_release(&read);
}

static void test_csv_data__adult(void **state) {
    (void)state;
    struct read read;
    struct csv_options options = {
        .no_header = 1,
        .missing = LIST("?"),
        .columns =
            LIST("age", "workclass", "fnlwgt", "education", "education-num", "marital-status",
                 "occupation", "relationship", "race", "sex", "capital-gain", "capital-loss",
                 "hours-per-week", "native-country", "income")};
    if (!read_data(&read, "adult/adult.data.gz", &options)) return;
    assert_int_equal(read.table->rows, 32561);
    assert_int_equal(read.report.columns[1].missing, 1836);
    assert_int_equal(read.report.columns[6].missing, 1843);
    assert_int_equal(read.report.columns[13].missing, 583);
    assert_string_equal(cell(&read, 1, 0), "State-gov");
    assert_int_equal(read.report.columns[14].distinct, 2);
    read_release(&read);
}

static void test_csv_data__telco(void **state) {
    (void)state;
    struct read read;
    if (!read_data(&read, "telco_churn/Telco-Customer-Churn.csv", NULL)) return;
    assert_int_equal(read.table->rows, 7043);
    assert_int_equal(kind_of(&read, "TotalCharges"), COLUMN_F64);
    assert_int_equal(read.report.columns[table_find(read.table, "TotalCharges")].missing, 11);
    assert_int_equal(kind_of(&read, "customerID"), COLUMN_TEXT);
    read_release(&read);
}

static void test_csv_data__noshow(void **state) {
    (void)state;
    struct read read;
    if (!read_data(&read, "noshow_appointments/KaggleV2-May-2016.csv.gz", NULL)) return;
    assert_int_equal(read.table->rows, 110527);
    assert_int_equal(kind_of(&read, "ScheduledDay"), COLUMN_TIME);
    assert_string_equal(cell(&read, 3, 0), "2016-04-29T18:38:08Z");
    assert_string_equal(cell(&read, 4, 0), "2016-04-29");
    assert_string_equal(cell(&read, 13, 0), "No");
    read_release(&read);
}

/* A text with everything that makes chunks hard: line ends within quotes, bad rows, late surprises.
 */
static char *make_hard_text(size_t *ret_size) {
    enum { ROWS = 60000 };
    struct rng rng;
    rng_init(&rng, 3, "hard text", 0);
    char *text = mem_alloc(ROWS * 200);
    size_t size = (size_t)sprintf(text, "id,note,number,word,late\n");
    for (int i = 0; i < ROWS; i++) {
        size += (size_t)sprintf(text + size, "%d,\"", i);
        for (uint64_t k = rng_below(&rng, 12); k > 0; k--)
            size +=
                (size_t)sprintf(text + size, "%s", k % 3 ? "a,b\n" : "said \"\"so\"\"\n1,2,3,4,5");
        double value = rng_normal(&rng);
        size += (size_t)sprintf(text + size, "\",%.*g,w%d,", (int)rng_below(&rng, 17) + 1, value,
                                (int)rng_below(&rng, 40));
        size += (size_t)sprintf(text + size, i == 50000 ? "x\n" : i < 40000 ? "%d\n" : "%d.5\n", i);
        if (rng_below(&rng, 500) == 0) size += (size_t)sprintf(text + size, "a,stray \"row\n");
        if (rng_below(&rng, 5000) == 0) size += (size_t)sprintf(text + size, "7,\"stray,1,2,3\n");
    }
    *ret_size = size;
    return text;
}

static void check_equal(const struct read *a, const struct read *b) {
    assert_int_equal(a->table->rows, b->table->rows);
    assert_int_equal(a->table->count, b->table->count);
    assert_int_equal(a->report.rows_bad, b->report.rows_bad);
    assert_int_equal(a->report.bad_count, b->report.bad_count);
    for (int32_t i = 0; i < a->report.bad_count; i++) {
        assert_int_equal(a->report.bad[i].line, b->report.bad[i].line);
        assert_string_equal(a->report.bad[i].message, b->report.bad[i].message);
    }
    for (int32_t i = 0; i < a->table->count; i++) {
        const struct column *x = a->table->columns[i], *y = b->table->columns[i];
        assert_int_equal(x->kind, y->kind);
        assert_string_equal(a->report.columns[i].reason, b->report.columns[i].reason);
        size_t rows = (size_t)x->rows;
        if (x->kind == COLUMN_TEXT) {
            assert_memory_equal(x->offsets, y->offsets, (rows + 1) * sizeof *x->offsets);
            assert_memory_equal(x->as.bytes, y->as.bytes, (size_t)x->offsets[rows]);
        } else {
            size_t bytes = x->kind == COLUMN_CATEGORY ? sizeof(int32_t) : sizeof(int64_t);
            assert_memory_equal(x->as.i64, y->as.i64, rows * bytes);
        }
    }
}

static void test_csv_data__threads_change_nothing(void **state) {
    (void)state;
    size_t size;
    char *text = make_hard_text(&size);
    struct read one;
    CHECK_OK(read_bytes(&one, text, size, NULL), &one.err);
    assert_int_equal(kind_of(&one, "late"), COLUMN_F64);
    assert_int_equal(one.report.bad_by_reason[COLLECT_NUMBER], 1);
    assert_in_range(one.report.rows_bad, 80, 300);
    static const int32_t THREADS[] = {2, 3, 8};
    for (size_t i = 0; i < sizeof THREADS / sizeof *THREADS; i++) {
        struct pool *pool = NULL;
        struct read many = {0};
        CHECK_OK(pool_new(THREADS[i], &pool, NULL), NULL);
        CHECK_OK(collect_read_csv_bytes("t.csv", text, size, NULL, pool, &many.table, &many.report,
                                        &many.err),
                 &many.err);
        check_equal(&one, &many);
        read_release(&many);
        pool_free(pool);
    }
    read_release(&one);
    mem_free(text);
}

static void test_csv_data__files_and_memory_agree(void **state) {
    (void)state;
    size_t size;
    char *text = make_hard_text(&size);
    const char *path = check_temp_path("hard.csv.gz");
    CHECK_OK(file_write_all(path, text, size, NULL), NULL);
    struct read memory, file = {0};
    CHECK_OK(read_bytes(&memory, text, size, NULL), &memory.err);
    CHECK_OK(collect_read_csv(path, NULL, NULL, NULL, &file.table, &file.report, &file.err),
             &file.err);
    check_equal(&memory, &file);
    assert_string_equal(file.table->name, path);
    read_release(&memory);
    read_release(&file);
    mem_free(text);
}

/* A pipe cannot be read twice; this table needs it. */
static void test_csv_data__pipes_are_held(void **state) {
    (void)state;
    const char *path = check_temp_path("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        FILE *pipe = fopen(path, "wb");
        for (int i = 0; pipe && i < 100000; i++)
            (void)fprintf(pipe, i == 0 ? "n\n" : i < 50000 ? "%d\n" : "x%d\n", i % 1000);
        _exit(pipe && fclose(pipe) == 0 ? 0 : 1);
    }
    struct read read = {0};
    kai_status st = collect_read_csv(path, NULL, NULL, NULL, &read.table, &read.report, &read.err);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    CHECK_OK(st, &read.err);
    assert_int_equal(read.table->rows, 99999);
    assert_int_equal(kind_of(&read, "n"), COLUMN_CATEGORY);
    read_release(&read);
}

static void test_csv_data__an_endless_stream_of_noise_is_refused(void **state) {
    (void)state;
    struct read read = {0};
    if (!file_exists("/dev/urandom")) return;
    kai_status st =
        collect_read_csv("/dev/urandom", NULL, NULL, NULL, &read.table, &read.report, &read.err);
    CHECK_FAILS(st, &read.err, KAI_INVALID, "a NUL byte");
}

static int stop_at_once(void *user, const char *stage, int64_t done, int64_t total) {
    int64_t *seen = user;
    assert_string_equal(stage, "read");
    assert_true(done > 0 && total >= 0);
    (*seen)++;
    return 1;
}

static void test_csv_data__progress_cancels(void **state) {
    (void)state;
    int64_t seen = 0;
    struct progress progress = {stop_at_once, &seen};
    struct read read = {0};
    kai_status st = collect_read_csv(check_write("p.csv", "a\n1\n"), NULL, NULL, &progress,
                                     &read.table, &read.report, &read.err);
    CHECK_FAILS(st, &read.err, KAI_CANCELLED, NULL);
    assert_int_equal(seen, 1);
    assert_null(read.table);
}

static void test_csv_data__survives_failing_allocations(void **state) {
    (void)state;
    static const char TEXT[] =
        "a,b,c\n1,\"x \"\"y\"\"\",2020-01-01\n2,long text beyond it,\n3\n4,z,2020-01-02\n";
    struct csv_options options = {.types = LIST("a=number")};
    for (int64_t nth = 1;; nth++) {
        struct read read = {0};
        check_alloc_fail(nth, 0);
        kai_status st = collect_read_csv_bytes("t.csv", TEXT, sizeof TEXT - 1, &options, NULL,
                                               &read.table, &read.report, &read.err);
        int is_done = check_alloc_count() < nth;
        if (st) CHECK_FAILS(st, &read.err, KAI_NO_MEMORY, NULL);
        read_release(&read);
        assert_int_equal(check_alloc_live(), 0);
        check_alloc_reset();
        if (is_done) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_data__hillstrom),
        cmocka_unit_test(test_csv_data__bank),
        cmocka_unit_test(test_csv_data__adult),
        cmocka_unit_test(test_csv_data__telco),
        cmocka_unit_test(test_csv_data__noshow),
        cmocka_unit_test(test_csv_data__threads_change_nothing),
        cmocka_unit_test(test_csv_data__files_and_memory_agree),
        cmocka_unit_test(test_csv_data__pipes_are_held),
        cmocka_unit_test(test_csv_data__an_endless_stream_of_noise_is_refused),
        cmocka_unit_test(test_csv_data__progress_cancels),
        cmocka_unit_test(test_csv_data__survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
