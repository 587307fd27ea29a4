#!/usr/bin/env bash
# usage: transcript.sh NAME - run the commands of transcripts/NAME.txt ("$ ..." lines) and compare what
# they print with what stands below them: stdout as it is, stderr behind "! ", an exit code other than
# 0 in brackets. KAI_GOLDEN=write writes the file anew; the diff is then read like code.
# shellcheck source=kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
golden=$tests/cli/transcripts/$1.txt
kairos() { "$KAIROS_BIN" "$@"; }
export -f kairos
make_table 80 >table.csv
make_past 240 >past.csv
make_campaign >good.yaml

play() {
    local line code
    while IFS= read -r line; do
        case $line in
        '$ '*) ;;
        '#'*) printf '%s\n' "$line"; continue ;;
        *) continue ;;
        esac
        printf '%s\n' "$line"
        code=0
        bash -c "${line:2}" >out 2>err </dev/null || code=$?
        cat out
        sed 's/^/! /' err
        [ "$code" -eq 0 ] || printf '[%d]\n' "$code"
        case ${line:2} in 'kairos '*) [ "$code" -eq 0 ] || check_error "${line:2}" ;; esac
    done
}

play <"$golden" >"$work/played.txt"
if [ "${KAI_GOLDEN:-}" = write ]; then
    cp "$work/played.txt" "$golden"
elif ! diff -u "$golden" "$work/played.txt" >&2; then
    fail "the transcript differs (after review: KAI_GOLDEN=write)"
fi
pass
