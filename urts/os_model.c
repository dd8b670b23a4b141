/* SPDX-License-Identifier: Apache-2.0 */
/* The seam's table that calls the software SGX2. The only file here that knows there is one. */
#include "os.h"

#include "model.h"

static const struct os table = {
    .name = "model",
    .open = sgx2_open,
    .ioctl = sgx2_ioctl,
    .mmap = sgx2_mmap,
    .mprotect = sgx2_mprotect,
    .munmap = sgx2_munmap,
    .close = sgx2_close,
    .enter_enclave = sgx2_enter_enclave,
};

const struct os *os_model(void)
{
    return &table;
}
