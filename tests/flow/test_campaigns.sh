#!/usr/bin/env bash
# Campaigns of every shape over a small experiment: other tables, consent, leaks, shift, propensities,
# goals, several offers a customer, no limits, nothing worth doing, very few customers.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
make_past 900 >past.csv
make_campaign | sed 's/budget: 30/budget: 110/; s/post: 90, call: 60/post: 400, call: 250/' >good.yaml

# play NAME: run NAME.yaml into the folder NAME; report=, plan=
play() {
    expect 0 run "$1.yaml" --out "$1" --quiet --json
    report=$1/report.json plan=$1/plan.csv
    # the document of --json is report.json and its timing
    "$probe" json 'timing|total' <out >/dev/null || fail "$1: --json has no timing"
    "$probe" json 'timing' <"$report" >/dev/null 2>&1 && fail "$1: report.json has timing"
    check_plan "$1"
}

# what holds for every plan: each customer in input order, rows that agree, profit and cost add up
check_plan() {
    awk -F, -v per="${per_customer:-1}" '
        NR == 1 { next }
        $1 != last { customers++; last = $1; rows = 0; if (seen[$1]++) bad = bad " " $1 " again;" }
        { rows++; if (rows > per) bad = bad " " $1 " has " rows " rows;"
          if ($7 <= 0 || $7 > 1) bad = bad " propensity " $7 ";" }
        $2 == "" && ($3 $6 + 0 != 0 || rows > 1) { bad = bad " empty row of " $1 ";" }
        $2 != "" { cost += $6; n++; if ($NF == 1) bad = bad " " $1 " is held out and treated;" }
        END { printf "%d %d %.9f\n", customers, n, cost >"counted"; if (bad) { print substr(bad, 1, 300); exit 1 } }
    ' "$1/plan.csv" || fail "$1: plan.csv"
    read -r customers offers cost <counted
    near "$1: cost" "$(value "$1/report.json" 'plan|cost')" "$cost" 1e-6
    equals "$1: customers" "$customers" "$(value "$1/report.json" 'inputs|customers|rows')"
}

warned() { "$probe" json warnings <"$report" | grep -q -- "$1" || fail "no warning of '$1'"; }
treated() { awk -F, 'NR > 1 && $2 != "" { n++ } END { print n + 0 }' "$plan"; }

play good
[ "$(treated)" -gt 100 ] || fail "good: only $(treated) treated"
equals 'the file is what --json printed' "$("$probe" json 'plan|value' <out)" "$(value "$report" 'plan|value')"

# a history of its own with fewer columns; the customers have shifted
make_past 400 9 | awk -F, -v OFS=, 'NR == 1 { print "name,age,orders,place,agree,extra"; next } { print "k" $1, $2, $3 + 8, $4, $5, NR }' >new.csv
cut -d, -f2- past.csv | awk -F, -v OFS=, '{ print $0, NR == 1 ? "clicks" : NR % 7 }' >log.csv
sed 's/table: past.csv/table: new.csv/; s/^history:/&\n  table: log.csv/' good.yaml >other.yaml
play other
equals 'other: customers' "$customers" 400
"$probe" json 'models|features' <"$report" >features.txt
grep -qx age features.txt || fail "other: age is no feature"
! grep -qxE 'clicks|extra|agree|place|arm|spend' features.txt || fail "other: features are $(tr '\n' ' ' <features.txt)"
for c in clicks extra; do
    grep -A 3 '"column": "'$c'"' "$report" | grep -q 'lacks it' || fail "other: '$c' was not left out with its reason"
done
warned "'orders' has shifted"

# consent: only a yes is a yes
sed 's/drop: .agree./consent: agree/' good.yaml >consent.yaml
play consent
awk -F, 'NR == FNR { agree[$1] = $5; next } FNR > 1 && $2 != "" && agree[$1] != "yes" { bad = 1 } END { exit bad }' past.csv "$plan" ||
    fail "consent: somebody is treated without it"
equals 'consent: missing' "$(value "$report" 'plan|no_consent')" "$(awk -F, 'NR > 1 && $5 != "yes"' past.csv | wc -l)"
awk -F, 'NR == FNR { agree[$1] = $5; next } FNR > 1 && agree[$1] != "yes" && $7 != 1 { bad = 1 } END { exit bad }' past.csv "$plan" ||
    fail "consent: the propensity of a customer without it is not 1"

# a column that was written after the treatment
awk -F, -v OFS=, '{ print $0, NR == 1 ? "opened" : ($6 != "none") * (NR % 3 > 0) }' past.csv >leak.csv
sed 's/past.csv/leak.csv/' good.yaml >leak.yaml
play leak
warned "'opened' is left out"
grep -A 3 '"column": "opened"' "$report" | grep -q 'may be an outcome' || fail "leak: not named among what was left out"
sed 's/id: name/&\n  features: [age, orders, opened]/' leak.yaml >listed.yaml
play listed
warned "'opened' differs between the arms"
"$probe" json 'models|features' <"$report" | grep -qx opened || fail "listed: a column that the campaign lists is no feature"

# two offers a customer
awk -F, -v OFS=, 'NR > 1 && $6 != "none" { $8 = sprintf("%.2f", $8 + 8) } { print }' past.csv >both.csv
sed 's/past.csv/both.csv/; s/budget: 110/budget: 900/; s/post: 400, call: 250/post: 700, call: 500/; s/per_customer: 1/per_customer: 2/; /fairness/d' good.yaml >two.yaml
per_customer=2 play two
awk -F, 'NR > 1 && $2 != "" { n[$1]++; if (seen[$1 $2]++) exit 1 } END { for (c in n) twice += n[c] == 2; exit !twice }' "$plan" ||
    fail "two: nobody gets two offers, or one gets an offer twice"
