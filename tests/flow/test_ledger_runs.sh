#!/usr/bin/env bash
# A campaign on a simulated market, outcomes with a known effect, and the ledger that must find it.
set -euo pipefail
kairos=$KAIROS_BIN
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$kairos" simulate campaign --customers 4000 --offers 2 --out m --quiet >/dev/null
"$kairos" run m/campaign.yaml --out run --quiet >/dev/null

"$kairos" evaluate ledger run --json --quiet >model.json
grep -q '"evidence": "off-policy"' model.json

# every customer spends 10, those with an offer 15: the campaign caused 5 for each of them
awk -F, 'NR == 1 { print "customer,value,month"; next }
         { print $1 ",10,a"; if ($2 != "") { print $1 ",5,b"; n++ } } END { print n > "treated" }' run/plan.csv >outcomes.csv
"$kairos" evaluate ledger run --outcomes outcomes.csv --period month --out ledger.csv --json --quiet >ledger.json
grep -q '"evidence": "hold-out"' ledger.json
awk -F, -v n="$(cat treated)" '
    $3 == "" && $4 == "" && $1 != "total" && NR > 1 { revenue = $10; spend = $6; profit = $13; low = $14; high = $15 }
    $3 != "" { offers += $13 }
    $4 != "" { periods += $10 }
    $1 == "total" { total = $13 }
    function off(a, b) { return a - b > 1e-6 * n || b - a > 1e-6 * n }
    END {
        if (off(revenue, 5 * n)) { print "revenue " revenue ", expected " 5 * n; exit 1 }
        if (off(profit, revenue - spend) || off(total, profit)) { print "profit " profit ", total " total; exit 1 }
        if (off(offers, profit)) { print "offers add up to " offers ", not " profit; exit 1 }
        if (off(periods, revenue)) { print "periods add up to " periods ", not " revenue; exit 1 }
        if (!(low < profit && profit < high)) { print "no interval"; exit 1 }
    }' ledger.csv
"$kairos" evaluate ledger run --campaign 'no such' >out 2>err && { echo "a campaign that is not there was found"; exit 1; }
grep -q "there is no run of campaign 'no such'" err
echo '{' >run/report.json
"$kairos" evaluate ledger run >out 2>err && { echo "a damaged report was read"; exit 1; }
grep -q 'run/report.json: line' err
