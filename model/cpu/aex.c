/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/entry.h"
#include "cpu/flags.h"
#include "cpu/gpr.h"
#include "cpu/unconfirmed.h"
#include "cpu/xsave.h"

/* The vectors that EXITINFO reports whatever MISCSELECT says. */
static bool always_reported(uint8_t vector)
{
    switch (vector) {
    case SGX_VECTOR_DE:
    case SGX_VECTOR_DB:
    case SGX_VECTOR_BP:
    case SGX_VECTOR_BR:
    case SGX_VECTOR_UD:
    case SGX_VECTOR_MF:
    case SGX_VECTOR_AC:
    case SGX_VECTOR_XM:
        return true;
    default:
        return false;
    }
}

/* The vectors that come with an EXINFO, if the enclave chose to have one. */
static bool detailed(const struct sgx_secs *secs, const struct event *event)
{
    if (!event->reported || !(secs->miscselect & SGX_MISC_EXINFO))
        return false;
    /* A supervisor-mode fault happened beside the enclave, not in it: none of its business. */
    return event->vector == SGX_VECTOR_GP ||
           (event->vector == SGX_VECTOR_PF && (event->errcd & SGX_PFEC_U));
}

static uint32_t exitinfo(const struct event *event)
{
    uint32_t type = event->software ? SGX_EXIT_SOFTWARE : SGX_EXIT_HARDWARE;

    return SGX_EXITINFO_VALID | type << 8 | event->vector;
}

UNCONFIRMED(EXITINFO_WITHOUT_EXINFO);

static void save(struct cpu *cpu, const struct sgx_secs *secs, const struct ssa_frame *ssa,
                 const struct event *event)
{
    struct sgx_gprsgx *gpr = cpu_ssa_gpr(cpu->epc, ssa);

    cpu_gpr_save(&cpu->r, gpr);
    gpr->rip = cpu->r.rip;
    gpr->rflags = (cpu->r.rflags & ~RFLAGS_TF) | (event->fault ? RFLAGS_RF : 0);
    gpr->fsbase = cpu->r.fsbase;
    gpr->gsbase = cpu->r.gsbase;
    gpr->exitinfo = 0;
    if (detailed(secs, event)) {
        gpr->exitinfo = exitinfo(event);
        *cpu_ssa_exinfo(cpu->epc, ssa) = (struct sgx_exinfo){
            .maddr = event->vector == SGX_VECTOR_PF ? event->addr : 0,
            .errcd = event->errcd,
        };
    } else if (event->reported && always_reported(event->vector)) {
        gpr->exitinfo = exitinfo(event);
    }
    cpu_xsave_save(cpu, ssa, secs->attributes.xfrm);
}

/* What the outside may see: everything it needs to resume, and nothing of the enclave. */
static void synthesize(struct cpu *cpu, uint64_t aep, const struct sgx_gprsgx *gpr)
{
    uint64_t rflags = cpu->r.rflags & ~(RFLAGS_STATUS | RFLAGS_RF);

    cpu->r = (struct cpu_regs){
        .rax = SGX_ERESUME,
        .rbx = cpu->tcs,
        .rcx = aep,
        .rsp = gpr->ursp,
        .rbp = gpr->urbp,
        .rip = aep,
        .rflags = rflags,
    };
}

void cpu_aex(struct cpu *cpu, const struct event *event)
{
    const struct sgx_secs *secs = cpu_secs(cpu);
    struct sgx_tcs *tcs = epc_frame(cpu->epc, cpu->tcs_frame);
    struct ssa_frame ssa = cpu_ssa_cached(cpu);

    save(cpu, secs, &ssa, event);
    synthesize(cpu, tcs->aep, cpu_ssa_gpr(cpu->epc, &ssa));
    cpu_xsave_synthesize(cpu, secs->attributes.xfrm, event->reported ? event->vector : -1);
    tcs->cssa++;
    cpu_entry_leave(cpu);
}
