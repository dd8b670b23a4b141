/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - one call into the enclave, with the ocalls and exceptions on its way
 */
#ifndef URTS_CALL_H
#define URTS_CALL_H

#include <stdbool.h>

#include "enclave.h"

/* As ap_ecall(), and index may be AP_ENTER_INIT. */
sgx_status_t call_enclave(struct ap_enclave *enclave, int index,
                          const struct ap_ocall_table *ocalls, void *ms);

/* True in an ocall of that enclave, on this thread. */
bool call_is_outstanding(const struct ap_enclave *enclave);

#endif
