/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/enclu.h"
#include "cpu/ssa.h"
#include "cpu/unconfirmed.h"

UNCONFIRMED(EDECCSSA_TCS);

/*
 * The enclave has taken the interrupted context out of the frame below and goes on with it itself:
 * the frame is free for the next asynchronous exit, and no ERESUME is needed.
 */
struct outcome enclu_edeccssa(struct cpu *cpu)
{
    struct sgx_tcs *tcs = epc_frame(cpu->epc, cpu->tcs_frame);
    struct ssa_frame ssa;

    NEED(tcs->cssa > 0, leaf_gp());
    TRY(cpu_ssa_find(cpu, cpu->tcs_frame, tcs->cssa - 1, &ssa));

    tcs->cssa--;
    cpu_ssa_cache(cpu, &ssa);
    return leaf_done(SGX_OK);
}
