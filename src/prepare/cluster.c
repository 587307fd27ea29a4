#include "prepare/cluster.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

enum { ROUNDS_MAX = 100, WORDS_MAX = 3 };
#define WORD_DISTANCE 0.35 /* a centre nearer to the mean than this says nothing */

/* The traits that clusters are made of, and what it is to have much or little of each. */
static const struct {
    int32_t trait;
    int is_heavy;
    const char *much, *little;
} TRAITS[] = {
    {CUSTOMER_RECENCY, 1, "last order long ago", "bought lately"},
    {CUSTOMER_FREQUENCY, 1, "orders often", "orders seldom"},
    {CUSTOMER_MONETARY, 1, "spends much", "spends little"},
    {CUSTOMER_ORDER_VALUE, 1, "large orders", "small orders"},
    {CUSTOMER_TENURE, 0, "an old customer", "a new customer"},
    {CUSTOMER_IDLE, 1, "away for long", "was here lately"},
    {CUSTOMER_EVENTS, 1, "very active", "hardly active"},
    {CUSTOMER_TREND, 0, "becoming more active", "becoming less active"},
    {CUSTOMER_ITEMS, 1, "buys broadly", "keeps to few items"},
    {CUSTOMER_SESSION_EVENTS, 1, "long visits", "short visits"},
    {CUSTOMER_ORDER_GAP, 1, "long between orders", "short between orders"},
    {CUSTOMER_WEEKEND, 0, "comes on weekends", "comes on weekdays"},
    {CUSTOMER_NIGHT, 0, "comes at night", "comes by day"},
};
#define TRAIT_COUNT ((int)(sizeof TRAITS / sizeof *TRAITS))
_Static_assert(sizeof TRAITS / sizeof *TRAITS <= (size_t)CLUSTER_TRAITS, "room for every trait");

static int trait_index(int32_t trait) {
    for (int i = 0; i < TRAIT_COUNT; i++)
        if (TRAITS[i].trait == trait) return i;
    return 0;
}

static double bend(int trait, double value) {
    return TRAITS[trait].is_heavy ? copysign(log1p(fabs(value)), value) : value;
}

static double squared_distance(const double *a, const double *b, int32_t dims) {
    double sum = 0;
    for (int32_t d = 0; d < dims; d++) sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

static int32_t nearest(const double *point, const double *centres, int32_t dims, int32_t k,
                       double *ret_distance) {
    int32_t best = 0;
    double distance = INFINITY;
    for (int32_t c = 0; c < k; c++) {
        double to = squared_distance(point, centres + (int64_t)c * dims, dims);
        if (to < distance) distance = to, best = c;
    }
    *ret_distance = distance;
    return best;
}

/* k-means++: each next centre with a probability in proportion to its squared distance. */
static void seed_centres(const double *points, int64_t count, int32_t dims, int32_t k,
                         struct rng *rng, double *centres, double *distances) {
    int64_t chosen = (int64_t)rng_below(rng, (uint64_t)count);
    for (int64_t i = 0; i < count; i++) distances[i] = INFINITY;
    for (int32_t c = 0; c < k; c++) {
        memcpy(centres + (int64_t)c * dims, points + chosen * dims, (size_t)dims * sizeof *centres);
        double total = 0;
        for (int64_t i = 0; i < count; i++) {
            double to = squared_distance(points + i * dims, centres + (int64_t)c * dims, dims);
            if (to < distances[i]) distances[i] = to;
            total += distances[i];
        }
        double left = rng_unit(rng) * total;
        for (chosen = 0; chosen < count - 1; chosen++) {
            left -= distances[chosen];
            if (left < 0) break;
        }
    }
}

/* Centres as the means of their members; one without members stays. */
static void move_centres(const double *points, int64_t count, int32_t dims, int32_t k,
                         const int32_t *members, double *centres) {
    for (int32_t c = 0; c < k; c++) {
        double sums[CLUSTER_TRAITS] = {0}, size = 0;
        for (int64_t i = 0; i < count; i++) {
            if (members[i] != c) continue;
            size++;
            for (int32_t d = 0; d < dims; d++) sums[d] += points[i * dims + d];
        }
        for (int32_t d = 0; size > 0 && d < dims; d++)
            centres[(int64_t)c * dims + d] = sums[d] / size;
    }
}

double cluster_kmeans(const double *points, int64_t count, int32_t dims, int32_t k, uint64_t seed,
                      int32_t start, double *ret_centres, int32_t *ret_members, double *scratch) {
    struct rng rng;
    double inertia = INFINITY;
    rng_init(&rng, seed, "k-means", (uint64_t)k << 32 | (uint32_t)start);
    seed_centres(points, count, dims, k, &rng, ret_centres, scratch);
    for (int64_t i = 0; i < count; i++) ret_members[i] = -1;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        int64_t moved = 0;
        inertia = 0;
        for (int64_t i = 0; i < count; i++) {
            double distance = 0;
            int32_t to = nearest(points + i * dims, ret_centres, dims, k, &distance);
            moved += to != ret_members[i];
            ret_members[i] = to;
            inertia += distance;
        }
        if (!moved) break;
        move_centres(points, count, dims, k, ret_members, ret_centres);
    }
    return inertia;
}

