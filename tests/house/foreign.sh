#!/usr/bin/env bash
# usage: foreign.sh ROOT - every <header> of src/ is the C library's, POSIX's or one of ours, or is
# a foreign library's, and then stands in one file, the one that foreign_headers.txt names.
set -euo pipefail
house=$(cd "$(dirname "$0")" && pwd)
cd "$1/src"

includes=$(grep -rE --include='*.[ch]' --include='*.cpp' '^[[:space:]]*#[[:space:]]*include <' . |
           sed -E 's|^\./([^:]+):.*<([^>]+)>.*|\1 \2|' | sort -u)
bad=0
while read -r file header; do
    case $header in kairos/*) continue ;; esac
    grep -qxF "$header" "$house/system_headers.txt" && continue
    owner=$(awk -v header="$header" '$1 == header { print $2 }' "$house/foreign_headers.txt")
    # shellcheck disable=SC2254 # the owner may be a pattern
    case $file in
    $owner) [ "$(grep -c " $header\$" <<<"$includes")" -eq 1 ] && continue ;;
    esac
    echo "$file: <$header> belongs to ${owner:-no file of foreign_headers.txt}, one file alone"
    bad=1
done <<<"$includes"
exit $bad
