/* A file as a run of windows of text, each cut into chunks that are scanned side by side. Private
 * to collect/.
 *
 * A window holds what the last one left over (the beginning of a record) and fresh bytes. Where its
 * chunks begin is guessed: behind the first line end of each chunk_bytes. A guess that fell into a
 * quoted field shows when the chunk before does not end there; then the chunk is scanned again from
 * where it really begins. So the rows depend on the bytes alone.
 */
#ifndef KAIROS_COLLECT_CSV_WINDOW_H
#define KAIROS_COLLECT_CSV_WINDOW_H

#include "base/pool.h"
#include "collect/csv_scan.h"
#include "collect/csv_source.h"

/* All zero is an empty window of the usual sizes. */
struct csv_window {
    size_t fill_bytes, chunk_bytes; /* 0 = the usual; at least CSV_FILL_MIN, at least 1 */
    char *text;                     /* owned; `size` bytes and CSV_PADDING zeros */
    size_t size, capacity;
    size_t begin;             /* what comes before is done */
    int64_t lines;            /* of the file before `begin` */
    int is_last;              /* nothing follows in the source */
    struct csv_chunk *chunks; /* owned */
    int32_t chunk_count, chunk_capacity;
};

/* Append about fill_bytes of the source to the text. */
KAI_MUST_CHECK kai_status csv_window_fill(struct csv_window *window, struct csv_source *source,
                                          kai_err *err);
/* End the text of the last window with a line end. */
void csv_window_end(struct csv_window *window, char newline);
/* Scan text[begin..) into chunks of records of `columns` fields; *ret_rest is where the first
 * record that is not complete begins. */
KAI_MUST_CHECK kai_status csv_window_scan(struct csv_window *window,
                                          const struct csv_dialect *dialect, int32_t columns,
                                          struct pool *pool, size_t *ret_rest, kai_err *err);
/* Start `next` with what `window` has from `rest` on. */
KAI_MUST_CHECK kai_status csv_window_carry(const struct csv_window *window, size_t rest,
                                           struct csv_window *next, kai_err *err);
void csv_window_release(struct csv_window *window);

#endif
