/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/enclu.h"
#include "cpu/entry.h"
#include "cpu/flags.h"
#include "cpu/gpr.h"
#include "cpu/xsave.h"

/* What a resumption restores of RFLAGS. TF, IF and the rest stay as they are outside. */
#define RFLAGS_RESTORED (RFLAGS_STATUS | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID | RFLAGS_RF)

/*
 * The enclave asked to be told of asynchronous exits rather than to be resumed behind its back: an
 * entry at OENTRY, with the interrupted state left in the frame below.
 */
static struct outcome notify(struct cpu *cpu, struct entry *entry)
{
    uint64_t next = cpu->r.rip + ENCLU_LENGTH;

    NEED(entry->tcs->cssa < entry->tcs->nssa, leaf_gp());
    TRY(cpu_ssa_find(cpu, entry->tcs_frame, entry->tcs->cssa, &entry->ssa));
    TRY(cpu_entry_point(entry));
    TRY(cpu_entry_segments(entry));
    NEED(entry->tcs->state == SGX_TCS_INACTIVE, leaf_gp());

    cpu_entry_commit(cpu, entry);
    cpu_entry_pass(cpu, entry, next);
    return leaf_done(SGX_OK);
}

/* Takes up what the frame holds. gpr is a copy: other threads of the enclave may edit the frame. */
static struct outcome restore(struct cpu *cpu, struct entry *entry, const struct sgx_gprsgx *gpr)
{
    uint64_t xfrm = entry->secs->attributes.xfrm;
    struct xsave_image image;

    NEED(canonical(gpr->rip), leaf_gp());
    NEED(canonical(gpr->fsbase) && canonical(gpr->gsbase), leaf_gp());
    NEED(entry->tcs->state == SGX_TCS_INACTIVE, leaf_gp());
    NEED(cpu_xsave_check(cpu->epc, &entry->ssa, xfrm, &image), leaf_gp());

    entry->rip = gpr->rip;
    entry->fsbase = gpr->fsbase;
    entry->gsbase = gpr->gsbase;
    cpu_entry_commit(cpu, entry);
    entry->tcs->cssa--;
    cpu_gpr_load(&cpu->r, gpr);
    cpu->r.rflags = (cpu->r.rflags & ~RFLAGS_RESTORED) | (gpr->rflags & RFLAGS_RESTORED);
    cpu_xsave_load(cpu, &entry->ssa, xfrm, &image);
    return leaf_done(SGX_OK);
}

struct outcome enclu_eresume(struct cpu *cpu)
{
    struct sgx_gprsgx gpr;
    struct entry entry;

    TRY(cpu_entry_check(cpu, &entry));
    NEED(entry.tcs->cssa > 0, leaf_gp());
    TRY(cpu_ssa_find(cpu, entry.tcs_frame, entry.tcs->cssa - 1, &entry.ssa));
    gpr = *cpu_ssa_gpr(cpu->epc, &entry.ssa);
    if ((entry.tcs->flags & SGX_TCS_AEXNOTIFY) && (gpr.aexnotify & 1))
        return notify(cpu, &entry);
    return restore(cpu, &entry, &gpr);
}
