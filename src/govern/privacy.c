#include "govern/privacy.h"

#include <string.h>

#include "base/caps.h"

static const char *const ACTIONS[] = {"keep", "seal", "pseudonym", "drop"};
#define SEALED "sealed:"
enum { OWN_BYTES = 8 }; /* a shorter identifier may be a number by chance */

/* A walk over one JSON document. */
struct walk {
    struct privacy *privacy;
    const char *at, *end;
    struct buf *out;
    struct buf key;  /* of the member that is read */
    struct buf text; /* a string without its escapes */
    struct buf made; /* what replaces it */
};

struct privacy_rules privacy_rules_default(void) {
    return (struct privacy_rules){.actions = {[RECOGNISE_EMAIL] = PRIVACY_SEAL,
                                              [RECOGNISE_PHONE] = PRIVACY_SEAL,
                                              [RECOGNISE_NAME] = PRIVACY_SEAL,
                                              [RECOGNISE_ADDRESS] = PRIVACY_SEAL,
                                              [RECOGNISE_IP] = PRIVACY_PSEUDONYM,
                                              [RECOGNISE_DEVICE] = PRIVACY_PSEUDONYM,
                                              [RECOGNISE_ID_NUMBER] = PRIVACY_SEAL}};
}

kai_status privacy_action_parse(const char *text, enum privacy_action *ret_action, kai_err *err) {
    for (size_t i = 0; i < sizeof ACTIONS / sizeof *ACTIONS; i++) {
        if (strcmp(text, ACTIONS[i]) != 0) continue;
        *ret_action = (enum privacy_action)i;
        return KAI_OK;
    }
    return err_set(err, KAI_INVALID, "'%.40s': expected one of keep, seal, pseudonym, drop", text);
}

const char *privacy_action_text(enum privacy_action action) { return ACTIONS[action]; }

void privacy_person(const struct secret_keys *keys, struct slice identifier,
                    char ret_pseudonym[SECRET_PSEUDONYM_BYTES]) {
    char plain[RECOGNISE_PLAIN_BYTES];
    secret_pseudonym(keys, "person", recognise_plain(identifier, plain), ret_pseudonym);
}

/* "%40" is how an address stands in a link. */
static struct slice without_percent(struct slice text, char *out, size_t capacity) {
    for (size_t i = 0; i + 3 <= text.size && text.size <= capacity; i++) {
        if (memcmp(text.data + i, "%40", 3) != 0) continue;
        memcpy(out, text.data, i);
        out[i] = '@';
        memcpy(out + i + 1, text.data + i + 3, text.size - i - 3);
        return (struct slice){out, text.size - 2};
    }
    return text;
}

static int points_alone(enum recognise_kind kind) {
    return kind == RECOGNISE_EMAIL || kind == RECOGNISE_PHONE || kind == RECOGNISE_ID_NUMBER;
}

/* The pseudonym of a found value, which is counted and told. */
static kai_status name_found(struct privacy *privacy, enum recognise_kind kind, struct slice value,
                             char ret_pseudonym[SECRET_PSEUDONYM_BYTES], kai_err *err) {
    char plain[RECOGNISE_PLAIN_BYTES];
    privacy->report.found[kind]++;
    if (!points_alone(kind)) {
        secret_pseudonym(privacy->keys, recognise_kind_text(kind), slice_trim(value),
                         ret_pseudonym);
        return KAI_OK;
    }
    privacy_person(privacy->keys, without_percent(value, plain, sizeof plain), ret_pseudonym);
    return privacy->found ? privacy->found(privacy->user, kind, ret_pseudonym, err) : KAI_OK;
}

kai_status privacy_mask(struct privacy *privacy, struct slice text, struct buf *out, kai_err *err) {
    size_t from = 0;
    kai_status st = KAI_OK;
    while (!st) {
        struct slice found = {0};
        char pseudonym[SECRET_PSEUDONYM_BYTES];
        enum recognise_kind kind = recognise_find(text, from, &found);
        if (!kind) break;
        size_t start = (size_t)(found.data - text.data), end = start + found.size;
        int is_kept = privacy->rules.actions[kind] == PRIVACY_KEEP;
        st = name_found(privacy, kind, found, pseudonym, err);
        if (!st) st = buf_append(out, text.data + from, start - from, err);
        if (!st)
            st = is_kept ? buf_append(out, found.data, found.size, err)
                         : buf_puts(out, pseudonym, err);
        from = end;
    }
    if (!st && text.size > from) st = buf_append(out, text.data + from, text.size - from, err);
    return st;
}

