#!/usr/bin/env bash
# usage: docs.sh ROOT - links between Markdown files lead somewhere; each page of formats/ and methods/
# stands on the map; each key of the campaign file and each exit code is documented.
set -euo pipefail
cd "$1"

bad=0
complain() { echo "$1"; bad=1; }

while IFS=: read -r file link; do
    case $link in http | https | mailto) continue ;; esac
    [ -e "$(dirname "$file")/$link" ] || complain "$file: $link: no such file"
done < <(find . -name '*.md' -not -path './build/*' -not -path '*/node_modules/*' -not -path './out/*' |
         xargs grep -oHE '(^|[^!])\[[^]]*\]\([^)#: ]+' | sed -E 's/:.*\]\(/:/' | sort -u)

map=docs/README.md
if [ -f "$map" ]; then
    for page in docs/formats/*.md docs/methods/*.md docs/*.md; do
        [ "$page" = "$map" ] || grep -qF "(${page#docs/})" "$map" || complain "$page: not in $map"
    done
fi

# has_row FILE NAME: a row of a table begins with it
has_row() { grep -qE "^\| *\`?$2\`? *\|" "$1" || complain "$1: '$2' is not documented"; }

keys=src/engine/campaign.c
if [ -f "$keys" ]; then
    while read -r key; do
        has_row docs/formats/campaign.md "${key//-/_}"
    done < <(cat "$keys" src/engine/reading.h 2>/dev/null | grep -oE '\.name = "[a-z-]+"' | cut -d'"' -f2 | sort -u)
fi
status=include/kairos/status.h
if [ -f docs/operate.md ]; then
    while read -r code; do
        has_row docs/operate.md "$code"
    done < <(grep -oE 'X\([A-Z_]+, .*, [0-9]+, [0-9]+\)' "$status" | sed -E 's/.*, ([0-9]+), [0-9]+\)/\1/')
fi
exit $bad
