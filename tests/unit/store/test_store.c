/* The store: what was committed is there, once, and what was erased is nowhere. */
#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "kit/check.h"

static int shops;

/* A fresh folder. */
static const char *make_folder(void) {
    char name[32];
    (void)snprintf(name, sizeof name, "store-%d", ++shops);
    const char *path = check_temp_path(name);
    kai_err err = {0};
    CHECK_OK(file_make_dir(path, &err), &err);
    return path;
}

static struct store *open_store(const char *folder, enum store_mode mode) {
    struct store *store = NULL;
    kai_err err = {0};
    CHECK_OK(store_open(folder, mode, &store, &err), &err);
    return store;
}

static struct event event_of(const char *id, const char *customer, const char *anonymous) {
    struct event event = event_empty();
    event.id = slice_of(id);
    event.customer = slice_of(customer);
    event.anonymous = slice_of(anonymous);
    event.type = slice_of("order");
    event.item = slice_of("鞋");
    event.session = slice_of("s1");
    event.properties = slice_of("{\"a\":1}");
    event.value = 12.5;
    event.time_us = 1000;
    event.received_us = 2000;
    event.flags = EVENT_BOT;
    return event;
}

static void append(struct store *store, const struct event *events, int64_t count) {
    struct event_batch batch;
    int64_t ticket = 0;
    kai_err err = {0};
    event_batch_init(&batch);
    for (int64_t i = 0; i < count; i++)
        CHECK_OK(event_batch_append(&batch, &events[i], &err), &err);
    CHECK_OK(store_append(store, &batch, &ticket, &err), &err);
    CHECK_OK(store_wait(store, ticket, ticket, &err), &err);
    event_batch_release(&batch);
}

static void append_one(struct store *store, const char *id, const char *customer,
                       const char *anonymous) {
    const struct event event = event_of(id, customer, anonymous);
    append(store, &event, 1);
}

struct seen {
    int64_t count;
    char ids[512];
    char anonymous[64];
    struct event first;
};

static kai_status see(void *user, const struct event *event, kai_err *err) {
    struct seen *seen = user;
    (void)err;
    if (!seen->count++) seen->first = *event;
    size_t used = strlen(seen->ids);
    (void)snprintf(seen->ids + used, sizeof seen->ids - used, "%.*s ", (int)event->id.size,
                   event->id.data);
    (void)snprintf(seen->anonymous, sizeof seen->anonymous, "%.*s", (int)event->anonymous.size,
                   event->anonymous.data);
    if (seen->count == 1) {
        assert_int_equal(event->item.size, strlen("鞋"));
        assert_memory_equal(event->item.data, "鞋", event->item.size);
        assert_memory_equal(event->properties.data, "{\"a\":1}", event->properties.size);
        assert_true(isnan(event->quantity));
        assert_true(event->value == 12.5 && event->time_us == 1000 && event->received_us == 2000);
        assert_int_equal(event->flags, EVENT_BOT);
        assert_int_equal(event->session.size, 2);
        assert_int_equal(event->campaign.size, 0);
    }
    return KAI_OK;
}

static struct seen history(struct store *store, const char *person) {
    struct seen seen = {0};
    kai_err err = {0};
    CHECK_OK(store_history(store, slice_of(person), see, &seen, &err), &err);
    return seen;
}

static struct store_report verify(struct store *store) {
    struct store_report report = {0};
    kai_err err = {0};
    CHECK_OK(store_verify(store, &report, &err), &err);
    return report;
}

static void test_store__keeps_each_event_once(void **state) {
    const char *folder = make_folder();
    struct store *store = open_store(folder, STORE_WRITE);
    const struct event pair[] = {event_of("e3", "ann", ""), event_of("e3", "ann", "")};
    (void)state;
    append_one(store, "e1", "ann", "d1");
    append_one(store, "e2", "", "d1");
    append_one(store, "e1", "bob", "");
    append(store, pair, 2);
    assert_int_equal(store_event_count(store), 3);
    assert_string_equal(history(store, "ann").ids, "e1 e3 ");
    assert_string_equal(history(store, "d1").ids, "e1 e2 ");
    assert_int_equal(history(store, "bob").count, 0);
    store_close(store);
    store = open_store(folder, STORE_WRITE);
    append_one(store, "e2", "ann", "");
    assert_int_equal(store_event_count(store), 3);
    assert_string_equal(history(store, "d1").ids, "e1 e2 ");
    assert_int_equal(verify(store).events, 3);
    store_close(store);
}

static kai_status note_row(void *user, struct slice key, struct slice value, kai_err *err) {
    char *out = user;
    (void)err;
    size_t used = strlen(out);
    (void)snprintf(out + used, 256 - used, "%.*s=%.*s ", (int)key.size, key.data, (int)value.size,
                   value.data);
    return KAI_OK;
}

