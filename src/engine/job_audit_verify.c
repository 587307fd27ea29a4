/* kairos audit verify: the record whole, and certificates genuine. */
#include <kairos/privacy.h>

#include "base/caps.h"
#include "base/file.h"
#include "engine/person.h"

static kai_status check_certificate(const struct doorway *door, const char *path, kai_err *err) {
    struct buf text;
    buf_init(&text, (size_t)CAPS_TEXT_FILE_BYTES);
    kai_status st = file_read_all(path, (size_t)CAPS_TEXT_FILE_BYTES, &text, err);
    if (!st)
        st = erasure_verify(path, (struct slice){text.data, text.size},
                            secret_public(doorway_keys(door)), err);
    buf_release(&text);
    return st;
}

int32_t kai_engine_audit_verify(kai_engine *engine, const kai_audit_verify_options *options,
                                kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    struct doorway *door = NULL;
    struct audit_state state = {0};
    struct answer answer;
    struct buf path;
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    answer_begin(&answer);
    buf_init(&path, 1 << 16);
    st = doorway_open(options->common.workspace, STORE_READ, &door, err);
    if (!st) st = doorway_path(door, "audit.jsonl", &path, err);
    if (!st) st = audit_verify(doorway_keys(door), path.data, options->head, &state, err);
    for (int64_t i = 0; !st && i < options->arguments.count; i++)
        st = check_certificate(door, options->arguments.items[i], err);
    if (!st) {
        json_key_i64(&answer.json, "entries", state.count);
        json_key_text(&answer.json, "head", state.count ? state.head : NULL);
        json_key_i64(&answer.json, "certificates", options->arguments.count);
        json_key_text(&answer.json, "public_key", secret_public(doorway_keys(door)));
        st = buf_printf(&answer.text, err, "%lld entries, unbroken\nhead: %s\n",
                        (long long)state.count, state.count ? state.head : "none");
    }
    if (!st && options->arguments.count)
        st = buf_printf(&answer.text, err, "%lld certificates, genuine\n",
                        (long long)options->arguments.count);
    buf_release(&path);
    doorway_close(door);
    return answer_end(&answer, st, ret_json, ret_text, err);
}
