/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enter.c - the first C after the door
 */
#include "abi/call.h"
#include "aperture/trts.h"
#include "boundary.h"
#include "ecall.h"
#include "init.h"
#include "state.h"
#include "thread.h"

sgx_status_t trts_enter(int64_t index, uint64_t ms, uint64_t memory, uint64_t size);

/* What the host gives for ocall arguments. None at all is fine: then there are no ocalls. */
static sgx_status_t take_memory(uint64_t memory, uint64_t size, struct ecall_frame *ret_frame)
{
    *ret_frame = (struct ecall_frame){0};
    if (size == 0)
        return SGX_SUCCESS;
    if (memory == 0 || memory % sizeof(uint64_t) || !ap_is_outside((const void *)memory, size))
        return SGX_ERROR_INVALID_PARAMETER;
    speculation_barrier();
    ret_frame->memory = memory;
    ret_frame->size = size & ~UINT64_C(7);
    return SGX_SUCCESS;
}

static sgx_status_t run_ecall(struct thread_data *td, int64_t index, uint64_t ms)
{
    const struct ap_ecall *ecall;
    sgx_status_t status = ecall_decode(&ap_ecalls, index, td->frame, &ecall);

    if (status != SGX_SUCCESS)
        return status;
    if (!td->tls_ready)
        thread_setup_tls(td);
    return ecall->body(ms);
}

/* Before initialisation the author's tables hold pointers that nobody has relocated. */
static sgx_status_t dispatch(struct thread_data *td, int64_t index, uint64_t ms)
{
    if (index == AP_ENTER_INIT)
        return init_enclave();
    if (state_now() != STATE_READY)
        return SGX_ERROR_ECALL_NOT_ALLOWED;
    return run_ecall(td, index, ms);
}

/* Called by entry.S for everything but ORET. Every argument is the host's choice. */
sgx_status_t trts_enter(int64_t index, uint64_t ms, uint64_t memory, uint64_t size)
{
    struct thread_data *td = thread_self();
    struct ecall_frame frame;
    sgx_status_t status;

    if (state_now() == STATE_CRASHED)
        return SGX_ERROR_ENCLAVE_CRASHED;
    status = take_memory(memory, size, &frame);
    if (status != SGX_SUCCESS)
        return status;

    frame.outer = td->ecall;
    td->ecall = &frame;
    status = dispatch(td, index, ms);
    td->ecall = frame.outer;
    return status;
}
