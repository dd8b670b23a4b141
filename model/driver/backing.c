/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backing store. It is part of the memory file, so every process that has the enclave can bring
 * a page back; and it is sparse, so it costs nothing before the first page leaves.
 */
#include <errno.h>
#include <string.h>

#include "driver/reclaim.h"

static void *page_of(const struct enclave *e, const struct epc_images *images, uint64_t index)
{
    return (uint8_t *)e->mapping + images->pages_at + (index << SGX_PAGE_SHIFT);
}

static struct sgx_pcmd *pcmd_of(const struct enclave *e, const struct epc_images *images,
                                uint64_t index)
{
    return (struct sgx_pcmd *)((uint8_t *)e->mapping + images->pcmds_at) + index;
}

void *backing_page(const struct enclave *e, uint64_t index)
{
    return page_of(e, &e->file->reclaim.backing, index);
}

struct sgx_pcmd *backing_pcmd(const struct enclave *e, uint64_t index)
{
    return pcmd_of(e, &e->file->reclaim.backing, index);
}

void backing_discard(struct enclave *e, uint64_t index)
{
    memset(backing_pcmd(e, index), 0, sizeof(struct sgx_pcmd));
    epcfile_punch(e, e->file->reclaim.backing.pages_at + (index << SGX_PAGE_SHIFT), SGX_PAGE_SIZE);
}

static bool is_out(const struct enclave *e, uint64_t page)
{
    return e->records[page].present && e->records[page].where == RECORD_OUT;
}

/* No image that EWB wrote is without MAC. */
static bool is_image(const struct sgx_pcmd *pcmd)
{
    static const uint8_t none[sizeof pcmd->mac];

    return memcmp(pcmd->mac, none, sizeof none) != 0;
}

int reclaim_keep(struct enclave *e, uint64_t page)
{
    const struct epc_images *kept = &e->file->reclaim.kept;

    if (!is_out(e, page) || !is_image(backing_pcmd(e, page)))
        return -EINVAL;
    memcpy(page_of(e, kept, page), backing_page(e, page), SGX_PAGE_SIZE);
    *pcmd_of(e, kept, page) = *backing_pcmd(e, page);
    return 0;
}

int reclaim_replay(struct enclave *e, uint64_t page, uint64_t of)
{
    const struct epc_images *kept = &e->file->reclaim.kept;

    if (!is_out(e, page) || !is_image(pcmd_of(e, kept, of)))
        return -EINVAL;
    memcpy(backing_page(e, page), page_of(e, kept, of), SGX_PAGE_SIZE);
    *backing_pcmd(e, page) = *pcmd_of(e, kept, of);
    return 0;
}
