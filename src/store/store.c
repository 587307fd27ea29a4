#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/store_parts.h"

enum { LOCK_SECONDS = 60, LOCK_NAP_NS = 20000000 };

/* ---- the lock: one process writes ----
 *
 * Whoever wants to write takes its turn first (`store.turn`), then waits for the lock itself
 * (`store.lock`). A server holds the lock alone and looks at the turn: where somebody has it, the
 * server lets the lock go, and is refused until the turn is over. Both are the kernel's: they end
 * with the process. */

static kai_status lock_held(int descriptor, const char *workspace, kai_err *err) {
    char holder[64] = "";
    ssize_t n = pread(descriptor, holder, sizeof holder - 1, 0);
    if (n > 0) holder[n] = '\0';
    holder[strcspn(holder, " \n")] = '\0';
    return err_set(err, KAI_STATE, "process %s writes the workspace '%s': wait for its end",
                   holder[0] ? holder : "another", workspace);
}

/* Who it is, for the message of others. */
static void sign(int descriptor) {
    char text[32];
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (!ftruncate(descriptor, 0)) (void)!pwrite(descriptor, text, (size_t)size, 0);
}

static kai_status open_lock(const char *workspace, const char *name, int *ret_file, kai_err *err) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/%s", workspace, name);
    if (!st) *ret_file = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (!st && *ret_file < 0)
        st = err_set(err, KAI_IO, "'%s' could not be opened for writing", path.data);
    buf_release(&path);
    return st;
}

/* Try until `last`; at least once. `holder`: the file that says who it is. */
static kai_status lock_until(int file, int holder, double last, const char *workspace,
                             kai_err *err) {
    const struct timespec nap = {0, LOCK_NAP_NS};
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_set(err, KAI_IO, "'%s' could not be locked", workspace);
        if (clock_seconds() > last) return lock_held(holder, workspace, err);
        (void)nanosleep(&nap, NULL); /* woken early is as good */
    }
    return KAI_OK;
}

static kai_status take_lock(struct store *store, const char *workspace, enum store_mode mode,
                            kai_err *err) {
    double last = mode == STORE_CLAIM ? 0 : clock_seconds() + LOCK_SECONDS;
    kai_status st = open_lock(workspace, "store.turn", &store->turn_file, err);
    if (!st) st = open_lock(workspace, "store.lock", &store->lock_file, err);
    if (!st) st = lock_until(store->turn_file, store->lock_file, last, workspace, err);
    if (!st) st = lock_until(store->lock_file, store->lock_file, last, workspace, err);
    if (!st) sign(store->lock_file);
    if (!st && mode == STORE_CLAIM) (void)flock(store->turn_file, LOCK_UN);
    return st;
}

int store_is_wanted(struct store *store) {
    if (flock(store->turn_file, LOCK_EX | LOCK_NB) != 0) return errno == EWOULDBLOCK;
    (void)flock(store->turn_file, LOCK_UN);
    return 0;
}

/* ---- open ---- */

int store_exists(const char *workspace) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, NULL, "%s/store.db", workspace);
    int is_there = !st && file_exists(path.data);
    buf_release(&path);
    return is_there;
}

static kai_status open_side(struct store *store, const char *workspace, const char *name,
                            struct sorted **ret_sorted, int64_t *ret_covered, kai_err *err) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/store.%s", workspace, name);
    if (!st) st = sorted_open(path.data, store->is_reader, ret_sorted, ret_covered, err);
    buf_release(&path);
    return st;
}

static kai_status open_copies(struct store *store, const char *workspace, kai_err *err) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/store.copies", workspace);
    if (!st) st = copies_open(path.data, store->is_reader, &store->copies, err);
    buf_release(&path);
    return st;
}

/* How many events there are is written down: counting them takes a walk. */
static kai_status load_count(struct store *store, struct sqlite *sqlite, kai_err *err) {
    struct buf text;
    int64_t count = 0;
    int is_there = 0;
    buf_init(&text, 1 << 10);
    kai_status st = sqlite_get(sqlite, "store", slice_of("events"), &text, &is_there, err);
    if (!st && is_there && !text_parse_i64((struct slice){text.data, text.size}, &count))
        st = err_set(err, KAI_CORRUPT, "the store's number of events is damaged");
    buf_release(&text);
    if (!st) atomic_store(&store->events, count);
    return st;
}

static kai_status load(struct store *store, const char *workspace, struct sqlite *sqlite,
                       kai_err *err) {
    int64_t ids = 0, people = 0;
    kai_status st = sqlite_last(sqlite, &store->seq, err);
    if (!st) st = load_count(store, sqlite, err);
    if (!st) st = words_load(&store->words, sqlite, err);
    if (!st) st = open_side(store, workspace, "ids", &store->ids, &ids, err);
    if (!st) st = open_side(store, workspace, "people", &store->people, &people, err);
    if (!st && (ids > store->seq || people > store->seq))
        store->seq = ids > people ? ids : people; /* the newest were erased: no number twice */
    if (!st) st = open_copies(store, workspace, err);
    return st ? st : store_catch_up(store, sqlite, !store->is_reader, err);
}

