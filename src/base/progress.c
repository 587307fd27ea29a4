#include "base/progress.h"

#include <stddef.h>

kai_status progress_tell(const struct progress *progress, const char *stage, int64_t done,
                         int64_t total, kai_err *err) {
    if (!progress || !progress->call) return KAI_OK;
    if (progress->call(progress->user, stage, done, total) == 0) return KAI_OK;
    return err_set(err, KAI_CANCELLED, "cancelled during '%s'", stage);
}
