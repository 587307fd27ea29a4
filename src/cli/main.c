/* The command: find the verb, parse its options, show progress, print the result or one line of
 * error. Everything it can do, the public API can do. */
#include <kairos/engine.h>
#include <kairos/service.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/options.h"
#include "cli/meter.h"
#include "serve/serve.h"

/* 0, or the exit code of a stdout that took not all of it (a full disk, a closed pipe). */
static int finish_stdout(void) {
    if (!ferror(stdout) && fflush(stdout) == 0) return 0;
    (void)fprintf(stderr, "kairos: stdout could not be written\n");
    return kai_status_exit(KAI_IO);
}

/* Does this verb belong to `group`: all of them ("") or those of one first word? */
static int is_of_group(const kai_verb *verb, const char *group) {
    size_t size = strlen(group);
    const char *name = kai_verb_name(verb);
    return size == 0 || (strncmp(name, group, size) == 0 && name[size] == ' ');
}

static void print_verbs(FILE *stream, const char *group) {
    int width = 0;
    for (int32_t i = 0; i < kai_verb_count(); i++) {
        int size = (int)strlen(kai_verb_name(kai_verb_at(i)));
        if (is_of_group(kai_verb_at(i), group) && size > width) width = size;
    }
    for (int32_t i = 0; i < kai_verb_count(); i++) {
        const struct kai_option_table *table = kai_verb_table(kai_verb_at(i));
        if (is_of_group(kai_verb_at(i), group))
            (void)fprintf(stream, "  %-*s  %s\n", width, table->name, table->summary);
    }
}

static int print_usage(FILE *stream) {
    (void)fprintf(stream,
                  "kairos %s: from raw customer events to decisions whose effect is proven\n\n"
                  "usage: kairos <verb> [options] <arguments>\n\n",
                  kai_version());
    print_verbs(stream, "");
    (void)fprintf(stream, "\n'kairos <verb> --help' shows the options of a verb\n");
    return stream == stdout ? finish_stdout() : kai_status_exit(KAI_INVALID);
}

static int is_group(const char *word) {
    for (int32_t i = 0; *word && i < kai_verb_count(); i++)
        if (is_of_group(kai_verb_at(i), word)) return 1;
    return 0;
}

static int is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The verbs of a group: asked for, or because none was named. */
static int print_group(const char *group, int is_asked) {
    FILE *stream = is_asked ? stdout : stderr;
    (void)fprintf(stream, "usage: kairos %s <kind> [options] <arguments>\n\n", group);
    print_verbs(stream, group);
    (void)fprintf(stream, "\n'kairos %s <kind> --help' shows the options of a kind\n", group);
    return is_asked ? finish_stdout() : kai_status_exit(KAI_INVALID);
}

/* The verb that the arguments begin with, and how many words its name has. */
static const kai_verb *find_verb(int argc, char **argv, int *ret_words) {
    for (int32_t i = 0; i < kai_verb_count(); i++) {
        const char *name = kai_verb_name(kai_verb_at(i));
        size_t first = strcspn(name, " ");
        if (strncmp(name, argv[1], first) != 0 || argv[1][first]) continue;
        int is_pair = name[first] == ' ';
        if (is_pair && (argc < 3 || strcmp(argv[2], name + first + 1) != 0)) continue;
        *ret_words = 1 + is_pair;
        return kai_verb_at(i);
    }
    return NULL;
}

/* Of the verbs of a group ("" = of all), by their last words: "a|b|c". */
static void join_names(const char *group, char *ret_names, size_t capacity) {
    size_t used = 0;
    for (int32_t i = 0; i < kai_verb_count() && used < capacity; i++) {
        const char *name = kai_verb_name(kai_verb_at(i));
        if (!is_of_group(kai_verb_at(i), group)) continue;
        const char *word = *group ? name + strlen(group) + 1 : name;
        int size = (int)(*group ? strlen(word) : strcspn(word, " "));
        used += (size_t)snprintf(ret_names + used, capacity - used, "%s%.*s", used ? "|" : "", size,
                                 word);
    }
}

static int unknown_verb(const char *group, const char *name) {
    char names[2048] = "", nearest[64] = "";
    join_names(group, names, sizeof names);
    const char *blank = *group ? " " : "";
    if (options_nearest(name, names, nearest, sizeof nearest))
        (void)fprintf(stderr, "kairos: unknown verb '%s%s%s': did you mean '%s%s%s'?\n", group,
                      blank, name, group, blank, nearest);
    else
        (void)fprintf(stderr, "kairos: unknown verb '%s%s%s'\n", group, blank, name);
    (void)fprintf(stderr, "see 'kairos %s%s--help'\n", group, blank);
    return kai_status_exit(KAI_INVALID);
}

