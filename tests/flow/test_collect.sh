#!/usr/bin/env bash
# Events from files: mappings, JSON Lines, twice is once, and what is no event.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
mappings=${KAIROS_SOURCE:?}/examples/mappings

expect 0 init shop
cat >orders.csv <<'CSV'
who,when,what,pieces,each,bill
ann,2026-01-02 10:00:00,shoe,2,30.5,b1
bob,2026-01-03 11:00:00,hat,-1,12,b2
,2026-01-03 11:30:00,hat,1,12,b3
cem,,sock,1,3,b4
cem,2026-01-04 09:00:00,sock,1,3,b4
CSV
printf 'customer: who\ntime: when\nitem: what\nquantity: pieces\nprice: each\nsession: bill\nevent: order\nnegative: refund\n' >map.yaml
expect 0 collect orders.csv --mapping map.yaml -C shop --json
equals rows "$(value out rows)" 5
equals added "$(value out added)" 3
equals 'without a customer' "$(value out 'refused|neither customer nor device')" 1
equals 'without a time' "$(value out 'refused|no time')" 1
equals 'the first that is none' "$(value out 'first_refused|0|row')" 3
expect 0 collect orders.csv --mapping map.yaml -C shop --json
equals 'twice is once' "$(value out added)" 0
echo 'dee,2026-01-05 09:00:00,scarf,1,20,b5' >>orders.csv
gzip orders.csv
expect 0 collect orders.csv.gz --mapping map.yaml -C shop --json
equals 'a file that has grown' "$(value out added)" 1
expect 0 events -C shop --json
equals orders "$(value out 'types|order')" 3
equals refunds "$(value out 'types|refund')" 1
equals last "$(value out last)" 2026-01-05T09:00:00Z
expect 0 profile ann -C shop --at 2026-01-10 --json
near 'money of ann' "$(value out 'traits|rfm.monetary')" 61 1e-9

# what train and backtest read
expect 0 events -C shop --out seen.csv --types order --json
equals written "$(value out written)" 3
equals 'one row each' "$(awk -F, 'NR > 1 && $4 == "order" && $1 ~ /^p_/' seen.csv | wc -l)" 3
equals header "$(head -1 seen.csv)" user,item,time,type,value,quantity

# names stay names; what cannot be is flagged; an id that was made needs the key
cat >odd.csv <<'CSV'
who,when,pieces
007,2026-01-02,1
7,1969-07-20,1
7,2026-01-03,-1
CSV
printf 'customer: who\ntime: when\nquantity: pieces\nevent: order\n' >odd.yaml
for shop in one two; do
    expect 0 init $shop
    expect 0 collect odd.csv --mapping odd.yaml -C $shop --json
    equals "impossible, $shop" "$(value out impossible)" 2
    equals "nothing set aside, $shop" "$(value out quarantined)" 0
    expect 0 events -C $shop --json
    equals "007 is not 7, $shop" "$(value out customers)" 2
    cat $shop/store.db* | grep -aoE 'e_[a-z2-7]{26}' | sort >$shop.ids
    equals "ids, $shop" "$(sort -u $shop.ids | wc -l)" 3
done
[ -z "$(comm -12 one.ids two.ids)" ] || fail "ids do not depend on the key of the workspace"

# milliseconds are exact, in both forms
printf 'who,when\na,1767225600123\nb,1073741824001\n' >ms.csv
printf 'customer: who\ntime: when\nunit: 0.001\nevent: view\n' >ms.yaml
printf '{"type":"view","customer":"%s","time":%s}\n' a 1767225600123 b 1073741824001 >ms.jsonl
for file in 'ms.csv --mapping ms.yaml' ms.jsonl; do
    rm -rf exact
    expect 0 init exact
    # shellcheck disable=SC2086
    expect 0 collect $file -C exact
    expect 0 events -C exact --json
    equals "first of $file" "$(value out first)" 2004-01-10T13:37:04.001000Z
    equals "last of $file" "$(value out last)" 2026-01-01T00:00:00.123000Z
done

cat >lines.jsonl <<'JSONL'
{"id":"e1","customer":"张三","time":"2026-01-02T03:04:05+08:00","type":"view","item":"鞋","value":1.5}
{"type":"track","event":"Order Completed","userId":"u1","messageId":"m1","timestamp":"2026-01-03T00:00:00Z","properties":{"order_id":"o1","revenue":"19.90","currency":"EUR"}}
{"type":"page","anonymousId":"a1","timestamp":1767225600000}

