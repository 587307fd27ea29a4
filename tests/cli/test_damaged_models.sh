#!/usr/bin/env bash
# A model file cut at many places, and with one bit turned at many places: each is refused with a
# reason, none crashes. A receipts file likewise.
# shellcheck source=kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
make_table 60 >table.csv
expect 0 fit table.csv --label churned --trees 3 --rounds 3 --hidden 4 --epochs 1 --calibrate isotonic --save m.kai
size=$(wc -c <m.kai)

refused() {
    expect 5 predict bad.kai table.csv
    says 'bad.kai: '
}
for ((cut = 0; cut < size; cut += size / 40 + 1)); do
    head -c "$cut" m.kai >bad.kai
    refused
done
for ((cut = 1; cut < 80; cut += 9)); do # the header, closely
    head -c "$cut" m.kai >bad.kai
    refused
done
for ((byte = 0; byte < size; byte += (byte < 100 ? 7 : size / 40 + 1))); do
    cp m.kai bad.kai
    "$probe" flip bad.kai "$byte"
    refused
done
{ cat m.kai; echo tail; } >bad.kai
refused
head -c "$size" /dev/urandom >bad.kai
refused
cp table.csv bad.kai
refused
expect 5 explain score bad.kai table.csv --row 1
expect 2 predict . table.csv
cmp -s m.kai bad.kai && fail "nothing was damaged"
expect 0 predict m.kai table.csv

make_past 240 >past.csv
make_campaign >campaign.yaml
expect 0 run campaign.yaml --out r
receipts=r/receipts.jsonl.gz
expect 0 explain decision $receipts n7
grep -q '^customer n7: ' out || fail "no decision of n7: $(cat out)"
expect 0 explain decision $receipts n7 --json
equals 'the receipt of' "$(value out customer)" n7
expect 6 explain decision $receipts nobody
says "'nobody'"
head -c 900 $receipts >cut.jsonl.gz
expect 5 explain decision cut.jsonl.gz n239
cp $receipts flip.jsonl.gz
"$probe" flip flip.jsonl.gz 500
expect 5 explain decision flip.jsonl.gz n239
expect 6 explain decision table.csv c1
expect 6 explain decision lost.jsonl.gz n1
pass
