/* Hillstrom's file as a table, read by plain splitting (one field is quoted: "7) $1,000 +"). */
#ifndef KAIROS_TESTS_HILLSTROM_H
#define KAIROS_TESTS_HILLSTROM_H

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "kit/columns.h"
#include "table/table.h"

enum { HILLSTROM_ROWS = 64000, HILLSTROM_FIELDS = 12 };

struct hillstrom {
    struct table *table; /* every column but the segment */
    int32_t *arm;        /* 0 No, 1 Mens, 2 Womens */
};

static void hillstrom_set(struct table *table, int32_t index, int64_t row, const char *text) {
    struct column *column = table->columns[index];
    if (column->kind != COLUMN_F64) {
        set_level(column, row, text);
        return;
    }
    column->valid[row] = 1;
    column->as.f64[row] = strtod(text, NULL);
}

/* Cut the field that starts at *at off and step behind it. */
static char *hillstrom_field(char **at) {
    char *start = *at, *end;
    if (*start == '"') {
        end = strchr(++start, '"');
        assert_non_null(end);
        *end++ = 0;
    } else {
        end = start + strcspn(start, ",");
    }
    *at = *end ? end + 1 : end;
    *end = 0;
    return start;
}

/* NULL where the data set is not there. */
static struct hillstrom *hillstrom_read(void) {
    static const char *const names[HILLSTROM_FIELDS] = {
        "recency", "history_segment", "history", "mens",  "womens",     "zip_code",
        "newbie",  "channel",         NULL,      "visit", "conversion", "spend"};
    static const char categories[HILLSTROM_FIELDS + 1] = "010001010000";
    const char *path = check_data_path("hillstrom/hillstrom.csv.gz");
    if (!path) return NULL;
    kai_err err;
    struct buf text;
    buf_init(&text, 64 << 20);
    CHECK_OK(file_read_all(path, 64 << 20, &text, &err), &err);
    struct hillstrom *data = calloc(1, sizeof *data);
    assert_non_null(data);
    data->arm = calloc(HILLSTROM_ROWS, sizeof *data->arm);
    CHECK_OK(table_new("hillstrom", HILLSTROM_ROWS, &data->table, &err), &err);
    for (int f = 0; f < HILLSTROM_FIELDS; f++) {
        if (names[f])
            (void)add_column(data->table, names[f],
                             categories[f] == '1' ? COLUMN_CATEGORY : COLUMN_F64);
    }
    char *line_state, *line = strtok_r(text.data, "\r\n", &line_state);
    for (int64_t row = 0; row < HILLSTROM_ROWS; row++) {
        line = strtok_r(NULL, "\r\n", &line_state);
        assert_non_null(line);
        for (int f = 0; f < HILLSTROM_FIELDS; f++) {
            char *field = hillstrom_field(&line);
            if (names[f])
                hillstrom_set(data->table, f > 8 ? f - 1 : f, row, field);
            else
                data->arm[row] = field[0] == 'N' ? 0 : field[0] == 'M' ? 1 : 2;
        }
    }
    buf_release(&text);
    return data;
}

static void hillstrom_free(struct hillstrom *data) {
    table_free(data->table);
    free(data->arm);
    free(data);
}

#endif
