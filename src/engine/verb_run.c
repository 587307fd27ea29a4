#include "engine/verb.h"

static const struct kai_option RUN_OPTIONS[] = {
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_run_options, out),
     .value = "DIR",
     .help = "where the plan and the report go; ./<campaign>-<seed> by default"},
    {.name = "lang",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_run_options, lang),
     .fallback = "auto",
     .choices = "auto|en|zh",
     .help = "language of report.html"},
    COMMON(kai_run_options),
};

JOB(run)

const struct kai_verb VERB_RUN = {
    .table = {.name = "run",
              .summary = "one campaign, from a raw table to a proven plan",
              .usage = "run CAMPAIGN.yaml",
              OPTIONS(RUN_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_run_options, arguments),
              .example = "kairos run spring.yaml --out spring"},
    STRUCT(kai_run_options, run)};
