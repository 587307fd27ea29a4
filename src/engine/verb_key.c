#include <kairos/privacy.h>

#include "engine/verb.h"

static const struct kai_option NEW_OPTIONS[] = {
    {.name = "name",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_key_options, name),
     .value = "NAME",
     .help = "what the key is called in lists and in the record"},
    {.name = "scopes",
     .kind = OPTION_LIST,
     .offset = offsetof(kai_key_options, scopes),
     .fallback = "write",
     .value = "a,b",
     .help = "of write, read, decide, admin"},
    {.name = "rate",
     .kind = OPTION_NUMBER,
     .offset = offsetof(kai_key_options, rate),
     .fallback = "0",
     .low = 0,
     .high = 1e9,
     .value = "N",
     .help = "requests a second; 0 sets no limit"},
    {.name = "burst",
     .kind = OPTION_NUMBER,
     .offset = offsetof(kai_key_options, burst),
     .fallback = "0",
     .low = 0,
     .high = 1e9,
     .value = "N",
     .help = "requests at once; 0 is twice the rate"},
    COMMON(kai_key_options),
};

static const struct kai_option PLAIN_OPTIONS[] = {
    COMMON(kai_key_options),
};

JOB(key_new)

const struct kai_verb VERB_KEY_NEW = {
    .table = {.name = "key new",
              .summary = "make an API key; it is told this once",
              .usage = "key new --name NAME",
              OPTIONS(NEW_OPTIONS),
              .arguments_min = 0,
              .arguments_max = 0,
              .example = "kairos key new --name web --scopes write --rate 1000"},
    STRUCT(kai_key_options, key_new)};

JOB(key_list)

const struct kai_verb VERB_KEY_LIST = {.table = {.name = "key list",
                                                 .summary = "the API keys of the workspace",
                                                 .usage = "key list",
                                                 OPTIONS(PLAIN_OPTIONS),
                                                 .arguments_min = 0,
                                                 .arguments_max = 0,
                                                 .example = "kairos key list"},
                                       STRUCT(kai_key_options, key_list)};

JOB(key_revoke)

const struct kai_verb VERB_KEY_REVOKE = {
    .table = {.name = "key revoke",
              .summary = "take an API key out of force",
              .usage = "key revoke ID",
              OPTIONS(PLAIN_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_key_options, arguments),
              .example = "kairos key revoke 5f0c6a1e2b3d4f60"},
    STRUCT(kai_key_options, key_revoke)};
