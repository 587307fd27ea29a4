#include "engine/run_folders.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/caps.h"
#include "base/file.h"
#include "base/json.h"

enum { NAMES_MAX = RUN_FOLDERS_FILES };

/* One file that is being rewritten. */
struct rewrite {
    const struct run_folders_name *names;
    int64_t count;
    struct buf out;
    int64_t rows, places; /* removed; replaced */
    int32_t column;       /* of the customer in a CSV file, or -1 */
};

void run_folders_init(struct run_folders *folders) {
    *folders = (struct run_folders){0};
    arena_init(&folders->arena);
}

void run_folders_release(struct run_folders *folders) {
    arena_release(&folders->arena);
    *folders = (struct run_folders){0};
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

kai_status run_folders_list(struct arena *arena, const char *path, const char ***ret_names,
                            int64_t *ret_count, kai_err *err) {
    const char **names = arena_alloc(arena, NAMES_MAX, sizeof *names);
    int64_t count = 0;
    kai_status st = names ? KAI_OK : err_memory(err, NAMES_MAX);
    DIR *folder = st ? NULL : opendir(path);
    *ret_names = names;
    *ret_count = 0;
    if (st || !folder)
        return st || errno == ENOENT || errno == ENOTDIR
                   ? st
                   : err_set(err, KAI_IO, "folder '%s' could not be read", path);
    for (struct dirent *entry; !st && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        if (count == NAMES_MAX)
            st = err_set(err, KAI_LIMIT, "folder '%s' holds more than %d files", path, NAMES_MAX);
        else if (!(names[count++] = arena_string(arena, entry->d_name)))
            st = err_memory(err, 1);
    }
    (void)closedir(folder); /* was only read */
    if (!st && count) qsort(names, (size_t)count, sizeof *names, compare_texts);
    if (!st) *ret_count = count;
    return st;
}

static int ends_in(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static int is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* Does the identifier stand at `at`, alone? */
static int stands_at(struct slice text, size_t at, struct slice identifier) {
    if (text.size - at < identifier.size) return 0;
    if (memcmp(text.data + at, identifier.data, identifier.size) != 0) return 0;
    size_t end = at + identifier.size;
    int is_joined_before = at > 0 && is_word(text.data[at - 1]) && is_word(identifier.data[0]);
    int is_joined_after =
        end < text.size && is_word(text.data[end]) && is_word(identifier.data[identifier.size - 1]);
    return !is_joined_before && !is_joined_after;
}

kai_status run_folders_replace(struct slice text, const struct run_folders_name *names,
                               int64_t count, struct buf *out, int64_t *ret_count, kai_err *err) {
    kai_status st = KAI_OK;
    size_t from = 0;
    *ret_count = 0;
    for (size_t at = 0; !st && at < text.size; at++) {
        for (int64_t i = 0; !st && i < count; i++) {
            if (names[i].identifier.size < RUN_FOLDERS_LONG) continue;
            if (!stands_at(text, at, names[i].identifier)) continue;
            st = buf_append(out, text.data + from, at - from, err);
            if (!st) st = buf_append(out, names[i].pseudonym.data, names[i].pseudonym.size, err);
            from = at + names[i].identifier.size;
            at = from - 1;
            ++*ret_count;
            break;
        }
    }
    return st || from == text.size ? st : buf_append(out, text.data + from, text.size - from, err);
}

static int is_person(const struct rewrite *rewrite, struct slice field) {
    for (int64_t i = 0; i < rewrite->count; i++)
        if (slice_equal(field, rewrite->names[i].identifier) ||
            slice_equal(field, rewrite->names[i].pseudonym))
            return 1;
    return 0;
}

/* The next field of a CSV line, without its quotes; a doubled quote within stays. */
static struct slice next_field(struct slice *line) {
    size_t end = 0;
    int is_quoted = line->size && line->data[0] == '"', in_quotes = 0;
    for (; end < line->size && (in_quotes || line->data[end] != ','); end++)
        if (line->data[end] == '"') in_quotes = !in_quotes;
    struct slice field = {line->data, end};
    if (is_quoted && field.size >= 2) field = (struct slice){field.data + 1, field.size - 2};
    size_t next = end < line->size ? end + 1 : end;
    *line = (struct slice){line->data + next, line->size - next};
    return field;
}

static int32_t customer_column(struct slice header) {
    for (int32_t column = 0; header.size; column++)
        if (slice_equal_case(next_field(&header), "customer")) return column;
    return -1;
}

static int is_row_of_csv(const struct rewrite *rewrite, struct slice line) {
    for (int32_t column = 0; line.size; column++) {
        struct slice field = next_field(&line);
        int is_looked_at =
            rewrite->column < 0 ? field.size >= RUN_FOLDERS_LONG : column == rewrite->column;
        if (is_looked_at && is_person(rewrite, field)) return 1;
    }
    return 0;
}

static int is_row_of_jsonl(const struct rewrite *rewrite, struct slice line) {
    struct json_value *object = NULL;
    if (json_parse(line.data, line.size, &object, NULL)) return 0;
    const char *customer = json_as_text(json_get(object, "customer"), NULL);
    int is_row = customer && is_person(rewrite, slice_of(customer));
    json_free(object);
    return is_row;
}

static kai_status rewrite_line(struct rewrite *rewrite, struct slice line, kai_err *err) {
    int64_t places = 0;
    kai_status st =
        run_folders_replace(line, rewrite->names, rewrite->count, &rewrite->out, &places, err);
    rewrite->places += places;
    return st;
}

static kai_status rewrite_rows(struct rewrite *rewrite, struct slice text, int is_csv,
                               kai_err *err) {
    kai_status st = KAI_OK;
    for (size_t at = 0; !st && at < text.size;) {
        const char *end = memchr(text.data + at, '\n', text.size - at);
        size_t size = end ? (size_t)(end - text.data) - at : text.size - at;
        struct slice line = {text.data + at, size}, whole = {line.data, size + (end != NULL)};
        if (size && line.data[size - 1] == '\r') line.size--;
        int is_header = is_csv && at == 0;
        if (is_header) rewrite->column = customer_column(line);
        at += whole.size;
        int is_row =
            !is_header && (is_csv ? is_row_of_csv(rewrite, line) : is_row_of_jsonl(rewrite, line));
        rewrite->rows += is_row;
        if (!is_row) st = rewrite_line(rewrite, whole, err);
    }
    return st;
}

static kai_status rewrite_file(struct run_folders *folders, const char *path,
                               const struct run_folders_name *names, int64_t count,
                               int *ret_is_changed, kai_err *err) {
    struct rewrite rewrite = {.names = names, .count = count, .column = -1};
    struct buf text;
    buf_init(&text, (size_t)CAPS_BUF_BYTES);
    buf_init(&rewrite.out, (size_t)CAPS_BUF_BYTES);
    int is_csv = ends_in(path, ".csv") || ends_in(path, ".csv.gz");
    int is_jsonl = ends_in(path, ".jsonl") || ends_in(path, ".jsonl.gz");
    kai_status st = file_read_all(path, (size_t)CAPS_BUF_BYTES, &text, err);
    struct slice whole = {text.data ? text.data : "", text.size};
    if (!st && (is_csv || is_jsonl))
        st = rewrite_rows(&rewrite, whole, is_csv, err);
    else if (!st)
        st = rewrite_line(&rewrite, whole, err);
    if (!st && (rewrite.rows || rewrite.places)) {
        st = file_write_all(path, rewrite.out.data ? rewrite.out.data : "", rewrite.out.size, err);
        *ret_is_changed = 1;
        folders->rows += rewrite.rows;
    }
    buf_release(&text);
    buf_release(&rewrite.out);
    return st;
}

static kai_status rewrite_folder(struct run_folders *folders, const char *path,
                                 const struct run_folders_name *names, int64_t count,
                                 int *ret_is_changed, kai_err *err) {
    const char **files = NULL;
    int64_t file_count = 0;
    struct buf file;
    buf_init(&file, 1 << 16);
    kai_status st = run_folders_list(&folders->arena, path, &files, &file_count, err);
    for (int64_t i = 0; !st && i < file_count; i++) {
        struct stat info;
        buf_reset(&file);
        st = buf_printf(&file, err, "%s/%s", path, files[i]);
        if (!st && stat(file.data, &info) == 0 && S_ISREG(info.st_mode))
            st = rewrite_file(folders, file.data, names, count, ret_is_changed, err);
    }
    buf_release(&file);
    return st;
}

static kai_status list_models(struct run_folders *folders, const char *workspace, struct buf *path,
                              kai_err *err) {
    buf_reset(path);
    kai_status st = buf_printf(path, err, "%s/models", workspace);
    if (!st)
        st = run_folders_list(&folders->arena, path->data, &folders->models, &folders->model_count,
                              err);
    for (int64_t i = 0; !st && i < folders->model_count; i++) {
        buf_reset(path);
        st = buf_printf(path, err, "models/%s", folders->models[i]);
        if (!st) folders->models[i] = arena_string(&folders->arena, path->data);
        if (!st && !folders->models[i]) st = err_memory(err, 1);
    }
    return st;
}

kai_status run_folders_forget(const char *workspace, const struct run_folders_name *names,
                              int64_t count, struct run_folders *folders, kai_err *err) {
    const char **runs = NULL;
    int64_t run_count = 0;
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/runs", workspace);
    if (!st) st = run_folders_list(&folders->arena, path.data, &runs, &run_count, err);
    folders->rewritten = runs;
    for (int64_t i = 0; !st && i < run_count; i++) {
        int is_changed = 0;
        buf_reset(&path);
        st = buf_printf(&path, err, "%s/runs/%s", workspace, runs[i]);
        if (!st) st = rewrite_folder(folders, path.data, names, count, &is_changed, err);
        if (!st && is_changed) folders->rewritten[folders->rewritten_count++] = runs[i];
    }
    if (!st) st = list_models(folders, workspace, &path, err);
    buf_release(&path);
    return st;
}
