#include "collect/csv_scan.h"

#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"

void csv_dialect_init(struct csv_dialect *dialect, char delimiter, char newline) {
    *dialect = (struct csv_dialect){.delimiter = delimiter, .newline = newline};
    dialect->delimiters = 0x0101010101010101ull * (unsigned char)delimiter;
    dialect->newlines = 0x0101010101010101ull * (unsigned char)newline;
    dialect->is_stop[(unsigned char)delimiter] = 1;
    dialect->is_stop[(unsigned char)newline] = 1;
}

/* Every control blank is trimmed; a delimiter that is a blank never lies inside a field. */
static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* The line ends inside a quoted field count as lines of the file. */
struct cursor {
    const char *at, *limit;
    int64_t lines;
};

static void skip_blanks(const struct csv_dialect *dialect, struct cursor *cursor) {
    while (is_blank(*cursor->at) && !dialect->is_stop[(unsigned char)*cursor->at]) cursor->at++;
}

/* A word of eight bytes at once, the first byte lowest. CSV_PADDING bytes follow every text. */
static uint64_t load_word(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static uint64_t repeat(char c) { return 0x0101010101010101ull * (unsigned char)c; }

/* The lowest bit that is set belongs to the first byte equal to the repeated one. */
static uint64_t match(uint64_t word, uint64_t repeated) {
    uint64_t zero = word ^ repeated;
    return (zero - 0x0101010101010101ull) & ~zero & 0x8080808080808080ull;
}

/* The first of two characters from `at` on; one of them comes before the padding ends. */
static const char *find_either(const char *at, uint64_t a, uint64_t b) {
    for (;; at += sizeof(uint64_t)) {
        uint64_t word = load_word(at);
        uint64_t found = match(word, a) | match(word, b);
        if (found) return at + (__builtin_ctzll(found) >> 3);
    }
}

static void scan_plain(const struct csv_dialect *dialect, const char *text, struct cursor *cursor,
                       struct csv_field *ret_field) {
    const char *begin = cursor->at;
    const char *end = find_either(begin, dialect->delimiters, dialect->newlines);
    cursor->at = end;
    while (end > begin && is_blank(end[-1])) end--;
    *ret_field = (struct csv_field){.at = (uint32_t)(begin - text),
                                    .size = (uint32_t)(end - begin) & 0x3fffffff};
}

/* At the opening quote. Leaves the cursor behind the blanks that follow the closing quote. */
static enum csv_record_state scan_quoted(const struct csv_dialect *dialect, const char *text,
                                         struct cursor *cursor, struct csv_field *ret_field) {
    const char *begin = cursor->at + 1, *at = begin;
    size_t room = (size_t)(cursor->limit - begin);
    int is_cut = room > CAPS_FIELD_BYTES;
    const char *limit = is_cut ? begin + CAPS_FIELD_BYTES : cursor->limit;
    unsigned is_escaped = 0;
    while (at < limit) {
        at = find_either(at, repeat('"'), dialect->newlines);
        if (at >= limit || (*at == '"' && at[1] != '"')) break;
        cursor->lines += *at != '"';
        is_escaped |= *at == '"';
        at += *at == '"' ? 2 : 1;
    }
    if (at >= limit) return is_cut ? CSV_RECORD_BAD : CSV_RECORD_OPEN;
    *ret_field = (struct csv_field){.at = (uint32_t)(begin - text),
                                    .size = (uint32_t)(at - begin) & 0x3fffffff,
                                    .is_quoted = 1,
                                    .is_escaped = is_escaped & 1};
    cursor->at = at + 1;
    skip_blanks(dialect, cursor);
    return CSV_RECORD_GOOD;
}

/* A quote that never closes, or that closes before more text (most often because one was forgotten
 * and the next record's opens in its place), spoils the line where the record begins and not what
 * follows. */
static void give_up_line(const struct csv_dialect *dialect, const char *text, size_t from,
                         size_t to, enum csv_record_state state, struct csv_record *record) {
    const char *newline = memchr(text + from, dialect->newline, to - from);
    record->state = state;
    record->reason = COLLECT_QUOTE;
    record->column = record->fields + 1;
    record->end = newline ? (size_t)(newline - text) + 1 : to;
    record->lines = 1;
}

struct csv_record csv_scan_record(const struct csv_dialect *dialect, const char *text, size_t from,
                                  size_t to, struct csv_field *fields, int32_t capacity) {
    KAI_ASSERT(from < to && text[to - 1] == dialect->newline);
    struct csv_record record = {.state = CSV_RECORD_GOOD};
    struct cursor cursor = {text + from, text + to, 1};
    for (;;) {
        struct csv_field field;
        if (is_blank(*cursor.at)) skip_blanks(dialect, &cursor);
        if (*cursor.at == '"') {
            enum csv_record_state state = scan_quoted(dialect, text, &cursor, &field);
            if (state == CSV_RECORD_GOOD && !dialect->is_stop[(unsigned char)*cursor.at])
                state = CSV_RECORD_BAD;
            if (state != CSV_RECORD_GOOD) {
                give_up_line(dialect, text, from, to, state, &record);
                return record;
            }
        } else {
            scan_plain(dialect, text, &cursor, &field);
        }
        if (record.fields < capacity) fields[record.fields] = field;
        record.fields++;
        if (*cursor.at++ == dialect->newline) break;
    }
    record.end = (size_t)(cursor.at - text);
    record.lines = cursor.lines;
    return record;
}

int csv_find_damage(const char *text, size_t size, enum collect_reason *ret_reason,
                    size_t *ret_at) {
    const char *nul = memchr(text, '\0', size);
    size_t valid = text_utf8_valid(text, size);
    if (!nul && valid == size) return 0;
    int is_nul = nul && (size_t)(nul - text) < valid;
    *ret_reason = is_nul ? COLLECT_NUL : COLLECT_ENCODING;
    *ret_at = is_nul ? (size_t)(nul - text) : valid;
    return 1;
}

/* Simple enough for the compiler to vectorise. */
int csv_is_plain(const char *text, size_t size) {
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char any = 0, zeros = 0;
    for (size_t i = 0; i < size; i++) {
        any |= bytes[i];
        zeros |= bytes[i] == 0;
    }
    return any < 0x80 && !zeros;
}

static kai_status reserve(void **memory, int64_t *capacity, int64_t need, size_t bytes,
                          kai_err *err) {
    if (need <= *capacity) return KAI_OK;
    int64_t grown = *capacity * 2 > need ? *capacity * 2 : need;
    void *resized = mem_resize(*memory, (size_t)grown, bytes);
    if (!resized) return err_memory(err, grown * (int64_t)bytes);
    *memory = resized;
    *capacity = grown;
    return KAI_OK;
}

static kai_status reserve_row(struct csv_chunk *chunk, int32_t columns, kai_err *err) {
    enum { ROWS_AT_ONCE = 256 };
    if (chunk->rows < chunk->row_capacity && (chunk->rows + 1) * columns <= chunk->field_capacity)
        return KAI_OK;
    void *fields = chunk->fields, *row = chunk->row;
    int64_t rows = chunk->rows + (columns < ROWS_AT_ONCE ? ROWS_AT_ONCE : 1);
    kai_status st =
        reserve(&fields, &chunk->field_capacity, rows * columns, sizeof *chunk->fields, err);
    chunk->fields = fields;
    if (!st) st = reserve(&row, &chunk->row_capacity, rows, sizeof *chunk->row, err);
    chunk->row = row;
    return st;
}

static kai_status append_bad(struct csv_chunk *chunk, struct csv_bad bad, kai_err *err) {
    void *memory = chunk->bad;
    kai_status st =
        reserve(&memory, &chunk->bad_capacity, chunk->bad_count + 1, sizeof *chunk->bad, err);
    chunk->bad = memory;
    if (!st) chunk->bad[chunk->bad_count++] = bad;
    return st;
}

/* The field, from 1, that holds a place of the text. */
static int32_t field_at(const struct csv_field *fields, int32_t count, size_t place) {
    int32_t column = 1;
    while (column < count && fields[column].at <= place) column++;
    return column;
}

/* Say what is wrong with a scanned record; 1 where something is. */
static int judge(const char *text, const struct csv_record *record, const struct csv_row *row,
                 const struct csv_field *fields, int32_t columns, int is_plain,
                 struct csv_bad *ret_bad) {
    struct csv_bad bad = {.row = *row, .reason = record->reason, .column = record->column};
    size_t place;
    int32_t stored = record->fields < columns ? record->fields : columns;
    int is_bad = record->state != CSV_RECORD_GOOD;
    if (!is_plain && csv_find_damage(text + row->at, row->size, &bad.reason, &place)) {
        bad.column = is_bad ? record->column : field_at(fields, stored, row->at + place);
        is_bad = 1;
    } else if (!is_bad && record->fields != columns) {
        bad.reason = COLLECT_FIELDS;
        bad.fields = record->fields;
        bad.column = stored < record->fields ? stored + 1 : stored;
        is_bad = 1;
    }
    for (int32_t i = 0; !is_bad && row->size > CAPS_FIELD_BYTES && i < columns; i++) {
        if (fields[i].size <= CAPS_FIELD_BYTES) continue;
        bad.reason = COLLECT_LENGTH;
        bad.column = i + 1;
        is_bad = 1;
    }
    *ret_bad = bad;
    return is_bad;
}

static int is_blank_line(const struct csv_record *record, const struct csv_field *fields,
                         int32_t columns) {
    return columns > 1 && record->state == CSV_RECORD_GOOD && record->fields == 1 &&
           fields[0].size == 0 && !fields[0].is_quoted;
}

kai_status csv_scan_chunk(const struct csv_dialect *dialect, const char *text, int32_t columns,
                          int is_last, struct csv_chunk *chunk, kai_err *err) {
    chunk->rows = chunk->bad_count = chunk->lines = 0;
    chunk->end = chunk->from;
    int is_plain = csv_is_plain(text + chunk->from, chunk->to - chunk->from);
    kai_status st = KAI_OK;
    while (!st && chunk->end < chunk->to) {
        st = reserve_row(chunk, columns, err);
        if (st) break;
        struct csv_field *fields = chunk->fields + chunk->rows * columns;
        struct csv_record record =
            csv_scan_record(dialect, text, chunk->end, chunk->to, fields, columns);
        if (record.state == CSV_RECORD_OPEN && !is_last) break;
        struct csv_row row = {.at = (uint32_t)chunk->end,
                              .size = (uint32_t)(record.end - chunk->end - 1),
                              .line = (uint32_t)chunk->lines};
        if (row.size && text[row.at + row.size - 1] == '\r') row.size--;
        struct csv_bad bad;
        if (judge(text, &record, &row, fields, columns, is_plain, &bad)) {
            if (!is_blank_line(&record, fields, columns)) st = append_bad(chunk, bad, err);
        } else {
            chunk->row[chunk->rows++] = row;
        }
        chunk->end = record.end;
        chunk->lines += record.lines;
    }
    return st;
}

void csv_chunk_release(struct csv_chunk *chunk) {
    mem_free(chunk->fields);
    mem_free(chunk->row);
    mem_free(chunk->bad);
    *chunk = (struct csv_chunk){0};
}

enum { SAMPLE_BYTES = 64 << 10 };

char csv_find_newline(const char *text, size_t size) {
    if (size > SAMPLE_BYTES) size = SAMPLE_BYTES;
    return !memchr(text, '\n', size) && memchr(text, '\r', size) ? '\r' : '\n';
}

/* How evenly a delimiter cuts the first records. */
struct cut {
    int32_t fields;  /* of the first record */
    int32_t records; /* looked at */
    int32_t even;    /* of those: as many fields as the first */
};

static struct cut try_delimiter(char delimiter, char newline, const char *text, size_t size) {
    enum { RECORDS = 200 };
    struct csv_dialect dialect;
    csv_dialect_init(&dialect, delimiter, newline);
    struct cut cut = {0};
    struct csv_field first = {0};
    for (size_t at = 0; at < size && cut.records < RECORDS;) {
        struct csv_record record = csv_scan_record(&dialect, text, at, size, &first, 1);
        if (record.state == CSV_RECORD_OPEN) break;
        at = record.end;
        if (record.fields == 1 && first.size == 0 && !first.is_quoted) continue;
        if (cut.records == 0) cut.fields = record.fields;
        cut.records++;
        cut.even += record.fields == cut.fields && record.state == CSV_RECORD_GOOD;
    }
    return cut;
}

/* Commas stand in texts and decimals more often than the others do, so of delimiters that cut all
 * records evenly the comma comes last; of those that do not, the more even one wins. */
char csv_find_delimiter(char newline, const char *text, size_t size) {
    if (size > SAMPLE_BYTES) size = SAMPLE_BYTES;
    while (size > 0 && text[size - 1] != newline) size--;
    static const char CANDIDATES[] = {'\t', ';', '|', ','};
    char best = ',';
    struct cut best_cut = {0};
    for (size_t i = 0; i < sizeof CANDIDATES; i++) {
        struct cut cut = try_delimiter(CANDIDATES[i], newline, text, size);
        if (cut.fields < 2) continue;
        if (cut.records > 1 && cut.even == cut.records) return CANDIDATES[i];
        int64_t share = (int64_t)cut.even * (best_cut.records ? best_cut.records : 1);
        int64_t best_share = (int64_t)best_cut.even * cut.records;
        if (best_cut.fields && share < best_share) continue;
        if (best_cut.fields && share == best_share && cut.fields < best_cut.fields) continue;
        best = CANDIDATES[i];
        best_cut = cut;
    }
    return best;
}
