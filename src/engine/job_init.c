/* kairos init: make a workspace. */
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/engine.h"

static const char EMPTY_SETTINGS[] =
    "# Settings of this workspace. An empty file is valid: every key has a default.\n";

static kai_status make_folders(const char *dir, struct buf *path, kai_err *err) {
    static const char *const FOLDERS[] = {"models", "runs"};
    kai_status st = KAI_OK;
    for (size_t i = 0; !st && i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
        buf_reset(path);
        st = buf_printf(path, err, "%s/%s", dir, FOLDERS[i]);
        if (!st) st = file_make_dir(path->data, err);
    }
    return st;
}

int32_t kai_engine_init(kai_engine *engine, const kai_init_options *options, kai_buf *ret_json,
                        kai_buf *ret_text, kai_err *err) {
    (void)engine;
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    const char *dir = options->arguments.items[0];
    struct buf path, out;
    struct json_writer json;
    buf_init(&path, 1 << 16);
    buf_init(&out, 1 << 16);
    st = buf_printf(&path, err, "%s/kairos.yaml", dir);
    if (!st && file_exists(path.data))
        st = err_set(err, KAI_EXISTS, "'%s' is a workspace already", dir);
    if (!st) st = file_make_dir(dir, err);
    if (!st) st = file_write_all(path.data, EMPTY_SETTINGS, strlen(EMPTY_SETTINGS), err);
    if (!st) st = make_folders(dir, &path, err);
    if (!st && ret_json) {
        json_init(&json, &out, 1);
        json_object(&json);
        json_key_text(&json, "workspace", dir);
        json_end(&json);
        st = json_finish(&json, err);
    } else if (!st) {
        st = buf_printf(&out, err, "workspace: %s", dir);
    }
    if (!st) st = buf_puts(&out, "\n", err);
    if (!st) result_give(&out, ret_json ? ret_json : ret_text);
    buf_release(&out);
    buf_release(&path);
    return st;
}
