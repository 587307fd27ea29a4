#include "evaluate/sequential.h"

#include <math.h>

double sequential_mixture(double horizon, double alpha) {
    double doubled = -2 * log(alpha);
    return horizon / (doubled + log(doubled + 1));
}

double sequential_width(double units, double mixture, double alpha) {
    double inflation = (units + mixture) / units;
    return sqrt(inflation * (log((units + mixture) / mixture) - 2 * log(alpha)));
}

double sequential_p(double z, double units, double mixture) {
    double root = 0.5 * log((units + mixture) / mixture);
    return fmin(1, exp(root - z * z * units / (2 * (units + mixture))));
}

void bernstein_init(struct bernstein *bernstein, double alpha) {
    *bernstein = (struct bernstein){.alpha = alpha, .high = 1};
}

void bernstein_add(struct bernstein *bernstein, double value) {
    double seen = (double)bernstein->n, t = seen + 1, budget = log(2 / bernstein->alpha);
    double mean = (0.5 + bernstein->sum) / (seen + 1);
    double variance = (0.25 + bernstein->spread) / (seen + 1);
    double bet = fmin(0.5, sqrt(2 * budget / (variance * t * log1p(t))));
    bernstein->bets += bet;
    bernstein->bets_value += bet * value;
    bernstein->penalty += (value - mean) * (value - mean) * (-log1p(-bet) - bet);
    bernstein->n++;
    bernstein->sum += value;
    double next = (0.5 + bernstein->sum) / (t + 1);
    bernstein->spread += (value - next) * (value - next);
    double centre = bernstein->bets_value / bernstein->bets;
    double width = (budget + bernstein->penalty) / bernstein->bets;
    bernstein->low = fmax(bernstein->low, centre - width);
    bernstein->high = fmin(bernstein->high, centre + width);
}
