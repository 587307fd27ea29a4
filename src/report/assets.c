/* The files are taken in by the assembler: no array of half a million numbers for the compiler, no
 * limit of string literals. Their paths come from console/CMakeLists.txt. Hidden, so that the
 * shared library does not export them. */
#include "report/assets.h"

#define TAKE_IN(name, path)                                                              \
    __asm__(                                                                             \
        ".section .rodata\n"                                                             \
        ".hidden " name "\n.hidden " name                                                \
        "_end\n"                                                                         \
        ".global " name "\n.global " name "_end\n" name ":\n.incbin \"" path "\"\n" name \
        "_end:\n.byte 0\n"                                                               \
        ".previous\n")

TAKE_IN("asset_style_bytes", KAIROS_ASSET_STYLE);
TAKE_IN("asset_script_bytes", KAIROS_ASSET_SCRIPT);

extern const char asset_style_bytes[], asset_style_bytes_end[];
extern const char asset_script_bytes[], asset_script_bytes_end[];

const char *asset_style(size_t *ret_size) {
    *ret_size = (size_t)(asset_style_bytes_end - asset_style_bytes);
    return asset_style_bytes;
}

const char *asset_script(size_t *ret_size) {
    *ret_size = (size_t)(asset_script_bytes_end - asset_script_bytes);
    return asset_script_bytes;
}
