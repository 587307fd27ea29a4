#include <kairos/event.h>

#include "engine/verb.h"

static const struct kai_option LIST_OPTIONS[] = {
    {.name = "raw",
     .kind = OPTION_FLAG,
     .offset = offsetof(kai_quarantine_options, raw),
     .help = "show what came, persons' data too"},
    COMMON(kai_quarantine_options),
};

static const struct kai_option REPLAY_OPTIONS[] = {
    {.name = "fixed",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_quarantine_options, fixed),
     .value = "FILE",
     .help = "JSON Lines with the texts 'id' and 'raw': the events, mended"},
    COMMON(kai_quarantine_options),
};

JOB(quarantine_list)

const struct kai_verb VERB_QUARANTINE_LIST = {
    .table = {.name = "quarantine list",
              .summary = "events that were set aside, with their reason",
              .usage = "quarantine list [--raw]",
              OPTIONS(LIST_OPTIONS),
              .arguments_min = 0,
              .arguments_max = 0,
              .example = "kairos quarantine list --raw --json"},
    STRUCT(kai_quarantine_options, quarantine_list)};

JOB(quarantine_replay)

const struct kai_verb VERB_QUARANTINE_REPLAY = {
    .table = {.name = "quarantine replay",
              .summary = "bring events that were set aside in once more",
              .usage = "quarantine replay [ID...] [--fixed FILE]",
              OPTIONS(REPLAY_OPTIONS),
              .arguments_min = 0,
              .arguments_max = 1000,
              .arguments_offset = offsetof(kai_quarantine_options, arguments),
              .example = "kairos quarantine replay --fixed mended.jsonl"},
    STRUCT(kai_quarantine_options, quarantine_replay)};

static const struct kai_option DROP_OPTIONS[] = {
    {.name = "all",
     .kind = OPTION_FLAG,
     .offset = offsetof(kai_quarantine_options, all),
     .help = "everything that is set aside"},
    COMMON(kai_quarantine_options),
};

JOB(quarantine_drop)

const struct kai_verb VERB_QUARANTINE_DROP = {
    .table = {.name = "quarantine drop",
              .summary = "throw events that were set aside away",
              .usage = "quarantine drop ID... | --all",
              OPTIONS(DROP_OPTIONS),
              .arguments_min = 0,
              .arguments_max = 1000,
              .arguments_offset = offsetof(kai_quarantine_options, arguments),
              .example = "kairos quarantine drop --all -C shop"},
    STRUCT(kai_quarantine_options, quarantine_drop)};
