#!/usr/bin/env python3
"""usage: backtest_peer.py KAIROS DATA - leave-one-out of `popular`, `recent-popular` and `item-knn` on MovieLens-100K, computed
again in plain Python from the definitions of docs/methods/backtest.md, beside what `kairos backtest` says."""
import collections, json, math, subprocess, sys

kairos, data = sys.argv[1:3]
path = f"{data}/movielens_100k/u.data"
metrics = "ndcg@10,hr@10,mrr@20,novelty@10,coverage@10"
said = json.loads(subprocess.check_output(
    [kairos, "backtest", path, "--no-header", "--columns", "user,item,rating,time", "--time", "time", "--json", "--quiet",
     "--models", "popular,recent-popular,item-knn", "--metrics", metrics]))

number, events = {}, collections.defaultdict(list)
for row, line in enumerate(open(path)):
    user, item, _, time = line.split("\t")
    events[user].append((int(time), row, number.setdefault(item, len(number))))
for history in events.values():
    history.sort()
items = len(number)
train = {u: h[:-2] for u, h in events.items()}
count = collections.Counter(i for h in train.values() for _, _, i in h)
flat = sorted((t, i) for h in train.values() for t, _, i in h)
had = collections.Counter(i for h in train.values() for i in {x[2] for x in h})

near = collections.defaultdict(float)
for h in train.values():
    at = collections.defaultdict(list)
    for place, (_, _, i) in enumerate(h[-2000:]):
        at[i].append(place)
    seen = [(p, i) for i, places in at.items() for p in places]
    seen.sort()
    best = {}
    for a, (p, i) in enumerate(seen):
        for q, j in seen[a + 1:a + 51]:
            best[i, j] = max(best.get((i, j), 0), 1 / (q - p))
            best[j, i] = max(best.get((j, i), 0), 1 / (q - p))
    for pair, value in best.items():
        near[pair] += value
neighbours = collections.defaultdict(list)
for (i, j), value in near.items():
    neighbours[i].append((-value / math.sqrt(had[i] * had[j]), j))
neighbours = {i: sorted(n)[:200] for i, n in neighbours.items()}


def popular(user, time, shown):
    return [count[i] for i in range(items)]


def recent(user, time, shown):
    week = collections.Counter(i for t, i in flat if time - 7 * 86400 <= t < time)
    return [week[i] for i in range(items)] if week else popular(user, time, shown)


def item_knn(user, time, shown):
    score, voted = [0.0] * items, set()
    for back, i in enumerate(reversed(shown)):
        if i in voted or len(voted) == 20:
            continue
        voted.add(i)
        for value, j in neighbours.get(i, ()):
            score[j] -= 0.8 ** back * value
    return score


worst = 0
for name, model in ("popular", popular), ("recent-popular", recent), ("item-knn", item_knn):
    total, listed = collections.Counter(), set()
    for user, history in events.items():
        shown, target = [i for _, _, i in history[:-1]], history[-1][2]
        score = model(user, history[-1][0], shown)
        left = set(shown)
        order = sorted((i for i in range(items) if i not in left), key=lambda i: (-score[i], i))
        rank = order.index(target) + 1
        total["hr@10"] += rank <= 10
        total["ndcg@10"] += (rank <= 10) / math.log2(rank + 1)
        total["mrr@20"] += (rank <= 20) / rank
        total["novelty@10"] += sum(-math.log2(max(1, had[i]) / len(events)) for i in order[:10]) / 10
        listed.update(order[:10])
    mine = {m: total[m] / len(events) for m in metrics.split(",")}
    mine["coverage@10"] = len(listed) / items
    for metric, value in mine.items():
        theirs = said["models"][name][metric]["value"]
        worst = max(worst, abs(value - theirs))
        print(f"{name:15} {metric:12} {value:.6f} {theirs:.6f}")
print(f"largest difference {worst:.2e}")
sys.exit(worst > 2e-3)