static void put(struct store *store, const char *key, const char *value) {
    kai_err err = {0};
    CHECK_OK(store_put(store, "t", slice_of(key), slice_of(value), &err), &err);
}

static void test_store__shows_rows_at_once_and_keeps_them(void **state) {
    const char *folder = make_folder();
    struct store *store = open_store(folder, STORE_WRITE);
    struct buf out;
    char rows[256] = "";
    int is_there = 0;
    kai_err err = {0};
    (void)state;
    buf_init(&out, 1 << 16);
    put(store, "b", "1");
    put(store, "b", "2");
    put(store, "a", "");
    put(store, "c", "3");
    CHECK_OK(store_get(store, "t", slice_of("b"), &out, &is_there, &err), &err);
    assert_string_equal(out.data, "2");
    CHECK_OK(store_drop(store, "t", slice_of("c"), &is_there, &err), &err);
    assert_int_equal(is_there, 1);
    CHECK_OK(store_drop(store, "t", slice_of("c"), &is_there, &err), &err);
    assert_int_equal(is_there, 0);
    CHECK_OK(store_commit(store, &err), &err);
    store_close(store);
    store = open_store(folder, STORE_READ);
    CHECK_OK(store_rows(store, "t", slice_of(""), note_row, rows, &err), &err);
    assert_string_equal(rows, "a= b=2 ");
    CHECK_FAILS(store_put(store, "t", slice_of("x"), slice_of("y"), &err), &err, KAI_STATE,
                "for reading");
    store_close(store);
    buf_release(&out);
}

/* Enough events for several side files and a merge. */
static void fill(struct store *store, int64_t from, int64_t to) {
    enum { BATCH = 5000 };
    struct event_batch batch;
    int64_t ticket = 0;
    kai_err err = {0};
    event_batch_init(&batch);
    for (int64_t i = from; i < to; i++) {
        char id[32], customer[32];
        (void)snprintf(id, sizeof id, "id-%lld", (long long)i);
        (void)snprintf(customer, sizeof customer, "c%lld", (long long)(i % 1000));
        const struct event event = event_of(id, customer, "");
        CHECK_OK(event_batch_append(&batch, &event, &err), &err);
        if (batch.count < BATCH && i + 1 < to) continue;
        if (!store_has_room(store, batch.count)) CHECK_OK(store_commit(store, &err), &err);
        CHECK_OK(store_append(store, &batch, &ticket, &err), &err);
        event_batch_reset(&batch);
    }
    CHECK_OK(store_commit(store, &err), &err);
    event_batch_release(&batch);
}

static int count_files(const char *folder, const char *side) {
    char path[512];
    int count = 0;
    (void)snprintf(path, sizeof path, "%s/%s", folder, side);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) count += entry->d_name[0] != '.';
    (void)closedir(directory);
    return count;
}

static void damage(const char *folder, const char *side, long at) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, side);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%s/%s/%s", folder, side, entry->d_name);
        int file = open(path, O_RDWR);
        unsigned char byte = 0;
        assert_int_equal(pread(file, &byte, 1, at), 1);
        byte ^= 0x40;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
        (void)close(file);
        break;
    }
    (void)closedir(directory);
}

/* Do the bytes stand in any file of the folder? */
static int holds(const char *folder, const char *bytes) {
    char path[1024];
    int found = 0;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; !found && (entry = readdir(directory));) {
        struct stat info;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || stat(path, &info) || !S_ISREG(info.st_mode)) continue;
        FILE *file = fopen(path, "rb");
        char *text = malloc((size_t)info.st_size + 1);
        size_t size = fread(text, 1, (size_t)info.st_size, file);
        found = size && memmem(text, size, bytes, strlen(bytes)) != NULL;
        free(text);
        (void)fclose(file);
    }
    (void)closedir(directory);
    return found;
}

