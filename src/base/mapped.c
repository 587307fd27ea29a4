#include "base/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

kai_status mapped_open(const char *path, struct mapped *ret_mapped, kai_err *err) {
    struct stat info;
    /* looked at first: a pipe that is opened and closed would lose its writer */
    if (stat(path, &info))
        return err_set(err, errno == ENOENT || errno == ENOTDIR ? KAI_NOT_FOUND : KAI_IO,
                       "'%s': %s", path,
                       errno == ENOENT || errno == ENOTDIR ? "no such file" : "cannot be opened");
    if (!S_ISREG(info.st_mode))
        return err_set(err, KAI_INVALID, "'%s' is not a regular file", path);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return err_set(err, KAI_IO, "'%s': cannot be opened", path);
    void *bytes = NULL;
    int is_sized = !fstat(descriptor, &info); /* of what was opened */
    if (is_sized && info.st_size)
        bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
    (void)close(descriptor); /* the mapping stays */
    if (!is_sized || bytes == MAP_FAILED)
        return err_set(err, KAI_IO, "'%s': cannot be mapped", path);
    *ret_mapped = (struct mapped){.bytes = bytes, .size = (size_t)info.st_size};
    return KAI_OK;
}

void mapped_close(struct mapped *mapped) {
    union { /* mmap gave it; the type says that nobody here writes */
        const unsigned char *read;
        void *memory;
    } bytes = {.read = mapped->bytes};
    if (bytes.memory) (void)munmap(bytes.memory, mapped->size);
    *mapped = (struct mapped){0};
}
