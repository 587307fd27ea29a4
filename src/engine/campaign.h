/* The campaign file: what was tried, what may be offered, what it may cost, what is wanted.
 *
 * PRODUCT.md's `run` section is the contract; docs/formats/campaign.md lists every key with type,
 * default and range, printed from the tables in campaign.c. A campaign is read once and never
 * changes. An error names file, line, column and key.
 */
#ifndef KAIROS_ENGINE_CAMPAIGN_H
#define KAIROS_ENGINE_CAMPAIGN_H

#include <kairos/engine.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/options.h"

struct campaign_offer {
    uint32_t struct_size;
    const char *name;
    double cost;         /* money for one customer treated */
    const char *channel; /* "" = none */
};

struct campaign_capacity {
    const char *name; /* of an offer or of a channel */
    double limit;     /* customers at most; infinite where only `least` is given */
    double least;     /* customers at least; 0 = none */
    int is_channel;
};

struct campaign_customers {
    uint32_t struct_size;
    const char *table; /* as written; campaign_path makes it a path */
    const char *id;    /* NULL = the row number, from 1 */
    struct option_list features, sensitive, drop;
    const char *consent; /* column: only customers with yes there may be treated; NULL = all may */
    kai_table_options reading;
};

struct campaign_history {
    uint32_t struct_size;
    const char *table; /* NULL = the customers' table */
    const char *action, *control;
    const char *propensity; /* "uniform", "estimate" or a column */
    const char *value_column;
    double margin;
    struct option_list also;
    kai_table_options reading;
};

struct campaign_market {
    uint32_t struct_size;
    const char *table; /* NULL = no market */
    struct option_list join;
    const char *factor;
    const char
        *date; /* column of both tables: the latest market row not after the customer's date */
    double fallback; /* NaN = a missing key is an error */
};

struct campaign_limits {
    uint32_t struct_size;
    double budget; /* NaN = none */
    int64_t per_customer;
    const char *fairness_column; /* NULL = none */
    double max_gap;
};

struct campaign_evaluate {
    uint32_t struct_size;
    int64_t folds;
    double confidence;
    const char *crossing; /* "apart", "rotation", "all" (evaluate/rotation.h) */
    struct option_list learners;
};

struct campaign {
    struct arena arena; /* owns every text */
    const char *file;   /* the path it came from */
    const char *name;
    const char *goal; /* "profit", "value" or an outcome of `also` */
    double hold_out;
    struct campaign_customers customers;
    struct campaign_history history;
    struct campaign_offer *offers;
    int32_t offer_count;
    struct campaign_market market;
    struct campaign_limits limits;
    struct campaign_capacity *capacities;
    int32_t capacity_count;
    struct campaign_evaluate evaluate;
};

/* Fails: KAI_INVALID with file, line, column and key; KAI_NOT_FOUND, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status campaign_load(const char *path, struct campaign *ret_campaign,
                                        kai_err *err);
/* The same over bytes; `path` names them in errors and is where relative paths start. */
KAI_MUST_CHECK kai_status campaign_parse(const char *path, const char *bytes, size_t size,
                                         struct campaign *ret_campaign, kai_err *err);
/* The section `limits` of any file that has one, into limits and capacities of a campaign whose
 * arena and offers (name, channel) are there. Fails as campaign_load. */
KAI_MUST_CHECK kai_status campaign_read_limits(struct campaign *campaign,
                                               const struct yaml_tree *tree, kai_err *err);
void campaign_release(struct campaign *campaign);
/* Every key as Markdown, for docs/formats/campaign.md. */
KAI_MUST_CHECK kai_status campaign_print_markdown(struct buf *out, kai_err *err);
/* Index of the offer of that name, or -1. */
int32_t campaign_find_offer(const struct campaign *campaign, const char *name);
/* The enum effect_learner of that name, or -1. */
int32_t campaign_learner(const char *name);

#endif
