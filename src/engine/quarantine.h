/* Events that were none, kept with their reason until somebody mends and replays them: the table
 * "quarantine" of the store. What they say may point at a person: it is sealed. */
#ifndef KAIROS_ENGINE_QUARANTINE_H
#define KAIROS_ENGINE_QUARANTINE_H

#include "collect/dialect.h"
#include "engine/doorway.h"

enum { QUARANTINE_ROWS_MAX = 100000 }; /* beyond, they are only counted */

struct quarantine_row {
    struct slice id;
    const char *source; /* the dialect's name */
    const char *reason;
    const char *time;
    struct slice raw; /* opened */
};

typedef kai_status (*quarantine_fn)(void *user, const struct quarantine_row *row, kai_err *err);

/* Set the refused events of a reply aside. *rows counts what the table holds. */
KAI_MUST_CHECK kai_status quarantine_keep(struct doorway *door, const char *source,
                                          const struct dialect_reply *reply, int64_t received_us,
                                          int64_t *rows, kai_err *err);
/* Every row, in the order they came. The callback must not write. */
KAI_MUST_CHECK kai_status quarantine_rows(struct doorway *door, quarantine_fn call, void *user,
                                          kai_err *err);

#endif
