/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages leave the EPC, and how: sgx_reclaim_pages() and what it rests on.
 */
#include "driver/reclaim.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "driver/share.h"
#include "trace.h"

/* ------------------------------------------------------------------ the list */

/* Without a limit nobody looks at the list, so nobody keeps it. */
static bool is_limited(const struct enclave *e)
{
    return e->file->epc_limit != UINT64_MAX;
}

static void enlist(struct enclave *e, uint64_t page)
{
    struct epc_reclaim *r = &e->file->reclaim;
    struct record *record = &e->records[page];
    const uint32_t link = (uint32_t)(1 + page);

    if (!is_limited(e) || record->listed)
        return;
    record->listed = 1;
    record->next = 0;
    record->previous = r->last;
    *(r->last ? &e->records[r->last - 1].next : &r->first) = link;
    r->last = link;
    r->count++;
}

static void delist(struct enclave *e, uint64_t page)
{
    struct epc_reclaim *r = &e->file->reclaim;
    struct record *record = &e->records[page];

    if (!record->listed)
        return;
    *(record->previous ? &e->records[record->previous - 1].next : &r->first) = record->next;
    *(record->next ? &e->records[record->next - 1].previous : &r->last) = record->previous;
    record->listed = 0;
    r->count--;
}

void reclaim_page_added(struct enclave *e, uint64_t page)
{
    e->file->reclaim.versioned++;
    enlist(e, page);
}

void reclaim_page_gone(struct enclave *e, uint64_t page)
{
    struct record *record = &e->records[page];

    e->file->reclaim.versioned--;
    delist(e, page);
    if (record->where == RECORD_OUT) {
        version_free(e, record->frame);
        backing_discard(e, page);
    }
}

void reclaim_page_back(struct enclave *e, uint64_t page)
{
    e->records[page].young = 0;
    enlist(e, page);
}

/* ------------------------------------------------------------------ a batch */

/* From the head of the list: the young to its end, the old into the batch. */
static void choose(struct enclave *e)
{
    struct epc_reclaim *r = &e->file->reclaim;
    const uint64_t quarter = e->file->epc_limit / 4;
    uint64_t look = quarter > EPC_BATCH ? EPC_BATCH : quarter + !quarter;

    for (look = look < r->count ? look : r->count; look; look--) {
        const uint64_t page = r->first - 1;

        delist(e, page);
        if (e->records[page].young) {
            e->records[page].young = 0;
            enlist(e, page);
        } else {
            r->leaving[r->leaving_count++] = page;
        }
    }
}

/* No process's page table shows them: ours at once, the others' before they can enter again. */
static void zap(struct enclave *e)
{
    const struct epc_reclaim *r = &e->file->reclaim;

    for (uint32_t i = 0, end; i < r->leaving_count; i = end) {
        for (end = i + 1; end < r->leaving_count && r->leaving[end] == r->leaving[end - 1] + 1;)
            end++;
        pagetable_zap(e, r->leaving[i], r->leaving[end - 1] + 1);
    }
    for (uint32_t i = 0; i < r->leaving_count; i++)
        share_page_changed(e, r->leaving[i]);
}

static void block(struct enclave *e)
{
    const struct epc_reclaim *r = &e->file->reclaim;

    zap(e);
    for (uint32_t i = 0; i < r->leaving_count; i++) {
        struct record *record = &e->records[r->leaving[i]];
        const struct outcome outcome = cpu_eblock(&e->epc, epc_address(&e->epc, record->frame));

        COUNT(e, encls[SGX_EBLOCK]);
        TRACE_EVENT(e, TRACE_ENCLS, "EBLOCK", trace_offset(r->leaving[i] << SGX_PAGE_SHIFT),
                    trace_leaf_result(outcome));
        record->where = RECORD_LEAVING;
    }
}

struct outcome reclaim_etrack(struct enclave *e)
{
    const struct outcome outcome = cpu_etrack(&e->epc, epc_address(&e->epc, EPC_SECS_FRAME));

    COUNT(e, encls[SGX_ETRACK]);
    TRACE_EVENT(e, TRACE_ENCLS, "ETRACK", trace_leaf_result(outcome));
    return outcome;
}

/* ------------------------------------------------------------------ EWB */

/*
 * Write a page out. False: threads may know it still. Any other refusal is none of the enclave's or
 * the kernel's doing: the page is blocked and can neither stay nor leave.
 */