double cluster_silhouette(const double *points, int64_t count, int32_t dims, int32_t k,
                          const int32_t *members) {
    double total = 0, sizes[CLUSTER_MAX] = {0};
    for (int64_t i = 0; i < count; i++) sizes[members[i]]++;
    for (int64_t i = 0; i < count; i++) {
        double sums[CLUSTER_MAX] = {0}, other = INFINITY;
        int32_t own = members[i];
        if (sizes[own] < 2) continue;
        for (int64_t j = 0; j < count; j++)
            sums[members[j]] += sqrt(squared_distance(points + i * dims, points + j * dims, dims));
        for (int32_t c = 0; c < k; c++)
            if (c != own && sizes[c] > 0) other = fmin(other, sums[c] / sizes[c]);
        double inner = sums[own] / (sizes[own] - 1), wide = fmax(inner, other);
        if (isfinite(other) && wide > 0) total += (other - inner) / wide;
    }
    return count ? total / (double)count : 0;
}

/* A run of k-means over all customers. */
struct fit {
    int64_t count;
    double *points;   /* owned; (count, dims) */
    double *scratch;  /* owned; (count) */
    int32_t *members; /* owned; (count) of the start at hand */
    int64_t *sample;  /* owned; (sample_count) customers that the silhouette looks at */
    double *sample_points;
    int32_t *sample_members;
    int64_t sample_count;
};

static void release_fit(struct fit *fit) {
    mem_free(fit->points);
    mem_free(fit->scratch);
    mem_free(fit->members);
    mem_free(fit->sample);
    mem_free(fit->sample_points);
    mem_free(fit->sample_members);
}

static kai_status make_fit(struct fit *fit, int64_t count, kai_err *err) {
    int64_t sample = count < CLUSTER_SAMPLE ? count : CLUSTER_SAMPLE;
    *fit = (struct fit){.count = count, .sample_count = sample};
    fit->points = mem_array((size_t)count * CLUSTER_TRAITS, sizeof *fit->points);
    fit->scratch = mem_array((size_t)count, sizeof *fit->scratch);
    fit->members = mem_array((size_t)count, sizeof *fit->members);
    fit->sample = mem_array((size_t)count, sizeof *fit->sample);
    fit->sample_points = mem_array((size_t)sample * CLUSTER_TRAITS, sizeof *fit->sample_points);
    fit->sample_members = mem_array((size_t)sample, sizeof *fit->sample_members);
    if (fit->points && fit->scratch && fit->members && fit->sample && fit->sample_points &&
        fit->sample_members)
        return KAI_OK;
    return err_memory(err, count * CLUSTER_TRAITS * (int64_t)sizeof *fit->points);
}

