#!/usr/bin/env python3
"""The effect learners of Kairos once more, over Python's XGBoost, on a simulated campaign.

    effects_peer.py DIR [--learner t,x,dr] [--depth 4] [--rate 0.1] [--rounds 400]

DIR is what `kairos simulate campaign` wrote. Customers are scored out of fold (5 folds); each
learner's effects become a plan by net value under the campaign's budget, and the plan's true
profit is printed as a share of the best plan's. bench/flow/bench_effects.c does the same in C.
"""
import argparse
import json
import re
import time

import numpy as np
import pandas as pd
import xgboost as xgb


def read(folder):
    table = pd.read_csv(f"{folder}/customers.csv")
    truth = pd.read_csv(f"{folder}/truth/effects.csv")
    summary = json.load(open(f"{folder}/truth/summary.json"))
    arms = [a["name"] for a in summary["arms"]]
    arm = table["action"].map({name: i for i, name in enumerate(arms)}).to_numpy()
    if "propensity" in table:
        propensity = table["propensity"].to_numpy()
    else:
        propensity = np.full(len(table), 1.0 / len(arms))
    drop = ["customer", "region", "action", "propensity", "visit", "conversion", "spend"]
    x = table.drop(columns=[c for c in drop if c in table])
    parts = []
    for name in x:
        if x[name].dtype == object and x[name].nunique() <= 20:
            parts.append(pd.get_dummies(x[name], prefix=name).astype(np.float32))
        elif x[name].dtype == object:
            parts.append(x[name].astype("category").cat.codes.astype(np.float32).to_frame())
        else:
            parts.append(x[name].astype(np.float32).to_frame())
    return dict(
        x=pd.concat(parts, axis=1).to_numpy(np.float32), arm=arm,
        y=table["spend"].to_numpy(float), e=propensity,
        factor=truth["factor"].to_numpy(),
        value=truth[[f"value_{a}" for a in arms[1:]]].to_numpy(),
        cost=np.array([a["cost"] for a in summary["arms"][1:]]),
        margin=summary["margin"], budget=summary["budget"], arms=len(arms))


def plan(value, cost, budget):
    """Offer of each customer (0 = none): value - (1 + price) cost, the price meets the budget."""
    def at(price):
        net = np.c_[np.zeros(len(value)), value - (1 + price) * cost]
        return net.argmax(1)
    costs = np.r_[0, cost]
    low, high = 0.0, 1.0
    if costs[at(0)].sum() <= budget:
        return at(0)
    while costs[at(high)].sum() > budget:
        high *= 2
    for _ in range(50):
        mid = (low + high) / 2
        low, high = (mid, high) if costs[at(mid)].sum() > budget else (low, mid)
    return at(high)


def profit(d, offer):
    full = np.c_[np.zeros(len(offer)), d["value"] - d["cost"]]
    return full[np.arange(len(offer)), offer].sum()


class Base:
    def __init__(self, a):
        self.a = a

    def fit(self, x, y, seed, w=None):
        rng = np.random.default_rng(seed)
        held = rng.random(len(y)) < 0.1
        params = dict(max_depth=self.a.depth, eta=self.a.rate, objective="reg:squarederror",
                      tree_method="hist", seed=seed, nthread=self.a.threads, min_child_weight=self.a.leaf,
                      subsample=self.a.subsample, colsample_bytree=self.a.column, base_score=float(y.mean()),
                      reg_lambda=1.0)
        ww = (lambda m: None) if w is None else (lambda m: w[m])
        train = xgb.DMatrix(x[~held], y[~held], weight=ww(~held))
        check = xgb.DMatrix(x[held], y[held], weight=ww(held))
        model = xgb.train(params, train, self.a.rounds, evals=[(check, "v")],
                          early_stopping_rounds=20, verbose_eval=False)
        best = model.best_iteration + 1
        return lambda z: model.predict(xgb.DMatrix(z), iteration_range=(0, best))


def outcome_models(base, d, rows, seed):
    fits = []
    for k in range(d["arms"]):
        mine = rows[d["arm"][rows] == k]
        fits.append(base.fit(d["x"][mine], d["y"][mine], seed + k))
    return lambda z: np.stack([f(z) for f in fits], 1)


def fit_effects(base, d, rows, learner, seed):
    if learner == "t":
        mu = outcome_models(base, d, rows, seed)
        return lambda z: (lambda m: m[:, 1:] - m[:, :1])(mu(z))
    rng = np.random.default_rng(seed)
    fold = rng.integers(0, 3, len(rows))
    mu = np.zeros((len(rows), d["arms"]))
    for f in range(3):
        mu[fold == f] = outcome_models(base, d, rows[fold != f], seed)(d["x"][rows[fold == f]])
    arm, y, e = d["arm"][rows], d["y"][rows], d["e"][rows]
    x = d["x"][rows]
    residual = (y - mu[np.arange(len(rows)), arm]) / e
    fits = []
    for k in range(1, d["arms"]):
        if learner == "dr":
            score = mu[:, k] - mu[:, 0] + residual * ((arm == k) * 1.0 - (arm == 0))
            fits.append(base.fit(x, score, seed + 10 * k))
        else:
            treated, control = arm == k, arm == 0
            both = treated | control
            score = np.where(treated, y - mu[:, 0], mu[:, k] - y)
            # one model on both imputed effects: the X-learner's weighted average in one fit
            fits.append(base.fit(x[both], score[both], seed + 10 * k, 1 / e[both]))
    return lambda z: np.stack([f(z) for f in fits], 1)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("dir", nargs="+")
    p.add_argument("--learner", default="t,x,dr")
    p.add_argument("--depth", type=int, default=4)
    p.add_argument("--rate", type=float, default=0.1)
    p.add_argument("--rounds", type=int, default=400)
    p.add_argument("--leaf", type=float, default=20)
    p.add_argument("--subsample", type=float, default=0.7)
    p.add_argument("--column", type=float, default=0.7)
    p.add_argument("--folds", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    for folder in a.dir:
        d = read(folder)
        n = len(d["y"])
        best = profit(d, plan(d["value"], d["cost"], d["budget"]))
        fold = np.random.default_rng(1).integers(0, a.folds, n)
        for learner in a.learner.split(","):
            start = time.time()
            tau = np.zeros((n, d["arms"] - 1))
            for f in range(a.folds):
                predict = fit_effects(Base(a), d, np.flatnonzero(fold != f), learner, 7 + f)
                tau[fold == f] = predict(d["x"][fold == f])
            worth = d["factor"] * d["margin"]
            got = profit(d, plan(tau * worth[:, None], d["cost"], d["budget"]))
            true = d["value"] / worth[:, None]
            corr = [round(float(np.corrcoef(tau[:, k], true[:, k])[0, 1]), 3)
                    for k in range(tau.shape[1])]
            print(json.dumps(dict(name="effects_peer", dir=folder, learner=learner,
                                  share=round(got / best, 4), profit=round(got, 1),
                                  best=round(best, 1), corr=corr,
                                  seconds=round(time.time() - start, 1))), flush=True)


if __name__ == "__main__":
    main()
