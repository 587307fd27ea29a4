#!/usr/bin/env bash
# The published recipe that this project started from, on any labelled table: a random forest of 100
# trees and a dense 64-32-1 network (ReLU, Adam, 10 epochs, batches of 32), an 80/20 split with seed
# 42, the accuracy of both.
#
#   examples/published-recipe/run.sh TABLE LABEL [options of `kairos fit`]
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 TABLE LABEL [options of kairos fit]" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")/../.." && pwd)
kairos=${KAIROS_BIN:-$here/build/release/bin/kairos}
table=$1 label=$2
shift 2
exec "$kairos" fit "$table" --label "$label" --models forest,mlp --trees 100 --hidden 64,32 \
    --epochs 10 --batch 32 --test 0.2 --seed 42 "$@"
