#!/usr/bin/env bash
# What fit says and saves, with each way of reading and splitting; predict gives the scores that fit
# was judged by; explain's parts add up to them.
# shellcheck source=kit.sh
source "${KAIROS_TESTS:?}/cli/kit.sh"
make_table 300 >table.csv

# fit_json ARGUMENT...: fit with --json into fit.json: one document on stdout, nothing on stderr
fit_json() {
    expect 0 fit "$@" --label churned --json
    cp out fit.json
    "$probe" json models <fit.json >models.txt || fail "fit $*: stdout is not one JSON document"
    [ ! -s err ] || fail "fit $*: talk on stderr: $(head -c 300 err)"
}

# --- the document ---
fit_json table.csv --drop spend,when --test-column test --save all.kai
equals rows "$(value fit.json rows)" 300
equals task "$(value fit.json task)" binary
equals positive "$(value fit.json positive)" yes
equals models "$(tr '\n' ' ' <models.txt)" "forest boost mlp "
equals saved "$(value fit.json saved)" all.kai
equals 'test rows' "$(value fit.json test_rows)" 60
equals 'the id is no feature' "$(value fit.json 'cleaning|left_out|0|column')" id
for model in forest boost mlp; do
    for part in "train|accuracy" "train|auc" "train|logloss" "test|accuracy" "test|auc" "test|logloss" "test|brier" "test|ece"; do
        value fit.json "models|$model|$part" >/dev/null
    done
    value fit.json "timing|$model|fit" >/dev/null
done
value fit.json 'importance|0|column' >/dev/null
near 'importance adds up' "$("$probe" json 'importance|#' <fit.json >/dev/null &&
    for i in 0 1 2 3; do value fit.json "importance|$i|gain"; done | awk '{ s += $1 } END { print s }')" 1 1e-6

# --- the forest learned something that is there (age and visits decide) ---
awk -v auc="$(value fit.json 'models|forest|test|auc')" 'BEGIN { exit !(auc > 0.75) }' ||
    fail "the forest has learned nothing: AUC $(value fit.json 'models|forest|test|auc')"

# --- predict gives what fit was judged by: its test metrics are computed afresh from the scores ---
awk -F, 'NR == 1 || $9 == 1' table.csv >test.csv
for model in forest boost mlp; do
    expect 0 predict all.kai test.csv --model "$model"
    equals "$model: rows scored" "$(wc -l <out)" 61
    equals "$model: header" "$(head -1 out)" row,score
    paste -d, out <(cut -d, -f7 test.csv) | awk -F, '
        NR == 1 { next }
        { y = ($3 == "yes"); p[NR] = $2; label[NR] = y; brier += ($2 - y) ^ 2; n++
          q = $2 < 1e-15 ? 1e-15 : $2 > 1 - 1e-15 ? 1 - 1e-15 : $2
          loss -= y ? log(q) : log(1 - q); right += ($2 >= 0.5) == y }
        END {
            for (i in p) if (label[i]) for (j in p) if (!label[j]) { pairs++; above += p[i] > p[j] ? 1 : p[i] == p[j] ? 0.5 : 0 }
            printf "%.9f %.9f %.9f %.9f\n", right / n, above / pairs, loss / n, brier / n
        }' >metrics.txt
    read -r accuracy auc loss brier <metrics.txt
    near "$model: accuracy" "$accuracy" "$(value fit.json "models|$model|test|accuracy")" 1e-6
    near "$model: auc" "$auc" "$(value fit.json "models|$model|test|auc")" 1e-6
    near "$model: logloss" "$loss" "$(value fit.json "models|$model|test|logloss")" 1e-5
    near "$model: brier" "$brier" "$(value fit.json "models|$model|test|brier")" 1e-6
done
# the label is not needed to predict; the best model is the default
cut -d, -f1-6,8 test.csv >unlabelled.csv
expect 0 predict all.kai unlabelled.csv
mv out unlabelled.txt
expect 0 predict all.kai test.csv --model "$(value fit.json best)"
cmp -s out unlabelled.txt || fail "the label changes the scores, or the best model is not the default"
expect 0 predict all.kai test.csv --out scores.csv --json
equals 'rows said' "$(value out rows)" 60
equals 'rows written' "$(wc -l <scores.csv)" 61
expect 2 predict all.kai test.csv --json
says 'give --out'

# --- tables that lack what the model needs, or have it otherwise ---
cut -d, -f1,3- test.csv >ageless.csv
expect 6 predict all.kai ageless.csv
says "'age'"
expect 6 explain score all.kai ageless.csv --row 1
says "'age'"
sed '2s/,[0-9]*,/,old,/' test.csv >old.csv # text where the model knows numbers: read as missing, and said
expect 0 predict all.kai old.csv --out scores.csv --json
sed '2s/,[a-z]*,\([0-9],\)/,mars,\1/' test.csv >mars.csv
expect 0 predict all.kai mars.csv --out scores.csv --json
equals 'unseen categories' "$(value out unseen_categories)" 1
expect 2 predict all.kai test.csv --model lightgbm
head -1 test.csv >none.csv
expect 2 predict all.kai none.csv

