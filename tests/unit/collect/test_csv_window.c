/* Windows and chunks of any size give the records that one scan of the whole text gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "collect/csv_window.h"
#include "kit/check.h"

enum { TEXT_BYTES = 600, COLUMNS = 2, SEEN_BYTES = 1 << 14 };

/* Records as one line of text each: where they lie and what was found. */
struct seen {
    char text[SEEN_BYTES];
    size_t size;
};

static void note(struct seen *seen, const char *word, int64_t line, const char *raw, size_t size) {
    int n = snprintf(seen->text + seen->size, SEEN_BYTES - seen->size, "%s %d: %.*s|", word,
                     (int)line, (int)size, raw);
    assert_in_range(n, 1, (int)(SEEN_BYTES - seen->size) - 1);
    seen->size += (size_t)n;
}

static void note_chunk(struct seen *seen, const char *text, const struct csv_chunk *chunk,
                       int64_t lines) {
    int64_t b = 0;
    for (int64_t r = 0; r < chunk->rows || b < chunk->bad_count;) {
        int is_bad =
            r == chunk->rows || (b < chunk->bad_count && chunk->bad[b].row.at < chunk->row[r].at);
        const struct csv_row *row = is_bad ? &chunk->bad[b].row : &chunk->row[r];
        note(seen, is_bad ? collect_reason_text(chunk->bad[b].reason) : "good", lines + row->line,
             text + row->at, row->size);
        for (int32_t i = 0; !is_bad && i < COLUMNS; i++) {
            struct csv_field field = chunk->fields[r * COLUMNS + i];
            note(seen, field.is_quoted ? "q" : "p", i, text + field.at, field.size);
        }
        r += !is_bad;
        b += is_bad;
    }
}

static void scan_all(const char *text, size_t size, size_t fill_bytes, size_t chunk_bytes,
                     struct pool *pool, struct seen *seen) {
    struct csv_dialect dialect;
    struct csv_source source;
    struct csv_window window = {.fill_bytes = fill_bytes, .chunk_bytes = chunk_bytes};
    struct csv_window next = window;
    csv_dialect_init(&dialect, ',', '\n');
    seen->size = 0;
    CHECK_OK(csv_source_open("t", text, size, 0, &source, NULL), NULL);
    for (int is_last = 0; !is_last;) {
        size_t rest;
        CHECK_OK(csv_window_fill(&window, &source, NULL), NULL);
        csv_window_end(&window, '\n');
        CHECK_OK(csv_window_scan(&window, &dialect, COLUMNS, pool, &rest, NULL), NULL);
        CHECK_OK(csv_window_carry(&window, rest, &next, NULL), NULL);
        int64_t lines = window.lines;
        for (int32_t k = 0; k < window.chunk_count; k++) {
            note_chunk(seen, window.text, &window.chunks[k], lines);
            lines += window.chunks[k].lines;
        }
        is_last = window.is_last;
        struct csv_window done = window;
        window = next;
        next = done;
    }
    csv_source_close(&source);
    csv_window_release(&window);
    csv_window_release(&next);
}

static size_t draw_text(struct rng *rng, char *text) {
    static const char *const PIECES[] = {
        "a",    "bc",  ",",   ",",     "\n", "\n",           "\"",   "\"\"",         " ",
        "\r\n", "\",", ",\"", "1,2\n", "\t", "x,\"y\nz\"\n", "\xff", "longer text, "};
    size_t size = 0, limit = rng_below(rng, TEXT_BYTES - 32);
    while (size < limit) {
        const char *piece = PIECES[rng_below(rng, sizeof PIECES / sizeof *PIECES)];
        memcpy(text + size, piece, strlen(piece));
        size += strlen(piece);
    }
    return size;
}

static void test_csv_window__any_cut_gives_the_same_records(void **state) {
    (void)state;
    struct rng rng;
    struct pool *pool = NULL;
    struct seen *whole = mem_alloc(sizeof *whole), *cut = mem_alloc(sizeof *cut);
    rng_init(&rng, 11, "window", 0);
    CHECK_OK(pool_new(2, &pool, NULL), NULL);
    for (int i = 0; i < 3000; i++) {
        char text[TEXT_BYTES];
        size_t size = draw_text(&rng, text);
        scan_all(text, size, 0, 0, NULL, whole);
        size_t fill_bytes = CSV_FILL_MIN + rng_below(&rng, 100);
        size_t chunk_bytes = 1 + rng_below(&rng, 60);
        scan_all(text, size, fill_bytes, chunk_bytes, i % 2 ? pool : NULL, cut);
        assert_int_equal(whole->size, cut->size);
        assert_memory_equal(whole->text, cut->text, whole->size);
    }
    pool_free(pool);
    mem_free(whole);
    mem_free(cut);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_window__any_cut_gives_the_same_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
