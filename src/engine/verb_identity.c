#include <kairos/privacy.h>

#include "engine/verb.h"

static const struct kai_option PLAIN_OPTIONS[] = {
    COMMON(kai_identity_options),
};

JOB(identity_show)

const struct kai_verb VERB_IDENTITY_SHOW = {
    .table = {.name = "identity show",
              .summary = "the identifiers of a person and the edges between them",
              .usage = "identity show USER",
              OPTIONS(PLAIN_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_identity_options, arguments),
              .example = "kairos identity show u1017"},
    STRUCT(kai_identity_options, identity_show)};

JOB(identity_merge)

const struct kai_verb VERB_IDENTITY_MERGE = {
    .table = {.name = "identity merge",
              .summary = "say that two users are one",
              .usage = "identity merge USER USER",
              OPTIONS(PLAIN_OPTIONS),
              .arguments_min = 2,
              .arguments_max = 2,
              .arguments_offset = offsetof(kai_identity_options, arguments),
              .example = "kairos identity merge u1017 u2044"},
    STRUCT(kai_identity_options, identity_merge)};

JOB(identity_undo)

const struct kai_verb VERB_IDENTITY_UNDO = {
    .table = {.name = "identity undo",
              .summary = "undo an edge: the histories part again",
              .usage = "identity undo EDGE",
              OPTIONS(PLAIN_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_identity_options, arguments),
              .example = "kairos identity undo 12"},
    STRUCT(kai_identity_options, identity_undo)};
