/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/epcm.h"
#include "cpu/measure.h"
#include "cpu/operand.h"
#include "cpu/unconfirmed.h"

#include <string.h>

/* ------------------------------------------------------------------ EADD */

UNCONFIRMED(SHADOW_STACK_TYPES);

/* The checks of EADD that look at its operands and at the EPCM. */
static struct outcome eadd_operands(const struct epc *epc, const struct sgx_pageinfo *page,
                                    uint64_t rcx_epc, uint64_t frame, uint64_t *ret_secs,
                                    struct sgx_secinfo *ret_info)
{
    NEED(aligned(page->srcpge, SGX_PAGE_SIZE) && aligned(page->secs, SGX_PAGE_SIZE) &&
             aligned(page->secinfo, sizeof *ret_info) && aligned(page->linaddr, SGX_PAGE_SIZE),
         leaf_gp());
    NEED(cpu_epc_find(epc, page->secs, ret_secs), cpu_encls_pf(page->secs));
    *ret_info = read_secinfo(page->secinfo);
    NEED(cpu_secinfo_reserved_clear(ret_info) &&
             (secinfo_type(ret_info) == SGX_PT_REG || secinfo_type(ret_info) == SGX_PT_TCS),
         leaf_gp());
    NEED(!epc->epcm[frame].valid, cpu_encls_pf(rcx_epc));
    NEED(epc_is_secs(epc, *ret_secs), cpu_encls_pf(page->secs));
    return leaf_done(SGX_OK);
}

/* A TCS starts idle, whatever the loader put in the fields that the processor owns. */
static void settle_tcs(struct sgx_tcs *tcs, struct sgx_secinfo *info)
{
    info->flags &= ~SGX_SECINFO_RWX;
    tcs->state = SGX_TCS_INACTIVE;
    tcs->flags &= ~SGX_TCS_DBGOPTIN;
    tcs->cssa = 0;
    tcs->aep = 0;
}

UNCONFIRMED(EADD_STATE_BITS);

struct outcome cpu_eadd(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc)
{
    struct sgx_pageinfo page;
    struct sgx_secinfo info;
    const struct sgx_secs *secs;
    uint64_t frame, secs_frame;
    struct sgx_tcs tcs;
    const void *content;

    NEED(aligned(rbx_pageinfo, sizeof page) && aligned(rcx_epc, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_epc, &frame), cpu_encls_pf(rcx_epc));
    page = read_pageinfo(rbx_pageinfo);
    TRY(eadd_operands(epc, &page, rcx_epc, frame, &secs_frame, &info));

    secs = epc_frame(epc, secs_frame);
    content = (const void *)(uintptr_t)page.srcpge;
    if (secinfo_type(&info) == SGX_PT_TCS) {
        memcpy(&tcs, content, sizeof tcs);
        content = &tcs;
        NEED(cpu_tcs_wellformed(&tcs, secs), leaf_gp());
        settle_tcs(&tcs, &info);
    }
    NEED(!secinfo_write_only(&info), leaf_gp());
    NEED(secs_contains(secs, page.linaddr), leaf_gp());
    NEED(!epc->state->measuring_done, leaf_gp());

    memcpy(epc_frame(epc, frame), content, SGX_PAGE_SIZE);
    cpu_measure_eadd(epc->state, page.linaddr - secs->base, &info);
    /* Measured as given, but no state bit of SECINFO reaches the EPCM. */
    info.flags &= SGX_SECINFO_RWX | SGX_SECINFO_PT_MASK;
    cpu_epcm_insert(epc, frame, secs_frame, page.linaddr, info.flags);
    return leaf_done(SGX_OK);
}

/* ------------------------------------------------------------------ EEXTEND */

static struct outcome extend(struct epc *epc, uint64_t rbx_secs, uint64_t rcx_epc, uint64_t size)
{
    uint64_t frame, secs_frame, offset;
    const struct epcm *entry;
    const struct sgx_secs *secs;

    NEED(aligned(rbx_secs, SGX_PAGE_SIZE), leaf_gp());
    NEED(aligned(rcx_epc, size), leaf_gp());
    NEED(cpu_epc_find(epc, rbx_secs, &secs_frame), cpu_encls_pf(rbx_secs));
    NEED(cpu_epc_find(epc, rcx_epc, &frame), cpu_encls_pf(rcx_epc));
    entry = &epc->epcm[frame];
    NEED(entry->valid, cpu_encls_pf(rcx_epc));
    NEED(entry->pt == SGX_PT_REG || entry->pt == SGX_PT_TCS, cpu_encls_pf(rcx_epc));
    NEED(entry->secs == secs_frame, leaf_gp());
    NEED(!epc->state->measuring_done, leaf_gp());

    secs = epc_frame(epc, secs_frame);
    offset = rcx_epc % SGX_PAGE_SIZE;
    cpu_measure_eextend(epc->state, entry->enclave_address + offset - secs->base,
                        (const uint8_t *)epc_frame(epc, frame) + offset, size / SGX_EEXTEND_SIZE);
    return leaf_done(SGX_OK);
}

struct outcome cpu_eextend(struct epc *epc, uint64_t rbx_secs, uint64_t rcx_epc)
{
    return extend(epc, rbx_secs, rcx_epc, SGX_EEXTEND_SIZE);
}

struct outcome cpu_eextend_page(struct epc *epc, uint64_t rbx_secs, uint64_t rcx_epc)
{
    return extend(epc, rbx_secs, rcx_epc, SGX_PAGE_SIZE);
}

/* ------------------------------------------------------------------ EREMOVE */

UNCONFIRMED(EREMOVE_TRIM);

/* A code that refuses, or SGX_OK. */
static uint32_t removable(const struct epc *epc, const struct epcm *entry)
{
    switch (entry->pt) {
    case SGX_PT_VA:
        return SGX_OK;
    case SGX_PT_SECS:
        return epc->state->children > 0 ? SGX_CHILD_PRESENT : SGX_OK;
    case SGX_PT_TRIM:
        /* Accepted: the enclave has promised that no thread uses the page any more. */
        if (!entry->modified)
            return SGX_OK;
        break;
    default:
        break;
    }
    return epc->state->active > 0 ? SGX_ENCLAVE_ACT : SGX_OK;
}

struct outcome cpu_eremove(struct epc *epc, uint64_t rcx_epc)
{
    struct epcm *entry;
    uint64_t frame;
    uint32_t code;

    NEED(aligned(rcx_epc, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_epc, &frame), cpu_encls_pf(rcx_epc));
    entry = &epc->epcm[frame];
    NEED(entry->valid, leaf_done(SGX_OK));
    code = removable(epc, entry);
    NEED(code == SGX_OK, leaf_done(code));

    if (entry->pt == SGX_PT_SECS)
        epc->state->exists = false;
    else if (entry->pt != SGX_PT_VA)
        epc->state->children--;
    *entry = (struct epcm){0};
    return leaf_done(SGX_OK);
}
