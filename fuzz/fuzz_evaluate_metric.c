/* Any bytes as a metric's name: a clean status, or a metric that prints to a word of equal meaning.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/metric_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct metric_spec spec, again;
    struct buf text;
    kai_err err = {0};
    kai_status st = metric_spec_parse((struct slice){(const char *)data, size}, &spec, &err);
    require(st == KAI_OK || st == KAI_INVALID || st == KAI_LIMIT);
    if (st) return 0;
    require(spec.column[0] != '\0' && (spec.kind == METRIC_RATIO) == (spec.per[0] != '\0'));
    buf_init(&text, 4096);
    require(metric_spec_print(&spec, &text, &err) == KAI_OK);
    require(metric_spec_parse((struct slice){text.data, text.size}, &again, &err) == KAI_OK);
    require(again.kind == spec.kind && strcmp(again.column, spec.column) == 0);
    require(strcmp(again.per, spec.per) == 0);
    double off = again.quantile - spec.quantile;
    require(off < 1e-12 && off > -1e-12);
    buf_release(&text);
    return 0;
}
