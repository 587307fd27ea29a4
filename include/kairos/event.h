/* Bring events in, and say what is there. */
#ifndef KAIROS_EVENT_H
#define KAIROS_EVENT_H

#include <kairos/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kai_collect_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments;  /* files: CSV with a mapping, JSON Lines without */
    const char *mapping; /* a YAML file: which column is what; NULL = JSON Lines */
} kai_collect_options;

typedef struct kai_events_options {
    uint32_t struct_size;
    kai_common_options common;
    const char *out;      /* a CSV of what somebody did with an item; NULL = none */
    const char *snapshot; /* the same as a training snapshot; NULL = none */
    kai_list types;       /* of both; empty = all */
} kai_events_options;

/* store verify, store backup FILE */
typedef struct kai_store_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* backup: one file */
} kai_store_options;

/* quarantine list, quarantine replay */
typedef struct kai_quarantine_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* replay: ids; none = all. drop: ids */
    int32_t raw;        /* list: show what came */
    const char *fixed;  /* replay: JSON Lines of {"id","raw"}; NULL = as they came */
    int32_t all;        /* drop: everything */
} kai_quarantine_options;

/* catalogue set FILE, catalogue show */
typedef struct kai_catalogue_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* set: one file. show: items; none = all */
    const char *item;   /* set: columns */
    const char *title;
    const char *category;
    const char *price;
    const char *stock;
    kai_table_options table;
} kai_catalogue_options;

/* Events from files into the workspace, through the doorway; a file that comes twice changes
 * nothing. */
KAI_API int32_t kai_engine_collect(kai_engine *engine, const kai_collect_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Counts by type, the span of time, customers, flags; and by option what train and backtest read.
 */
KAI_API int32_t kai_engine_events(kai_engine *engine, const kai_events_options *options,
                                  kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Walk the whole store. Fails: KAI_CORRUPT naming the first fault. */
KAI_API int32_t kai_engine_store_verify(kai_engine *engine, const kai_store_options *options,
                                        kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Copy the store into one file, while it is used. Fails: KAI_EXISTS. */
KAI_API int32_t kai_engine_store_backup(kai_engine *engine, const kai_store_options *options,
                                        kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* What was set aside, with its reason. */
KAI_API int32_t kai_engine_quarantine_list(kai_engine *engine,
                                           const kai_quarantine_options *options, kai_buf *ret_json,
                                           kai_buf *ret_text, kai_err *err);
/* What was set aside, once more, as it came or mended. What is an event now leaves the quarantine.
 */
KAI_API int32_t kai_engine_quarantine_replay(kai_engine *engine,
                                             const kai_quarantine_options *options,
                                             kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

/* Throw away what was set aside. Fails: KAI_NOT_FOUND (no such id; nothing is dropped). */
KAI_API int32_t kai_engine_quarantine_drop(kai_engine *engine,
                                           const kai_quarantine_options *options, kai_buf *ret_json,
                                           kai_buf *ret_text, kai_err *err);

/* A CSV as the workspace's whole catalogue of items: profiles, segments and features take an item's
 * category from it, recommend its filters. Fails: KAI_NOT_FOUND (a column), KAI_INVALID. */
KAI_API int32_t kai_engine_catalogue_set(kai_engine *engine, const kai_catalogue_options *options,
                                         kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* What is listed. Fails: KAI_NOT_FOUND (none of the items that were named). */
KAI_API int32_t kai_engine_catalogue_show(kai_engine *engine, const kai_catalogue_options *options,
                                          kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

#ifdef __cplusplus
}
#endif
#endif
