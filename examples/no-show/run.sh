#!/usr/bin/env bash
# Healthcare: who should get a reminder before an appointment, with opt-in consent.
#
#   examples/no-show/run.sh [OUT] [options of `kairos run`]     default OUT: out/no-show
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
kairos=${KAIROS_BIN:-$root/build/release/bin/kairos}
[ -x "$kairos" ] || { echo "$0: '$kairos' is not there: scripts/demo builds it" >&2; exit 6; }
out=${1:-$root/out/no-show}
[ $# -eq 0 ] || shift
mkdir -p "$out"
"$here/prepare.sh" "$out/appointments.csv"
cp "$here/campaign.yaml" "$out/campaign.yaml" # its tables are relative to it
"$kairos" run "$out/campaign.yaml" --out "$out/run" "$@"
