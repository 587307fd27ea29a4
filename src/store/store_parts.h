/* The inside of a store. Private to store/. */
#ifndef KAIROS_STORE_STORE_PARTS_H
#define KAIROS_STORE_STORE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/copies.h"
#include "store/pending.h"
#include "store/sorted.h"
#include "store/store.h"
#include "store/dictionary.h"

enum { STORE_FAILURES = 64 };

enum item_kind { ITEM_EVENTS, ITEM_PUT, ITEM_DROP, ITEM_ERASE };

/* One thing to write. */
struct item {
    struct item *next;
    enum item_kind kind;
    int64_t ticket;
    struct event_batch batch;     /* EVENTS: a copy */
    char *table;                  /* owned; PUT, DROP */
    struct buf key, value;        /* PUT, DROP */
    const struct slice *persons;  /* ERASE: borrowed, the caller waits */
    int64_t person_count, erased; /* ERASE */
};

/* Tickets whose transaction failed. */
struct failure {
    int64_t from, to;
    kai_status status;
    kai_err err;
};

struct store {
    struct buf path; /* of the file */
    int lock_file;   /* descriptor; -1 = a reader */
    int turn_file;   /* descriptor; a writer's turn, held to its end; a claimer asks it */
    int is_reader;

    struct words words;
    struct sorted *ids, *people; /* owned */
    struct copies *copies;       /* owned */

    /* the reading connection: one at a time; a callback may read on */
    struct sqlite *reading; /* owned; NULL = there is no store yet */
    pthread_mutex_t read_lock;

    /* the queue */
    pthread_mutex_t lock;
    pthread_cond_t filled, done;
    struct item *first, *last;         /* owned */
    struct pending waiting, in_flight; /* puts and drops not in the file yet */
    int64_t queued;                    /* events */
    int64_t ticket;                    /* given last */
    int64_t settled;                   /* up to here written, or failed */
    int64_t committed;                 /* up to here store_commit has answered for */
    struct failure failures[STORE_FAILURES];
    int64_t failure_count; /* ever; the newest are kept */
    int is_closing;

    /* the writer's own */
    struct sqlite *writing; /* owned */
    pthread_t writer;
    int is_writer_there;
    int64_t seq;   /* of the newest event; numbers of a failed transaction are not used again */
    int is_behind; /* the side files lack what a failed transaction took out of memory */
    atomic_llong events;

    /* the keeper: files beside the table, checkpoints */
    struct sqlite *keeping; /* owned */
    pthread_t keeper;
    int is_keeper_there;
    pthread_mutex_t keep_lock;
    pthread_cond_t keep_due;
    int is_due;
    atomic_int is_ending;
    atomic_int wants_room; /* the log has grown: the writer moves its rest, the keeper does not */
};

uint64_t store_id_key(struct slice id);
/* The writer's thread: groups until the end. */
void *store_write_loop(void *store);
/* The keeper's thread. */
void *store_keep_loop(void *store);
void item_free(struct item *item);
/* Add what the side files lack from the table. is_opening: nobody settles yet, so that this may. */
KAI_MUST_CHECK kai_status store_catch_up(struct store *store, struct sqlite *sqlite, int is_opening,
                                         kai_err *err);
/* Remove the events of an ERASE item, within a transaction of its own. */
KAI_MUST_CHECK kai_status store_erase_item(struct store *store, struct item *item, kai_err *err);
/* Make words and texts of a stored event. */
struct event store_decode(struct store *store, const struct coded *coded);
/* The seqs of a person's events, ascending, each once; some may be gone. The caller frees. */
KAI_MUST_CHECK kai_status store_seqs(struct store *store, int64_t code, int64_t **ret_seqs,
                                     int64_t *ret_count, kai_err *err);

#endif
