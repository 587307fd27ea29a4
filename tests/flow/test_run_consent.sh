#!/usr/bin/env bash
# A campaign run in a workspace obeys what its persons said: a refused channel, no personalisation,
# the switch "not personalised", erasure.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"

expect 0 simulate campaign --customers 1500 --out market --quiet
expect 0 run market/campaign.yaml --out free --quiet
# treated CHANNEL N: the N-th customer who gets something in the channel
treated() { awk -F, -v channel="$1" '$3 == channel { print $1 }' free/plan.csv | sed -n "$2p"; }
mailed=$(treated email 1) switched=$(treated mail 1) refused=$(treated mail 2) gone=$(treated email 2)
[ -n "$mailed" ] && [ -n "$switched" ] && [ -n "$refused" ] && [ -n "$gone" ] || fail "nobody is treated"

expect 0 init shop
expect 0 consent withdraw "$mailed" --purpose marketing-email -C shop
expect 0 consent set "$switched" --purpose not-personalised -C shop
expect 0 consent withdraw "$refused" --purpose personalisation -C shop
expect 0 consent set "$gone" --purpose sharing -C shop # so that something is known of the person
expect 0 forget "$gone" -C shop
expect 0 run market/campaign.yaml --out obeyed --quiet -C shop --json
[ "$("$probe" json 'plan|no_consent' <out)" = 3 ] || fail "three may not be treated: $(grep no_consent out)"

# offer CUSTOMER: channel of the customer's row of the plan
offer() { awk -F, -v id="$1" '$1 == id { print $3 }' obeyed/plan.csv; }
[ "$(offer "$mailed")" != email ] || fail "an e-mail to who refused e-mail"
for id in "$switched" "$refused" "$gone"; do
    [ -z "$(offer "$id")" ] || fail "customer $id is treated"
done
gzip -dc obeyed/receipts.jsonl.gz | grep "\"customer\":\"$switched\"" | grep -q '"no consent"' ||
    fail "the receipt does not say why"
treated_free=$(grep -c ',email,' free/plan.csv) treated_obeyed=$(grep -c ',email,' obeyed/plan.csv)
[ "$treated_obeyed" -ge $((treated_free - 5)) ] || fail "others lost their offers: $treated_obeyed of $treated_free"
expect 0 audit verify -C shop
grep -q '^5 entries, unbroken' out || fail "$(cat out)"
pass
