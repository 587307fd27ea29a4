#!/usr/bin/env bash
# usage: example.sh NAME - run one folder of examples/ as its reader would, and check the plan against
# the campaign by other means: awk over plan.csv. 77 where the data or the command is not there.
set -euo pipefail
name=$1
export KAIROS_DATA=${KAIROS_DATA:?} KAIROS_BIN=${KAIROS_BIN:?}
examples=${KAIROS_SOURCE:?}/examples
case $name in
hillstrom) data=hillstrom/hillstrom.csv.gz ;;
no-show) data=noshow_appointments/KaggleV2-May-2016.csv.gz ;;
bank) data=bank_marketing/bank-additional-full.csv.gz ;;
published-recipe) data=telco_churn/Telco-Customer-Churn.csv ;;
*) echo "$0: no example '$name'" >&2; exit 2 ;;
esac
for file in "$KAIROS_DATA/$data" "$KAIROS_BIN"; do
    [ -r "$file" ] || { echo "skipped: '$file' is not there"; exit 77; }
done
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

fail() { echo "$name: $*" >&2; exit 1; }

# check_plan CUSTOMERS BUDGET [OFFER=PLACES]...: every customer once, money and places within limits,
# nobody who is held out gets anything
check_plan() {
    local customers=$1 budget=$2
    shift 2
    head -1 "$out/run/plan.csv" | grep -qx 'customer,offer,channel,expected_value,uplift,cost,propensity,reason_1,reason_2,reason_3,hold_out' ||
        fail "plan.csv has another header"
    awk -F, -v customers="$customers" -v budget="$budget" -v places="$*" '
        NR == 1 { next }
        { rows++; cost += $6; if (seen[$1]++) bad = bad " " $1 " twice;" }
        $2 == "" && ($3 != "" || $6 != 0) { bad = bad " " $1 " costs without an offer;" }
        $2 != "" { count[$2]++; treated++; if ($NF == 1) bad = bad " " $1 " is held out and treated;" }
        $7 <= 0 || $7 > 1 { bad = bad " " $1 " has the propensity " $7 ";" }
        END {
            if (rows != customers) bad = bad " " rows " customers instead of " customers ";"
            if (!treated) bad = bad " nobody is treated;"
            if (cost > budget + 1e-6) bad = bad " cost " cost " is above " budget ";"
            n = split(places, limit, "|")
            for (i = 1; i <= n; i++) {
                split(limit[i], part, "=")
                if (part[1] != "" && count[part[1]] + (part[1] == "all" ? treated : 0) > part[2])
                    bad = bad " " part[1] " is above " part[2] ";"
            }
            if (bad) { print "plan.csv:" substr(bad, 1, 500); exit 1 }
        }' "$out/run/plan.csv" || fail "the plan breaks its campaign"
    ! grep -qE '(src|href)="https?:' "$out/run/report.html" || fail "the report needs the network"
    gzip -t "$out/run/receipts.jsonl.gz"
    [ "$(gzip -dc "$out/run/receipts.jsonl.gz" | wc -l)" -eq "$customers" ] || fail "a receipt is missing"
    grep -q '"policies"' "$out/run/report.json" || fail "report.json has no policies"
}

case $name in
hillstrom)
    "$examples/hillstrom/run.sh" "$out" --quiet
    check_plan 64000 900 "all=12000|Womens E-Mail=8000"
    ;;
no-show)
    "$examples/no-show/run.sh" "$out" --quiet
    check_plan 60021 2000 "all=25000"
    # consent by other means: the table itself
    awk -F, 'FNR == 1 { next } FILENAME ~ /appointments/ { consent[$1] = $12; next }
             $2 != "" && consent[$1] != "yes" { print $1 " is treated without consent"; bad = 1 }
             END { exit bad }' "$out/appointments.csv" "$out/run/plan.csv" || fail "consent is broken"
    ;;
bank)
    "$examples/bank/run.sh" "$out" --quiet
    check_plan 41188 15000 "all=12000"
    ! grep -q '"duration"' "$out/run/report.json" || fail "duration was used"
    "$KAIROS_BIN" predict "$out/yes.kai" "$out/clients.csv" --quiet --out "$out/scores.csv"
    [ "$(wc -l <"$out/scores.csv")" -eq 41189 ] || fail "a client has no score"
    ;;
published-recipe)
    "$examples/published-recipe/run.sh" "$KAIROS_DATA/$data" Churn --drop customerID \
        --types TotalCharges=number --quiet --json >"$out/fit.json"
    # saying "no" to all is right in 73.5 % of the rows: both models must do better where held out
    tr -d ' \n' <"$out/fit.json" | grep -oE '"test":\{"accuracy":[0-9.]+' |
        awk -F: '{ n++; if ($3 < 0.76) bad = 1 } END { exit bad || n != 2 }' || fail "no better than saying no"
    ;;
esac
