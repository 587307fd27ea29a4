#!/usr/bin/env bash
# usage: names.sh ROOT - names of C files are lower snake case, unique, and no system header's. A
# public header may have the name of a room's door: it is included as <kairos/...>.
set -euo pipefail
house=$(cd "$(dirname "$0")" && pwd)
cd "$1"

folders=()
for folder in src tests bench fuzz examples tools; do
    [ -d "$folder" ] && folders+=("$folder")
done
names=$(find "${folders[@]}" -name '*.[ch]' -o -name '*.cpp' | sed 's|.*/||' | sort)
bad=0
refuse() { # refuse NAMES WHY
    [ -z "$1" ] && return
    echo "${1//$'\n'/, }: $2"
    bad=1
}
refuse "$(uniq -d <<<"$names")" "stands twice in the tree"
names+=$'\n'$(find include -name '*.h' | sed 's|.*/||')
refuse "$(grep -vE '^[a-z][a-z0-9_]*\.(c|h|cpp)$' <<<"$names" || true)" "not lower snake case"
refuse "$(grep -xFf "$house/system_headers.txt" <<<"$names" || true)" "the name of a system header"
refuse "$(grep -xE '(util|utils|common|helper|helpers|misc|private)\.[ch]' <<<"$names" || true)" "says nothing"
exit $bad
