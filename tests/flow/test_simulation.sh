#!/usr/bin/env bash
# A market whose truth is known, from simulate through run to the judgement by that truth.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
rows=6000
[ -z "${KAIROS_SANITIZE:-}" ] || rows=400
expect 0 simulate campaign --customers $rows --out market --json
equals customers "$(value out customers)" $rows
equals 'rows of customers.csv' "$(wc -l <market/customers.csv)" $((rows + 1))
expect 0 simulate campaign --customers $rows --out again --threads 1 --json
diff -r market again || fail "the simulation depends on the number of threads"
expect 0 simulate campaign --customers $rows --out other --seed 7
cmp -s market/customers.csv other/customers.csv && fail "the seed changes nothing"
expect 0 run market/campaign.yaml --out run --quiet --json
cp out report
expect 0 simulate campaign --out market --plan run/plan.csv --json
near 'the judgement knows the estimate' "$(value out estimated_profit)" "$(value report 'plan|value')" 1e-9
near 'the judgement knows the cost' "$(value out cost)" "$(value report 'plan|cost')" 1e-6
awk -v p="$(value out true_profit)" -v b="$(value out best_profit)" -v u="$(value out best_bound)" 'BEGIN { exit !(p <= b && b <= u * 1.000001) }' ||
    fail "the plan is better than the best possible"
if [ $rows -eq 6000 ]; then
    awk -v s="$(value out share_of_best)" 'BEGIN { exit !(s > 0.5) }' || fail "only $(value out share_of_best) of the best possible"
fi
for level in medium hard; do
    expect 0 simulate campaign --customers 300 --out $level --level $level --propensity features --offers 5
    expect 0 run $level/campaign.yaml --out run-$level --quiet
done
expect 6 simulate campaign --out nowhere --plan run/plan.csv
head -n 20 run/plan.csv | sed '$s/,[01]$//' >cut.csv
expect 2 simulate campaign --out market --plan cut.csv
says "'cut.csv' line"
pass
