/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ocall.h - leaving the enclave in the middle of a call; aperture/trts.h has the author's function
 */
#ifndef TRTS_OCALL_H
#define TRTS_OCALL_H

#include <stddef.h>
#include <stdint.h>

#include "sgx_error.h"

/*
 * As ap_ocall(), for every index. ms lies inside. Nothing here holds a lock; the caller must not
 * either.
 */
sgx_status_t ocall(int64_t index, void *ms, size_t size);

/*
 * Ask the host to do something about pages: index is AP_OCALL_TOUCH, _RESTRICT or _PROTECT. The
 * host's answer is not passed on, for nothing may depend on it: EACCEPT says what came of it.
 */
void ocall_pages(int64_t index, uint64_t offset, uint64_t size, uint64_t perm);

/* entry.S: leave with AP_EXIT_OCALL, come back with the host's status. */
sgx_status_t ocall_leave(int64_t index, uint64_t args);

#endif
