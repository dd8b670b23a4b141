/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger's access to the pages of a debug enclave, eight bytes at a time and whatever the EPCM
 * permits the enclave itself.
 */
#include "cpu/epcm.h"
#include "cpu/operand.h"
#include "cpu/unconfirmed.h"

#define WORD_SIZE 8u

UNCONFIRMED(TCS_LIMIT);

/* The first byte behind the architectural fields of a TCS, on a processor without CET. */
#define TCS_LIMIT offsetof(struct sgx_tcs, ocetssa)

/* The low three bits of a version array's slot are not part of the version. */
#define VERSION_MASK (~UINT64_C(7))

static struct outcome find_word(const struct epc *epc, uint64_t rcx_epc, uint64_t *ret_frame)
{
    NEED(aligned(rcx_epc, WORD_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_epc, ret_frame), cpu_encls_pf(rcx_epc));
    NEED(epc->epcm[*ret_frame].valid, cpu_encls_pf(rcx_epc));
    return leaf_done(SGX_OK);
}

static bool debuggable(const struct epc *epc, const struct epcm *entry)
{
    return epcm_secs(epc, entry)->attributes.flags & SGX_ATTR_DEBUG;
}

static uint64_t *word_at(const struct epc *epc, uint64_t frame, uint64_t address)
{
    return (uint64_t *)((uint8_t *)epc_frame(epc, frame) + address % SGX_PAGE_SIZE);
}

struct outcome cpu_edbgrd(const struct epc *epc, uint64_t rcx_epc, uint64_t *ret_rbx)
{
    const struct epcm *entry;
    const uint64_t *word;
    uint64_t frame;

    TRY(find_word(epc, rcx_epc, &frame));
    entry = &epc->epcm[frame];
    word = word_at(epc, frame, rcx_epc);
    NEED(entry->pt == SGX_PT_REG || entry->pt == SGX_PT_TCS || entry->pt == SGX_PT_VA,
         cpu_encls_pf(rcx_epc));
    NEED(!entry->pending && !entry->modified, leaf_done(SGX_PAGE_NOT_DEBUGGABLE));
    NEED(entry->pt != SGX_PT_TCS || rcx_epc % SGX_PAGE_SIZE < TCS_LIMIT, leaf_gp());
    NEED(entry->pt == SGX_PT_VA || debuggable(epc, entry), leaf_gp());

    if (entry->pt == SGX_PT_VA)
        *ret_rbx = *word & VERSION_MASK ? UINT64_MAX : 0; /* used or empty, and no more */
    else
        *ret_rbx = *word;
    return leaf_done(SGX_OK);
}

struct outcome cpu_edbgwr(struct epc *epc, uint64_t rbx_data, uint64_t rcx_epc)
{
    const struct epcm *entry;
    uint64_t frame;

    TRY(find_word(epc, rcx_epc, &frame));
    entry = &epc->epcm[frame];
    NEED(entry->pt == SGX_PT_REG || entry->pt == SGX_PT_TCS, cpu_encls_pf(rcx_epc));
    NEED(!entry->pending && !entry->modified, leaf_done(SGX_PAGE_NOT_DEBUGGABLE));
    NEED(entry->pt != SGX_PT_TCS || rcx_epc % SGX_PAGE_SIZE == offsetof(struct sgx_tcs, flags),
         leaf_gp());
    NEED(debuggable(epc, entry), leaf_gp());

    *word_at(epc, frame, rcx_epc) = rbx_data;
    return leaf_done(SGX_OK);
}
