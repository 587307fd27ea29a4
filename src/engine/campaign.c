#include "engine/campaign.h"

#include <math.h>
#include <string.h>

#include "base/caps.h"
#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"
#include "engine/reading.h"
#include "learn/effect.h"

#define FIELD(type, field) .offset = offsetof(struct type, field)
static const struct kai_option ROOT_KEYS[] = {
    {.name = "campaign",
     .kind = OPTION_TEXT,
     FIELD(campaign, name),
     .fallback = "campaign",
     .help = "name of the campaign"},
    {.name = "goal",
     .kind = OPTION_TEXT,
     FIELD(campaign, goal),
     .fallback = "profit",
     .help = "profit (value - cost), value, or the name of an outcome in `also`"},
    {.name = "hold-out",
     .kind = OPTION_NUMBER,
     FIELD(campaign, hold_out),
     .fallback = "0.1",
     .low = 0,
     .high = 0.9,
     .help = "share of customers kept untreated, to prove the effect later"},
};
static const struct kai_option CUSTOMERS_KEYS[] = {
    {.name = "table",
     .kind = OPTION_TEXT,
     FIELD(campaign_customers, table),
     .value = "FILE",
     .help = "one row a customer"},
    {.name = "id",
     .kind = OPTION_TEXT,
     FIELD(campaign_customers, id),
     .value = "COL",
     .help = "names a customer; the row number by default"},
    {.name = "features",
     .kind = OPTION_LIST,
     FIELD(campaign_customers, features),
     .value = "[COL, ...]",
     .help = "what the models see; every column not named elsewhere"},
    {.name = "sensitive",
     .kind = OPTION_LIST,
     FIELD(campaign_customers, sensitive),
     .value = "[COL, ...]",
     .help = "never a feature; audited and, if asked, limited"},
    {.name = "drop",
     .kind = OPTION_LIST,
     FIELD(campaign_customers, drop),
     .value = "[COL, ...]",
     .help = "columns that are never features"},
    {.name = "consent",
     .kind = OPTION_TEXT,
     FIELD(campaign_customers, consent),
     .value = "COL",
     .help = "only customers with yes in this column may be treated (opt-in)"},
    READING_OPTIONS(struct campaign_customers, reading),
};
static const struct kai_option HISTORY_KEYS[] = {
    {.name = "table",
     .kind = OPTION_TEXT,
     FIELD(campaign_history, table),
     .value = "FILE",
     .help = "what was tried and what happened; the customers' table by default"},
    {.name = "action",
     .kind = OPTION_TEXT,
     FIELD(campaign_history, action),
     .value = "COL",
     .help = "which offer the customer got"},
    {.name = "control",
     .kind = OPTION_TEXT,
     FIELD(campaign_history, control),
     .value = "VALUE",
     .help = "the action that means nothing was done"},
    {.name = "propensity",
     .kind = OPTION_TEXT,
     FIELD(campaign_history, propensity),
     .fallback = "uniform",
     .value = "uniform|estimate|COL",
     .help = "probability of the logged action"},
    READING_OPTIONS(struct campaign_history, reading),
};
static const struct kai_option VALUE_KEYS[] = {
    {.name = "column",
     .kind = OPTION_TEXT,
     FIELD(campaign_history, value_column),
     .value = "COL",
     .help = "the outcome that is worth money"},
    {.name = "margin",
     .kind = OPTION_NUMBER,
     FIELD(campaign_history, margin),
     .fallback = "1",
     .low = -1e12,
     .high = 1e12,
     .help = "what a unit of the outcome is worth"},
};
static const struct kai_option OUTCOMES_KEYS[] = {
    {.name = "also",
     .kind = OPTION_LIST,
     FIELD(campaign_history, also),
     .value = "[COL, ...]",
     .help = "outcomes that are reported with the same care"},
};
static const struct kai_option OFFER_KEYS[] = {
    {.name = "name",
     .kind = OPTION_TEXT,
     FIELD(campaign_offer, name),
     .value = "VALUE",
     .help = "a value of the action column"},
    {.name = "cost",
     .kind = OPTION_NUMBER,
     FIELD(campaign_offer, cost),
     .fallback = "0",
     .low = 0,
     .high = 1e12,
     .help = "money for one customer treated"},
    {.name = "channel",
     .kind = OPTION_TEXT,
     FIELD(campaign_offer, channel),
     .fallback = "",
     .help = "how it is delivered"},
};
static const struct kai_option MARKET_KEYS[] = {
    {.name = "table",
     .kind = OPTION_TEXT,
     FIELD(campaign_market, table),
     .value = "FILE",
     .help = "factors from market data"},
    {.name = "join",
     .kind = OPTION_LIST,
     FIELD(campaign_market, join),
     .value = "[COL, ...]",
     .help = "columns of the market table, found among the customers' columns or the offer's "
             "`channel` and `offer`"},
    {.name = "factor",
     .kind = OPTION_TEXT,
     FIELD(campaign_market, factor),
     .value = "COL",
     .help = "multiplied into value"},
    {.name = "date",
     .kind = OPTION_TEXT,
     FIELD(campaign_market, date),
     .value = "COL",
     .help = "date column of both tables: the latest factor not after the customer's date"},
    {.name = "default",
     .kind = OPTION_NUMBER,
     FIELD(campaign_market, fallback),
     .low = 1e-12,
     .high = 1e12,
     .help = "factor where the key is missing; an error without it"},
};
static const struct kai_option LIMITS_KEYS[] = {
    {.name = "budget",
     .kind = OPTION_NUMBER,
     FIELD(campaign_limits, budget),
     .low = 0,
     .high = 1e15,
     .help = "money that may be spent; none by default"},
    {.name = "per-customer",
     .kind = OPTION_INT,
     FIELD(campaign_limits, per_customer),
     .fallback = "1",
     .low = 1,
     .high = CAPS_OFFERS,
     .help = "offers a customer may get at most"},
};
static const struct kai_option FAIRNESS_KEYS[] = {
    {.name = "column",
     .kind = OPTION_TEXT,
     FIELD(campaign_limits, fairness_column),
     .value = "COL",
     .help = "groups to compare"},
    {.name = "max-gap",
     .kind = OPTION_NUMBER,
     FIELD(campaign_limits, max_gap),
     .fallback = "0.1",
     .low = 0,
     .high = 1,
     .help = "largest difference in treated share between groups"},
};
static const struct kai_option EVALUATE_KEYS[] = {
    {.name = "folds",
     .kind = OPTION_INT,
     FIELD(campaign_evaluate, folds),
     .fallback = "5",
     .low = 2,
     .high = 100,
     .help = "folds of cross-fitting"},
    {.name = "confidence",
     .kind = OPTION_NUMBER,
     FIELD(campaign_evaluate, confidence),
     .fallback = "0.95",
     .low = 0.5,
     .high = 0.9999,
     .help = "of every interval"},
    {.name = "crossing",
     .kind = OPTION_CHOICE,
     FIELD(campaign_evaluate, crossing),
     .fallback = "apart",
     .choices = "apart|rotation|all",
     .help = "folds that teach a fold: all others for the plan and the half after it for the "
             "proof, whose intervals then cover; or one of the two for both"},
    {.name = "learners",
     .kind = OPTION_LIST,
     FIELD(campaign_evaluate, learners),
     .value = "[s, t, x, dr, ...]",
     .help = "effect learners to choose from; all by default"},
};

