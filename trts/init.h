/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.h - AP_ENTER_INIT: from the measured image to an enclave that can be called
 */
#ifndef TRTS_INIT_H
#define TRTS_INIT_H

#include "sgx_error.h"

/*
 * init_enclave() - relocate, clear the page map, make RELRO read-only, run constructors
 *
 * SGX_SUCCESS                  ready for ecalls
 * SGX_ERROR_ECALL_NOT_ALLOWED  it was done already, or another thread is at it; no change
 * SGX_ERROR_INVALID_ENCLAVE    the layout page or a relocation makes no sense
 * SGX_ERROR_HOST               the host did not restrict the RELRO pages
 *
 * After the last two the enclave counts as crashed.
 */
sgx_status_t init_enclave(void);

/* constructors.c: the author's, in the order of the linker. */
void run_constructors(void);

#endif
