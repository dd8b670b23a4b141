/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/epcm.h"
#include "cpu/operand.h"
#include "cpu/track.h"
#include "cpu/unconfirmed.h"

#include <string.h>

UNCONFIRMED(SHADOW_STACK_TYPES);

struct outcome cpu_eaug(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc)
{
    struct sgx_pageinfo page;
    uint64_t frame, secs_frame;

    NEED(aligned(rbx_pageinfo, sizeof page) && aligned(rcx_epc, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_epc, &frame), cpu_encls_pf(rcx_epc));
    page = read_pageinfo(rbx_pageinfo);
    NEED(aligned(page.secs, SGX_PAGE_SIZE) && aligned(page.linaddr, SGX_PAGE_SIZE), leaf_gp());
    NEED(page.srcpge == 0 && page.secinfo == 0, leaf_gp()); /* a SECINFO is for CET only */
    NEED(cpu_epc_find(epc, page.secs, &secs_frame), cpu_encls_pf(page.secs));
    NEED(!epc->epcm[frame].valid, cpu_encls_pf(rcx_epc));
    NEED(epc_is_secs(epc, secs_frame), cpu_encls_pf(page.secs));
    NEED(epc->state->measuring_done, leaf_gp());
    NEED(secs_contains(epc_frame(epc, secs_frame), page.linaddr), leaf_gp());

    memset(epc_frame(epc, frame), 0, SGX_PAGE_SIZE);
    cpu_epcm_insert(epc, frame, secs_frame, page.linaddr,
                    SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING);
    return leaf_done(SGX_OK);
}

struct outcome cpu_emodpr(struct epc *epc, uint64_t rbx_secinfo, uint64_t rcx_epc)
{
    struct sgx_secinfo info;
    struct epcm *entry;
    uint64_t frame;

    NEED(aligned(rbx_secinfo, sizeof info) && aligned(rcx_epc, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_epc, &frame), cpu_encls_pf(rcx_epc));
    info = read_secinfo(rbx_secinfo);
    NEED(cpu_secinfo_reserved_clear(&info) && !secinfo_write_only(&info), leaf_gp());
    entry = &epc->epcm[frame];
    NEED(entry->valid, cpu_encls_pf(rcx_epc));
    NEED(!entry->pending && !entry->modified, leaf_done(SGX_PAGE_NOT_MODIFIABLE));
    NEED(entry->pt == SGX_PT_REG, cpu_encls_pf(rcx_epc));
    NEED(epc->state->measuring_done, leaf_gp());

    entry->pr = true;
    cpu_epcm_set_rwx(entry, cpu_epcm_flags(entry) & info.flags);
    cpu_track_stamp(epc->state, entry);
    return leaf_done(SGX_OK);
}

/* An ordinary page may become a TCS or be trimmed, a TCS may be trimmed; there is no way back. */
static bool may_become(uint8_t from, uint8_t to)
{
    return from == SGX_PT_REG || (from == SGX_PT_TCS && to == SGX_PT_TRIM);
}

UNCONFIRMED(EMODT_RUNNING_TCS);

struct outcome cpu_emodt(struct epc *epc, uint64_t rbx_secinfo, uint64_t rcx_epc)
{
    struct sgx_secinfo info;
    struct epcm *entry;
    uint64_t frame;
    uint8_t type;

    NEED(aligned(rbx_secinfo, sizeof info) && aligned(rcx_epc, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_epc, &frame), cpu_encls_pf(rcx_epc));
    info = read_secinfo(rbx_secinfo);
    type = secinfo_type(&info);
    NEED(cpu_secinfo_reserved_clear(&info) && (type == SGX_PT_TCS || type == SGX_PT_TRIM),
         leaf_gp());
    entry = &epc->epcm[frame];
    NEED(entry->valid, cpu_encls_pf(rcx_epc));
    NEED(may_become(entry->pt, type), cpu_encls_pf(rcx_epc));
    NEED(!entry->pending && !entry->modified, leaf_done(SGX_PAGE_NOT_MODIFIABLE));
    NEED(epc->state->measuring_done, leaf_gp());

    entry->pt = type;
    entry->pr = false;
    entry->modified = true;
    cpu_epcm_set_rwx(entry, 0);
    cpu_track_stamp(epc->state, entry);
    return leaf_done(SGX_OK);
}
