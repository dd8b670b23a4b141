# SPDX-License-Identifier: Apache-2.0
# add_enclave(NAME SOURCES a.c ... CONFIG file.xml [KEY key.pem] [INCLUDES dir ...])
#
# Builds NAME.so from the sources and the trusted runtime, and NAME.signed.so from that with ap-sign.
# Without KEY a key is made in the build tree: fine for development, worthless for trust.
#
# Enclave code is freestanding, position independent, and holds only relocations that the runtime can
# apply to itself. Paths are kept out of it, so that two builds in two folders measure alike.
set(AP_ENCLAVE_COMPILE_OPTIONS
    -O2 -g -ffreestanding -fPIE -fvisibility=hidden -fstack-protector-strong -mno-avx
    -fno-asynchronous-unwind-tables -fcf-protection=none -fno-builtin-printf
    -ftls-model=local-exec -mstackrealign
    -ffunction-sections -fdata-sections "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=."
    "-ffile-prefix-map=${CMAKE_BINARY_DIR}=.")
set(AP_ENCLAVE_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Werror)
