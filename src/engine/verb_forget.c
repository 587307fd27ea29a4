#include <kairos/privacy.h>

#include "engine/verb.h"

static const struct kai_option FORGET_OPTIONS[] = {
    {.name = "reason",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_forget_options, reason),
     .fallback = "request",
     .value = "TEXT",
     .help = "why, for the record; without identifiers"},
    COMMON(kai_forget_options),
};

JOB(forget)

const struct kai_verb VERB_FORGET = {
    .table = {.name = "forget",
              .summary = "erase a person, keep her from returning, certify it",
              .usage = "forget USER",
              OPTIONS(FORGET_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_forget_options, arguments),
              .example = "kairos forget u1017"},
    STRUCT(kai_forget_options, forget)};
