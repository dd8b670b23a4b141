/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/enclu.h"
#include "cpu/epcm.h"
#include "cpu/operand.h"
#include "cpu/track.h"
#include "cpu/unconfirmed.h"

#include <string.h>

/* Reads the SECINFO operand. Its reserved fields are the caller's to check, in its own order. */
static struct outcome secinfo_operand(struct cpu *cpu, struct sgx_secinfo *ret_info)
{
    void *at;

    TRY(cpu_operand(cpu, cpu->r.rbx, sizeof *ret_info, ACCESS_READ, &at));
    memcpy(ret_info, at, sizeof *ret_info);
    return leaf_done(SGX_OK);
}

/* ------------------------------------------------------------------ EACCEPT */

UNCONFIRMED(EACCEPT_STATELESS);
UNCONFIRMED(SHADOW_STACK_TYPES);

/* The two kinds of request that there are: a page added or restricted, and a page retyped. */
static bool acceptable(const struct sgx_secinfo *info)
{
    uint64_t state = info->flags & (SGX_SECINFO_PENDING | SGX_SECINFO_MODIFIED | SGX_SECINFO_PR);

    switch (secinfo_type(info)) {
    case SGX_PT_REG:
        return state != 0 && !(state & SGX_SECINFO_MODIFIED);
    case SGX_PT_TCS:
    case SGX_PT_TRIM:
        return state == SGX_SECINFO_MODIFIED;
    default:
        return false;
    }
}

/* The page is one of ours and of a type that can be accepted. */
static bool accept_target(const struct cpu *cpu, const struct epcm *entry)
{
    return entry->valid && !entry->blocked &&
           (entry->pt == SGX_PT_REG || entry->pt == SGX_PT_TCS || entry->pt == SGX_PT_TRIM) &&
           entry->secs == cpu_secs_frame(cpu);
}

UNCONFIRMED(EACCEPT_PR);

/* The page is at the address and in the state that the enclave expects. PR is not compared. */
static bool as_expected(const struct epcm *entry, uint64_t linear, const struct sgx_secinfo *info)
{
    return entry->enclave_address == linear &&
           ((cpu_epcm_flags(entry) ^ info->flags) & ~SGX_SECINFO_PR) == 0;
}

static bool tcs_idle(const struct sgx_tcs *tcs)
{
    return !(tcs->flags & SGX_TCS_DBGOPTIN) && tcs->cssa < tcs->nssa && tcs->aep == 0 &&
           tcs->state == SGX_TCS_INACTIVE;
}

struct outcome enclu_eaccept(struct cpu *cpu)
{
    struct sgx_secinfo info;
    uint64_t linear = cpu->r.rcx, frame;
    struct epcm *entry;
    const struct sgx_tcs *tcs;

    TRY(secinfo_operand(cpu, &info));
    NEED(cpu_secinfo_reserved_clear(&info), leaf_gp());
    TRY(cpu_operand_range(cpu, linear, SGX_PAGE_SIZE));
    TRY(cpu_operand_frame(cpu, linear, ACCESS_READ, &frame));
    NEED(acceptable(&info), leaf_gp());
    entry = &cpu->epc->epcm[frame];
    NEED(accept_target(cpu, entry), cpu_enclu_pf(linear, ACCESS_READ));
    NEED(as_expected(entry, linear, &info), leaf_done(SGX_PAGE_ATTRIBUTES_MISMATCH));
    NEED(cpu_track_settled(cpu->epc->state, entry), leaf_done(SGX_NOT_TRACKED));
    tcs = epc_frame(cpu->epc, frame);
    NEED(entry->pt != SGX_PT_TCS || (cpu_tcs_wellformed(tcs, cpu_secs(cpu)) && tcs_idle(tcs)),
         leaf_gp());

    entry->pending = false;
    entry->modified = false;
    entry->pr = false;
    entry->tracked = true;
    return leaf_done(SGX_OK);
}

/* ------------------------------------------------------------------ EACCEPTCOPY */

