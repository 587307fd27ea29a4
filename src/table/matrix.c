#include "table/matrix.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

kai_status matrix_new(int64_t rows, int32_t columns, struct matrix **ret_matrix, kai_err *err) {
    KAI_ASSERT(rows >= 0 && columns >= 0);
    size_t cells;
    if (__builtin_mul_overflow((size_t)rows, (size_t)columns, &cells) ||
        cells > SIZE_MAX / sizeof(float))
        return err_memory(err, INT64_MAX);
    struct matrix *matrix = mem_zero(1, sizeof *matrix);
    if (!matrix) return err_memory(err, sizeof *matrix);
    matrix->rows = rows;
    matrix->columns = columns;
    matrix->values = mem_array(cells, sizeof *matrix->values);
    matrix->info = mem_zero((size_t)columns, sizeof *matrix->info);
    if (!matrix->values || !matrix->info) {
        matrix_free(matrix);
        return err_memory(err, (int64_t)(cells * sizeof(float)));
    }
    for (size_t i = 0; i < cells; i++) matrix->values[i] = NAN;
    *ret_matrix = matrix;
    return KAI_OK;
}

kai_status matrix_name(struct matrix *matrix, int32_t column, const char *name, const char *source,
                       int32_t cardinality, kai_err *err) {
    KAI_ASSERT(column >= 0 && column < matrix->columns);
    struct matrix_column *info = &matrix->info[column];
    char *name_copy = mem_string(name), *source_copy = mem_string(source);
    if (!name_copy || !source_copy) {
        mem_free(name_copy);
        mem_free(source_copy);
        return err_memory(err, (int64_t)strlen(name));
    }
    mem_free(info->name);
    mem_free(info->source);
    *info = (struct matrix_column){name_copy, source_copy, cardinality};
    return KAI_OK;
}

void matrix_free(struct matrix *matrix) {
    if (!matrix) return;
    for (int32_t i = 0; matrix->info && i < matrix->columns; i++) {
        mem_free(matrix->info[i].name);
        mem_free(matrix->info[i].source);
    }
    mem_free(matrix->info);
    mem_free(matrix->values);
    mem_free(matrix);
}
