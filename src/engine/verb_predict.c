#include "engine/reading.h"
#include "engine/verb.h"

static const struct kai_option PREDICT_OPTIONS[] = {
    {.name = "model",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_predict_options, model),
     .choices = "forest|boost|mlp",
     .help = "which model of the file; the best by default"},
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_predict_options, out),
     .fallback = "-",
     .value = "FILE",
     .help = "where the scores go, as CSV"},
    READING_OPTIONS(kai_predict_options, table),
    COMMON(kai_predict_options),
};

JOB(predict)

const struct kai_verb VERB_PREDICT = {
    .table = {.name = "predict",
              .summary = "score the rows of a table with a saved model",
              .usage = "predict MODEL TABLE",
              OPTIONS(PREDICT_OPTIONS),
              .arguments_min = 2,
              .arguments_max = 2,
              .arguments_offset = offsetof(kai_predict_options, arguments),
              .example = "kairos predict churn.kai customers.csv --out scores.csv"},
    STRUCT(kai_predict_options, predict)};