static bool copy_target(const struct cpu *cpu, const struct epcm *entry, uint64_t linear)
{
    return entry->valid && entry->pending && !entry->modified && !entry->blocked &&
           entry->pt == SGX_PT_REG && entry->secs == cpu_secs_frame(cpu) && entry->r && entry->w &&
           !entry->x && entry->enclave_address == linear;
}

UNCONFIRMED(EACCEPTCOPY_WALK);

struct outcome enclu_eacceptcopy(struct cpu *cpu)
{
    uint64_t secinfo = cpu->r.rbx, linear = cpu->r.rcx, source = cpu->r.rdx;
    uint64_t secinfo_frame, frame, source_frame;
    struct sgx_secinfo info;
    struct epcm *entry;

    NEED(aligned(secinfo, sizeof info) && aligned(linear, SGX_PAGE_SIZE) &&
             aligned(source, SGX_PAGE_SIZE),
         leaf_gp());
    NEED(secs_contains(cpu_secs(cpu), secinfo) && secs_contains(cpu_secs(cpu), linear) &&
             secs_contains(cpu_secs(cpu), source),
         leaf_gp());
    TRY(cpu_operand_frame(cpu, secinfo, ACCESS_READ, &secinfo_frame));
    TRY(cpu_operand_frame(cpu, linear, ACCESS_WRITE, &frame));
    TRY(cpu_operand_frame(cpu, source, ACCESS_READ, &source_frame));
    TRY(cpu_operand_epcm(cpu, secinfo_frame, secinfo, ACCESS_READ));
    memcpy(&info, operand_pointer(cpu, secinfo_frame, secinfo), sizeof info);
    NEED(cpu_secinfo_reserved_clear(&info) && !secinfo_write_only(&info) &&
             secinfo_type(&info) == SGX_PT_REG,
         leaf_gp());
    TRY(cpu_operand_epcm(cpu, source_frame, source, ACCESS_READ));
    entry = &cpu->epc->epcm[frame];
    NEED(copy_target(cpu, entry, linear), leaf_done(SGX_PAGE_ATTRIBUTES_MISMATCH));

    /* The target is pending and the source is not, so they are different frames. */
    memcpy(epc_frame(cpu->epc, frame), epc_frame(cpu->epc, source_frame), SGX_PAGE_SIZE);
    cpu_epcm_set_rwx(entry, info.flags);
    entry->pending = false;
    return leaf_done(SGX_OK);
}

/* ------------------------------------------------------------------ EMODPE */

static bool extend_target(const struct cpu *cpu, const struct epcm *entry, uint64_t linear)
{
    return entry->valid && !entry->pending && !entry->modified && !entry->blocked &&
           entry->pt == SGX_PT_REG && entry->secs == cpu_secs_frame(cpu) &&
           entry->enclave_address == linear;
}

struct outcome enclu_emodpe(struct cpu *cpu)
{
    uint64_t secinfo = cpu->r.rbx, linear = cpu->r.rcx;
    uint64_t secinfo_frame, frame;
    struct sgx_secinfo info;
    struct epcm *entry;

    NEED(aligned(secinfo, sizeof info) && aligned(linear, SGX_PAGE_SIZE), leaf_gp());
    NEED(secs_contains(cpu_secs(cpu), secinfo) && secs_contains(cpu_secs(cpu), linear), leaf_gp());
    TRY(cpu_operand_frame(cpu, secinfo, ACCESS_READ, &secinfo_frame));
    TRY(cpu_operand_frame(cpu, linear, ACCESS_READ, &frame));
    TRY(cpu_operand_epcm(cpu, secinfo_frame, secinfo, ACCESS_READ));
    memcpy(&info, operand_pointer(cpu, secinfo_frame, secinfo), sizeof info);
    NEED(cpu_secinfo_reserved_clear(&info), leaf_gp());
    entry = &cpu->epc->epcm[frame];
    NEED(extend_target(cpu, entry, linear), cpu_enclu_pf(linear, ACCESS_READ));
    NEED(entry->r || !secinfo_write_only(&info), leaf_gp());

    cpu_epcm_set_rwx(entry, cpu_epcm_flags(entry) | info.flags);
    return leaf_done(SGX_OK);
}
