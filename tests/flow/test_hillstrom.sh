#!/usr/bin/env bash
# Hillstrom's experiment through the whole loop: what is known of the file comes out exactly, and
# what the plan promises is counted again in plan.csv by other means.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
table=${KAIROS_DATA:-/nowhere}/hillstrom/hillstrom.csv.gz
[ -r "$table" ] || { echo "skipped: '$table' is not there"; exit 77; }
[ -z "${KAIROS_SANITIZE:-}" ] || { echo "skipped: hours under a sanitizer"; exit 77; }
cat >campaign.yaml <<END
campaign: hillstrom
customers:
  table: $table
  features: [recency, history, mens, womens, newbie, channel]
  sensitive: [zip_code]
history:
  action: segment
  control: No E-Mail
  outcomes:
    value: {column: spend, margin: 0.4}
    also: [conversion, visit]
offers:
  - {name: Mens E-Mail, cost: 0.08, channel: email}
  - {name: Womens E-Mail, cost: 0.08, channel: email}
limits:
  budget: 900
  capacity: {email: 12000, Womens E-Mail: 8000}
  per_customer: 1
  fairness: {column: zip_code, max_gap: 0.10}
hold_out: 0.10
evaluate: {folds: 2, learners: [t]}
END
for threads in 1 2; do
    expect 0 run campaign.yaml --out "threads$threads" --threads $threads --quiet --json
done
for file in plan.csv report.json receipts.jsonl.gz; do
    cmp "threads1/$file" "threads2/$file" || fail "$file depends on the number of threads"
done
report=threads2/report.json plan=threads2/plan.csv

# --- published facts ---
equals rows "$(value $report rows)" 64000
while read -r arm n visit spend; do
    arm=${arm//_/ }
    equals "$arm: rows" "$(value $report "arms|$arm|n")" "$n"
    near "$arm: visit" "$(value $report "arms|$arm|visit|mean")" "$visit" 5e-7
    near "$arm: spend" "$(value $report "arms|$arm|spend|mean")" "$spend" 5e-6
done <<END
No_E-Mail 21306 .106167 0.65279
Mens_E-Mail 21307 .182757 1.42262
Womens_E-Mail 21387 .151400 1.07720
END

# --- the plan, counted again: budget, places, one row a customer in input order, hold-out, fairness ---
gzip -dc "$table" | awk -F, '{ print $(NF - 6) }' >zip.csv # names of segments hold commas
paste -d, zip.csv $plan | awk -F, '
    NR == 1 { next }
    { zip = $1; id = $2; offer = $3; channel = $4; cost = $7; p = $8; held = $NF; rows++ }
    id != rows { bad = bad " row " rows " is customer " id ";" }
    held != 0 && held != 1 { bad = bad " hold_out " held ";" }
    held == 1 { out++; if (offer != "" || p < 0.0999 || p > 0.1001) bad = bad " held out customer " id ": " offer " " p ";"; next }
    { eligible[zip]++; if (p < 0.8999 || p > 0.9001) bad = bad " propensity " p " of " id ";" }
    offer == "" { if (channel != "" || cost != 0 || $5 != 0) bad = bad " an empty row of " id " has values;"; next }
    { treated[zip]++; all++; count[offer]++; money += cost; value += $5 - cost
      if (channel != "email") bad = bad " channel " channel ";"
      if ($5 <= cost) loss++ }
    END {
        low = 1; high = 0
        for (z in eligible) { s = treated[z] / eligible[z]; if (s < low) low = s; if (s > high) high = s }
        if (rows != 64000) bad = bad " " rows " rows;"
        if (money > 900 + 1e-9) bad = bad " cost " money ";"
        if (all > 12000) bad = bad " e-mails " all ";"
        if (count["Womens E-Mail"] > 8000) bad = bad " womens " count["Womens E-Mail"] ";"
        if (out < 6398 || out > 6402) bad = bad " held out " out ";"
        if (high - low > 0.10 + 1e-12) bad = bad " gap " high - low ";"
        if (loss) bad = bad " " loss " offers cost more than they bring;"
        if (all < 11000) bad = bad " only " all " treated;"
        printf "%d %.6f %.6f %d %.9f\n", all, money, value, out, high - low >"counted"
        if (bad) { print "plan.csv:" substr(bad, 1, 500); exit 1 }
    }' || fail "the plan breaks its campaign"
read -r treated money total held gap <counted
equals treated "$(value $report 'plan|treated')" "$treated"
equals 'held out' "$(value $report 'plan|held_out')" "$held"
near cost "$(value $report 'plan|cost')" "$money" 1e-6
near value "$(value $report 'plan|value')" "$total" 0.01
near 'fairness used' "$(value $report 'plan|limits|3|used')" "$gap" 1e-8
awk -v g="$(value $report 'plan|gap')" 'BEGIN { exit !(g >= 0 && g < 0.001) }' || fail "gap $(value $report 'plan|gap')"
equals 'no leak in a clean experiment' "$(value $report 'models|left_out|#')" 0

# --- receipts: one a customer, and they say what the plan says ---
equals receipts "$(gzip -dc threads2/receipts.jsonl.gz | wc -l)" 64000
awk -F, 'NR > 1 && $2 != "" { print $1 "," $2 "," $7; if (++n == 3) exit }' $plan >some.csv
while IFS=, read -r id offer propensity; do
    expect 0 explain decision threads2/receipts.jsonl.gz "$id" --json
    equals "decision of $id" "$(value out offer)" "$offer"
    near "propensity of $id" "$(value out propensity)" "$propensity" 1e-6
done <some.csv

# --- the page ---
grep -qE '(src|href)="(https?:)?//' threads2/report.html && fail "the report needs the network"
grep -q '</html>' threads2/report.html || fail "the report is no page"
pass
