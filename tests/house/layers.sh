#!/usr/bin/env bash
# usage: layers.sh ROOT EDGES - the edge table of docs/architecture.md, the edges that CMake wrote
# ("learn: base kernel table" a line) and the includes of src/ must agree.
set -euo pipefail
root=$1 edges=$2
mapfile -t files < <(find "$root/src" -name '*.[ch]' | sort)

awk -v root="$root" '
function fail(text) { print text; failures++ }
function trim(text) { gsub(/^ +| +$/, "", text); return text }
FILENAME ~ /architecture\.md$/ {
    if (/^## /) in_edges = /^## Edges/
    if (!in_edges || !/^\|/ || /^\| Folder/ || /^\|-/) next
    split($0, cell, "|")
    rows = split(cell[2], folder, ",")
    sees = split(cell[3], seen, ",")
    for (i = 1; i <= rows; i++) {
        known[trim(folder[i])] = 1
        for (k = 1; k <= sees; k++)
            if (trim(seen[k]) != "") may[trim(folder[i]), trim(seen[k])] = 1
    }
    next
}
FILENAME ~ /edges/ {
    split($0, part, ":")
    built[part[1]] = 1
    count = split(trim(part[2]), target, / +/)
    for (k = 1; k <= count; k++) if (target[k] != "") depends[part[1], target[k]] = 1
    next
}
{
    if (!/^[ \t]*#[ \t]*include/) next
    file = substr(FILENAME, length(root) + 6) # behind ROOT/src/
    split(file, piece, "/")
    from = piece[1]
    if (!(from in known)) { fail(file ": folder not in the edge table"); nextfile }
    if (file ~ /\.c$/ && !(from in built)) fail(file ": folder without kai_module")
    if (match($0, /<kairos\/[^>]*>|"kairos\/[^"]*"/)) {
        header = substr($0, RSTART + 1, RLENGTH - 2)
        if (header !~ /^kairos\/(status|arrow)\.h$/ && !((from, "include/kairos") in may))
            fail(file ": " header " is above " from)
    } else if (match($0, /"[^"]*"/)) {
        header = substr($0, RSTART + 1, RLENGTH - 2)
        if (header !~ /^[a-z]+\/[a-z0-9_]+\.(h|inc)$/) {
            fail(file ": include \"" header "\" is not \"folder/file.h\"")
        } else {
            split(header, part, "/")
            if (part[1] != from && !((from, part[1]) in may))
                fail(file ": includes " header ", but " from " may not see " part[1])
        }
    }
}
END {
    for (from in built) {
        if (!(from in known)) fail(from ": kai_module, but not in the edge table")
        for (to in built) {
            is_table = (from, to) in may
            is_cmake = (from, to) in depends
            if (to == "engine" && (from, "include/kairos") in may) is_table = is_cmake # its library
            if (is_table && !is_cmake) fail(from ": CMake lacks DEPENDS " to)
            if (!is_table && is_cmake) fail(from ": DEPENDS " to " is not in the edge table")
        }
    }
    exit failures > 0
}' "$root/docs/architecture.md" "$edges" "${files[@]}"
