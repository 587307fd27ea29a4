#!/usr/bin/env bash
# The public experiment of Cookie Cats: sample ratio, both retention metrics and the decision, by values that
# statsmodels gives (tests/golden/experiments.py).
set -euo pipefail
table=${KAIROS_DATA:-}/cookie_cats_ab/cookie_cats.csv.gz
[ -f "$table" ] || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
judge() { "$KAIROS_BIN" evaluate ab "$table" --arm version --control gate_30 --metric retention_7,retention_1 --quiet "$@"; }
need() { grep -qF -- "$1" "$2" || { echo "'$1' is missing in:"; cat "$2"; exit 1; }; }

judge >"$folder/anytime"
need 'sample ratio: p 0.008608 (warning)' "$folder/anytime"
need 'one look: [-0.0132819, -0.0031213], p 0.001554' "$folder/anytime"
need 'one look: [-0.0123919, 0.000582095], p 0.07441' "$folder/anytime"
need 'winner: none' "$folder/anytime"
need "warning: the arms' sizes are suspicious" "$folder/anytime"

judge --decide fixed >"$folder/fixed"
need 'winner: gate_30' "$folder/fixed"
judge --decide fixed --srm 0.01 >"$folder/broken"
need 'winner: none' "$folder/broken"
need 'find out why before anything is read' "$folder/broken"
judge --threads 1 --json | sed '/"timing"/,$d' >"$folder/one"
judge --threads 3 --json | sed '/"timing"/,$d' >"$folder/three"
cmp "$folder/one" "$folder/three"
