/* The products of a dense layer for AVX2 and FMA.
 *
 * C is cut into tiles of up to 6 rows and 16 columns whose 12 accumulators stay in registers; each
 * step of k loads two vectors of B and broadcasts six values of A. Twelve chains hide the latency
 * of the multiply-add (4 cycles at 2 a cycle need 8). Operands of the layers that we train fit the
 * first or second cache, so nothing is packed. Rows that do not fill tiles of six are shared
 * evenly (8 = 4 + 4), because a tile of two rows would wait for its own chains.
 */
#include <immintrin.h>

#include "kernel/variants.h"

enum { LANES = 8, TILE_ROWS = 6, TILE_VECTORS = 2 };

static inline __m256i mask_of(int64_t lanes) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)lanes), lane);
}

/* The last vector of a tile may be cut by a mask. */
static inline __m256 load(const float *at, int is_cut, __m256i mask) {
    return is_cut ? _mm256_maskload_ps(at, mask) : _mm256_loadu_ps(at);
}

static inline void store(float *at, __m256 value, int is_cut, __m256i mask) {
    if (is_cut)
        _mm256_maskstore_ps(at, mask, value);
    else
        _mm256_storeu_ps(at, value);
}

static inline __m256 finish(const struct gemm *gemm, __m256 value, const float *gate, int is_cut,
                            __m256i mask) {
    if (gemm->is_relu) value = _mm256_max_ps(value, _mm256_setzero_ps());
    if (!gate) return value;
    __m256 open = _mm256_cmp_ps(load(gate, is_cut, mask), _mm256_setzero_ps(), _CMP_GT_OQ);
    return _mm256_and_ps(open, _mm256_mul_ps(value, _mm256_set1_ps(gemm->gain)));
}

/* One tile at (i, j). rows, vectors, is_cut and is_transposed are constants at each call, so that
 * the loops over them unroll and the accumulators are registers. */
static inline __attribute__((always_inline)) void tile(const struct gemm *gemm, int64_t i,
                                                       int64_t j, __m256i mask, const int rows,
                                                       const int vectors, const int is_cut,
                                                       const int is_transposed) {
    __m256 sum[TILE_ROWS][TILE_VECTORS];
    const float *a = gemm->a + (is_transposed ? i : i * gemm->a_row), *b = gemm->b + j;
    float *c = gemm->c + i * gemm->c_row + j;
    const int64_t a_row = gemm->a_row, b_row = gemm->b_row, k = gemm->k;
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            int cut = is_cut && v == vectors - 1;
            __m256 start =
                gemm->bias ? load(gemm->bias + j + v * LANES, cut, mask) : _mm256_setzero_ps();
            if (gemm->is_added)
                start = _mm256_add_ps(start, load(c + r * gemm->c_row + v * LANES, cut, mask));
            sum[r][v] = start;
        }
    }
    for (int64_t p = 0; p < k; p++, b += b_row) {
        __m256 right[TILE_VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            right[v] = load(b + v * LANES, is_cut && v == vectors - 1, mask);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m256 left =
                _mm256_broadcast_ss(is_transposed ? a + p * a_row + r : a + r * a_row + p);
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++)
                sum[r][v] = _mm256_fmadd_ps(left, right[v], sum[r][v]);
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        const float *gate = gemm->gate ? gemm->gate + (i + r) * gemm->gate_row + j : NULL;
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            int cut = is_cut && v == vectors - 1;
            __m256 value = finish(gemm, sum[r][v], gate ? gate + v * LANES : NULL, cut, mask);
            store(c + r * gemm->c_row + v * LANES, value, cut, mask);
        }
    }
}

static inline __attribute__((always_inline)) void tile_of_rows(const struct gemm *gemm, int64_t i,
                                                               int64_t j, __m256i mask, int rows,
                                                               const int vectors, const int is_cut,
                                                               const int is_transposed) {
    switch (rows) {
    case 1: tile(gemm, i, j, mask, 1, vectors, is_cut, is_transposed); break;
    case 2: tile(gemm, i, j, mask, 2, vectors, is_cut, is_transposed); break;
    case 3: tile(gemm, i, j, mask, 3, vectors, is_cut, is_transposed); break;
    case 4: tile(gemm, i, j, mask, 4, vectors, is_cut, is_transposed); break;
    case 5: tile(gemm, i, j, mask, 5, vectors, is_cut, is_transposed); break;
    default: tile(gemm, i, j, mask, 6, vectors, is_cut, is_transposed); break;
    }
}

static int rows_of_next_tile(int64_t left) {
    if (left == 8) return 4;
    if (left == 7) return 4;
    if (left == 9) return 5;
    return left < TILE_ROWS ? (int)left : TILE_ROWS;
}

/* All rows of the columns from j on; `vectors` is 1 or 2. */
static inline __attribute__((always_inline)) void panel(const struct gemm *gemm, int64_t j,
                                                        int64_t columns, const int vectors,
                                                        const int is_cut, const int is_transposed) {
    __m256i mask = mask_of(columns - (vectors - 1) * LANES);
    for (int64_t i = 0; i < gemm->m;) {
        int rows = rows_of_next_tile(gemm->m - i);
        tile_of_rows(gemm, i, j, mask, rows, vectors, is_cut, is_transposed);
        i += rows;
    }
}

