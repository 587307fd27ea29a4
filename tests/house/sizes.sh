#!/usr/bin/env bash
# usage: sizes.sh ROOT - files of at most 1000 lines, functions of at most 70.
set -euo pipefail
cd "$1"

mapfile -t files < <(find src include -name '*.[ch]' | sort)
awk '
FNR == 1 { begin = 0 }
FNR == 1001 { print FILENAME ": more than 1000 lines"; bad = 1 }
/^[a-z].*\) \{$|^ .*\) \{$/ && !begin { begin = FNR; name = $0 }
/^\}/ {
    if (begin && FNR - begin + 1 > 70) {
        print FILENAME ":" begin ": " FNR - begin + 1 " lines: " name
        bad = 1
    }
    begin = 0
}
END { exit bad }' "${files[@]}"
