/* The only file that knows SQLite (3.40). */
#include "store/sqlite.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

enum {
    VERSION = 1,
    APPLICATION = 0x6b616972, /* "kair" */
    BUSY_MS = 10000,
    NAP_MS = 5,
    COPY_PAGES = 1024,
};

#define EVENT_COLUMNS                                                                           \
    "seq, id, customer, anonymous, type, item, currency, channel, campaign, session, time_us, " \
    "received_us, value, quantity, flags, properties"

static const char SCHEMA[] =
    "CREATE TABLE event (seq INTEGER PRIMARY KEY, id BLOB NOT NULL, customer INTEGER NOT NULL,"
    " anonymous INTEGER NOT NULL, type INTEGER NOT NULL, item INTEGER NOT NULL,"
    " currency INTEGER NOT NULL, channel INTEGER NOT NULL, campaign INTEGER NOT NULL,"
    " session BLOB, time_us INTEGER NOT NULL, received_us INTEGER NOT NULL, value REAL,"
    " quantity REAL, flags INTEGER NOT NULL, properties BLOB);"
    "CREATE TABLE word (code INTEGER PRIMARY KEY, text BLOB NOT NULL);"
    "CREATE TABLE pair (space TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (space, key)) WITHOUT ROWID;";

enum statement {
    BEGIN_STATEMENT,
    COMMIT_STATEMENT,
    INSERT_STATEMENT,
    WORD_STATEMENT,
    DROP_WORD_STATEMENT,
    PUT_STATEMENT,
    DROP_STATEMENT,
    DELETE_STATEMENT,
    DEVICE_STATEMENT,
    GET_STATEMENT,
    ROWS_STATEMENT,
    WORDS_STATEMENT,
    EVENTS_STATEMENT,
    EVENT_STATEMENT,
    ID_STATEMENT,
    LAST_STATEMENT,
    COUNT_STATEMENT,
    COUNT_ROWS_STATEMENT,
    STATEMENTS
};

static const char *const SQL[STATEMENTS] = {
    [BEGIN_STATEMENT] = "BEGIN IMMEDIATE",
    [COMMIT_STATEMENT] = "COMMIT",
    [INSERT_STATEMENT] = "INSERT INTO event (" EVENT_COLUMNS
                         ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
    [WORD_STATEMENT] = "INSERT INTO word (code, text) VALUES (?1, ?2)",
    [DROP_WORD_STATEMENT] = "DELETE FROM word WHERE code = ?1",
    [PUT_STATEMENT] =
        "INSERT INTO pair (space, key, value) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (space, key) DO UPDATE SET value = ?3",
    [DROP_STATEMENT] = "DELETE FROM pair WHERE space = ?1 AND key = ?2",
    [DELETE_STATEMENT] = "DELETE FROM event WHERE seq = ?1",
    [DEVICE_STATEMENT] = "UPDATE event SET anonymous = 0 WHERE seq = ?1",
    [GET_STATEMENT] = "SELECT value FROM pair WHERE space = ?1 AND key = ?2",
    [ROWS_STATEMENT] = "SELECT key, value FROM pair WHERE space = ?1 AND key >= ?2 ORDER BY key",
    [WORDS_STATEMENT] = "SELECT code, text FROM word ORDER BY code",
    [EVENTS_STATEMENT] =
        "SELECT " EVENT_COLUMNS " FROM event WHERE seq > ?1 AND seq <= ?2 ORDER BY seq",
    [EVENT_STATEMENT] = "SELECT " EVENT_COLUMNS " FROM event WHERE seq = ?1",
    [ID_STATEMENT] = "SELECT 1 FROM event WHERE seq = ?1 AND id = ?2",
    [LAST_STATEMENT] = "SELECT coalesce(max(seq), 0) FROM event",
    [COUNT_STATEMENT] = "SELECT count(*) FROM event",
    [COUNT_ROWS_STATEMENT] = "SELECT count(*) FROM pair",
};

