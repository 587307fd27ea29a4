#!/usr/bin/env bash
# Bandits and bidders in worlds whose truth is known.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
rounds=4000
[ -z "${KAIROS_SANITIZE:-}" ] || rounds=1000

expect 0 simulate bandit --out one --rounds $rounds --json
cp out first
equals 'rounds of the log' "$(wc -l <one/log.csv)" $((rounds + 1))
equals 'points of the curves' "$(wc -l <one/regret.csv)" 101
expect 0 simulate bandit --out two --rounds $rounds --threads 1 --quiet
diff -r one two || fail "the world depends on the number of threads"
for method in greedy ucb thompson square; do
    awk -v r="$(value first "players|$method|regret_of_uniform")" 'BEGIN { exit !(r > 0 && r < 0.5) }' ||
        fail "$method does not learn"
done
# the log is an experiment: the mean reward of an action there is its constant, up to chance
awk -F, 'NR > 1 { n[$2]++; s[$2] += $3 } END { for (a in n) print a, s[a] / n[a], 4 * sqrt(2 / n[a]) }' one/log.csv >means
while read -r action mean slack; do
    near "mean reward of action $action" "$mean" \
        "$(awk -F, -v a="$action" '$2 == a && $3 == 0 { print $4 }' one/truth/weights.csv)" "$slack"
done <means
last=$(tail -1 one/regret.csv | cut -d, -f4)
near 'the curve ends at the regret' "$last" "$(value first 'players|greedy|regret')" 1e-6
expect 2 simulate bandit --out three --methods ucb,luck
says "'luck' is not one of"
expect 2 simulate bandit --out three --methods ucb,ucb
expect 2 simulate bandit --out three --discount 0.9 --window 100
says 'only one of the two'
[ ! -e three ] || fail "a world that was refused left something behind"
expect 0 simulate bandit --out late --rounds 500 --reward binary --delay 200 --change 250 --window 100 --methods thompson

expect 0 simulate auction --out market --auctions 30000 --json
cp out first
equals 'auctions' "$(wc -l <market/log.txt)" 30000
expect 0 simulate auction --log market/log.txt --json
for bidder in linear ortb mdp; do
    equals "$bidder on the log that was written" "$(value out "bidders|$bidder|outcomes|value")" \
        "$(value first "bidders|$bidder|outcomes|value")"
    awk -v s="$(value out "bidders|$bidder|spent")" -v b="$(value out "bidders|$bidder|budget")" \
        'BEGIN { exit !(s <= b && s > 0.95 * b) }' || fail "$bidder spends too much or too little"
done
printf '0 3 0.1\n1 2 x\n' >bad.txt
expect 2 simulate auction --log bad.txt
says "bad.txt:2: expected a value of 0 or more, got 'x'"
expect 6 simulate auction --log none.txt
pass
