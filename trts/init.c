/* SPDX-License-Identifier: Apache-2.0 */
#include "init.h"

#include "abi/call.h"
#include "arch/secinfo.h"
#include "layout.h"
#include "mm/page.h"
#include "mm/pagemap.h"
#include "ocall.h"
#include "relocate.h"
#include "state.h"
#include "thread.h"

/*
 * The host is asked once for all pages; each EACCEPT then compares R, without W, with the EPCM, and
 * checks that no stale translation is left. That decides, whatever the host answered.
 */
static sgx_status_t protect_relro(void)
{
    uint64_t size = ap_layout.relro_pages * SGX_PAGE_SIZE;
    uintptr_t first = enclave_base() + ap_layout.relro_offset;

    if (size == 0)
        return SGX_SUCCESS;
    ocall_pages(AP_OCALL_RESTRICT, ap_layout.relro_offset, size, SGX_SECINFO_R);
    for (uint64_t at = 0; at < size; at += SGX_PAGE_SIZE)
        if (page_eaccept(SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR, first + at) != 0)
            return SGX_ERROR_HOST;
    return SGX_SUCCESS;
}

static sgx_status_t initialise(void)
{
    sgx_status_t status;

    if (!layout_ok(&ap_layout) || !relocate_self())
        return SGX_ERROR_INVALID_ENCLAVE;
    pagemap_clear();
    status = protect_relro();
    if (status == SGX_SUCCESS) {
        thread_setup_tls(thread_self());
        run_constructors();
    }
    return status;
}

sgx_status_t init_enclave(void)
{
    sgx_status_t status;

    if (!state_move(STATE_UNINIT, STATE_RUNNING))
        return SGX_ERROR_ECALL_NOT_ALLOWED;
    status = initialise();
    if (status != SGX_SUCCESS)
        state_crash();
    else if (!state_move(STATE_RUNNING, STATE_READY))
        status = SGX_ERROR_ENCLAVE_CRASHED; /* an exception on the way */
    return status;
}
