#!/usr/bin/env python3
"""Training speed beside PyTorch's eager loop: the same shapes, 64-32-1, Adam, BCE.

Use: mlp_peer.py <build>/bin/bench_mlp [rows] [epochs] [threads]
Runs the two sides in turn on the same machine and prints samples a second and the ratio. PyTorch's
loop is the usual one (shuffle, index a batch, zero_grad, forward, backward, step), data in memory.
"""
import json
import subprocess
import sys
import time

import torch


def train_seconds(rows, epochs, inputs, batch):
    torch.manual_seed(0)
    x = torch.randn(rows, inputs)
    y = (x[:, :1] > 0.5).float()
    net = torch.nn.Sequential(
        torch.nn.Linear(inputs, 64), torch.nn.ReLU(), torch.nn.Linear(64, 32), torch.nn.ReLU(),
        torch.nn.Linear(32, 1))
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    loss_of = torch.nn.BCEWithLogitsLoss()
    begin = time.perf_counter()
    for _ in range(epochs):
        order = torch.randperm(rows)
        for at in range(0, rows, batch):
            chosen = order[at:at + batch]
            adam.zero_grad()
            loss = loss_of(net(x[chosen]), y[chosen])
            loss.backward()
            adam.step()
    return time.perf_counter() - begin


def main():
    binary = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 65536
    epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    threads = int(sys.argv[4]) if len(sys.argv) > 4 else 2
    torch.set_num_threads(threads)
    out = subprocess.run([binary, str(rows), str(epochs), str(threads)], check=True,
                         capture_output=True, text=True).stdout
    ours = [json.loads(line) for line in out.splitlines()]
    for entry in ours:
        if "samples_per_second" not in entry:
            continue
        words = entry["name"].split()
        inputs, batch = int(words[2]), int(words[4])
        peer_epochs = epochs if batch > 256 else 1
        peer_rows = rows if batch > 256 else min(rows, 32768)
        train_seconds(4 * batch, 1, inputs, batch)
        runs = sorted(train_seconds(peer_rows, peer_epochs, inputs, batch) for _ in range(3))
        peer = peer_rows * peer_epochs / runs[1]
        print(json.dumps({"inputs": inputs, "batch": batch, "threads": threads,
                          "kairos": entry["samples_per_second"], "pytorch": round(peer),
                          "ratio": round(entry["samples_per_second"] / peer, 2),
                          "sgemm_share": entry["sgemm_share"]}))


if __name__ == "__main__":
    main()
