/* The names and kinds of the columns: from the first record, the caller's names and his `types`.
 * Private to collect/. */
#ifndef KAIROS_COLLECT_CSV_HEADER_H
#define KAIROS_COLLECT_CSV_HEADER_H

#include "collect/csv_column.h"
#include "collect/csv_window.h"

struct csv_header {
    struct csv_column *columns; /* owned */
    int32_t count;
    uint8_t *is_id; /* owned; (count) */
};

/* Read the header from the first window and move window->begin behind it. `name` is the file's. */
KAI_MUST_CHECK kai_status csv_header_read(struct csv_window *window,
                                          const struct csv_dialect *dialect, const char *name,
                                          const struct csv_options *options,
                                          struct csv_header *ret_header, kai_err *err);
void csv_header_release(struct csv_header *header);

#endif