#define TABLE(list, key) \
    { .name = (key), .options = (list), .count = (int32_t)(sizeof(list) / sizeof *(list)) }

enum section {
    ROOT,
    CUSTOMERS,
    HISTORY,
    OUTCOMES,
    VALUE,
    OFFER,
    MARKET,
    LIMITS,
    FAIRNESS,
    EVALUATE,
    SECTIONS
};
static const struct kai_option_table TABLES[SECTIONS] = {
    [ROOT] = TABLE(ROOT_KEYS, "campaign file"),
    [CUSTOMERS] = TABLE(CUSTOMERS_KEYS, "customers"),
    [HISTORY] = TABLE(HISTORY_KEYS, "history"),
    [OUTCOMES] = TABLE(OUTCOMES_KEYS, "history.outcomes"),
    [VALUE] = TABLE(VALUE_KEYS, "history.outcomes.value"),
    [OFFER] = TABLE(OFFER_KEYS, "offers[]"),
    [MARKET] = TABLE(MARKET_KEYS, "market"),
    [LIMITS] = TABLE(LIMITS_KEYS, "limits"),
    [FAIRNESS] = TABLE(FAIRNESS_KEYS, "limits.fairness"),
    [EVALUATE] = TABLE(EVALUATE_KEYS, "evaluate"),
};

