#include "govern/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/file.h"
#include "base/instant.h"
#include "base/json.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define MAC_KEY ",\"mac\":\""
enum {
    MAC_CHARS = SECRET_HASH_BYTES - 1,
    TAIL_BYTES = sizeof MAC_KEY - 1 + MAC_CHARS + 2, /* ,"mac":"..."} */
    LINE_BYTES = 1 << 20,
    HEAD_BYTES = 1024,
};

/* A record that is being written. */
struct record {
    const struct secret_keys *keys;
    const char *path;
    struct buf head_path;
    int fd;
};

static const char *head_of_record(const struct audit_state *state) {
    return state->count ? state->head : ZEROS;
}

/* "<count> <mac of the newest line> <mac of both>\n" */
static void print_head(const struct secret_keys *keys, const struct audit_state *state,
                       char text[HEAD_BYTES]) {
    char mac[SECRET_HASH_BYTES], plain[128];
    int size =
        snprintf(plain, sizeof plain, "%lld %s", (long long)state->count, head_of_record(state));
    secret_mac(keys, plain, (size_t)size, mac);
    (void)snprintf(text, HEAD_BYTES, "%s %s\n", plain, mac); /* fits: two hashes and a number */
}

static int parse_head(const struct secret_keys *keys, struct slice file,
                      struct audit_state *ret_state) {
    char expected[HEAD_BYTES];
    const char *blank = file.size ? memchr(file.data, ' ', file.size) : NULL;
    struct audit_state state = {0};
    if (!blank || file.data + file.size - blank < MAC_CHARS + 1) return 0;
    if (!text_parse_i64((struct slice){file.data, (size_t)(blank - file.data)}, &state.count) ||
        state.count < 1)
        return 0;
    memcpy(state.head, blank + 1, MAC_CHARS);
    print_head(keys, &state, expected);
    if (!secret_equal(file, slice_of(expected))) return 0;
    *ret_state = state;
    return 1;
}

/* One line without its newline against the one before it. Returns NULL, or what is wrong. */
static const char *check_line(const struct secret_keys *keys, struct slice line,
                              struct audit_state *state) {
    char mac[SECRET_HASH_BYTES], begin[64], prev[MAC_CHARS + 16];
    if (line.size < TAIL_BYTES || line.size > LINE_BYTES) return "not a line of the record";
    const char *tail = line.data + line.size - TAIL_BYTES;
    struct slice said = {tail + sizeof MAC_KEY - 1, MAC_CHARS};
    if (memcmp(tail, MAC_KEY, sizeof MAC_KEY - 1) != 0) return "not a line of the record";
    secret_mac(keys, line.data, line.size - TAIL_BYTES, mac);
    if (!secret_equal(said, slice_of(mac)) || memcmp(tail + TAIL_BYTES - 2, "\"}", 2) != 0)
        return "it was changed, or is of another key";
    int size = snprintf(begin, sizeof begin, "{\"seq\":%lld,", (long long)state->count + 1);
    if (line.size < (size_t)size || memcmp(line.data, begin, (size_t)size) != 0)
        return "a line before it is missing, or stands elsewhere";
    int length = snprintf(prev, sizeof prev, ",\"prev\":\"%s\"", head_of_record(state));
    if (memcmp(tail - length, prev, (size_t)length) != 0)
        return "it does not follow the line before it";
    state->count++;
    memcpy(state->head, mac, sizeof mac);
    return NULL;
}

/* Walk all complete lines. */
static kai_status check_lines(const struct secret_keys *keys, const char *name, struct slice record,
                              const char *head, const struct audit_state *newest,
                              struct audit_state *ret_state, kai_err *err) {
    struct audit_state state = {0};
    int has_head = !head, has_newest = newest->count == 0;
    size_t at = 0;
    while (at < record.size) {
        const char *end = memchr(record.data + at, '\n', record.size - at);
        if (!end) break;
        struct slice line = {record.data + at, (size_t)(end - record.data) - at};
        const char *wrong = check_line(keys, line, &state);
        if (wrong)
            return err_set(err, KAI_CORRUPT, "%s, line %lld: %s", name, (long long)state.count + 1,
                           wrong);
        has_head = has_head || strcmp(head, state.head) == 0;
        if (state.count == newest->count) has_newest = strcmp(newest->head, state.head) == 0;
        at += line.size + 1;
    }
    if (!has_newest)
        return err_set(err, KAI_CORRUPT,
                       "%s: %lld lines, but %lld were written: lines are missing at its end", name,
                       (long long)state.count, (long long)newest->count);
    if (state.count > newest->count + 1)
        return err_set(err, KAI_CORRUPT, "%s: more lines than its head knows of", name);
    if (!has_head)
        return err_set(err, KAI_CORRUPT, "%s: the head '%.64s' is not in it", name, head);
    *ret_state = state;
    return KAI_OK;
}

