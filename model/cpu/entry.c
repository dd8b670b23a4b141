/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/entry.h"

#include "cpu/epcm.h"
#include "cpu/flags.h"
#include "cpu/track.h"
#include "cpu/unconfirmed.h"

static bool is_free_tcs(const struct epcm *entry, uint64_t linear)
{
    return entry->valid && !entry->blocked && entry->enclave_address == linear &&
           entry->pt == SGX_PT_TCS && !entry->pending && !entry->modified;
}

UNCONFIRMED(EENTER_AEXNOTIFY);

static bool tcs_flags_legal(const struct cpu_features *features, const struct sgx_secs *secs,
                            const struct sgx_tcs *tcs)
{
    uint64_t known =
        SGX_TCS_DBGOPTIN | (features->attributes & SGX_ATTR_AEXNOTIFY ? SGX_TCS_AEXNOTIFY : 0);
    bool thread = tcs->flags & SGX_TCS_AEXNOTIFY;
    bool enclave = secs->attributes.flags & SGX_ATTR_AEXNOTIFY;

    return (tcs->flags & ~known) == 0 && ((tcs->flags & SGX_TCS_DBGOPTIN) || thread == enclave);
}

struct outcome cpu_entry_check(struct cpu *cpu, struct entry *ret_entry)
{
    const struct epc *epc = cpu->epc;
    uint64_t linear = cpu->r.rbx, frame;
    const struct sgx_secs *secs;
    struct sgx_tcs *tcs;

    NEED(aligned(linear, SGX_PAGE_SIZE), leaf_gp());
    TRY(cpu_operand_frame(cpu, linear, ACCESS_WRITE, &frame));
    NEED(canonical(cpu->r.rcx), leaf_gp());
    NEED(is_free_tcs(&epc->epcm[frame], linear), cpu_enclu_pf(linear, ACCESS_WRITE));
    secs = epcm_secs(epc, &epc->epcm[frame]);
    tcs = epc_frame(epc, frame);
    NEED(aligned(tcs->ossa, SGX_PAGE_SIZE), leaf_gp());
    NEED(aligned(tcs->ofsbase, SGX_PAGE_SIZE) && aligned(tcs->ogsbase, SGX_PAGE_SIZE), leaf_gp());
    NEED(epc->state->measuring_done, leaf_gp());
    NEED(secs->attributes.flags & SGX_ATTR_MODE64BIT, leaf_gp());
    NEED((secs->attributes.xfrm & ~epc->features->xfrm) == 0, leaf_gp());
    NEED(tcs_flags_legal(epc->features, secs, tcs), leaf_gp());

    ret_entry->secs = secs;
    ret_entry->tcs = tcs;
    ret_entry->tcs_frame = frame;
    return leaf_done(SGX_OK);
}

struct outcome cpu_entry_segments(struct entry *entry)
{
    entry->fsbase = entry->secs->base + entry->tcs->ofsbase;
    entry->gsbase = entry->secs->base + entry->tcs->ogsbase;
    NEED(canonical(entry->fsbase) && canonical(entry->gsbase), leaf_gp());
    return leaf_done(SGX_OK);
}

struct outcome cpu_entry_point(struct entry *entry)
{
    entry->rip = entry->secs->base + entry->tcs->oentry;
    NEED(canonical(entry->rip), leaf_gp());
    return leaf_done(SGX_OK);
}

void cpu_entry_commit(struct cpu *cpu, const struct entry *entry)
{
    entry->tcs->aep = cpu->r.rcx;
    entry->tcs->state = SGX_TCS_ACTIVE;

    cpu->tcs = cpu->r.rbx;
    cpu->tcs_frame = entry->tcs_frame;
    cpu->epoch = cpu_track_join(cpu->epc->state);
    cpu_ssa_cache(cpu, &entry->ssa);
    cpu->host_fsbase = cpu->r.fsbase;
    cpu->host_gsbase = cpu->r.gsbase;
    cpu->host_tf = cpu->r.rflags & RFLAGS_TF;
    cpu->opt_in = entry->tcs->flags & SGX_TCS_DBGOPTIN;
    cpu->enclave_mode = true;

    cpu->r.fsbase = entry->fsbase;
    cpu->r.gsbase = entry->gsbase;
    cpu->r.rip = entry->rip;
    if (!cpu->opt_in)
        cpu->r.rflags &= ~RFLAGS_TF;
}

UNCONFIRMED(NOTIFIED_RCX);

void cpu_entry_pass(struct cpu *cpu, const struct entry *entry, uint64_t next)
{
    struct sgx_gprsgx *gpr = cpu_ssa_gpr(cpu->epc, &entry->ssa);

    gpr->ursp = cpu->r.rsp;
    gpr->urbp = cpu->r.rbp;
    cpu->r.rax = entry->tcs->cssa;
    cpu->r.rcx = next;
}

void cpu_entry_leave(struct cpu *cpu)
{
    struct sgx_tcs *tcs = epc_frame(cpu->epc, cpu->tcs_frame);

    tcs->state = SGX_TCS_INACTIVE;
    cpu_track_leave(cpu->epc->state, cpu->epoch);
    cpu->enclave_mode = false;

    cpu->r.fsbase = cpu->host_fsbase;
    cpu->r.gsbase = cpu->host_gsbase;
    if (!cpu->opt_in)
        cpu->r.rflags = (cpu->r.rflags & ~RFLAGS_TF) | (cpu->host_tf ? RFLAGS_TF : 0);
}
