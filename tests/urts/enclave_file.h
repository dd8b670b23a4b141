/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enclave_file.h - a small enclave file, laid out as ap-sign does and signed by nobody
 *
 * Its SIGSTRUCT has the form of one, which is all that anyone checks before EINIT.
 *
 *   0x0000  R    ELF header, then the layout page
 *   0x2000  RX   one page of code
 *   0x3000  RW   one page from the file, one of .bss
 *   then heap 2 of 39 pages, page map, two thread slots, and the regions
 *   "jit" publish, 16 pages, all dynamic; "work" toggle, 1 of 4 pages; "table" data, 4 of 4 pages
 */
#ifndef TESTS_URTS_ENCLAVE_FILE_H
#define TESTS_URTS_ENCLAVE_FILE_H

#include <stdbool.h>

#include "abi/layout.h"

struct enclave_file {
    bool is_unsigned;
    bool is_static; /* no dynamic pages at all */
    bool is_provisioned;
};

#define ENCLAVE_FILE_SLOTS 2u

/* The layout page that goes into the file. */
void enclave_file_layout(const struct enclave_file *how, struct ap_layout *ret_layout);

/* Write the file to a fresh path; the caller unlinks it. The string is static. */
const char *enclave_file_write(const struct enclave_file *how);

/* A region by name; the test ends if there is none. */
const struct ap_region *enclave_file_region(const struct ap_layout *layout, const char *name);

#endif