static int fail(const kai_verb *verb, kai_status st, const kai_err *err) {
    (void)fprintf(stderr, "kairos: %s\n", err->message[0] ? err->message : kai_status_text(st));
    if (st == KAI_INVALID) (void)fprintf(stderr, "see 'kairos %s --help'\n", kai_verb_name(verb));
    return kai_status_exit(st);
}

static int print_help(const kai_verb *verb, kai_err *err) {
    struct buf page;
    buf_init(&page, 1 << 20);
    kai_status st = options_print_help(kai_verb_table(verb), "kairos", &page, err);
    if (!st) (void)fputs(page.data, stdout); /* a closed stdout shows at flush */
    buf_release(&page);
    return st ? fail(verb, st, err) : finish_stdout();
}

/* The whole result, or an error where stdout does not take it (a full disk, a closed pipe). */
static kai_status print_result(const kai_buf *result, kai_err *err) {
    size_t size = (size_t)result->size;
    if ((size && fwrite(result->data, 1, size, stdout) != size) || fflush(stdout))
        return err_set(err, KAI_IO, "stdout could not be written");
    return KAI_OK;
}

/* The verb whose work is not done in the library alone: it opens no socket. */
static int is_serve(const kai_verb *verb) { return strcmp(kai_verb_name(verb), "serve") == 0; }

static kai_status run_verb(const kai_verb *verb, void *options, kai_err *err) {
    const kai_common_options *common = kai_verb_common(verb, options);
    struct meter meter;
    meter_init(&meter, common->quiet || is_serve(verb));
    if (is_serve(verb)) ((kai_serve_options *)options)->carry = serve_carry;
    kai_engine_options engine_options = {.struct_size = sizeof engine_options,
                                         .threads = (int32_t)common->threads,
                                         .progress = meter_tell,
                                         .progress_user = &meter};
    kai_engine *engine = NULL;
    kai_buf result = {0};
    kai_status st = kai_engine_open(&engine_options, &engine, err);
    if (!st)
        st = kai_verb_run(verb, engine, options, common->json ? &result : NULL,
                          common->json ? NULL : &result, err);
    meter_finish(&meter);
    if (!st) st = print_result(&result, err);
    kai_buf_release(&result);
    kai_engine_close(engine);
    return st;
}

/* `-C DIR` is --workspace DIR, `-k N` is --k N. */
static void spell_out(int argc, const char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "-C") == 0) argv[i] = "--workspace";
        if (strcmp(argv[i], "-k") == 0) argv[i] = "--k";
    }
}

/* Parse what stands behind the verb's name, and do it. */
static int parse_and_run(const kai_verb *verb, int argc, char **argv) {
    kai_err err = {0};
    struct arena arena;
    arena_init(&arena);
    const struct kai_option_table *table = kai_verb_table(verb);
    const char **arguments = arena_alloc(&arena, (size_t)argc + 1, sizeof *arguments);
    void *options = arena_alloc(&arena, 1, (size_t)kai_verb_options_bytes(verb));
    int wants_help = 0;
    kai_status st = arguments && options ? KAI_OK : err_memory(&err, argc);
    if (!st) {
        memcpy(arguments, argv, (size_t)argc * sizeof *arguments);
        spell_out(argc, arguments);
        uint32_t struct_size = (uint32_t)kai_verb_options_bytes(verb);
        memcpy(options, &struct_size, sizeof struct_size); /* every option struct starts with it */
        st = options_init(table, options, &arena, &err);
    }
    if (!st) st = options_parse(table, argc, arguments, options, &arena, &wants_help, &err);
    int code = 0;
    if (wants_help) {
        code = print_help(verb, &err);
    } else {
        if (!st) st = run_verb(verb, options, &err);
        if (st) code = fail(verb, st, &err);
    }
    arena_release(&arena);
    return code;
}

int main(int argc, char **argv) {
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of a write, not a death */
    (void)setlocale(LC_CTYPE, "");  /* numbers stay in the C locale */
    if (argc < 2 || strcmp(argv[1], "help") == 0 || is_help(argv[1]))
        return print_usage(argc < 2 ? stderr : stdout);
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("kairos %s\n", kai_version()); /* a closed stdout shows at flush */
        return finish_stdout();
    }
    int words = 0;
    const kai_verb *verb = find_verb(argc, argv, &words);
    if (verb) return parse_and_run(verb, argc - 1 - words, argv + 1 + words);
    if (!is_group(argv[1])) return unknown_verb("", argv[1]);
    if (argc < 3 || is_help(argv[2])) return print_group(argv[1], argc >= 3);
    return unknown_verb(argv[1], argv[2]);
}
