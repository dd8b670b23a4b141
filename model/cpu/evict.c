/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/epcm.h"
#include "cpu/paging.h"
#include "cpu/secspage.h"
#include "cpu/track.h"
#include "cpu/unconfirmed.h"

#include <openssl/rand.h>
#include <string.h>

/* ------------------------------------------------------------------ versions */

/* The low three bits of a slot are not part of the version: EDBGRD masks them off. */
#define VERSION_STEP 8u

/*
 * The first version of an EPC is random: several EPCs may have one platform secret and thus one
 * paging key, and neither may a nonce come twice nor may a page of one pass in another. Zero is an
 * empty slot, so it is stepped over. False only if libcrypto has no random numbers.
 */
static bool next_version(const struct enclave_state *state, uint64_t *ret_version)
{
    uint64_t last = state->last_version;

    if (last == 0 && RAND_bytes((unsigned char *)&last, sizeof last) != 1)
        return false;
    last = last - last % VERSION_STEP + VERSION_STEP;
    *ret_version = last == 0 ? VERSION_STEP : last;
    return true;
}

/* ------------------------------------------------------------------ EWB */

UNCONFIRMED(EWB_EBLOCK);

/* A code that refuses, or SGX_OK. A version array may go at any time. */
static uint32_t evictable(const struct epc *epc, const struct epcm *entry)
{
    if (entry->pt == SGX_PT_SECS)
        return epc->state->children > 0 ? SGX_CHILD_PRESENT : SGX_OK;
    if (!epcm_type_owned(entry->pt))
        return SGX_OK;
    if (!entry->blocked)
        return SGX_PAGE_NOT_BLOCKED;
    return cpu_track_settled(epc->state, entry) ? SGX_OK : SGX_NOT_TRACKED;
}

/* Everything but the MAC. */
static void describe(const struct epc *epc, const struct epcm *entry, struct sgx_pcmd *ret_pcmd,
                     struct page_header *ret_header)
{
    const bool owned = epcm_type_owned(entry->pt);

    *ret_pcmd = (struct sgx_pcmd){
        .secinfo.flags = cpu_epcm_flags(entry),
        .enclave_id = owned || entry->pt == SGX_PT_SECS ? epc->state->eid : 0,
    };
    *ret_header = (struct page_header){
        .eid = owned ? epc->state->eid : 0,
        .linaddr = entry->enclave_address,
    };
    memcpy(ret_header->secinfo, &ret_pcmd->secinfo, sizeof ret_header->secinfo);
}

/* The page as it goes out: a SECS is joined by what else there is of its enclave. */
static void content(const struct epc *epc, uint64_t frame, void *ret_page)
{
    if (epc->epcm[frame].pt == SGX_PT_SECS)
        cpu_secs_pack(epc_frame(epc, frame), epc->state, ret_page);
    else
        memcpy(ret_page, epc_frame(epc, frame), SGX_PAGE_SIZE);
}

static void leave(struct epc *epc, struct epcm *entry)
{
    if (entry->pt == SGX_PT_SECS)
        cpu_secs_forget(epc->state);
    else if (epcm_type_owned(entry->pt))
        epc->state->children--;
    *entry = (struct epcm){0};
}

struct outcome cpu_ewb(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc, uint64_t rdx_slot)
{
    uint8_t plain[SGX_PAGE_SIZE], cipher[SGX_PAGE_SIZE];
    struct page_header header;
    struct sgx_pcmd pcmd;
    struct epcm *entry;
    uint64_t version;
    struct paging p;
    uint32_t code;
    bool occupied;

    TRY(cpu_paging_operands(epc, rbx_pageinfo, rcx_epc, rdx_slot, &p));
    NEED(p.frame != p.slot_frame, leaf_gp());
    NEED(p.page.linaddr == 0 && p.page.secs == 0, leaf_gp());
    TRY(cpu_paging_pointers(&p.page));
    entry = &epc->epcm[p.frame];
    NEED(entry->valid, cpu_encls_pf(rcx_epc));
    NEED(epc_is_version_array(epc, p.slot_frame), cpu_encls_pf(rdx_slot));
    code = evictable(epc, entry);
    NEED(code == SGX_OK, leaf_done(code));

    describe(epc, entry, &pcmd, &header);
    content(epc, p.frame, plain);
    NEED(next_version(epc->state, &version), leaf_gp());
    NEED(cpu_page_encrypt(epc->platform, version, &header, plain, cipher, pcmd.mac), leaf_gp());

    memcpy((void *)(uintptr_t)p.page.srcpge, cipher, SGX_PAGE_SIZE);
    memcpy((void *)(uintptr_t)p.page.secinfo, &pcmd, sizeof pcmd);
    ((struct sgx_pageinfo *)(uintptr_t)rbx_pageinfo)->linaddr = header.linaddr;
    occupied = *p.slot != 0;
    *p.slot = version;
    epc->state->last_version = version;
    leave(epc, entry);
    return occupied ? leaf_carry(SGX_VA_SLOT_OCCUPIED) : leaf_done(SGX_OK);
}
