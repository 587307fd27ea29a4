/* Set and wrap the caller's error. Both accept NULL and return the code, so that a failing line
 * reads `return err_set(err, KAI_INVALID, "column '%s': ...", name);`. */
#ifndef KAIROS_BASE_ERR_H
#define KAIROS_BASE_ERR_H

#include <kairos/status.h>

#define ERR_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))

/* Write code and message; the previous content is lost. Returns `code`. */
kai_status err_set(kai_err *err, kai_status code, const char *format, ...) ERR_PRINTF(3, 4);
/* Put "<text>: " before the message that is there. Returns the code that is there, or `code` where
 * err is NULL. */
kai_status err_wrap(kai_err *err, kai_status code, const char *format, ...) ERR_PRINTF(3, 4);
/* "out of memory" with the number of bytes that were asked for. */
kai_status err_memory(kai_err *err, int64_t bytes);

/* The analyzer of the preset tidy looks at one file at a time; this tells it what they return. */
#ifdef __clang_analyzer__
#define err_set(err, code, ...) (err_set((err), (code), __VA_ARGS__), (code))
#define err_wrap(err, code, ...) (err_wrap((err), (code), __VA_ARGS__), (code))
#define err_memory(err, bytes) (err_memory((err), (bytes)), KAI_NO_MEMORY)
#endif

/* Internal invariant; stops debug and test builds only. */
#ifdef KAIROS_ASSERTIONS
#include <assert.h>
#define KAI_ASSERT(condition) assert(condition)
#else
#define KAI_ASSERT(condition) ((void)sizeof(condition))
#endif

#endif
