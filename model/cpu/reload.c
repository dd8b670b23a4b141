/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/epcm.h"
#include "cpu/paging.h"
#include "cpu/secspage.h"
#include "cpu/unconfirmed.h"

#include <string.h>

UNCONFIRMED(ELDU_SECS);

/* The SECS that the page shall belong to. */
static struct outcome find_owner(const struct epc *epc, const struct sgx_pageinfo *page,
                                 uint64_t *ret_secs)
{
    NEED(aligned(page->secs, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, page->secs, ret_secs), cpu_encls_pf(page->secs));
    NEED(epc_is_secs(epc, *ret_secs), cpu_encls_pf(page->secs));
    return leaf_done(SGX_OK);
}

UNCONFIRMED(ELDU_TYPE);

/* What EWB must have had before it, if all operands are what they claim to be. */
static struct page_header header_of(const struct epc *epc, const struct sgx_pageinfo *page,
                                    const struct sgx_pcmd *pcmd)
{
    struct page_header header = {
        .eid = epcm_type_owned(secinfo_type(&pcmd->secinfo)) ? epc->state->eid : 0,
        .linaddr = page->linaddr,
    };

    memcpy(header.secinfo, &pcmd->secinfo, sizeof header.secinfo);
    memcpy(header.reserved, pcmd->reserved, sizeof header.reserved);
    return header;
}

static struct outcome verify(const struct epc *epc, const struct paging *p,
                             const struct sgx_pcmd *pcmd, void *ret_page)
{
    struct page_header header = header_of(epc, &p->page, pcmd);

    switch (cpu_page_decrypt(epc->platform, *p->slot, &header,
                             (const void *)(uintptr_t)p->page.srcpge, pcmd->mac, ret_page)) {
    case PAGE_GENUINE:
        return leaf_done(SGX_OK);
    case PAGE_FORGED:
        return leaf_done(SGX_MAC_COMPARE_FAIL);
    case PAGE_UNKNOWN:
        break;
    }
    return leaf_gp(); /* no memory */
}

UNCONFIRMED(ELDB_TRACKING);

/* Nobody has seen the page since it left, blocked and tracked: no tracking is due. */
static void enter(struct epc *epc, const struct paging *p, uint64_t secs, uint64_t flags,
                  bool blocked, const void *content)
{
    struct epcm *entry = &epc->epcm[p->frame];

    *entry = (struct epcm){
        .enclave_address = p->page.linaddr,
        .secs = (uint32_t)secs,
        .pt = (uint8_t)(flags >> SGX_SECINFO_PT_SHIFT),
        .valid = true,
        .blocked = blocked,
        .pending = flags & SGX_SECINFO_PENDING,
        .modified = flags & SGX_SECINFO_MODIFIED,
        .pr = flags & SGX_SECINFO_PR,
        .tracked = true,
    };
    cpu_epcm_set_rwx(entry, flags);
    if (entry->pt == SGX_PT_SECS)
        cpu_secs_unpack(content, epc_frame(epc, p->frame), epc->state);
    else
        memcpy(epc_frame(epc, p->frame), content, SGX_PAGE_SIZE);
}

UNCONFIRMED(ELDU_SLOT);
UNCONFIRMED(ELDU_FAILED_CONTENT);

static struct outcome load(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc,
                           uint64_t rdx_slot, bool blocked)
{
    uint8_t content[SGX_PAGE_SIZE] __attribute__((aligned(8)));
    struct outcome verdict;
    struct sgx_pcmd pcmd;
    uint64_t secs = 0;
    struct paging p;
    uint8_t type;

    TRY(cpu_paging_operands(epc, rbx_pageinfo, rcx_epc, rdx_slot, &p));
    TRY(cpu_paging_pointers(&p.page));
    NEED(!epc->epcm[p.frame].valid, cpu_encls_pf(rcx_epc));
    NEED(epc_is_version_array(epc, p.slot_frame), cpu_encls_pf(rdx_slot));
    pcmd = *(const struct sgx_pcmd *)(uintptr_t)p.page.secinfo;
    type = secinfo_type(&pcmd.secinfo);
    if (epcm_type_owned(type))
        TRY(find_owner(epc, &p.page, &secs));
    verdict = verify(epc, &p, &pcmd, content);
    NEED(verdict.kind == LEAF_DONE && verdict.code == SGX_OK, verdict);
    NEED(type != SGX_PT_SECS || !epc->state->exists, leaf_gp()); /* one enclave: see cpu.h */

    if (type == SGX_PT_SECS)
        secs = p.frame;
    enter(epc, &p, secs, pcmd.secinfo.flags, blocked && epcm_type_owned(type), content);
    if (epcm_type_owned(type))
        epc->state->children++;
    *p.slot = 0;
    return leaf_done(SGX_OK);
}

struct outcome cpu_eldb(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc, uint64_t rdx_slot)
{
    return load(epc, rbx_pageinfo, rcx_epc, rdx_slot, true);
}

struct outcome cpu_eldu(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc, uint64_t rdx_slot)
{
    return load(epc, rbx_pageinfo, rcx_epc, rdx_slot, false);
}
