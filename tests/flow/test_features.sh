#!/usr/bin/env bash
# Feature tables from raw events of two public data sets: churn and next month's buyers of Online
# Retail, clicks of trivago. Counts and money are counted again from the raw file by other means.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
loader=${KAIROS_LOADER:?}
retail=${KAIROS_DATA:-/nowhere}/online_retail/online_retail.csv.gz
trivago=${KAIROS_DATA:-/nowhere}/trivago_clickstream/trivago_val_100k.csv.gz
[ -r "$retail" ] && [ -r "$trivago" ] || { echo "skipped: no data in '${KAIROS_DATA:-}'"; exit 77; }
[ -z "${KAIROS_SANITIZE:-}" ] || { echo "skipped: long under a sanitizer"; exit 77; }

# --- Online Retail: published counts ---
expect 0 init shop
kept=$("$loader" shop online-retail "$retail")
[ "$kept" = 406829 ] || fail "kept $kept events, 541,909 lines less 135,080 without a customer are 406,829"
printf 'segments:\n  loyal: rfm.frequency >= 5 and rfm.recency < 60\n  everybody: events > 0\n' >>shop/kairos.yaml
expect 0 segment list -C shop --at last --quiet
grep -qE '^everybody +4372 ' out || fail "the file has 4,372 customers: $(cat out)"

# --- every customer's orders and money before a moment, from the raw file ---
churn="churn: no order in 90 days after 90 active"
for threads in 1 2; do
    expect 0 features -C shop --at 2011-09-01 --label "$churn" --reveal --threads "$threads" --quiet \
        --out "churn$threads.csv"
done
cmp churn1.csv churn2.csv || fail "the table depends on the number of threads"
zcat "$retail" | tr -d '\r' | awk -F, 'NR > 1 && $(NF-1) != "" {
    day = substr($(NF-3), 1, 10); id = $(NF-1); money = $(NF-4) * $(NF-2)
    if (day >= "2011-09-01") { if ($(NF-4) > 0 && day < "2011-11-30") bought[id] = 1; next }
    if ($(NF-4) > 0 && !(($1, $(NF-3)) in seen)) { seen[$1, $(NF-3)] = 1; orders[id]++ }
    total[id] += money; if (day >= "2011-06-03") active[id] = 1
} END { for (id in active) printf "%s,%d,%.2f,%d\n", id, orders[id], total[id], !(id in bought) }' |
    sort >want.csv
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { printf "%s,%d,%.2f,%d\n", $1, $at["rfm.frequency"], $at["rfm.monetary"], $NF }' churn1.csv |
    sort >got.csv
cmp want.csv got.csv || fail "orders, money or churn differ: $(diff want.csv got.csv | head -6)"

# --- models from raw events ---
# auc TABLE LABEL MINIMUM
auc() {
    expect 0 fit "$1" --label "$2" --id customer --models forest --quiet --json
    local got
    got=$("$probe" json 'models|forest|test|auc' <out)
    awk -v got="$got" -v low="$3" 'BEGIN { exit !(got >= low) }' || fail "$1: AUC '$got', at least $3"
}
auc churn1.csv churn 0.70
expect 0 features -C shop --at 2011-11-01 --label "buyer: order in 30 days" --quiet --out buyers.csv
grep -qE '^p_[a-z2-7]{26},' buyers.csv || fail "a table names persons"
auc buyers.csv buyer 0.66
expect 2 features -C shop --at 2011-11-20 --label "buyer: order in 30 days" --quiet --out late.csv
grep -q "the last moment with a known label is 2011-11-09" err || fail "$(cat err)"
[ ! -e late.csv ] || fail "a table without labels was written"

# --- trivago: from the first ten minutes ---
expect 0 init hotels
kept=$("$loader" hotels trivago "$trivago")
[ "$kept" = 100003 ] || fail "kept $kept events of 100,003"
expect 0 features -C hotels --at first+10m --label "click: 'clickout item' in 1 day" --quiet --out click.csv
auc click.csv click 0.60
pass
