#include <kairos/proof.h>

#include "engine/reading.h"
#include "engine/verb.h"

static const struct kai_option ATTRIBUTION_OPTIONS[] = {
    {.name = "models",
     .kind = OPTION_LIST,
     .offset = offsetof(kai_evaluate_attribution_options, models),
     .fallback = "first,last,linear,time-decay,position,shapley,markov",
     .value = "a,b",
     .help = "of first, last, linear, time-decay, position, shapley, markov, markov-shapley"},
    {.name = "half-life",
     .kind = OPTION_NUMBER,
     .offset = offsetof(kai_evaluate_attribution_options, half_life),
     .fallback = "7",
     .low = 1e-6,
     .high = 1e6,
     .value = "DAYS",
     .help = "after which a touch counts half as much, for time-decay"},
    {.name = "lift",
     .kind = OPTION_LIST,
     .offset = offsetof(kai_evaluate_attribution_options, lifts),
     .value = "CHANNEL=N[:LOW:HIGH],...",
     .help = "conversions that an experiment says a channel caused: credits are held against them"},
    {.name = "permutations",
     .kind = OPTION_INT,
     .offset = offsetof(kai_evaluate_attribution_options, permutations),
     .fallback = "1000",
     .low = 2,
     .high = 1000000,
     .value = "N",
     .help = "orders that markov-shapley draws beyond 12 channels"},
    {.name = "confidence",
     .kind = OPTION_NUMBER,
     .offset = offsetof(kai_evaluate_attribution_options, confidence),
     .fallback = "0.95",
     .low = 0.5,
     .high = 0.99999,
     .value = "SHARE",
     .help = "of every interval"},
    READING_OPTIONS(kai_evaluate_attribution_options, table),
    COMMON(kai_evaluate_attribution_options),
};

JOB(evaluate_attribution)

const struct kai_verb VERB_EVALUATE_ATTRIBUTION = {
    .table = {.name = "evaluate attribution",
              .summary = "share conversions out among the channels touched before them",
              .usage = "evaluate attribution PATHS",
              OPTIONS(ATTRIBUTION_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_evaluate_attribution_options, arguments),
              .example = "kairos evaluate attribution touches.csv --models last,markov,shapley"},
    STRUCT(kai_evaluate_attribution_options, evaluate_attribution)};
