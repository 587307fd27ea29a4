#!/usr/bin/env python3
"""The random forest beside scikit-learn's and XGBoost's forest mode, on the same tables.

    cmake --build build/release --target bench_forest
    bench/forest_peer.py --bin build/release/bin/bench_forest --data ../shared/data bank deep wide

bank   bank_marketing, 32,950 training rows; ours gets categories as codes in the order of the
       target's mean on the training rows (as `prepare` makes them), the peers one-hot columns
deep   160,000 x 50 generated, depth 12
wide   1,000,000 x 50 generated, until pure; the peers with --wide-trees trees, their time scaled to
       100; the quality of as few of ours is printed too

Times are user CPU seconds of all threads (the machine may be shared) and wall seconds; AUC on the
test rows, mean over the seeds.
"""
import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score


def bank(folder):
    table = pd.read_csv(os.path.join(folder, "bank_marketing", "bank-additional-full.csv.gz"), sep=";")
    target = (table.pop("y") == "yes").to_numpy(float)
    order = np.random.default_rng(42).permutation(len(table))
    table, target = table.iloc[order].reset_index(drop=True), target[order]
    test = len(table) // 5
    train = len(table) - test
    codes = table.copy()
    for name in table.select_dtypes(object).columns:
        means = pd.Series(target[:train]).groupby(table[name][:train].to_numpy()).mean()
        rank = {value: i for i, value in enumerate(means.sort_values().index)}
        codes[name] = table[name].map(rank)
    return codes.to_numpy(np.float32), pd.get_dummies(table).to_numpy(np.float32), target, test


def generated(train, test, columns=50):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((train + test, columns), dtype=np.float32)
    signal = x[:, 0] * x[:, 1] + x[:, 2] - 0.5 * x[:, 3] ** 2 + np.sin(3 * x[:, 4]) + x[:, 5:15].sum(1) * 0.3
    target = (signal + rng.standard_normal(train + test) > 0).astype(float)
    return x, x, target, test


def write(path, x, target, test):
    with open(path, "wb") as file:
        np.array([x.shape[0], x.shape[1], test], dtype=np.int64).tofile(file)
        np.asfortranarray(x).T.tofile(file)
        target.astype(np.float64).tofile(file)


def ours(binary, x, target, test, depth, seeds, threads, trees=100):
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        write(file.name, x, target, test)
        line = subprocess.run([binary, file.name, f"depth={depth}", f"runs={seeds}", f"threads={threads}",
                               f"trees={trees}"],
                              check=True, capture_output=True, text=True).stdout
    return json.loads(line)


def measured(model, x, target, test, scale=1.0):
    train = len(target) - test
    wall, user = time.perf_counter(), time.process_time()
    model.fit(x[:train], target[:train])
    fit_s, fit_user_s = time.perf_counter() - wall, time.process_time() - user
    wall = time.perf_counter()
    scores = model.predict_proba(x[train:])[:, 1]
    return {"fit_s": fit_s * scale, "fit_user_s": fit_user_s * scale, "predict_s": time.perf_counter() - wall,
            "auc": roc_auc_score(target[train:], scores)}


def peer(make, x, target, test, seeds, scale=1.0):
    runs = [measured(make(seed), x, target, test, scale) for seed in range(seeds)]
    least = {key: min(run[key] for run in runs) for key in runs[0]}
    least["auc"] = float(np.mean([run["auc"] for run in runs]))
    return least


def sklearn_forest(trees, depth, threads):
    return lambda seed: RandomForestClassifier(trees, max_depth=depth or None, n_jobs=threads, random_state=seed)


def xgboost_forest(trees, depth, threads):
    import xgboost
    return lambda seed: xgboost.XGBRFClassifier(
        n_estimators=trees, max_depth=depth or 0, tree_method="hist", max_leaves=0, reg_lambda=0, min_child_weight=0,
        subsample=0.63, colsample_bynode=0.15, n_jobs=threads, random_state=seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", choices=["bank", "deep", "wide"])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--wide-trees", type=int, default=2)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    for what in options.what:
        depth, seeds, trees = {"bank": (0, options.seeds, 100), "deep": (12, 1, 100),
                               "wide": (0, 1, options.wide_trees)}[what]
        x, x_peer, target, test = (bank(options.data) if what == "bank" else
                                   generated(160000, 40000) if what == "deep" else generated(1000000, 100000))
        mine = ours(options.bin, x, target, test, depth, seeds, options.threads)
        print(json.dumps({"what": what, "who": "kairos", **mine}), flush=True)
        if trees != 100:  # the same number of trees a side, for the quality
            few = ours(options.bin, x, target, test, depth, 3, options.threads, trees)
            print(json.dumps({"what": what, "who": "kairos", **few}), flush=True)
        if options.no_peers:
            continue
        for who, make in (("sklearn", sklearn_forest), ("xgboost", xgboost_forest)):
            try:
                theirs = peer(make(trees, depth, options.threads), x_peer, target, test, seeds, 100 / trees)
            except Exception as error:  # XGBoost runs out of memory on `wide`
                print(json.dumps({"what": what, "who": who, "error": str(error).splitlines()[-1]}), flush=True)
                continue
            ratio = {"user_ratio": theirs["fit_user_s"] / mine["fit_user_s"], "wall_ratio": theirs["fit_s"] / mine["fit_s"]}
            print(json.dumps({"what": what, "who": who, "trees": trees, **theirs, **ratio}), flush=True)


if __name__ == "__main__":
    main()
