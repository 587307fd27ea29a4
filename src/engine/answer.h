/* What a job answers: one JSON document, and the same for people. A job writes into both; the one
 * that was asked for is given. */
#ifndef KAIROS_ENGINE_ANSWER_H
#define KAIROS_ENGINE_ANSWER_H

#include "engine/engine.h"

struct answer {
    struct buf document;
    struct buf text;
    struct json_writer json; /* within an open object */
    struct timing timing;
};

void answer_begin(struct answer *answer);
/* Where `st` is KAI_OK: close the document with `timing`, and give. Releases the answer. Returns
 * the first failure. */
KAI_MUST_CHECK kai_status answer_end(struct answer *answer, kai_status st, kai_buf *ret_json,
                                     kai_buf *ret_text, kai_err *err);

#endif
