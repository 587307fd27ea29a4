/* Histories from files, the way a job's options ask: columns of a CSV, plain sequences, or a
 * training snapshot. */
#ifndef KAIROS_ENGINE_HISTORY_INPUT_H
#define KAIROS_ENGINE_HISTORY_INPUT_H

#include <kairos/recommend.h>
#include <stddef.h>

#include "behave/interactions.h"
#include "engine/reading.h"

/* The options of histories as rows of an option table; `member` is a kai_interactions_options.
 * The name of a member bears no parentheses: NOLINTBEGIN(bugprone-macro-parentheses) */
#define HISTORY_OPTIONS(type, member)                                                        \
    {.name = "format",                                                                       \
     .kind = OPTION_CHOICE,                                                                  \
     .offset = offsetof(type, member.format),                                                \
     .fallback = "csv",                                                                      \
     .choices = "csv|sequences",                                                             \
     .help = "one event a row, or one customer a line: customer, then items in time order"}, \
        {.name = "user",                                                                     \
         .kind = OPTION_TEXT,                                                                \
         .offset = offsetof(type, member.user),                                              \
         .fallback = "user",                                                                 \
         .value = "COL",                                                                     \
         .help = "csv: column of the customer"},                                             \
        {.name = "item",                                                                     \
         .kind = OPTION_TEXT,                                                                \
         .offset = offsetof(type, member.item),                                              \
         .fallback = "item",                                                                 \
         .value = "COL",                                                                     \
         .help = "csv: column of the item"},                                                 \
        {.name = "time",                                                                     \
         .kind = OPTION_TEXT,                                                                \
         .offset = offsetof(type, member.time),                                              \
         .value = "COL",                                                                     \
         .help = "csv: column of the time: dates, or seconds since 1970"},                   \
        {.name = "order",                                                                    \
         .kind = OPTION_TEXT,                                                                \
         .offset = offsetof(type, member.order),                                             \
         .value = "COL",                                                                     \
         .help =                                                                             \
             "csv: column that orders a customer's events; by time, else by row, without "   \
             "one"},                                                                         \
        {.name = "anonymous",                                                                \
         .kind = OPTION_FLAG,                                                                \
         .offset = offsetof(type, member.anonymous),                                         \
         .help = "sequences: lines hold only items, each line is a customer of its own"},    \
        READING_OPTIONS(type, member.table)
/* NOLINTEND(bugprone-macro-parentheses) */

struct history_input {
    struct table *table;  /* owned; NULL = a snapshot was read */
    struct dict names[2]; /* owned; of a snapshot: customers, items */
    struct interactions interactions;
    const struct dict *customers; /* names of customer codes; the table's, or names[0] */
    const struct dict *items;     /* names of item codes; the table's, or names[1] */
    const char *ordered_by;       /* "time", "order", "file" */
    int has_report;               /* a CSV was read */
    struct collect_report report;
};

/* A training snapshot is told by its first bytes. Fails: as collect_read_csv,
 * collect_read_sequences and interactions_init, with the path. */
KAI_MUST_CHECK kai_status history_input_read(struct kai_engine *engine, const char *path,
                                             const kai_interactions_options *options,
                                             struct history_input *ret_input, kai_err *err);
void history_input_release(struct history_input *input);

#endif
