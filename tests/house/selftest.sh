#!/usr/bin/env bash
# Each check of the house must notice what it is for: a small good tree passes all of them, and the
# same tree with one thing broken fails the one check, which must name the place.
set -euo pipefail
house=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
failures=0

header() { # header FILE [CODE [COMMENT]]
    local guard
    guard=${1//[^a-z]/_}
    printf '/* %s */\n#ifndef %s\n#define %s\n%s\n#endif\n' "${3:-}" "$guard" "$guard" "${2:-extern int x;}" >"$tree/$1"
}

good_tree() {
    rm -rf "$tree"
    mkdir -p "$tree"/{docs,include/kairos,src/{base,learn,engine},tests,fuzz/corpus/fuzz_base_x}
    cat >"$tree/docs/architecture.md" <<'END'
## Edges

| Folder | May see |
|---|---|
| base | |
| learn | base |
| engine | base, learn, include/kairos |
END
    printf 'base: \nlearn: base\nengine: base learn\n' >"$tree/edges.txt"
    header include/kairos/status.h 'typedef int kai_x;'
    header include/kairos/model.h '#include <kairos/status.h>'
    header src/base/tool.h '#include <kairos/status.h>'
    printf '#include "base/tool.h"\n\n#include <zlib.h>\n' >"$tree/src/base/file.c"
    header src/learn/learn.h '#include "base/tool.h"' 'Door; see learn/metric.h.'
    header src/learn/metric.h
    header src/learn/secret.h
    header src/engine/job.h
    header src/engine/model.h
    printf '#include "learn/learn.h"\n#include "learn/secret.h"\n' >"$tree/src/learn/learn.c"
    printf '#include <kairos/model.h>\n#include "learn/learn.h"\n#include "learn/metric.h"\n' >"$tree/src/engine/job.c"
    touch "$tree/fuzz/corpus/fuzz_base_x/a"
    printf 'enable_testing()\nadd_test(NAME unit.test_ok COMMAND true)\n' >"$tree/CMakeLists.txt"
}

run_check() {
    case $1 in
    layers) bash "$house/layers.sh" "$tree" "$tree/edges.txt" ;;
    registered) bash "$house/registered.sh" "$tree" "$tree" ;;
    exports) bash "$house/exports.sh" "$tree/lib.so" ;;
    *) bash "$house/$1.sh" "$tree" ;;
    esac
}

# breaks CHECK TEXT COMMAND: after COMMAND in the good tree, CHECK fails and says TEXT
breaks() {
    good_tree
    (cd "$tree" && eval "$3") || { echo "cannot run: $3"; exit 1; }
    local output
    if output=$(run_check "$1" 2>&1); then
        echo "$1 did not notice: $3"
    elif ! grep -qF "$2" <<<"$output"; then
        printf '%s noticed "%s" without saying "%s":\n%s\n' "$1" "$3" "$2" "$output"
    else
        return 0
    fi
    failures=$((failures + 1))
}

good_tree
for check in layers doors foreign calls headers names sizes paths registered docs; do
    run_check "$check" || { echo "$check refuses the good tree"; failures=$((failures + 1)); }
done

include() { printf 'echo '"'"'#include %s'"'"' >> %s' "$1" "$2"; }
breaks layers 'learn may not see engine' "$(include '"engine/job.h"' src/learn/learn.c)"
breaks layers 'base may not see learn' "$(include '"learn/learn.h"' src/base/tool.h)"
breaks layers 'kairos/model.h is above learn' "$(include '<kairos/model.h>' src/learn/learn.c)"
breaks layers 'is not "folder/file.h"' "$(include '"secret.h"' src/learn/learn.c)"
breaks layers 'is not "folder/file.h"' "$(include '"../base/tool.h"' src/learn/learn.c)"
breaks layers 'DEPENDS engine is not in the edge table' 'sed -i "s/^learn: base/learn: base engine/" edges.txt'
breaks layers 'CMake lacks DEPENDS learn' 'sed -i "s/^engine.*/engine: base/" edges.txt'
breaks layers 'folder not in the edge table' 'mkdir src/cellar; echo "#include <stdio.h>" > src/cellar/a.c'
breaks layers 'folder without kai_module' 'sed -i /^learn/d edges.txt'
breaks layers 'may not see learn' 'sed -i "s/^| engine.*/| engine | base, include\/kairos |/" docs/architecture.md'
breaks doors 'learn/secret.h is private to learn' "$(include '"learn/secret.h"' src/engine/job.c)"
breaks doors 'learn/metric.h is private' 'sed -i "s/see learn.metric.h/nothing/" src/learn/learn.h'
breaks foreign 'base/tool.h: <zlib.h> belongs to base/file.c' "$(include '<zlib.h>' src/base/tool.h)"
breaks foreign 'belongs to no file' "$(include '<jansson.h>' src/base/file.c)"
breaks foreign 'collect/b.c: <iconv.h>' \
       'mkdir src/collect; echo "#include <iconv.h>" | tee src/collect/a.c > src/collect/b.c'
