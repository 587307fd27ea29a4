#include "engine/reading.h"
#include "engine/verb.h"

static const struct kai_option EXPLAIN_OPTIONS[] = {
    {.name = "row",
     .kind = OPTION_INT,
     .offset = offsetof(kai_explain_options, row),
     .fallback = "1",
     .low = 1,
     .high = 9e15,
     .value = "N",
     .help = "data row of the table, from 1"},
    {.name = "model",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_explain_options, model),
     .choices = "forest|boost|mlp",
     .help = "which model of the file; the best by default"},
    READING_OPTIONS(kai_explain_options, table),
    COMMON(kai_explain_options),
};

JOB(explain)

const struct kai_verb VERB_EXPLAIN = {
    .table = {.name = "explain",
              .summary = "say why: a score by its features, a decision by its receipt",
              .usage = "explain (score MODEL TABLE --row N | decision RECEIPTS ID)",
              OPTIONS(EXPLAIN_OPTIONS),
              .arguments_min = 3,
              .arguments_max = 3,
              .arguments_offset = offsetof(kai_explain_options, arguments),
              .example = "kairos explain decision spring/receipts.jsonl.gz 1017"},
    STRUCT(kai_explain_options, explain)};
