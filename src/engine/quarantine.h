/* Events that were none, kept with their reason until somebody mends and replays them: the table
 * "quarantine" of the store. What they say may point at a person: it is sealed. */
#ifndef KAIROS_ENGINE_QUARANTINE_H
#define KAIROS_ENGINE_QUARANTINE_H

#include "collect/dialect.h"
#include "engine/doorway.h"

enum {
    QUARANTINE_ROWS_MAX = 100000,   /* beyond, they are only counted */
    QUARANTINE_FILE_ROWS_MAX = 1000 /* of one file and reason: it is mended as a whole */
};

/* The source of what came in a file: its lines are read as `collect` reads them. */
#define QUARANTINE_FILE "file"

struct quarantine_row {
    struct slice id;
    const char *source; /* the dialect's name, or QUARANTINE_FILE */
    const char *place;  /* "orders.csv, row 7"; "" = none */
    const char *reason;
    const char *time;
    struct slice raw; /* opened */
};

typedef kai_status (*quarantine_fn)(void *user, const struct quarantine_row *row, kai_err *err);

/* Set the refused events of a reply aside. *rows counts what the table holds. */
KAI_MUST_CHECK kai_status quarantine_keep(struct doorway *door, const char *source,
                                          const struct dialect_reply *reply, int64_t received_us,
                                          int64_t *rows, kai_err *err);
/* Set a row of a file aside: the same one again is the one that is there. `place` says where it
 * stands. Gives: *ret_is_new. */
KAI_MUST_CHECK kai_status quarantine_keep_row(struct doorway *door, const char *place,
                                              const char *reason, struct slice raw,
                                              int64_t received_us, int *ret_is_new, kai_err *err);
/* How many rows there are. */
KAI_MUST_CHECK kai_status quarantine_count(struct doorway *door, int64_t *ret_rows, kai_err *err);
/* Every row, in the order they came; those of files last. The callback must not write. */
KAI_MUST_CHECK kai_status quarantine_rows(struct doorway *door, quarantine_fn call, void *user,
                                          kai_err *err);

#endif
