#!/usr/bin/env bash
# usage: test_noise.sh [MEGABYTES] - bytes of chance as a table (64 MB; 1 GB under the label slow):
# refused at once and in little memory, plain and packed; and a table of a few very long lines.
# shellcheck source=../cli/kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
megabytes=${1:-64}
limit=200000 # KiB
[ -z "${KAIROS_SANITIZE:-}" ] || limit=2000000

# bounded WHAT COMMAND...: refused with 2, 5 or 8 (no text, damaged, too large) in bounded memory; how long it took is printed
bounded() {
    local what=$1 code=0 start took peak
    shift
    start=$(date +%s%N)
    "$probe" peak peak "$kairos" "$@" >out 2>err || code=$?
    took=$((($(date +%s%N) - start) / 1000000))
    peak=$(cat peak)
    echo "$what: exit code $code, $took ms, $peak KiB: $(head -1 err)"
    case $code in 2 | 5 | 8) ;; *) fail "$what: exit code $code: $(head -c 300 err)" ;; esac
    check_error "$what"
    [ "$peak" -lt $limit ] || fail "$what: took $peak KiB"
}

head -c "${megabytes}M" /dev/urandom >noise.csv
bounded 'fit of noise' fit noise.csv --label y
bounded 'fit of noise without a header' fit noise.csv --no-header --label y
bounded 'noise as a model' predict noise.csv noise.csv
bounded 'noise as a campaign' run noise.csv
rm noise.csv
# the same without NUL bytes, quotes and breaks: it is still no UTF-8
head -c "$((megabytes / 4))M" /dev/urandom | tr -d '\000\n\r",' >noise.txt
bounded 'fit of noise in one line' fit noise.txt --label y
# letters of chance: one endless line, then endless fields
head -c "$((megabytes / 4))M" /dev/urandom | base64 -w 0 >letters.csv
bounded 'fit of one endless line' fit letters.csv --label y
{ printf 'a,b\n1,"'; head -c "$((megabytes / 4))M" letters.csv; } >open.csv
bounded 'fit of an endless quote' fit open.csv --label b
# a bomb: much from little
head -c "${megabytes}M" /dev/zero | gzip -1 >zeros.csv.gz
bounded 'fit of packed zeros' fit zeros.csv.gz --label y
bounded 'packed zeros as a model' predict zeros.csv.gz zeros.csv.gz
bounded 'packed zeros as a campaign' run zeros.csv.gz
pass
