/* SPDX-License-Identifier: Apache-2.0 */
#include "mm/pagemap.h"

#include <string.h>

#include "layout.h"
#include "thread.h"

static struct lock lock;

/* First byte of the map. Only called where there is a dynamic page, so the row exists. */
static uint8_t *map(void)
{
    for (uint32_t i = 0; i < ap_layout.region_count; i++)
        if (ap_layout.region[i].kind == AP_KIND_PAGEMAP)
            return (uint8_t *)(enclave_base() + ap_layout.region[i].offset);
    return NULL;
}

static enum page_state get(const uint8_t *m, uint64_t index)
{
    return (enum page_state)(m[index / 4] >> (index % 4 * 2) & 3);
}

static void set(uint8_t *m, uint64_t index, enum page_state state)
{
    unsigned shift = (unsigned)(index % 4 * 2);

    m[index / 4] = (uint8_t)((m[index / 4] & ~(3u << shift)) | (unsigned)state << shift);
}

void pagemap_clear(void)
{
    for (uint32_t i = 0; i < ap_layout.region_count; i++)
        if (ap_layout.region[i].kind == AP_KIND_PAGEMAP)
            memset((void *)(enclave_base() + ap_layout.region[i].offset), 0,
                   ap_layout.region[i].initial * SGX_PAGE_SIZE);
}

enum page_state pagemap_get(uint64_t index)
{
    enum page_state state;

    lock_take(&lock);
    state = get(map(), index);
    lock_drop(&lock);
    return state;
}

bool pagemap_move(uint64_t first, uint64_t count, enum page_state from, enum page_state to)
{
    bool all = true;
    uint8_t *m;

    lock_take(&lock);
    m = map();
    for (uint64_t i = 0; all && i < count; i++)
        all = get(m, first + i) == from;
    for (uint64_t i = 0; all && i < count; i++)
        set(m, first + i, to);
    lock_drop(&lock);
    return all;
}

/* Where a run of count FREE pages begins, or limit. count is at least 1. */
static uint64_t find(const uint8_t *m, uint64_t first, uint64_t limit, uint64_t count)
{
    uint64_t run = 0;

    for (uint64_t i = 0; i < limit; i++) {
        run = get(m, first + i) == PAGE_FREE ? run + 1 : 0;
        if (run == count)
            return i + 1 - count;
    }
    return limit;
}

bool pagemap_take(uint64_t first, uint64_t limit, uint64_t count, uint64_t *ret_index)
{
    uint64_t at;
    uint8_t *m;

    if (count == 0 || count > limit)
        return false;
    lock_take(&lock);
    m = map();
    at = find(m, first, limit, count);
    if (at < limit)
        for (uint64_t i = 0; i < count; i++)
            set(m, first + at + i, PAGE_RESERVED);
    lock_drop(&lock);
    if (at >= limit)
        return false;
    *ret_index = first + at;
    return true;
}
