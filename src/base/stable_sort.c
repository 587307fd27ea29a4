#include "base/stable_sort.h"

#include <string.h>

int stable_is_sorted(const void *items, int64_t count, size_t bytes, stable_sort_fn may_precede,
                     const void *user) {
    const char *at = items;
    for (int64_t i = 1; i < count; i++, at += bytes)
        if (!may_precede(user, at, at + bytes)) return 0;
    return 1;
}

/* The sorted halves [begin, middle) and [middle, end), by index, merged into `to`. */
struct halves {
    int64_t begin, middle, end;
};

static void merge(const char *from, char *to, struct halves halves, size_t bytes,
                  stable_sort_fn may_precede, const void *user) {
    int64_t a = halves.begin, b = halves.middle;
    for (int64_t i = halves.begin; i < halves.end; i++) {
        const char *left = from + (size_t)a * bytes, *right = from + (size_t)b * bytes;
        int is_left = b >= halves.end || (a < halves.middle && may_precede(user, left, right));
        memcpy(to + (size_t)i * bytes, is_left ? left : right, bytes);
        *(is_left ? &a : &b) += 1;
    }
}

void stable_sort(void *items, void *scratch, int64_t count, size_t bytes,
                 stable_sort_fn may_precede, const void *user) {
    if (stable_is_sorted(items, count, bytes, may_precede, user)) return;
    for (int64_t width = 1; width < count; width *= 2) {
        for (int64_t begin = 0; begin < count; begin += 2 * width) {
            struct halves halves = {begin, begin + width, begin + 2 * width};
            if (halves.middle > count) halves.middle = count;
            if (halves.end > count) halves.end = count;
            merge(items, scratch, halves, bytes, may_precede, user);
        }
        memcpy(items, scratch, (size_t)count * bytes);
    }
}
