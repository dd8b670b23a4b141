/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ioctls that only the model has: see aperture/model.h.
 */
#include <errno.h>
#include <string.h>

#include "driver/hostile.h"
#include "driver/reclaim.h"
#include "driver/share.h"
#include "trace.h"

static int answer(void *argument, const void *value, size_t size)
{
    return user_write((uint64_t)(uintptr_t)argument, value, size);
}

static uint64_t secinfo_of(const struct epcm *m)
{
    return (m->r ? SGX_SECINFO_R : 0) | (m->w ? SGX_SECINFO_W : 0) | (m->x ? SGX_SECINFO_X : 0) |
           (m->pending ? SGX_SECINFO_PENDING : 0) | (m->modified ? SGX_SECINFO_MODIFIED : 0) |
           (m->pr ? SGX_SECINFO_PR : 0) | SGX_SECINFO_PT(m->pt);
}

static int query_epcm(struct enclave *e, void *argument)
{
    struct sgx2_epcm_query query;
    const struct record *record;

    if (user_read(&query, (uint64_t)(uintptr_t)argument, sizeof query) < 0)
        return -EFAULT;
    if (!e->file->created || query.offset % SGX_PAGE_SIZE || query.offset >= e->file->size)
        return -EINVAL;
    record = &e->records[query.offset >> SGX_PAGE_SHIFT];
    query.present = record->present;
    query.evicted = record->present && record->where == RECORD_OUT;
    query.secinfo = 0;
    if (query.evicted)
        query.secinfo = backing_pcmd(e, query.offset >> SGX_PAGE_SHIFT)->secinfo.flags;
    else if (query.present)
        query.secinfo = secinfo_of(&e->epc.epcm[record->frame]);
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

    if (reclaim_load_wait(e, page) < 0)
        return -EIO;
    if (!record->present)
        return -EINVAL;
    inside_bury_dead(e);
    outcome = cpu_eremove(&e->epc, epc_address(&e->epc, record->frame));
    COUNT(e, encls[SGX_EREMOVE]);
    TRACE_EVENT(e, TRACE_ENCLS, "EREMOVE", trace_offset(page << SGX_PAGE_SHIFT),
                trace_flag("hostile", "(hostile)", true), trace_leaf_result(outcome));
    r = hostile_result(outcome, act);
    if (r < 0)
        return r;
    pagetable_zap(e, page, page + 1);
    epcfile_discard(e, record->frame);
    epcfile_uncount_page(e);
    reclaim_page_gone(e, page);
    memset(record, 0, sizeof *record);
    share_page_changed(e, page);
    return 0;
}

/* EAUG beside whatever stands there: the old frame stays valid, the page table shows the new one.
 */
static int hostile_eaug(struct enclave *e, uint64_t page, struct sgx2_hostile *act)
{
    const struct vma *vma;
    struct outcome outcome;
    uint64_t frame;
    int r;

    r = reclaim_prepare_wait(e, page);
    if (r < 0)
        return r == -ENOMEM ? r : -EIO;
    vma = vma_find(e, page_address(e, page));
    frame = frame_for(e, page);
    if (frame == FRAME_NONE)
        return -ENOMEM;
    outcome = fault_eaug(e, page, (uint32_t)frame);
    if (outcome.kind == LEAF_DONE && vma)
        pagetable_insert(e, page, (uint32_t)frame, vma->prot);
    share_page_changed(e, page);
    return hostile_result(outcome, act);
}

/* A rule for as long as it is not undone. */
static int put(struct enclave *e, const struct rule *rule)
{
    return rules_put(&e->file->rules, rule) ? 0 : -ENOSPC;
}

int hostile_act(struct enclave *e, struct sgx2_hostile *ret_act)
{
    struct sgx2_hostile act = *ret_act;
    uint64_t page;
    int r;

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
        r = put(e,
                &(struct rule){
                    .operations = act.value ? RULE_BIT(RULE_RESTRICT) | RULE_BIT(RULE_MODIFY) : 0,
                    .when = RULE_FIRST,
                    .k = act.value,
                    .last = UINT64_MAX,
                    .what = RULE_LIE,
                });
        break;
    case SGX2_HOSTILE_DENY_EAUG:
        r = put(e, &(struct rule){
                       .operations = act.value ? RULE_BIT(RULE_EAUG) : 0,
                       .last = UINT64_MAX,
                       .what = RULE_REFUSE,
                   });
        break;
    case SGX2_HOSTILE_EVICT:
        r = reclaim_evict(e, page);
        break;
    case SGX2_HOSTILE_KEEP:
        r = reclaim_keep(e, page);
        break;
    case SGX2_HOSTILE_REPLAY:
        if (act.value % SGX_PAGE_SIZE || act.value >= e->file->size)
            return -EINVAL;
        r = reclaim_replay(e, page, act.value >> SGX_PAGE_SHIFT);
        break;
    case SGX2_HOSTILE_INTERRUPT:
        r = put(e, &(struct rule){
                       .operations = act.value ? RULE_ENTRIES : 0,
                       .when = RULE_FIRST,
                       .k = 1,
                       .last = UINT64_MAX,
                       .what = RULE_INTERRUPT,
                       .a = act.value,
                       .b = 1 + (uint64_t)(uint8_t)act.vector,
                   });
        break;
    default:
        return -EINVAL;
    }
    *ret_act = act;
    return r;
}

static int hostile_now(struct enclave *e, void *argument)
{
    struct sgx2_hostile act;
    int r;

    if (user_read(&act, (uint64_t)(uintptr_t)argument, sizeof act) < 0)
        return -EFAULT;
    r = hostile_act(e, &act);
    return answer(argument, &act, sizeof act) < 0 ? -EFAULT : r;
}

int ioctl_instrument(struct enclave *e, unsigned long request, void *argument)
{
    if (count_is_request(request))
        return count_ioctl(e, request, argument);
    switch (request) {
    case SGX2_MODEL_HOSTILE:
        return hostile_now(e, argument);
    case SGX2_MODEL_RULES:
        return hostile_ioctl_rules(e, argument);
    case SGX2_MODEL_STRUCK:
        return hostile_ioctl_struck(e, argument);
    case SGX2_MODEL_EPCM:
        return query_epcm(e, argument);
    case SGX2_MODEL_EINIT_CODE:
        return answer(argument, &e->file->einit_code, sizeof e->file->einit_code);
    case SGX2_MODEL_EDBGRD:
    case SGX2_MODEL_EDBGWR:
        return ioctl_debug(e, request == SGX2_MODEL_EDBGWR, argument);
    default:
        return -ENOTTY;
    }
}
