/* What sites call it when somebody looks, puts into the cart, buys: one word of ours for each.
 *
 * Names are compared without case and punctuation, so that "Product Added", "product_added" and
 * "productAdded" are one. Sources: Segment's e-commerce specification v2, the recommended events of
 * GA4, PostHog's and Snowplow's own names (docs/formats/dialects.md has the table).
 */
#ifndef KAIROS_COLLECT_COMMERCE_H
#define KAIROS_COLLECT_COMMERCE_H

#include "base/text.h"

/* "view", "cart", "order" ...; NULL where it is a name of its own. Static. */
const char *commerce_type(struct slice name);
/* A program that no customer looks through: its agent says so. */
int commerce_is_bot(struct slice agent);

#endif