/* Mean and standard deviation of a trait over those who have it; 0 where it does not vary. */
static double measure_trait(const struct customer *customers, int64_t count, int trait,
                            double *ret_mean) {
    double sum = 0, squares = 0, known = 0;
    for (int64_t i = 0; i < count; i++) {
        double value = customers[i].numbers[TRAITS[trait].trait];
        if (!isnan(value)) sum += bend(trait, value), known++;
    }
    double mean = known > 0 ? sum / known : 0;
    for (int64_t i = 0; i < count; i++) {
        double value = customers[i].numbers[TRAITS[trait].trait];
        if (!isnan(value)) squares += (bend(trait, value) - mean) * (bend(trait, value) - mean);
    }
    *ret_mean = mean;
    double scale = known > 1 ? sqrt(squares / known) : 0;
    return scale > 1e-9 * (1 + fabs(mean)) ? scale : 0;
}

static void place(const struct cluster *cluster, const struct customer *customer, double *point) {
    for (int32_t d = 0; d < cluster->dims; d++) {
        double value = customer->numbers[cluster->traits[d]];
        int trait = trait_index(cluster->traits[d]);
        point[d] = isnan(value) ? 0 : (bend(trait, value) - cluster->means[d]) / cluster->scales[d];
    }
}

static kai_status standardise(const struct customer *customers, struct fit *fit,
                              struct cluster *cluster, kai_err *err) {
    for (int t = 0; t < TRAIT_COUNT; t++) {
        double mean = 0, scale = measure_trait(customers, fit->count, t, &mean);
        if (scale == 0) continue;
        cluster->traits[cluster->dims] = TRAITS[t].trait;
        cluster->means[cluster->dims] = mean;
        cluster->scales[cluster->dims++] = scale;
    }
    if (!cluster->dims)
        return err_set(err, KAI_INVALID, "the customers are all alike: there are no clusters");
    for (int64_t i = 0; i < fit->count; i++)
        place(cluster, &customers[i], fit->points + i * cluster->dims);
    return KAI_OK;
}

static void draw_sample(struct fit *fit, int32_t dims, uint64_t seed) {
    struct rng rng;
    for (int64_t i = 0; i < fit->count; i++) fit->sample[i] = i;
    rng_init(&rng, seed, "silhouette", 0);
    if (fit->sample_count < fit->count) rng_shuffle(&rng, fit->sample, fit->count);
    for (int64_t i = 0; i < fit->sample_count; i++)
        memcpy(fit->sample_points + i * dims, fit->points + fit->sample[i] * dims,
               (size_t)dims * sizeof *fit->points);
}

/* The best of several starts with k clusters, into `best` where it beats what stands there. */
static void try_k(struct fit *fit, int32_t k, uint64_t seed, struct cluster *best) {
    double centres[CLUSTER_MAX * CLUSTER_TRAITS], kept[CLUSTER_MAX * CLUSTER_TRAITS];
    double inertia = INFINITY, ignored = 0;
    int32_t dims = best->dims;
    for (int32_t start = 0; start < CLUSTER_STARTS; start++) {
        double found = cluster_kmeans(fit->points, fit->count, dims, k, seed, start, centres,
                                      fit->members, fit->scratch);
        if (found >= inertia) continue;
        inertia = found;
        memcpy(kept, centres, sizeof kept);
    }
    for (int64_t i = 0; i < fit->sample_count; i++)
        fit->sample_members[i] = nearest(fit->sample_points + i * dims, kept, dims, k, &ignored);
    double silhouette =
        cluster_silhouette(fit->sample_points, fit->sample_count, dims, k, fit->sample_members);
    if (best->k && silhouette <= best->silhouette) return;
    best->k = k;
    best->silhouette = silhouette;
    best->inertia = inertia;
    for (int32_t c = 0; c < k; c++)
        memcpy(best->centres[c], kept + (int64_t)c * dims, (size_t)dims * sizeof *kept);
}

