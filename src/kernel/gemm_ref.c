#include "kernel/variants.h"

static float a_at(const struct gemm *gemm, int64_t i, int64_t p) {
    return gemm->a_is_transposed ? gemm->a[p * gemm->a_row + i] : gemm->a[i * gemm->a_row + p];
}

void gemm_f32_ref(const struct gemm *gemm) {
    for (int64_t i = 0; i < gemm->m; i++) {
        for (int64_t j = 0; j < gemm->n; j++) {
            float *c = &gemm->c[i * gemm->c_row + j];
            double sum = gemm->is_added ? (double)*c : 0;
            if (gemm->bias) sum += (double)gemm->bias[j];
            for (int64_t p = 0; p < gemm->k; p++)
                sum += (double)a_at(gemm, i, p) * (double)gemm->b[p * gemm->b_row + j];
            float value = (float)sum;
            if (gemm->is_relu && !(value > 0)) value = 0;
            if (gemm->gate) value = gemm->gate[i * gemm->gate_row + j] > 0 ? gemm->gain * value : 0;
            *c = value;
        }
    }
}

void transpose_f32_ref(int64_t rows, int64_t columns, const float *restrict in, int64_t in_row,
                       float *restrict out, int64_t out_row) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) out[j * out_row + i] = in[i * in_row + j];
}

void lookup_forward_f32_ref(const struct lookup *lookup, const float *restrict table,
                            float *restrict y) {
    for (int64_t r = 0; r < lookup->rows; r++) {
        float *sum = y + r * lookup->y_row;
        for (int64_t j = 0; j < lookup->width; j++) sum[j] = 0;
        for (int64_t c = 0; c < lookup->columns; c++) {
            const float *row = table + lookup->codes[r * lookup->columns + c] * lookup->table_row;
            for (int64_t j = 0; j < lookup->width; j++) sum[j] += row[j];
        }
    }
}

void lookup_backward_f32_ref(const struct lookup *lookup, const float *restrict dy,
                             float *restrict dtable) {
    for (int64_t r = 0; r < lookup->rows; r++) {
        const float *from = dy + r * lookup->y_row;
        for (int64_t c = 0; c < lookup->columns; c++) {
            float *row = dtable + lookup->codes[r * lookup->columns + c] * lookup->table_row;
            for (int64_t j = 0; j < lookup->width; j++) row[j] += from[j];
        }
    }
}
