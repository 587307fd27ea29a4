/* Bytes of a recipe that nobody trusts: a clean status, or a recipe that prints to the same bytes
 * and can be applied to a table of other kinds than it expects. */
#include <stdint.h>
#include <stdlib.h>

#include "prepare/recipe.h"

/* A table with the needed columns, each of a kind that is not the one expected. */
static struct table *make_table(const struct recipe *recipe) {
    struct table *table = NULL;
    if (table_new("fuzz", 3, &table, NULL)) return NULL;
    for (int32_t s = 0; recipe_source(recipe, s); s++) {
        struct column *column = NULL;
        enum column_kind kind = recipe_source_kind(recipe, s);
        if (kind == COLUMN_CATEGORY) kind = COLUMN_I64;
        if (column_new(recipe_source(recipe, s), kind, 3, &column, NULL)) break;
        if (kind != COLUMN_TEXT) column->valid[1] = 1;
        if (kind == COLUMN_F64) column->as.f64[1] = 1e300;
        if (kind == COLUMN_I64) column->as.i64[1] = -7;
        if (kind == COLUMN_TIME) column->as.i64[1] = INT64_MIN;
        if (table_append(table, column, NULL)) column_free(column);
    }
    return table;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes_reader reader;
    struct recipe *recipe = NULL;
    bytes_read(&reader, data, size, "recipe");
    if (recipe_load(&reader, &recipe, NULL)) return 0;
    struct buf out;
    buf_init(&out, 1 << 26);
    struct bytes_writer writer;
    bytes_write(&writer, &out);
    recipe_save(recipe, &writer);
    if (bytes_written(&writer, NULL) || out.size != reader.at) abort();
    struct table *table = make_table(recipe);
    struct matrix *matrix = NULL;
    if (table && !recipe_apply(recipe, table, NULL, 3, NULL, &matrix, NULL, NULL))
        matrix_free(matrix);
    table_free(table);
    buf_release(&out);
    recipe_free(recipe);
    return 0;
}
