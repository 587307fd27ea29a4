/* What every call answers: a status, and a message that the caller owns.
 *
 * Vocabulary only: this header may be seen from the ground floor up.
 * A status is 0 for success or one of few negative kinds, chosen by what a caller would do
 * differently. The list below is the only place that knows number, name, text, exit code of the
 * command and HTTP status, so the three surfaces cannot disagree.
 */
#ifndef KAIROS_STATUS_H
#define KAIROS_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define KAI_API __attribute__((visibility("default")))
#define KAI_MUST_CHECK __attribute__((warn_unused_result))
#else
#define KAI_API
#define KAI_MUST_CHECK
#endif

typedef int32_t kai_status;

/*  X(name, number, text, exit code, HTTP status) */
#define KAI_STATUS_LIST(X)                              \
    X(OK, 0, "success", 0, 200)                         \
    X(INVALID, -1, "invalid input", 2, 400)             \
    X(NO_MEMORY, -2, "out of memory", 3, 503)           \
    X(IO, -3, "input or output failed", 4, 500)         \
    X(CORRUPT, -4, "damaged data", 5, 500)              \
    X(NOT_FOUND, -5, "not found", 6, 404)               \
    X(EXISTS, -6, "exists already", 7, 409)             \
    X(LIMIT, -7, "limit reached", 8, 429)               \
    X(STATE, -8, "not possible in this state", 9, 409)  \
    X(UNSUPPORTED, -9, "not supported", 10, 501)        \
    X(INFEASIBLE, -10, "limits cannot be met", 11, 422) \
    X(DIVERGED, -11, "did not converge", 12, 500)       \
    X(CANCELLED, -12, "cancelled", 130, 499)            \
    X(DENIED, -13, "denied", 13, 403)

enum {
#define KAI_STATUS_ENUM(name, number, text, exit_code, http) KAI_##name = (number),
    KAI_STATUS_LIST(KAI_STATUS_ENUM)
#undef KAI_STATUS_ENUM
};

#define KAI_ERR_MESSAGE_BYTES 508

/* The caller's error: 512 bytes, frozen. `message` is lower case, names its subject in single
 * quotes and has no full stop. */
typedef struct kai_err {
    int32_t code;
    char message[KAI_ERR_MESSAGE_BYTES];
} kai_err;

/* The text of a kind ("invalid input"). Gives: a static string, never NULL. Threads: any. */
KAI_API const char *kai_status_text(int32_t status);
/* The exit code of the command for a kind. Threads: any. */
KAI_API int32_t kai_status_exit(int32_t status);
/* The HTTP status for a kind. Threads: any. */
KAI_API int32_t kai_status_http(int32_t status);

#ifdef __cplusplus
}
#endif
#endif
