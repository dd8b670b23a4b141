/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ioctls that only the model has: see aperture/model.h.
 */
#include <errno.h>
#include <string.h>

#include "driver/share.h"
#include "trace.h"

static int answer(void *argument, const void *value, size_t size)
{
    return user_write((uint64_t)(uintptr_t)argument, value, size);
}

static int query_epcm(struct enclave *e, void *argument)
{
    struct sgx2_epcm_query query;
    const struct epcm *m;

    if (user_read(&query, (uint64_t)(uintptr_t)argument, sizeof query) < 0)
        return -EFAULT;
    if (!e->file->created || query.offset % SGX_PAGE_SIZE || query.offset >= e->file->size)
        return -EINVAL;
    query.present = e->records[query.offset >> SGX_PAGE_SHIFT].present;
    query.secinfo = 0;
    if (query.present) {
        m = &e->epc.epcm[e->records[query.offset >> SGX_PAGE_SHIFT].frame];
        query.secinfo = (m->r ? SGX_SECINFO_R : 0) | (m->w ? SGX_SECINFO_W : 0) |
                        (m->x ? SGX_SECINFO_X : 0) | (m->pending ? SGX_SECINFO_PENDING : 0) |
                        (m->modified ? SGX_SECINFO_MODIFIED : 0) | (m->pr ? SGX_SECINFO_PR : 0) |
                        SGX_SECINFO_PT(m->pt);
    }
    return answer(argument, &query, sizeof query);
}

/* Leaves can fault or refuse: EIO or EPERM, with the code for the curious. */
static int hostile_result(struct outcome outcome, struct sgx2_hostile *act)
{
    act->code = outcome.code;
    if (outcome.kind != LEAF_DONE)
        return -EIO;
    return outcome.code == SGX_OK ? 0 : -EPERM;
}

/* Threads inside make EREMOVE refuse, so a hostile kernel forces them out and keeps them out. */
static int hostile_remove(struct enclave *e, uint64_t page, struct sgx2_hostile *act)
{
    struct record *record = &e->records[page];
    struct outcome outcome;
    int r;

    if (!record->present)
        return -EINVAL;
    inside_bury_dead(e);
    outcome = cpu_eremove(&e->epc, epc_address(&e->epc, record->frame));
    COUNT(e, encls[SGX_EREMOVE]);
    TRACE("ENCLS", "EREMOVE      +%#llx (hostile) -> %s",
          (unsigned long long)(page << SGX_PAGE_SHIFT), trace_outcome(outcome).buf);
    r = hostile_result(outcome, act);
    if (r < 0)
        return r;
    pagetable_zap(e, page, page + 1);
    epcfile_discard(e, record->frame);
    epcfile_uncount_page(e);
    memset(record, 0, sizeof *record);
    share_page_changed(e, page);
    return 0;
}

/* EAUG beside whatever stands there: the old frame stays valid, the page table shows the new one.
 */
static int hostile_eaug(struct enclave *e, uint64_t page, struct sgx2_hostile *act)
{
    const struct vma *vma = vma_find(e, page_address(e, page));
    uint64_t frame = frame_for(e, page);
    struct outcome outcome;

    if (frame == FRAME_NONE)
        return -ENOMEM;
    outcome = fault_eaug(e, page, (uint32_t)frame);
    if (outcome.kind == LEAF_DONE && vma)
        pagetable_insert(e, page, (uint32_t)frame, vma->prot);
    share_page_changed(e, page);
    return hostile_result(outcome, act);
}

static int hostile(struct enclave *e, void *argument)
{
    struct sgx2_hostile act;
    uint64_t page;
    int r;

    if (user_read(&act, (uint64_t)(uintptr_t)argument, sizeof act) < 0)
        return -EFAULT;
    if (!e->file->initialized || act.offset % SGX_PAGE_SIZE || act.offset >= e->file->size)
        return -EINVAL;
    page = act.offset >> SGX_PAGE_SHIFT;
    act.code = 0;

    switch (act.act) {
    case SGX2_HOSTILE_EAUG:
        r = hostile_eaug(e, page, &act);
        break;
    case SGX2_HOSTILE_REPLACE:
        r = hostile_remove(e, page, &act);
        if (r == 0)
            r = hostile_eaug(e, page, &act);
        break;
    case SGX2_HOSTILE_REMOVE:
        r = hostile_remove(e, page, &act);
        break;
    case SGX2_HOSTILE_SKIP:
        e->file->hostile_skips = act.value;
        r = 0;
        break;
    case SGX2_HOSTILE_DENY_EAUG:
        e->file->deny_eaug = act.value != 0;
        r = 0;
        break;
    case SGX2_HOSTILE_INTERRUPT:
        e->file->interrupt_after = act.value;
        e->file->interrupt_vector = act.vector;
        r = 0;
        break;
    default:
        return -EINVAL;
    }
    if (answer(argument, &act, sizeof act) < 0)
        return -EFAULT;
    return r;
}

int ioctl_instrument(struct enclave *e, unsigned long request, void *argument)
{
    switch (request) {
    case SGX2_MODEL_COUNTERS:
        return answer(argument, &e->file->counters, sizeof e->file->counters);
    case SGX2_MODEL_HOSTILE:
        return hostile(e, argument);
    case SGX2_MODEL_EPCM:
        return query_epcm(e, argument);
    case SGX2_MODEL_EINIT_CODE:
        return answer(argument, &e->file->einit_code, sizeof e->file->einit_code);
    default:
        return -ENOTTY;
    }
}
