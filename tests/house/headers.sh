#!/usr/bin/env bash
# usage: headers.sh ROOT - every header compiles alone: public ones as C11 and as C++17, ours as C17.
set -euo pipefail
cd "$1"

warnings=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude)
mapfile -t public < <(find include -name '*.h' | sort)
mapfile -t internal < <(find src -name '*.h' | sort)
"${CC:-cc}" -std=c11 "${warnings[@]}" -x c "${public[@]}"
"${CXX:-c++}" -std=c++17 "${warnings[@]}" -x c++ "${public[@]}"
# static inline functions of a header are not all used by a file that holds nothing else
[ ${#internal[@]} -eq 0 ] ||
    "${CC:-cc}" -std=c17 -D_GNU_SOURCE "${warnings[@]}" -Wno-unused-function -Isrc -x c "${internal[@]}"
