#!/usr/bin/env bash
# usage: bench/backtest.sh KAIROS DATA OUT [SET...] - the table of docs/methods/backtest.md: one JSON a data set into
# OUT. SETS: ml100k ml1m retailrocket trivago; MODELS, SIZE and TOKENS may be set in the environment.
set -euo pipefail
kairos=$(realpath "$1") data=$(realpath "$2") out=$3
shift 3
[ $# -gt 0 ] || set -- ml100k ml1m retailrocket trivago
mkdir -p "$out"
common=(--json --quiet --models "${MODELS:-popular,recent-popular,item-knn,ials}")
[ -z "${SIZE:-}" ] || common+=(--size "$SIZE")
[ -z "${TOKENS:-}" ] || common+=(--tokens "$TOKENS")
leave_one_out=(--metrics "ndcg@10,hr@10,recall@20,mrr@20,novelty@10,coverage@10")

# Clicks on a hotel, in time order; the same hotel twice in a row is one click. Only the first six
# columns are cut, which hold no comma; `reference` is a hotel where it is a number.
trivago() {
    gzip -dc "$data/trivago_clickstream/trivago_val_100k.csv.gz" |
        awk -F, 'BEGIN { print "user,item,time" }
            NR > 1 && $6 ~ /^[0-9]+$/ && $5 ~ /item/ && last[$1] != $6 { print $1 "," $6 "," $3; last[$1] = $6 }'
}

for set in "$@"; do
    case $set in
    ml100k)
        "$kairos" backtest "$data/movielens_100k/u.data" --no-header --columns user,item,rating,time \
            --time time "${leave_one_out[@]}" "${common[@]}" >"$out/ml100k.json"
        "$kairos" backtest "$data/movielens_100k/u.data" --no-header --columns user,item,rating,time \
            --time time --protocol time-split "${leave_one_out[@]}" "${common[@]}" >"$out/ml100k-split.json" ;;
    ml1m)
        "$kairos" backtest "$data/movielens_1m/ratings_ordered.csv.gz" --user user_id --item movie_id \
            --order position "${leave_one_out[@]}" "${common[@]}" >"$out/ml1m.json"
        "$kairos" backtest "$data/movielens_1m/ratings_ordered.csv.gz" --user user_id --item movie_id \
            --order position --time timestamp --protocol time-split "${leave_one_out[@]}" "${common[@]}" >"$out/ml1m-split.json" ;;
    retailrocket)
        "$kairos" backtest "$data/retailrocket_sessions/train_sessions.txt.gz" --format sequences --anonymous \
            --protocol given --test "$data/retailrocket_sessions/test_prefix_target.txt.gz" --seen include \
            --metrics "recall@20,mrr@20,coverage@20" "${common[@]}" >"$out/retailrocket.json" ;;
    trivago)
        trivago | "$kairos" backtest - --time time --seen include "${leave_one_out[@]}" "${common[@]}" >"$out/trivago.json" ;;
    *) echo "$0: no set '$set'" >&2; exit 2 ;;
    esac
done
