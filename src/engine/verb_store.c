#include <kairos/event.h>

#include "engine/verb.h"

static const struct kai_option STORE_OPTIONS[] = {
    COMMON(kai_store_options),
};

JOB(store_verify)

const struct kai_verb VERB_STORE_VERIFY = {
    .table = {.name = "store verify",
              .summary = "walk the whole store: is it sound?",
              .usage = "store verify",
              OPTIONS(STORE_OPTIONS),
              .arguments_min = 0,
              .arguments_max = 0,
              .example = "kairos store verify -C shop"},
    STRUCT(kai_store_options, store_verify)};

JOB(store_backup)

const struct kai_verb VERB_STORE_BACKUP = {
    .table = {.name = "store backup",
              .summary = "copy the store into one file, while it is used",
              .usage = "store backup FILE",
              OPTIONS(STORE_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_store_options, arguments),
              .example = "kairos store backup /backup/shop.db -C shop"},
    STRUCT(kai_store_options, store_backup)};
