/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/measure.h"
#include "cpu/operand.h"
#include "cpu/ssa.h"

#include <string.h>

/* CPUID.12H.0:EDX[7:0]. The model runs no 32-bit code, but such an enclave can be measured. */
#define MAX_SIZE_BITS_32 31u

static bool all_or_none(uint64_t value, uint64_t group)
{
    return (value & group) == 0 || (value & group) == group;
}

/* What XSETBV accepts on this processor, and has bits 0 and 1. */
static bool xfrm_legal(const struct cpu_features *features, uint64_t xfrm)
{
    return (xfrm & SGX_XFRM_LEGACY) == SGX_XFRM_LEGACY && (xfrm & ~features->xfrm) == 0 &&
           xfrm >> 63 == 0 && all_or_none(xfrm, SGX_XFRM_MPX) &&
           all_or_none(xfrm, SGX_XFRM_AVX512) && all_or_none(xfrm, SGX_XFRM_AMX) &&
           ((xfrm & SGX_XFRM_AVX) || !(xfrm & SGX_XFRM_AVX512));
}

static bool ssa_fits(const struct cpu_features *features, const struct sgx_secs *secs)
{
    size_t image = cpu_xsave_size(features, secs->attributes.xfrm);
    size_t need = image + cpu_misc_size(secs->miscselect) + sizeof(struct sgx_gprsgx);

    /* The second bound is the model's own: what struct cpu has room to remember. */
    return (uint64_t)secs->ssa_frame_size * SGX_PAGE_SIZE >= need &&
           image <= SSA_XSAVE_PAGES * SGX_PAGE_SIZE;
}

static bool range_legal(const struct cpu_features *features, const struct sgx_secs *secs)
{
    bool long_mode = secs->attributes.flags & SGX_ATTR_MODE64BIT;
    unsigned bits = long_mode ? features->max_size_bits : MAX_SIZE_BITS_32;

    if (long_mode ? !canonical(secs->base) : secs->base >> 32 != 0)
        return false;
    if (bits < 64 && secs->size >> bits != 0)
        return false;
    return secs->size >= SGX_SECS_MIN_SIZE && (secs->size & (secs->size - 1)) == 0 &&
           aligned(secs->base, secs->size);
}

static bool attributes_legal(const struct cpu_features *features, const struct sgx_secs *secs)
{
    uint64_t settable = features->attributes & ~(SGX_ATTR_INIT | SGX_ATTR_RESERVED);

    return (secs->attributes.flags & ~settable) == 0;
}

static bool reserved_clear(const struct sgx_secs *secs)
{
    return cpu_all_zero(secs->reserved0, sizeof secs->reserved0) &&
           cpu_all_zero(secs->reserved1, sizeof secs->reserved1) &&
           cpu_all_zero(secs->reserved2, sizeof secs->reserved2) &&
           cpu_all_zero(secs->reserved3, sizeof secs->reserved3);
}

static bool extensions_legal(const struct sgx_secs *secs)
{
    bool kss = secs->attributes.flags & SGX_ATTR_KSS;

    if (!kss && (secs->config_svn != 0 || !cpu_all_zero(secs->config_id, sizeof secs->config_id)))
        return false;
    return secs->cet_leg_bitmap_offset == 0 && secs->cet_attributes == 0; /* no CET here */
}

static bool secs_legal(const struct cpu_features *features, const struct sgx_secs *secs)
{
    return xfrm_legal(features, secs->attributes.xfrm) &&
           (secs->miscselect & ~features->miscselect) == 0 && ssa_fits(features, secs) &&
           range_legal(features, secs) && attributes_legal(features, secs) &&
           reserved_clear(secs) && extensions_legal(secs);
}

static void create(struct epc *epc, uint64_t frame, struct sgx_secs *secs)
{
    const uint64_t eid = epc->state->last_eid + 1;

    memset(secs->mrenclave, 0, sizeof secs->mrenclave);
    memset(secs->mrsigner, 0, sizeof secs->mrsigner);
    secs->isv_prod_id = 0;
    secs->isv_svn = 0;
    memcpy(epc_frame(epc, frame), secs, sizeof *secs);

    *epc->state = (struct enclave_state){
        .eid = eid,
        .exists = true,
        .last_eid = eid,
        .last_version = epc->state->last_version,
    };
    cpu_measure_ecreate(epc->state, secs);
    epc->epcm[frame] = (struct epcm){
        .valid = true,
        .pt = SGX_PT_SECS,
        .secs = (uint32_t)frame,
        .tracked = true,
    };
}

struct outcome cpu_ecreate(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc)
{
    struct sgx_pageinfo page;
    struct sgx_secinfo info;
    struct sgx_secs secs;
    uint64_t frame;

    NEED(aligned(rbx_pageinfo, sizeof page) && aligned(rcx_epc, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_epc, &frame), cpu_encls_pf(rcx_epc));
    page = read_pageinfo(rbx_pageinfo);
    NEED(aligned(page.srcpge, SGX_PAGE_SIZE) && aligned(page.secinfo, sizeof info), leaf_gp());
    NEED(page.linaddr == 0 && page.secs == 0, leaf_gp());
    info = read_secinfo(page.secinfo);
    NEED(cpu_secinfo_reserved_clear(&info) && secinfo_type(&info) == SGX_PT_SECS, leaf_gp());
    NEED(!epc->epcm[frame].valid, cpu_encls_pf(rcx_epc));
    NEED(!epc->state->exists, leaf_gp()); /* one EPC, one enclave: see cpu.h */
    memcpy(&secs, (const void *)(uintptr_t)page.srcpge, sizeof secs);
    NEED(secs_legal(epc->features, &secs), leaf_gp());

    create(epc, frame, &secs);
    return leaf_done(SGX_OK);
}