static void test_store__finds_events_through_many_side_files(void **state) {
    enum { EVENTS = 1400000 };
    const char *folder = make_folder();
    struct store *store = open_store(folder, STORE_WRITE);
    struct store_report report;
    kai_err err = {0};
    (void)state;
    fill(store, 0, EVENTS);
    fill(store, EVENTS / 2, EVENTS / 2 + 20000); /* again */
    assert_int_equal(store_event_count(store), EVENTS);
    assert_int_equal(history(store, "c7").count, EVENTS / 1000);
    store_close(store);
    assert_true(count_files(folder, "store.ids") >= 1);
    store = open_store(folder, STORE_WRITE);
    fill(store, 100, 5000);
    fill(store, EVENTS - 5000, EVENTS + 1);
    assert_int_equal(store_event_count(store), EVENTS + 1);
    store_close(store);

    damage(folder, "store.ids", 20); /* a header: the files are made again */
    damage(folder, "store.people", 9);
    store = open_store(folder, STORE_WRITE);
    fill(store, 0, 1000);
    assert_int_equal(store_event_count(store), EVENTS + 1);
    assert_int_equal(history(store, "c999").count, EVENTS / 1000);
    report = verify(store);
    assert_int_equal(report.events, EVENTS + 1);

    const struct slice gone = slice_of("c7"); /* out of the copies, too */
    int64_t erased = 0;
    char copies[512];
    (void)snprintf(copies, sizeof copies, "%s/store.copies", folder);
    assert_true(holds(copies, "id-1007s1"));
    CHECK_OK(store_erase(store, &gone, 1, &erased, &err), &err);
    assert_int_equal(erased, EVENTS / 1000);
    assert_int_equal(history(store, "c7").count, 0);
    assert_int_equal(history(store, "c8").count, EVENTS / 1000);
    assert_false(holds(copies, "id-1007s1"));
    assert_true(holds(copies, "id-1008s1"));
    store_close(store);

    damage(folder, "store.ids", 200); /* what a header does not tell, verify does */
    store = open_store(folder, STORE_READ);
    CHECK_FAILS(store_verify(store, &report, &err), &err, KAI_CORRUPT, "is damaged");
    store_close(store);
}

static void test_store__erases_every_byte(void **state) {
    const char *folder = make_folder();
    struct store *store = open_store(folder, STORE_WRITE);
    const struct slice gone[] = {slice_of("person-ann"), slice_of("device-ann")};
    int64_t erased = 0;
    kai_err err = {0};
    (void)state;
    append_one(store, "key-one", "person-ann", "device-ann");
    append_one(store, "key-two", "", "device-ann");
    append_one(store, "key-three", "person-bob", "device-ann");
    assert_int_equal(holds(folder, "person-ann"), 1);
    CHECK_OK(store_erase(store, gone, 2, &erased, &err), &err);
    assert_int_equal(erased, 2);
    assert_int_equal(store_event_count(store), 1);
    assert_int_equal(holds(folder, "person-ann"), 0);
    assert_int_equal(holds(folder, "device-ann"), 0);
    assert_int_equal(holds(folder, "key-one"), 0);
    assert_int_equal(holds(folder, "key-two"), 0);
    assert_int_equal(history(store, "person-bob").count, 1);
    assert_string_equal(history(store, "person-bob").anonymous, "");
    assert_int_equal(history(store, "device-ann").count, 0);
    append_one(store, "key-four", "person-ann", ""); /* the store does not forbid it */
    store_close(store);
    store = open_store(folder, STORE_WRITE);
    assert_string_equal(history(store, "person-ann").ids, "key-four ");
    assert_int_equal(verify(store).events, 2);
    store_close(store);
}

static void test_store__lets_one_write_and_others_read(void **state) {
    const char *folder = make_folder();
    struct store *server = open_store(folder, STORE_CLAIM), *other = NULL;
    kai_err err = {0};
    (void)state;
    append_one(server, "e1", "ann", "");
    struct store *reader = open_store(folder, STORE_READ);
    append_one(server, "e2", "ann", "");
    assert_int_equal(history(reader, "ann").count, 1); /* of the moment it was opened */
    store_close(reader);
    reader = open_store(folder, STORE_READ);
    assert_int_equal(history(reader, "ann").count, 2);
    store_close(reader);
    CHECK_FAILS(store_open(folder, STORE_CLAIM, &other, &err), &err, KAI_STATE, "writes the");
    assert_false(store_is_wanted(server));
    store_close(server);
    store_close(open_store(folder, STORE_CLAIM));
}

/* Another process that writes when it is its turn, once it is told to. It is made before the store
 * is open: it would inherit the lock. */
static void write_elsewhere(const char *folder, const char *id, const int *pipe_ends) {
    char told = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child) return;
    struct store *store = NULL;
    (void)close(pipe_ends[1]);
    if (read(pipe_ends[0], &told, 1) < 0) _exit(2);
    if (store_open(folder, STORE_WRITE, &store, NULL)) _exit(1);
    append_one(store, id, "ann", "");
    store_close(store);
    _exit(0);
}

