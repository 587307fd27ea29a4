#include <kairos/customer.h>

#include "engine/verb.h"

static const struct kai_option FEATURES_OPTIONS[] = {
    {.name = "at",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_features_options, at),
     .value = "TIME",
     .help = "the moment: a time, last, or first+10m for each customer's own"},
    {.name = "label",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_features_options, label),
     .value = "TEXT",
     .help = "what to predict, as in \"churn: no order in 60 days after 30 active\""},
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_features_options, out),
     .fallback = "-",
     .value = "FILE",
     .help = "where the table goes, as CSV"},
    {.name = "reveal",
     .kind = OPTION_FLAG,
     .offset = offsetof(kai_features_options, reveal),
     .help = "identifiers instead of pseudonyms; it is recorded"},
    COMMON(kai_features_options),
};

JOB(features)

const struct kai_verb VERB_FEATURES = {
    .table =
        {.name = "features",
         .summary = "a table for fit: traits at a moment, a label from what follows",
         .usage = "features --at TIME [--label TEXT]",
         OPTIONS(FEATURES_OPTIONS),
         .arguments_min = 0,
         .arguments_max = 0,
         .example =
             "kairos features --at 2011-09-01 --label \"churn: no order in 60 days after 90 active\" --out churn.csv"},
    STRUCT(kai_features_options, features)};
