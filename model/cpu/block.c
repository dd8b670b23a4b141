/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two leaves that prepare for paging: a page to keep versions in, and a page to be evicted.
 */
#include "cpu/epcm.h"
#include "cpu/operand.h"
#include "cpu/track.h"

#include <string.h>

struct outcome cpu_epa(struct epc *epc, uint64_t rbx_type, uint64_t rcx_epc)
{
    uint64_t frame;

    NEED(rbx_type == SGX_PT_VA && aligned(rcx_epc, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_epc, &frame), cpu_encls_pf(rcx_epc));
    NEED(!epc->epcm[frame].valid, cpu_encls_pf(rcx_epc));

    memset(epc_frame(epc, frame), 0, SGX_PAGE_SIZE);
    epc->epcm[frame] = (struct epcm){.valid = true, .pt = SGX_PT_VA, .tracked = true};
    return leaf_done(SGX_OK);
}

struct outcome cpu_eblock(struct epc *epc, uint64_t rcx_epc)
{
    struct epcm *entry;
    uint64_t frame;

    NEED(aligned(rcx_epc, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_epc, &frame), cpu_encls_pf(rcx_epc));
    entry = &epc->epcm[frame];
    NEED(entry->valid, leaf_done(SGX_PG_INVLD));
    NEED(entry->pt != SGX_PT_SECS, leaf_carry(SGX_PG_IS_SECS));
    NEED(epcm_type_owned(entry->pt), leaf_carry(SGX_NOTBLOCKABLE));
    NEED(!entry->blocked, leaf_carry(SGX_BLKSTATE));

    entry->blocked = true;
    cpu_track_stamp(epc->state, entry);
    return leaf_done(SGX_OK);
}