struct sqlite {
    sqlite3 *file;                        /* owned */
    sqlite3_stmt *statements[STATEMENTS]; /* owned; made when first used */
    char *path;                           /* owned */
    int holds;                            /* sqlite_hold without sqlite_let_go */
    int64_t log_pages;                    /* after the last commit */
};

static kai_status fail(struct sqlite *sqlite, int code, kai_err *err) {
    int kind = code & 0xff;
    kai_status st = KAI_IO;
    if (kind == SQLITE_NOMEM) return err_memory(err, 1);
    if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB) st = KAI_CORRUPT;
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED) st = KAI_STATE;
    return err_set(err, st, "'%s': %s", sqlite->path,
                   kind == SQLITE_FULL ? "the disk is full" : sqlite3_errmsg(sqlite->file));
}

static kai_status execute(struct sqlite *sqlite, const char *sql, kai_err *err) {
    int code = sqlite3_exec(sqlite->file, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? KAI_OK : fail(sqlite, code, err);
}

static kai_status use(struct sqlite *sqlite, enum statement which, sqlite3_stmt **ret_statement,
                      kai_err *err) {
    sqlite3_stmt **slot = &sqlite->statements[which];
    int code = SQLITE_OK;
    if (!*slot)
        code =
            sqlite3_prepare_v3(sqlite->file, SQL[which], -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
    if (code != SQLITE_OK) return fail(sqlite, code, err);
    *ret_statement = *slot;
    return KAI_OK;
}

/* One step of a statement that gives no rows. */
static kai_status finish(struct sqlite *sqlite, sqlite3_stmt *statement, kai_err *err) {
    int code = sqlite3_step(statement);
    kai_status st = code == SQLITE_DONE || code == SQLITE_ROW ? KAI_OK : fail(sqlite, code, err);
    (void)sqlite3_reset(statement); /* says again what step said */
    return st;
}

/* Bindings borrow: the statement is reset before the texts go. They fail only for memory and a
 * wrong index; then the step fails too. */
static void bind_bytes(sqlite3_stmt *statement, int place, struct slice bytes) {
    if (bytes.size)
        (void)sqlite3_bind_blob64(statement, place, bytes.data, bytes.size, SQLITE_STATIC);
    else
        (void)sqlite3_bind_zeroblob(statement, place, 0);
}

static void bind_optional(sqlite3_stmt *statement, int place, struct slice bytes) {
    if (bytes.size)
        bind_bytes(statement, place, bytes);
    else
        (void)sqlite3_bind_null(statement, place);
}

static void bind_f64(sqlite3_stmt *statement, int place, double value) {
    if (isnan(value))
        (void)sqlite3_bind_null(statement, place);
    else
        (void)sqlite3_bind_double(statement, place, value);
}

static struct slice bytes_at(sqlite3_stmt *statement, int column) {
    const char *data = sqlite3_column_blob(statement, column);
    return (struct slice){data ? data : "", (size_t)sqlite3_column_bytes(statement, column)};
}

static double f64_at(sqlite3_stmt *statement, int column) {
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? (double)NAN
               : sqlite3_column_double(statement, column);
}

/* ---- open ---- */

static kai_status pragma_i64(struct sqlite *sqlite, const char *sql, int64_t *ret_value,
                             kai_err *err) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sqlite->file, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    kai_status st = code == SQLITE_ROW ? KAI_OK : fail(sqlite, code, err);
    if (!st) *ret_value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return st;
}

static kai_status make_tables(struct sqlite *sqlite, kai_err *err) {
    char sql[128];
    (void)sqlite3_snprintf(sizeof sql, sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                           APPLICATION, VERSION);
    kai_status st = execute(sqlite, "BEGIN IMMEDIATE", err);
    if (!st) st = execute(sqlite, SCHEMA, err);
    if (!st) st = execute(sqlite, sql, err);
    return st ? st : execute(sqlite, "COMMIT", err);
}

/* A migration stands here once there is a second version. */
static kai_status check_version(struct sqlite *sqlite, int may_make, kai_err *err) {
    int64_t version = 0, application = 0, tables = 0;
    kai_status st = pragma_i64(sqlite, "PRAGMA user_version", &version, err);
    if (!st) st = pragma_i64(sqlite, "PRAGMA application_id", &application, err);
    if (!st) st = pragma_i64(sqlite, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (st) return st;
    if (version == 0 && tables == 0 && may_make) return make_tables(sqlite, err);
    if (application != APPLICATION)
        return err_set(err, KAI_CORRUPT, "'%s' is not a store", sqlite->path);
    if (version > VERSION)
        return err_set(err, KAI_UNSUPPORTED,
                       "'%s' is of version %lld, this program reads up to %d: use a newer one",
                       sqlite->path, (long long)version, VERSION);
    return KAI_OK;
}

static int note_log(void *user, sqlite3 *file, const char *name, int pages) {
    (void)file;
    (void)name;
    ((struct sqlite *)user)->log_pages = pages;
    return SQLITE_OK;
}

static kai_status set_up(struct sqlite *sqlite, enum sqlite_mode mode, kai_err *err) {
    (void)sqlite3_busy_timeout(sqlite->file, BUSY_MS);
    kai_status st = KAI_OK;
    if (mode == SQLITE_WRITE_MODE)
        st = execute(sqlite,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = ON;"
                     "PRAGMA cache_size = -65536;",
                     err);
    else
        st = execute(sqlite, "PRAGMA query_only = ON; PRAGMA cache_size = -16384;", err);
    (void)sqlite3_wal_hook(sqlite->file, note_log, sqlite);
    if (!st && mode == SQLITE_READ_MODE)
        st = execute(sqlite, "PRAGMA mmap_size = 17179869184;", err);
    return st ? st : check_version(sqlite, mode == SQLITE_WRITE_MODE, err);
}

/* A reader of a folder that cannot be written has no log to look into either. */
static int open_file(struct sqlite *sqlite, enum sqlite_mode mode) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (mode == SQLITE_WRITE_MODE) flags |= SQLITE_OPEN_CREATE;
    int code = sqlite3_open_v2(sqlite->path, &sqlite->file, flags, NULL);
    if (code == SQLITE_OK &&
        (mode == SQLITE_WRITE_MODE || !sqlite3_db_readonly(sqlite->file, "main")))
        return code;
    if (mode == SQLITE_WRITE_MODE) return code;
    char *uri = sqlite3_mprintf("file:%s?immutable=1", sqlite->path);
    (void)sqlite3_close(sqlite->file);
    sqlite->file = NULL;
    code = uri ? sqlite3_open_v2(uri, &sqlite->file,
                                 SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL)
               : SQLITE_NOMEM;
    sqlite3_free(uri);
    return code;
}

kai_status sqlite_open(const char *path, enum sqlite_mode mode, struct sqlite **ret_sqlite,
                       kai_err *err) {
    struct sqlite *sqlite = mem_zero(1, sizeof *sqlite);
    if (!sqlite) return err_memory(err, sizeof *sqlite);
    sqlite->path = mem_string(path);
    kai_status st = sqlite->path ? KAI_OK : err_memory(err, 1);
    if (!st) {
        int code = open_file(sqlite, mode);
        st = code == SQLITE_OK ? set_up(sqlite, mode, err) : fail(sqlite, code, err);
    }
    if (st)
        sqlite_close(sqlite);
    else
        *ret_sqlite = sqlite;
    return st;
}

void sqlite_close(struct sqlite *sqlite) {
    if (!sqlite) return;
    for (int i = 0; i < STATEMENTS; i++) (void)sqlite3_finalize(sqlite->statements[i]);
    (void)sqlite3_close(sqlite->file); /* no statement is open */
    mem_free(sqlite->path);
    mem_free(sqlite);
}

/* ---- write ---- */

static kai_status run(struct sqlite *sqlite, enum statement which, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use(sqlite, which, &statement, err);
    return st ? st : finish(sqlite, statement, err);
}

kai_status sqlite_begin(struct sqlite *sqlite, kai_err *err) {
    return run(sqlite, BEGIN_STATEMENT, err);
}

kai_status sqlite_commit(struct sqlite *sqlite, kai_err *err) {
    return run(sqlite, COMMIT_STATEMENT, err);
}

void sqlite_rollback(struct sqlite *sqlite) {
    if (!sqlite3_get_autocommit(sqlite->file)) (void)execute(sqlite, "ROLLBACK", NULL);
}

kai_status sqlite_hold(struct sqlite *sqlite, kai_err *err) {
    kai_status st = sqlite->holds ? KAI_OK : execute(sqlite, "BEGIN", err);
    sqlite->holds += !st;
    return st;
}

void sqlite_let_go(struct sqlite *sqlite) {
    if (--sqlite->holds == 0) (void)execute(sqlite, "COMMIT", NULL); /* only read */
}

kai_status sqlite_insert(struct sqlite *sqlite, const struct coded *event, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use(sqlite, INSERT_STATEMENT, &statement, err);
    if (st) return st;
    (void)sqlite3_bind_int64(statement, 1, event->seq);
    bind_bytes(statement, 2, event->id);
    for (int t = 0; t < CODED_TEXTS; t++)
        (void)sqlite3_bind_int64(statement, 3 + t, event->codes[t]);
    bind_optional(statement, 10, event->session);
    (void)sqlite3_bind_int64(statement, 11, event->time_us);
    (void)sqlite3_bind_int64(statement, 12, event->received_us);
    bind_f64(statement, 13, event->value);
    bind_f64(statement, 14, event->quantity);
    (void)sqlite3_bind_int64(statement, 15, event->flags);
    bind_optional(statement, 16, event->properties);
    return finish(sqlite, statement, err);
}

/* A statement of one number. */
static kai_status run_on(struct sqlite *sqlite, enum statement which, int64_t number,
                         kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use(sqlite, which, &statement, err);
    if (st) return st;
    (void)sqlite3_bind_int64(statement, 1, number);
    return finish(sqlite, statement, err);
}

kai_status sqlite_delete(struct sqlite *sqlite, int64_t seq, kai_err *err) {
    return run_on(sqlite, DELETE_STATEMENT, seq, err);
}

kai_status sqlite_drop_device(struct sqlite *sqlite, int64_t seq, kai_err *err) {
    return run_on(sqlite, DEVICE_STATEMENT, seq, err);
}

kai_status sqlite_drop_word(struct sqlite *sqlite, int64_t code, kai_err *err) {
    return run_on(sqlite, DROP_WORD_STATEMENT, code, err);
}

kai_status sqlite_add_word(struct sqlite *sqlite, int64_t code, struct slice text, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use(sqlite, WORD_STATEMENT, &statement, err);
    if (st) return st;
    (void)sqlite3_bind_int64(statement, 1, code);
    bind_bytes(statement, 2, text);
    return finish(sqlite, statement, err);
}

/* A statement of a table and a key. */
static kai_status use_key(struct sqlite *sqlite, enum statement which, const char *table,
                          struct slice key, sqlite3_stmt **ret_statement, kai_err *err) {
    kai_status st = use(sqlite, which, ret_statement, err);
    if (st) return st;
    (void)sqlite3_bind_text(*ret_statement, 1, table, -1, SQLITE_STATIC);
    bind_bytes(*ret_statement, 2, key);
    return KAI_OK;
}

kai_status sqlite_put(struct sqlite *sqlite, const char *table, struct slice key,
                      struct slice value, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use_key(sqlite, PUT_STATEMENT, table, key, &statement, err);
    if (st) return st;
    bind_bytes(statement, 3, value);
    return finish(sqlite, statement, err);
}

kai_status sqlite_drop(struct sqlite *sqlite, const char *table, struct slice key, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use_key(sqlite, DROP_STATEMENT, table, key, &statement, err);
    return st ? st : finish(sqlite, statement, err);
}

/* ---- read ---- */

kai_status sqlite_get(struct sqlite *sqlite, const char *table, struct slice key, struct buf *out,
                      int *ret_found, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use_key(sqlite, GET_STATEMENT, table, key, &statement, err);
    if (st) return st;
    int code = sqlite3_step(statement);
    *ret_found = code == SQLITE_ROW;
    if (code == SQLITE_ROW) {
        struct slice value = bytes_at(statement, 0);
        st = buf_append(out, value.data, value.size, err);
    } else if (code != SQLITE_DONE) {
        st = fail(sqlite, code, err);
    }
    (void)sqlite3_reset(statement);
    return st;
}

kai_status sqlite_rows(struct sqlite *sqlite, const char *table, struct slice prefix,
                       store_row_fn call, void *user, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use_key(sqlite, ROWS_STATEMENT, table, prefix, &statement, err);
    int code = SQLITE_DONE;
    while (!st && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct slice key = bytes_at(statement, 0);
        if (key.size < prefix.size ||
            (prefix.size && memcmp(key.data, prefix.data, prefix.size) != 0))
            break;
        st = call(user, key, bytes_at(statement, 1), err);
    }
    if (!st && code != SQLITE_ROW && code != SQLITE_DONE) st = fail(sqlite, code, err);
    if (statement) (void)sqlite3_reset(statement);
    return st;
}

kai_status sqlite_words(struct sqlite *sqlite, sqlite_word_fn call, void *user, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use(sqlite, WORDS_STATEMENT, &statement, err);
    int code = SQLITE_DONE;
    while (!st && (code = sqlite3_step(statement)) == SQLITE_ROW)
        st = call(user, sqlite3_column_int64(statement, 0), bytes_at(statement, 1), err);
    if (!st && code != SQLITE_DONE) st = fail(sqlite, code, err);
    if (statement) (void)sqlite3_reset(statement);
    return st;
}

static struct coded coded_at(sqlite3_stmt *statement) {
    struct coded event = {.seq = sqlite3_column_int64(statement, 0),
                          .id = bytes_at(statement, 1),
                          .session = bytes_at(statement, 9),
                          .time_us = sqlite3_column_int64(statement, 10),
                          .received_us = sqlite3_column_int64(statement, 11),
                          .value = f64_at(statement, 12),
                          .quantity = f64_at(statement, 13),
                          .flags = (uint32_t)sqlite3_column_int64(statement, 14),
                          .properties = bytes_at(statement, 15)};
    for (int t = 0; t < CODED_TEXTS; t++) event.codes[t] = sqlite3_column_int64(statement, 2 + t);
    return event;
}

kai_status sqlite_events(struct sqlite *sqlite, int64_t after, int64_t last, sqlite_event_fn call,
                         void *user, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use(sqlite, EVENTS_STATEMENT, &statement, err);
    int code = SQLITE_DONE;
    if (!st) (void)sqlite3_bind_int64(statement, 1, after);
    if (!st) (void)sqlite3_bind_int64(statement, 2, last);
    while (!st && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct coded event = coded_at(statement);
        st = call(user, &event, err);
    }
    if (!st && code != SQLITE_DONE) st = fail(sqlite, code, err);
    if (statement) (void)sqlite3_reset(statement);
    return st;
}

kai_status sqlite_event(struct sqlite *sqlite, int64_t seq, sqlite_event_fn call, void *user,
                        int *ret_found, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use(sqlite, EVENT_STATEMENT, &statement, err);
    if (st) return st;
    (void)sqlite3_bind_int64(statement, 1, seq);
    int code = sqlite3_step(statement);
    *ret_found = code == SQLITE_ROW;
    if (code == SQLITE_ROW) {
        const struct coded event = coded_at(statement);
        st = call(user, &event, err);
    } else if (code != SQLITE_DONE) {
        st = fail(sqlite, code, err);
    }
    (void)sqlite3_reset(statement);
    return st;
}

kai_status sqlite_has_id(struct sqlite *sqlite, int64_t seq, struct slice id, int *ret_is_same,
                         kai_err *err) {
    sqlite3_stmt *statement = NULL;
    kai_status st = use(sqlite, ID_STATEMENT, &statement, err);
    if (st) return st;
    (void)sqlite3_bind_int64(statement, 1, seq);
    bind_bytes(statement, 2, id);
    int code = sqlite3_step(statement);
    *ret_is_same = code == SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE) st = fail(sqlite, code, err);
    (void)sqlite3_reset(statement);
    return st;
}