static void test_store__is_lent_and_comes_back(void **state) {
    static const char *const IDS[] = {"c0", "c1", "c2"};
    const char *folder = make_folder();
    int pipe_ends[2], code = 0, refused = 0;
    kai_err err = {0};
    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    for (int i = 0; i < 3; i++) write_elsewhere(folder, IDS[i], pipe_ends);
    struct store *server = open_store(folder, STORE_CLAIM);
    append_one(server, "e0", "ann", "");
    (void)close(pipe_ends[1]); /* go */
    for (int ended = 0, naps = 0; ended < 3; naps++) {
        assert_true(naps < 30000);
        if (server && store_is_wanted(server)) {
            store_close(server);
            server = NULL;
        }
        if (!server) {
            kai_status st = store_open(folder, STORE_CLAIM, &server, &err);
            if (st) CHECK_FAILS(st, &err, KAI_STATE, "writes the");
            refused += st != 0;
        }
        if (waitpid(-1, &code, WNOHANG) > 0) {
            assert_int_equal(code, 0);
            ended++;
        }
        (void)usleep(1000);
    }
    if (!server) server = open_store(folder, STORE_CLAIM);
    (void)close(pipe_ends[0]);
    assert_true(refused > 0);
    assert_int_equal(store_event_count(server), 4);
    append_one(server, "e1", "ann", "");
    assert_int_equal(history(server, "ann").count, 5);
    assert_int_equal(verify(server).events, 5);
    store_close(server);
}

static void test_store__copies_itself_while_it_is_written(void **state) {
    const char *folder = make_folder();
    char copy[512], path[600];
    kai_err err = {0};
    struct store *store = open_store(folder, STORE_WRITE);
    (void)state;
    fill(store, 0, 20000);
    (void)snprintf(copy, sizeof copy, "%s", make_folder());
    (void)snprintf(path, sizeof path, "%s/store.db", copy);
    CHECK_OK(store_backup(store, path, &err), &err);
    CHECK_FAILS(store_backup(store, path, &err), &err, KAI_EXISTS, "is there already");
    fill(store, 20000, 20010);
    store_close(store);
    store = open_store(copy, STORE_WRITE);
    assert_int_equal(verify(store).events, 20000);
    fill(store, 19990, 20005);
    assert_int_equal(store_event_count(store), 20005);
    store_close(store);
}

static void test_store__says_what_is_wrong_with_a_file(void **state) {
    const char *folder = make_folder();
    char path[600];
    struct store *store = NULL;
    kai_err err = {0};
    (void)state;
    (void)snprintf(path, sizeof path, "%s/store.db", folder);
    CHECK_OK(file_write_all(path, "this is no store at all, but some text", 38, &err), &err);
    CHECK_FAILS(store_open(folder, STORE_WRITE, &store, &err), &err, KAI_CORRUPT, "store.db");
    assert_int_equal(unlink(path), 0);
    store_close(open_store(folder, STORE_WRITE));
    int file = open(path, O_RDWR); /* bytes 60..63: the version of the tables */
    assert_int_equal(pwrite(file, "\0\0\0\x63", 4, 60), 4);
    (void)close(file);
    CHECK_FAILS(store_open(folder, STORE_WRITE, &store, &err), &err, KAI_UNSUPPORTED,
                "use a newer one");
}

/* A disk that is full: a limit on the size of files, in a process of its own. */
static void fill_disk(const char *folder) {
    struct rlimit limit = {1 << 20, 1 << 20};
    struct store *store = open_store(folder, STORE_WRITE);
    struct event_batch batch;
    kai_err err = {0};
    kai_status st = KAI_OK;
    int64_t ticket = 0;
    (void)signal(SIGXFSZ, SIG_IGN);
    append_one(store, "before", "ann", "");
    if (setrlimit(RLIMIT_FSIZE, &limit)) _exit(2);
    event_batch_init(&batch);
    for (int i = 0; i < 20000; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "full-%d", i);
        const struct event event = event_of(id, "ann", "");
        if (event_batch_append(&batch, &event, &err)) _exit(3);
    }
    if (store_append(store, &batch, &ticket, &err)) _exit(4);
    st = store_wait(store, ticket, ticket, &err);
    if (st != KAI_IO) _exit(5);
    const struct event small = event_of("after", "ann", "");
    event_batch_reset(&batch);
    if (event_batch_append(&batch, &small, &err)) _exit(6);
    if (store_append(store, &batch, &ticket, &err)) _exit(7);
    st = store_wait(store, ticket, ticket, &err); /* what fits is taken again */
    _exit(st ? 8 : 0);
}

static void test_store__survives_a_full_disk(void **state) {
    char folder[512];
    int status = 0;
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s", make_folder());
    pid_t child = fork();
    if (!child) fill_disk(folder);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    struct store *store = open_store(folder, STORE_WRITE);
    assert_string_equal(history(store, "ann").ids, "before after ");
    (void)verify(store);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store__keeps_each_event_once),
        cmocka_unit_test(test_store__shows_rows_at_once_and_keeps_them),
        cmocka_unit_test(test_store__finds_events_through_many_side_files),
        cmocka_unit_test(test_store__erases_every_byte),
        cmocka_unit_test(test_store__lets_one_write_and_others_read),
        cmocka_unit_test(test_store__is_lent_and_comes_back),
        cmocka_unit_test(test_store__copies_itself_while_it_is_written),
        cmocka_unit_test(test_store__says_what_is_wrong_with_a_file),
        cmocka_unit_test(test_store__survives_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
