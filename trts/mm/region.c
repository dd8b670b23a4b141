/* SPDX-License-Identifier: Apache-2.0 */
#include "mm/region.h"

#include <string.h>

static bool is_in_elrange(const struct ap_layout *layout, const struct ap_region *r)
{
    uint64_t size, end;

    return r->offset % SGX_PAGE_SIZE == 0 &&
           !__builtin_mul_overflow(r->pages, SGX_PAGE_SIZE, &size) &&
           !__builtin_add_overflow(r->offset, size, &end) && end <= layout->elrange_size;
}

static bool has_pagemap(const struct ap_layout *layout, const struct ap_region *r)
{
    uint64_t end;

    return region_dynamic_pages(r) == 0 ||
           (!__builtin_add_overflow(r->pagemap_index, region_dynamic_pages(r), &end) &&
            end <= region_pagemap_capacity(layout));
}

/* The most that a policy can mean. Nothing is executable by default, nothing is W and X but rwx. */
static uint8_t policy_perm(uint8_t policy)
{
    switch (policy) {
    case AP_POLICY_NONE:
    case AP_POLICY_DATA:
        return AP_PERM_R | AP_PERM_W;
    case AP_POLICY_PUBLISH:
        return AP_PERM_R | AP_PERM_X;
    case AP_POLICY_TOGGLE:
    case AP_POLICY_RWX:
        return AP_PERM_R | AP_PERM_W | AP_PERM_X;
    default:
        return 0;
    }
}

static bool has_legal_perm(const struct ap_region *r)
{
    return (r->max_perm & AP_PERM_R) && !(r->max_perm & ~policy_perm(r->policy)) &&
           (r->policy != AP_POLICY_NONE || region_dynamic_pages(r) == 0);
}

bool region_ok(const struct ap_layout *layout, const struct ap_region *region)
{
    return region->kind >= AP_KIND_HEAP && region->kind <= AP_KIND_REGION &&
           region->name[AP_REGION_NAME_SIZE - 1] == '\0' && region->initial <= region->pages &&
           is_in_elrange(layout, region) && has_legal_perm(region) && has_pagemap(layout, region);
}

static bool is_authors(const struct ap_region *r)
{
    return r->kind == AP_KIND_HEAP || r->kind == AP_KIND_REGION;
}

const struct ap_region *region_by_name(const struct ap_layout *layout, const char *name)
{
    for (uint32_t i = 0; i < layout->region_count; i++)
        if (is_authors(&layout->region[i]) && strcmp(layout->region[i].name, name) == 0)
            return &layout->region[i];
    return NULL;
}

/* size is at most what is left of the region: no sum can wrap. */
static bool holds(const struct ap_region *r, uint64_t offset, uint64_t size)
{
    uint64_t begin = region_dynamic_offset(r), bytes = region_dynamic_pages(r) * SGX_PAGE_SIZE;

    return offset >= begin && offset - begin <= bytes && size <= bytes - (offset - begin);
}

const struct ap_region *region_of_pages(const struct ap_layout *layout, uint64_t offset,
                                        uint64_t size)
{
    if (size == 0 || offset % SGX_PAGE_SIZE || size % SGX_PAGE_SIZE)
        return NULL;
    for (uint32_t i = 0; i < layout->region_count; i++)
        if (is_authors(&layout->region[i]) && holds(&layout->region[i], offset, size))
            return &layout->region[i];
    return NULL;
}

uint64_t region_pagemap_index(const struct ap_region *region, uint64_t offset)
{
    return region->pagemap_index + (offset - region_dynamic_offset(region)) / SGX_PAGE_SIZE;
}

uint64_t region_pagemap_capacity(const struct ap_layout *layout)
{
    /* At most 56 rows within an ELRANGE: the product is far from wrapping. */
    for (uint32_t i = 0; i < layout->region_count; i++)
        if (layout->region[i].kind == AP_KIND_PAGEMAP)
            return layout->region[i].initial * SGX_PAGE_SIZE * 4;
    return 0;
}