static kai_status start(pthread_t *thread, void *(*loop)(void *), struct store *store,
                        int *ret_is_there, kai_err *err) {
    if (pthread_create(thread, NULL, loop, store))
        return err_set(err, KAI_LIMIT, "a thread of the store could not be started");
    *ret_is_there = 1;
    return KAI_OK;
}

static kai_status open_writer(struct store *store, const char *workspace, enum store_mode mode,
                              kai_err *err) {
    kai_status st = take_lock(store, workspace, mode, err);
    if (!st) st = sqlite_open(store->path.data, SQLITE_WRITE_MODE, &store->writing, err);
    if (!st) st = sqlite_open(store->path.data, SQLITE_WRITE_MODE, &store->keeping, err);
    if (!st) st = load(store, workspace, store->writing, err);
    if (!st) st = sqlite_open(store->path.data, SQLITE_READ_MODE, &store->reading, err);
    if (!st) st = start(&store->writer, store_write_loop, store, &store->is_writer_there, err);
    if (!st) st = start(&store->keeper, store_keep_loop, store, &store->is_keeper_there, err);
    return st;
}

static kai_status open_reader(struct store *store, const char *workspace, kai_err *err) {
    store->is_reader = 1;
    if (!file_exists(store->path.data)) return KAI_OK;
    kai_status st = sqlite_open(store->path.data, SQLITE_READ_MODE, &store->reading, err);
    if (!st) st = sqlite_hold(store->reading, err); /* words and events of one moment */
    return st ? st : load(store, workspace, store->reading, err);
}

static void init_locks(struct store *store) {
    pthread_mutexattr_t again;
    (void)pthread_mutexattr_init(&again);
    (void)pthread_mutexattr_settype(&again, PTHREAD_MUTEX_RECURSIVE); /* a callback may read on */
    (void)pthread_mutex_init(&store->read_lock, &again);
    (void)pthread_mutexattr_destroy(&again);
    (void)pthread_mutex_init(&store->lock, NULL);
    (void)pthread_mutex_init(&store->keep_lock, NULL);
    (void)pthread_cond_init(&store->filled, NULL);
    (void)pthread_cond_init(&store->done, NULL);
    (void)pthread_cond_init(&store->keep_due, NULL);
}

kai_status store_open(const char *workspace, enum store_mode mode, struct store **ret_store,
                      kai_err *err) {
    struct store *store = mem_zero(1, sizeof *store);
    if (!store) return err_memory(err, sizeof *store);
    store->lock_file = store->turn_file = -1;
    buf_init(&store->path, 1 << 16);
    words_init(&store->words);
    pending_init(&store->waiting);
    pending_init(&store->in_flight);
    init_locks(store);
    kai_status st = buf_printf(&store->path, err, "%s/store.db", workspace);
    if (!st)
        st = mode == STORE_READ ? open_reader(store, workspace, err)
                                : open_writer(store, workspace, mode, err);
    if (st)
        store_close(store);
    else
        *ret_store = store;
    return st;
}

/* ---- close ---- */

static void stop_threads(struct store *store) {
    (void)pthread_mutex_lock(&store->lock);
    store->is_closing = 1;
    (void)pthread_cond_signal(&store->filled);
    (void)pthread_mutex_unlock(&store->lock);
    if (store->is_writer_there) (void)pthread_join(store->writer, NULL);
    (void)pthread_mutex_lock(&store->keep_lock);
    atomic_store(&store->is_ending, 1);
    (void)pthread_cond_signal(&store->keep_due);
    (void)pthread_mutex_unlock(&store->keep_lock);
    if (store->is_keeper_there) (void)pthread_join(store->keeper, NULL);
}

void store_close(struct store *store) {
    if (!store) return;
    stop_threads(store);
    for (struct item *item = store->first, *next; item; item = next) {
        next = item->next;
        item_free(item);
    }
    sqlite_close(store->reading);
    sqlite_close(store->keeping);
    sqlite_close(store->writing); /* the last: it empties the log */
    sorted_close(store->ids);
    sorted_close(store->people);
    copies_close(store->copies);
    pending_release(&store->waiting);
    pending_release(&store->in_flight);
    words_release(&store->words);
    (void)pthread_cond_destroy(&store->keep_due);
    (void)pthread_cond_destroy(&store->done);
    (void)pthread_cond_destroy(&store->filled);
    (void)pthread_mutex_destroy(&store->keep_lock);
    (void)pthread_mutex_destroy(&store->lock);
    (void)pthread_mutex_destroy(&store->read_lock);
    if (store->lock_file >= 0) (void)close(store->lock_file); /* gives the lock back ... */
    if (store->turn_file >= 0) (void)close(store->turn_file); /* ... and then the turn */
    buf_release(&store->path);
    mem_free(store);
}

int64_t store_event_count(struct store *store) { return atomic_load(&store->events); }
