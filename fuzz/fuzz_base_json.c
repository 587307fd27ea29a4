/* Any bytes: a clean status, or a tree that is the same after print -> parse, pretty or not. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

static void print_value(struct json_writer *json, const struct json_value *value) {
    if (json_is_object(value) || json_is_array(value)) {
        if (json_is_object(value))
            json_object(json);
        else
            json_array(json);
        for (int64_t i = 0; i < json_count(value); i++) {
            if (json_is_object(value)) json_key(json, json_key_at(value, i));
            print_value(json, json_at(value, i));
        }
        json_end(json);
    } else if (json_as_text(value, NULL)) {
        json_text(json, json_as_text(value, NULL));
    } else if (!isnan(json_as_f64(value, NAN))) {
        json_f64(json, json_as_f64(value, NAN));
    } else if (json_as_bool(value, -1) >= 0) {
        json_bool(json, json_as_bool(value, -1));
    } else {
        json_null(json);
    }
}

static void require_same(const struct json_value *a, const struct json_value *b) {
    require(json_count(a) == json_count(b));
    require(json_is_object(a) == json_is_object(b) && json_is_array(a) == json_is_array(b));
    require(json_is_null(a) == json_is_null(b));
    require(json_as_bool(a, -1) == json_as_bool(b, -1));
    require(json_as_f64(a, 0.5) == json_as_f64(b, 0.5));
    const char *x = json_as_text(a, NULL), *y = json_as_text(b, NULL);
    require(!x == !y && (!x || strcmp(x, y) == 0));
    for (int64_t i = 0; i < json_count(a); i++) {
        if (json_is_object(a)) require(strcmp(json_key_at(a, i), json_key_at(b, i)) == 0);
        require_same(json_at(a, i), json_at(b, i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct json_value *value = NULL;
    kai_err err = {0};
    kai_status st = json_parse((const char *)data, size, &value, &err);
    require(st == KAI_OK || (st == KAI_INVALID && !value && strncmp(err.message, "line ", 5) == 0));
    for (int is_pretty = 0; !st && is_pretty < 2; is_pretty++) {
        struct buf out;
        buf_init(&out, CAPS_BUF_BYTES);
        struct json_writer json;
        json_init(&json, &out, is_pretty);
        print_value(&json, value);
        require(json_finish(&json, &err) == KAI_OK);
        struct json_value *again = NULL;
        require(json_parse(out.data, out.size, &again, &err) == KAI_OK);
        require_same(value, again);
        json_free(again);
        buf_release(&out);
    }
    json_free(value);
    return 0;
}
