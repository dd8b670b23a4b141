/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paging.h - what writing a page out and loading it again have in common (private to model/cpu)
 */
#ifndef MODEL_CPU_PAGING_H
#define MODEL_CPU_PAGING_H

#include "cpu/operand.h"
#include "cpu/pagecrypt.h"

/* The operands of EWB, ELDB and ELDU once they have been looked at. */
struct paging {
    struct sgx_pageinfo page;
    uint64_t frame;      /* of the page */
    uint64_t slot_frame; /* of the version array */
    uint64_t *slot;
};

/*
 * The checks of addresses that come first in all three leaves: PAGEINFO, EPC page and slot, in this
 * order. Nothing is known of the two frames yet.
 */
struct outcome cpu_paging_operands(const struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc,
                                   uint64_t rdx_slot, struct paging *ret_paging);

/* The pointers in PAGEINFO are aligned, else #GP. */
struct outcome cpu_paging_pointers(const struct sgx_pageinfo *page);

static inline bool epc_is_version_array(const struct epc *epc, uint64_t frame)
{
    return epc->epcm[frame].valid && epc->epcm[frame].pt == SGX_PT_VA;
}

#endif
