#!/usr/bin/env bash
# Finance: who says yes when called, and who should be called on the mobile phone.
#
#   examples/bank/run.sh [OUT] [options of `kairos run`]     default OUT: out/bank
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
kairos=${KAIROS_BIN:-$root/build/release/bin/kairos}
[ -x "$kairos" ] || { echo "$0: '$kairos' is not there: scripts/demo builds it" >&2; exit 6; }
out=${1:-$root/out/bank}
[ $# -eq 0 ] || shift
mkdir -p "$out"
"$here/prepare.sh" "$out/clients.csv"
cp "$here/campaign.yaml" "$out/campaign.yaml" # its tables are relative to it

# Who says yes? A forecast of the answer, not of what the call changes.
"$kairos" fit "$out/clients.csv" --label y --drop client,duration,campaign --models forest,boost \
    --save "$out/yes.kai"
# Whom does a call on the mobile change? That is what the plan is made of.
"$kairos" run "$out/campaign.yaml" --out "$out/run" "$@"
