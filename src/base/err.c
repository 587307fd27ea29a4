#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef err_set
#undef err_wrap
#undef err_memory

_Static_assert(sizeof(kai_err) == 512, "kai_err is frozen at 512 bytes");

struct status_entry {
    kai_status status;
    const char *text;
    int32_t exit_code;
    int32_t http;
};

static const struct status_entry STATUSES[] = {
#define STATUS_ENTRY(name, number, text, exit_code, http) {number, text, exit_code, http},
    KAI_STATUS_LIST(STATUS_ENTRY)
#undef STATUS_ENTRY
};

static const struct status_entry *find_status(kai_status status) {
    for (size_t i = 0; i < sizeof STATUSES / sizeof *STATUSES; i++)
        if (STATUSES[i].status == status) return &STATUSES[i];
    return NULL;
}

const char *kai_status_text(int32_t status) {
    const struct status_entry *entry = find_status(status);
    return entry ? entry->text : "unknown status";
}

int32_t kai_status_exit(int32_t status) {
    const struct status_entry *entry = find_status(status);
    return entry ? entry->exit_code : 1;
}

int32_t kai_status_http(int32_t status) {
    const struct status_entry *entry = find_status(status);
    return entry ? entry->http : 500;
}

kai_status err_set(kai_err *err, kai_status code, const char *format, ...) {
    if (!err) return code;
    va_list args;
    va_start(args, format);
    err->code = code;
    (void)vsnprintf(err->message, sizeof err->message, format,
                    args); /* a cut message is still one */
    va_end(args);
    return code;
}

kai_status err_wrap(kai_err *err, kai_status code, const char *format, ...) {
    if (!err) return code;
    char inner[KAI_ERR_MESSAGE_BYTES];
    memcpy(inner, err->message, sizeof inner);
    inner[sizeof inner - 1] = '\0';
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n;
    if (used + 3 < sizeof err->message) {
        int room = (int)(sizeof err->message - used - 3);
        (void)snprintf(err->message + used, sizeof err->message - used, ": %.*s", room, inner);
    }
    if (!err->code) err->code = code;
    return err->code;
}

kai_status err_memory(kai_err *err, int64_t bytes) {
    return err_set(err, KAI_NO_MEMORY, "out of memory: %lld bytes were asked for",
                   (long long)bytes);
}
