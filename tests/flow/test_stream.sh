#!/usr/bin/env bash
# A simulated shop from its events to a churn model, and what its channels truly brought.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
customers=1000 low=0.65
[ -z "${KAIROS_SANITIZE:-}" ] || customers=400 low=0.6

expect 0 simulate events --out one --customers $customers --days 180 --json
cp out made
expect 0 simulate events --out two --customers $customers --days 180 --threads 1 --quiet
diff -r one two || fail "the stream depends on the number of threads"
expect 0 simulate events --out three --customers $customers --days 180 --seed 7 --quiet
! cmp -s one/events.jsonl three/events.jsonl || fail "the seed changes nothing"
events=$(value made events)
equals 'lines of the stream' "$(wc -l <one/events.jsonl)" "$events"
equals 'customers of the truth' "$(wc -l <one/truth/customers.csv)" $((customers + 1))
equals items "$(wc -l <one/items.csv)" 1001

# what each channel brought adds up, and the two tellings of it agree
while IFS=, read -r cause touches _ sessions _ orders money; do
    equals "touches of $cause" "$touches" "$(value made "causes|$cause|touches")"
    equals "sessions of $cause" "$sessions" "$(value made "causes|$cause|sessions")"
    equals "orders of $cause" "$orders" "$(awk -F, -v c="$cause" '$4 == c { n++ } END { print n + 0 }' one/truth/orders.csv)"
    near "money of $cause" "$money" "$(awk -F, -v c="$cause" '$4 == c { s += $5 } END { printf "%.2f", s }' one/truth/orders.csv)" 0.01
    [ "$cause" = own ] ||
        equals "touches of $cause in the stream" "$touches" \
            "$(grep -c '"type":"touch","channel":"'"$cause"'"' one/events.jsonl)"
