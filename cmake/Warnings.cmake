# SPDX-License-Identifier: Apache-2.0
# How host code is compiled: link `ap_host` PRIVATE. Enclave code has flags of its own, see
# sdk/cmake/AddEnclave.cmake.
add_library(ap_host INTERFACE)
target_compile_options(ap_host INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Werror
    -fno-omit-frame-pointer "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
target_compile_definitions(ap_host INTERFACE _GNU_SOURCE)
if(APERTURE_SANITIZE)
    target_compile_options(ap_host INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
    target_link_options(ap_host INTERFACE -fsanitize=address,undefined)
endif()
