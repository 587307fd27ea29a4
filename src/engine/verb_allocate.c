#include <kairos/decision.h>

#include "engine/verb.h"

static const struct kai_option ALLOCATE_OPTIONS[] = {
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_allocate_options, out),
     .value = "FILE",
     .help = "where the assignment goes, as CSV"},
    COMMON(kai_allocate_options),
};

JOB(allocate)

const struct kai_verb VERB_ALLOCATE = {
    .table = {.name = "allocate",
              .summary = "solve one allocation problem: value, bound, gap and prices",
              .usage = "allocate PROBLEM.yaml",
              OPTIONS(ALLOCATE_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_allocate_options, arguments),
              .example = "kairos allocate problem.yaml --out assignment.csv"},
    STRUCT(kai_allocate_options, allocate)};