done < <(tail -n +2 one/truth/channels.csv)
equals 'orders of the stream' "$(grep -F '"type":"order"' one/events.jsonl | grep -oE '"session":"[^"]*' | sort -u | wc -l)" \
    "$(awk -F, 'NR > 1 { n += $6 } END { print n }' one/truth/channels.csv)"
equals 'who left' "$(awk -F, 'NR > 1 && $4 != "" { n++ } END { print n + 0 }' one/truth/customers.csv)" "$(value made left)"

# retargeting follows those who come anyway: it takes the credit, and brings next to nothing
expect 0 evaluate attribution one/touches.csv --models last,linear --json
claimed=$(value out 'channels|last|retargeting|conversions|value')
brought=$(value made 'causes|retargeting|orders')
awk -v a="$claimed" -v b="$brought" 'BEGIN { exit !(a > 5 * b && b > 0) }' ||
    fail "last touch credits retargeting with '$claimed' orders; it brought $brought"

# events in, twice is once; then churn
expect 0 init shop
expect 0 collect one/events.jsonl -C shop --json
equals added "$(value out added)" "$events"
equals impossible "$(value out impossible)" 0
expect 0 collect one/events.jsonl -C shop --json
equals 'twice is once' "$(value out added)" 0
label="churn: no order in 60 days after 30 active"
expect 0 events -C shop --out seen.csv --types view,cart,order --json
expect 0 backtest seen.csv --time time --models popular,item-knn --metrics ndcg@10 --json
awk -v a="$(value out 'models|item-knn|ndcg@10|value')" -v b="$(value out 'models|popular|ndcg@10|value')" 'BEGIN { exit !(a > 0 && b > 0) }' || fail "the store's events teach a recommender nothing"
csv_popular=$(value out 'models|popular|ndcg@10|value')
# the snapshot tells the same as the CSV; other threads, the same bytes; a model from it in one command
expect 0 events -C shop --snapshot seen.snapshot --types view,cart,order --json
equals 'events of the snapshot' "$(value out snapshot_events)" "$(($(wc -l <seen.csv) - 1))"
expect 0 events -C shop --snapshot again.snapshot --types view,cart,order --threads 1 --quiet
cmp seen.snapshot again.snapshot || fail "two snapshots of the same events differ"
expect 0 backtest seen.snapshot --models popular --metrics ndcg@10 --json
near 'popular, from the snapshot' "$(value out 'models|popular|ndcg@10|value')" "$csv_popular" 1e-9
expect 2 backtest seen.snapshot --time time
says 'it has its times'
expect 0 backtest seen.snapshot --protocol time-split --models popular --metrics ndcg@10 --quiet
expect 0 train -C shop --events view,cart,order --model item-knn --json
equals promoted "$(value out promoted)" item-knn
[ -s shop/snapshots/events.snapshot ] || fail "train left no snapshot in the workspace"
expect 2 train seen.csv --time time --events view -C shop
says 'name no file'
expect 6 train -C shop --events refunds
says 'no event'
head -c 1000 seen.snapshot >cut.snapshot
expect 5 backtest cut.snapshot --models popular
says 'cut'
expect 0 features -C shop --at 2025-05-01 --label "$label" --reveal --out churn.csv --quiet
expect 0 fit churn.csv --label churn --id customer --models forest --quiet --json
auc=$(value out 'models|forest|test|auc')
awk -v a="$auc" -v low=$low 'BEGIN { exit !(a > low && a < 0.95) }' ||
    fail "churn: AUC '$auc' is not between $low and 0.95"
# whoever had left by then buys no more: she is labelled so
awk -F, 'NR == FNR { if ($4 != "" && $4 < "2025-05-01") left[$1] = 1; next }
    FNR > 1 && $1 in left { n++; bad += $NF != 1 } END { exit !(n > 20 && bad == 0) }' \
    one/truth/customers.csv churn.csv || fail "somebody who had left bought again, or nobody had left"

# signed out, the same things happen, and whoever signs in once is known throughout
expect 0 simulate events --out veiled --customers $customers --days 180 --signed-out 0.6 --quiet
strip() { sed -E 's/"(customer|anonymous|session)":"[^"]*",?//g' "$1" | md5sum; }
equals 'what happens' "$(strip veiled/events.jsonl)" "$(strip one/events.jsonl)"
cmp veiled/touches.csv one/touches.csv || fail "touches depend on who is signed in"
near 'share signed out' "$(grep -oE '"session":"[^"]*' veiled/events.jsonl | sort -u | wc -l | awk -v out="$(
    grep -v '"customer"' veiled/events.jsonl | grep -oE '"session":"[^"]*' | sort -u | wc -l)" '{ print out / $1 }')" 0.6 0.02
expect 0 init masks
expect 0 collect veiled/events.jsonl -C masks --quiet
expect 0 features -C masks --at 2025-05-01 --label "$label" --reveal --out veiled.csv --quiet
grep -oE '"customer":"[^"]*","anonymous' veiled/events.jsonl | cut -d'"' -f4 | sort -u >known
awk -F, 'NR == FNR { known[$1] = 1; next } FNR > 1 && $1 in known' known churn.csv | sort >want
awk -F, 'NR == FNR { known[$1] = 1; next } FNR > 1 && $1 in known' known veiled.csv | sort >got
[ "$(wc -l <want)" -gt 100 ] || fail "hardly anybody signs in"
cmp want got || fail "who is signed out at times looks different: $(diff want got | head -4 | cut -c1-200)"

expect 2 simulate events --out four --customers 0
expect 2 simulate events --out four --days 4000
[ ! -e four ] || fail "a stream that was refused left something behind"

# the catalogue of the workspace: categories for profiles and segments, filters for recommendations
awk -F, 'NR > 1 && !seen[$2]++ { n++; printf "%s,title %d,%s,%d,%d\n", $2, n, n % 3 ? "shoes" : "hats", n, n % 2 }' seen.csv >rows.csv
(echo 'sku,title,category,price,stock' && cat rows.csv && echo ',nameless,hats,1,1') >items.csv
who=$(awk -F, 'NR == 2 { print $1 }' seen.csv)
expect 2 recommend "$who" -C shop --category hats
says 'kairos catalogue set'
expect 0 catalogue set items.csv --item-column sku -C shop --json
equals 'items of the catalogue' "$(value out items)" "$(wc -l <rows.csv)"
equals 'a row without an item' "$(value out without_name)" 1
item=$(awk -F, '$3 == "hats" && $5 == 1 { print $1; exit }' rows.csv)
expect 0 catalogue show "$item" -C shop --json
equals 'its category' "$(value out 'items|0|category')" hats
equals 'its stock' "$(value out 'items|0|stock')" 1
expect 6 catalogue show nothing -C shop
expect 0 recommend "$who" -k 5 --category hats --in-stock --seen include -C shop --json
awk -F, 'NR == FNR { if ($3 == "hats" && $5 == 1) good[$1] = 1; next } /"item":/ { gsub(/[", ]/, ""); sub(/^.*:/, ""); n++; bad += !($0 in good) }
    END { exit !(n == 5 && bad == 0) }' rows.csv out || fail "the filters of the workspace's catalogue let others through: $(head -c 600 out)"
expect 0 profile "$who" -C shop --at 2025-06-29 --json
grep -qE '"(shoes|hats)"' out || fail "the profile knows no category"
printf 'item,stock\n%s,many\n' "$item" >bad.csv
expect 2 catalogue set bad.csv -C shop
says "column 'stock': expected numbers"
printf 'item,category\n%s,coats\n' "$item" >one.csv
expect 0 catalogue set one.csv -C shop --json
equals 'the file is all of it' "$(value out items)" 1
equals 'what is listed no more' "$(value out dropped)" "$(($(wc -l <rows.csv) - 1))"
pass
