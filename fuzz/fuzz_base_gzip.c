/* Any bytes as a file: a clean status, or content that is the same however it is read, and again
 * after being written as gzip. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONTENT_BYTES_MAX = 1 << 20, PIECE_BYTES = 7 };

static void require(int is_true) {
    if (!is_true) abort();
}

/* A file in memory; its path. */
static int open_memory(const void *data, size_t size, char path[64]) {
    int descriptor = memfd_create("fuzz", 0);
    require(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    (void)snprintf(path, 64, "/proc/self/fd/%d", descriptor);
    return descriptor;
}

static kai_status read_pieces(const char *path, struct buf *content) {
    struct file_reader *reader = NULL;
    kai_status st = file_open(path, &reader, NULL);
    size_t n = 1;
    while (!st && n > 0) {
        char piece[PIECE_BYTES];
        st = file_read(reader, piece, sizeof piece, &n, NULL);
        if (!st) st = buf_append(content, piece, n, NULL);
    }
    file_close(reader);
    return st;
}

static void require_written(const struct buf *content) {
    char path[64], name[64];
    (void)snprintf(name, sizeof name, "/tmp/kairos-fuzz-%ld.gz", (long)getpid());
    (void)snprintf(path, sizeof path, "%s", name);
    require(file_write_all(path, content->data, content->size, NULL) == KAI_OK);
    struct buf again;
    buf_init(&again, CONTENT_BYTES_MAX);
    require(file_read_all(path, CONTENT_BYTES_MAX, &again, NULL) == KAI_OK);
    require(again.size == content->size && memcmp(again.data, content->data, again.size) == 0);
    buf_release(&again);
    (void)unlink(path); /* it was there a moment ago */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    int descriptor = open_memory(data, size, path);
    struct buf whole, pieces;
    buf_init(&whole, CONTENT_BYTES_MAX);
    buf_init(&pieces, CONTENT_BYTES_MAX);
    kai_status st = file_read_all(path, CONTENT_BYTES_MAX, &whole, NULL);
    require(st == KAI_OK || st == KAI_CORRUPT || st == KAI_LIMIT);
    require(read_pieces(path, &pieces) == st);
    if (!st) require(whole.size == pieces.size);
    if (!st && whole.size) require(memcmp(whole.data, pieces.data, whole.size) == 0);
    int is_gzip = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
    if (!st && !is_gzip) require(whole.size == size && memcmp(whole.data, data, size) == 0);
    if (!st && size % 16 == 0) require_written(&whole);
    buf_release(&pieces);
    buf_release(&whole);
    (void)close(descriptor); /* memory only */
    return 0;
}