awk -F, 'NR > 1 { n[$2]++ } END { exit !(n["mail"] <= 700 && n["call"] <= 500) }' "$plan" || fail "two: a capacity is broken"

# goals
sed 's/goal: profit/goal: bought/' good.yaml >outcome.yaml
play outcome
equals 'outcome: goal' "$(value "$report" goal)" bought
sed 's/goal: profit/goal: value/' good.yaml >value.yaml
play value
awk "BEGIN { exit !($cost <= 110 + 1e-9) }" || fail "value: cost $cost"

# propensities: by column (of unequal chances) and estimated
awk -F, -v OFS=, 'NR == 1 { print $0, "p"; next }
    { if ($6 == "none" && NR % 2) next; print $0, $6 == "none" ? 0.2 : 0.4 }' past.csv >unequal.csv
sed 's/past.csv/unequal.csv/; s/uniform/p/' good.yaml >column.yaml
play column
equals 'column: propensity' "$(value "$report" 'models|propensity')" p
! "$probe" json 'models|features' <"$report" | grep -qx p || fail "column: the propensity is a feature"
sed 's/past.csv/unequal.csv/; s/uniform/estimate/' good.yaml >estimate.yaml
play estimate

# no limits at all; one offer; a hold-out of nobody
sed '/^limits:/,/fairness/d' good.yaml >free.yaml
play free
equals 'free: limits' "$(value "$report" 'plan|limits|#')" 0
near 'free: gap' "$(value "$report" 'plan|gap')" 0 1e-9
sed '/name: call/d; s/, call: 250//' good.yaml >one.yaml
play one
! cut -d, -f2 "$plan" | grep -q call || fail "one: an offer that is none"
warned 'action that is no offer'
sed 's/hold_out: .*/hold_out: 0/' good.yaml >all.yaml
play all
awk -F, 'NR > 1 && ($NF != 0 || $7 != 1) { exit 1 }' "$plan" || fail "all: somebody is held out"

# nothing is worth doing: the offers only harm
awk -F, -v OFS=, 'NR > 1 && $6 != "none" { $8 = sprintf("%.2f", $8 - 30) } { print }' past.csv >harm.csv
sed 's/past.csv/harm.csv/' good.yaml >harm.yaml
play harm
equals 'harm: treated' "$(treated)" 0
near 'harm: value' "$(value "$report" 'plan|value')" 0 1e-9

# limits of nothing
sed 's/budget: 110/budget: 0/' good.yaml >broke.yaml
play broke
equals 'broke: treated' "$(treated)" 0
sed 's/post: 400/post: 0/' good.yaml >shut.yaml
play shut
! cut -d, -f3 "$plan" | grep -q post || fail "shut: a closed channel is used"

# a market
{ echo orders,index; for i in 0 1 2 3 4 5 6 7 8 9; do echo "$i,$((i + 5))e-1"; done; } >market.csv
sed 's/^limits:/market:\n  table: market.csv\n  join: [orders]\n  factor: index\n&/' good.yaml >market.yaml
play market
expect 0 explain decision market/receipts.jsonl.gz n5 --json
near 'market: factor of n5' "$(value out 'candidates|0|factor')" "$(awk -F, 'NR == 6 { print ($3 + 5) / 10 }' past.csv)" 1e-9
sed '/^7,/d' market.csv >short.csv
sed 's/market.csv/short.csv/; s/  factor: index/&\n  default: 1/' market.yaml >default.yaml
play default
warned 'take the default'

# names that need quotes, rows with gaps, a packed table, Chinese
awk -F, -v OFS=, 'NR > 1 { $1 = "\"Müller, " NR "\""; if (NR % 11 == 0) $2 = ""; if (NR % 37 == 0) $8 = ""; if (NR % 41 == 0) $6 = "" } { print }' past.csv | gzip >gaps.csv.gz
sed 's/past.csv/gaps.csv.gz/; s/campaign: small/campaign: 春季 邮件/' good.yaml >gaps.yaml
expect 0 run gaps.yaml --out gaps --quiet --lang zh
equals 'gaps: customers' "$(wc -l <gaps/plan.csv)" 901
sed -n 2p gaps/plan.csv | grep -q '^"Müller, 2",' || fail "gaps: a name with a comma reads $(sed -n 2p gaps/plan.csv)"
grep -q 'lang="zh' gaps/report.html || fail "gaps: the report is not Chinese"

# names that are repeated or missing are said
awk -F, -v OFS=, 'NR == 5 { $1 = "n2" } NR == 9 || NR == 10 { $1 = "" } { print }' past.csv >names.csv
sed 's/past.csv/names.csv/' good.yaml >names.yaml
expect 0 run names.yaml --out names --quiet
report=names/report.json
warned "1 customers repeat the 'name'"
warned "2 customers have nothing in the column 'name'"

# the default folder; the same run again gives the same bytes
expect 0 run good.yaml --quiet
for file in plan.csv report.json receipts.jsonl.gz report.html; do
    cmp "good/$file" "small-42/$file" || fail "the same run gives another $file"
done
expect 0 run good.yaml --quiet --seed 7
cmp -s good/plan.csv small-7/plan.csv && fail "the seed changes nothing"

# very few customers, with every default: the fewest that effects can be had of, and fewer
make_past 130 >past.csv
sed '/evaluate:/d' good.yaml >tiny.yaml
play tiny
make_past 60 >past.csv
expect 2 run tiny.yaml --out less
says 'need at least'
pass
