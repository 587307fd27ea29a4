#include "kit/check.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

void check_ok(kai_status status, const kai_err *err, const char *file, int line) {
    if (status == KAI_OK) return;
    print_error("%s:%d: status %d: %s\n", file, line, status, err ? err->message : "");
    _fail(file, line);
}

void check_fails(kai_status status, const kai_err *err, kai_status expected, const char *part,
                 const char *file, int line) {
    const char *message = err ? err->message : "";
    if (status == expected && (!part || strstr(message, part))) return;
    print_error("%s:%d: status %d '%s', expected %d with '%s'\n", file, line, status, message,
                expected, part ? part : "");
    _fail(file, line);
}

void check_near(double a, double b, double tolerance, const char *file, int line) {
    if (fabs(a - b) <= tolerance) return;
    print_error("%s:%d: %.17g is not within %g of %.17g\n", file, line, a, tolerance, b);
    _fail(file, line);
}

enum { PATHS = 5, PATH_BYTES = 4096 };

static const char *next_path(const char *folder, const char *name) {
    static char paths[PATHS][PATH_BYTES];
    static int next;
    char *path = paths[next++ % PATHS];
    (void)snprintf(path, PATH_BYTES, "%s/%s", folder, name);
    return path;
}

const char *check_temp_path(const char *name) {
    static char folder[64];
    if (!folder[0]) {
        (void)snprintf(folder, sizeof folder, "/tmp/kairos-test-%d", (int)getpid());
        (void)mkdir(folder, 0700); /* a folder that cannot be made fails at the first file */
    }
    return next_path(folder, name);
}

const char *check_data_path(const char *name) {
    const char *folder = getenv("KAIROS_DATA");
    const char *path = next_path(folder ? folder : "../shared/data", name);
    if (access(path, R_OK) == 0) return path;
    print_message("skipped: %s is missing\n", path);
    return NULL;
}

const char *check_write(const char *name, const char *text) {
    const char *path = check_temp_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    return path;
}

static atomic_llong alloc_seen, alloc_live, alloc_nth;
static int alloc_lasting;

static int must_fail(void) {
    int64_t seen = atomic_fetch_add(&alloc_seen, 1) + 1;
    int64_t nth = atomic_load(&alloc_nth);
    return nth > 0 && (seen == nth || (alloc_lasting && seen > nth));
}

static void *counting_alloc(void *user, size_t bytes) {
    (void)user;
    if (must_fail()) return NULL;
    void *memory = malloc(bytes);
    if (memory) atomic_fetch_add(&alloc_live, 1);
    return memory;
}

static void *counting_resize(void *user, void *memory, size_t bytes) {
    (void)user;
    return must_fail() ? NULL : realloc(memory, bytes);
}

static void counting_free(void *user, void *memory) {
    (void)user;
    if (memory) atomic_fetch_sub(&alloc_live, 1);
    free(memory);
}

void check_alloc_fail(int64_t nth, int lasting) {
    static const struct alloc_table COUNTING = {counting_alloc, counting_resize, counting_free,
                                                NULL};
    atomic_store(&alloc_seen, 0);
    atomic_store(&alloc_live, 0);
    atomic_store(&alloc_nth, nth);
    alloc_lasting = lasting;
    alloc_set(&COUNTING);
}

void check_alloc_reset(void) { alloc_set(NULL); }
int64_t check_alloc_count(void) { return atomic_load(&alloc_seen); }
int64_t check_alloc_live(void) { return atomic_load(&alloc_live); }

enum { EXHAUST_ALLOCATIONS_MAX = 2000 };

void check_exhaust(check_job job) {
    for (int lasting = 0; lasting < 2; lasting++) {
        int64_t nth = 1;
        for (; nth < EXHAUST_ALLOCATIONS_MAX; nth++) {
            kai_err err = {0};
            check_alloc_fail(nth, lasting);
            kai_status st = job(&err);
            int64_t seen = check_alloc_count(), live = check_alloc_live();
            check_alloc_reset();
            assert_int_equal(live, 0);
            if (seen < nth) {
                CHECK_OK(st, &err);
                break;
            }
            CHECK_FAILS(st, &err, KAI_NO_MEMORY, "out of memory");
        }
        assert_in_range(nth, 2,
                        EXHAUST_ALLOCATIONS_MAX - 1); /* something was failed, and it ended */
    }
}
