/* XGBoost's UBJSON document into our trees. Private to src/learn. */
#ifndef KAIROS_LEARN_BOOST_IMPORT_H
#define KAIROS_LEARN_BOOST_IMPORT_H

#include <stddef.h>

#include "learn/boost.h"

/* The first `trees` trees of the document into `boost` (offsets, nodes, trees), renumbered breadth
 * first. The document comes from the library in this process, yet nothing in it is believed. Fails:
 * KAI_CORRUPT, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status boost_import(const void *bytes, size_t size, int32_t trees,
                                       struct boost *boost, kai_err *err);

#endif