static inline __attribute__((always_inline)) void all_panels(const struct gemm *gemm,
                                                             const int is_transposed) {
    const int64_t width = TILE_VECTORS * LANES;
    int64_t j = 0;
    for (; j + width <= gemm->n; j += width) panel(gemm, j, width, 2, 0, is_transposed);
    int64_t left = gemm->n - j;
    if (left > LANES)
        panel(gemm, j, left, 2, 1, is_transposed);
    else if (left == LANES)
        panel(gemm, j, left, 1, 0, is_transposed);
    else if (left > 0)
        panel(gemm, j, left, 1, 1, is_transposed);
}

void gemm_f32_avx2(const struct gemm *gemm) {
    if (gemm->a_is_transposed)
        all_panels(gemm, 1);
    else
        all_panels(gemm, 0);
}

static inline void transpose_block(const float *in, int64_t in_row, float *out, int64_t out_row) {
    __m256 row[LANES], pair[LANES];
    for (int r = 0; r < LANES; r++) row[r] = _mm256_loadu_ps(in + r * in_row);
    for (int r = 0; r < LANES; r += 2) {
        pair[r] = _mm256_unpacklo_ps(row[r], row[r + 1]);
        pair[r + 1] = _mm256_unpackhi_ps(row[r], row[r + 1]);
    }
    for (int r = 0; r < LANES; r += 4) {
        row[r] = _mm256_shuffle_ps(pair[r], pair[r + 2], 0x44);
        row[r + 1] = _mm256_shuffle_ps(pair[r], pair[r + 2], 0xEE);
        row[r + 2] = _mm256_shuffle_ps(pair[r + 1], pair[r + 3], 0x44);
        row[r + 3] = _mm256_shuffle_ps(pair[r + 1], pair[r + 3], 0xEE);
    }
    for (int r = 0; r < LANES / 2; r++) {
        _mm256_storeu_ps(out + r * out_row, _mm256_permute2f128_ps(row[r], row[r + 4], 0x20));
        _mm256_storeu_ps(out + (r + 4) * out_row, _mm256_permute2f128_ps(row[r], row[r + 4], 0x31));
    }
}

void transpose_f32_avx2(int64_t rows, int64_t columns, const float *restrict in, int64_t in_row,
                        float *restrict out, int64_t out_row) {
    int64_t full_rows = rows - rows % LANES, full_columns = columns - columns % LANES;
    for (int64_t i = 0; i < full_rows; i += LANES)
        for (int64_t j = 0; j < full_columns; j += LANES)
            transpose_block(in + i * in_row + j, in_row, out + j * out_row + i, out_row);
    transpose_f32_ref(full_rows, columns - full_columns, in + full_columns, in_row,
                      out + full_columns * out_row, out_row);
    transpose_f32_ref(rows - full_rows, columns, in + full_rows * in_row, in_row, out + full_rows,
                      out_row);
}

enum { STRIP_VECTORS = 4 };

static inline __attribute__((always_inline)) void sum_strip(const struct lookup *lookup,
                                                            const int32_t *codes,
                                                            const float *table, float *y,
                                                            const int vectors, const int is_cut,
                                                            __m256i mask) {
    __m256 sum[STRIP_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) sum[v] = _mm256_setzero_ps();
    for (int64_t c = 0; c < lookup->columns; c++) {
        const float *row = table + codes[c] * lookup->table_row;
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[v] = _mm256_add_ps(sum[v], load(row + v * LANES, is_cut, mask));
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) store(y + v * LANES, sum[v], is_cut, mask);
}

void lookup_forward_f32_avx2(const struct lookup *lookup, const float *restrict table,
                             float *restrict y) {
    const int64_t strip = STRIP_VECTORS * LANES, width = lookup->width;
    for (int64_t r = 0; r < lookup->rows; r++) {
        const int32_t *codes = lookup->codes + r * lookup->columns;
        float *out = y + r * lookup->y_row;
        int64_t j = 0;
        for (; j + strip <= width; j += strip)
            sum_strip(lookup, codes, table + j, out + j, STRIP_VECTORS, 0, mask_of(LANES));
        for (; j < width; j += LANES)
            sum_strip(lookup, codes, table + j, out + j, 1, 1, mask_of(width - j));
    }
}

void lookup_backward_f32_avx2(const struct lookup *lookup, const float *restrict dy,
                              float *restrict dtable) {
    const int64_t full = lookup->width - lookup->width % LANES, rest = lookup->width - full;
    __m256i mask = mask_of(rest);
    for (int64_t r = 0; r < lookup->rows; r++) {
        const float *from = dy + r * lookup->y_row;
        for (int64_t c = 0; c < lookup->columns; c++) {
            float *row = dtable + lookup->codes[r * lookup->columns + c] * lookup->table_row;
            for (int64_t j = 0; j < full; j += LANES)
                _mm256_storeu_ps(
                    row + j, _mm256_add_ps(_mm256_loadu_ps(row + j), _mm256_loadu_ps(from + j)));
            if (rest == 0) continue;
            __m256 sum = _mm256_add_ps(_mm256_maskload_ps(row + full, mask),
                                       _mm256_maskload_ps(from + full, mask));
            _mm256_maskstore_ps(row + full, mask, sum);
        }
    }
}
