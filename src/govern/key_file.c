/* The file of the master key: 64 hexadecimal digits that nobody but its owner reads. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "govern/secret.h"

enum { HEX_BYTES = 2 * SECRET_MASTER_BYTES };

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The whole of a small file, at most `capacity` bytes; -1 on failure. */
static ssize_t read_small(int fd, char *bytes, size_t capacity) {
    size_t size = 0;
    while (size < capacity) {
        ssize_t got = read(fd, bytes + size, capacity - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        size += (size_t)got;
    }
    return (ssize_t)size;
}

static kai_status read_key(const char *path, int fd, unsigned char master[SECRET_MASTER_BYTES],
                           kai_err *err) {
    struct stat info;
    char text[HEX_BYTES + 2] = "";
    if (fstat(fd, &info) != 0) return err_set(err, KAI_IO, "'%s' could not be read", path);
    if (info.st_mode & (S_IRWXG | S_IRWXO))
        return err_set(err, KAI_DENIED, "key file '%s': others may read it; chmod 600 it", path);
    ssize_t size = read_small(fd, text, sizeof text);
    if (size < 0) return err_set(err, KAI_IO, "'%s' could not be read", path);
    int is_good = size == HEX_BYTES || (size == HEX_BYTES + 1 && text[HEX_BYTES] == '\n');
    for (size_t i = 0; is_good && i < SECRET_MASTER_BYTES; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        is_good = high >= 0 && low >= 0;
        master[i] = (unsigned char)((unsigned)high << 4 | (unsigned)low);
    }
    secret_wipe(text, sizeof text);
    if (is_good) return KAI_OK;
    return err_set(err, KAI_INVALID, "key file '%s': expected 64 hexadecimal digits", path);
}

kai_status secret_file_load(const char *path, struct secret_keys **ret_keys, kai_err *err) {
    unsigned char master[SECRET_MASTER_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, KAI_NOT_FOUND, "key file '%s' is not there", path);
    if (fd < 0) return err_set(err, KAI_IO, "key file '%s' could not be opened", path);
    kai_status st = read_key(path, fd, master, err);
    (void)close(fd); /* was only read */
    if (!st) st = secret_keys_new(master, ret_keys, err);
    secret_wipe(master, sizeof master);
    return st;
}

kai_status secret_file_create(const char *path, kai_err *err) {
    unsigned char master[SECRET_MASTER_BYTES];
    char text[HEX_BYTES + 2];
    kai_status st = secret_random(master, sizeof master, err);
    if (st) return st;
    secret_hex(master, sizeof master, text);
    text[HEX_BYTES] = '\n';
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0 && errno == EEXIST) {
        st = err_set(err, KAI_EXISTS, "key file '%s' exists already", path);
    } else if (fd < 0) {
        st = err_set(err, KAI_IO, "key file '%s' could not be made", path);
    } else {
        int is_kept = write(fd, text, HEX_BYTES + 1) == HEX_BYTES + 1 && fsync(fd) == 0;
        if (close(fd) != 0 || !is_kept) {
            (void)unlink(path); /* half a key is none */
            st = err_set(err, KAI_IO, "key file '%s' could not be written", path);
        }
    }
    secret_wipe(master, sizeof master);
    secret_wipe(text, sizeof text);
    return st;
}