static bool ewb(struct enclave *e, uint64_t index, uint64_t frame, uint32_t *ret_slot)
{
    const uint32_t slot = version_take(e);
    struct sgx_pageinfo info = {
        .srcpge = (uint64_t)(uintptr_t)backing_page(e, index),
        .secinfo = (uint64_t)(uintptr_t)backing_pcmd(e, index),
    };
    struct outcome outcome;

    outcome = cpu_ewb(&e->epc, (uint64_t)(uintptr_t)&info, epc_address(&e->epc, frame),
                      version_address(e, slot));
    COUNT(e, encls[SGX_EWB]);
    TRACE_EVENT(e, TRACE_ENCLS, "EWB", trace_offset(index << SGX_PAGE_SHIFT),
                trace_leaf_result(outcome));
    if (outcome.kind == LEAF_DONE && outcome.code == SGX_NOT_TRACKED) {
        version_free(e, slot);
        return false;
    }
    if (outcome.kind != LEAF_DONE || outcome.code != SGX_OK) {
        fputs("aperture: the model cannot evict a page: no memory?\n", stderr);
        abort();
    }
    epcfile_discard(e, frame);
    epcfile_uncount_page(e);
    COUNT(e, evicted);
    *ret_slot = slot;
    return true;
}

/* Nothing of the enclave is left in the EPC but its SECS. */
static void evict_secs(struct enclave *e)
{
    struct epc_reclaim *r = &e->file->reclaim;

    if (e->file->initialized && !r->secs_out && e->file->state.children == 0)
        r->secs_out = ewb(e, backing_secs(e), EPC_SECS_FRAME, &r->secs_slot);
}

/*
 * A thread that is stopped inside has stepped aside (stopped.c): nobody waits for it, but its exit
 * will write to its TCS and its frame in the SSA. Nobody else can be inside on a blocked page that
 * the processor lets go.
 */
static bool is_stood_on(const struct enclave *e, uint64_t page)
{
    const uint64_t address = page_address(e, page);
    const struct sgx_secs *secs = epc_frame(&e->epc, EPC_SECS_FRAME);
    const uint64_t frame_size = (uint64_t)secs->ssa_frame_size << SGX_PAGE_SHIFT;

    for (uint32_t i = 0; i < e->file->inside_used; i++) {
        const struct epc_inside *in = &e->file->inside[i];

        /* GPRSGX lies in the last page of the frame. */
        if (in->process && (in->tcs == address ||
                            e->epc.epcm[in->ssa_gpr_frame].enclave_address - address < frame_size))
            return true;
    }
    return false;
}

/* Such a page comes back at once, and its thread has a chance to go on. */
static void give_back(struct enclave *e, uint64_t page)
{
    if (reclaim_return(e, page) < 0) {
        fputs("aperture: the model cannot bring a page of a stopped thread back\n", stderr);
        abort();
    }
    enclave_unlock(e);
    sched_yield();
    enclave_lock(e);
}

/* The first page of the batch is out. */
static void done(struct enclave *e, bool stood_on)
{
    struct epc_reclaim *r = &e->file->reclaim;
    const uint64_t page = r->leaving[r->leaving_next++];

    e->records[page].where = RECORD_OUT;
    if (stood_on)
        give_back(e, page);
    else if (r->leaving_next == r->leaving_count)
        evict_secs(e);
}

/* Until the batch is out, whoever chose it. The lock is given up while threads must leave. */
static void finish(struct enclave *e)
{
    struct epc_reclaim *r = &e->file->reclaim;

    while (r->leaving_next < r->leaving_count) {
        const uint64_t page = r->leaving[r->leaving_next];
        const bool stood_on = e->file->state.active && is_stood_on(e, page);
        struct record *record = &e->records[page];

        if (ewb(e, page, record->frame, &record->frame))
            done(e, stood_on);
        else if (cpu_tracking_incomplete(&e->epc))
            run_kick_all(e);
        else
            reclaim_etrack(e);
    }
    r->leaving_next = r->leaving_count = 0;
}

int reclaim_room(struct enclave *e, uint64_t pages)
{
    struct epc_reclaim *r = &e->file->reclaim;

    if (!r->leaving_count) {
        if (e->file->counters.epc_pages + pages <= e->file->epc_limit)
            return 0;
        while (r->count && !r->leaving_count)
            choose(e);
        if (!r->leaving_count)
            return -ENOMEM;
        block(e);
    }
    finish(e);
    return -EAGAIN;
}

int reclaim_evict(struct enclave *e, uint64_t page)
{
    struct epc_reclaim *r = &e->file->reclaim;

    finish(e);
    if (!e->records[page].present)
        return -EINVAL;
    if (e->records[page].where == RECORD_OUT)
        return 0;
    delist(e, page);
    r->leaving[r->leaving_count++] = page;
    block(e);
    finish(e);
    return 0;
}
