# Standards, warnings and sanitizers, as one interface target that every target of ours links.

option(KAIROS_ASSERTIONS "Keep internal assertions" OFF)
option(KAIROS_WERROR "Warnings are errors" OFF)
set(KAIROS_SANITIZE "" CACHE STRING "Sanitizers, such as address,undefined")
set(KAIROS_DATA "${CMAKE_SOURCE_DIR}/../shared/data" CACHE PATH "Where the real data sets lie")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
# C++ is a thin shim where a library has no C interface (HOUSE: one foreign library, one file).
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

add_library(kairos_flags INTERFACE)
# _GNU_SOURCE: POSIX and the few Linux calls of base/ (CPU affinity)
target_compile_definitions(kairos_flags INTERFACE _GNU_SOURCE KAIROS_VERSION="${PROJECT_VERSION}"
    $<$<BOOL:${KAIROS_ASSERTIONS}>:KAIROS_ASSERTIONS>)
target_compile_options(kairos_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes> -Wvla -Wformat=2
    -Wundef -Wcast-qual -Wconversion
    # "outputs are written only on success" is beyond gcc's flow analysis; the preset tidy checks it
    $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
    $<$<BOOL:${KAIROS_WERROR}>:-Werror>)
if(KAIROS_SANITIZE)
  target_compile_options(kairos_flags INTERFACE -fsanitize=${KAIROS_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(kairos_flags INTERFACE -fsanitize=${KAIROS_SANITIZE})
endif()
