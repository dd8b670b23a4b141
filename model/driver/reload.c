/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that come back: sgx_encl_load_page() and what it rests on.
 */
#include <errno.h>

#include "driver/reclaim.h"
#include "trace.h"

/* ELDU from the backing store, which Linux gives up whatever became of it. */
static int eldu(struct enclave *e, uint64_t index, uint64_t frame, uint32_t slot)
{
    const bool secs = index == backing_secs(e);
    struct sgx_pageinfo info = {
        .linaddr = secs ? 0 : page_address(e, index),
        .srcpge = (uint64_t)(uintptr_t)backing_page(e, index),
        .secinfo = (uint64_t)(uintptr_t)backing_pcmd(e, index),
        .secs = secs ? 0 : epc_address(&e->epc, EPC_SECS_FRAME),
    };
    const uint64_t flags = backing_pcmd(e, index)->secinfo.flags;
    struct outcome outcome;

    outcome = cpu_eldu(&e->epc, (uint64_t)(uintptr_t)&info, epc_address(&e->epc, frame),
                       version_address(e, slot));
    COUNT(e, encls[SGX_ELDU]);
    TRACE_EVENT(e, TRACE_ENCLS, "ELDU", trace_offset(index << SGX_PAGE_SHIFT), trace_flags(flags),
                trace_leaf_result(outcome));
    backing_discard(e, index);
    if (outcome.kind != LEAF_DONE || outcome.code != SGX_OK)
        return -EFAULT;
    version_free(e, slot);
    epcfile_count_page(e);
    COUNT(e, reloaded);
    return 0;
}

/* The caller has made room. */
static int load_secs(struct enclave *e)
{
    struct epc_reclaim *r = &e->file->reclaim;
    int result;

    if (!r->secs_out)
        return 0;
    result = eldu(e, backing_secs(e), EPC_SECS_FRAME, r->secs_slot);
    if (result == 0)
        r->secs_out = false;
    return result;
}

int reclaim_return(struct enclave *e, uint64_t page)
{
    struct record *record = &e->records[page];
    const uint64_t frame = frame_for(e, page);
    int r;

    if (frame == FRAME_NONE)
        return -ENOMEM;
    r = eldu(e, page, frame, record->frame);
    if (r < 0)
        return r;
    record->frame = (uint32_t)frame;
    record->where = RECORD_IN;
    reclaim_page_back(e, page);
    return 0;
}

int reclaim_load(struct enclave *e, uint64_t page)
{
    const struct record *record = &e->records[page];
    int r;

    if (record->where == RECORD_IN)
        return 0;
    r = reclaim_room(e, record->where == RECORD_OUT ? 1u + e->file->reclaim.secs_out : 0);
    if (r == 0)
        r = load_secs(e);
    return r < 0 ? r : reclaim_return(e, page);
}

int reclaim_load_wait(struct enclave *e, uint64_t page)
{
    int r;

    do
        r = e->records[page].present ? reclaim_load(e, page) : 0;
    while (r == -EAGAIN);
    return r;
}

int reclaim_prepare(struct enclave *e)
{
    const bool grow = version_due(e);
    int r = reclaim_room(e, 1u + grow + e->file->reclaim.secs_out);

    if (r == 0)
        r = load_secs(e);
    if (r == 0 && grow)
        version_grow(e);
    return r;
}

int reclaim_prepare_wait(struct enclave *e, uint64_t page)
{
    int r;

    do {
        r = reclaim_load_wait(e, page);
        if (r == 0)
            r = reclaim_prepare(e);
    } while (r == -EAGAIN);
    return r;
}
