/* Rows of any table, and lines of JSON, as events. Private to this folder.
 *
 * A mapping file (docs/formats/mapping.md) names, for each part of an event, the column that holds
 * it. The id of an event that brings none is a hash of its place and of everything it says, so that
 * a file that comes twice, or comes again longer, adds only what is new; the job keys it before it
 * is stored. */
#ifndef KAIROS_ENGINE_MAPPING_H
#define KAIROS_ENGINE_MAPPING_H

#include <kairos/engine.h>

#include "base/arena.h"
#include "base/buf.h"
#include "engine/doorway.h"
#include "table/event.h"
#include "table/table.h"

enum mapping_part {
    MAPPING_ID,
    MAPPING_CUSTOMER,
    MAPPING_ANONYMOUS,
    MAPPING_TYPE,
    MAPPING_ITEM,
    MAPPING_CURRENCY,
    MAPPING_CHANNEL,
    MAPPING_CAMPAIGN,
    MAPPING_SESSION,
    MAPPING_TEXTS
};

struct mapping {
    uint32_t struct_size;
    const char *column[MAPPING_TEXTS]; /* NULL = none */
    const char *time, *value, *price, *quantity;
    const char *event;    /* the type of every row; NULL = the column */
    const char *negative; /* the type of rows with a negative quantity; NULL = as others */
    double unit;          /* seconds of a time that is a number; 1 */
    kai_table_options reading;
};

/* Why a row or a line is no event. */
enum mapping_reason {
    MAPPING_OK,
    MAPPING_NOBODY,
    MAPPING_NO_TIME,
    MAPPING_NO_TYPE,
    MAPPING_NO_JSON,
    MAPPING_REASONS
};
const char *mapping_reason_text(enum mapping_reason reason);

/* Fails: KAI_INVALID with file, line, column and key. Texts live in the arena. */
KAI_MUST_CHECK kai_status mapping_load(const char *path, struct arena *arena,
                                       struct mapping *ret_mapping, kai_err *err);

/* The same of bytes; `name` begins the errors. */
KAI_MUST_CHECK kai_status mapping_parse(const char *name, const char *bytes, size_t size,
                                        struct arena *arena, struct mapping *ret_mapping,
                                        kai_err *err);

/* Scratch of a reader: the texts of one event. */
struct mapping_texts {
    struct buf text[MAPPING_TEXTS];
    struct buf properties;
    char id[40];
};
void mapping_texts_init(struct mapping_texts *texts);
void mapping_texts_release(struct mapping_texts *texts);

/* An id that was made of what an event says would tell it to whoever can guess: the key is put in.
 */
void mapping_hide_id(const struct mapping_texts *texts, const struct doorway *door,
                     struct event *event, char ret_id[SECRET_PSEUDONYM_BYTES]);
/* An event that was refused as a line of JSON that mapping_line reads, to be mended; a time that
 * was not understood is left out. */
KAI_MUST_CHECK kai_status mapping_print(const struct event *event, enum mapping_reason reason,
                                        struct buf *out, kai_err *err);

/* The columns of a table that the mapping names; ret: (MAPPING_TEXTS + 4): the texts, then time,
 * value, price, quantity. Fails: KAI_NOT_FOUND, KAI_INVALID (a column of the wrong kind). */
enum { MAPPING_COLUMNS = MAPPING_TEXTS + 4 };
KAI_MUST_CHECK kai_status mapping_columns(const struct mapping *mapping, const struct table *table,
                                          const struct column *ret_columns[MAPPING_COLUMNS],
                                          kai_err *err);
/* One row; the event's texts are good until the next. */
KAI_MUST_CHECK kai_status mapping_row(const struct mapping *mapping,
                                      const struct column *const columns[MAPPING_COLUMNS],
                                      int64_t row, struct mapping_texts *texts,
                                      struct event *ret_event, enum mapping_reason *ret_reason,
                                      kai_err *err);
/* One line of JSON, the `number`-th: our own keys (docs/formats/events.md) or those of Segment's
 * calls. */
KAI_MUST_CHECK kai_status mapping_line(const char *line, size_t size, int64_t number,
                                       struct mapping_texts *texts, struct event *ret_event,
                                       enum mapping_reason *ret_reason, kai_err *err);

#endif