/* Defaults, then the keys of the map `node` (which may be missing: defaults only). */
static kai_status read_section(enum section section, const struct yaml_tree *tree,
                               const struct yaml_node *node, const char *known_elsewhere,
                               void *options, struct arena *arena, kai_err *err) {
    kai_status st = options_init(&TABLES[section], options, arena, err);
    if (st || !node) return st;
    if (node->kind != YAML_MAP)
        return yaml_error(tree, node, err, "'%s' must be a map of keys", TABLES[section].name);
    return options_from_yaml(&TABLES[section], tree, node, known_elsewhere, options, arena, err);
}

/* The option of `section` at `field` must be there. */
static kai_status require(const struct yaml_tree *tree, const struct yaml_node *node,
                          const char *section, const char *key, const char *value, kai_err *err) {
    if (value && value[0]) return KAI_OK;
    return yaml_error(tree, node ? node : yaml_root(tree), err, "'%s' needs the key '%s'", section,
                      key);
}

static kai_status read_customers(struct campaign *campaign, const struct yaml_tree *tree,
                                 kai_err *err) {
    const struct yaml_node *node = yaml_get(yaml_root(tree), "customers");
    kai_status st =
        read_section(CUSTOMERS, tree, node, NULL, &campaign->customers, &campaign->arena, err);
    return st ? st : require(tree, node, "customers", "table", campaign->customers.table, err);
}

static kai_status read_history(struct campaign *campaign, const struct yaml_tree *tree,
                               kai_err *err) {
    const struct yaml_node *node = yaml_get(yaml_root(tree), "history");
    struct campaign_history *history = &campaign->history;
    kai_status st = read_section(HISTORY, tree, node, "outcomes", history, &campaign->arena, err);
    if (!st) st = require(tree, node, "history", "action", history->action, err);
    if (!st) st = require(tree, node, "history", "control", history->control, err);
    const struct yaml_node *outcomes = node ? yaml_get(node, "outcomes") : NULL;
    if (!st) st = require(tree, node, "history", "outcomes", outcomes ? "map" : NULL, err);
    if (!st) st = read_section(OUTCOMES, tree, outcomes, "value", history, &campaign->arena, err);
    const struct yaml_node *value = st ? NULL : yaml_get(outcomes, "value");
    if (!st) st = require(tree, outcomes, "history.outcomes", "value", value ? "map" : NULL, err);
    if (!st) st = read_section(VALUE, tree, value, NULL, history, &campaign->arena, err);
    return st ? st
              : require(tree, value, "history.outcomes.value", "column", history->value_column,
                        err);
}

int32_t campaign_find_offer(const struct campaign *campaign, const char *name) {
    for (int32_t i = 0; i < campaign->offer_count; i++)
        if (strcmp(campaign->offers[i].name, name) == 0) return i;
    return -1;
}

static kai_status read_offers(struct campaign *campaign, const struct yaml_tree *tree,
                              kai_err *err) {
    const struct yaml_node *node = yaml_get(yaml_root(tree), "offers");
    if (!node || node->kind != YAML_LIST || node->count == 0)
        return yaml_error(tree, node ? node : yaml_root(tree), err,
                          "'offers' must be a list of at least one offer");
    if (node->count > CAPS_OFFERS)
        return yaml_error(tree, node, err, "more than %d offers", CAPS_OFFERS);
    campaign->offers = arena_alloc(&campaign->arena, (size_t)node->count, sizeof *campaign->offers);
    if (!campaign->offers) return err_memory(err, node->count);
    for (int32_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = &node->children[i];
        struct campaign_offer *offer = &campaign->offers[i];
        kai_status st = read_section(OFFER, tree, item, NULL, offer, &campaign->arena, err);
        if (!st) st = require(tree, item, "offers", "name", offer->name, err);
        if (st) return st;
        if (campaign_find_offer(campaign, offer->name) >= 0)
            return yaml_error(tree, item, err, "offer '%s' stands twice", offer->name);
        if (strcmp(offer->name, campaign->history.control) == 0)
            return yaml_error(tree, item, err, "offer '%s' is the control of the history",
                              offer->name);
        campaign->offer_count++;
    }
    return KAI_OK;
}

int32_t campaign_learner(const char *name) {
    for (int32_t learner = 0; learner < EFFECT_LEARNERS; learner++)
        if (strcmp(effect_learner_text((enum effect_learner)learner), name) == 0) return learner;
    return -1;
}

static int is_channel(const struct campaign *campaign, const char *name) {
    for (int32_t i = 0; i < campaign->offer_count; i++)
        if (strcmp(campaign->offers[i].channel, name) == 0) return 1;
    return 0;
}