static struct slice text_of(const struct buf *buf) {
    return (struct slice){buf->data ? buf->data : "", buf->size};
}

static struct slice key_of(const struct walk *walk) { return text_of(&walk->key); }

/* Is the value one of the person's own identifiers? */
static int is_own(const struct privacy *privacy, struct slice key, struct slice value) {
    int is_id = key.size >= 2 && (key.data[key.size - 2] == 'i' || key.data[key.size - 2] == 'I') &&
                (key.data[key.size - 1] == 'd' || key.data[key.size - 1] == 'D');
    if (!is_id && value.size < OWN_BYTES) return 0;
    for (int i = 0; i < privacy->own_count; i++)
        if (privacy->own[i].size && slice_equal(value, privacy->own[i])) return 1;
    return 0;
}

/* What replaces a whole value of a kind, into walk->made; *ret_same: nothing does. */
static kai_status replace(struct walk *walk, enum recognise_kind kind, struct slice value,
                          int *ret_same, kai_err *err) {
    struct privacy *privacy = walk->privacy;
    char pseudonym[SECRET_PSEUDONYM_BYTES];
    buf_reset(&walk->made);
    *ret_same = 0;
    if (is_own(privacy, key_of(walk), value)) {
        privacy_person(privacy->keys, value, pseudonym);
        return buf_puts(&walk->made, pseudonym, err);
    }
    if (kind == RECOGNISE_NONE) {
        struct slice found;
        *ret_same = recognise_find(value, 0, &found) == RECOGNISE_NONE;
        return *ret_same ? KAI_OK : privacy_mask(privacy, value, &walk->made, err);
    }
    kai_status st = name_found(privacy, kind, value, pseudonym, err);
    if (st) return st;
    switch (privacy->rules.actions[kind]) {
    case PRIVACY_KEEP: *ret_same = 1; return KAI_OK;
    case PRIVACY_DROP: return KAI_OK;
    case PRIVACY_PSEUDONYM: return buf_puts(&walk->made, pseudonym, err);
    case PRIVACY_SEAL: break;
    }
    st = buf_printf(&walk->made, err, SEALED "%s:", recognise_kind_text(kind));
    return st ? st : secret_seal(privacy->keys, value, &walk->made, err);
}

static kai_status damaged(kai_err *err) {
    return err_set(err, KAI_INVALID, "properties are not a JSON document");
}

static void skip_blanks(struct walk *walk) {
    while (walk->at < walk->end && strchr(" \t\r\n", *walk->at) && *walk->at) walk->at++;
}

static kai_status put_utf8(uint32_t point, struct buf *out, kai_err *err) {
    unsigned char bytes[4];
    size_t n = 0;
    if (point < 0x80) {
        bytes[n++] = (unsigned char)point;
    } else if (point < 0x800) {
        bytes[n++] = (unsigned char)(0xc0 | point >> 6);
        bytes[n++] = (unsigned char)(0x80 | (point & 63));
    } else if (point < 0x10000) {
        bytes[n++] = (unsigned char)(0xe0 | point >> 12);
        bytes[n++] = (unsigned char)(0x80 | (point >> 6 & 63));
        bytes[n++] = (unsigned char)(0x80 | (point & 63));
    } else {
        bytes[n++] = (unsigned char)(0xf0 | point >> 18);
        bytes[n++] = (unsigned char)(0x80 | (point >> 12 & 63));
        bytes[n++] = (unsigned char)(0x80 | (point >> 6 & 63));
        bytes[n++] = (unsigned char)(0x80 | (point & 63));
    }
    return buf_append(out, bytes, n, err);
}

static int take_hex4(struct walk *walk, uint32_t *ret_value) {
    uint32_t value = 0;
    if (walk->end - walk->at < 4) return 0;
    for (int i = 0; i < 4; i++) {
        char c = *walk->at++;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) return 0;
        value = value << 4 | digit;
    }
    *ret_value = value;
    return 1;
}

