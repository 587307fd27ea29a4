#include <kairos/event.h>

#include "engine/verb.h"

static const struct kai_option COLLECT_OPTIONS[] = {
    {.name = "mapping",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_collect_options, mapping),
     .value = "FILE",
     .help = "which column of a CSV is what (YAML); without it the files are JSON Lines"},
    COMMON(kai_collect_options),
};
static const struct kai_option EVENTS_OPTIONS[] = {
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_events_options, out),
     .value = "FILE",
     .help = "write who did what with which item, as CSV that train and backtest read"},
    {.name = "types",
     .kind = OPTION_LIST,
     .offset = offsetof(kai_events_options, types),
     .value = "a,b",
     .help = "types of the events that are written; all by default"},
    {.name = "snapshot",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_events_options, snapshot),
     .value = "FILE",
     .help = "write the same as a training snapshot: sorted columns that train and backtest map"},
    COMMON(kai_events_options),
};

JOB(collect)
JOB(events)

const struct kai_verb VERB_COLLECT = {
    .table = {.name = "collect",
              .summary = "bring events from files into the workspace; twice is once",
              .usage = "collect FILE... [--mapping MAPPING.yaml]",
              OPTIONS(COLLECT_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1000,
              .arguments_offset = offsetof(kai_collect_options, arguments),
              .example = "kairos collect orders.csv.gz --mapping orders.yaml -C shop"},
    STRUCT(kai_collect_options, collect)};

const struct kai_verb VERB_EVENTS = {
    .table = {.name = "events",
              .summary = "what events the workspace holds: counts, span, quality",
              .usage = "events [--out FILE | --snapshot FILE]",
              OPTIONS(EVENTS_OPTIONS),
              .example = "kairos events -C shop --out seen.csv.gz --types view,order"},
    STRUCT(kai_events_options, events)};
