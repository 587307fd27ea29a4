/* One connection to the file of the store: everything that is SQL. Private to store/; sqlite.c
 * alone knows the library. Threads: one at a time. */
#ifndef KAIROS_STORE_SQLITE_H
#define KAIROS_STORE_SQLITE_H

#include "store/store.h"

struct sqlite;

/* The texts of an event that repeat, by their place in coded.codes. */
enum coded_text {
    CODED_CUSTOMER,
    CODED_ANONYMOUS,
    CODED_TYPE,
    CODED_ITEM,
    CODED_CURRENCY,
    CODED_CHANNEL,
    CODED_CAMPAIGN,
    CODED_TEXTS
};

/* An event as it is stored: repeating texts are codes of the words, 0 = none. */
struct coded {
    int64_t seq; /* order of arrival, from 1 */
    int64_t codes[CODED_TEXTS];
    struct slice id, session, properties;
    int64_t time_us, received_us;
    double value, quantity;
    uint32_t flags;
};

typedef kai_status (*sqlite_event_fn)(void *user, const struct coded *event, kai_err *err);
typedef kai_status (*sqlite_word_fn)(void *user, int64_t code, struct slice text, kai_err *err);

enum sqlite_mode {
    SQLITE_READ_MODE, /* here and there: through a mapping */
    SQLITE_WALK_MODE, /* all of it: a mapping would count as the process's memory */
    SQLITE_WRITE_MODE
};

/* The writer makes and migrates the tables. Fails: KAI_UNSUPPORTED (a newer file), KAI_CORRUPT (no
 * store), KAI_IO. */
KAI_MUST_CHECK kai_status sqlite_open(const char *path, enum sqlite_mode mode,
                                      struct sqlite **ret_sqlite, kai_err *err);
void sqlite_close(struct sqlite *sqlite);

KAI_MUST_CHECK kai_status sqlite_begin(struct sqlite *sqlite, kai_err *err);
KAI_MUST_CHECK kai_status sqlite_commit(struct sqlite *sqlite, kai_err *err);
void sqlite_rollback(struct sqlite *sqlite);

/* Read one state until it is let go as often as it was held. */
KAI_MUST_CHECK kai_status sqlite_hold(struct sqlite *sqlite, kai_err *err);
void sqlite_let_go(struct sqlite *sqlite);

KAI_MUST_CHECK kai_status sqlite_insert(struct sqlite *sqlite, const struct coded *event,
                                        kai_err *err);
KAI_MUST_CHECK kai_status sqlite_add_word(struct sqlite *sqlite, int64_t code, struct slice text,
                                          kai_err *err);
KAI_MUST_CHECK kai_status sqlite_drop_word(struct sqlite *sqlite, int64_t code, kai_err *err);
KAI_MUST_CHECK kai_status sqlite_put(struct sqlite *sqlite, const char *table, struct slice key,
                                     struct slice value, kai_err *err);
KAI_MUST_CHECK kai_status sqlite_drop(struct sqlite *sqlite, const char *table, struct slice key,
                                      kai_err *err);
KAI_MUST_CHECK kai_status sqlite_delete(struct sqlite *sqlite, int64_t seq, kai_err *err);
/* The device of one event is forgotten. */
KAI_MUST_CHECK kai_status sqlite_drop_device(struct sqlite *sqlite, int64_t seq, kai_err *err);

KAI_MUST_CHECK kai_status sqlite_get(struct sqlite *sqlite, const char *table, struct slice key,
                                     struct buf *out, int *ret_found, kai_err *err);
KAI_MUST_CHECK kai_status sqlite_rows(struct sqlite *sqlite, const char *table, struct slice prefix,
                                      store_row_fn call, void *user, kai_err *err);
KAI_MUST_CHECK kai_status sqlite_words(struct sqlite *sqlite, sqlite_word_fn call, void *user,
                                       kai_err *err);
/* Events with after < seq <= last, in order. The texts live during the call. */
KAI_MUST_CHECK kai_status sqlite_events(struct sqlite *sqlite, int64_t after, int64_t last,
                                        sqlite_event_fn call, void *user, kai_err *err);
/* One event; *ret_found is 0 where it is gone. */
KAI_MUST_CHECK kai_status sqlite_event(struct sqlite *sqlite, int64_t seq, sqlite_event_fn call,
                                       void *user, int *ret_found, kai_err *err);
/* Is this the id of the event? */
KAI_MUST_CHECK kai_status sqlite_has_id(struct sqlite *sqlite, int64_t seq, struct slice id,
                                        int *ret_is_same, kai_err *err);
/* The largest seq; 0 where there is no event. */
KAI_MUST_CHECK kai_status sqlite_last(struct sqlite *sqlite, int64_t *ret_seq, kai_err *err);
/* Count events and rows one by one: slow. */
KAI_MUST_CHECK kai_status sqlite_count(struct sqlite *sqlite, int64_t *ret_events,
                                       int64_t *ret_rows, kai_err *err);

/* Move what is in the log into the file as far as nobody is waited for. */
KAI_MUST_CHECK kai_status sqlite_checkpoint(struct sqlite *sqlite, kai_err *err);
/* Pages in the log after the last commit of this connection, which writes. */
int64_t sqlite_log_pages(const struct sqlite *sqlite);
/* Move all of it and empty the log; waits for readers, at most some seconds. */
KAI_MUST_CHECK kai_status sqlite_truncate(struct sqlite *sqlite, kai_err *err);
KAI_MUST_CHECK kai_status sqlite_check(struct sqlite *sqlite, kai_err *err);
KAI_MUST_CHECK kai_status sqlite_copy(struct sqlite *sqlite, const char *path, kai_err *err);

#endif
