/* SPDX-License-Identifier: Apache-2.0 */
/*
 * code.h - make freshly written machine code executable, within the signed aperture
 *
 * A code region is a row of the aperture with policy `publish`. Its pages are born readable and
 * executable, by EACCEPTCOPY, and are never writable, not for one instruction: the code is written
 * in ordinary enclave memory first, for the address where it will run.
 *
 *     struct ap_code_region *jit = ap_code_region("jit");
 *     void *where;
 *     ap_code_reserve(jit, size, &where);          reserve addresses: no exit, no leaf
 *     emit(buffer, where);                         write the code, for that address
 *     ap_code_publish(jit, where, buffer, size);   1 ocall, one EACCEPTCOPY a page
 *     ((int (*)(void))where)();
 *
 * Any thread may call any function. SDM: EACCEPTCOPY, EAUG.
 */
#ifndef APERTURE_CODE_H
#define APERTURE_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "sgx_error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ap_code_region; /* opaque: a row of the layout page */

/* The region of that name, or NULL if the author signed none. */
struct ap_code_region *ap_code_region(const char *name);

/*
 * ap_code_reserve() - take addresses for code
 * @size:      bytes, rounded up to whole pages
 * @ret_where: first byte, page aligned
 *
 * SGX_ERROR_INVALID_PARAMETER  region is NULL, size is 0 or overflows
 * SGX_ERROR_APERTURE           the region's policy is not publish
 * SGX_ERROR_OUT_OF_MEMORY      the region has no such run of free pages left; nothing was taken
 */
sgx_status_t ap_code_reserve(struct ap_code_region *region, size_t size, void **ret_where);

/*
 * ap_code_publish() - make code executable where it was reserved for
 * @where: from ap_code_reserve(); all the pages that size covers are published, once
 * @code:  inside the enclave, anywhere, any alignment; read once
 * @size:  bytes; the rest of the last page becomes INT3
 *
 * SGX_SUCCESS                  every page is R|X, holds code, and can never be written again
 * SGX_ERROR_INVALID_PARAMETER  not reserved, already published, or code is not inside; no change
 * SGX_ERROR_APERTURE           the region's policy is not publish; no change
 * SGX_ERROR_HOST               the host does not provide a page, or offers one that does not match.
 *                              Pages before it are published; none of them will be taken again.
 */
sgx_status_t ap_code_publish(struct ap_code_region *region, void *where, const void *code,
                             size_t size);

#ifdef __cplusplus
}
#endif
#endif
