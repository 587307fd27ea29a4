#!/usr/bin/env python3
"""Training speed of the behaviour model beside PyTorch: same architecture, batch, length and loss.

Use: behave_peer.py BENCH_BEHAVE RATINGS [--width 64] [--batch 64] [--steps 4] [--full] [--rounds 2]
       [--threads N]
     BENCH_BEHAVE  build/release/bin/bench_behave
     RATINGS       MovieLens-1M's ratings_ordered.csv.gz
Both train 2 blocks with a full softmax over the catalogue on N threads (all cores), in turn, and count real
events (no padding) a second of wall clock. PyTorch pads every sequence to 200, as the usual recipe
does; --full keeps only customers with more than 200 events on both sides, so that nothing is padded.
Prints one JSON line a side and round, with CPU seconds, and the ratio of the medians.
"""
import argparse
import gzip
import json
import math
import os
import resource
import statistics
import subprocess
import tempfile
import time

import torch
import torch.nn.functional as F

LENGTH, BLOCKS, HEADS, TEMPERATURE, DROPOUT = 200, 2, 2, 0.05, 0.2


def read(path, full):
    users, codes = {}, {}
    with gzip.open(path, "rt") as file:
        next(file)
        for line in file:
            user, _, item, *_ = line.split(",")
            users.setdefault(user, []).append(codes.setdefault(item, len(codes)))
    sequences = [s for s in users.values() if not full or len(s) > LENGTH + 1]
    return sequences, len(codes)


def norm(x):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6)


class Block(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width, self.each = width, width // HEADS
        linear = lambda a, b: torch.nn.Linear(a, b, bias=False)
        self.mix, self.out = linear(width, 4 * width), linear(width, width)
        self.up, self.down = linear(width, 4 * width), linear(2 * width, width)
        self.bias = torch.nn.Parameter(torch.zeros(HEADS, LENGTH))
        distance = torch.arange(LENGTH)[:, None] - torch.arange(LENGTH)[None, :]
        self.register_buffer("distance", distance.clamp(0))
        self.register_buffer("hidden", torch.zeros(LENGTH, LENGTH).masked_fill(distance < 0, -1e9))

    def forward(self, x):
        b, t, _ = x.shape
        gate, q, k, v = self.mix(norm(x)).split(self.width, 2)
        q, k, v = (y.view(b, t, HEADS, self.each).transpose(1, 2) for y in (q, k, v))
        scores = q @ k.transpose(2, 3) / math.sqrt(self.each)
        weights = torch.softmax(scores + (self.bias[:, self.distance] + self.hidden), -1)
        a = norm((weights @ v).transpose(1, 2).reshape(b, t, self.width))
        x = x + self.out(F.dropout(F.silu(gate) * a, DROPOUT))
        s, g = self.up(norm(x)).chunk(2, 2)
        return x + F.dropout(self.down(F.silu(s) * g), DROPOUT)


class Model(torch.nn.Module):
    def __init__(self, items, width):
        super().__init__()
        self.width = width
        self.table = torch.nn.Embedding(items + 1, width, padding_idx=items)
        self.places = torch.nn.Parameter(0.02 * torch.randn(LENGTH, width))
        self.blocks = torch.nn.ModuleList(Block(width) for _ in range(BLOCKS))
        self.items = items

    def forward(self, inputs, targets):
        x = F.dropout(math.sqrt(self.width) * self.table(inputs) + self.places, DROPOUT)
        for block in self.blocks:
            x = block(x)
        logits = F.normalize(x, dim=-1) @ F.normalize(self.table.weight[:self.items], dim=-1).t()
        return F.cross_entropy(logits.flatten(0, 1) / TEMPERATURE, targets.flatten(),
                               ignore_index=self.items)


def cpu_seconds(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def time_torch(sequences, items, args):
    torch.manual_seed(1)
    model = Model(items, args.width)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    order = torch.randperm(len(sequences)).tolist()
    events = started = cpu = 0
    for step in range(args.steps + 1):
        if step == 1:  # the first step warms up
            events, started, cpu = 0, time.perf_counter(), cpu_seconds(resource.RUSAGE_SELF)
        inputs = torch.full((args.batch, LENGTH), items)
        targets = torch.full((args.batch, LENGTH), items)
        for row in range(args.batch):
            s = sequences[order[(step * args.batch + row) % len(order)]][-LENGTH - 1:]
            inputs[row, :len(s) - 1] = torch.tensor(s[:-1])
            targets[row, :len(s) - 1] = torch.tensor(s[1:])
            events += len(s) - 1
        adam.zero_grad()
        loss = model(inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    seconds = time.perf_counter() - started
    return events / seconds, events / (cpu_seconds(resource.RUSAGE_SELF) - cpu)


def time_kairos(path, args):
    command = [args.bench, path, str(args.threads), f"width={args.width}", "blocks=2", "heads=2", "epochs=1",
               f"batch_sequences={args.batch}", f"tokens={10 * args.steps * args.batch * 160}",
               "validation_customers=-1", "rank=0"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    epoch = next(json.loads(line) for line in lines if '"epoch":' in line)
    cpu = next(json.loads(line) for line in lines if "train_cpu_s" in line)["train_cpu_s"]
    return epoch["tokens_s"], epoch["tokens_s"] * epoch["seconds"] / cpu


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("ratings")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--full", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    sequences, items = read(args.ratings, args.full)
    rates = {"torch": [], "kairos": []}
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("user_id,position,item_id\n")
        for user, sequence in enumerate(sequences):
            for place, item in enumerate(sequence):
                file.write(f"{user + 1},{place},{item}\n")
        file.flush()
        for _ in range(args.rounds):
            for side in rates:
                rate, each = (time_torch(sequences, items, args) if side == "torch"
                              else time_kairos(file.name, args))
                rates[side].append(rate)
                print(json.dumps({"side": side, "width": args.width, "batch": args.batch,
                                  "full": args.full,
                                  "threads": args.threads, "events_s": round(rate),
                                  "events_cpu_s": round(each)}), flush=True)
    ratio = statistics.median(rates["kairos"]) / statistics.median(rates["torch"])
    print(json.dumps({"ratio": round(ratio, 2)}))


if __name__ == "__main__":
    main()
