/* Where to listen. */
#include "kit/check.h"
#include "serve/listen.h"

static void test_listen__reads_what_people_write(void **state) {
    static const struct {
        const char *text, *host;
        uint16_t port;
        int is_loopback;
    } cases[] = {
        {"127.0.0.1:8787", "127.0.0.1", 8787, 1},
        {"8787", "127.0.0.1", 8787, 1},
        {":0", "127.0.0.1", 0, 1},
        {"localhost:80", "127.0.0.1", 80, 1},
        {"0.0.0.0:65535", "0.0.0.0", 65535, 0},
        {"[::1]:443", "::1", 443, 1},
        {"[::]:443", "::", 443, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct listen_address address = {{0}, 0, 0};
        kai_err err = {0};
        CHECK_OK(listen_parse(cases[i].text, &address, &err), &err);
        assert_string_equal(address.host, cases[i].host);
        assert_int_equal(address.port, cases[i].port);
        assert_int_equal(address.is_loopback, cases[i].is_loopback);
    }
}

static void test_listen__refuses_the_rest(void **state) {
    static const char *const texts[] = {"",       "here",       "1.2.3.4:",  "1.2.3.4:65536",
                                        "::1:80", "1.2.3.4:-1", "1.2.3.4:8o"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct listen_address address;
        kai_err err = {0};
        CHECK_FAILS(listen_parse(texts[i], &address, &err), &err, KAI_INVALID,
                    "expected an address and a port");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listen__reads_what_people_write),
        cmocka_unit_test(test_listen__refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