/* The entry of a channel or offer, made where it is the first time that one is named. */
static struct campaign_capacity *find_capacity(struct campaign *campaign, const char *name) {
    for (int32_t c = 0; c < campaign->capacity_count; c++)
        if (strcmp(campaign->capacities[c].name, name) == 0) return &campaign->capacities[c];
    struct campaign_capacity *capacity = &campaign->capacities[campaign->capacity_count];
    *capacity = (struct campaign_capacity){.name = arena_string(&campaign->arena, name),
                                           .is_channel = is_channel(campaign, name),
                                           .limit = INFINITY};
    campaign->capacity_count += capacity->name != NULL;
    return capacity->name ? capacity : NULL;
}

/* what: "capacity" or "minimum". */
static kai_status read_capacity(struct campaign *campaign, const struct yaml_tree *tree,
                                const struct yaml_node *item, const char *what, kai_err *err) {
    int is_offer = campaign_find_offer(campaign, item->key) >= 0;
    double number = 0;
    if (is_offer && is_channel(campaign, item->key))
        return yaml_error(tree, item, err, "%s '%s' is both a channel and an offer", what,
                          item->key);
    if (!is_offer && !is_channel(campaign, item->key))
        return yaml_error(tree, item, err, "%s '%s' is neither a channel nor an offer", what,
                          item->key);
    if (item->kind != YAML_SCALAR || !text_parse_f64(slice_of(item->text), &number) || number < 0)
        return yaml_error(tree, item, err, "%s '%s': expected a number of customers, 0 or more",
                          what, item->key);
    struct campaign_capacity *capacity = find_capacity(campaign, item->key);
    if (!capacity) return err_memory(err, (int64_t)strlen(item->key));
    *(strcmp(what, "minimum") == 0 ? &capacity->least : &capacity->limit) = number;
    if (capacity->least > capacity->limit)
        return yaml_error(tree, item, err, "minimum '%s' is more than its capacity", item->key);
    return KAI_OK;
}

static kai_status read_capacities(struct campaign *campaign, const struct yaml_tree *tree,
                                  const struct yaml_node *limits, kai_err *err) {
    static const char *const WHATS[] = {"capacity", "minimum"};
    const struct yaml_node *nodes[2] = {0};
    int32_t count = 0;
    for (int w = 0; w < 2; w++) {
        nodes[w] = limits ? yaml_get(limits, WHATS[w]) : NULL;
        if (nodes[w] && nodes[w]->kind == YAML_NULL) nodes[w] = NULL;
        if (nodes[w] && nodes[w]->kind != YAML_MAP)
            return yaml_error(tree, nodes[w], err, "'limits.%s' must be a map of channel or offer",
                              WHATS[w]);
        count += nodes[w] ? nodes[w]->count : 0;
    }
    campaign->capacities =
        arena_alloc(&campaign->arena, (size_t)count + 1, sizeof *campaign->capacities);
    if (!campaign->capacities) return err_memory(err, count);
    kai_status st = KAI_OK;
    for (int w = 0; w < 2; w++)
        for (int32_t i = 0; !st && nodes[w] && i < nodes[w]->count; i++)
            st = read_capacity(campaign, tree, &nodes[w]->children[i], WHATS[w], err);
    return st;
}

kai_status campaign_read_limits(struct campaign *campaign, const struct yaml_tree *tree,
                                kai_err *err) {
    const struct yaml_node *node = yaml_get(yaml_root(tree), "limits");
    struct campaign_limits *limits = &campaign->limits;
    kai_status st = read_section(LIMITS, tree, node, "capacity|minimum|fairness", limits,
                                 &campaign->arena, err);
    if (!st && !(node && yaml_get(node, "budget"))) limits->budget = NAN;
    if (!st) st = read_capacities(campaign, tree, node, err);
    const struct yaml_node *fairness = st || !node ? NULL : yaml_get(node, "fairness");
    if (!st && fairness)
        st = read_section(FAIRNESS, tree, fairness, NULL, limits, &campaign->arena, err);
    if (!st && fairness)
        st = require(tree, fairness, "limits.fairness", "column", limits->fairness_column, err);
    return st;
}

static kai_status read_market(struct campaign *campaign, const struct yaml_tree *tree,
                              kai_err *err) {
    const struct yaml_node *node = yaml_get(yaml_root(tree), "market");
    struct campaign_market *market = &campaign->market;
    kai_status st = read_section(MARKET, tree, node, NULL, market, &campaign->arena, err);
    if (!st && !(node && yaml_get(node, "default"))) market->fallback = NAN;
    if (st || !node) return st;
    st = require(tree, node, "market", "table", market->table, err);
    if (!st) st = require(tree, node, "market", "factor", market->factor, err);
    if (!st && market->join.count == 0 && !market->date)
        st = yaml_error(tree, node, err, "'market' needs the key 'join' or 'date'");
    return st;
}

