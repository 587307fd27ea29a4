# kai_module(<name> DEPENDS <folder>... [LIBS <target>...])
#
# One static library for src/<name>, with its sources found by glob; its unit tests, one executable a
# file of tests/unit/<name>/; and its edges, which go to edges.txt of the build folder, where
# house.layers compares them with the table of docs/architecture.md.
#
# A file that ends in _avx2.c is compiled with AVX2 and FMA, a file that ends in _ref.c without
# vectorisation or contraction; everything else stays at the portable baseline.

set_property(GLOBAL PROPERTY KAIROS_MODULES "")
set_property(GLOBAL PROPERTY KAIROS_EDGES "")

function(kai_module name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c
       ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources) # a room that is being built
    add_library(kairos_${name} INTERFACE)
    return()
  endif()
  add_library(kairos_${name} STATIC ${sources})
  target_include_directories(kairos_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  list(TRANSFORM ARG_DEPENDS PREPEND kairos_ OUTPUT_VARIABLE depends)
  target_link_libraries(kairos_${name} PUBLIC kairos_flags ${depends} ${ARG_LIBS} m)
  foreach(source IN LISTS sources)
    if(source MATCHES "_avx2\\.c$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma")
    elseif(source MATCHES "_ref\\.c$")
      set_source_files_properties(${source} PROPERTIES
          COMPILE_OPTIONS "-O2;-ffp-contract=off;-fno-tree-vectorize")
    endif()
  endforeach()
  set_property(GLOBAL APPEND PROPERTY KAIROS_MODULES ${name})
  list(JOIN ARG_DEPENDS " " edges)
  set_property(GLOBAL APPEND PROPERTY KAIROS_EDGES "${name}: ${edges}")
endfunction()

# kai_test(<file> LABEL <label> LINKS <target>... [TIMEOUT <s>]): one executable and one test a file.
function(kai_test file)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "LINKS" ${ARGN})
  get_filename_component(stem ${file} NAME_WE)
  add_executable(${stem} ${file})
  target_link_libraries(${stem} PRIVATE kairos_kit ${ARG_LINKS} kairos_flags)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${ARG_LABEL}.${stem} COMMAND ${stem})
  set_tests_properties(${ARG_LABEL}.${stem} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
      ENVIRONMENT "KAIROS_DATA=${KAIROS_DATA};KAIROS_BIN=${CMAKE_BINARY_DIR}/bin/kairos;KAIROS_SOURCE=${CMAKE_SOURCE_DIR}"
      SKIP_RETURN_CODE 77)
endfunction()
