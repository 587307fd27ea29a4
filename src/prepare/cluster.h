/* Segments by likeness: k-means over standardised traits, k by silhouette, each cluster in words.
 *
 * Traits that are heavy-tailed go through sign(x) log(1 + |x|); a missing one stands at the mean;
 * one that does not vary is left out. Seeds are k-means++ (Arthur and Vassilvitskii 2007), the best
 * of several starts; k is the one of 2..max with the highest mean silhouette (Rousseeuw 1987) over
 * a seeded sample of CLUSTER_SAMPLE customers. Same seed: same clusters. docs/methods/segments.md
 */
#ifndef KAIROS_PREPARE_CLUSTER_H
#define KAIROS_PREPARE_CLUSTER_H

#include "base/buf.h"
#include "base/progress.h"
#include "prepare/customer.h"

enum { CLUSTER_MAX = 16, CLUSTER_SAMPLE = 1000, CLUSTER_STARTS = 4, CLUSTER_TRAITS = 16 };

struct cluster {
    int32_t k;
    int32_t dims;
    int32_t traits[CLUSTER_TRAITS]; /* customer_number of each dimension */
    double means[CLUSTER_TRAITS], scales[CLUSTER_TRAITS];
    double centres[CLUSTER_MAX][CLUSTER_TRAITS]; /* standardised */
    int64_t sizes[CLUSTER_MAX];
    double silhouette;
    double inertia;
    int32_t *member; /* owned; (customers) the cluster of each, largest cluster first */
};

struct cluster_options {
    int32_t k; /* 0 = by silhouette */
    int32_t k_max;
    uint64_t seed;
};

/* Fails: KAI_INVALID (fewer than three customers, or nothing varies), KAI_NO_MEMORY, KAI_CANCELLED.
 */
KAI_MUST_CHECK kai_status cluster_fit(const struct customer *customers, int64_t count,
                                      const struct cluster_options *options,
                                      const struct progress *progress, struct cluster *ret_cluster,
                                      kai_err *err);
void cluster_release(struct cluster *cluster);
/* The cluster of one more customer, by the same measure. */
int32_t cluster_assign(const struct cluster *cluster, const struct customer *customer);
/* Append what sets a cluster apart: "orders often (+1.8), bought lately (+0.9)": distances from the
 * mean in standard deviations. */
KAI_MUST_CHECK kai_status cluster_describe(const struct cluster *cluster, int32_t index,
                                           struct buf *out, kai_err *err);

/* k-means on plain points, exposed for tests. points: (count, dims). Gives: centres (k, dims),
 * members (count); returns the sum of squared distances. scratch: (count) */
double cluster_kmeans(const double *points, int64_t count, int32_t dims, int32_t k, uint64_t seed,
                      int32_t start, double *ret_centres, int32_t *ret_members, double *scratch);
/* The mean silhouette of points; those of a cluster of one count 0. */
double cluster_silhouette(const double *points, int64_t count, int32_t dims, int32_t k,
                          const int32_t *members);

#endif
