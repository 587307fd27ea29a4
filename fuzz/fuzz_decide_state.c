/* Bytes as the state of a bandit or of an on-line learner: refused, or printed and read again
 * as the same, and able to act. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decide/bandit.h"
#include "decide/online.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void act(struct bandit *bandit, size_t size) {
    struct buf text[2];
    struct bandit *again = NULL;
    kai_err err = {0};
    buf_init(&text[0], 1 << 26);
    buf_init(&text[1], 1 << 26);
    if (bandit_print(bandit, &text[0], &err) ||
        bandit_parse(text[0].data, text[0].size, &again, &err) ||
        bandit_print(again, &text[1], &err))
        abort();
    if (text[0].size != text[1].size || memcmp(text[0].data, text[1].data, text[0].size) != 0)
        abort();
    buf_release(&text[0]);
    buf_release(&text[1]);
    bandit_free(again);
    static const double context[512 * 64];
    struct bandit_decision decision;
    if (size < 1000 && /* so small a state has no more than 64 numbers of context */
        !bandit_draw(bandit, &(struct bandit_request){.context = context}, &decision, NULL, &err) &&
        !(decision.propensity > 0))
        abort();
    bandit_free(bandit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bandit *bandit = NULL;
    struct online *online = NULL;
    kai_err err = {0};
    if (!bandit_parse(data, size, &bandit, &err)) act(bandit, size);
    if (!online_parse(data, size, &online, &err)) {
        const uint32_t feature[2] = {1, 2};
        double chance =
            online_predict(online, &(struct online_row){.feature = feature, .count = 2});
        if (!(chance > 0 && chance < 1)) abort();
        online_free(online);
    }
    return 0;
}