/* Behind a backslash. */
static kai_status take_escape(struct walk *walk, struct buf *text, kai_err *err) {
    static const char NAMES[] = "\"\\/bfnrt", VALUES[] = "\"\\/\b\f\n\r\t";
    uint32_t point = 0, low = 0;
    if (walk->at == walk->end) return damaged(err);
    char c = *walk->at++;
    const char *name = c ? strchr(NAMES, c) : NULL;
    if (name) return buf_append(text, VALUES + (name - NAMES), 1, err);
    if (c != 'u' || !take_hex4(walk, &point)) return damaged(err);
    if (point >= 0xd800 && point < 0xdc00) {
        if (walk->end - walk->at < 6 || walk->at[0] != '\\' || walk->at[1] != 'u')
            return damaged(err);
        walk->at += 2;
        if (!take_hex4(walk, &low) || low < 0xdc00 || low > 0xdfff) return damaged(err);
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    } else if (point >= 0xdc00 && point < 0xe000) {
        return damaged(err);
    }
    return put_utf8(point, text, err);
}

/* A string at its opening quote, without escapes, into `text`. */
static kai_status take_string(struct walk *walk, struct buf *text, kai_err *err) {
    kai_status st = KAI_OK;
    buf_reset(text);
    for (walk->at++; !st;) {
        const char *start = walk->at;
        while (walk->at < walk->end && *walk->at != '"' && *walk->at != '\\') walk->at++;
        if (walk->at == walk->end) return damaged(err);
        st = buf_append(text, start, (size_t)(walk->at - start), err);
        if (*walk->at++ == '"') return st;
        if (!st) st = take_escape(walk, text, err);
    }
    return st;
}

/* Append a JSON string. */
static kai_status put_string(struct slice text, struct buf *out, kai_err *err) {
    kai_status st = buf_puts(out, "\"", err);
    size_t start = 0;
    for (size_t i = 0; !st && i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        st = buf_append(out, text.data + start, i - start, err);
        if (!st)
            st = c < 0x20 ? buf_printf(out, err, "\\u%04x", c) : buf_printf(out, err, "\\%c", c);
        start = i + 1;
    }
    if (!st) st = buf_append(out, text.data + start, text.size - start, err);
    return st ? st : buf_puts(out, "\"", err);
}

static kai_status walk_string(struct walk *walk, int of_person, kai_err *err) {
    const char *start = walk->at;
    int is_same = 0;
    kai_status st = take_string(walk, &walk->text, err);
    if (st) return st;
    struct slice value = text_of(&walk->text);
    st = replace(walk, recognise_value(key_of(walk), value, of_person), value, &is_same, err);
    if (st) return st;
    if (is_same) return buf_append(walk->out, start, (size_t)(walk->at - start), err);
    return put_string(text_of(&walk->made), walk->out, err);
}

/* A number, true, false or null; a number may be a telephone number. */
static kai_status walk_plain(struct walk *walk, int of_person, kai_err *err) {
    const char *start = walk->at;
    int is_same = 1;
    while (walk->at < walk->end && !strchr(",]} \t\r\n", *walk->at)) walk->at++;
    struct slice value = {start, (size_t)(walk->at - start)};
    if (!value.size) return damaged(err);
    kai_status st = KAI_OK;
    int is_number = value.data[0] >= '0' && value.data[0] <= '9';
    enum recognise_kind kind =
        is_number ? recognise_value(key_of(walk), value, of_person) : RECOGNISE_NONE;
    if (kind || is_own(walk->privacy, key_of(walk), value))
        st = replace(walk, kind, value, &is_same, err);
    if (st) return st;
    if (is_same) return buf_append(walk->out, value.data, value.size, err);
    return put_string(text_of(&walk->made), walk->out, err);
}

static kai_status put_mark(struct walk *walk, kai_err *err) {
    return buf_append(walk->out, walk->at++, 1, err);
}

static kai_status walk_value(struct walk *walk, int depth, int of_person, kai_err *err);

