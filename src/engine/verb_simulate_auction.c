#include <kairos/world.h>

#include "engine/verb.h"

static const struct kai_option SIMULATE_AUCTION_OPTIONS[] = {
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_simulate_auction_options, out),
     .fallback = "auction",
     .value = "DIR",
     .help = "where log.txt and truth/ go"},
    {.name = "log",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_simulate_auction_options, log),
     .value = "FILE",
     .help = "replay this log (outcome, price, value a line) and simulate nothing"},
    {.name = "auctions",
     .kind = OPTION_INT,
     .offset = offsetof(kai_simulate_auction_options, auctions),
     .fallback = "100000",
     .low = 3000,
     .high = 100000000,
     .value = "N",
     .help = "auctions to simulate"},
    {.name = "episode",
     .kind = OPTION_INT,
     .offset = offsetof(kai_simulate_auction_options, episode),
     .fallback = "1000",
     .low = 1,
     .high = 10000,
     .value = "N",
     .help = "auctions that share a budget"},
    {.name = "budget",
     .kind = OPTION_NUMBER,
     .offset = offsetof(kai_simulate_auction_options, budget),
     .fallback = "0.03125",
     .low = 0.0001,
     .high = 1,
     .value = "SHARE",
     .help = "budget of an episode, as a share of what all its auctions cost"},
    COMMON(kai_simulate_auction_options),
};

JOB(simulate_auction)

const struct kai_verb VERB_SIMULATE_AUCTION = {
    .table = {.name = "simulate auction",
              .summary = "play bidders in a market whose truth is known, or on a log",
              .usage = "simulate auction [--out DIR | --log FILE]",
              OPTIONS(SIMULATE_AUCTION_OPTIONS),
              .example = "kairos simulate auction --log test.theta.txt.gz --budget 0.0625"},
    STRUCT(kai_simulate_auction_options, simulate_auction)};
