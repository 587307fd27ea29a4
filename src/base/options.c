#include "base/options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/text.h"

enum { NAME_BYTES = 64, WHERE_BYTES = 160 };

static void *field_of(const struct kai_option *option, void *options) {
    return (char *)options + option->offset;
}

/* ---- the nearest name ---- */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static int least(int a, int b, int c) {
    int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits between two names: insert, delete, replace, swap two neighbours; case does not count. */
static int edit_distance(struct slice a, struct slice b) {
    int rows[3][NAME_BYTES + 1];
    for (size_t j = 0; j <= b.size; j++) rows[0][j] = (int)j;
    for (size_t i = 1; i <= a.size; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= b.size; j++) {
            char x = lower(a.data[i - 1]), y = lower(b.data[j - 1]);
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.data[j - 2]) && y == lower(a.data[i - 2]) &&
                two_above[j - 2] + 1 < row[j])
                row[j] = two_above[j - 2] + 1;
        }
    }
    return rows[a.size % 3][b.size];
}

/* The part up to the next `separator`; steps over it. 0 at the end of the text. */
static int next_part(const char **at, char separator, struct slice *ret_part) {
    if (!*at) return 0;
    const char *end = strchr(*at, separator);
    size_t n = end ? (size_t)(end - *at) : strlen(*at);
    *ret_part = (struct slice){*at, n};
    *at = end ? end + 1 : NULL;
    return 1;
}

int options_nearest(const char *text, const char *candidates, char *ret_name, size_t capacity) {
    struct slice typed = slice_of(text), part, nearest = {NULL, 0};
    int best = typed.size >= 8 ? 4 : 3;
    if (typed.size > NAME_BYTES) return 0;
    for (const char *at = candidates; next_part(&at, '|', &part);) {
        if (part.size == 0 || part.size > NAME_BYTES || part.size >= capacity) continue;
        int distance = edit_distance(typed, part);
        size_t shorter = typed.size < part.size ? typed.size : part.size;
        if (distance >= best || (size_t)distance >= shorter) continue; /* nothing in common */
        best = distance;
        nearest = part;
    }
    if (!nearest.data) return 0;
    memcpy(ret_name, nearest.data, nearest.size);
    ret_name[nearest.size] = '\0';
    return 1;
}

static int is_in_names(struct slice name, const char *names) {
    struct slice part;
    for (const char *at = names; next_part(&at, '|', &part);)
        if (slice_equal(name, part)) return 1;
    return 0;
}

/* ---- one value ---- */

static int has_range(const struct kai_option *option) {
    return option->low != 0 || option->high != 0;
}

/* " between 0 and 1", " of at least 1", "" */
static void print_range(const struct kai_option *option, char ret_text[WHERE_BYTES]) {
    char low[TEXT_NUMBER_BYTES], high[TEXT_NUMBER_BYTES];
    (void)text_print_f64(option->low, low); /* lengths are not needed */
    (void)text_print_f64(option->high, high);
    if (!has_range(option))
        ret_text[0] = '\0';
    else if (isinf(option->high))
        (void)snprintf(ret_text, WHERE_BYTES, " of at least %s", low);
    else if (isinf(option->low))
        (void)snprintf(ret_text, WHERE_BYTES, " of at most %s", high);
    else
        (void)snprintf(ret_text, WHERE_BYTES, " between %s and %s", low, high);
}

static kai_status bad_number(const struct kai_option *option, const char *text, const char *where,
                             kai_err *err) {
    char range[WHERE_BYTES];
    print_range(option, range);
    return err_set(err, KAI_INVALID, "%s: expected a %snumber%s, got '%s'", where,
                   option->kind == OPTION_INT ? "whole " : "", range, text);
}

static int is_in_range(const struct kai_option *option, double value) {
    return !has_range(option) || (value >= option->low && value <= option->high);
}

static kai_status set_number(const struct kai_option *option, const char *text, const char *where,
                             void *field, kai_err *err) {
    struct slice trimmed = slice_trim(slice_of(text));
    if (option->kind == OPTION_INT) {
        int64_t value;
        if (!text_parse_i64(trimmed, &value) || !is_in_range(option, (double)value))
            return bad_number(option, text, where, err);
        memcpy(field, &value, sizeof value);
    } else {
        double value;
        if (!text_parse_f64(trimmed, &value) || !is_in_range(option, value))
            return bad_number(option, text, where, err);
        memcpy(field, &value, sizeof value);
    }
    return KAI_OK;
}

static kai_status set_flag(const char *text, const char *where, void *field, kai_err *err) {
    int value;
    if (!text_parse_flag(slice_trim(slice_of(text)), &value))
        return err_set(err, KAI_INVALID, "%s: expected true or false, got '%s'", where, text);
    int32_t flag = value;
    memcpy(field, &flag, sizeof flag);
    return KAI_OK;
}

