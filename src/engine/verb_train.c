#include "engine/history_input.h"
#include "engine/recommender.h"
#include "engine/verb.h"

static const struct kai_option TRAIN_OPTIONS[] = {
    HISTORY_OPTIONS(kai_train_options, input),
    {.name = "events",
     .kind = OPTION_LIST,
     .offset = offsetof(kai_train_options, events),
     .value = "a,b",
     .help = "without a file: types of the workspace's events to learn from; all by default"},
    {.name = "test-share",
     .kind = OPTION_NUMBER,
     .offset = offsetof(kai_train_options, test_share),
     .fallback = "0.1",
     .low = 0.001,
     .high = 0.9,
     .value = "SHARE",
     .help = "the latest share of the events decides whether the model is promoted"},
    {.name = "model",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_train_options, model),
     .fallback = "transformer",
     .choices = "transformer|popular|recent-popular|item-knn|ials",
     .help = "what to promote"},
    {.name = "save",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_train_options, save),
     .value = "FILE",
     .help = "where the model goes; models/recommender.kai of the workspace by default"},
    {.name = "force",
     .kind = OPTION_FLAG,
     .offset = offsetof(kai_train_options, force),
     .help = "promote the transformer although it does not beat the best yardstick"},
    TRANSFORMER_OPTIONS(kai_train_options, transformer),
    COMMON(kai_train_options),
};

JOB(train)

const struct kai_verb VERB_TRAIN = {
    .table = {.name = "train",
              .summary = "train the behaviour model, and promote it where it beats the yardsticks",
              .usage = "train [INTERACTIONS] [--time COL]",
              OPTIONS(TRAIN_OPTIONS),
              .arguments_min = 0,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_train_options, arguments),
              .example = "kairos train -C shop --events view,cart,order"},
    STRUCT(kai_train_options, train)};
