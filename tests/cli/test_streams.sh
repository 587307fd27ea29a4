#!/usr/bin/env bash
# Ends of the world outside: Ctrl-C, a full disk, a closed pipe, a folder that cannot be written.
# shellcheck source=kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
make_table 4000 >table.csv

# interrupt SIGNAL CODE COMMAND...: send it once the job runs; nothing half-made may be left
interrupt() {
    local signal=$1 want=$2 pid code=0
    shift 2
    # a background job of a script ignores SIGINT; `set -m` gives it back
    set -m
    "$kairos" "$@" >out 2>err &
    pid=$!
    set +m
    sleep 0.7
    kill "-$signal" "$pid" 2>/dev/null || fail "$1 was over before it could be stopped"
    wait "$pid" || code=$?
    equals "exit code after $signal" "$code" "$want"
    [ ! -s out ] || fail "$1: a stopped job with something on stdout"
    grep -q '^kairos: .*cancelled' err || fail "$1: says nothing of being stopped: $(cat err)"
    [ -z "$(find . -name '*.tmp*')" ] || fail "$1: left $(find . -name '*.tmp*')"
}
for model in "forest --trees 100000" "mlp --epochs 100000" "boost --tune 1000" "mlp --tune 300"; do
    # shellcheck disable=SC2086 # words
    interrupt INT 130 fit table.csv --label churned --save cut.kai --models $model
done
[ ! -e cut.kai ] || fail "a stopped fit saved a model"
interrupt TERM 130 simulate campaign --customers 10000000 --out market
make_past 6000 >past.csv
make_campaign | sed 's/folds: 2, learners: .t./folds: 50/' >long.yaml
interrupt INT 130 run long.yaml --out long
[ -z "$(ls -A long)" ] || fail "a stopped run wrote a plan"

# stdout that takes nothing
full() {
    local code=0
    "$kairos" "$@" >/dev/full 2>err || code=$?
    equals "$1 into a full disk" "$code" 4
    grep -q '^kairos: stdout' err || fail "$1 into a full disk says: $(cat err)"
    code=0
    "$kairos" "$@" >&- 2>err || code=$?
    equals "$1 with stdout closed" "$code" 4
}
expect 0 fit table.csv --label churned --models forest --trees 3 --save m.kai
full fit table.csv --label churned --models forest --trees 3 --json
full fit table.csv --label churned --models forest --trees 3
full predict m.kai table.csv
full fit --help
full --help
full --version
{ "$kairos" predict m.kai table.csv 2>err || echo $? >code; } | head -1 >/dev/null
[ ! -e code ] || equals 'a reader that leaves' "$(cat code)" 4
expect 4 predict m.kai table.csv --out /dev/full
expect 4 fit table.csv --label churned --models forest --trees 3 --save /dev/full
expect 6 predict m.kai table.csv --out no/such/folder.csv
mkdir wall && : >wall/file
expect 7 run long.yaml --out wall/file
# stderr that takes nothing harms nobody
"$kairos" fit table.csv --label churned --models forest --trees 3 >/dev/null 2>/dev/full || fail "a full stderr is no error"

# talk: none where it is quiet or not a terminal and short
expect 0 fit table.csv --label churned --models forest --trees 3 --quiet
[ ! -s err ] || fail "a quiet fit talks"
pass
