/* Files: streams of bytes in (plain, gzip, stdin), whole files in, and files out that appear only
 * when they are complete. */
#ifndef KAIROS_BASE_FILE_H
#define KAIROS_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct file_reader; /* plain or gzip, told by the first two bytes; "-" is stdin */
struct file_writer; /* <path>.tmp-<pid>, renamed on commit; gzip where the path ends in .gz; a
                       device, a pipe and "-" (stdout) are written in place. One at a time a path */

/* Fails: KAI_NOT_FOUND (no such file), KAI_IO, KAI_INVALID (a directory), each names the path. */
KAI_MUST_CHECK kai_status file_open(const char *path, struct file_reader **ret_reader,
                                    kai_err *err);
/* Up to `capacity` bytes; *ret_size is 0 at the end. Fails: KAI_IO, KAI_CORRUPT (gzip damaged or
 * cut). */
KAI_MUST_CHECK kai_status file_read(struct file_reader *reader, char *bytes, size_t capacity,
                                    size_t *ret_size, kai_err *err);
void file_close(struct file_reader *reader);

/* The whole file, unpacked, at most max_bytes, appended to `buf`. Fails also: KAI_LIMIT. */
KAI_MUST_CHECK kai_status file_read_all(const char *path, size_t max_bytes, struct buf *buf,
                                        kai_err *err);

/* Unpack gzip or zlib bytes that are in memory, appended to `buf`. Fails: KAI_CORRUPT (damaged,
 * cut), KAI_LIMIT (more than the buffer may hold: nothing beyond is unpacked). */
KAI_MUST_CHECK kai_status file_unpack(const void *bytes, size_t n, struct buf *buf, kai_err *err);

KAI_MUST_CHECK kai_status file_create(const char *path, struct file_writer **ret_writer,
                                      kai_err *err);
KAI_MUST_CHECK kai_status file_write(struct file_writer *writer, const void *bytes, size_t n,
                                     kai_err *err);
/* Bytes at an offset of a plain file that is renamed on commit; not together with file_write, which
 * knows one place only. Gaps are zeros. Fails: KAI_IO, KAI_STATE (no such file). */
KAI_MUST_CHECK kai_status file_write_at(struct file_writer *writer, int64_t offset,
                                        const void *bytes, size_t n, kai_err *err);
/* Flush, fsync, rename over `path`; frees the writer, also on failure (then nothing appears). */
KAI_MUST_CHECK kai_status file_commit(struct file_writer *take_writer, kai_err *err);
/* Throw away what was written. Accepts NULL. */
void file_abandon(struct file_writer *take_writer);
/* Create, write and commit one run of bytes. */
KAI_MUST_CHECK kai_status file_write_all(const char *path, const void *bytes, size_t n,
                                         kai_err *err);

/* Make a directory and its parents; one that is there is fine. */
KAI_MUST_CHECK kai_status file_make_dir(const char *path, kai_err *err);
/* The directory of a file, and its parents. */
KAI_MUST_CHECK kai_status file_make_parent(const char *path, kai_err *err);
int file_exists(const char *path);
/* `name` seen from the directory of the file `base_file` (absolute names and "-" as they are),
 * appended to `buf`. */
KAI_MUST_CHECK kai_status file_join(struct buf *buf, const char *base_file, const char *name,
                                    kai_err *err);

#endif
