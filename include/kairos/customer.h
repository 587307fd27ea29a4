/* Know a customer: profiles, segments, feature tables. They read the events of a workspace. */
#ifndef KAIROS_CUSTOMER_H
#define KAIROS_CUSTOMER_H

#include <kairos/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kai_profile_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one user */
    const char *at;     /* a time; NULL = now */
    int64_t events;     /* how many of the latest events are told */
} kai_profile_options;

typedef struct kai_segment_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments;  /* show, export: one name, or none with --rule */
    const char *rule;    /* instead of a segment of kairos.yaml */
    const char *at;      /* a time; "last" = just after the last event; NULL = now */
    int32_t clusters;    /* list: segments by likeness too */
    int64_t k;           /* clusters; 0 = by silhouette */
    int64_t k_max;
    kai_list with;       /* export: and the members of these */
    kai_list only;       /* ... who are in all of these */
    kai_list without;    /* ... and in none of these */
    const char *channel; /* export: who may be addressed in it; NULL = in general */
    int32_t reveal;      /* export: identifiers instead of pseudonyms */
    const char *out;     /* export: "-" = stdout */
} kai_segment_options;

typedef struct kai_features_options {
    uint32_t struct_size;
    kai_common_options common;
    const char *at;    /* a time, "last", or "first+10m" */
    const char *label; /* "churn: no order in 60 days after 30 active"; NULL = none */
    const char *out;   /* "-" = stdout */
    int32_t reveal;
} kai_features_options;

/* Traits, habits, segments and latest events of one customer. Fails: KAI_NOT_FOUND. */
KAI_API int32_t kai_engine_profile(kai_engine *engine, const kai_profile_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* All segments with their sizes and overlaps. */
KAI_API int32_t kai_engine_segment_list(kai_engine *engine, const kai_segment_options *options,
                                        kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* What sets the members of one segment apart. */
KAI_API int32_t kai_engine_segment_show(kai_engine *engine, const kai_segment_options *options,
                                        kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* The members who may be addressed, as CSV. */
KAI_API int32_t kai_engine_segment_export(kai_engine *engine, const kai_segment_options *options,
                                          kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* A feature table at a moment, with a label from what follows. */
KAI_API int32_t kai_engine_features(kai_engine *engine, const kai_features_options *options,
                                    kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

#ifdef __cplusplus
}
#endif
#endif
