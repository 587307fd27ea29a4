/* Any bytes as a model file. Half of the inputs are taken as they are; the checksums of the others
 * are made right first, so that what lies behind them is reached: meta, recipes, models,
 * calibrators and how they fit together. What loads must score a table and explain itself. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bundle.h"
#include "base/hash.h"
#include "engine/saved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 5, COLUMNS = 7, CELLS_MAX = 4096, HEADER_BYTES = 24, ENTRY_BYTES = 40 };

static void require(int is_true) {
    if (!is_true) abort();
}

/* A table with columns of the names and kinds that the corpus was fitted on, and gaps. */
static struct table *make_table(void) {
    static const char *const NAMES[COLUMNS] = {"id",     "age",  "income", "place",
                                               "visits", "when", "spend"};
    struct table *table = NULL;
    kai_err err;
    require(!table_new("t.csv", ROWS, &table, &err));
    for (int c = 0; c < COLUMNS; c++) {
        struct column *column = NULL;
        enum column_kind kind = c == 0 || c == 3 ? COLUMN_CATEGORY
                                : c == 5         ? COLUMN_TIME
                                : c == 4         ? COLUMN_I64
                                                 : COLUMN_F64;
        require(!column_new(NAMES[c], kind, ROWS, &column, &err));
        for (int i = 0; i < ROWS; i++) {
            const char *const texts[] = {"north", "south", "mars"};
            int32_t code = 0;
            if (kind == COLUMN_CATEGORY) {
                require(!dict_add(column->dict, slice_of(texts[i % 3]), &code, &err));
                column->as.codes[i] = code;
            } else if (kind == COLUMN_F64) {
                column->as.f64[i] = i ? i * 10.5 : NAN;
            } else {
                column->as.i64[i] = i * (kind == COLUMN_TIME ? 86400000000 : 3);
            }
        }
        if (column->valid) memset(column->valid, 1, ROWS);
        require(!table_append(table, column, &err));
    }
    return table;
}

static void score(const struct saved *saved, const struct table *table) {
    kai_err err;
    for (int k = 0; k < LEARN_KINDS; k++) {
        const struct model *model = saved->models[k];
        if (!model || model_columns(model) > CELLS_MAX || model_outputs(model) > CELLS_MAX)
            continue;
        struct matrix *matrix = NULL;
        int32_t outputs = model_outputs(model);
        double *scores = calloc((size_t)ROWS * (size_t)outputs, sizeof *scores);
        require(scores != NULL);
        const struct recipe *recipe = saved->recipes[saved_view((enum learn_kind)k)];
        kai_status st = recipe_apply(recipe, table, NULL, ROWS, NULL, &matrix, NULL, &err);
        if (!st)
            st = saved_score(saved, (enum learn_kind)k, matrix, NULL, ROWS, NULL, scores, &err);
        (void)st; /* a recipe of other columns refuses the table */
        matrix_free(matrix);
        free(scores);
    }
}

static int64_t read_i64(const uint8_t *bytes) {
    int64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* Set the hashes of sections and table to what they should be. */
static void mend(uint8_t *bytes, size_t size) {
    if (size < HEADER_BYTES) return;
    int32_t count;
    memcpy(&count, bytes + 12, sizeof count);
    if (count < 0 || count > BUNDLE_SECTIONS_MAX) return;
    size_t table = (size_t)count * ENTRY_BYTES;
    if (HEADER_BYTES + table > size) return;
    for (int32_t s = 0; s < count; s++) {
        uint8_t *entry = bytes + HEADER_BYTES + (size_t)s * ENTRY_BYTES;
        int64_t offset = read_i64(entry + 16), length = read_i64(entry + 24);
        if (offset < 0 || length < 0 || (uint64_t)offset > size ||
            (uint64_t)length > size - (uint64_t)offset)
            continue;
        uint64_t hash = hash_bytes(bytes + offset, (size_t)length, 0);
        memcpy(entry + 32, &hash, sizeof hash);
    }
    uint64_t hash = hash_bytes(bytes + HEADER_BYTES, table, 0);
    memcpy(bytes + 16, &hash, sizeof hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    struct saved saved;
    kai_err err = {0};
    uint8_t *bytes = malloc(size);
    require(bytes != NULL);
    memcpy(bytes, data, size);
    if (data[size - 1] % 2) mend(bytes, size);
    kai_status st = saved_parse("f.kai", bytes, size, &saved, &err);
    if (st) {
        require(st == KAI_CORRUPT || st == KAI_UNSUPPORTED || st == KAI_NO_MEMORY);
        require(strstr(err.message, "f.kai") != NULL);
    } else {
        struct table *table = make_table();
        score(&saved, table);
        table_free(table);
        saved_release(&saved);
    }
    free(bytes);
    return 0;
}
