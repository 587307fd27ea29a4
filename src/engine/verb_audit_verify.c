#include <kairos/privacy.h>

#include "engine/verb.h"

static const struct kai_option AUDIT_VERIFY_OPTIONS[] = {
    {.name = "head",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_audit_verify_options, head),
     .value = "MAC",
     .help = "a head written down before, which must stand in the record"},
    COMMON(kai_audit_verify_options),
};

JOB(audit_verify)

const struct kai_verb VERB_AUDIT_VERIFY = {
    .table = {.name = "audit verify",
              .summary = "find any change of the record; check certificates",
              .usage = "audit verify [CERTIFICATE...]",
              OPTIONS(AUDIT_VERIFY_OPTIONS),
              .arguments_min = 0,
              .arguments_max = 1000,
              .arguments_offset = offsetof(kai_audit_verify_options, arguments),
              .example = "kairos audit verify"},
    STRUCT(kai_audit_verify_options, audit_verify)};
