#!/usr/bin/env bash
# usage: doors.sh ROOT - a room is entered by <folder>/<folder>.h or by a header that the first
# comment of that file lists; base, kernel and table are toolboxes and open.
set -euo pipefail
cd "$1/src"

bad=0
while IFS=: read -r file header; do
    from=${file%%/*} to=${header%%/*}
    case $to in "$from" | base | kernel | table | kairos) continue ;; esac
    [ "$header" = "$to/$to.h" ] && continue
    if ! [ -f "$to/$to.h" ] || ! sed '/\*\//q' "$to/$to.h" | grep -qF "$header"; then
        echo "$file: $header is private to $to"
        bad=1
    fi
done < <(grep -rE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include "' . |
         sed -E 's|^\./([^:]+):.*"([^"]+)".*|\1:\2|' | sort)
exit $bad
