#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/alloc.h"

enum {
    BLOCK_BYTES = 256 << 10,
    GZIP_WINDOW_BITS = 15 + 16,
    GZIP_OR_ZLIB_BITS = 15 + 32,
    GZIP_LEVEL = 6,
    GZIP_MEMORY = 8
};

/* "'<path>': permission denied" */
static kai_status io_error(kai_err *err, kai_status kind, const char *path, int number) {
    char space[128];
    const char *text = strerror_r(number, space, sizeof space);
    char first = text[0] >= 'A' && text[0] <= 'Z' ? (char)(text[0] - 'A' + 'a') : text[0];
    return err_set(err, kind, "'%s': %c%s", path, first, text[0] ? text + 1 : "");
}

static kai_status open_error(kai_err *err, const char *path, int number) {
    if (number == EISDIR) return err_set(err, KAI_INVALID, "'%s' is a directory", path);
    int is_missing = number == ENOENT || number == ENOTDIR;
    return io_error(err, is_missing ? KAI_NOT_FOUND : KAI_IO, path, number);
}

static voidpf zlib_alloc(voidpf user, uInt count, uInt bytes) {
    (void)user;
    return mem_zero(count, bytes);
}

static void zlib_free(voidpf user, voidpf memory) {
    (void)user;
    mem_free(memory);
}

/* ---- reading ---- */

struct file_reader {
    char *path; /* owned */
    int descriptor;
    int is_gzip;
    int is_between;       /* gzip: a member has ended, another may follow */
    int is_ended;         /* the operating system has no more bytes */
    z_stream stream;      /* gzip only */
    unsigned char *block; /* owned; bytes that were read and not yet given */
    size_t begin, end;
};

