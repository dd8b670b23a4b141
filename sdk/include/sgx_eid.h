/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sgx_eid.h - the number by which a host calls an enclave
 *
 * Given by sgx_create_enclave(), valid until sgx_destroy_enclave(), not given again soon after. Not
 * a secret and no proof of anything.
 */
#ifndef SGX_EID_H
#define SGX_EID_H

#include <stdint.h>

typedef uint64_t sgx_enclave_id_t;

#endif