for call in 'p = malloc(1)' 'free(p)' 'exit(1)' 'abort ()' 'printf("x")' 'fputs("x", stderr)' \
            'n = atoi(s)' 'strcpy(a, b)' 'sprintf(a, "")' 'strcat(a, b)' 'x = strdup(y)' 'assert(x)' \
            'realloc(p, 2)' 'calloc(1, 2)' 'rand()' 'strtok(a, b)' 'setlocale(1, 0)'; do
    breaks calls 'base/file.c:4:' "echo '$call;' >> src/base/file.c"
done
breaks headers 'unknown type' 'echo "uint99_t x;" >> src/learn/metric.h'
breaks headers 'model.h' 'echo "static inline int f(int class) { return class; }" >> include/kairos/model.h'
breaks headers 'model.h' 'echo "int *f(int n, int a[static n]); // C++" >> include/kairos/model.h'
breaks names 'job.h: stands twice' 'touch src/learn/job.h'
breaks names 'limits.h: the name' 'touch include/kairos/limits.h'
breaks names 'time.h: the name of a system header' 'touch src/base/time.h'
breaks names 'BigFile.c: not lower snake case' 'touch src/base/BigFile.c'
breaks names 'util.c: says nothing' 'touch src/base/util.c'
breaks sizes 'more than 1000 lines' 'seq 1001 > src/base/long.c'
breaks sizes 'a.c:1: 72 lines' '{ echo "int f(void) {"; seq -s ";
" 70; echo "}"; } > src/base/a.c'
breaks paths 'docs/x.md:1:' 'echo "cd /wo""rk/here" > docs/x.md'
breaks paths 'docs/x.md:1:' 'echo "/ro""ot/data" > docs/x.md'
breaks registered 'test_lost.c: not a test' 'touch tests/test_lost.c'
breaks registered 'fuzz_base_y.c: no corpus' 'touch fuzz/fuzz_base_y.c'
breaks docs 'x.md: gone.md: no such file' 'echo "see [it](gone.md)" > docs/x.md'
breaks docs 'methods/a.md: not in docs/README.md' 'mkdir docs/methods docs/formats; touch docs/methods/a.md docs/formats/b.md; echo "[b](formats/b.md) [a](architecture.md)" > docs/README.md'
breaks docs "'new_key' is not documented" "mkdir docs/formats; echo '| other | |' > docs/formats/campaign.md; echo '{.name = \"new-key\"}' > src/engine/campaign.c"
breaks docs "'42' is not documented" "echo '| 4 | |' > docs/operate.md; echo 'X(A, -1, \"a\", 42, 400)' >> include/kairos/status.h"
library='cc -shared -fPIC -x c - -o lib.so'
breaks exports 'mem_alloc' "echo 'int kai_status_text; int mem_alloc;' | $library"
breaks exports 'kai_status_text is missing' "echo 'int kai_other;' | $library"

# comments and strings are not code
good_tree
printf '/* malloc(1) and\n * exit(1) */\nint x; // printf("x")\nconst char *y = "abort(); /*";\nint mem_free(int);\nint z = s.free(1);\n' \
       >>"$tree/src/base/file.c"
run_check calls || { echo "calls refuses comments and strings"; failures=$((failures + 1)); }

[ "$failures" -eq 0 ] || { echo "$failures checks are blind"; exit 1; }