static kai_status set_text(const char *text, void *field, struct arena *arena, kai_err *err) {
    const char *copy = arena_string(arena, text);
    if (!copy) return err_memory(err, (int64_t)strlen(text));
    memcpy(field, &copy, sizeof copy);
    return KAI_OK;
}

static kai_status set_choice(const struct kai_option *option, const char *text, const char *where,
                             void *field, struct arena *arena, kai_err *err) {
    if (is_in_names(slice_of(text), option->choices)) return set_text(text, field, arena, err);
    char nearest[NAME_BYTES + 1];
    if (options_nearest(text, option->choices, nearest, sizeof nearest))
        return err_set(err, KAI_INVALID, "%s: unknown value '%s': did you mean '%s'?", where, text,
                       nearest);
    return err_set(err, KAI_INVALID, "%s: expected one of %s, got '%s'", where, option->choices,
                   text);
}

static kai_status set_list(const char *text, const char *where, void *field, struct arena *arena,
                           kai_err *err) {
    struct slice part;
    int64_t count = 0, i = 0;
    for (const char *at = text; next_part(&at, ',', &part);) count++;
    if (slice_trim(slice_of(text)).size == 0) count = 0;
    if (count > CAPS_OPTION_LIST)
        return err_set(err, KAI_LIMIT, "%s: more than %d entries", where, CAPS_OPTION_LIST);
    const char **items = arena_alloc(arena, (size_t)count, sizeof *items);
    if (!items) return err_memory(err, count * (int64_t)sizeof *items);
    for (const char *at = text; i < count && next_part(&at, ',', &part);) {
        part = slice_trim(part);
        if (part.size == 0)
            return err_set(err, KAI_INVALID, "%s: an empty entry in '%s'", where, text);
        items[i] = arena_string_n(arena, part.data, part.size);
        if (!items[i++]) return err_memory(err, (int64_t)part.size);
    }
    struct option_list list = {items, count};
    memcpy(field, &list, sizeof list);
    return KAI_OK;
}

kai_status options_set(const struct kai_option *option, const char *text, const char *where,
                       void *options, struct arena *arena, kai_err *err) {
    void *field = field_of(option, options);
    switch (option->kind) {
    case OPTION_FLAG: return set_flag(text, where, field, err);
    case OPTION_INT:
    case OPTION_NUMBER: return set_number(option, text, where, field, err);
    case OPTION_TEXT: return set_text(text, field, arena, err);
    case OPTION_CHOICE: return set_choice(option, text, where, field, arena, err);
    case OPTION_LIST: return set_list(text, where, field, arena, err);
    }
    return err_set(err, KAI_UNSUPPORTED, "%s: unknown kind of option", where);
}

static void clear_field(const struct kai_option *option, void *options) {
    static const size_t BYTES[] = {sizeof(int32_t), sizeof(int64_t), sizeof(double),
                                   sizeof(char *),  sizeof(char *),  sizeof(struct option_list)};
    memset(field_of(option, options), 0, BYTES[option->kind]);
}

kai_status options_init(const struct kai_option_table *table, void *ret_options,
                        struct arena *arena, kai_err *err) {
    for (int32_t i = 0; i < table->count; i++) {
        const struct kai_option *option = &table->options[i];
        clear_field(option, ret_options);
        if (!option->fallback) continue;
        kai_status st =
            options_set(option, option->fallback, option->name, ret_options, arena, err);
        if (st) return err_wrap(err, st, "default");
    }
    if (table->arguments_max > 0)
        memset((char *)ret_options + table->arguments_offset, 0, sizeof(struct option_list));
    return KAI_OK;
}

/* ---- the command line ---- */

struct command {
    const struct kai_option_table *table;
    const char *const *argv;
    int argc, at;
    char *seen;         /* of the arena; by option */
    const char **words; /* of the arena; positional arguments */
    int32_t words_count;
    void *options;
    struct arena *arena;
    kai_err *err;
};

static int32_t find_option(const struct kai_option_table *table, struct slice name) {
    for (int32_t i = 0; i < table->count; i++)
        if (slice_equal_text(name, table->options[i].name)) return i;
    return -1;
}

static kai_status unknown_option(const struct command *command, struct slice name) {
    char typed[NAME_BYTES + 1], nearest[NAME_BYTES + 1], best[NAME_BYTES + 1] = "";
    (void)snprintf(typed, sizeof typed, "%.*s", (int)(name.size > NAME_BYTES ? 0 : name.size),
                   name.data);
    struct buf names;
    buf_init(&names, CAPS_TEXT_FILE_BYTES);
    kai_status st = buf_puts(&names, "help", NULL);
    for (int32_t i = 0; !st && i < command->table->count; i++)
        st = buf_printf(&names, NULL, "|%s", command->table->options[i].name);
    if (!st && options_nearest(typed, names.data, nearest, sizeof nearest))
        memcpy(best, nearest, sizeof best);
    buf_release(&names);
    int shown = name.size > 200 ? 200 : (int)name.size;
    if (best[0])
        return err_set(command->err, KAI_INVALID, "unknown option '--%.*s': did you mean '--%s'?",
                       shown, name.data, best);
    return err_set(command->err, KAI_INVALID, "unknown option '--%.*s'", shown, name.data);
}

