/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - data pages that come while the enclave runs; see aperture/mm.h */
#include "abi/call.h"
#include "aperture/mm.h"
#include "aperture/trts.h"
#include "arch/secinfo.h"
#include "layout.h"
#include "mm/page.h"
#include "mm/pagemap.h"
#include "mm/region.h"
#include "ocall.h"
#include "thread.h"

#define FRESH_DATA (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING)

sgx_status_t ap_mm_region(const char *name, struct ap_region_info *ret_info)
{
    const struct ap_region *r = name ? region_by_name(&ap_layout, name) : NULL;

    if (!r || !ret_info)
        return SGX_ERROR_INVALID_PARAMETER;
    *ret_info = (struct ap_region_info){
        .base = (void *)(enclave_base() + r->offset),
        .size = r->pages * SGX_PAGE_SIZE,
        .initial_size = r->initial * SGX_PAGE_SIZE,
        .policy = r->policy,
        .max_perm = r->max_perm,
    };
    return SGX_SUCCESS;
}

/*
 * Out of claim and settlement no handler may be called: one that committed this same page would
 * wait for us for ever. The leaf's own fault is not one: see fixup.h.
 */
static bool accept_claimed(uint64_t index, uintptr_t page)
{
    bool ok = page_eaccept(FRESH_DATA, page) == 0;

    pagemap_move(index, 1, PAGE_RESERVED, ok ? PAGE_HELD : PAGE_FREE);
    return ok;
}

/* True once the page is held, by our doing or by that of a thread that was faster. */
static bool commit_page(uint64_t index, uintptr_t page)
{
    for (;;) {
        enum page_state state;
        bool claimed, ok = false;

        critical_enter();
        claimed = pagemap_move(index, 1, PAGE_FREE, PAGE_RESERVED);
        if (claimed)
            ok = accept_claimed(index, page);
        critical_leave();
        if (claimed)
            return ok;
        state = pagemap_get(index);
        if (state == PAGE_HELD)
            return true;
        if (state == PAGE_RETIRED)
            return false;
        __builtin_ia32_pause();
    }
}

/* From the first page that is not held to the last; false if all are. */
static bool missing(uint64_t index, uint64_t pages, uint64_t *ret_first, uint64_t *ret_end)
{
    bool any = false;

    for (uint64_t i = 0; i < pages; i++) {
        if (pagemap_get(index + i) == PAGE_HELD)
            continue;
        if (!any)
            *ret_first = i;
        *ret_end = i + 1;
        any = true;
    }
    return any;
}

sgx_status_t ap_mm_commit(void *address, size_t size)
{
    uint64_t offset = (uintptr_t)address - enclave_base(); /* wraps to what no region holds */
    const struct ap_region *r = region_of_pages(&ap_layout, offset, size);
    uint64_t index, first, end;

    if (!r)
        return SGX_ERROR_INVALID_PARAMETER;
    if (!(r->max_perm & AP_PERM_W))
        return SGX_ERROR_APERTURE;
    index = region_pagemap_index(r, offset);
    if (!missing(index, size / SGX_PAGE_SIZE, &first, &end))
        return SGX_SUCCESS;

    ocall_pages(AP_OCALL_TOUCH, offset + first * SGX_PAGE_SIZE, (end - first) * SGX_PAGE_SIZE, 0);
    for (uint64_t i = first; i < end; i++)
        if (!commit_page(index + i, (uintptr_t)address + i * SGX_PAGE_SIZE))
            return SGX_ERROR_HOST;
    return SGX_SUCCESS;
}
