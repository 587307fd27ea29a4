#include "kernel/cosine_loss.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"

struct world {
    int64_t items, width, rows;
    float *table, *u, *du, *de, *scratch;
    int32_t *targets;
    struct catalogue catalogue;
};

static float *draw(int64_t count, const char *purpose) {
    float *values = mem_aligned((size_t)count, sizeof *values);
    assert_non_null(values);
    struct rng rng;
    rng_init(&rng, 2, purpose, 0);
    for (int64_t i = 0; i < count; i++) values[i] = (float)rng_normal(&rng);
    return values;
}

static struct world make_world(int64_t items, int64_t width, int64_t rows) {
    struct world w = {.items = items, .width = width, .rows = rows};
    w.table = draw(items * width, "test.table");
    w.u = draw(rows * width, "test.u");
    w.du = draw(rows * width, "test.du");
    w.de = mem_aligned((size_t)(items * width), sizeof(float));
    w.scratch = mem_aligned((size_t)cosine_loss_scratch(items, width), sizeof(float));
    w.targets = mem_array((size_t)rows, sizeof *w.targets);
    w.catalogue = (struct catalogue){items, width, draw(items * width, "a"), draw(items, "b"),
                                     draw(catalogue_panel_floats(items, width), "c")};
    for (int64_t r = 0; r < rows; r++) {
        w.targets[r] = (int32_t)(r * 7 % items);
        double square = 0;
        for (int64_t c = 0; c < width; c++)
            square += (double)w.u[r * width + c] * (double)w.u[r * width + c];
        for (int64_t c = 0; c < width; c++) w.u[r * width + c] /= (float)sqrt(square);
    }
    catalogue_fill(&w.catalogue, w.table, 0, items);
    return w;
}

static void free_world(struct world *w) {
    mem_free_aligned(w->catalogue.unit);
    mem_free_aligned(w->catalogue.inverse);
    mem_free_aligned(w->catalogue.panels);
    mem_free_aligned(w->table);
    mem_free_aligned(w->u);
    mem_free_aligned(w->du);
    mem_free_aligned(w->de);
    mem_free_aligned(w->scratch);
    mem_free(w->targets);
}

/* The definition in double, with its slopes; e is the table's rows brought to length 1. */
static double learn_plainly(const struct world *w, double scale, double weight, double *du,
                            double *de) {
    double loss = 0;
    double *logit = mem_array((size_t)w->items, sizeof *logit);
    assert_non_null(logit);
    for (int64_t r = 0; r < w->rows; r++) {
        double sum = 0;
        const float *u = w->u + r * w->width;
        for (int64_t i = 0; i < w->items; i++) {
            const float *e = w->table + i * w->width;
            double dot = 0, square = 0;
            for (int64_t c = 0; c < w->width; c++) {
                dot += (double)u[c] * (double)e[c];
                square += (double)e[c] * (double)e[c];
            }
            logit[i] = scale * dot / sqrt(square);
            sum += exp(logit[i]);
        }
        loss += log(sum) - logit[w->targets[r]];
        for (int64_t i = 0; i < w->items; i++) {
            double slope = weight * scale * (exp(logit[i]) / sum - (i == w->targets[r]));
            double square = 0;
            const float *e = w->table + i * w->width;
            for (int64_t c = 0; c < w->width; c++) square += (double)e[c] * (double)e[c];
            for (int64_t c = 0; c < w->width; c++) {
                du[r * w->width + c] += slope * (double)e[c] / sqrt(square);
                de[i * w->width + c] += slope * (double)u[c];
            }
        }
    }
    mem_free(logit);
    return loss;
}

static void check(int64_t items, int64_t width, int64_t rows, double scale) {
    struct world w = make_world(items, width, rows);
    double *du = mem_zero((size_t)(rows * width), sizeof *du);
    double *de = mem_zero((size_t)(items * width), sizeof *de);
    assert_true(du && de);
    double expected = learn_plainly(&w, scale, 0.5, du, de);
    struct cosine_loss loss = {(float)scale, 0.5, rows, w.u, w.targets};
    double actual = cosine_loss_f32(&w.catalogue, &loss, w.du, w.de, w.scratch);
    CHECK_NEAR(actual, expected, 1e-5 * (1 + fabs(expected)));
    for (int64_t i = 0; i < rows * width; i++) CHECK_NEAR((double)w.du[i], du[i], 2e-5 * scale);
    for (int64_t i = 0; i < items * width; i++) CHECK_NEAR((double)w.de[i], de[i], 5e-5 * scale);
    mem_free(de);
    mem_free(du);
    free_world(&w);
}

static void test_cosine_loss__is_its_definition_with_its_slopes(void **unused) {
    (void)unused;
    check(1, 8, 3, 20);
    check(15, 8, 1, 20);
    check(16, 16, 63, 5);
    check(17, 24, 64, 20);
    check(300, 32, 65, 20);
    check(700, 64, 130, 33);
}

static void test_cosine_loss__scores_one_row_as_many(void **unused) {
    (void)unused;
    struct world w = make_world(100, 16, 9);
    float all[9 * 112], one[112];
    cosine_scores_f32(&w.catalogue, 9, w.u, all, 112);
    for (int64_t r = 0; r < 9; r++) {
        cosine_scores_f32(&w.catalogue, 1, w.u + r * 16, one, 112);
        assert_memory_equal(one, all + r * 112, sizeof one);
        for (int i = 0; i < 100; i++) assert_true(fabsf(one[i]) <= 1.00001f);
    }
    free_world(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cosine_loss__is_its_definition_with_its_slopes),
        cmocka_unit_test(test_cosine_loss__scores_one_row_as_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