# --- explain: base and parts add up to the score; exactly for trees ---
for model in forest boost; do
    expect 0 explain score all.kai test.csv --row 7 --model $model --json
    sum=$({ value out base; for i in $(seq 0 $(($(value out 'reasons|#') - 1))); do value out "reasons|$i|share"; done; } |
        awk '{ s += $1 } END { printf "%.9f", s }')
    score=$(value out score)
    [ $model = forest ] || score=$(awk -v p="$score" 'BEGIN { printf "%.9f", log(p / (1 - p)) }')
    near "$model: parts of row 7" "$sum" "$score" 1e-4
    near "$model: score of row 7" "$(value out score)" "$("$kairos" predict all.kai test.csv --model $model | awk -F, '$1 == 7 { print $2 }')" 1e-6
done
expect 0 explain score all.kai test.csv --row 7 --model mlp
grep -q '^by a tree model fitted to the scores: R2 [01]\.' out || fail "explain hides how well the mlp is explained"
tail -c 3 out | grep -q '[]}]' && fail "explain's words end in JSON"
expect 6 explain score all.kai test.csv --row 61
expect 2 explain score all.kai test.csv --row 0

# --- every way of reading gives the same fit ---
base=(--drop spend,when --models forest --trees 10)
fit_json table.csv "${base[@]}"
wanted=$(value fit.json 'models|forest|test|logloss')
same() {
    fit_json "$@" "${base[@]}"
    near "fit $*" "$(value fit.json 'models|forest|test|logloss')" "$wanted" 1e-12
}
gzip -c table.csv >table.csv.gz
same table.csv.gz
tr , ';' <table.csv >semicolon.csv
same semicolon.csv
same semicolon.csv --delimiter semicolon
tr , '\t' <table.csv | sed 's/$/\r/' >tab.tsv
same tab.tsv
sed 's/[^,]*/"&"/g' table.csv >quoted.csv
same quoted.csv
sed 's/,/ , /g' table.csv >blanks.csv
same blanks.csv
printf '\357\273\277' | cat - table.csv >bom.csv
same bom.csv
tail -n +2 table.csv >headless.csv
same headless.csv --no-header --columns id,age,income,place,visits,when,churned,spend,test
awk -F, -v OFS=, 'NR > 1 && $3 == "" { $3 = "?" } { print }' table.csv >marks.csv
same marks.csv --missing '?'
"$kairos" fit - --label churned --json "${base[@]}" <table.csv >out 2>err || fail "fit from stdin: $(cat err)"
near 'fit from stdin' "$(value out 'models|forest|test|logloss')" "$wanted" 1e-12
"$kairos" fit - --label churned --json "${base[@]}" <table.csv.gz >out 2>err || fail "fit from packed stdin"
near 'fit from packed stdin' "$(value out 'models|forest|test|logloss')" "$wanted" 1e-12
same table.csv --threads 1
same table.csv --threads 3

# --- roles and options ---
fit_json table.csv "${base[@]}" --positive no
equals 'positive by name' "$(value fit.json positive)" no
fit_json table.csv "${base[@]}" --types visits=category
fit_json table.csv "${base[@]}" --group place
[ "$(value fit.json test_rows)" -gt 0 ] || fail "--group holds nobody out"
expect 0 fit table.csv --label churned --time when --drop spend --models forest --trees 10 --json
equals 'the latest rows are held out' "$(value out test_rows)" 60
awk 'NR == 5 { print } { print }' table.csv >repeated.csv
fit_json repeated.csv "${base[@]}" --id id
equals 'a repeated key' "$(value fit.json 'cleaning|duplicates|equal_keys')" 1
fit_json repeated.csv "${base[@]}"
equals 'equal rows are kept' "$(value fit.json 'cleaning|duplicates|dropped')" 0
expect 0 fit table.csv --label spend --drop when --models forest,boost,mlp --json --permutation
equals regression "$(value out task)" regression
value out 'models|mlp|test|r2' >/dev/null
expect 0 fit table.csv --label place --drop when --json --save many.kai
equals multiclass "$(value out task)" multiclass
value out 'models|boost|test|macro_f1' >/dev/null
expect 0 predict many.kai table.csv
equals 'a score a class' "$(head -1 out)" row,score_east,score_north,score_south,score_west
awk -F, 'NR > 1 { s = $2 + $3 + $4 + $5; if (s < 0.9999 || s > 1.0001) exit 1 }' out || fail "classes do not add up to 1"
expect 0 fit table.csv --label churned --models mlp,forest --tune 3 --calibrate platt --hidden 8 --epochs 2 --json --save tuned.kai
expect 0 predict tuned.kai table.csv

# --- the same seed gives the same file, another seed another ---
for threads in 1 2; do
    expect 0 fit table.csv --label churned --threads $threads --trees 20 --save "threads$threads.kai"
done
cmp threads1.kai threads2.kai || fail "the model file depends on the number of threads"
expect 0 fit table.csv --label churned --seed 7 --trees 20 --save seed7.kai
cmp -s threads1.kai seed7.kai && fail "the seed changes nothing"
pass
