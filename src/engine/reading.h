/* Tables from files, the way a job's options ask; and the sample of what was set aside. */
#ifndef KAIROS_ENGINE_READING_H
#define KAIROS_ENGINE_READING_H

#include <stddef.h>

#include "base/json.h"
#include "base/options.h"
#include "collect/collect.h"
#include "engine/engine.h"
#include "table/table.h"

/* The options of a table as rows of an option table; `member` is a kai_table_options of `type`.
 * The name of a member bears no parentheses: NOLINTBEGIN(bugprone-macro-parentheses) */
#define READING_OPTIONS(type, member)                                                              \
    {.name = "delimiter",                                                                          \
     .kind = OPTION_TEXT,                                                                          \
     .offset = offsetof(type, member.delimiter),                                                   \
     .fallback = "auto",                                                                           \
     .value = "CHAR",                                                                              \
     .help = "what separates fields: auto, ',', ';', tab or '|'"},                                 \
        {.name = "no-header",                                                                      \
         .kind = OPTION_FLAG,                                                                      \
         .offset = offsetof(type, member.no_header),                                               \
         .help = "the first line is data; 'columns' names the columns"},                           \
        {.name = "columns",                                                                        \
         .kind = OPTION_LIST,                                                                      \
         .offset = offsetof(type, member.columns),                                                 \
         .value = "a,b,...",                                                                       \
         .help = "names of the columns where there is no header"},                                 \
        {.name = "missing",                                                                        \
         .kind = OPTION_LIST,                                                                      \
         .offset = offsetof(type, member.missing),                                                 \
         .value = "'?,NA'",                                                                        \
         .help = "texts that mean missing, instead of the usual ones"},                            \
        {.name = "types",                                                                          \
         .kind = OPTION_LIST,                                                                      \
         .offset = offsetof(type, member.types),                                                   \
         .value = "COL=KIND,...",                                                                  \
         .help = "kind of a column: number, integer, category, flag, date, text, id"},             \
        {.name = "encoding",                                                                       \
         .kind = OPTION_CHOICE,                                                                    \
         .offset = offsetof(type, member.encoding),                                                \
         .fallback = "auto",                                                                       \
         .choices = "auto|utf-8|gb18030",                                                          \
         .help = "encoding of the text"},                                                          \
    {                                                                                              \
        .name = "quarantine", .kind = OPTION_TEXT, .offset = offsetof(type, member.quarantine),    \
        .value = "FILE", .help = "where rows that cannot be read go, with line and reason, as CSV" \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

/* NULL in `reading` means auto. Fails: KAI_INVALID for a delimiter that is none, and as
 * collect_read_csv. */
KAI_MUST_CHECK kai_status reading_table(struct kai_engine *engine, const char *path,
                                        const kai_table_options *reading, struct table **ret_table,
                                        struct collect_report *ret_report, kai_err *err);
/* {"rows_read":..,"rows_kept":..,"rows_quarantined":..,"delimiter":..,"encoding":..,"reasons":{},
 * "quarantined":[{"line":..,"column":..,"reason":..,"raw":..}]} as the member `key`. */
void reading_describe(struct json_writer *json, const char *key,
                      const struct collect_report *report);

#endif
