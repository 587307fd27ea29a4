#include <kairos/customer.h>

#include "engine/verb.h"

static const struct kai_option PROFILE_OPTIONS[] = {
    {.name = "at",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_profile_options, at),
     .value = "TIME",
     .help = "the moment; now by default"},
    {.name = "events",
     .kind = OPTION_INT,
     .offset = offsetof(kai_profile_options, events),
     .fallback = "100",
     .low = 0,
     .high = 1e9,
     .value = "N",
     .help = "how many of the latest events are told, with --json"},
    COMMON(kai_profile_options),
};

JOB(profile)

const struct kai_verb VERB_PROFILE = {
    .table = {.name = "profile",
              .summary = "traits, habits, segments and events of one customer",
              .usage = "profile USER",
              OPTIONS(PROFILE_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_profile_options, arguments),
              .example = "kairos profile u1017"},
    STRUCT(kai_profile_options, profile)};
