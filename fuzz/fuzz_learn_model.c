/* Model files: the bytes as a model, as a bundle whose sections are tried as models, and as a
 * calibrator. What loads must score, explain, describe and save itself again as the same bytes.
 * The corpus: what model_save, bundle_print and calibrate_save gave for each kind and task, with
 * two trees or two hidden units fitted to 80 rows of a number, a number and a category of three. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bundle.h"
#include "learn/calibrate.h"
#include "learn/learn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 3, CELLS_MAX = 4096 };

static void score(const struct model *model) {
    int32_t columns = model_columns(model), outputs = model_outputs(model);
    if (columns > CELLS_MAX || outputs > CELLS_MAX) return;
    kai_err err;
    struct matrix *features = NULL;
    double *scores = calloc((size_t)ROWS * (size_t)outputs, sizeof *scores);
    double *values = calloc((size_t)ROWS * ((size_t)columns + 1), sizeof *values);
    if (!scores || !values || matrix_new(ROWS, columns, &features, &err)) abort();
    for (int32_t c = 0; c < columns; ++c) /* the last row stays missing */
        for (int r = 0; r < ROWS - 1; ++r) matrix_column(features, c)[r] = (float)(r + c % 3);
    kai_status st = model_predict(model, features, NULL, ROWS, NULL, scores, &err);
    if (!st) st = model_shapley(model, features, NULL, ROWS, 0, NULL, values, &err);
    (void)st; /* any status will do */
    matrix_free(features);
    free(scores);
    free(values);
}

/* What was read is written as it was read: loading twice gives the same bytes. */
static void save_again(const struct model *model) {
    kai_err err;
    struct buf first, second;
    struct model *again = NULL;
    buf_init(&first, 1 << 26);
    buf_init(&second, 1 << 26);
    if (model_save(model, &first, &err)) abort();
    if (model_load(first.data, first.size, &again, &err)) abort();
    if (model_save(again, &second, &err)) abort();
    if (first.size != second.size || memcmp(first.data, second.data, first.size) != 0) abort();
    model_free(again);
    buf_release(&first);
    buf_release(&second);
}

static void describe(const struct model *model) {
    kai_err err;
    struct buf text;
    struct json_writer json;
    buf_init(&text, 1 << 26);
    json_init(&json, &text, 0);
    json_object(&json);
    model_describe(model, &json);
    json_end(&json);
    if (json_finish(&json, &err)) abort();
    buf_release(&text);
}

static void try_model(const void *bytes, size_t size) {
    kai_err err;
    struct model *model = NULL;
    if (model_load(bytes, size, &model, &err)) return;
    score(model);
    save_again(model);
    describe(model);
    model_free(model);
}

static void try_calibrator(const void *bytes, size_t size) {
    kai_err err;
    struct bytes_reader reader;
    struct calibrator *calibrator = NULL;
    bytes_read(&reader, bytes, size, "calibrator");
    if (calibrate_load(&reader, &calibrator, &err)) return;
    double *scores = calloc((size_t)calibrate_outputs(calibrator), sizeof *scores);
    if (!scores) abort();
    for (int32_t k = 0; k < calibrate_outputs(calibrator); ++k) scores[k] = 0.5;
    calibrate_apply(calibrator, 1, scores);
    for (int32_t k = 0; k < calibrate_outputs(calibrator); ++k)
        if (!(scores[k] >= 0 && scores[k] <= 1)) abort();
    free(scores);
    calibrate_free(calibrator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    kai_err err;
    try_model(data, size);
    try_calibrator(data, size);
    struct bundle_section sections[BUNDLE_SECTIONS_MAX];
    char names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES];
    int32_t count = 0;
    if (bundle_parse("fuzz", data, size, sections, names, &count, &err)) return 0;
    for (int32_t i = 0; i < count; ++i) {
        try_model(sections[i].data, sections[i].size);
        try_calibrator(sections[i].data, sections[i].size);
    }
    return 0;
}