no json
{"type":"view","time":1767225600}
{"type":"view","customer":"u1","time":1e300}
JSONL
expect 0 init web
expect 0 collect lines.jsonl -C web --json
equals 'lines that are events' "$(value out added)" 3
equals 'a line that is no JSON' "$(value out 'refused|not a JSON object')" 1
equals 'a line of nobody' "$(value out 'refused|neither customer nor device')" 1
equals 'a time beyond every calendar' "$(value out 'refused|no time')" 1
equals 'the line is told' "$(value out 'first_refused|0|row')" 5
equals 'set aside' "$(value out quarantined)" 3
expect 0 collect lines.jsonl -C web --json
equals 'set aside once' "$(value out quarantined)" 0
expect 0 quarantine list --raw -C web --json
equals 'what is set aside' "$(value out count)" 3
grep -q '"place": *"lines.jsonl, line 5"' out || fail "the quarantine does not tell the line"
grep -aq 'no json' web/store.db* && fail "what was set aside is not sealed"
id=$(grep -B3 'line 6' out | grep -o '"id": *"[^"]*"' | cut -d'"' -f4)
expect 0 quarantine replay -C web --json
equals 'as it came it is no event' "$(value out replayed)" 0
printf '{"id":"%s","raw":"{\\"type\\":\\"view\\",\\"customer\\":\\"mended\\",\\"time\\":1767225600}"}\n' "$id" >mended.jsonl
expect 0 quarantine replay --fixed mended.jsonl -C web --json
equals 'mended it is one' "$(value out replayed)" 1
expect 0 profile mended -C web --at 2026-01-10
expect 0 forget u1 -C web --json
equals 'what was set aside about her goes, too' "$(value out 'erased|quarantine')" 1
expect 0 quarantine list -C web --json
equals 'what stays' "$(value out count)" 1
expect 2 quarantine drop -C web
says 'or say --all'
expect 6 quarantine drop none -C web
expect 0 quarantine drop --all -C web --json
equals dropped "$(value out dropped)" 1
rm -rf web
expect 0 init web
expect 0 collect lines.jsonl -C web --json
expect 0 events -C web --json
equals 'Segment said Order Completed' "$(value out 'types|order')" 1
equals 'a page' "$(value out 'types|page')" 1
expect 0 profile 张三 -C web --at 2026-01-10
expect 0 profile u1 -C web --at 2026-01-10 --json
near 'revenue is money' "$(value out 'traits|rfm.monetary')" 19.9 1e-9

# Two at once, into a workspace that has no key yet: nothing of either is lost.
for half in a b; do
    seq 5000 | sed "s/.*/{\"customer\":\"$half&\",\"time\":\"2026-01-05T00:00:00Z\",\"type\":\"view\"}/" >$half.jsonl
done
expect 0 init both
"$kairos" collect a.jsonl -C both >a.out 2>&1 &
expect 0 collect b.jsonl -C both
wait $! || fail "the other of two collects at once: $(cat a.out)"
expect 0 events -C both --json
equals 'events of both' "$(value out customers)" 10000

# rows of a table are set aside as events that lack something, and rows that are none as they came
printf 'who,when,what,each\nann,2026-01-02,hat,3\n,2026-01-03,shoe,5\nbob,2026-01-04,coat\n' >holes.csv
printf 'customer: who\ntime: when\nitem: what\nvalue: each\nevent: order\n' >holes.yaml
expect 0 init holes
expect 0 collect holes.csv --mapping holes.yaml -C holes --json
equals 'rows set aside' "$(value out quarantined)" 2
expect 0 quarantine list --raw -C holes --json
grep -q 'shoe' out && grep -q 'bob,2026-01-04,coat' out || fail "the quarantine does not hold what the rows said"
grep -B4 shoe out | grep -q 'holes.csv, row 2' || fail "the quarantine does not tell the row"
id=$(grep -B5 'shoe' out | grep -o '"id": *"f_[^"]*"' | cut -d'"' -f4)
printf '{"id":"%s","raw":"{\\"customer\\":\\"cat\\",\\"time\\":\\"2026-01-03\\",\\"type\\":\\"order\\",\\"item\\":\\"shoe\\",\\"value\\":5}"}\n' "$id" >mended.jsonl
expect 0 quarantine replay --fixed mended.jsonl -C holes --json
equals 'the row is mended' "$(value out replayed)" 1
expect 0 profile cat -C holes --at 2026-01-10 --json
near 'money of the mended row' "$(value out 'traits|rfm.monetary')" 5 1e-9

expect 6 collect none.csv --mapping map.yaml -C shop
expect 6 collect orders.csv.gz --mapping none.yaml -C shop
expect 6 collect lines.jsonl -C nowhere
printf 'customer: who\ntime: when\nevent: order\nprize: each\n' >bad.yaml
expect 2 collect orders.csv.gz --mapping bad.yaml -C shop
says "did you mean 'price'"
printf 'customer: who\nevent: order\n' >bad.yaml
expect 2 collect orders.csv.gz --mapping bad.yaml -C shop
says "the key 'time' is missing"
printf 'customer: whom\ntime: when\nevent: order\n' >bad.yaml
expect 2 collect orders.csv.gz --mapping bad.yaml -C shop
says "'whom'"
printf 'customer: who\ntime: what\nevent: order\n' >bad.yaml
expect 2 collect orders.csv.gz --mapping bad.yaml -C shop
says "column 'what' is"

retail=${KAIROS_DATA:-}/online_retail/online_retail.csv.gz
if [ -f "$retail" ] && [ -z "${KAIROS_SANITIZE:-}" ]; then
    expect 0 init uci
    expect 0 collect "$retail" --mapping "$mappings/online-retail.yaml" -C uci --json
    equals 'published: lines with a customer' "$(value out added)" 406829
    expect 0 events -C uci --json
    equals 'published: customers' "$(value out customers)" 4372
fi
pass
