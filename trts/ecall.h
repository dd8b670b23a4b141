/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecall.h - which ecall the host asks for, and whether it may
 */
#ifndef TRTS_ECALL_H
#define TRTS_ECALL_H

#include <stdint.h>

#include "aperture/trts.h"
#include "thread.h"

/*
 * ecall_decode() - everything that can be refused about an index; changes nothing
 * @outstanding: the topmost ocall frame of the thread, NULL at the root
 *
 * SGX_SUCCESS                   *ret_ecall is the table's row; also under speculation, no index
 *                               beyond the table is used
 * SGX_ERROR_INVALID_FUNCTION    no such ecall
 * SGX_ERROR_ECALL_NOT_ALLOWED   private at the root; not on the list of the outstanding ocall; or
 *                               that ocall is the runtime's own
 */
sgx_status_t ecall_decode(const struct ap_ecall_table *table, int64_t index,
                          const struct ocall_frame *outstanding, const struct ap_ecall **ret_ecall);

#endif
