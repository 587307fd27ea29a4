#include "learn/mlp_input.h"

#include <math.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/caps.h"

static const float CLIP = 8;
enum { CARDINALITY_MAX = 1 << 24, EMBEDDING_WIDTH_MAX = 16 };

/* 1.6 n^0.56 (Howard, Gugger, "fastai: A Layered API for Deep Learning", 2020), at most 16. */
static int32_t embedding_width(int32_t cardinality) {
    double width = 1.6 * pow((double)cardinality, 0.56);
    return width > EMBEDDING_WIDTH_MAX ? EMBEDDING_WIDTH_MAX : (int32_t)(width + 0.5);
}

struct fit {
    const struct matrix *matrix;
    const int64_t *row_ids;
    int64_t count;
    struct mlp_column *column;
};

static kai_status fit_number(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker, (void)err;
    struct fit *fit = user;
    struct mlp_column *column = &fit->column[item];
    if (column->kind != MLP_NUMBER) return KAI_OK;
    const float *values = matrix_column(fit->matrix, (int32_t)item);
    double sum = 0, squares = 0;
    int64_t seen = 0;
    for (int64_t i = 0; i < fit->count; i++) {
        double value = (double)values[fit->row_ids[i]];
        if (!isfinite(value)) continue;
        sum += value;
        seen++;
    }
    double mean = seen ? sum / (double)seen : 0;
    for (int64_t i = 0; i < fit->count; i++) {
        double value = (double)values[fit->row_ids[i]] - mean;
        if (isfinite(value)) squares += value * value;
    }
    double sd = seen ? sqrt(squares / (double)seen) : 0;
    /* a spread that is rounding noise of the mean is a constant */
    int is_constant = !(sd > 1e-7 * fabs(mean)) || !isfinite(1 / sd);
    column->mean = (float)mean;
    column->inverse_sd = is_constant ? 0 : (float)fmin(1 / sd, 1e30);
    column->has_missing = seen < fit->count;
    return KAI_OK;
}

static void lay_out(struct mlp_input *input) {
    input->numbers = input->embedded = input->one_hots = input->embeddings = 0;
    input->slots = input->embedding_floats = 0;
    for (int32_t j = 0; j < input->columns; j++) {
        struct mlp_column *column = &input->column[j];
        int64_t codes = (int64_t)column->cardinality + 1;
        if (column->kind == MLP_NUMBER) {
            column->offset = input->numbers;
            input->numbers += 1 + column->has_missing;
        } else if (column->kind == MLP_ONE_HOT) {
            column->offset = input->slots;
            column->code_index = input->one_hots++;
            input->slots += codes;
        } else {
            column->offset = input->embedding_floats;
            column->code_index = input->embeddings++;
            column->dense = input->embedded; /* from the end of the numbers, known below */
            input->embedded += column->embedding_width;
            input->embedding_floats += codes * column->embedding_width;
        }
    }
    for (int32_t j = 0; j < input->columns; j++) input->column[j].dense += input->numbers;
}

kai_status mlp_input_fit(const struct matrix *matrix, const int64_t *row_ids, int64_t count,
                         int32_t embedding_max, struct pool *pool, struct mlp_input *ret_input,
                         kai_err *err) {
    struct mlp_input input = {.columns = matrix->columns};
    input.column = mem_zero((size_t)input.columns, sizeof *input.column);
    if (!input.column) return err_memory(err, input.columns * (int64_t)sizeof *input.column);
    for (int32_t j = 0; j < input.columns; j++) {
        int32_t cardinality = matrix->info[j].cardinality;
        struct mlp_column *column = &input.column[j];
        column->cardinality = cardinality;
        column->kind = cardinality == 0               ? MLP_NUMBER
                       : cardinality <= embedding_max ? MLP_ONE_HOT
                                                      : MLP_EMBEDDED;
        if (column->kind == MLP_EMBEDDED) column->embedding_width = embedding_width(cardinality);
    }
    struct fit fit = {matrix, row_ids, count, input.column};
    kai_status st = pool_run(pool, input.columns, fit_number, &fit, err);
    if (st) {
        mlp_input_release(&input);
        return st;
    }
    lay_out(&input);
    *ret_input = input;
    return KAI_OK;
}

void mlp_input_release(struct mlp_input *input) {
    mem_free(input->column);
    input->column = NULL;
}

kai_status mlp_input_check(const struct mlp_input *input, const struct matrix *matrix,
                           kai_err *err) {
    if (matrix->columns != input->columns)
        return err_set(err, KAI_INVALID, "mlp: %d columns, trained on %d", matrix->columns,
                       input->columns);
    for (int32_t j = 0; j < input->columns; j++)
        if (matrix->info[j].cardinality != input->column[j].cardinality)
            return err_set(err, KAI_INVALID, "mlp: column '%s': %d categories, trained on %d",
                           matrix->info[j].name ? matrix->info[j].name : "",
                           matrix->info[j].cardinality, input->column[j].cardinality);
    return KAI_OK;
}

