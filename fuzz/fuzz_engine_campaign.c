/* Any bytes as a campaign file: a clean status that names the file, or a campaign that keeps its
 * own rules. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "engine/campaign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

static void check_offers(const struct campaign *campaign) {
    require(campaign->offer_count >= 1 && campaign->offer_count <= CAPS_OFFERS);
    for (int32_t j = 0; j < campaign->offer_count; j++) {
        const struct campaign_offer *offer = &campaign->offers[j];
        require(offer->name && offer->name[0] && offer->channel);
        require(offer->cost >= 0 && isfinite(offer->cost));
        require(campaign_find_offer(campaign, offer->name) == j);
        require(strcmp(offer->name, campaign->history.control) != 0);
    }
}

static void check_limits(const struct campaign *campaign) {
    const struct campaign_limits *limits = &campaign->limits;
    require(isnan(limits->budget) || limits->budget >= 0);
    require(limits->per_customer >= 1 && limits->max_gap >= 0 && limits->max_gap <= 1);
    for (int32_t c = 0; c < campaign->capacity_count; c++) {
        const struct campaign_capacity *capacity = &campaign->capacities[c];
        int is_offer = campaign_find_offer(campaign, capacity->name) >= 0;
        require(capacity->limit >= 0 && is_offer != capacity->is_channel);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct campaign campaign;
    kai_err err = {0};
    kai_status st = campaign_parse("f.yaml", (const char *)data, size, &campaign, &err);
    if (st) {
        require(st == KAI_INVALID || st == KAI_LIMIT || st == KAI_NOT_FOUND);
        require(strstr(err.message, "f.yaml") != NULL && strlen(err.message) < sizeof err.message);
        return 0;
    }
    require(campaign.customers.table && campaign.history.action && campaign.history.value_column);
    require(campaign.hold_out >= 0 && campaign.hold_out < 1);
    require(campaign.evaluate.folds >= 2 && campaign.evaluate.confidence < 1);
    for (int64_t i = 0; i < campaign.evaluate.learners.count; i++)
        require(campaign_learner(campaign.evaluate.learners.items[i]) >= 0);
    check_offers(&campaign);
    check_limits(&campaign);
    campaign_release(&campaign);
    return 0;
}
