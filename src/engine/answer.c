#include "engine/answer.h"

#include "base/caps.h"

void answer_begin(struct answer *answer) {
    buf_init(&answer->document, (size_t)CAPS_BUF_BYTES);
    buf_init(&answer->text, (size_t)CAPS_BUF_BYTES);
    json_init(&answer->json, &answer->document, 1);
    json_object(&answer->json);
    timing_start(&answer->timing);
}

kai_status answer_end(struct answer *answer, kai_status st, kai_buf *ret_json, kai_buf *ret_text,
                      kai_err *err) {
    if (!st && ret_json) {
        timing_describe(&answer->timing, &answer->json);
        json_end(&answer->json);
        st = json_finish(&answer->json, err);
        if (!st) st = buf_puts(&answer->document, "\n", err);
    }
    if (!st && ret_json) result_give(&answer->document, ret_json);
    if (!st && ret_text) st = buf_puts(&answer->text, "", err);
    if (!st && ret_text) result_give(&answer->text, ret_text);
    buf_release(&answer->document);
    buf_release(&answer->text);
    return st;
}
