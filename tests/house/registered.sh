#!/usr/bin/env bash
# usage: registered.sh ROOT BUILD - each test_*.c and fuzz_*.c is a test of ctest, each bench and
# fuzz target is where the build looks, and each fuzz target has a corpus.
set -euo pipefail
root=$1
tests=$(ctest --test-dir "$2" -N 2>/dev/null | awk '/Test +#/ { print $NF }')
bad=0

while read -r file; do
    stem=$(basename "$file" .c)
    grep -qE "^[a-z]+\.$stem\$" <<<"$tests" && continue
    case $file in *_glpk.c) [ -f /usr/include/glpk.h ] || continue ;; esac
    echo "$file: not a test of ctest"
    bad=1
done < <(find "$root/tests" "$root/fuzz" -name 'test_*.c' -o -name 'fuzz_*.c' | sort)

for file in "$root"/fuzz/fuzz_*.c; do
    [ -e "$file" ] || continue
    stem=$(basename "$file" .c)
    [ -n "$(find "$root/fuzz/corpus/$stem" -type f 2>/dev/null | head -1)" ] && continue
    echo "$file: no corpus in fuzz/corpus/$stem"
    bad=1
done
exit $bad
