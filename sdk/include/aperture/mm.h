/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mm.h - regions of the signed aperture, and pages of theirs that come while the enclave runs
 *
 * Everything here stays within the layout page (abi/layout.h) that the author's signature covers. A
 * page is accepted once per life, only where a row has a dynamic page, only with permissions that
 * the row allows; what the host says about population is never believed.
 */
#ifndef APERTURE_MM_H
#define APERTURE_MM_H

#include <stddef.h>
#include <stdint.h>

#include "sgx_error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ap_region_info {
    void *base;
    size_t size;         /* bytes, all of it */
    size_t initial_size; /* bytes that were loaded with the enclave */
    uint8_t policy;      /* enum ap_policy, abi/layout.h */
    uint8_t max_perm;    /* R 1, W 2, X 4 */
};

/* SGX_ERROR_INVALID_PARAMETER if the author signed no region of that name ("heap" always exists).
 */
sgx_status_t ap_mm_region(const char *name, struct ap_region_info *ret_info);

/*
 * ap_mm_commit() - make dynamic pages of a data region usable: readable, writable, zero
 * @address, @size: whole pages inside one region's dynamic part
 *
 * One ocall, in which the host touches the pages, then one EACCEPT a page.
 *
 * SGX_SUCCESS                  every page is committed (pages that already were are left alone)
 * SGX_ERROR_INVALID_PARAMETER  not page aligned, empty, wraps, or not within one dynamic part
 * SGX_ERROR_APERTURE           the region may not be writable
 * SGX_ERROR_HOST               a page is missing or does not match; the pages before it stay
 *                              committed
 */
sgx_status_t ap_mm_commit(void *address, size_t size);

#ifdef __cplusplus
}
#endif
#endif