static void encode_number(const struct mlp_column *column, const float *values,
                          const int64_t *row_ids, int64_t first, int64_t count,
                          const struct mlp_rows *out) {
    float *to = out->numbers + column->offset;
    for (int64_t i = 0; i < count; i++, to += out->numbers_row) {
        float value = values[row_ids ? row_ids[i] : first + i];
        int is_missing = !isfinite(value);
        float z = is_missing ? 0 : (value - column->mean) * column->inverse_sd;
        to[0] = z > CLIP ? CLIP : z < -CLIP ? -CLIP : z;
        if (column->has_missing) to[1] = is_missing ? 1 : 0;
    }
}

static void encode_category(const struct mlp_column *column, const float *values,
                            const int64_t *row_ids, int64_t first, int64_t count, int32_t base,
                            int32_t *to, int64_t to_row) {
    float cardinality = (float)column->cardinality;
    for (int64_t i = 0; i < count; i++, to += to_row) {
        float value = values[row_ids ? row_ids[i] : first + i];
        int is_known = value >= 0 && value < cardinality; /* NaN is neither */
        *to = base + (is_known ? (int32_t)value : column->cardinality);
    }
}

void mlp_input_encode(const struct mlp_input *input, const struct matrix *matrix,
                      const int64_t *row_ids, int64_t first, int64_t count,
                      const struct mlp_rows *out) {
    for (int32_t j = 0; j < input->columns; j++) {
        const struct mlp_column *column = &input->column[j];
        const float *values = matrix_column(matrix, j);
        if (column->kind == MLP_NUMBER)
            encode_number(column, values, row_ids, first, count, out);
        else if (column->kind == MLP_ONE_HOT)
            encode_category(column, values, row_ids, first, count, (int32_t)column->offset,
                            out->slots + column->code_index, input->one_hots);
        else
            encode_category(column, values, row_ids, first, count, 0,
                            out->codes + column->code_index, input->embeddings);
    }
}

void mlp_input_save(const struct mlp_input *input, struct bytes_writer *writer) {
    bytes_put_i32(writer, input->columns);
    for (int32_t j = 0; j < input->columns; j++) {
        const struct mlp_column *column = &input->column[j];
        bytes_put_u8(writer, (uint8_t)column->kind);
        bytes_put_i32(writer, column->cardinality);
        bytes_put_f32(writer, column->mean);
        bytes_put_f32(writer, column->inverse_sd);
        bytes_put_u8(writer, (uint8_t)column->has_missing);
        bytes_put_u8(writer, (uint8_t)column->embedding_width);
    }
}

static int is_sound(const struct mlp_column *column) {
    int is_number = column->kind == MLP_NUMBER, is_embedded = column->kind == MLP_EMBEDDED;
    if (column->kind > MLP_EMBEDDED || column->has_missing > is_number) return 0;
    if (column->cardinality < 0 || column->cardinality > CARDINALITY_MAX) return 0;
    if (is_number != (column->cardinality == 0)) return 0;
    if (!isfinite(column->mean) || !isfinite(column->inverse_sd)) return 0;
    return is_embedded
               ? column->embedding_width >= 1 && column->embedding_width <= EMBEDDING_WIDTH_MAX
               : column->embedding_width == 0;
}

kai_status mlp_input_load(struct bytes_reader *reader, struct mlp_input *ret_input, kai_err *err) {
    enum { COLUMN_BYTES = 15 };
    struct mlp_input input = {0};
    input.columns = bytes_get_i32(reader);
    if (input.columns < 0 || input.columns > CAPS_COLUMNS ||
        (reader->size - reader->at) / COLUMN_BYTES < (size_t)input.columns)
        bytes_refuse(reader);
    kai_status st = bytes_done(reader, err);
    if (st) return st;
    input.column = mem_zero((size_t)input.columns, sizeof *input.column);
    if (!input.column) return err_memory(err, input.columns * (int64_t)sizeof *input.column);
    for (int32_t j = 0; j < input.columns; j++) {
        struct mlp_column *column = &input.column[j];
        column->kind = bytes_get_u8(reader);
        column->cardinality = bytes_get_i32(reader);
        column->mean = bytes_get_f32(reader);
        column->inverse_sd = bytes_get_f32(reader);
        column->has_missing = bytes_get_u8(reader);
        column->embedding_width = bytes_get_u8(reader);
        if (!is_sound(column)) bytes_refuse(reader);
    }
    st = bytes_done(reader, err);
    if (st) {
        mlp_input_release(&input);
        return st;
    }
    lay_out(&input);
    *ret_input = input;
    return KAI_OK;
}
