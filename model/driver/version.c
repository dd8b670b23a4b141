/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version arrays: EPC pages of 512 slots, one of which each evicted page occupies.
 *
 * Linux adds an array whenever the number of pages is a multiple of 512, so that pages which go and
 * come at that boundary leave more arrays than are needed. Here there are never more.
 */
#include <stdio.h>
#include <stdlib.h>

#include "driver/reclaim.h"
#include "trace.h"

#define WORD_BITS 64u

static uint64_t *slots(const struct enclave *e)
{
    return (uint64_t *)((uint8_t *)e->mapping + e->file->reclaim.slots_at);
}

bool version_due(const struct enclave *e)
{
    const struct epc_reclaim *r = &e->file->reclaim;

    return r->versioned == (uint64_t)r->va_used * SGX_VA_SLOT_COUNT;
}

void version_grow(struct enclave *e)
{
    struct epc_reclaim *r = &e->file->reclaim;
    const uint64_t frame = r->va_first + r->va_used;
    const struct outcome outcome = cpu_epa(&e->epc, SGX_PT_VA, epc_address(&e->epc, frame));

    COUNT(e, encls[SGX_EPA]);
    TRACE_EVENT(e, TRACE_ENCLS, "EPA", trace_number("version_array", "version array %", r->va_used),
                trace_leaf_result(outcome));
    r->va_used++;
    epcfile_count_page(e);
}

void version_drop(struct enclave *e)
{
    struct epc_reclaim *r = &e->file->reclaim;

    for (; r->va_used; r->va_used--) {
        const uint64_t frame = r->va_first + r->va_used - 1;
        const struct outcome outcome = cpu_eremove(&e->epc, epc_address(&e->epc, frame));

        COUNT(e, encls[SGX_EREMOVE]);
        TRACE_EVENT(e, TRACE_ENCLS, "EREMOVE",
                    trace_number("version_array", "version array %", r->va_used - 1),
                    trace_leaf_result(outcome));
        epcfile_discard(e, frame);
        epcfile_uncount_page(e);
    }
}

uint32_t version_take(struct enclave *e)
{
    struct epc_reclaim *r = &e->file->reclaim;
    const uint32_t words = r->va_used * (uint32_t)(SGX_VA_SLOT_COUNT / WORD_BITS);
    uint64_t *word = slots(e);

    while (r->slot_hint < words && word[r->slot_hint] == UINT64_MAX)
        r->slot_hint++;
    if (r->slot_hint == words) {
        fputs("aperture: the model has lost count of the slots for evicted pages\n", stderr);
        abort();
    }
    word += r->slot_hint;
    for (uint32_t bit = 0;; bit++) {
        if (!(*word >> bit & 1)) {
            *word |= UINT64_C(1) << bit;
            return r->slot_hint * WORD_BITS + bit;
        }
    }
}

void version_free(struct enclave *e, uint32_t slot)
{
    struct epc_reclaim *r = &e->file->reclaim;

    slots(e)[slot / WORD_BITS] &= ~(UINT64_C(1) << slot % WORD_BITS);
    if (slot / WORD_BITS < r->slot_hint)
        r->slot_hint = slot / WORD_BITS;
}

uint64_t version_address(const struct enclave *e, uint32_t slot)
{
    const uint64_t frame = e->file->reclaim.va_first + slot / SGX_VA_SLOT_COUNT;

    return epc_address(&e->epc, frame) + slot % SGX_VA_SLOT_COUNT * SGX_VA_SLOT_SIZE;
}
