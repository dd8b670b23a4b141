/* SPDX-License-Identifier: Apache-2.0 */
/*
 * basic.h - what the parts of the test enclave share
 */
#ifndef TESTS_ENCLAVES_BASIC_BASIC_H
#define TESTS_ENCLAVES_BASIC_BASIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aperture/trts.h"
#include "ecalls.h"

/* Copy an ecall's structure in; the caller returns if that fails, and ends with basic_give(). */
#define BASIC_TAKE(ms, at)                                                                         \
    do {                                                                                           \
        sgx_status_t status_ = ap_host_read(&(ms), (at), sizeof(ms));                              \
        if (status_ != SGX_SUCCESS)                                                                \
            return status_;                                                                        \
    } while (0)

#define BASIC_GIVE(at, ms) return ap_host_write((at), &(ms), sizeof(ms))

/* calls.c */
ap_ecall_fn basic_nop, basic_add, basic_echo, basic_recurse, basic_tls, basic_flags, basic_ocall,
    basic_addresses, basic_control;

/* faults.c */
ap_ecall_fn basic_peek, basic_poke, basic_execute, basic_catch, basic_resume, basic_provoke,
    basic_overflow;

/* pages.c */
ap_ecall_fn basic_commit, basic_publish, basic_publish_bad, basic_region;

#endif
