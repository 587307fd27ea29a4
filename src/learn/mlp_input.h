/* What the network sees of a matrix: standardised numbers, and codes of categories.
 *
 * A number becomes (value - mean) / sd of the training rows, clipped to +-8; not finite is missing
 * and becomes 0, plus an indicator input where training had a missing one. A category of
 * cardinality n has n + 1 codes, the last for missing or unknown; it is one-hot (a row of the first
 * layer's weights, called a slot) or embedded (a row of a table of its own).
 */
#ifndef KAIROS_LEARN_MLP_INPUT_H
#define KAIROS_LEARN_MLP_INPUT_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/pool.h"
#include "table/matrix.h"

enum mlp_column_kind { MLP_NUMBER, MLP_ONE_HOT, MLP_EMBEDDED };

struct mlp_column {
    int32_t kind;
    int32_t cardinality;     /* 0 = number */
    float mean, inverse_sd;  /* MLP_NUMBER; inverse_sd 0 = constant */
    int32_t has_missing;     /* MLP_NUMBER: an indicator follows */
    int32_t embedding_width; /* MLP_EMBEDDED */
    /* made by mlp_input_lay_out */
    int64_t offset;     /* dense input, first slot, or first float of the table */
    int32_t dense;      /* MLP_EMBEDDED: first input of its vector, behind all numbers */
    int32_t code_index; /* which of the row's slots or embedding codes */
};

struct mlp_input {
    int32_t columns;
    struct mlp_column *column; /* owned; (columns) */
    int32_t numbers;           /* numbers and indicators */
    int32_t embedded;          /* floats of all embedding vectors of a row, behind the numbers */
    int32_t one_hots;          /* slots of a row */
    int32_t embeddings;        /* embedding codes of a row */
    int64_t slots;             /* rows of the one-hot table */
    int64_t embedding_floats;  /* of all tables */
};

/* Rows in the network's terms, row-major. */
struct mlp_rows {
    float *numbers; /* (rows, numbers_row) */
    int64_t numbers_row;
    int32_t *slots; /* (rows, one_hots) */
    int32_t *codes; /* (rows, embeddings) */
};

/* Learn from the rows named; row_ids: (count), count >= 1. */
KAI_MUST_CHECK kai_status mlp_input_fit(const struct matrix *matrix, const int64_t *row_ids,
                                        int64_t count, int32_t embedding_max, struct pool *pool,
                                        struct mlp_input *ret_input, kai_err *err);
void mlp_input_release(struct mlp_input *input);
/* Fails: KAI_INVALID where the matrix is not shaped as in training. */
KAI_MUST_CHECK kai_status mlp_input_check(const struct mlp_input *input,
                                          const struct matrix *matrix, kai_err *err);
/* Encode `count` rows: row_ids[0..count-1], or first .. first + count - 1 where NULL. */
void mlp_input_encode(const struct mlp_input *input, const struct matrix *matrix,
                      const int64_t *row_ids, int64_t first, int64_t count,
                      const struct mlp_rows *out);
void mlp_input_save(const struct mlp_input *input, struct bytes_writer *writer);
/* Refuses the reader where a value cannot be. Fails: KAI_CORRUPT, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status mlp_input_load(struct bytes_reader *reader, struct mlp_input *ret_input,
                                         kai_err *err);

#endif
