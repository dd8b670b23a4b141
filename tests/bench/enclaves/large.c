/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enclave with LARGE_SIZE bytes of measured data, and one ecall that does nothing.
 */
#include "aperture/trts.h"

static volatile uint8_t large[LARGE_SIZE] __attribute__((aligned(4096)));

static sgx_status_t nop(uint64_t ms)
{
    large[ms % LARGE_SIZE] = 1;
    return SGX_SUCCESS;
}

static const struct ap_ecall calls[] = {{.body = nop}};

const struct ap_ecall_table ap_ecalls = {.count = 1, .ecall = calls};