static kai_status walk_member(struct walk *walk, int depth, int of_person, kai_err *err) {
    const char *start = walk->at;
    if (start == walk->end || *start != '"') return damaged(err);
    kai_status st = take_string(walk, &walk->key, err);
    int is_same = 1;
    if (!st) st = replace(walk, RECOGNISE_NONE, key_of(walk), &is_same, err);
    if (!st)
        st = is_same ? buf_append(walk->out, start, (size_t)(walk->at - start), err)
                     : put_string(text_of(&walk->made), walk->out, err);
    skip_blanks(walk);
    if (!st && (walk->at == walk->end || *walk->at != ':')) st = damaged(err);
    if (!st) st = put_mark(walk, err);
    int is_person = of_person || recognise_is_person(key_of(walk));
    return st ? st : walk_value(walk, depth + 1, is_person, err);
}

/* An object or an array at its opening bracket. */
static kai_status walk_nested(struct walk *walk, int depth, int of_person, kai_err *err) {
    const char close = *walk->at == '{' ? '}' : ']';
    if (depth >= CAPS_JSON_DEPTH) return damaged(err);
    kai_status st = put_mark(walk, err);
    skip_blanks(walk);
    if (!st && walk->at < walk->end && *walk->at == close) return put_mark(walk, err);
    while (!st) {
        skip_blanks(walk);
        st = close == '}' ? walk_member(walk, depth, of_person, err)
                          : walk_value(walk, depth + 1, of_person, err);
        if (st) return st;
        skip_blanks(walk);
        if (walk->at == walk->end || (*walk->at != ',' && *walk->at != close)) return damaged(err);
        int is_end = *walk->at == close;
        st = put_mark(walk, err);
        if (is_end) return st;
    }
    return st;
}

static kai_status walk_value(struct walk *walk, int depth, int of_person, kai_err *err) {
    skip_blanks(walk);
    if (walk->at == walk->end) return damaged(err);
    if (*walk->at == '"') return walk_string(walk, of_person, err);
    if (*walk->at != '{' && *walk->at != '[') return walk_plain(walk, of_person, err);
    return walk_nested(walk, depth, of_person, err);
}

kai_status privacy_rewrite(struct privacy *privacy, struct slice text, int of_person,
                           struct buf *out, kai_err *err) {
    struct walk walk = {
        .privacy = privacy, .at = text.data, .end = text.data + text.size, .out = out};
    size_t size = out->size;
    buf_init(&walk.key, CAPS_FIELD_BYTES);
    buf_init(&walk.text, CAPS_FIELD_BYTES);
    buf_init(&walk.made, 2 * (size_t)CAPS_FIELD_BYTES);
    kai_status st = walk_value(&walk, 0, of_person, err);
    skip_blanks(&walk);
    if (!st && walk.at != walk.end) st = damaged(err);
    if (st && out->data) {
        out->size = size;
        out->data[size] = '\0';
    }
    buf_release(&walk.key);
    buf_release(&walk.text);
    buf_release(&walk.made);
    return st;
}

kai_status privacy_reveal(const struct secret_keys *keys, struct slice text, struct buf *out,
                          kai_err *err) {
    static const char MARK[] = "\"" SEALED;
    const size_t mark = sizeof MARK - 1;
    struct buf plain;
    size_t from = 0;
    kai_status st = KAI_OK;
    buf_init(&plain, CAPS_FIELD_BYTES);
    for (size_t i = 0; !st && i + mark < text.size; i++) {
        if (memcmp(text.data + i, MARK, mark) != 0) continue;
        const char *kind = text.data + i + mark, *end = text.data + text.size;
        const char *colon = memchr(kind, ':', (size_t)(end - kind));
        const char *close = colon ? memchr(colon, '"', (size_t)(end - colon)) : NULL;
        if (!close) break;
        buf_reset(&plain);
        st = secret_open(keys, (struct slice){colon + 1, (size_t)(close - colon - 1)}, &plain, err);
        size_t after = (size_t)(close + 1 - text.data);
        if (st == KAI_CORRUPT) { /* somebody's text that looks like a seal of ours */
            st = KAI_OK;
            continue;
        }
        if (!st) st = buf_append(out, text.data + from, i - from, err);
        if (!st) st = put_string(text_of(&plain), out, err);
        from = after;
        i = after - 1;
    }
    if (!st && text.size > from) st = buf_append(out, text.data + from, text.size - from, err);
    buf_release(&plain);
    return st;
}
