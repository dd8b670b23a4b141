# SPDX-License-Identifier: Apache-2.0
# ap_test(NAME name SOURCES a.c ... [LIBS lib ...] [LABELS label ...])
#
# One Criterion program and the ctest entry that runs it.
find_library(CRITERION criterion REQUIRED)

function(ap_test)
    cmake_parse_arguments(T "" "NAME" "SOURCES;LIBS;LABELS" ${ARGN})
    add_executable(${T_NAME} ${T_SOURCES})
    target_link_libraries(${T_NAME} PRIVATE ap_host ap_arch ${T_LIBS} ${CRITERION})
    # Criterion's macros declare what they do not prototype.
    target_compile_options(${T_NAME} PRIVATE -Wno-missing-prototypes)
    add_test(NAME ${T_NAME} COMMAND ${T_NAME} -j1)
    set_tests_properties(${T_NAME} PROPERTIES TIMEOUT 300 LABELS "${T_LABELS}"
                         ENVIRONMENT APERTURE_QUIET=1)
endfunction()
