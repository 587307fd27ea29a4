#include <kairos/privacy.h>

#include "engine/verb.h"

static const struct kai_option EXPORT_OPTIONS[] = {
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_export_options, out),
     .fallback = "-",
     .value = "FILE",
     .help = "where the document goes"},
    COMMON(kai_export_options),
};

JOB(export)

const struct kai_verb VERB_EXPORT = {
    .table = {.name = "export",
              .summary = "everything that is held about a person, as JSON",
              .usage = "export USER",
              OPTIONS(EXPORT_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_export_options, arguments),
              .example = "kairos export u1017 --out u1017.json"},
    STRUCT(kai_export_options, export)};
