#include "engine/workspace_snapshot.h"

#include <errno.h>
#include <unistd.h>

#include "prepare/touch.h"

static struct slice root_of(void *user, struct slice name) {
    return identity_root(doorway_identity(user), name);
}

kai_status workspace_snapshot(struct doorway *door, const kai_list *types, const char *path,
                              const struct progress *progress,
                              struct store_snapshot_report *ret_report, kai_err *err) {
    const struct store_snapshot_request request = {.types = types->items,
                                                   .type_count = types->count,
                                                   .flags_excluded = TOUCH_FLAGS_EXCLUDED,
                                                   .needs_item = 1,
                                                   .person = root_of,
                                                   .user = door,
                                                   .progress = progress};
    return store_snapshot(doorway_store(door), path, &request, ret_report, err);
}

kai_status workspace_snapshot_path(const char *workspace, struct buf *path, kai_err *err) {
    return buf_printf(path, err, "%s/snapshots/events.snapshot", workspace);
}

kai_status workspace_snapshot_drop(const char *workspace, kai_err *err) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = workspace_snapshot_path(workspace, &path, err);
    if (!st && unlink(path.data) && errno != ENOENT && errno != ENOTDIR)
        st = err_set(err, KAI_IO, "'%s': cannot be removed", path.data);
    buf_release(&path);
    return st;
}