static kai_status read_some(struct file_reader *reader, void *bytes, size_t capacity,
                            size_t *ret_size, kai_err *err) {
    if (capacity > SSIZE_MAX) capacity = SSIZE_MAX;
    ssize_t n;
    do {
        n = read(reader->descriptor, bytes, capacity);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return io_error(err, KAI_IO, reader->path, errno);
    reader->is_ended = n == 0;
    *ret_size = (size_t)n;
    return KAI_OK;
}

/* At least `wanted` bytes in the block, or all that there are. */
static kai_status fill_block(struct file_reader *reader, size_t wanted, kai_err *err) {
    if (reader->begin == reader->end) reader->begin = reader->end = 0;
    if (reader->begin + wanted > BLOCK_BYTES) {
        memmove(reader->block, reader->block + reader->begin, reader->end - reader->begin);
        reader->end -= reader->begin;
        reader->begin = 0;
    }
    while (reader->end - reader->begin < wanted && !reader->is_ended) {
        size_t n = 0;
        kai_status st =
            read_some(reader, reader->block + reader->end, BLOCK_BYTES - reader->end, &n, err);
        if (st) return st;
        reader->end += n;
    }
    return KAI_OK;
}

static kai_status start_gzip(struct file_reader *reader, kai_err *err) {
    reader->stream.zalloc = zlib_alloc;
    reader->stream.zfree = zlib_free;
    if (inflateInit2(&reader->stream, GZIP_WINDOW_BITS) != Z_OK)
        return err_memory(err, sizeof reader->stream);
    reader->is_gzip = 1;
    return KAI_OK;
}

static int is_gzip_magic(const struct file_reader *reader) {
    return reader->end - reader->begin >= 2 && reader->block[reader->begin] == 0x1f &&
           reader->block[reader->begin + 1] == 0x8b;
}

static kai_status open_descriptor(const char *path, int *ret_descriptor, kai_err *err) {
    if (strcmp(path, "-") == 0) {
        *ret_descriptor = STDIN_FILENO;
        return KAI_OK;
    }
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return open_error(err, path, errno);
    struct stat info;
    if (fstat(descriptor, &info) || S_ISDIR(info.st_mode)) {
        (void)close(descriptor); /* only read */
        return open_error(err, path, EISDIR);
    }
    *ret_descriptor = descriptor;
    return KAI_OK;
}

kai_status file_open(const char *path, struct file_reader **ret_reader, kai_err *err) {
    struct file_reader *reader = mem_zero(1, sizeof *reader);
    if (!reader) return err_memory(err, sizeof *reader);
    reader->descriptor = -1;
    reader->path = mem_string(path);
    reader->block = mem_alloc(BLOCK_BYTES);
    kai_status st = reader->path && reader->block ? KAI_OK : err_memory(err, BLOCK_BYTES);
    if (!st) st = open_descriptor(path, &reader->descriptor, err);
    if (!st) st = fill_block(reader, 2, err);
    if (!st && is_gzip_magic(reader)) st = start_gzip(reader, err);
    if (st) {
        file_close(reader);
        return st;
    }
    *ret_reader = reader;
    return KAI_OK;
}

static kai_status read_plain(struct file_reader *reader, char *bytes, size_t capacity,
                             size_t *ret_size, kai_err *err) {
    size_t n = reader->end - reader->begin;
    if (n == 0 && !reader->is_ended) return read_some(reader, bytes, capacity, ret_size, err);
    if (n > capacity) n = capacity;
    memcpy(bytes, reader->block + reader->begin, n);
    reader->begin += n;
    *ret_size = n;
    return KAI_OK;
}

/* Between two members: begin the next, or accept the end of the file (zeros may pad it). */
static kai_status next_member(struct file_reader *reader, int *ret_is_end, kai_err *err) {
    kai_status st = fill_block(reader, 2, err);
    if (st) return st;
    if (is_gzip_magic(reader)) {
        if (inflateReset(&reader->stream) != Z_OK)
            return err_set(err, KAI_CORRUPT, "'%s': gzip data is damaged", reader->path);
        reader->is_between = 0;
        return KAI_OK;
    }
    while (reader->begin < reader->end) {
        if (reader->block[reader->begin++])
            return err_set(err, KAI_CORRUPT, "'%s': bytes that are not gzip follow gzip data",
                           reader->path);
        st = fill_block(reader, 1, err);
        if (st) return st;
    }
    *ret_is_end = 1;
    return KAI_OK;
}

static kai_status inflate_some(struct file_reader *reader, kai_err *err) {
    z_stream *stream = &reader->stream;
    kai_status st = fill_block(reader, 1, err);
    if (st) return st;
    stream->next_in = reader->block + reader->begin;
    stream->avail_in = (uInt)(reader->end - reader->begin);
    uInt had = stream->avail_in, room = stream->avail_out;
    int code = inflate(stream, Z_NO_FLUSH);
    reader->begin = reader->end - stream->avail_in;
    if (code == Z_STREAM_END) reader->is_between = 1;
    if (code == Z_STREAM_END || code == Z_OK) return KAI_OK;
    if (code == Z_MEM_ERROR) return err_memory(err, 1 << GZIP_WINDOW_BITS);
    if (code == Z_BUF_ERROR && reader->is_ended && had == 0)
        return err_set(err, KAI_CORRUPT, "'%s': gzip data is cut short", reader->path);
    if (code == Z_BUF_ERROR && (had != stream->avail_in || room != stream->avail_out))
        return KAI_OK;
    return err_set(err, KAI_CORRUPT, "'%s': gzip data is damaged%s%s", reader->path,
                   stream->msg ? ": " : "", stream->msg ? stream->msg : "");
}

static kai_status read_gzip(struct file_reader *reader, char *bytes, size_t capacity,
                            size_t *ret_size, kai_err *err) {
    if (capacity > UINT_MAX) capacity = UINT_MAX;
    reader->stream.next_out = (Bytef *)bytes;
    reader->stream.avail_out = (uInt)capacity;
    int is_end = 0;
    while (reader->stream.avail_out == capacity && !is_end) {
        kai_status st = reader->is_between ? next_member(reader, &is_end, err) : KAI_OK;
        if (!st && !is_end) st = inflate_some(reader, err);
        if (st) return st;
    }
    *ret_size = capacity - reader->stream.avail_out;
    return KAI_OK;
}

kai_status file_read(struct file_reader *reader, char *bytes, size_t capacity, size_t *ret_size,
                     kai_err *err) {
    KAI_ASSERT(capacity > 0);
    return reader->is_gzip ? read_gzip(reader, bytes, capacity, ret_size, err)
                           : read_plain(reader, bytes, capacity, ret_size, err);
}

void file_close(struct file_reader *reader) {
    if (!reader) return;
    if (reader->is_gzip) (void)inflateEnd(&reader->stream); /* frees; nothing to report */
    if (reader->descriptor > STDIN_FILENO) (void)close(reader->descriptor); /* only read */
    mem_free(reader->block);
    mem_free(reader->path);
    mem_free(reader);
}

/* The next part of a whole file; a full buffer is asked for one byte more than it can take. */
static kai_status read_part(struct file_reader *reader, size_t total, size_t max_bytes,
                            struct buf *buf, size_t *ret_size, kai_err *err) {
    char extra;
    size_t room = max_bytes - total;
    if (room > buf->max - buf->size) room = buf->max - buf->size;
    if (room > BLOCK_BYTES) room = BLOCK_BYTES;
    kai_status st = buf_reserve(buf, room, err);
    if (!st)
        st = file_read(reader, room ? buf->data + buf->size : &extra, room ? room : 1, ret_size,
                       err);
    if (st) return st;
    if (room == 0 && *ret_size > 0)
        return err_set(err, KAI_LIMIT, "'%s' is larger than %zu bytes", reader->path, total);
    buf->size += *ret_size;
    buf->data[buf->size] = '\0';
    return KAI_OK;
}

kai_status file_read_all(const char *path, size_t max_bytes, struct buf *buf, kai_err *err) {
    struct file_reader *reader = NULL;
    kai_status st = file_open(path, &reader, err);
    size_t total = 0, n = 1;
    while (!st && n > 0) {
        st = read_part(reader, total, max_bytes, buf, &n, err);
        if (!st) total += n;
    }
    file_close(reader);
    return st;
}

/* One step of unpacking into a buffer, which doubles; a full one is asked for one byte more than it
 * can take. */
static kai_status unpack_some(z_stream *stream, struct buf *buf, int *ret_code, kai_err *err) {
    char extra;
    size_t room = buf->max - buf->size, step = buf->size < BLOCK_BYTES ? BLOCK_BYTES : buf->size;
    if (room > step) room = step;
    kai_status st = buf_reserve(buf, room, err);
    if (st) return st;
    stream->next_out = (Bytef *)(room ? buf->data + buf->size : &extra);
    stream->avail_out = room ? (uInt)room : 1;
    uInt asked = stream->avail_out;
    *ret_code = inflate(stream, Z_NO_FLUSH);
    size_t got = asked - stream->avail_out;
    if (!room && got) return err_set(err, KAI_LIMIT, "more than %zu bytes when unpacked", buf->max);
    buf->size += got;
    if (buf->data) buf->data[buf->size] = '\0';
    if (*ret_code == Z_MEM_ERROR) return err_memory(err, 1 << GZIP_WINDOW_BITS);
    return *ret_code == Z_OK || *ret_code == Z_STREAM_END
               ? KAI_OK
               : err_set(err, KAI_CORRUPT, "packed data is damaged or cut short");
}

kai_status file_unpack(const void *bytes, size_t n, struct buf *buf, kai_err *err) {
    union { /* the library's pointer is not const; it only reads */
        const void *read;
        Bytef *in;
    } input = {.read = bytes};
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    int code = Z_OK;
    if (n > UINT_MAX) return err_set(err, KAI_LIMIT, "more than %u packed bytes", UINT_MAX);
    if (inflateInit2(&stream, GZIP_OR_ZLIB_BITS) != Z_OK) return err_memory(err, sizeof stream);
    stream.next_in = input.in;
    stream.avail_in = (uInt)n;
    kai_status st = KAI_OK;
    while (!st && code != Z_STREAM_END) st = unpack_some(&stream, buf, &code, err);
    (void)inflateEnd(&stream); /* frees; nothing to report */
    return st;
}

/* ---- writing ---- */

struct file_writer {
    char *path;      /* owned */
    char *temporary; /* owned; NULL where the target is a device or a pipe */
    int descriptor;
    int is_gzip;
    z_stream stream;      /* gzip only */
    unsigned char *block; /* owned; bytes on their way out */
    size_t used;
    kai_status failure; /* sticks */
};

static kai_status write_block(struct file_writer *writer, kai_err *err) {
    size_t at = 0;
    while (at < writer->used) {
        ssize_t n = write(writer->descriptor, writer->block + at, writer->used - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(err, KAI_IO, writer->path, errno);
        at += (size_t)n;
    }
    writer->used = 0;
    return KAI_OK;
}

static kai_status write_plain(struct file_writer *writer, const unsigned char *bytes, size_t n,
                              kai_err *err) {
    while (n > 0) {
        size_t part = BLOCK_BYTES - writer->used;
        if (part > n) part = n;
        memcpy(writer->block + writer->used, bytes, part);
        writer->used += part;
        bytes += part;
        n -= part;
        kai_status st = writer->used == BLOCK_BYTES ? write_block(writer, err) : KAI_OK;
        if (st) return st;
    }
    return KAI_OK;
}

/* Pack what is in stream.next_in; with Z_FINISH also the end of the member. */
static kai_status deflate_input(struct file_writer *writer, int flush, kai_err *err) {
    z_stream *stream = &writer->stream;
    for (;;) {
        stream->next_out = writer->block + writer->used;
        stream->avail_out = (uInt)(BLOCK_BYTES - writer->used);
        int code = deflate(stream, flush);
        writer->used = BLOCK_BYTES - stream->avail_out;
        int is_full = stream->avail_out == 0;
        kai_status st = is_full ? write_block(writer, err) : KAI_OK;
        if (st) return st;
        if (code == Z_STREAM_ERROR)
            return err_set(err, KAI_IO, "'%s': packing failed", writer->path);
        if (flush == Z_FINISH ? code == Z_STREAM_END : !is_full) return KAI_OK;
    }
}

static kai_status write_gzip(struct file_writer *writer, const unsigned char *bytes, size_t n,
                             kai_err *err) {
    kai_status st = KAI_OK;
    while (!st && n > 0) {
        uInt part = n > BLOCK_BYTES ? BLOCK_BYTES : (uInt)n;
        memcpy(&writer->stream.next_in, &bytes, sizeof bytes); /* zlib's input is not const */
        writer->stream.avail_in = part;
        st = deflate_input(writer, Z_NO_FLUSH, err);
        bytes += part;
        n -= part;
    }
    return st;
}

static int ends_in_gz(const char *path) {
    size_t n = strlen(path);
    return n > 3 && strcmp(path + n - 3, ".gz") == 0;
}

/* Devices and pipes are written in place: a rename would put a file where /dev/null was. */
static kai_status open_target(struct file_writer *writer, kai_err *err) {
    if (strcmp(writer->path, "-") == 0) {
        writer->descriptor = STDOUT_FILENO;
        return KAI_OK;
    }
    struct stat info;
    int is_there = stat(writer->path, &info) == 0;
    if (is_there && S_ISDIR(info.st_mode)) return open_error(err, writer->path, EISDIR);
    if (is_there && !S_ISREG(info.st_mode)) {
        writer->descriptor = open(writer->path, O_WRONLY | O_CLOEXEC);
    } else {
        size_t bytes = strlen(writer->path) + 32;
        writer->temporary = mem_alloc(bytes);
        if (!writer->temporary) return err_memory(err, (int64_t)bytes);
        (void)snprintf(writer->temporary, bytes, "%s.tmp-%ld", writer->path, (long)getpid());
        (void)unlink(writer->temporary); /* left by a dead process of the same number */
        writer->descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (writer->descriptor < 0) return open_error(err, writer->path, errno);
    return KAI_OK;
}

kai_status file_create(const char *path, struct file_writer **ret_writer, kai_err *err) {
    struct file_writer *writer = mem_zero(1, sizeof *writer);
    if (!writer) return err_memory(err, sizeof *writer);
    writer->descriptor = -1;
    writer->path = mem_string(path);
    writer->block = mem_alloc(BLOCK_BYTES);
    kai_status st = writer->path && writer->block ? KAI_OK : err_memory(err, BLOCK_BYTES);
    if (!st && ends_in_gz(path)) {
        /* without a header of ours zlib writes no name and time 0: equal input, equal bytes */
        writer->stream.zalloc = zlib_alloc;
        writer->stream.zfree = zlib_free;
        if (deflateInit2(&writer->stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY,
                         Z_DEFAULT_STRATEGY) == Z_OK)
            writer->is_gzip = 1;
        else
            st = err_memory(err, BLOCK_BYTES);
    }
    if (!st) st = open_target(writer, err);
    if (st) {
        file_abandon(writer);
        return st;
    }
    *ret_writer = writer;
    return KAI_OK;
}

kai_status file_write(struct file_writer *writer, const void *bytes, size_t n, kai_err *err) {
    if (writer->failure)
        return err_set(err, writer->failure, "'%s': writing failed before", writer->path);
    writer->failure =
        writer->is_gzip ? write_gzip(writer, bytes, n, err) : write_plain(writer, bytes, n, err);
    return writer->failure;
}

kai_status file_write_at(struct file_writer *writer, int64_t offset, const void *bytes, size_t n,
                         kai_err *err) {
    const unsigned char *from = bytes;
    if (writer->is_gzip || !writer->temporary)
        return err_set(err, KAI_STATE, "'%s': not a plain file", writer->path);
    while (!writer->failure && n > 0) {
        ssize_t done = pwrite(writer->descriptor, from, n, offset);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) {
            writer->failure = io_error(err, KAI_IO, writer->path, errno);
            return writer->failure;
        }
        from += done;
        offset += done;
        n -= (size_t)done;
    }
    return writer->failure
               ? err_set(err, writer->failure, "'%s': writing failed before", writer->path)
               : KAI_OK;
}

static void release_writer(struct file_writer *writer) {
    if (writer->is_gzip) (void)deflateEnd(&writer->stream); /* frees; unfinished data is meant */
    mem_free(writer->block);
    mem_free(writer->temporary);
    mem_free(writer->path);
    mem_free(writer);
}

void file_abandon(struct file_writer *take_writer) {
    struct file_writer *writer = take_writer;
    if (!writer) return;
    if (writer->descriptor > STDOUT_FILENO) {
        (void)close(writer->descriptor); /* thrown away */
        if (writer->temporary) (void)unlink(writer->temporary);
    }
    release_writer(writer);
}

/* The new name survives a power cut only when its directory has reached the disk. */
static kai_status sync_directory(const char *path, kai_err *err) {
    struct buf folder;
    buf_init(&folder, strlen(path) + 1);
    kai_status st = file_join(&folder, path, ".", err);
    if (!st) {
        int descriptor = open(folder.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor >= 0) {
            (void)fsync(descriptor); /* some file systems refuse it: then there is nothing to do */
            (void)close(descriptor);
        }
    }
    buf_release(&folder);
    return st;
}

static kai_status publish(struct file_writer *writer, kai_err *err) {
    if (fsync(writer->descriptor)) return io_error(err, KAI_IO, writer->path, errno);
    int descriptor = writer->descriptor;
    writer->descriptor = -1;
    if (close(descriptor) || rename(writer->temporary, writer->path)) {
        kai_status st = io_error(err, KAI_IO, writer->path, errno);
        (void)unlink(writer->temporary);
        return st;
    }
    return sync_directory(writer->path, err);
}

kai_status file_commit(struct file_writer *take_writer, kai_err *err) {
    struct file_writer *writer = take_writer;
    kai_status st = writer->failure
                        ? err_set(err, writer->failure, "'%s': writing failed before", writer->path)
                        : KAI_OK;
    if (!st && writer->is_gzip) {
        writer->stream.avail_in = 0;
        st = deflate_input(writer, Z_FINISH, err);
    }
    if (!st) st = write_block(writer, err);
    if (!st && writer->temporary) st = publish(writer, err);
    file_abandon(writer);
    return st;
}

kai_status file_write_all(const char *path, const void *bytes, size_t n, kai_err *err) {
    struct file_writer *writer = NULL;
    kai_status st = file_create(path, &writer, err);
    if (st) return st;
    st = file_write(writer, bytes, n, err);
    if (st) {
        file_abandon(writer);
        return st;
    }
    return file_commit(writer, err);
}

/* ---- names ---- */

kai_status file_make_dir(const char *path, kai_err *err) {
    char *copy = mem_string(path);
    if (!copy) return err_memory(err, (int64_t)strlen(path));
    kai_status st = KAI_OK;
    for (char *at = copy + (copy[0] == '/'); !st; at++) {
        char kept = *at;
        if (kept != '/' && kept != '\0') continue;
        *at = '\0';
        struct stat info;
        if (copy[0] && mkdir(copy, 0777) && errno != EEXIST)
            st = io_error(err, KAI_IO, copy, errno);
        if (!st && copy[0] && (stat(copy, &info) || !S_ISDIR(info.st_mode)))
            st = err_set(err, KAI_EXISTS, "'%s' is there and is not a directory", copy);
        *at = kept;
        if (kept == '\0') break;
    }
    mem_free(copy);
    return st;
}

kai_status file_make_parent(const char *path, kai_err *err) {
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path) return KAI_OK;
    char *folder = mem_string_n(path, (size_t)(slash - path));
    if (!folder) return err_memory(err, (int64_t)strlen(path));
    kai_status st = file_make_dir(folder, err);
    mem_free(folder);
    return st;
}

int file_exists(const char *path) { return access(path, F_OK) == 0; }

kai_status file_join(struct buf *buf, const char *base_file, const char *name, kai_err *err) {
    const char *slash = strrchr(base_file, '/');
    int is_alone = name[0] == '/' || strcmp(name, "-") == 0;
    kai_status st = KAI_OK;
    if (!is_alone && slash) st = buf_append(buf, base_file, (size_t)(slash - base_file) + 1, err);
    return st ? st : buf_puts(buf, name, err);
}
