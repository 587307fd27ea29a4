#include <kairos/event.h>

#include "engine/reading.h"
#include "engine/verb.h"

#define COLUMN_OPTION(member, column, words)                                                   \
    {                                                                                          \
        .name = column "-column", .kind = OPTION_TEXT,                                         \
        .offset = offsetof(kai_catalogue_options, member), .fallback = column, .value = "COL", \
        .help = words                                                                          \
    }

static const struct kai_option SET_OPTIONS[] = {
    COLUMN_OPTION(item, "item", "column of the item"),
    COLUMN_OPTION(title, "title", "column of its title, where there is one"),
    COLUMN_OPTION(category, "category", "column of its category, where there is one"),
    COLUMN_OPTION(price, "price", "column of its price, where there is one"),
    COLUMN_OPTION(stock, "stock", "column of how many are left, where there is one"),
    COMMON(kai_catalogue_options),
};

static const struct kai_option SHOW_OPTIONS[] = {
    COMMON(kai_catalogue_options),
};

JOB(catalogue_set)

const struct kai_verb VERB_CATALOGUE_SET = {
    .table = {.name = "catalogue set",
              .summary = "what the shop sells, from a CSV: all of it",
              .usage = "catalogue set FILE [--item-column COL]",
              OPTIONS(SET_OPTIONS),
              .arguments_min = 1,
              .arguments_max = 1,
              .arguments_offset = offsetof(kai_catalogue_options, arguments),
              .example = "kairos catalogue set items.csv --item-column sku -C shop"},
    STRUCT(kai_catalogue_options, catalogue_set)};

JOB(catalogue_show)

const struct kai_verb VERB_CATALOGUE_SHOW = {
    .table = {.name = "catalogue show",
              .summary = "what the shop sells",
              .usage = "catalogue show [ITEM...]",
              OPTIONS(SHOW_OPTIONS),
              .arguments_min = 0,
              .arguments_max = 1000,
              .arguments_offset = offsetof(kai_catalogue_options, arguments),
              .example = "kairos catalogue show sku-17 -C shop"},
    STRUCT(kai_catalogue_options, catalogue_show)};
