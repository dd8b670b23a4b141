/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page faults in ELRANGE, as the x86 fault handler and the driver's fault handler treat them
 * (arch/x86/mm/fault.c, arch/x86/kernel/cpu/sgx/encl.c).
 */
#include <sys/mman.h>

#include "driver/enclave.h"
#include "trace.h"

uint64_t frame_for(const struct enclave *e, uint64_t page)
{
    if (!e->epc.epcm[1 + page].valid)
        return 1 + page;
    for (uint64_t frame = e->file->frame_count - EPC_SPARE_FRAMES; frame < e->file->frame_count;
         frame++)
        if (!e->epc.epcm[frame].valid)
            return frame;
    return FRAME_NONE;
}

struct outcome fault_eaug(struct enclave *e, uint64_t page, uint32_t frame)
{
    struct sgx_pageinfo info = {
        .linaddr = page_address(e, page),
        .secs = epc_address(&e->epc, EPC_SECS_FRAME),
    };
    struct outcome outcome;

    outcome = cpu_eaug(&e->epc, (uint64_t)(uintptr_t)&info, epc_address(&e->epc, frame));
    COUNT(e, encls[SGX_EAUG]);
    TRACE("ENCLS", "EAUG         +%#llx REG rw- PENDING -> %s",
          (unsigned long long)(page << SGX_PAGE_SHIFT), trace_outcome(outcome).buf);
    if (outcome.kind == LEAF_DONE) {
        epcfile_count_page(e);
        e->records[page] = (struct record){
            .frame = frame,
            .present = true,
            .type = SGX_PT_REG,
            .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        };
    }
    return outcome;
}

/* access_error(): would the mapping refuse, whatever the page? */
static bool access_error(const struct vma *vma, uint32_t pfec)
{
    if (pfec & (SGX_PFEC_SGX | SGX_PFEC_PK))
        return true;
    if (pfec & SGX_PFEC_W)
        return !(vma->prot & PROT_WRITE);
    if (pfec & SGX_PFEC_P)
        return true;
    return vma->prot == PROT_NONE;
}

/* sgx_vma_fault() */
static enum fault_result device_fault(struct enclave *e, uint64_t page, const struct vma *vma)
{
    struct record *record = &e->records[page];
    uint64_t frame;

    if (!record->present) {
        if (!e->file->initialized || !profile_adds_pages(e->file->profile) || e->file->deny_eaug ||
            epcfile_full(e))
            return FAULT_BUS;
        frame = frame_for(e, page);
        if (frame == FRAME_NONE || fault_eaug(e, page, (uint32_t)frame).kind != LEAF_DONE)
            return FAULT_BUS;
        COUNT(e, eaug_faults);
    } else if (vma->prot & ~record->max_prot) {
        return FAULT_BUS;
    }
    pagetable_insert(e, page, record->frame, vma->prot);
    return FAULT_RETRY;
}

enum fault_result fault_handle(struct enclave *e, uint64_t address, uint32_t pfec)
{
    const struct vma *vma = vma_find(e, address);

    COUNT(e, page_faults);
    if (!vma || access_error(vma, pfec))
        return FAULT_SEGV;
    if (!enclave_contains(e, address))
        return FAULT_BUS;
    return device_fault(e, enclave_page(e, address), vma);
}
