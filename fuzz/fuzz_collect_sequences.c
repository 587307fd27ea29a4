/* Any bytes as histories and as questions: a clean status that names the file, or a table whose
 * lines, printed again, read as the same table. The first byte chooses the format. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "collect/sequences.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

static const char *text_at(const struct table *table, const char *name, int64_t row) {
    const struct column *column = table->columns[table_find(table, name)];
    require(column->as.codes[row] >= 0 && column->as.codes[row] < column->dict->count);
    return dict_text(column->dict, column->as.codes[row]);
}

/* Rows of a customer stand together, so a line is a run of rows. */
static void print_lines(const struct table *table, enum sequences_kind kind, struct buf *out) {
    kai_err err = {0};
    for (int64_t row = 0; row < table->rows; row++) {
        int is_first = row == 0, is_target = 0;
        if (kind == SEQUENCES_GIVEN) {
            const int64_t *cases = table->columns[table_find(table, "case")]->as.i64;
            is_target = table->columns[table_find(table, "is_target")]->as.flags[row];
            is_first = is_first || cases[row] != cases[row - 1];
            require(!(is_first && is_target));
        } else {
            const int32_t *codes = table->columns[table_find(table, "customer")]->as.codes;
            is_first = is_first || codes[row] != codes[row - 1];
            if (is_first)
                require(!buf_printf(out, &err, "%s%s", row ? "\n" : "",
                                    text_at(table, "customer", row)));
            require(!buf_printf(out, &err, " %s", text_at(table, "item", row)));
            continue;
        }
        require(!buf_printf(out, &err, "%s%s",
                            is_target  ? "\t"
                            : !is_first ? " "
                            : row       ? "\n"
                                        : "",
                            text_at(table, "item", row)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct table *table = NULL, *again = NULL;
    struct buf text;
    kai_err err = {0};
    if (size == 0) return 0;
    enum sequences_kind kind = (enum sequences_kind)(data[0] % 3);
    kai_status st =
        collect_read_sequences_bytes("f", (const char *)data + 1, size - 1, kind, &table, &err);
    if (st) {
        require(st == KAI_INVALID || st == KAI_LIMIT);
        require(!table && strncmp(err.message, "f:", 2) == 0);
        return 0;
    }
    if (kind == SEQUENCES_ANONYMOUS) kind = SEQUENCES_NAMED; /* their numbers are names now */
    buf_init(&text, 64 << 20);
    print_lines(table, kind, &text);
    require(!collect_read_sequences_bytes("g", text.data, text.size, kind, &again, &err));
    require(again->rows == table->rows);
    for (int64_t row = 0; row < table->rows; row++)
        require(strcmp(text_at(table, "item", row), text_at(again, "item", row)) == 0);
    buf_release(&text);
    table_free(table);
    table_free(again);
    return 0;
}