kai_status sqlite_last(struct sqlite *sqlite, int64_t *ret_seq, kai_err *err) {
    return pragma_i64(sqlite, SQL[LAST_STATEMENT], ret_seq, err);
}

kai_status sqlite_count(struct sqlite *sqlite, int64_t *ret_events, int64_t *ret_rows,
                        kai_err *err) {
    kai_status st = pragma_i64(sqlite, SQL[COUNT_STATEMENT], ret_events, err);
    return st ? st : pragma_i64(sqlite, SQL[COUNT_ROWS_STATEMENT], ret_rows, err);
}

/* ---- keep ---- */

kai_status sqlite_checkpoint(struct sqlite *sqlite, kai_err *err) {
    int code = sqlite3_wal_checkpoint_v2(sqlite->file, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return code == SQLITE_OK || code == SQLITE_BUSY ? KAI_OK : fail(sqlite, code, err);
}

int64_t sqlite_log_pages(const struct sqlite *sqlite) { return sqlite->log_pages; }

/* The library waits for readers, but not for another checkpoint. */
kai_status sqlite_truncate(struct sqlite *sqlite, kai_err *err) {
    int code = SQLITE_BUSY;
    for (int waited = 0; code == SQLITE_BUSY && waited < BUSY_MS; waited += NAP_MS) {
        if (waited) (void)sqlite3_sleep(NAP_MS);
        code =
            sqlite3_wal_checkpoint_v2(sqlite->file, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    return code == SQLITE_OK ? KAI_OK : fail(sqlite, code, err);
}

kai_status sqlite_check(struct sqlite *sqlite, kai_err *err) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sqlite->file, "PRAGMA integrity_check(1)", -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    kai_status st = code == SQLITE_ROW ? KAI_OK : fail(sqlite, code, err);
    const char *said = st ? "" : (const char *)sqlite3_column_text(statement, 0);
    if (!st && (!said || strcmp(said, "ok") != 0))
        st = err_set(err, KAI_CORRUPT, "'%s': %s", sqlite->path, said ? said : "damaged");
    (void)sqlite3_finalize(statement);
    return st;
}

kai_status sqlite_copy(struct sqlite *sqlite, const char *path, kai_err *err) {
    sqlite3 *copy = NULL;
    if (file_exists(path)) return err_set(err, KAI_EXISTS, "'%s' is there already", path);
    int code = sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    sqlite3_backup *backup =
        code == SQLITE_OK ? sqlite3_backup_init(copy, "main", sqlite->file, "main") : NULL;
    if (code == SQLITE_OK && !backup) code = sqlite3_errcode(copy);
    while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        code = sqlite3_backup_step(backup, COPY_PAGES);
        if (code == SQLITE_BUSY || code == SQLITE_LOCKED) (void)sqlite3_sleep(1);
    }
    if (backup) (void)sqlite3_backup_finish(backup); /* says again what step said */
    kai_status st = KAI_OK;
    if (code != SQLITE_DONE)
        st = err_set(err, KAI_IO, "'%s': %s", path, copy ? sqlite3_errmsg(copy) : "not opened");
    (void)sqlite3_close(copy);
    return st;
}
