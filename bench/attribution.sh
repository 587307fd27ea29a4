#!/usr/bin/env bash
# usage: attribution.sh KAIROS [PATHS] - time `evaluate attribution` on drawn paths of 1 to 5 touches on 12
# channels (10 million by default); prints the stages in seconds and the peak memory. Not a test: machines differ.
set -euo pipefail
kairos=$1 paths=${2:-10000000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk -v n="$paths" 'BEGIN {
    srand(7)
    print "customer,time,channel,converted,value"
    for (p = 1; p <= n; p++) {
        touches = 1 + int(rand() * 5)
        for (t = 1; t <= touches; t++) {
            hit = t == touches && rand() < 0.05
            printf "%d,%d,c%d,%d,%s\n", p, 1600000000 + p + t * 3600, rand() * 12, hit, hit ? 20 : ""
        }
    }
}' >"$folder/paths.csv"
wc -lc <"$folder/paths.csv"
/usr/bin/time -f '%e s, %U CPU s, %M KiB' "$kairos" evaluate attribution "$folder/paths.csv" --json --quiet |
    sed -n '/"paths"\|"conversions": [0-9]/p;/"timing"/,$p'
