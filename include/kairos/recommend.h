/* What comes next: options of `backtest`, `train` and `recommend`. */
#ifndef KAIROS_RECOMMEND_H
#define KAIROS_RECOMMEND_H

#include <kairos/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where histories come from, and how they are read. */
typedef struct kai_interactions_options {
    const char *format; /* "csv", "sequences" */
    const char *user;   /* csv: columns */
    const char *item;
    const char *time;  /* NULL = no times */
    const char *order; /* NULL = by time, else by row */
    int32_t anonymous; /* sequences: lines have no customer */
    kai_table_options table;
} kai_interactions_options;

/* How the behaviour model is trained. */
typedef struct kai_transformer_options {
    const char *size; /* "small", "base", "large" */
    int64_t epochs;   /* 0 = until the validation is no better */
    int64_t tokens;   /* 0 = 20 million where no epochs and no minutes are given */
    double minutes;   /* 0 = no limit by the clock */
} kai_transformer_options;

typedef struct kai_backtest_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one file of interactions */
    kai_interactions_options input;
    const char *protocol; /* "leave-one-out", "time-split", "given" */
    const char *test;     /* given: the file of questions */
    double test_share;    /* time-split */
    const char *split_at; /* time-split: a date or a number, as the time column has them */
    int64_t questions;    /* ask at most so many customers; 0 = all */
    kai_list models;
    kai_transformer_options transformer;
    kai_list metrics;
    const char *seen; /* "exclude", "include" */
    double confidence;
} kai_backtest_options;

typedef struct kai_train_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one file of interactions; none = the events of the workspace */
    kai_list events;    /* of the workspace: types; empty = all */
    kai_interactions_options input;
    double test_share; /* of the split that decides */
    kai_transformer_options transformer;
    const char *model; /* what to promote: "transformer", or a yardstick */
    const char *save;  /* NULL = models/recommender.kai of the workspace */
    int32_t force;     /* promote although a yardstick is as good */
} kai_train_options;

typedef struct kai_recommend_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* customers */
    const char *model;  /* NULL = models/recommender.kai of the workspace */
    int64_t k;
    int32_t all;      /* every customer of the model */
    const char *out;  /* CSV; NULL = a page, or JSON */
    const char *seen; /* "exclude", "include" */
    kai_list exclude;
    kai_list pin;
    kai_list bury;
    kai_list boost;        /* "ITEM=AMOUNT" */
    const char *catalogue; /* CSV of items */
    const char *item_column;
    const char *category_column;
    const char *price_column;
    const char *stock_column;
    kai_list category; /* only of these */
    double price_min;
    double price_max;
    int32_t in_stock;
    int64_t per_category;
    double diversity;
    int32_t reasons;
} kai_recommend_options;

/* Train the behaviour model, hold it against the yardsticks on a time split, and save it where it
 * wins. Fails: KAI_DENIED where it does not. */
KAI_API int32_t kai_engine_train(kai_engine *engine, const kai_train_options *options,
                                 kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Recommend items under the rules of a shop. */
KAI_API int32_t kai_engine_recommend(kai_engine *engine, const kai_recommend_options *options,
                                     kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Measure recommenders on history under a stated protocol. */
KAI_API int32_t kai_engine_backtest(kai_engine *engine, const kai_backtest_options *options,
                                    kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

#ifdef __cplusplus
}
#endif
#endif
