#include "evaluate/shift.h"

#include <math.h>

#include "base/rng.h"
#include "kit/columns.h"

enum { HISTORY = 4000, CUSTOMERS = 3000 };

/* same: no shift; moved: mean + 1; little: mean + 0.25, beyond chance but small; level: a new level
 * for 30 %; gone: 40 % missing. Codes are in another order on the customers' side. */
static struct table *draw(int64_t rows, int is_new) {
    struct table *table;
    kai_err err;
    struct rng rng;
    rng_init(&rng, 3, "shift-test", (uint64_t)is_new);
    CHECK_OK(table_new(is_new ? "customers" : "history", rows, &table, &err), &err);
    struct column *same = add_column(table, "same", COLUMN_F64),
                  *moved = add_column(table, "moved", COLUMN_F64);
    struct column *little = add_column(table, "little", COLUMN_F64);
    struct column *level = add_column(table, "level", COLUMN_CATEGORY);
    struct column *stable = add_column(table, "stable", COLUMN_CATEGORY);
    struct column *gone = add_column(table, "gone", COLUMN_F64);
    if (is_new) {
        int32_t code;
        CHECK_OK(dict_add(stable->dict, slice_of("y"), &code, &err), &err);
    }
    for (int64_t i = 0; i < rows; i++) {
        same->as.f64[i] = rng_normal(&rng);
        moved->as.f64[i] = rng_normal(&rng) + is_new;
        little->as.f64[i] = rng_normal(&rng) + 0.25 * is_new;
        gone->as.f64[i] = is_new && rng_unit(&rng) < 0.4 ? NAN : rng_normal(&rng);
        const char *name = is_new && rng_unit(&rng) < 0.3 ? "new" : "old";
        CHECK_OK(dict_add(level->dict, slice_of(name), &level->as.codes[i], &err), &err);
        name = rng_unit(&rng) < 0.5 ? "x" : "y";
        CHECK_OK(dict_add(stable->dict, slice_of(name), &stable->as.codes[i], &err), &err);
        same->valid[i] = moved->valid[i] = little->valid[i] = 1;
        level->valid[i] = stable->valid[i] = 1;
        gone->valid[i] = (uint8_t)!isnan(gone->as.f64[i]);
    }
    return table;
}

static void test_shift__names_what_moved_and_how_far(void **state) {
    (void)state;
    struct table *history = draw(HISTORY, 0), *customers = draw(CUSTOMERS, 1);
    const char *const names[] = {"same", "moved", "little", "level", "stable", "gone"};
    struct shift got[6];
    kai_err err;
    CHECK_OK(shift_find(history, customers, names, 6, 0, NULL, got, &err), &err);
    assert_true(got[0].size == SHIFT_NONE && got[0].psi < 0.02);
    /* two normals a unit apart: PSI (ten bins) just below the divergence of 1, KS 2 Phi(1/2) - 1 */
    assert_true(got[1].size == SHIFT_LARGE && got[1].psi > 0.8 && got[1].psi < 1.1);
    CHECK_NEAR(got[1].distance, 0.3829, 0.03);
    CHECK_NEAR(got[1].mean_customers - got[1].mean_history, 1, 0.08);
    assert_true(got[2].size == SHIFT_NONE && got[2].p_adjusted < 0.001);
    assert_true(got[3].size == SHIFT_LARGE);
    CHECK_NEAR(got[3].unseen_share, 0.3, 0.03);
    CHECK_NEAR(got[3].distance, got[3].unseen_share, 1e-12);
    assert_true(got[4].size == SHIFT_NONE && got[4].unseen_share == 0 && got[4].distance < 0.04);
    assert_true(got[5].size == SHIFT_LARGE && got[5].missing_history == 0);
    CHECK_NEAR(got[5].missing_customers, 0.4, 0.03);
    const char *const unknown[] = {"nothing"};
    CHECK_FAILS(shift_find(history, customers, unknown, 1, 0, NULL, got, &err), &err, KAI_NOT_FOUND,
                "nothing");
    table_free(history);
    table_free(customers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shift__names_what_moved_and_how_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
