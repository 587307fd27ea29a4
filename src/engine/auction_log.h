/* A log of auctions in memory: read from a file in iPinYou's format (outcome, market price, value,
 * separated by blanks, one auction a line), or drawn from a market whose truth is known and written
 * in that format. Private to this folder. */
#ifndef KAIROS_ENGINE_AUCTION_LOG_H
#define KAIROS_ENGINE_AUCTION_LOG_H

#include <kairos/world.h>

#include <stddef.h>

#include "base/err.h"
#include "decide/bid.h"

struct auction_log {
    struct bid_log view;
    uint8_t *outcome; /* owned */
    int32_t *price;   /* owned */
    double *value;    /* owned */
    double *chance;   /* owned; the truth, where it is known */
    int64_t capacity;
};

/* Fails: KAI_NOT_FOUND, KAI_INVALID "file:line: reason" (fewer than 3 auctions, a negative price, a
 * value that is no number), KAI_LIMIT, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status auction_log_read(const char *path, struct auction_log *ret_log,
                                           kai_err *err);
/* The same of bytes; `name` begins the errors. */
KAI_MUST_CHECK kai_status auction_log_parse(const char *name, const char *text, size_t size,
                                            struct auction_log *ret_log, kai_err *err);
/* Writes <out>/log.txt and <out>/truth/auctions.csv (auction, chance). */
KAI_MUST_CHECK kai_status auction_log_draw(const kai_simulate_auction_options *options,
                                           struct auction_log *ret_log, kai_err *err);
/* The outcomes to be expected of `money` spent on the auctions from `first` on, best chance per
 * price first: the fractional optimum, which no bidder can expect to exceed. */
KAI_MUST_CHECK kai_status auction_log_best(const struct auction_log *log, int64_t first,
                                           double money, double *ret_outcomes, kai_err *err);
void auction_log_release(struct auction_log *log);

#endif
