/* The consents of the workspace, asked at decision time. */
#include <string.h>

#include "base/alloc.h"
#include "engine/doorway.h"
#include "engine/run.h"

/* Unknown is no refusal here: the rule of the door (opt-in or opt-out) is for what the workspace
 * itself sends; a campaign says by its own column whom it may treat. */
static const struct consent_rules STATED = {.is_opt_out = {1, 1, 1, 1, 1, 1}};

static kai_status ask_customer(struct run *run, struct doorway *door, int64_t customer,
                               struct slice name, kai_err *err) {
    char pseudonym[SECRET_PSEUDONYM_BYTES];
    struct consent consent = {0};
    const char *why = NULL;
    privacy_person(doorway_keys(door), name, pseudonym);
    kai_status st = doorway_consent(door, slice_of(pseudonym), &consent, err);
    if (st) return st;
    int may = !doorway_is_suppressed(door, slice_of(pseudonym)) &&
              consent_decide(&STATED, &consent, "", &why) == CONSENT_PERSONAL;
    if (!may && run->has_consent[customer]) {
        run->has_consent[customer] = 0;
        run->consent_missing++;
    }
    for (int32_t j = 0; may && j < run->offers; j++) {
        const char *channel = run->campaign.offers[j].channel;
        if (consent_decide(&STATED, &consent, channel, &why) != CONSENT_DENY) continue;
        run->is_refused[customer * run->offers + j] = 1;
        run->refused_pairs++;
    }
    return KAI_OK;
}

static kai_status ask_all(struct run *run, struct doorway *door, const struct column *column,
                          kai_err *err) {
    int64_t customers = run->customers.table->rows;
    struct buf text;
    buf_init(&text, 1 << 20);
    run->is_refused = mem_zero((size_t)(customers * run->offers), 1);
    kai_status st = run->is_refused ? KAI_OK : err_memory(err, customers * run->offers);
    for (int64_t i = 0; !st && i < customers; i++) {
        st = column_print(column, i, &text, err);
        if (!st)
            st = ask_customer(run, door, i, (struct slice){text.data ? text.data : "", text.size},
                              err);
    }
    buf_release(&text);
    return st;
}

kai_status run_ask_workspace(struct run *run, kai_err *err) {
    const char *workspace = run->options->common.workspace, *id = run->campaign.customers.id;
    const struct column *column = NULL;
    struct doorway *door = NULL;
    if (!id || !workspace || !store_exists(workspace)) return KAI_OK;
    kai_status st = table_column(run->customers.table, id, &column, err);
    if (!st) st = doorway_open(workspace, STORE_READ, &door, err);
    if (!st) st = ask_all(run, door, column, err);
    doorway_close(door);
    if (!st && run->refused_pairs)
        run_warn(run, "%lld offers to customers who refused their channel are left out",
                 (long long)run->refused_pairs);
    return st;
}
