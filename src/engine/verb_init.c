#include "engine/verb.h"

static const struct kai_option INIT_OPTIONS[] = {COMMON(kai_init_options)};

JOB(init)

const struct kai_verb VERB_INIT = {
    .table = {.name = "init",
              .summary = "make a workspace",
              .usage = "init DIR",
              OPTIONS(INIT_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_init_options, arguments),
              .example = "kairos init shop"},
    STRUCT(kai_init_options, init)};
