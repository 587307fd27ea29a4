#!/usr/bin/env bash
# Make clients.csv for campaign.yaml from the published table of 41,188 clients who were called.
#
#   examples/bank/prepare.sh [OUT]      default: clients.csv in this folder
#
# - `client` is the number of the row: the published table has no name of a client;
# - `pdays` 999 means "never called before": it becomes missing;
# - `duration` stays in the table, so that campaign.yaml and run.sh can show how to leave it out.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${KAIROS_DATA:-$here/../../../shared/data}
source=$data/bank_marketing/bank-additional-full.csv.gz
[ -r "$source" ] || { echo "$0: '$source' is not there: set KAIROS_DATA to the folder of data sets" >&2; exit 6; }
out=${1:-$here/clients.csv}

gzip -dc "$source" | tr -d '"\r' | awk -F';' -v OFS=, '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == "pdays") pdays = i; $1 = "client" OFS $1; print; next }
    { if ($pdays == 999) $pdays = ""; $1 = NR - 1 OFS $1; print }' >"$out.part"
mv "$out.part" "$out"
echo "$out: $(($(wc -l <"$out") - 1)) clients"
