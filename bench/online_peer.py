"""Progressive logloss on one stream: the on-line learner, scikit-learn's SGD, and FTRL in double.

usage: bench/online_peer.py build/release/bin/bench_online [rows] [fields]

The stream: `fields` categorical fields with a long tail of levels, every fourth of them moves the
logit. Each example is predicted before it is learned. scikit-learn learns in batches of one over the
same hashed one-hot rows; the best of its rates stands beside the best of ours.
Needs python3-sklearn and python3-scipy.
"""
import json
import math
import subprocess
import sys

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import SGDClassifier

BITS = 20


def make_stream(rows, fields):
    rng = np.random.default_rng(7)
    levels = (1000 * rng.random((rows, fields)) ** 4).astype(np.int64)
    weight = rng.normal(0, 0.5, (fields, 1000))
    logit = np.full(rows, -2.0)
    for field in range(0, fields, 4):
        logit += weight[field, levels[:, field]]
    label = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    floor = -np.mean(np.where(label, -np.log1p(np.exp(-logit)), -np.log1p(np.exp(logit))))
    return levels, label, floor


def loss_of(p, label):
    p = min(max(p, 1e-15), 1 - 1e-15)
    return -math.log(p) if label else -math.log1p(-p)


def hashed(levels):
    fields = np.arange(levels.shape[1], dtype=np.uint64)
    keys = levels.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + fields * np.uint64(0xBF58476D1CE4E5B9)
    keys ^= keys >> np.uint64(29)
    return ((keys * np.uint64(0x94D049BB133111EB)) >> np.uint64(64 - BITS)).astype(np.int64)


def sklearn_loss(index, label, eta0, schedule):
    model = SGDClassifier(loss="log_loss", penalty=None, learning_rate=schedule, eta0=eta0, power_t=0.25)
    rows, fields = index.shape
    ones = np.ones(fields)
    total = 0.0
    for i in range(rows):
        x = csr_matrix((ones, index[i], [0, fields]), shape=(1, 1 << BITS))
        p = 0.5 if i == 0 else 1 / (1 + math.exp(-float(model.decision_function(x)[0])))
        total += loss_of(p, label[i])
        model.partial_fit(x, label[i : i + 1], classes=[0, 1])
    return total / rows


def ftrl_loss(levels, label, rate, beta=1.0):
    rows, fields = levels.shape
    z = np.zeros((fields + 1, 1001))
    n = np.zeros((fields + 1, 1001))
    field = np.arange(fields + 1)
    total = 0.0
    for i in range(rows):
        at = np.append(levels[i], 1000)
        zi, ni = z[field, at], n[field, at]
        w = -zi * rate / (beta + np.sqrt(ni))
        p = 1 / (1 + math.exp(-float(w.sum())))
        total += loss_of(p, label[i])
        g = p - label[i]
        z[field, at] += g - (np.sqrt(ni + g * g) - np.sqrt(ni)) / rate * w
        n[field, at] += g * g
    return total / rows


def ours(binary, text, method, rate):
    out = subprocess.run([binary, method, str(rate)], input=text, capture_output=True, text=True, check=True)
    return json.loads(out.stdout)["logloss"]


def main():
    binary = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 30000
    fields = int(sys.argv[3]) if len(sys.argv) > 3 else 39
    levels, label, floor = make_stream(rows, fields)
    text = "\n".join(f"{y} " + " ".join(map(str, x)) for y, x in zip(label, levels)) + "\n"
    rates = [0.01, 0.02, 0.05, 0.1, 0.2]
    best = {m: min((ours(binary, text, m, r), r) for r in rates) for m in ("ftrl", "adagrad")}
    reference = min((ftrl_loss(levels, label, r), r) for r in rates)
    index = hashed(levels)
    peer = min(
        (sklearn_loss(index, label, eta, schedule), eta, schedule)
        for eta in (0.005, 0.01, 0.03)
        for schedule in ("constant", "invscaling")
    )
    print(json.dumps({"rows": rows, "fields": fields, "entropy_of_truth": floor, "ours": best,
                      "ftrl_in_double": reference, "sklearn_sgd": peer}))


if __name__ == "__main__":
    main()
