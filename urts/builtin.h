/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builtin.h - the ocalls that the untrusted runtime serves itself: abi/call.h, AP_OCALL_*
 */
#ifndef URTS_BUILTIN_H
#define URTS_BUILTIN_H

#include <stdint.h>

#include "abi/call.h"
#include "loader.h"

/*
 * builtin_serve() - do what the enclave asks about its pages
 * @index:   AP_OCALL_*
 * @request: the enclave's, in untrusted memory: read once; result is written. NULL if the enclave
 *           gave an address where there can be none.
 *
 * SGX_SUCCESS: it ran; request->result says how it went, 0 or a negative errno:
 *   -EINVAL  not whole pages within ELRANGE, or permissions that are none
 *   -EFAULT  TOUCH, PROTECT: part of the range is not mapped; TOUCH: the kernel gave no page
 *   -EACCES  PROTECT: more than the mapping's ceiling
 *   and what the kernel answers
 * SGX_ERROR_INVALID_FUNCTION: there is no such ocall; request was not looked at.
 * SGX_ERROR_INVALID_PARAMETER: request is NULL.
 */
sgx_status_t builtin_serve(const struct loaded *loaded, int index, struct ap_ocall_pages *request);

#endif
