#include "govern/erasure.h"

#include <string.h>

#include "base/instant.h"
#include "base/json.h"

#define OPENING "{\"certificate\":"
#define KEY_MARK ",\"public_key\":\""
#define SIGNATURE_MARK "\",\"signature\":\""
enum {
    KEY_CHARS = SECRET_PUBLIC_BYTES - 1,
    SIGNATURE_CHARS = SECRET_SIGNATURE_BYTES - 1,
    TAIL_BYTES = sizeof KEY_MARK - 1 + KEY_CHARS + sizeof SIGNATURE_MARK - 1 + SIGNATURE_CHARS + 2,
};

static void write_texts(struct json_writer *json, const char *key, const char *const *texts,
                        int64_t count) {
    json_key(json, key);
    json_array(json);
    for (int64_t i = 0; i < count; i++) json_text(json, texts[i]);
    json_end(json);
}

static kai_status print_body(const struct erasure *erasure, struct buf *out, kai_err *err) {
    struct json_writer json;
    char time[INSTANT_TEXT_BYTES];
    instant_print(erasure->time_us, time);
    json_init(&json, out, 0);
    json_object(&json);
    json_key_text(&json, "kind", "kairos erasure 1");
    json_key_text(&json, "time", time);
    write_texts(&json, "subjects", erasure->subjects, erasure->subject_count);
    json_key(&json, "erased");
    json_object(&json);
    for (int64_t i = 0; i < erasure->erased_count; i++)
        json_key_i64(&json, erasure->erased[i].what, erasure->erased[i].count);
    json_end(&json);
    write_texts(&json, "models_that_still_hold_the_person", erasure->models, erasure->model_count);
    write_texts(&json, "rewritten", erasure->rewritten, erasure->rewritten_count);
    json_key_text(&json, "audit_head", erasure->audit_head);
    json_end(&json);
    return json_finish(&json, err);
}

kai_status erasure_certify(const struct secret_keys *keys, const struct erasure *erasure,
                           struct buf *out, kai_err *err) {
    struct buf body;
    char signature[SECRET_SIGNATURE_BYTES];
    buf_init(&body, 64 << 20);
    kai_status st = print_body(erasure, &body, err);
    if (!st) {
        secret_sign(keys, body.data, body.size, signature);
        st = buf_printf(out, err, OPENING "%s" KEY_MARK "%s" SIGNATURE_MARK "%s\"}\n", body.data,
                        secret_public(keys), signature);
    }
    buf_release(&body);
    return st;
}

kai_status erasure_verify(const char *name, struct slice text, const char *public_key,
                          kai_err *err) {
    const size_t head = sizeof OPENING - 1;
    if (text.size && text.data[text.size - 1] == '\n') text.size--;
    if (text.size < head + TAIL_BYTES || memcmp(text.data, OPENING, head) != 0)
        return err_set(err, KAI_CORRUPT, "%s: not a certificate of an erasure", name);
    const char *tail = text.data + text.size - TAIL_BYTES;
    struct slice key = {tail + sizeof KEY_MARK - 1, KEY_CHARS};
    struct slice signature = {key.data + KEY_CHARS + sizeof SIGNATURE_MARK - 1, SIGNATURE_CHARS};
    int is_formed = memcmp(tail, KEY_MARK, sizeof KEY_MARK - 1) == 0 &&
                    memcmp(key.data + KEY_CHARS, SIGNATURE_MARK, sizeof SIGNATURE_MARK - 1) == 0 &&
                    memcmp(text.data + text.size - 2, "\"}", 2) == 0;
    if (!is_formed) return err_set(err, KAI_CORRUPT, "%s: not a certificate of an erasure", name);
    if (public_key && !slice_equal_text(key, public_key))
        return err_set(err, KAI_CORRUPT, "%s: signed by another key", name);
    size_t body = (size_t)(tail - text.data) - head;
    if (!secret_verify(key, text.data + head, body, signature))
        return err_set(err, KAI_CORRUPT, "%s: it was changed after it was signed", name);
    return KAI_OK;
}

void suppression_init(struct suppression *suppression) { dict_init(&suppression->pseudonyms); }

void suppression_release(struct suppression *suppression) {
    dict_release(&suppression->pseudonyms);
}

kai_status suppression_add(struct suppression *suppression, struct slice pseudonym, kai_err *err) {
    int32_t code = 0;
    return dict_add(&suppression->pseudonyms, pseudonym, &code, err);
}

int suppression_has(const struct suppression *suppression, struct slice pseudonym) {
    return suppression->pseudonyms.count > 0 && dict_find(&suppression->pseudonyms, pseudonym) >= 0;
}
