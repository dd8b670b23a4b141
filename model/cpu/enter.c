/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/enclu.h"
#include "cpu/entry.h"

struct outcome enclu_eenter(struct cpu *cpu)
{
    uint64_t next = cpu->r.rip + ENCLU_LENGTH;
    struct entry entry;

    TRY(cpu_entry_check(cpu, &entry));
    TRY(cpu_entry_segments(&entry));
    NEED(entry.tcs->cssa < entry.tcs->nssa, leaf_gp());
    TRY(cpu_ssa_find(cpu, entry.tcs_frame, entry.tcs->cssa, &entry.ssa));
    TRY(cpu_entry_point(&entry));
    NEED(entry.tcs->state == SGX_TCS_INACTIVE, leaf_gp());

    cpu_entry_commit(cpu, &entry);
    cpu_entry_pass(cpu, &entry, next);
    return leaf_done(SGX_OK);
}

struct outcome enclu_eexit(struct cpu *cpu)
{
    const struct sgx_tcs *tcs = epc_frame(cpu->epc, cpu->tcs_frame);

    NEED(canonical(cpu->r.rbx), leaf_gp());

    cpu->r.rip = cpu->r.rbx;
    cpu->r.rcx = tcs->aep;
    cpu_entry_leave(cpu);
    return leaf_done(SGX_OK);
}
