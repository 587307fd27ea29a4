#!/usr/bin/env bash
# usage: calls.sh ROOT - calls that only certain files may make.
set -euo pipefail
house=$(cd "$(dirname "$0")" && pwd)
cd "$1/src"

code=$(find . -name '*.[ch]' | sort | sed 's|^\./||' | xargs awk -f "$house/code_lines.awk")
bad=0

# refuse WORDS PATHS WHY: none of the words outside the paths (an extended regular expression)
refuse() {
    local found
    found=$(grep -E "^[^:]*:[0-9]*:(.*[^A-Za-z0-9_.>])?($1)" <<<"$code" | grep -vE "^($2)") || return 0
    echo "$3:"
    echo "$found"
    bad=1
}

refuse '(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|aligned_alloc|posix_memalign)[ ]*\(' \
       'base/alloc\.c' 'allocate through base/alloc.h'
refuse '(exit|_exit|_Exit|quick_exit|abort|raise)[ ]*\(' 'cli/' 'a library returns a status'
refuse '(printf|vprintf|puts|putchar|perror)[ ]*\(|(stdin|stdout|stderr)([^A-Za-z0-9_]|$)' \
       '(cli|serve)/' 'a library does not print'
refuse 'assert[ ]*\(' 'base/err\.h' 'KAI_ASSERT'
refuse '(atoi|atol|atoll|atof|sscanf)[ ]*\(' '-' 'errors in band: base/text.h parses'
refuse '(strcpy|stpcpy|strcat|strncat|strncpy|sprintf|vsprintf|gets)[ ]*\(' '-' 'not bounded or not terminated'
refuse '(rand|srand|random|drand48|time)[ ]*\(' '-' 'base/rng.h, base/clock.h'
refuse '(strtok|localtime|gmtime|ctime|asctime|strerror|tmpnam|mktemp|system|popen)[ ]*\(' '-' \
       'shared state of the process'
refuse 'setlocale[ ]*\(' 'cli/' 'shared state of the process'
exit $bad
