#!/usr/bin/env bash
# Whom does an offer change? On an experiment whose truth is known, and on Hillstrom's.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
rows=6000 trees=100
[ -z "${KAIROS_SANITIZE:-}" ] || rows=1500 trees=20

# x moves the effect of `mail`, nothing moves that of `call`; `after` is written by the treatment
awk -v rows=$rows "$chance"'
BEGIN {
    state = 17
    print "id,x,z,arm,y,after,good,bad"
    for (i = 1; i <= rows; i++) {
        x = chance(); z = chance(); u = chance(); n = chance() + chance() + chance() - 1.5
        arm = u < 1/3 ? "none" : u < 2/3 ? "mail" : "call"
        effect = arm == "mail" ? 2 * x : arm == "call" ? 0.3 : 0
        print i "," x "," z "," arm "," z + effect + n "," (arm == "none" ? 0 : 1) + 0.1 * n "," x "," chance()
    }
}' >trial.csv
run() { expect 0 evaluate uplift trial.csv --arm arm --control none --outcome y --drop id,good,bad --trees $trees --json "$@"; }
run
cp out one
near 'average effect of mail' "$(value one 'learners|t|mail|curve|effect|value')" 1 0.15
for learner in s t x dr causal; do
    equals "$learner finds who answers the mail" "$(value one "learners|$learner|mail|beats_random")" true
done
equals 'noise is no ranking' "$(value one 'learners|noise|mail|beats_random')" false
equals 'the treatment wrote a column' "$(value one 'leaks|0|column')" after
equals 'the fifths differ in x' "$(value one 'groups|mail|columns|0|column')" x
awk -v q="$(value one 'learners|dr|mail|qini|value')" 'BEGIN { exit !(q > 0.11 && q < 0.22) }' ||
    fail "the qini of mail is $(value one 'learners|dr|mail|qini|value'), 2 cov(x, rank) is 1/6"
run --threads 1
diff <(sed '/"timing"/,$d' one) <(sed '/"timing"/,$d' out) || fail "the result depends on the threads"

expect 0 evaluate uplift trial.csv --arm arm --control none --outcome y --score good --json
near 'the best score there is' "$(value out 'learners|score|mail|qini|value')" 0.1667 0.05
expect 0 evaluate uplift trial.csv --arm arm --control none --outcome y --score bad --json
equals 'a score of noise' "$(value out 'learners|score|mail|beats_random')" false

expect 2 evaluate uplift trial.csv --arm arm --control none
says "option '--outcome' is missing"
expect 6 evaluate uplift trial.csv --arm arm --control nothing --outcome y
says "no row of column 'arm' has the control 'nothing'"
expect 2 evaluate uplift trial.csv --arm id --control 1 --outcome y
says 'is it the arm?'
expect 2 evaluate uplift trial.csv --arm arm --control none --outcome y --learners t,luck
says "'luck' is not one of"
expect 2 evaluate uplift trial.csv --arm arm --control none --outcome y --propensity z --features z
says "feature 'z' is"

hillstrom=${KAIROS_DATA:-}/hillstrom/hillstrom.csv.gz
if [ -f "$hillstrom" ] && [ -z "${KAIROS_SANITIZE:-}" ]; then
    expect 0 evaluate uplift "$hillstrom" --arm segment --control 'No E-Mail' --outcome visit \
        --drop conversion,spend --learners t,noise --folds 2 --json
    near "men's e-mail" "$(value out 'learners|t|Mens E-Mail|curve|effect|value')" 0.0766 0.002
    near "women's e-mail" "$(value out 'learners|t|Womens E-Mail|curve|effect|value')" 0.0452 0.002
    equals 'noise on Hillstrom' "$(value out 'learners|noise|Womens E-Mail|beats_random')" false
    equals "who answers the women's e-mail" "$(value out 'learners|t|Womens E-Mail|beats_random')" true
fi
pass
