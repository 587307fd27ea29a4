#include <kairos/world.h>

#include "engine/verb.h"

static const struct kai_option SIMULATE_EVENTS_OPTIONS[] = {
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_simulate_events_options, out),
     .fallback = "stream",
     .value = "DIR",
     .help = "where events.jsonl, items.csv, touches.csv and truth/ go"},
    {.name = "customers",
     .kind = OPTION_INT,
     .offset = offsetof(kai_simulate_events_options, customers),
     .fallback = "1000",
     .low = 1,
     .high = 10000000,
     .value = "N",
     .help = "customers; half are there on the first day"},
    {.name = "days",
     .kind = OPTION_INT,
     .offset = offsetof(kai_simulate_events_options, days),
     .fallback = "180",
     .low = 1,
     .high = 3650,
     .value = "DAYS",
     .help = "length; the last day is 2025-06-30"},
    {.name = "items",
     .kind = OPTION_INT,
     .offset = offsetof(kai_simulate_events_options, items),
     .fallback = "1000",
     .low = 8,
     .high = 1000000,
     .value = "N",
     .help = "items, in 8 categories"},
    {.name = "signed-out",
     .kind = OPTION_NUMBER,
     .offset = offsetof(kai_simulate_events_options, signed_out),
     .fallback = "0",
     .low = 0,
     .high = 1,
     .value = "SHARE",
     .help = "of sessions that only a device tells apart; the same things happen"},
    COMMON(kai_simulate_events_options),
};

JOB(simulate_events)

const struct kai_verb VERB_SIMULATE_EVENTS = {
    .table = {.name = "simulate events",
              .summary = "a shop's stream of events, and apart what truly caused it",
              .usage = "simulate events --out DIR",
              OPTIONS(SIMULATE_EVENTS_OPTIONS),
              .example = "kairos simulate events --out stream --customers 5000 --days 365"},
    STRUCT(kai_simulate_events_options, simulate_events)};
