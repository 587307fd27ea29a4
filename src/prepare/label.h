/* What a feature table is to predict: a label from what happens after its moment.
 *
 *   NAME: [no] TYPE in N days|hours|minutes [after N [days] active]      1 or 0
 *   NAME: count TYPE in N days [after ...]                               how many
 *   NAME: money in N days [after ...]                                    orders less refunds
 *
 * "churn: no order in 60 days after 30 active": of those who did anything in the 30 days before T,
 * who orders nothing in [T, T + 60 days)? TYPE is a word, or a text in quotes. A label is read from
 * touches at or after T only, the features from those before it. Where the data ends before the
 * window does, a label of "nothing happened" cannot be known: label_is_known.
 */
#ifndef KAIROS_PREPARE_LABEL_H
#define KAIROS_PREPARE_LABEL_H

#include "prepare/touch.h"

enum label_kind { LABEL_HAPPENS, LABEL_HAPPENS_NOT, LABEL_COUNT, LABEL_MONEY };
enum { LABEL_NAME_BYTES = 64 };

struct label {
    char name[LABEL_NAME_BYTES];
    char type[LABEL_NAME_BYTES];
    enum label_kind kind;
    int64_t window_us;
    int64_t active_us; /* 0 = everybody with a history */
};

/* Fails: KAI_INVALID "label, column 9: ...". */
KAI_MUST_CHECK kai_status label_parse(struct slice text, struct label *ret_label, kai_err *err);
/* Is a customer with these touches a row of the table at T? */
int label_is_row(const struct label *label, const struct touch *touches, int64_t count,
                 int64_t at_us);
/* Is the whole window within what was observed? */
int label_is_known(const struct label *label, int64_t at_us, int64_t observed_until_us);
double label_value(const struct label *label, const struct touch_book *book,
                   const struct touch *touches, int64_t count, int64_t at_us);

#endif
