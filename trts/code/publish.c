/* SPDX-License-Identifier: Apache-2.0 */
/* publish.c - finished code becomes executable, by EACCEPTCOPY; see aperture/code.h */
#include <string.h>

#include "abi/call.h"
#include "aperture/trts.h"
#include "arch/secinfo.h"
#include "code/region.h"
#include "layout.h"
#include "mm/page.h"
#include "mm/pagemap.h"
#include "mm/region.h"
#include "ocall.h"
#include "thread.h"

/* Born so, and so for ever: the page is at no moment both writable and accessible. */
#define PUBLISHED (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_X)

#define INT3 0xcc

/* EACCEPTCOPY takes whole aligned pages; code that is not one goes through here. */
static struct lock staging_lock; /* guards staging; not held across an exit */
static uint8_t staging[SGX_PAGE_SIZE] __attribute__((aligned(SGX_PAGE_SIZE)));

/* What a call to publish comes to, once it is checked. */
struct job {
    uintptr_t where;
    const uint8_t *code;
    size_t size;
    uint64_t pages;
    uint64_t index; /* of the first page in the page map */
};

static sgx_status_t decode(struct ap_code_region *region, void *where, const void *code,
                           size_t size, struct job *ret_job)
{
    const struct ap_region *r = code_region_row(region);
    uint64_t offset = (uintptr_t)where - enclave_base(), sum, bytes;

    if (!r)
        return SGX_ERROR_INVALID_PARAMETER;
    if (r->policy != AP_POLICY_PUBLISH)
        return SGX_ERROR_APERTURE;
    if (size == 0 || __builtin_add_overflow(size, SGX_PAGE_SIZE - 1, &sum) ||
        !ap_is_inside(code, size))
        return SGX_ERROR_INVALID_PARAMETER;
    bytes = sum & SGX_PAGE_MASK;
    if (region_of_pages(&ap_layout, offset, bytes) != r)
        return SGX_ERROR_INVALID_PARAMETER;
    *ret_job = (struct job){.where = (uintptr_t)where,
                            .code = code,
                            .size = size,
                            .pages = bytes / SGX_PAGE_SIZE,
                            .index = region_pagemap_index(r, offset)};
    return SGX_SUCCESS;
}

static int publish_staged(uintptr_t page, const uint8_t *code, size_t size)
{
    int result;

    lock_take(&staging_lock);
    memcpy(staging, code, size);
    memset(staging + size, INT3, SGX_PAGE_SIZE - size);
    result = page_eacceptcopy(PUBLISHED, page, staging);
    lock_drop(&staging_lock);
    return result;
}

static int publish_page(const struct job *job, uint64_t i)
{
    size_t done = i * SGX_PAGE_SIZE, left = job->size - done;
    const uint8_t *code = job->code + done;
    uintptr_t page = job->where + done;

    if (left >= SGX_PAGE_SIZE && (uintptr_t)code % SGX_PAGE_SIZE == 0)
        return page_eacceptcopy(PUBLISHED, page, code);
    return publish_staged(page, code, left < SGX_PAGE_SIZE ? left : SGX_PAGE_SIZE);
}

/*
 * All pages are claimed before the host is asked: from then on no other call can publish them, and
 * no answer of the host can make us accept one twice.
 */
sgx_status_t ap_code_publish(struct ap_code_region *region, void *where, const void *code,
                             size_t size)
{
    struct job job;
    sgx_status_t status = decode(region, where, code, size, &job);

    if (status != SGX_SUCCESS)
        return status;
    if (!pagemap_move(job.index, job.pages, PAGE_RESERVED, PAGE_HELD))
        return SGX_ERROR_INVALID_PARAMETER;

    ocall_pages(AP_OCALL_TOUCH, job.where - enclave_base(), job.pages * SGX_PAGE_SIZE, 0);
    for (uint64_t i = 0; i < job.pages; i++) {
        if (publish_page(&job, i) != 0) {
            pagemap_move(job.index + i, job.pages - i, PAGE_HELD, PAGE_RESERVED);
            return SGX_ERROR_HOST;
        }
    }
    return SGX_SUCCESS;
}
