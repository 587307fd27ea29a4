#include "engine/reading.h"

#include <string.h>

static struct option_list list_of(kai_list list) {
    return (struct option_list){list.items, list.count};
}

/* A delimiter as a word or as itself; 0 = find it. */
static kai_status parse_delimiter(const char *word, char *ret_delimiter, kai_err *err) {
    static const struct {
        const char *word;
        char delimiter;
    } WORDS[] = {{"auto", 0},   {",", ','},   {"comma", ','}, {";", ';'}, {"semicolon", ';'},
                 {"tab", '\t'}, {"\t", '\t'}, {"\\t", '\t'},  {"|", '|'}, {"pipe", '|'}};
    *ret_delimiter = 0;
    if (!word) return KAI_OK;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (strcmp(word, WORDS[i].word) != 0) continue;
        *ret_delimiter = WORDS[i].delimiter;
        return KAI_OK;
    }
    return err_set(err, KAI_INVALID, "delimiter '%s': expected auto, ',', ';', 'tab' or '|'", word);
}

kai_status reading_table(struct kai_engine *engine, const char *path,
                         const kai_table_options *reading, struct table **ret_table,
                         struct collect_report *ret_report, kai_err *err) {
    struct csv_options options = {.no_header = reading->no_header,
                                  .quarantine_path = reading->quarantine,
                                  .columns = list_of(reading->columns),
                                  .missing = list_of(reading->missing),
                                  .types = list_of(reading->types)};
    if (reading->encoding && strcmp(reading->encoding, "utf-8") == 0)
        options.encoding = CSV_ENCODING_UTF8;
    if (reading->encoding && strcmp(reading->encoding, "gb18030") == 0)
        options.encoding = CSV_ENCODING_GB18030;
    kai_status st = parse_delimiter(reading->delimiter, &options.delimiter, err);
    if (st) return st;
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
