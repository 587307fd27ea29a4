#!/usr/bin/env bash
# Retail: which of two e-mails, if any, should each of 64,000 customers get?
#
#   examples/hillstrom/run.sh [OUT] [options of `kairos run`]     default OUT: out/hillstrom
#
# campaign.yaml finds the table beside the clone (../shared/data); with KAIROS_DATA, a copy of it
# with that path is run instead.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
kairos=${KAIROS_BIN:-$root/build/release/bin/kairos}
[ -x "$kairos" ] || { echo "$0: '$kairos' is not there: scripts/demo builds it" >&2; exit 6; }
data=${KAIROS_DATA:-$root/../shared/data}
table=$data/hillstrom/hillstrom.csv.gz
[ -r "$table" ] || { echo "$0: '$table' is not there: set KAIROS_DATA to the folder of data sets" >&2; exit 6; }
out=${1:-$root/out/hillstrom}
[ $# -eq 0 ] || shift
mkdir -p "$out"
sed "s|table: .*hillstrom.csv.gz|table: $table|" "$here/campaign.yaml" >"$out/campaign.yaml"
"$kairos" run "$out/campaign.yaml" --out "$out/run" "$@"