/* The text of the option at command->at: behind '=', or the next argument. */
static kai_status option_value(struct command *command, const struct kai_option *option,
                               const char *behind_equals, const char **ret_text) {
    int is_last = command->at + 1 >= command->argc;
    if (behind_equals) {
        *ret_text = behind_equals;
    } else if (option->kind == OPTION_FLAG) {
        *ret_text = "true";
    } else if (is_last || strncmp(command->argv[command->at + 1], "--", 2) == 0) {
        return err_set(command->err, KAI_INVALID, "option '--%s': expected %s after it",
                       option->name, option->value ? option->value : "a value");
    } else {
        *ret_text = command->argv[++command->at];
    }
    return KAI_OK;
}

static kai_status parse_option(struct command *command) {
    const char *word = command->argv[command->at] + 2;
    const char *equals = strchr(word, '=');
    struct slice name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    int32_t index = find_option(command->table, name);
    const char *text = NULL;
    if (index < 0 && !equals && name.size > 3 && strncmp(name.data, "no-", 3) == 0) {
        index = find_option(command->table, (struct slice){name.data + 3, name.size - 3});
        if (index >= 0 && command->table->options[index].kind != OPTION_FLAG) index = -1;
        if (index >= 0) text = "false";
    }
    if (index < 0) return unknown_option(command, name);
    const struct kai_option *option = &command->table->options[index];
    if (command->seen[index]++)
        return err_set(command->err, KAI_INVALID, "option '--%s' stands twice", option->name);
    kai_status st =
        text ? KAI_OK : option_value(command, option, equals ? equals + 1 : NULL, &text);
    char where[WHERE_BYTES];
    (void)snprintf(where, sizeof where, "option '--%s'", option->name);
    return st ? st
              : options_set(option, text, where, command->options, command->arena, command->err);
}

static int is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* "-" is a file and "-5" a number; other words with one dash would be short options. */
static int is_short_option(const char *word) {
    return word[0] == '-' && word[1] && word[1] != '.' && !(word[1] >= '0' && word[1] <= '9');
}

static kai_status parse_words(struct command *command, int *ret_help) {
    int is_open = 1;
    for (; command->at < command->argc; command->at++) {
        const char *word = command->argv[command->at];
        kai_status st = KAI_OK;
        if (is_open && is_help(word)) {
            *ret_help = 1;
            return KAI_OK;
        }
        if (is_open && strcmp(word, "--") == 0) {
            is_open = 0;
        } else if (is_open && strncmp(word, "--", 2) == 0) {
            st = parse_option(command);
        } else if (is_open && is_short_option(word)) {
            st = err_set(command->err, KAI_INVALID, "unknown option '%.200s'", word);
        } else {
            const char *copy = arena_string(command->arena, word);
            if (!copy) return err_memory(command->err, (int64_t)strlen(word));
            command->words[command->words_count++] = copy;
        }
        if (st) return st;
    }
    return KAI_OK;
}

static kai_status keep_words(struct command *command) {
    const struct kai_option_table *table = command->table;
    if (command->words_count < table->arguments_min)
        return err_set(command->err, KAI_INVALID, "an argument is missing: %s", table->usage);
    if (command->words_count > table->arguments_max)
        return err_set(command->err, KAI_INVALID, "unexpected argument '%.200s': %s",
                       command->words[table->arguments_max], table->usage);
    if (table->arguments_max == 0) return KAI_OK;
    struct option_list list = {command->words, command->words_count};
    memcpy((char *)command->options + table->arguments_offset, &list, sizeof list);
    return KAI_OK;
}

kai_status options_parse(const struct kai_option_table *table, int argc, const char *const *argv,
                         void *options, struct arena *arena, int *ret_help, kai_err *err) {
    struct command command = {
        .table = table, .argv = argv, .argc = argc, .options = options, .arena = arena, .err = err};
    command.seen = arena_alloc(arena, (size_t)table->count, 1);
    command.words = arena_alloc(arena, (size_t)argc, sizeof *command.words);
    if (!command.seen || !command.words) return err_memory(err, argc * (int64_t)sizeof(char *));
    int is_help_asked = 0;
    kai_status st = parse_words(&command, &is_help_asked);
    if (!st && !is_help_asked) st = keep_words(&command);
    if (!st) *ret_help = is_help_asked;
    return st;
}
