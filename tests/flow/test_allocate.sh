#!/usr/bin/env bash
# One allocation problem, held against all assignments there are, and bad input.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"

# six customers, two offers, costs that differ by customer
cat >pairs.csv <<'CSV'
customer,offer,value,cost,channel,region
ann,mail,5,1,email,north
ann,call,9,4,phone,north
bob,mail,3,1,email,south
bob,call,8,4.5,phone,south
cem,mail,4,1,email,north
dee,call,7,4,phone,south
eve,mail,2,1.5,email,south
eve,call,2.5,4,phone,south
fay,mail,6,1,email,north
CSV
cat >p.yaml <<'YAML'
values: pairs.csv
limits:
  budget: 9
  capacity: {phone: 1, mail: 3}
YAML
# the best net value over all 3 x 3 x 2 x 2 x 3 x 2 assignments
best=$(awk -F, 'NR > 1 { c = $1; if (!(c in at)) { at[c] = n++; name[n - 1] = c } k = at[c]; m[k]++; v[k, m[k]] = $3 - $4; w[k, m[k]] = $4; o[k, m[k]] = $2 }
function go(k, value, cost, phone, mail, i) {
    if (cost > 9 || phone > 1 || mail > 3) return
    if (k == n) { if (value > most) most = value; return }
    go(k + 1, value, cost, phone, mail)
    for (i = 1; i <= m[k]; i++) go(k + 1, value + v[k, i], cost + w[k, i], phone + (o[k, i] == "call"), mail + (o[k, i] == "mail"))
}
END { go(0, 0, 0, 0, 0); print most }' pairs.csv)
expect 0 allocate p.yaml --out a.csv --json
near 'the best of all assignments' "$(value out value)" "$best" 1e-9
awk -v v="$(value out value)" -v b="$(value out bound)" 'BEGIN { exit !(b >= v - 1e-9) }' || fail "the bound is below the value"
equals violation "$(value out violation)" 0
equals 'the budget stands first' "$(value out 'limits|0|name')" budget
near 'cost of the assignment' "$(awk -F, 'NR > 1 { s += $4 } END { print s }' a.csv)" "$(value out 'limits|0|used')" 1e-9
near 'value of the assignment' "$(awk -F, 'NR > 1 { s += $3 - $4 } END { print s }' a.csv)" "$(value out value)" 1e-9
equals 'one row a pair' "$(($(wc -l <a.csv) - 1))" "$(value out assigned)"
cp a.csv once.csv
expect 0 allocate p.yaml --out a.csv --threads 1
cmp -s a.csv once.csv || fail "the assignment depends on the threads"
gzip -k pairs.csv
sed 's/pairs.csv/pairs.csv.gz/' p.yaml >z.yaml
expect 0 allocate z.yaml --json
near 'the same, packed' "$(value out value)" "$best" 1e-9

printf 'values: pairs.csv\ngoal: value\nlimits: {per_customer: 2}\n' >all.yaml
expect 0 allocate all.yaml --json
near 'no limit binds: everything' "$(value out value)" 46.5 1e-9
printf 'values: pairs.csv\nlimits: {fairness: {column: region, max_gap: 0}}\n' >fair.yaml
expect 0 allocate fair.yaml --json
equals 'fairness is a limit' "$(value out 'limits|0|name')" fairness

# more different costs than there may be offers
awk 'BEGIN { print "customer,offer,value,cost"; for (i = 0; i < 3000; i++) for (j = 0; j < 2; j++) printf "c%d,o%d,%.3f,%.3f\n", i, j, 1 + (i * 7919 + j * 13) % 1000 / 250, 0.2 + (i * 31 + j * 17) % 997 / 900 }' >many.csv
printf 'values: many.csv\nlimits: {budget: 500, capacity: {o1: 800}}\n' >many.yaml
expect 0 allocate many.yaml --out many-a.csv --json
near 'cost of the assignment' "$(awk -F, 'NR > 1 { s += $4 } END { print s }' many-a.csv)" "$(value out 'limits|0|used')" 1e-6
awk -F, 'NR > 1 { s += $4 } END { exit !(s <= 500) }' many-a.csv || fail "the budget is exceeded"
awk -v g="$(value out gap)" 'BEGIN { exit !(g < 1e-3) }' || fail "a gap of $(value out gap)"

# minimums: met at a loss, or refused
printf 'values: pairs.csv\nlimits: {budget: 30, minimum: {mail: 4}, capacity: {phone: 2}}\n' >least.yaml
expect 0 allocate least.yaml --out least.csv --json
awk -F, '$2 == "mail"' least.csv | wc -l | awk '{ exit !($1 >= 4) }' || fail "the minimum is not met"
printf 'values: pairs.csv\nlimits: {budget: 3, minimum: {mail: 4}}\n' >bad.yaml
expect 11 allocate bad.yaml
says "no plan was found that keeps these limits together: 'budget' (at most 3), 'mail' (at least 4)"
printf 'values: pairs.csv\nlimits: {minimum: {mail: 4}, capacity: {mail: 3}}\n' >bad.yaml
expect 2 allocate bad.yaml
says "minimum 'mail' is more than its capacity"

expect 6 allocate none.yaml
printf 'limits: {budget: 3}\n' >bad.yaml
expect 2 allocate bad.yaml
says "the key 'values' is missing"
printf 'values: pairs.csv\nlimits: {budget: -1}\n' >bad.yaml
expect 2 allocate bad.yaml
says 'bad.yaml:2'
printf 'values: pairs.csv\nlimit: {budget: 1}\n' >bad.yaml
expect 2 allocate bad.yaml
says "did you mean 'limits'"
printf 'values: pairs.csv\nlimits: {capacity: {fax: 1}}\n' >bad.yaml
expect 2 allocate bad.yaml
says "'fax' is neither a channel nor an offer"
{ cat pairs.csv; echo 'ann,mail,1,1,email,north'; } >twice.csv
sed 's/pairs.csv/twice.csv/' p.yaml >bad.yaml
expect 2 allocate bad.yaml
says "row 10: this customer has this offer already"
sed 's/,1,email,north/,-1,email,north/' pairs.csv >twice.csv
expect 2 allocate bad.yaml
says 'row 1: the cost is no number, 0 or more'
pass
