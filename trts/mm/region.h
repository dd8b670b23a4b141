/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.h - the rows of the layout page: what ELRANGE contains, and what may come there
 */
#ifndef TRTS_MM_REGION_H
#define TRTS_MM_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/layout.h"

/*
 * What holds of every row in use: it lies in ELRANGE, its page map entries lie in the page map, its
 * permissions are among those that its policy can grant.
 */
bool region_ok(const struct ap_layout *layout, const struct ap_region *region);

/* The heap or the named region of that name; NULL if there is none. */
const struct ap_region *region_by_name(const struct ap_layout *layout, const char *name);

/*
 * The heap or named region whose dynamic part holds all of [offset, offset + size), which is whole
 * pages and at least one; NULL otherwise.
 */
const struct ap_region *region_of_pages(const struct ap_layout *layout, uint64_t offset,
                                        uint64_t size);

/* The page map entry of a page in the region's dynamic part. */
uint64_t region_pagemap_index(const struct ap_region *region, uint64_t offset);

/* Entries of the page map, 4 a byte. */
uint64_t region_pagemap_capacity(const struct ap_layout *layout);

static inline uint64_t region_dynamic_offset(const struct ap_region *region)
{
    return region->offset + region->initial * SGX_PAGE_SIZE;
}

static inline uint64_t region_dynamic_pages(const struct ap_region *region)
{
    return region->pages - region->initial;
}

#endif
