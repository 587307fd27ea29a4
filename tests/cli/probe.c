/* What a shell script cannot say of a program: what its JSON holds, and what memory it took.
 *
 * probe json PATH...: read one JSON document from stdin; print the value at each PATH, one a line
 * (steps separated by '|', an index for lists, '#' for a count); 1 where a value is missing or
 * stdin is not exactly one document.
 *
 * probe peak FILE COMMAND...: run the command, write its peak memory in KiB to FILE, exit as it
 * did.
 *
 * probe flip FILE BYTE: turn the lowest bit of one byte of a file round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"

enum { DOCUMENT_BYTES_MAX = 1 << 28, NOT_RUN = 126 };

static const struct json_value *step_into(const struct json_value *value, const char *step) {
    if (json_is_array(value)) return json_at(value, strtoll(step, NULL, 10));
    return json_get(value, step);
}

static int print_value(const struct json_value *value) {
    const char *text = json_as_text(value, NULL);
    if (text) return puts(text) < 0;
    if (json_is_object(value) || json_is_array(value)) {
        for (int64_t i = 0; i < json_count(value); i++) {
            const char *key = json_key_at(value, i);
            const char *item = json_as_text(json_at(value, i), "");
            if (puts(key ? key : item) < 0) return 1;
        }
        return 0;
    }
    if (json_is_null(value)) return puts("null") < 0;
    int flag = json_as_bool(value, -1);
    if (flag >= 0) return puts(flag ? "true" : "false") < 0;
    return printf("%.17g\n", json_as_f64(value, 0)) < 0;
}

/* 0 where the path is there. */
static int print_path(const struct json_value *value, char *path) {
    char *rest = NULL;
    for (char *step = strtok_r(path, "|", &rest); step; step = strtok_r(NULL, "|", &rest)) {
        if (strcmp(step, "#") == 0) return printf("%lld\n", (long long)json_count(value)) < 0;
        value = step_into(value, step);
        if (!value) return 1;
    }
    return print_value(value);
}

static int read_json(int count, char **paths) {
    struct buf text;
    struct json_value *value = NULL;
    kai_err err = {0};
    buf_init(&text, DOCUMENT_BYTES_MAX);
    kai_status st = file_read_all("-", DOCUMENT_BYTES_MAX, &text, &err);
    if (!st) st = json_parse(text.data ? text.data : "", text.size, &value, &err);
    if (st) (void)fprintf(stderr, "probe: no JSON document: %s\n", err.message);
    int code = st != 0;
    for (int i = 0; !st && i < count; i++) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s", paths[i]); /* long enough for a test */
        if (print_path(value, path)) {
            (void)fprintf(stderr, "probe: nothing at '%s'\n", paths[i]);
            code = 1;
        }
    }
    json_free(value);
    buf_release(&text);
    return code;
}

static int measure_peak(const char *file, char **command) {
    pid_t child = fork();
    if (child == 0) {
        (void)execvp(command[0], command);
        _exit(NOT_RUN);
    }
    int state = 0;
    struct rusage usage;
    if (child < 0 || waitpid(child, &state, 0) < 0) return NOT_RUN;
    if (getrusage(RUSAGE_CHILDREN, &usage)) return NOT_RUN;
    FILE *out = fopen(file, "w");
    if (!out || fprintf(out, "%ld\n", usage.ru_maxrss) < 0 || fclose(out)) return NOT_RUN;
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

static int flip_bit(const char *path, long offset) {
    FILE *file = fopen(path, "r+b");
    if (!file || fseek(file, offset, SEEK_SET)) return 1;
    int byte = fgetc(file);
    if (byte == EOF || fseek(file, offset, SEEK_SET)) return 1;
    return fputc(byte ^ 1, file) == EOF || fclose(file) != 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "json") == 0) return read_json(argc - 2, argv + 2);
    if (argc > 3 && strcmp(argv[1], "peak") == 0) return measure_peak(argv[2], argv + 3);
    if (argc == 4 && strcmp(argv[1], "flip") == 0)
        return flip_bit(argv[2], strtol(argv[3], NULL, 10));
    (void)fputs("usage: probe json PATH... | peak FILE COMMAND... | flip FILE BYTE\n", stderr);
    return 2;
}
