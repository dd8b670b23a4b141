/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_host.h"

#include <string.h>

#include "abi/call.h"
#include "arch/leaf.h"
#include "fake.h"
#include "fixup.h"
#include "mm/page.h"
#include "ocall.h"

struct fake_host fake_host;

enum page { ABSENT, PENDING, ACCEPTED };
static enum page pages[FAKE_SIZE / FAKE_PAGE];

void fake_host_reset(void)
{
    fake_reset();
    memset(pages, 0, sizeof pages);
    fake_host = (struct fake_host){.adds = true};
}

void fake_host_replace(uint64_t offset)
{
    pages[offset / FAKE_PAGE] = PENDING;
}

/* As the kernel does on a fault: adds what is not there. */
static void touch(uint64_t offset, uint64_t size)
{
    for (uint64_t at = offset; at < offset + size; at += FAKE_PAGE)
        if (pages[at / FAKE_PAGE] == ABSENT && fake_host.adds && at != fake_host.withheld)
            pages[at / FAKE_PAGE] = PENDING;
}

void ocall_pages(int64_t index, uint64_t offset, uint64_t size, uint64_t perm)
{
    (void)perm;
    if (index != AP_OCALL_TOUCH)
        return;
    fake_host.touches++;
    fake_host.touch_offset = offset;
    fake_host.touch_size = size;
    fake_host.critical_in_ocall |= fake_thread()->critical != 0;
    if (fake_host.on_touch)
        fake_host.on_touch();
    touch(offset, size);
}

static int accept(uint64_t flags, uintptr_t page)
{
    uint64_t offset = page - (uintptr_t)fake_base();
    enum page *state = &pages[offset / FAKE_PAGE];

    if (fake_host.on_accept)
        fake_host.on_accept(offset);
    fake_host.flags = flags;
    if (*state == PENDING && offset != fake_host.wrong) {
        *state = ACCEPTED;
        fake_host.accepts++;
        return SGX_OK;
    }
    fake_host.failures++;
    return *state == ABSENT ? LEAF_FAULT : SGX_PAGE_ATTRIBUTES_MISMATCH;
}

int page_eaccept(uint64_t flags, uintptr_t page)
{
    int result = accept(flags, page);

    if (result == SGX_OK)
        memset((void *)page, 0, FAKE_PAGE);
    return result;
}

int page_eacceptcopy(uint64_t flags, uintptr_t page, const void *source)
{
    int result = (uintptr_t)source % FAKE_PAGE ? LEAF_FAULT : accept(flags, page);

    if (result == SGX_OK)
        memcpy((void *)page, source, FAKE_PAGE);
    return result;
}
