// The only file that knows simdjson (3.0.1): its DOM behind json_fast.h. No exception leaves it.
#include <simdjson.h>
#include <cmath>
#include <cstring>
#include <new>

extern "C" {
#include "base/alloc.h"
#include "base/caps.h"
#include "collect/json_fast.h"
}

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

static_assert(sizeof(element) == sizeof(fast_value), "a value is an element");
static_assert(std::is_trivially_copyable<element>::value, "by its bytes");
static_assert(sizeof(array::iterator) <= 2 * sizeof(uint64_t), "both ends of a walk fit");
static_assert(sizeof(object::iterator) <= 2 * sizeof(uint64_t), "both ends of a walk fit");
static_assert(std::is_trivially_copyable<object::iterator>::value, "by its bytes");

struct fast_json {
    simdjson::dom::parser parser;
};

static element element_of(fast_value value) {
    element out;
    std::memcpy(static_cast<void *>(&out), &value, sizeof out);
    return out;
}

static fast_value value_of(element from) {
    fast_value out;
    std::memcpy(&out, static_cast<const void *>(&from), sizeof out);
    return out;
}

kai_status fast_json_new(fast_json **ret_json, kai_err *err) {
    void *memory = mem_zero(1, sizeof(fast_json));
    if (!memory) return err_memory(err, sizeof(fast_json));
    fast_json *json = new (memory) fast_json;
    json->parser.threaded = false;
    *ret_json = json;
    return KAI_OK;
}

void fast_json_free(fast_json *json) {
    if (!json) return;
    json->~fast_json();
    mem_free(json);
}

kai_status fast_json_parse(fast_json *json, const char *bytes, size_t n, fast_value *ret_root,
                           kai_err *err) {
    element root;
    simdjson::error_code code = simdjson::MEMALLOC;
    if (json->parser.max_depth() != CAPS_JSON_DEPTH)
        code = json->parser.allocate(n, CAPS_JSON_DEPTH);
    else
        code = simdjson::SUCCESS;
    if (code == simdjson::SUCCESS) code = json->parser.parse(bytes, n, true).get(root);
    if (code == simdjson::MEMALLOC) return err_memory(err, static_cast<int64_t>(n));
    if (code == simdjson::CAPACITY) return err_set(err, KAI_LIMIT, "the document is too large");
    if (code == simdjson::DEPTH_ERROR)
        return err_set(err, KAI_INVALID, "nested deeper than %d levels", CAPS_JSON_DEPTH);
    if (code != simdjson::SUCCESS)
        return err_set(err, KAI_INVALID, "not JSON: %s", simdjson::error_message(code));
    *ret_root = value_of(root);
    return KAI_OK;
}

enum fast_kind fast_kind(fast_value value) {
    if (!value.document) return FAST_NONE;
    switch (element_of(value).type()) {
    case element_type::ARRAY: return FAST_ARRAY;
    case element_type::OBJECT: return FAST_OBJECT;
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE: return FAST_NUMBER;
    case element_type::STRING: return FAST_TEXT;
    case element_type::BOOL: return FAST_BOOL;
    default: return FAST_NULL;
    }
}

fast_value fast_get(fast_value from, const char *key) {
    object members;
    element found;
    if (fast_kind(from) != FAST_OBJECT || element_of(from).get(members) != simdjson::SUCCESS ||
        members.at_key(key).get(found) != simdjson::SUCCESS)
        return fast_value{nullptr, 0};
    return value_of(found);
}

struct slice fast_text(fast_value value) {
    std::string_view text;
    if (fast_kind(value) != FAST_TEXT || element_of(value).get(text) != simdjson::SUCCESS)
        return slice{"", 0};
    return slice{text.data(), text.size()};
}

double fast_number(fast_value value) {
    double number;
    if (fast_kind(value) != FAST_NUMBER || element_of(value).get(number) != simdjson::SUCCESS)
        return std::nan("");
    return number;
}

int fast_integer(fast_value value, int64_t *ret_integer) {
    int64_t integer;
    if (fast_kind(value) != FAST_NUMBER || element_of(value).type() != element_type::INT64 ||
        element_of(value).get(integer) != simdjson::SUCCESS)
        return 0;
    *ret_integer = integer;
    return 1;
}

int fast_unsigned(fast_value value, uint64_t *ret_integer) {
    uint64_t integer;
    if (fast_kind(value) != FAST_NUMBER || element_of(value).type() != element_type::UINT64 ||
        element_of(value).get(integer) != simdjson::SUCCESS)
        return 0;
    *ret_integer = integer;
    return 1;
}

int fast_bool(fast_value value) {
    bool flag;
    if (fast_kind(value) != FAST_BOOL || element_of(value).get(flag) != simdjson::SUCCESS)
        return -1;
    return flag ? 1 : 0;
}

int64_t fast_count(fast_value value) {
    int64_t count = 0;
    struct fast_walk walk = fast_begin(value);
    while (fast_next(&walk)) count++;
    return count;
}

template <class container>
static void begin_walk(struct fast_walk *walk, container members) {
    typename container::iterator begin = members.begin(), end = members.end();
    std::memcpy(&walk->inside[0], static_cast<const void *>(&begin), sizeof begin);
    std::memcpy(&walk->inside[2], static_cast<const void *>(&end), sizeof end);
}

struct fast_walk fast_begin(fast_value value) {
    struct fast_walk walk = {};
    enum fast_kind kind = fast_kind(value);
    array items;
    object members;
    if (kind == FAST_ARRAY && element_of(value).get(items) == simdjson::SUCCESS) {
        begin_walk(&walk, items);
        walk.is_begun = 1;
    } else if (kind == FAST_OBJECT && element_of(value).get(members) == simdjson::SUCCESS) {
        begin_walk(&walk, members);
        walk.is_begun = walk.is_object = 1;
    }
    return walk;
}

template <class iterator>
static bool load(const struct fast_walk *walk, iterator *at) {
    iterator end;
    std::memcpy(static_cast<void *>(at), &walk->inside[0], sizeof *at);
    std::memcpy(static_cast<void *>(&end), &walk->inside[2], sizeof end);
    return *at != end;
}

int fast_next(struct fast_walk *walk) {
    if (!walk->is_begun) return 0;
    if (walk->is_object) {
        object::iterator at;
        if (!load(walk, &at)) return 0;
        walk->key = slice{at.key().data(), at.key().size()};
        walk->value = value_of(at.value());
        ++at;
        std::memcpy(&walk->inside[0], static_cast<const void *>(&at), sizeof at);
    } else {
        array::iterator at;
        if (!load(walk, &at)) return 0;
        walk->key = slice{"", 0};
        walk->value = value_of(*at);
        ++at;
        std::memcpy(&walk->inside[0], static_cast<const void *>(&at), sizeof at);
    }
    return 1;
}
