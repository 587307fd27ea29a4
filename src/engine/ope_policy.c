#include "engine/ope_policy.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "engine/proof_columns.h"

#define SUM_TOLERANCE 1e-4

struct reader {
    const struct table *table;
    const struct ope_table *logged;
    const struct column *action, *position; /* position NULL: for all positions */
    double *row, *probability;              /* owned; row NULL: for all rows */
    double *sums;                           /* owned; (rows), or of each position */
    struct buf text;
};

static kai_status open_reader(struct reader *reader, kai_err *err) {
    const struct table *table = reader->table;
    const struct ope_table *logged = reader->logged;
    kai_status st = table_column(table, "action", &reader->action, err);
    if (!st) st = proof_numbers_all(table, "probability", &reader->probability, err);
    if (!st && table_find(table, "row") >= 0)
        st = proof_numbers_all(table, "row", &reader->row, err);
    if (!st && !reader->row && logged->positions && table_find(table, "position") >= 0)
        st = table_column(table, "position", &reader->position, err);
    if (st) return st;
    int64_t sums = reader->row         ? logged->log.rows
                   : logged->positions ? logged->positions->count
                                       : 1;
    reader->sums = mem_zero((size_t)sums, sizeof *reader->sums);
    return reader->sums ? KAI_OK : err_memory(err, sums * (int64_t)sizeof(double));
}

/* An action or a position as its code; -1: the log has none of that name. */
static kai_status code_of(struct reader *reader, const struct column *column,
                          const struct dict *names, int64_t line, int32_t *ret_code, kai_err *err) {
    kai_status st = column_print(column, line, &reader->text, err);
    if (!st)
        *ret_code = dict_find(
            names, (struct slice){reader->text.size ? reader->text.data : "", reader->text.size});
    return st;
}

static kai_status complain(const struct reader *reader, int64_t line, const char *wrong,
                           kai_err *err) {
    return err_set(err, KAI_INVALID, "%s: row %lld: %s", reader->table->name, (long long)line + 1,
                   wrong);
}

static double prediction(const struct ope_table *logged, int64_t row, int32_t action) {
    int64_t actions = logged->log.actions,
            positions = logged->positions ? logged->positions->count : 1;
    int64_t place = logged->position ? logged->position[row] : 0;
    return logged->means[(row % logged->folds * positions + place) * actions + action];
}

static void add_choice(const struct reader *reader, int64_t row, int32_t action, double chance,
                       double *chosen, double *model) {
    const struct ope_table *logged = reader->logged;
    if (logged->log.action[row] == action) chosen[row] += chance;
    if (logged->means) model[row] += chance * prediction(logged, row, action);
}

/* A choice for one row: rows of the policy may come in any order. */
static kai_status read_row(struct reader *reader, int64_t line, int32_t action, double *chosen,
                           double *model, kai_err *err) {
    double row = reader->row[line], chance = reader->probability[line];
    if (!(row >= 1 && row <= (double)reader->logged->log.rows && row == floor(row)))
        return complain(reader, line, "the log has no such row", err);
    int64_t index = (int64_t)row - 1;
    reader->sums[index] += chance;
    if (action >= 0) add_choice(reader, index, action, chance, chosen, model);
    return KAI_OK;
}

/* A choice for all rows, or for those of a position: kept as a table of (positions, actions). */
static kai_status read_shared(struct reader *reader, int64_t line, int32_t action, double *table,
                              kai_err *err) {
    int32_t from = 0, to = reader->logged->positions ? reader->logged->positions->count : 1;
    if (reader->position) {
        kai_status st =
            code_of(reader, reader->position, reader->logged->positions, line, &from, err);
        if (st) return st;
        if (from < 0) return KAI_OK; /* a position that the log does not have */
        to = from + 1;
    }
    for (int32_t p = from; p < to; p++) {
        reader->sums[p] += reader->probability[line];
        if (action < 0) continue;
        double *cell = &table[(int64_t)p * reader->logged->log.actions + action];
        if (*cell != 0) return complain(reader, line, "the action stands twice", err);
        *cell = reader->probability[line];
    }
    return KAI_OK;
}

static kai_status check_sums(const struct reader *reader, kai_err *err) {
    int64_t count = reader->row                 ? reader->logged->log.rows
                    : reader->logged->positions ? reader->logged->positions->count
                                                : 1;
    for (int64_t i = 0; i < count; i++)
        if (fabs(reader->sums[i] - 1) > SUM_TOLERANCE)
            return err_set(err, KAI_INVALID, "%s: the probabilities of %s %lld add up to %g",
                           reader->table->name, reader->row ? "row" : "position", (long long)i + 1,
                           reader->sums[i]);
    return KAI_OK;
}

static void spread(const struct reader *reader, const double *table, double *chosen,
                   double *model) {
    const struct ope_table *logged = reader->logged;
    int64_t actions = logged->log.actions;
    for (int64_t i = 0; i < logged->log.rows; i++) {
        const double *chances = table + (logged->position ? logged->position[i] : 0) * actions;
        chosen[i] = chances[logged->log.action[i]];
        for (int32_t a = 0; logged->means && a < actions; a++)
            model[i] += chances[a] * prediction(logged, i, a);
    }
}

static kai_status read_lines(struct reader *reader, double *shared, double *chosen, double *model,
                             kai_err *err) {
    kai_status st = KAI_OK;
    for (int64_t line = 0; !st && line < reader->table->rows; line++) {
        int32_t action = -1;
        if (!(reader->probability[line] >= 0 && reader->probability[line] <= 1))
            return complain(reader, line, "the probability is not between 0 and 1", err);
        st = code_of(reader, reader->action, reader->logged->actions, line, &action, err);
        if (!st && reader->row)
            st = read_row(reader, line, action, chosen, model, err);
        else if (!st)
            st = read_shared(reader, line, action, shared, err);
    }
    return st ? st : check_sums(reader, err);
}

kai_status ope_policy_read(const struct table *table, const struct ope_table *logged,
                           double *ret_chosen, double *ret_model, kai_err *err) {
    struct reader reader = {.table = table, .logged = logged};
    int64_t rows = logged->log.rows;
    size_t cells =
        (size_t)logged->log.actions * (size_t)(logged->positions ? logged->positions->count : 1);
    double *values = mem_zero(2 * (size_t)rows + cells, sizeof *values);
    buf_init(&reader.text, (size_t)CAPS_BUF_BYTES);
    kai_status st = values ? open_reader(&reader, err) : err_memory(err, rows * 16);
    if (!st) st = read_lines(&reader, values + 2 * rows, values, values + rows, err);
    if (!st && !reader.row) spread(&reader, values + 2 * rows, values, values + rows);
    if (!st) {
        memcpy(ret_chosen, values, (size_t)rows * sizeof *values);
        if (logged->means) memcpy(ret_model, values + rows, (size_t)rows * sizeof *values);
    }
    mem_free(values);
    mem_free(reader.row);
    mem_free(reader.probability);
    mem_free(reader.sums);
    buf_release(&reader.text);
    return st;
}
