#!/usr/bin/env python3
"""Whole process against whole process: `kairos fit` beside the Python script that does the same.

Use: fit_peer.py <kairos> <bank-additional-full.csv.gz> [runs] [label] [positive]
Both read the CSV, split 80/20 with seed 42, fit a random forest of 100 trees and a dense 64-32-1
network (ReLU, Adam, 10 epochs, batches of 32, a fifth of the training rows for validation), and print
both accuracies on the held-out rows. The Python side is pandas, scikit-learn (n_jobs=-1: all cores)
and PyTorch's usual eager loop. The runs alternate; the first pair warms the caches and is not
counted. Prints one JSON line: medians of wall time, the ratio, and the accuracies of both sides.

`fit_peer.py --peer CSV LABEL POSITIVE` is the Python side alone.
"""
import json
import os
import statistics
import subprocess
import sys
import time


def fit_network(x, y, cores):
    import torch

    torch.manual_seed(42)
    torch.set_num_threads(cores)
    cut = len(x) - len(x) // 5
    order = torch.randperm(len(x))
    x, y = torch.tensor(x), torch.tensor(y).unsqueeze(1)
    train, valid = order[:cut], order[cut:]
    net = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], 64), torch.nn.ReLU(), torch.nn.Linear(64, 32), torch.nn.ReLU(),
        torch.nn.Linear(32, 1))
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    loss_of = torch.nn.BCEWithLogitsLoss()
    best, kept = float("inf"), None
    for _ in range(10):
        mixed = train[torch.randperm(cut)]
        for at in range(0, cut, 32):
            chosen = mixed[at:at + 32]
            adam.zero_grad()
            loss = loss_of(net(x[chosen]), y[chosen])
            loss.backward()
            adam.step()
        with torch.no_grad():
            loss = loss_of(net(x[valid]), y[valid]).item()
        if loss < best:
            best, kept = loss, {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(kept)
    return lambda rows: (net(torch.tensor(rows)).detach().numpy()[:, 0] > 0)


def peer(path, label, positive):
    import numpy
    import pandas
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    table = pandas.read_csv(path, sep=";" if "bank" in os.path.basename(path) else ",")
    y = (table[label].astype(str) == positive).to_numpy(dtype="float32")
    x = pandas.get_dummies(table.drop(columns=[label])).to_numpy(dtype="float32")
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.2, random_state=42,
                                                        stratify=y)
    cores = os.cpu_count()
    forest = RandomForestClassifier(100, n_jobs=-1, random_state=42).fit(train_x, train_y)
    scaler = StandardScaler().fit(train_x)
    predict = fit_network(scaler.transform(train_x).astype("float32"), train_y, cores)
    network = predict(scaler.transform(test_x).astype("float32"))
    print(json.dumps({"forest": float((forest.predict(test_x) == test_y).mean()),
                      "mlp": float((network == test_y.astype(bool)).mean()),
                      "rows": int(len(y)), "columns": int(numpy.shape(x)[1])}))


def timed(command):
    begin = time.perf_counter()
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - begin, json.loads(out)


def main():
    if sys.argv[1] == "--peer":
        peer(*sys.argv[2:5])
        return
    kairos, path = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    label = sys.argv[4] if len(sys.argv) > 4 else "y"
    positive = sys.argv[5] if len(sys.argv) > 5 else "yes"
    ours = [kairos, "fit", path, "--label", label, "--positive", positive, "--models", "forest,mlp",
            "--json", "--quiet"]
    theirs = [sys.executable, os.path.abspath(__file__), "--peer", path, label, positive]
    seconds = {"kairos": [], "python": []}
    said = {}
    for run in range(runs + 1):
        for name, command in (("kairos", ours), ("python", theirs)):
            took, said[name] = timed(command)
            if run:
                seconds[name].append(took)
    median = {name: statistics.median(took) for name, took in seconds.items()}
    models = said["kairos"]["models"]
    print(json.dumps({
        "name": "fit forest+mlp, whole process", "rows": said["python"]["rows"], "runs": runs,
        "cores": os.cpu_count(),
        "kairos_seconds": round(median["kairos"], 3), "python_seconds": round(median["python"], 3),
        "kairos_all": [round(s, 3) for s in seconds["kairos"]],
        "python_all": [round(s, 3) for s in seconds["python"]],
        "ratio": round(median["python"] / median["kairos"], 1),
        "accuracy": {m: {"kairos": round(models[m]["test"]["accuracy"], 4),
                         "python": round(said["python"][m], 4)} for m in ("forest", "mlp")}}))


if __name__ == "__main__":
    main()
