#include "engine/reading.h"

#include <string.h>

struct reading reading_of(const kai_table_options *options) {
    return (struct reading){.delimiter = options->delimiter,
                            .encoding = options->encoding,
                            .no_header = options->no_header,
                            .columns = {options->columns.items, options->columns.count},
                            .missing = {options->missing.items, options->missing.count},
                            .types = {options->types.items, options->types.count}};
}

static char delimiter_of(const char *word) {
    static const struct {
        const char *word;
        char delimiter;
    } WORDS[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"pipe", '|'}};
    for (size_t i = 0; word && i < sizeof WORDS / sizeof *WORDS; i++)
        if (strcmp(word, WORDS[i].word) == 0) return WORDS[i].delimiter;
    return 0;
}

kai_status reading_table(struct kai_engine *engine, const char *path, const struct reading *reading,
                         struct table **ret_table, struct collect_report *ret_report,
                         kai_err *err) {
    struct csv_options options = {.delimiter = delimiter_of(reading->delimiter),
                                  .no_header = reading->no_header,
                                  .columns = reading->columns,
                                  .missing = reading->missing,
                                  .types = reading->types};
    if (reading->encoding && strcmp(reading->encoding, "utf-8") == 0)
        options.encoding = CSV_ENCODING_UTF8;
    if (reading->encoding && strcmp(reading->encoding, "gb18030") == 0)
        options.encoding = CSV_ENCODING_GB18030;
    return collect_read_csv(path, &options, engine->pool, &engine->progress, ret_table, ret_report,
                            err);
}

void reading_describe(struct json_writer *json, const char *key,
                      const struct collect_report *report) {
    char delimiter[2] = {report->delimiter, '\0'};
    json_key(json, key);
    json_object(json);
    json_key_i64(json, "rows_read", report->rows_read);
    json_key_i64(json, "rows_kept", report->rows_kept);
    json_key_i64(json, "rows_quarantined", report->rows_bad);
    json_key_text(json, "delimiter", delimiter);
    json_key_text(json, "encoding", report->encoding == CSV_ENCODING_GB18030 ? "gb18030" : "utf-8");
    json_key(json, "reasons");
    json_object(json);
    for (int r = 0; r < COLLECT_REASONS; r++)
        if (report->bad_by_reason[r])
            json_key_i64(json, collect_reason_text((enum collect_reason)r),
                         report->bad_by_reason[r]);
    json_end(json);
    json_key(json, "quarantined");
    json_array(json);
    for (int32_t b = 0; b < report->bad_count; b++) {
        const struct collect_bad_row *bad = &report->bad[b];
        json_object(json);
        json_key_i64(json, "line", bad->line);
        json_key_i64(json, "column", bad->column);
        json_key_text(json, "reason", bad->message);
        json_key_text(json, "raw", bad->raw);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}
