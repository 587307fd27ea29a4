#include <kairos/privacy.h>

#include "engine/verb.h"

static const struct kai_option SHOW_OPTIONS[] = {
    COMMON(kai_consent_options),
};

static const struct kai_option STATE_OPTIONS[] = {
    {.name = "purpose",
     .kind = OPTION_LIST,
     .offset = offsetof(kai_consent_options, purposes),
     .value = "a,b",
     .help =
         "analytics, personalisation, marketing-email, marketing-sms, marketing-ads, sharing; or not-personalised, the switch"},
    {.name = "proof",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_consent_options, proof),
     .fallback = "",
     .value = "TEXT",
     .help = "what shows it: the sentence agreed to, a form, a call"},
    {.name = "source",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_consent_options, source),
     .fallback = "cli",
     .value = "NAME",
     .help = "who wrote it down"},
    {.name = "time",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_consent_options, time),
     .value = "TIME",
     .help = "when it was said; now by default"},
    COMMON(kai_consent_options),
};

JOB(consent_show)

const struct kai_verb VERB_CONSENT_SHOW = {
    .table = {.name = "consent show",
              .summary = "what a person allows, by purpose",
              .usage = "consent show USER",
              OPTIONS(SHOW_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_consent_options, arguments),
              .example = "kairos consent show u1017"},
    STRUCT(kai_consent_options, consent_show)};

JOB(consent_set)

const struct kai_verb VERB_CONSENT_SET = {
    .table = {.name = "consent set",
              .summary = "a person agrees: keep it with its time and proof",
              .usage = "consent set USER --purpose a,b",
              OPTIONS(STATE_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_consent_options, arguments),
              .example = "kairos consent set u1017 --purpose marketing-email --proof \"form 7\""},
    STRUCT(kai_consent_options, consent_set)};

JOB(consent_withdraw)

const struct kai_verb VERB_CONSENT_WITHDRAW = {
    .table = {.name = "consent withdraw",
              .summary = "a person refuses: keep it with its time and proof",
              .usage = "consent withdraw USER --purpose a,b",
              OPTIONS(STATE_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_consent_options, arguments),
              .example = "kairos consent withdraw u1017 --purpose analytics"},
    STRUCT(kai_consent_options, consent_withdraw)};
