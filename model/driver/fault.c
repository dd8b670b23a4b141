/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page faults in ELRANGE, as the x86 fault handler and the driver's fault handler treat them
 * (arch/x86/mm/fault.c, arch/x86/kernel/cpu/sgx/encl.c).
 */
#include <errno.h>
#include <sys/mman.h>

#include "driver/hostile.h"
#include "driver/reclaim.h"
#include "trace.h"
#include "unconfirmed.h"

uint64_t frame_for(const struct enclave *e, uint64_t page)
{
    if (!e->epc.epcm[1 + page].valid)
        return 1 + page;
    for (uint64_t frame = e->file->reclaim.va_first - EPC_SPARE_FRAMES;
         frame < e->file->reclaim.va_first; frame++)
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
    TRACE_EVENT(e, TRACE_ENCLS, "EAUG", trace_offset(page << SGX_PAGE_SHIFT),
                trace_flags(SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING),
                trace_leaf_result(outcome));
    if (outcome.kind == LEAF_DONE) {
        epcfile_count_page(e);
        if (e->records[page].present)
            reclaim_page_gone(e, page);
        e->records[page] = (struct record){
            .frame = frame,
            .present = true,
            .type = SGX_PT_REG,
            .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        };
        reclaim_page_added(e, page);
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

/* The page is in the EPC: vmf_insert_pfn(). */
static enum fault_result map_page(struct enclave *e, uint64_t page, const struct vma *vma)
{
    pagetable_insert(e, page, e->records[page].frame, vma->prot);
    reclaim_page_touched(e, page);
    return FAULT_RETRY;
}

/* sgx_encl_eaug_page(), once there is room for the page. */
static enum fault_result add_page(struct enclave *e, uint64_t page, const struct vma *vma)
{
    const uint64_t frame = frame_for(e, page);
    enum fault_result result;

    if (hostile(e, RULE_BIT(RULE_EAUG)) && hostile_fault(e, page, &result))
        return result;
    if (frame == FRAME_NONE || fault_eaug(e, page, (uint32_t)frame).kind != LEAF_DONE)
        return FAULT_BUS;
    COUNT(e, eaug_faults);
    return map_page(e, page, vma);
}

UNCONFIRMED(FAULT_RACE);

/* sgx_vma_fault(). False: the lock was given up for a while, look again at all. */
static bool device_fault(struct enclave *e, uint64_t page, const struct vma *vma,
                         enum fault_result *ret)
{
    const struct record *record = &e->records[page];
    int r = -EFAULT;

    if (record->present && !(vma->prot & ~record->max_prot))
        r = reclaim_load(e, page);
    else if (!record->present && e->file->initialized && profile_adds_pages(e->file->profile))
        r = reclaim_prepare(e);
    if (r < 0)
        *ret = FAULT_BUS;
    else
        *ret = record->present ? map_page(e, page, vma) : add_page(e, page, vma);
    return r != -EAGAIN;
}

/* The same of a fault at any address: arch/x86/mm/fault.c comes first. */
static bool settle(struct enclave *e, uint64_t address, uint32_t pfec, enum fault_result *ret)
{
    const struct vma *vma = vma_find(e, address);

    *ret = FAULT_SEGV;
    if (!vma || access_error(vma, pfec))
        return true;
    *ret = FAULT_BUS;
    return !enclave_contains(e, address) || device_fault(e, enclave_page(e, address), vma, ret);
}

/* Rules may do something first, where there is no page. The lock may be dropped. */
static void misbehave(struct enclave *e, uint64_t address, uint32_t pfec)
{
    const struct vma *vma = vma_find(e, address);

    if (vma && !access_error(vma, pfec) && enclave_contains(e, address) &&
        !e->records[enclave_page(e, address)].present)
        hostile_before(e, RULE_EAUG, address - e->file->base, 1);
}

/* Those of the enclave and of the leaves that enter it have a readable line already. */
static void trace(const struct enclave *e, uint64_t address, uint32_t pfec, enum fault_by by)
{
    static const char *const names[] = {
        [FAULT_BY_HOST] = "host", [FAULT_BY_ENCLAVE] = "enclave", [FAULT_BY_ENTRY] = "entry"};

    if (!enclave_contains(e, address))
        TRACE_DATA(e, TRACE_FAULT, names[by], trace_hex("address", "%:", address),
                   trace_number("error_code", NULL, pfec), trace_access(pfec));
    else if (by == FAULT_BY_HOST)
        TRACE_EVENT(e, TRACE_FAULT, names[by], trace_hex("offset", "+%:", address - e->file->base),
                    trace_number("error_code", NULL, pfec), trace_access(pfec));
    else
        TRACE_DATA(e, TRACE_FAULT, names[by], trace_offset(address - e->file->base),
                   trace_number("error_code", NULL, pfec), trace_access(pfec));
}

enum fault_result fault_handle(struct enclave *e, uint64_t address, uint32_t pfec, enum fault_by by)
{
    enum fault_result result;

    COUNT(e, page_faults);
    if (__builtin_expect(trace_enabled, 0))
        trace(e, address, pfec, by);
    if (hostile(e, RULE_BIT(RULE_EAUG)))
        misbehave(e, address, pfec);
    while (!settle(e, address, pfec, &result))
        ;
    return result;
}
