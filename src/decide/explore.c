#include "decide/explore.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/err.h"

static const double NORMAL_END = 6;

void explore_normals(double ret_normal[EXPLORE_NORMALS]) {
    for (int32_t i = 0; i < EXPLORE_NORMALS; i++) {
        double z = NORMAL_END * (2.0 * i / (EXPLORE_NORMALS - 1) - 1);
        ret_normal[i] = 0.5 * erfc(-z / sqrt(2));
    }
}

static double normal_below(const double *normal, double z) {
    if (z <= -NORMAL_END) return 0;
    if (z >= NORMAL_END) return 1;
    double at = (z + NORMAL_END) * ((EXPLORE_NORMALS - 1) / (2 * NORMAL_END));
    int32_t cell = (int32_t)at;
    if (cell > EXPLORE_NORMALS - 2) cell = EXPLORE_NORMALS - 2; /* rounded up to the end */
    return normal[cell] + (at - cell) * (normal[cell + 1] - normal[cell]);
}

/* The share of each action that has the largest score. */
static void share_best(int32_t actions, const double *score, const uint8_t *is_allowed,
                       double share, double *probability) {
    double best = -INFINITY;
    int32_t count = 0;
    for (int32_t a = 0; a < actions; a++)
        if (is_allowed[a] && score[a] > best) best = score[a];
    for (int32_t a = 0; a < actions; a++) count += is_allowed[a] && score[a] == best;
    for (int32_t a = 0; a < actions; a++)
        if (is_allowed[a] && score[a] == best) probability[a] += share / count;
}

static void weigh_gaps(const struct explore *how, int32_t actions, int32_t allowed,
                       const double *mean, const uint8_t *is_allowed, double *probability) {
    double best = -INFINITY, rest = 1;
    for (int32_t a = 0; a < actions; a++)
        if (is_allowed[a] && mean[a] > best) best = mean[a];
    for (int32_t a = 0; a < actions; a++) {
        if (!is_allowed[a] || mean[a] == best) continue;
        probability[a] = 1 / (allowed + how->gamma * (best - mean[a]));
        rest -= probability[a];
    }
    share_best(actions, mean, is_allowed, rest, probability);
}

/* Insertion: the nodes are few, and come in runs that rise. */
static void sort(double *node, int32_t count) {
    for (int32_t i = 1; i < count; i++) {
        double at = node[i];
        int32_t k = i;
        for (; k > 0 && node[k - 1] > at; k--) node[k] = node[k - 1];
        node[k] = at;
    }
}

/* The ends of the cells: some around each action that may be the best, so that a narrow belief has
 * cells of its own beside a wide one. Returns their number, at most EXPLORE_NODES + actions. */
static int32_t lay_nodes(const struct explore *how, int32_t actions, const double *mean,
                         const double *sd, const uint8_t *is_allowed, double *ret_node) {
    double low = -INFINITY, high = -INFINITY;
    for (int32_t a = 0; a < actions; a++) {
        if (!is_allowed[a]) continue;
        low = fmax(low, mean[a] - NORMAL_END * how->width * sd[a]);
        high = fmax(high, mean[a] + NORMAL_END * how->width * sd[a]);
    }
    int32_t count = 0, each = (EXPLORE_NODES - 2) / actions;
    each = each > 11 ? 11 : each < 1 ? 1 : each;
    ret_node[count++] = low;
    ret_node[count++] = high;
    for (int32_t a = 0; a < actions; a++)
        for (int32_t i = 0; is_allowed[a] && i < each; i++) {
            double at = mean[a] + 3 * how->width * sd[a] * ((2 * i + 1.0) / each - 1);
            if (at > low && at < high) ret_node[count++] = at;
        }
    sort(ret_node, count);
    return count;
}

/* P(best) of each action: its mass in each cell x the chance that the others lie below. scratch
 * holds the distribution functions at both ends of a cell, then the nodes. */
static void match_probabilities(const struct explore *how, int32_t actions, const double *mean,
                                const double *sd, const uint8_t *is_allowed, double *scratch,
                                double *probability) {
    double *left = scratch, *right = scratch + actions, *node = right + actions, total = 0;
    int32_t nodes = lay_nodes(how, actions, mean, sd, is_allowed, node);
    for (int32_t n = 0; node[0] < node[nodes - 1] && n < nodes; n++) {
        double all = 1;
        for (int32_t a = 0; a < actions; a++) {
            if (!is_allowed[a]) continue;
            double spread = how->width * sd[a];
            right[a] = spread > 0 ? normal_below(how->normal, (node[n] - mean[a]) / spread)
                                  : node[n] >= mean[a];
            if (n > 0) all *= 0.5 * (left[a] + right[a]);
        }
        for (int32_t a = 0; a < actions; a++) {
            if (!is_allowed[a]) continue;
            double own = 0.5 * (left[a] + right[a]), cell = right[a] - left[a];
            if (n > 0 && cell > 0 && own > 0) probability[a] += cell * all / own;
            left[a] = right[a];
        }
    }
    for (int32_t a = 0; a < actions; a++) total += probability[a];
    if (total > DBL_MIN) {
        for (int32_t a = 0; a < actions; a++) probability[a] /= total;
        return;
    }
    memset(probability, 0, (size_t)actions * sizeof *probability);
    share_best(actions, mean, is_allowed, 1, probability); /* nothing is uncertain */
}

void explore_probabilities(const struct explore *how, int32_t actions, const double *mean,
                           const double *sd, const uint8_t *is_allowed, double *scratch,
                           double *ret_probability) {
    int32_t allowed = 0;
    for (int32_t a = 0; a < actions; a++) allowed += is_allowed[a] != 0;
    KAI_ASSERT(allowed > 0);
    memset(ret_probability, 0, (size_t)actions * sizeof *ret_probability);
    switch (how->method) {
    case BANDIT_GREEDY:
        for (int32_t a = 0; a < actions; a++)
            if (is_allowed[a]) ret_probability[a] = how->epsilon / allowed;
        share_best(actions, mean, is_allowed, 1 - how->epsilon, ret_probability);
        break;
    case BANDIT_UCB:
        for (int32_t a = 0; a < actions; a++) scratch[a] = mean[a] + how->width * sd[a];
        share_best(actions, scratch, is_allowed, 1, ret_probability);
        break;
    case BANDIT_THOMPSON:
        match_probabilities(how, actions, mean, sd, is_allowed, scratch, ret_probability);
        break;
    case BANDIT_SQUARE: weigh_gaps(how, actions, allowed, mean, is_allowed, ret_probability); break;
    case BANDIT_METHODS: break;
    }
    for (int32_t a = 0; a < actions; a++)
        if (is_allowed[a])
            ret_probability[a] = how->floor + (1 - allowed * how->floor) * ret_probability[a];
}
