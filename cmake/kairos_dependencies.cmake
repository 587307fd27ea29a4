# Foreign libraries, from the distribution only. Each is linked by the one folder whose one file
# includes it.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(SIMDJSON REQUIRED IMPORTED_TARGET simdjson)
add_library(kairos_simdjson INTERFACE)
target_link_libraries(kairos_simdjson INTERFACE PkgConfig::SIMDJSON stdc++)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)

find_library(KAIROS_XGBOOST xgboost REQUIRED)
find_path(KAIROS_XGBOOST_INCLUDE xgboost/c_api.h REQUIRED)
add_library(kairos_xgboost INTERFACE)
target_link_libraries(kairos_xgboost INTERFACE ${KAIROS_XGBOOST})
target_include_directories(kairos_xgboost SYSTEM INTERFACE ${KAIROS_XGBOOST_INCLUDE})

# CRoaring's package has no pkg-config file.
find_library(KAIROS_ROARING roaring REQUIRED)
find_path(KAIROS_ROARING_INCLUDE roaring/roaring.h REQUIRED)
add_library(kairos_roaring INTERFACE)
target_link_libraries(kairos_roaring INTERFACE ${KAIROS_ROARING})
target_include_directories(kairos_roaring SYSTEM INTERFACE ${KAIROS_ROARING_INCLUDE})

# OpenBLAS by its own path, held to one thread (docs/decisions/0001-serial-blas.md).
find_library(KAIROS_BLAS_LIBRARY openblas REQUIRED NO_DEFAULT_PATH
             PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread)
find_path(KAIROS_BLAS_INCLUDE cblas.h REQUIRED NO_DEFAULT_PATH
          PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread)
add_library(kairos_blas INTERFACE)
target_link_libraries(kairos_blas INTERFACE ${KAIROS_BLAS_LIBRARY})
target_include_directories(kairos_blas SYSTEM INTERFACE ${KAIROS_BLAS_INCLUDE})

# Oracles of the tests.
find_library(KAIROS_GLPK glpk)
pkg_check_modules(CLP IMPORTED_TARGET clp)
