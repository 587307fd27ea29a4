/* Any bytes as a log of auctions: a clean status that names the file, or auctions that can be
 * played. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/auction_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct auction_log log = {0};
    kai_err err = {0};
    kai_status st = auction_log_parse("f.txt", (const char *)data, size, &log, &err);
    if (st) {
        if (st != KAI_INVALID || !strstr(err.message, "f.txt")) abort();
        return 0;
    }
    for (int64_t i = 0; i < log.view.auctions; i++)
        if (log.outcome[i] > 1 || log.price[i] < 0 || !(log.value[i] >= 0) ||
            !isfinite(log.value[i]))
            abort();
    auction_log_release(&log);
    return 0;
}
