#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "kit/check.h"

static const float F32S[] = {1.5f, -0.0f, INFINITY};
static const double F64S[] = {M_PI, NAN};
static const int32_t I32S[] = {INT32_MIN, -1, INT32_MAX};

static void write_sample(struct buf *buf) {
    buf_init(buf, 4096);
    struct bytes_writer writer;
    bytes_write(&writer, buf);
    bytes_put_u8(&writer, 0xab);
    bytes_put_i32(&writer, -2);
    bytes_put_i64(&writer, INT64_MIN);
    bytes_put_f32(&writer, 0.1f);
    bytes_put_f64(&writer, 0.1);
    bytes_put_text(&writer, "caf\xc3\xa9");
    bytes_put_raw(&writer, "raw", 3);
    bytes_put_i64(&writer, 3);
    bytes_put_f32s(&writer, F32S, 3);
    bytes_put_f64s(&writer, F64S, 2);
    bytes_put_i32s(&writer, I32S, 3);
    kai_err err;
    CHECK_OK(bytes_written(&writer, &err), &err);
}

static kai_status read_sample(const char *data, size_t size, int is_compared, kai_err *err) {
    struct bytes_reader reader;
    bytes_read(&reader, data, size, "sample");
    float f32s[3] = {0};
    double f64s[2] = {0};
    int32_t i32s[3] = {0};
    int same = bytes_get_u8(&reader) == 0xab;
    same &= bytes_get_i32(&reader) == -2;
    same &= bytes_get_i64(&reader) == INT64_MIN;
    same &= bytes_get_f32(&reader) == 0.1f;
    same &= bytes_get_f64(&reader) == 0.1;
    char *text = bytes_get_text(&reader);
    same &= text && strcmp(text, "caf\xc3\xa9") == 0;
    mem_free(text);
    const void *raw = bytes_get_raw(&reader, 3);
    same &= raw && memcmp(raw, "raw", 3) == 0;
    same &= bytes_get_count(&reader, 3, sizeof(float)) == 3;
    bytes_get_f32s(&reader, f32s, 3);
    bytes_get_f64s(&reader, f64s, 2);
    bytes_get_i32s(&reader, i32s, 3);
    same &= memcmp(f32s, F32S, sizeof f32s) == 0 && memcmp(f64s, F64S, sizeof f64s) == 0;
    same &= memcmp(i32s, I32S, sizeof i32s) == 0;
    if (is_compared) assert_true(same && reader.at == reader.size);
    return bytes_done(&reader, err);
}

static void test_bytes__reads_what_was_written(void **state) {
    (void)state;
    struct buf buf;
    write_sample(&buf);
    assert_memory_equal(buf.data, "\xab\xfe\xff\xff\xff\0\0\0\0\0\0\0\x80", 13); /* little-endian */
    kai_err err;
    CHECK_OK(read_sample(buf.data, buf.size, 1, &err), &err);
    buf_release(&buf);
}

static void test_bytes__every_cut_is_damage(void **state) {
    (void)state;
    struct buf buf;
    write_sample(&buf);
    for (size_t n = 0; n < buf.size; n++) {
        char *copy = mem_array(n, 1); /* of the exact size, for the sanitizer */
        memcpy(copy, buf.data, n);
        kai_err err;
        CHECK_FAILS(read_sample(copy, n, 0, &err), &err, KAI_CORRUPT, "sample: damaged");
        mem_free(copy);
    }
    buf_release(&buf);
}

static void test_bytes__counts_are_bounded(void **state) {
    (void)state;
    static const struct {
        int64_t count, max;
        size_t each, behind;
        int is_good;
    } CASES[] = {{2, 2, 4, 8, 1},  {3, 2, 4, 12, 0}, {2, 2, 4, 7, 0},
                 {-1, 9, 1, 9, 0}, {0, 0, 8, 0, 1},  {INT64_MAX, INT64_MAX, 8, 16, 0},
                 {5, 9, 0, 0, 1}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct buf buf;
        buf_init(&buf, 4096);
        struct bytes_writer writer;
        bytes_write(&writer, &buf);
        bytes_put_i64(&writer, CASES[i].count);
        for (size_t k = 0; k < CASES[i].behind; k++) bytes_put_u8(&writer, 0);
        struct bytes_reader reader;
        bytes_read(&reader, buf.data, buf.size, "counts");
        int64_t count = bytes_get_count(&reader, CASES[i].max, CASES[i].each);
        assert_int_equal(count, CASES[i].is_good ? CASES[i].count : 0);
        assert_int_equal(bytes_done(&reader, NULL), CASES[i].is_good ? KAI_OK : KAI_CORRUPT);
        buf_release(&buf);
    }
}

static void test_bytes__failures_stick(void **state) {
    (void)state;
    struct bytes_reader reader;
    bytes_read(&reader, "\1\2\3\4", 4, "four");
    assert_int_equal(bytes_get_u8(&reader), 1);
    bytes_refuse(&reader);
    assert_int_equal(bytes_get_u8(&reader), 0);
    assert_null(bytes_get_raw(&reader, 1));
    assert_null(bytes_get_text(&reader));
    assert_int_equal(bytes_done(&reader, NULL), KAI_CORRUPT);
    struct buf buf;
    buf_init(&buf, 6);
    struct bytes_writer writer;
    bytes_write(&writer, &buf);
    bytes_put_i64(&writer, 1); /* too long */
    bytes_put_u8(&writer, 1);  /* would fit */
    kai_err err;
    CHECK_FAILS(bytes_written(&writer, &err), &err, KAI_LIMIT, "6 bytes");
    assert_int_equal(buf.size, 0);
    buf_release(&buf);
}

static void test_bytes__a_text_holds_no_zero(void **state) {
    (void)state;
    struct bytes_reader reader;
    bytes_read(&reader, "\2\0\0\0\0\0\0\0a\0", 10, "text");
    assert_null(bytes_get_text(&reader));
    assert_int_equal(bytes_done(&reader, NULL), KAI_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes__reads_what_was_written),
        cmocka_unit_test(test_bytes__every_cut_is_damage),
        cmocka_unit_test(test_bytes__counts_are_bounded),
        cmocka_unit_test(test_bytes__failures_stick),
        cmocka_unit_test(test_bytes__a_text_holds_no_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