static int list_holds(struct option_list list, const char *name) {
    for (int64_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i], name) == 0) return 1;
    return 0;
}

/* Rules between sections. */
static kai_status check_campaign(const struct campaign *campaign, const struct yaml_tree *tree,
                                 kai_err *err) {
    const struct yaml_node *root = yaml_root(tree);
    const struct campaign_customers *customers = &campaign->customers;
    for (int64_t i = 0; i < customers->sensitive.count; i++) {
        const char *name = customers->sensitive.items[i];
        if (list_holds(customers->features, name))
            return yaml_error(tree, yaml_get(root, "customers"), err,
                              "'%s' is sensitive and cannot be a feature", name);
        if (list_holds(campaign->market.join, name))
            return yaml_error(tree, yaml_get(root, "market"), err,
                              "'%s' is sensitive and cannot be a market key", name);
    }
    for (int64_t i = 0; i < campaign->evaluate.learners.count; i++) {
        const char *name = campaign->evaluate.learners.items[i];
        if (campaign_learner(name) < 0)
            return yaml_error(tree, yaml_get(root, "evaluate"), err,
                              "key 'learners': '%s' is none of constant, s, t, x, dr", name);
    }
    const char *goal = campaign->goal;
    if (strcmp(goal, "profit") != 0 && strcmp(goal, "value") != 0 &&
        !list_holds(campaign->history.also, goal))
        return yaml_error(tree, yaml_get(root, "goal"), err,
                          "goal '%s': expected profit, value or an outcome of 'also'", goal);
    return KAI_OK;
}

static kai_status read_tree(struct campaign *campaign, const struct yaml_tree *tree, kai_err *err) {
    static const char SECTIONS_ELSEWHERE[] = "customers|history|offers|market|limits|evaluate";
    const struct yaml_node *root = yaml_root(tree);
    kai_status st =
        read_section(ROOT, tree, root, SECTIONS_ELSEWHERE, campaign, &campaign->arena, err);
    if (!st) st = read_customers(campaign, tree, err);
    if (!st) st = read_history(campaign, tree, err);
    if (!st) st = read_offers(campaign, tree, err);
    if (!st) st = read_market(campaign, tree, err);
    if (!st) st = campaign_read_limits(campaign, tree, err);
    if (!st)
        st = read_section(EVALUATE, tree, yaml_get(root, "evaluate"), NULL, &campaign->evaluate,
                          &campaign->arena, err);
    return st ? st : check_campaign(campaign, tree, err);
}

kai_status campaign_parse(const char *path, const char *bytes, size_t size,
                          struct campaign *ret_campaign, kai_err *err) {
    struct campaign campaign = {0};
    struct yaml_tree *tree = NULL;
    arena_init(&campaign.arena);
    campaign.file = arena_string(&campaign.arena, path);
    kai_status st = campaign.file ? KAI_OK : err_memory(err, (int64_t)strlen(path));
    if (!st) st = yaml_parse(path, bytes, size, &tree, err);
    if (!st) st = read_tree(&campaign, tree, err);
    yaml_free(tree);
    if (st) {
        campaign_release(&campaign);
        return st;
    }
    *ret_campaign = campaign;
    return KAI_OK;
}

kai_status campaign_load(const char *path, struct campaign *ret_campaign, kai_err *err) {
    struct buf bytes;
    buf_init(&bytes, (size_t)CAPS_TEXT_FILE_BYTES);
    kai_status st = file_read_all(path, (size_t)CAPS_TEXT_FILE_BYTES, &bytes, err);
    if (!st) st = campaign_parse(path, bytes.data ? bytes.data : "", bytes.size, ret_campaign, err);
    buf_release(&bytes);
    return st;
}

void campaign_release(struct campaign *campaign) { arena_release(&campaign->arena); }

kai_status campaign_print_markdown(struct buf *out, kai_err *err) {
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < SECTIONS; i++) {
        st = buf_printf(out, err, "## %s\n\n", TABLES[i].name);
        if (!st) st = options_print_markdown(&TABLES[i], out, err);
        if (!st) st = buf_puts(out, "\n", err);
    }
    return st;
}
