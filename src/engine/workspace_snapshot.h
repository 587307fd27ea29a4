/* Training snapshots of what a workspace holds: what somebody did with an item, by person however
 * she signs in, without robots and impossible times. */
#ifndef KAIROS_ENGINE_WORKSPACE_SNAPSHOT_H
#define KAIROS_ENGINE_WORKSPACE_SNAPSHOT_H

#include <kairos/engine.h>

#include "engine/doorway.h"

/* Into `path`; `types` of events, none = all. Fails: as store_snapshot. */
KAI_MUST_CHECK kai_status workspace_snapshot(struct doorway *door, const kai_list *types,
                                             const char *path, const struct progress *progress,
                                             struct store_snapshot_report *ret_report,
                                             kai_err *err);
/* snapshots/events.snapshot of a workspace, appended to `path`: the one that train makes and that
 * nobody keeps. */
KAI_MUST_CHECK kai_status workspace_snapshot_path(const char *workspace, struct buf *path,
                                                  kai_err *err);
/* Remove it where it is there: what it tells of persons is to be forgotten. */
KAI_MUST_CHECK kai_status workspace_snapshot_drop(const char *workspace, kai_err *err);

#endif
