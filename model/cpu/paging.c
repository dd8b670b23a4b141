/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/paging.h"

struct outcome cpu_paging_operands(const struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc,
                                   uint64_t rdx_slot, struct paging *ret_paging)
{
    struct paging p;

    NEED(aligned(rbx_pageinfo, sizeof p.page) && aligned(rcx_epc, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_epc, &p.frame), cpu_encls_pf(rcx_epc));
    NEED(aligned(rdx_slot, SGX_VA_SLOT_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rdx_slot, &p.slot_frame), cpu_encls_pf(rdx_slot));

    p.page = read_pageinfo(rbx_pageinfo);
    p.slot = (uint64_t *)(uintptr_t)rdx_slot;
    *ret_paging = p;
    return leaf_done(SGX_OK);
}

struct outcome cpu_paging_pointers(const struct sgx_pageinfo *page)
{
    NEED(aligned(page->secinfo, sizeof(struct sgx_pcmd)) && aligned(page->srcpge, SGX_PAGE_SIZE),
         leaf_gp());
    return leaf_done(SGX_OK);
}