static int32_t find_cluster(const struct cluster *cluster, const double *point) {
    int32_t best = 0;
    double distance = INFINITY;
    for (int32_t c = 0; c < cluster->k; c++) {
        double to = squared_distance(point, cluster->centres[c], cluster->dims);
        if (to < distance) distance = to, best = c;
    }
    return best;
}

/* The largest cluster first, so that the order does not depend on the seed's luck. */
static void settle(const struct fit *fit, struct cluster *cluster) {
    for (int64_t i = 0; i < fit->count; i++)
        cluster->sizes[find_cluster(cluster, fit->points + i * cluster->dims)]++;
    for (int32_t a = 1; a < cluster->k; a++)
        for (int32_t b = a; b > 0 && cluster->sizes[b] > cluster->sizes[b - 1]; b--) {
            double centre[CLUSTER_TRAITS];
            int64_t size = cluster->sizes[b];
            memcpy(centre, cluster->centres[b], sizeof centre);
            memcpy(cluster->centres[b], cluster->centres[b - 1], sizeof centre);
            memcpy(cluster->centres[b - 1], centre, sizeof centre);
            cluster->sizes[b] = cluster->sizes[b - 1];
            cluster->sizes[b - 1] = size;
        }
    for (int64_t i = 0; i < fit->count; i++)
        cluster->member[i] = find_cluster(cluster, fit->points + i * cluster->dims);
}

kai_status cluster_fit(const struct customer *customers, int64_t count,
                       const struct cluster_options *options, const struct progress *progress,
                       struct cluster *ret_cluster, kai_err *err) {
    struct cluster cluster = {0};
    struct fit fit = {0};
    int32_t low = options->k ? options->k : 2, high = options->k ? options->k : options->k_max;
    if (low < 2 || high > CLUSTER_MAX)
        return err_set(err, KAI_INVALID, "clusters: 2 to %d", CLUSTER_MAX);
    if (count < 3 || count <= low)
        return err_set(err, KAI_INVALID, "%lld customers are too few for clusters",
                       (long long)count);
    kai_status st = make_fit(&fit, count, err);
    cluster.member = mem_array((size_t)count, sizeof *cluster.member);
    if (!st && !cluster.member) st = err_memory(err, count * (int64_t)sizeof(int32_t));
    if (!st) st = standardise(customers, &fit, &cluster, err);
    if (!st) draw_sample(&fit, cluster.dims, options->seed);
    for (int32_t k = low; !st && k <= high && k < count; k++) {
        st = progress_tell(progress, "clusters", k - low, high - low + 1, err);
        if (!st) try_k(&fit, k, options->seed, &cluster);
    }
    if (!st) settle(&fit, &cluster);
    release_fit(&fit);
    if (st)
        cluster_release(&cluster);
    else
        *ret_cluster = cluster;
    return st;
}

void cluster_release(struct cluster *cluster) {
    mem_free(cluster->member);
    *cluster = (struct cluster){0};
}

int32_t cluster_assign(const struct cluster *cluster, const struct customer *customer) {
    double point[CLUSTER_TRAITS];
    place(cluster, customer, point);
    return find_cluster(cluster, point);
}

kai_status cluster_describe(const struct cluster *cluster, int32_t index, struct buf *out,
                            kai_err *err) {
    int is_said[CLUSTER_TRAITS] = {0};
    const double *centre = cluster->centres[index];
    kai_status st = KAI_OK;
    int words = 0;
    while (!st && words < WORDS_MAX) {
        int32_t best = -1;
        for (int32_t d = 0; d < cluster->dims; d++)
            if (!is_said[d] && fabs(centre[d]) >= WORD_DISTANCE &&
                (best < 0 || fabs(centre[d]) > fabs(centre[best])))
                best = d;
        if (best < 0) break;
        int trait = trait_index(cluster->traits[best]);
        st = buf_printf(out, err, "%s%s (%+.1f)", words ? ", " : "",
                        centre[best] > 0 ? TRAITS[trait].much : TRAITS[trait].little, centre[best]);
        is_said[best] = 1;
        words++;
    }
    if (!st && !words) st = buf_puts(out, "like the average", err);
    return st;
}
