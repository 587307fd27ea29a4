/* Any bytes as the rule of a segment, or as a label: a clean status that names the column, or a
 * program that prints and parses to itself and can be asked about a customer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "prepare/label.h"
#include "prepare/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

static void ask(const struct segment *segment) {
    struct touch_book book;
    struct segment_bound *bound = NULL;
    struct customer customer;
    struct customer_work work;
    const struct touch touches[] = {{.time_us = 5,
                                     .value = 3,
                                     .quantity = 1,
                                     .item = -1,
                                     .category = -1,
                                     .channel = -1,
                                     .campaign = -1,
                                     .session = -1}};
    customer_work_init(&work);
    require(touch_book_init(&book, NULL) == KAI_OK);
    require(customer_measure(&book, touches, 1, 9, &work, &customer, NULL) == KAI_OK);
    require(segment_bind(segment, &book, &bound, NULL) == KAI_OK);
    int holds = segment_holds(bound, &customer, touches, 1, 9);
    require(holds == 0 || holds == 1);
    segment_bound_free(bound);
    customer_work_release(&work);
    touch_book_release(&book);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice text = {(const char *)data, size};
    struct segment *first = NULL, *second = NULL;
    struct label label;
    struct buf a, b;
    kai_err err = {0};
    kai_status st = label_parse(text, &label, &err);
    require(st == KAI_OK || (st == KAI_INVALID && strstr(err.message, "column")));
    st = segment_parse("f", text, &first, &err);
    if (st) {
        require(st == KAI_INVALID || st == KAI_LIMIT);
        require(!first && strncmp(err.message, "segment 'f'", 11) == 0);
        return 0;
    }
    buf_init(&a, 64 << 20);
    buf_init(&b, 64 << 20);
    require(segment_print(first, &a, &err) == KAI_OK);
    st = segment_parse("f", (struct slice){a.data, a.size}, &second, &err);
    require(st == KAI_OK || st == KAI_LIMIT); /* brackets that had to be written nest deeper */
    if (!st) {
        require(segment_print(second, &b, &err) == KAI_OK);
        require(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
        ask(second);
    }
    ask(first);
    segment_free(first);
    segment_free(second);
    buf_release(&a);
    buf_release(&b);
    return 0;
}
