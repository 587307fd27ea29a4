/* cmocka with the checks that this house needs. Include this instead of cmocka.h. */
#ifndef KAIROS_TESTS_KIT_CHECK_H
#define KAIROS_TESTS_KIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* The status is KAI_OK; prints the message where it is not. */
#define CHECK_OK(status, err) check_ok((status), (err), __FILE__, __LINE__)
/* The status is `expected`, and the message holds `part` (NULL: any). */
#define CHECK_FAILS(status, err, expected, part) \
    check_fails((status), (err), (expected), (part), __FILE__, __LINE__)
/* |a - b| <= tolerance (NaN never passes). */
#define CHECK_NEAR(a, b, tolerance) check_near((a), (b), (tolerance), __FILE__, __LINE__)

void check_ok(kai_status status, const kai_err *err, const char *file, int line);
void check_fails(kai_status status, const kai_err *err, kai_status expected, const char *part,
                 const char *file, int line);
void check_near(double a, double b, double tolerance, const char *file, int line);

/* A path in a fresh folder of this process under the system's temporary folder (static storage,
 * good until the next 4 calls). */
const char *check_temp_path(const char *name);
/* "<KAIROS_DATA>/<name>", or NULL where the file is missing (then the test prints "skipped"). */
const char *check_data_path(const char *name);
/* Write a text file at check_temp_path(name); returns the path. */
const char *check_write(const char *name, const char *text);

/* Make the n-th allocation from now fail (0 = none), every later one too while `lasting`.
 * check_alloc_count: allocations since. check_alloc_live: not yet freed. */
void check_alloc_fail(int64_t nth, int lasting);
void check_alloc_reset(void);
int64_t check_alloc_count(void);
int64_t check_alloc_live(void);

/* Builds, uses and frees; the status of the first failure. */
typedef kai_status (*check_job)(kai_err *err);
/* The job with its 1st, 2nd, 3rd ... allocation failing, once and for good, until it succeeds: each
 * time it says that memory ran out, and leaves none behind. */
void check_exhaust(check_job job);

#endif
