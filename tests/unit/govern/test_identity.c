#include "govern/identity.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"

enum { NODES = 40 };

/* A pseudonym of a number: "p_aaaa...". */
static struct slice name_of(int number) {
    static char names[NODES][SECRET_PSEUDONYM_BYTES];
    char *name = names[number];
    memset(name, 'a', SECRET_PSEUDONYM_BYTES - 1);
    memcpy(name, "p_", 2);
    name[10] = (char)('a' + number / 26);
    name[11] = (char)('a' + number % 26);
    name[SECRET_PSEUDONYM_BYTES - 1] = '\0';
    return slice_of(name);
}

static struct identity *new_identity(void) {
    struct identity *identity = NULL;
    kai_err err = {0};
    CHECK_OK(identity_new(&identity, &err), &err);
    return identity;
}

static int link(struct identity *identity, int a, int b, enum identity_kind kind,
                struct identity_edge *edge) {
    int is_new = 0;
    kai_err err = {0};
    CHECK_OK(identity_link(identity, name_of(a), name_of(b), kind, 5, edge, &is_new, &err), &err);
    return is_new;
}

static int same(struct identity *identity, int a, int b) {
    return slice_equal(identity_root(identity, name_of(a)), identity_root(identity, name_of(b)));
}

static void test_identity__joins_a_device_to_its_customer(void **state) {
    (void)state;
    struct identity *identity = new_identity();
    struct identity_edge edge;
    assert_true(link(identity, 0, 10, IDENTITY_KNOWN, &edge)); /* device 0, customer 10 */
    assert_false(link(identity, 0, 10, IDENTITY_KNOWN, &edge));
    assert_true(link(identity, 1, 10, IDENTITY_KNOWN, &edge));
    assert_true(same(identity, 0, 1));
    assert_true(slice_equal(identity_root(identity, name_of(1)), name_of(10)));
    /* a second customer of the device is not joined */
    assert_true(link(identity, 0, 11, IDENTITY_KNOWN, &edge));
    assert_int_equal(edge.kind, IDENTITY_SHARED);
    assert_false(same(identity, 10, 11));
    assert_false(link(identity, 0, 11, IDENTITY_KNOWN, &edge));
    assert_int_equal(identity_edge_count(identity), 3);
    identity_free(identity);
}

static void test_identity__undoes_a_merge(void **state) {
    (void)state;
    struct identity *identity = new_identity();
    struct identity_edge first, merge, back;
    kai_err err = {0};
    (void)link(identity, 0, 10, IDENTITY_KNOWN, &first);
    (void)link(identity, 1, 11, IDENTITY_KNOWN, &first);
    assert_true(link(identity, 10, 11, IDENTITY_MERGE, &merge));
    assert_true(same(identity, 0, 1));
    CHECK_OK(identity_undo(identity, merge.id, 9, &back, &err), &err);
    assert_int_equal(back.undone_us, 9);
    assert_false(same(identity, 0, 1));
    assert_true(same(identity, 0, 10) && same(identity, 1, 11));
    CHECK_FAILS(identity_undo(identity, merge.id, 9, &back, &err), &err, KAI_STATE, "already");
    CHECK_FAILS(identity_undo(identity, 77, 9, &back, &err), &err, KAI_NOT_FOUND, "77");
    /* the source may not say again what was undone; an operator may */
    assert_false(link(identity, 10, 11, IDENTITY_ALIAS, &merge));
    assert_true(link(identity, 10, 11, IDENTITY_MERGE, &merge));
    assert_true(same(identity, 0, 1));
    identity_free(identity);
}

/* Plain labels, relabelled edge by edge: the slow truth. */
static void label_plain(const struct identity *identity, int labels[NODES]) {
    for (int i = 0; i < NODES; i++) labels[i] = i;
    for (int64_t e = 0; e < identity_edge_count(identity); e++) {
        const struct identity_edge *edge = identity_edge_at(identity, e);
        int a = -1, b = -1;
        if (edge->kind == IDENTITY_SHARED || edge->undone_us) continue;
        for (int i = 0; i < NODES; i++) {
            if (slice_equal_text(name_of(i), edge->a)) a = labels[i];
            if (slice_equal_text(name_of(i), edge->b)) b = labels[i];
        }
        for (int i = 0; i < NODES; i++)
            if (labels[i] == a) labels[i] = b;
    }
}

static void test_identity__equals_plain_labels_after_random_links_and_undos(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct identity *identity = new_identity();
        struct rng rng;
        rng_init(&rng, seed, "identity", 0);
        for (int step = 0; step < 80; step++) {
            struct identity_edge edge;
            int a = (int)rng_below(&rng, NODES), b = (int)rng_below(&rng, NODES);
            int64_t count = identity_edge_count(identity);
            if (step % 4 == 3 && count) {
                int64_t id = 1 + (int64_t)rng_below(&rng, (uint64_t)count);
                kai_status st = identity_undo(identity, id, 9, &edge, NULL);
                assert_true(st == KAI_OK || st == KAI_STATE);
            } else {
                (void)link(identity, a, b, step % 2 ? IDENTITY_KNOWN : IDENTITY_MERGE, &edge);
            }
        }
        int labels[NODES];
        label_plain(identity, labels);
        for (int a = 0; a < NODES; a++) {
            const struct slice *members = NULL;
            int64_t count = 0, expected = 0;
            kai_err err = {0};
            for (int b = 0; b < NODES; b++) {
                assert_int_equal(same(identity, a, b), labels[a] == labels[b]);
                expected += labels[a] == labels[b];
            }
            CHECK_OK(identity_members(identity, name_of(a), &members, &count, &err), &err);
            assert_int_equal(count, expected);
            assert_true(slice_equal(members[0], identity_root(identity, name_of(a))));
        }
        identity_free(identity);
    }
}

static void test_identity__comes_back_from_its_records(void **state) {
    (void)state;
    struct identity *identity = new_identity(), *again = new_identity();
    struct identity_edge edge, read;
    struct buf out;
    kai_err err = {0};
    buf_init(&out, 1 << 16);
    (void)link(identity, 0, 10, IDENTITY_KNOWN, &edge);
    (void)link(identity, 10, 12, IDENTITY_ALIAS, &edge);
    (void)link(identity, 1, 12, IDENTITY_KNOWN, &edge);
    CHECK_OK(identity_undo(identity, 2, 1772353805250000, &edge, &err), &err);
    for (int64_t i = 0; i < identity_edge_count(identity); i++) {
        buf_reset(&out);
        CHECK_OK(identity_print(identity_edge_at(identity, i), &out, &err), &err);
        CHECK_OK(identity_parse((struct slice){out.data, out.size}, &read, &err), &err);
        CHECK_OK(identity_restore(again, &read, &err), &err);
    }
    for (int a = 0; a < NODES; a++)
        assert_true(
            slice_equal(identity_root(identity, name_of(a)), identity_root(again, name_of(a))));
    CHECK_FAILS(identity_restore(again, &read, &err), &err, KAI_INVALID, "order");
    CHECK_FAILS(identity_parse(slice_of("{\"id\":1,\"a\":\"x\"}"), &read, &err), &err, KAI_CORRUPT,
                NULL);
    buf_release(&out);
    identity_free(identity);
    identity_free(again);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity__joins_a_device_to_its_customer),
        cmocka_unit_test(test_identity__undoes_a_merge),
        cmocka_unit_test(test_identity__equals_plain_labels_after_random_links_and_undos),
        cmocka_unit_test(test_identity__comes_back_from_its_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
