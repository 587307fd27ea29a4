# What the scripts of tests/cli and tests/flow share; sourced, never run.
#
# KAIROS_BIN: the command. KAIROS_PROBE: tests/cli/probe.c. KAIROS_TESTS: the folder tests/.
# The script works in a fresh folder. `pass` at its end answers for every `fail` before.
set -uo pipefail
export LC_ALL=C.UTF-8
kairos=${KAIROS_BIN:?} probe=${KAIROS_PROBE:?} tests=${KAIROS_TESTS:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

pass() {
    [ "$failures" -eq 0 ] || echo "$failures failed" >&2
    exit $((failures > 0))
}

# expect EXIT ARGUMENT...: run the command; its streams are left in `out` and `err`
expect() {
    local want=$1 got=0
    shift
    "$kairos" "$@" >out 2>err || got=$?
    [ "$got" -eq "$want" ] || fail "kairos $*: exit code $got, expected $want: $(head -c 600 err)"
    [ "$want" -eq 0 ] || check_error "kairos $*"
}

# an error is one line with its hint, after progress of long jobs, and nothing on stdout
check_error() {
    [ ! -s out ] || fail "$1: an error with something on stdout"
    grep -vE '^[a-z: ]+: [0-9]+ of [0-9]+, [0-9]+ s$' err >err.lines
    local lines
    lines=$(wc -l <err.lines)
    [ "$lines" -ge 1 ] && [ "$lines" -le 2 ] || fail "$1: an error of $lines lines: $(head -c 600 err)"
    head -1 err.lines | grep -q '^kairos: .' || fail "$1: not an error of kairos: $(head -c 600 err)"
    [ "$lines" -lt 2 ] || sed -n 2p err.lines | grep -q "^see 'kairos .*--help'$" || fail "$1: no hint: $(head -c 600 err)"
}

# says TEXT: the error (or what was said) holds TEXT
says() { grep -qF -- "$1" err || fail "expected to read '$1', got: $(head -c 600 err)"; }

# value FILE PATH: one value of a JSON document (steps separated by '|')
value() { "$probe" json "$2" <"$1" || fail "$1 has no '$2'"; }

# equals WHAT GOT WANTED
equals() { [ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"; }

# near WHAT GOT WANTED TOLERANCE
near() {
    awk -v a="$2" -v b="$3" -v t="$4" 'BEGIN { d = a - b; exit !(a != "" && d <= t && d >= -t) }' ||
        fail "$1: got '$2', expected '$3'"
}

# awk programs differ in rand(): this one is the same everywhere
chance='function chance() { state = (state * 16807) % 2147483647; return state / 2147483647 }'

# make_table ROWS: a small table with a number, a category, gaps, a flag label and a numeric one
make_table() {
    awk -v rows="$1" "$chance"'
    BEGIN {
        state = 77; split("north south east west", place, " ")
        print "id,age,income,place,visits,when,churned,spend,test"
        for (i = 1; i <= rows; i++) {
            age = 18 + int(chance() * 60); income = int(chance() * 900) / 10
            visits = int(chance() * 9); p = place[1 + int(chance() * 4)]
            z = (age - 45) / 20 + (visits < 3) - (p == "west") + 2 * chance() - 1
            spend = 10 + income / 4 + 5 * (p == "east") + chance()
            if (chance() < 0.1) income = ""
            churned = z > 0 ? "yes" : "no"
            month = 1 + int((i - 1) * 12 / rows)
            printf "c%d,%d,%s,%s,%d,2024-%02d-%02d,%s,%.2f,%d\n", i, age, income, p, visits, month,
                1 + i % 28, churned, spend, (i % 5 == 0)
        }
    }'
}

# make_past ROWS [SEED]: an experiment: two offers against nothing; mail helps the young, calls the old
make_past() {
    awk -v rows="$1" -v seed="${2:-3}" "$chance"'
    BEGIN {
        state = 1000 + seed; split("none mail call", arms, " "); split("a b", place, " ")
        print "name,age,orders,place,agree,arm,bought,spend"
        for (i = 1; i <= rows; i++) {
            age = 20 + int(chance() * 50); orders = int(chance() * 10)
            p = place[1 + (chance() < 0.4)]; arm = arms[1 + int(chance() * 3)]
            spend = 4 + orders / 2 + 4 * chance()
            if (arm == "mail") spend += (age < 40) ? 6 : -3
            if (arm == "call") spend += (age < 40) ? -2 : 5
            agree = (chance() < 0.8) ? "yes" : "no"
            bought = (spend > 8)
            printf "n%d,%d,%d,%s,%s,%s,%d,%.2f\n", i, age, orders, p, agree, arm, bought, spend
        }
    }'
}

# make_campaign: the campaign of make_past, to be edited by sed
make_campaign() {
    cat <<'END'
campaign: small
customers:
  table: past.csv
  id: name
  sensitive: [place]
  drop: [agree]
history:
  action: arm
  control: none
  propensity: uniform
  outcomes:
    value: {column: spend, margin: 0.5}
    also: [bought]
offers:
  - {name: mail, cost: 0.1, channel: post}
  - {name: call, cost: 0.5, channel: phone}
limits:
  budget: 30
  capacity: {post: 90, call: 60}
  per_customer: 1
  fairness: {column: place, max_gap: 0.1}
goal: profit
hold_out: 0.10
evaluate: {folds: 2, learners: [t]}
END
}
