/* Any bytes as a saved recommender: a clean status that names the file, or a recommender whose
 * histories stay within its names. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/recommender_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct recommender_file file;
    kai_err err = {0};
    kai_status st = recommender_file_parse("f.kai", data, size, &file, &err);
    if (st) {
        require(st == KAI_CORRUPT || st == KAI_UNSUPPORTED || st == KAI_LIMIT);
        require(strstr(err.message, "f.kai") != NULL);
        return 0;
    }
    require(file.kind >= 0 && file.kind < RECOMMENDERS_MAX);
    require(file.histories.count == file.customers.count);
    for (int64_t e = 0; e < file.histories.offsets[file.histories.count]; e++)
        require(file.histories.items[e] >= 0 && file.histories.items[e] < file.items.count);
    recommender_file_release(&file);
    return 0;
}