kai_status audit_check(const struct secret_keys *keys, const char *name, struct slice record,
                       struct slice head_file, const char *head, struct audit_state *ret_state,
                       kai_err *err) {
    struct audit_state newest = {0};
    if (head_file.size && !parse_head(keys, head_file, &newest))
        return err_set(err, KAI_CORRUPT, "%s.head was changed, or is of another key", name);
    return check_lines(keys, name, record, head, &newest, ret_state, err);
}

static kai_status open_record(struct record *record, kai_err *err) {
    buf_init(&record->head_path, 1 << 16);
    kai_status st = buf_printf(&record->head_path, err, "%s.head", record->path);
    if (st) return st;
    record->fd = open(record->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (record->fd < 0 || flock(record->fd, LOCK_EX) != 0)
        return err_set(err, KAI_IO, "audit record '%s' could not be opened", record->path);
    return KAI_OK;
}

static void close_record(struct record *record) {
    if (record->fd >= 0) (void)close(record->fd); /* what matters was synchronised */
    buf_release(&record->head_path);
}

/* The newest state that the head knows; zero where nothing was written yet. */
static kai_status read_head(const struct record *record, struct audit_state *state, kai_err *err) {
    struct buf text;
    if (!file_exists(record->head_path.data)) return KAI_OK;
    buf_init(&text, HEAD_BYTES);
    kai_status st = file_read_all(record->head_path.data, HEAD_BYTES, &text, err);
    if (!st && !parse_head(record->keys, (struct slice){text.data, text.size}, state))
        st = err_set(err, KAI_CORRUPT, "%s was changed, or is of another key",
                     record->head_path.data);
    buf_release(&text);
    return st;
}

/* The last bytes of the record: at least its last two lines, where they fit. */
static kai_status read_end(const struct record *record, struct buf *out, off_t *ret_start,
                           kai_err *err) {
    struct stat info;
    if (fstat(record->fd, &info) != 0)
        return err_set(err, KAI_IO, "audit record '%s' could not be read", record->path);
    off_t start = info.st_size > 2 * LINE_BYTES ? info.st_size - 2 * LINE_BYTES : 0;
    size_t size = (size_t)(info.st_size - start);
    kai_status st = buf_reserve(out, size + 1, err);
    while (!st && out->size < size) {
        ssize_t got =
            pread(record->fd, out->data + out->size, size - out->size, start + (off_t)out->size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            st = err_set(err, KAI_IO, "audit record '%s' could not be read", record->path);
        else
            out->size += (size_t)got;
    }
    *ret_start = start;
    return st;
}

/* Where the line that ends before `end` begins. */
static size_t line_start(const struct buf *text, size_t end) {
    while (end > 0 && text->data[end - 1] != '\n') end--;
    return end;
}

/* Bring `state` to the last complete line: the head's, or the one after it, whose writer died
 * before it wrote the head. Cut what follows. */
static kai_status find_end(struct record *record, struct audit_state *state, kai_err *err) {
    struct buf text;
    off_t start = 0;
    buf_init(&text, 4 * LINE_BYTES);
    kai_status st = read_end(record, &text, &start, err);
    size_t end = text.size;
    if (!st) end = line_start(&text, end); /* behind the last newline */
    if (!st && end < text.size && ftruncate(record->fd, start + (off_t)end) != 0)
        st = err_set(err, KAI_IO, "audit record '%s' could not be mended", record->path);
    if (!st && end > 0) {
        size_t last = line_start(&text, end - 1);
        struct slice line = {text.data + last, end - 1 - last};
        struct audit_state after = *state;
        int is_head = state->count && line.size >= TAIL_BYTES &&
                      memcmp(line.data + line.size - 2 - MAC_CHARS, state->head, MAC_CHARS) == 0;
        if (!is_head && check_line(record->keys, line, &after))
            st = err_set(err, KAI_CORRUPT, "audit record '%s': its end is not what its head says",
                         record->path);
        else if (!is_head)
            *state = after;
    } else if (!st && state->count) {
        st = err_set(err, KAI_CORRUPT, "audit record '%s': its lines are missing", record->path);
    }
    buf_release(&text);
    return st;
}

static kai_status print_line(const struct secret_keys *keys, const struct audit_entry *entry,
                             struct audit_state *state, struct buf *out, kai_err *err) {
    struct json_writer json;
    char time[INSTANT_TEXT_BYTES], mac[SECRET_HASH_BYTES];
    instant_print(entry->time_us, time);
    json_init(&json, out, 0);
    json_object(&json);
    json_key_i64(&json, "seq", state->count + 1);
    json_key_text(&json, "time", time);
    json_key_text(&json, "actor", entry->actor);
    json_key_text(&json, "action", entry->action);
    json_key_text(&json, "subject", entry->subject);
    json_key(&json, "detail");
    if (entry->detail)
        json_raw(&json, entry->detail);
    else
        json_null(&json);
    json_key_text(&json, "prev", head_of_record(state));
    json_end(&json);
    kai_status st = json_finish(&json, err);
    if (st) return st;
    out->size--; /* the mac stands before the closing bracket */
    if (out->size + TAIL_BYTES > LINE_BYTES || memchr(out->data, '\n', out->size))
        return err_set(err, KAI_LIMIT, "an entry is too long for the audit record");
    secret_mac(keys, out->data, out->size, mac);
    st = buf_printf(out, err, MAC_KEY "%s\"}\n", mac);
    if (st) return st;
    state->count++;
    memcpy(state->head, mac, sizeof mac);
    return KAI_OK;
}

static kai_status write_line(const struct record *record, const struct buf *line, kai_err *err) {
    size_t done = 0;
    while (done < line->size) {
        ssize_t got = write(record->fd, line->data + done, line->size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += (size_t)got;
    }
    if (done == line->size && fsync(record->fd) == 0) return KAI_OK;
    return err_set(err, KAI_IO, "audit record '%s' could not be written", record->path);
}

kai_status audit_append(const struct secret_keys *keys, const char *path,
                        const struct audit_entry *entry, struct audit_state *ret_state,
                        kai_err *err) {
    struct record record = {.keys = keys, .path = path, .fd = -1};
    struct audit_state state = {0};
    struct buf line;
    char head[HEAD_BYTES];
    buf_init(&line, 2 * LINE_BYTES);
    kai_status st = open_record(&record, err);
    if (!st) st = read_head(&record, &state, err);
    if (!st) st = find_end(&record, &state, err);
    if (!st) st = print_line(keys, entry, &state, &line, err);
    if (!st) st = write_line(&record, &line, err);
    if (!st) {
        print_head(keys, &state, head);
        st = file_write_all(record.head_path.data, head, strlen(head), err);
    }
    if (!st && ret_state) *ret_state = state;
    buf_release(&line);
    close_record(&record);
    return st;
}

kai_status audit_verify(const struct secret_keys *keys, const char *path, const char *head,
                        struct audit_state *ret_state, kai_err *err) {
    struct buf record, head_file, head_path;
    buf_init(&record, (size_t)CAPS_BUF_BYTES);
    buf_init(&head_file, HEAD_BYTES);
    buf_init(&head_path, 1 << 16);
    kai_status st = buf_printf(&head_path, err, "%s.head", path);
    int has_record = file_exists(path), has_head = !st && file_exists(head_path.data);
    if (!st && has_record) st = file_read_all(path, (size_t)CAPS_BUF_BYTES, &record, err);
    if (!st && has_head) st = file_read_all(head_path.data, HEAD_BYTES, &head_file, err);
    if (!st)
        st = audit_check(keys, path, (struct slice){record.data, record.size},
                         (struct slice){head_file.data, head_file.size}, head, ret_state, err);
    buf_release(&record);
    buf_release(&head_file);
    buf_release(&head_path);
    return st;
}
