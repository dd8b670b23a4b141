/* SPDX-License-Identifier: Apache-2.0 */
/* regions.c - the rows of the layout page: order, names, permissions, room */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "image/error.h"
#include "image/geometry.h"
#include "image/layout_check.h"
#include "image/policy.h"

#define AT "region %u of the layout page "

/* What the rows before the current one have come to. */
struct progress {
    uint64_t end;     /* of the bytes in use; the next row starts a guard later */
    uint64_t dynamic; /* dynamic pages */
    uint8_t kind;     /* of the previous row */
};

static bool name_ok(const char name[static AP_REGION_NAME_SIZE])
{
    size_t length = strnlen(name, AP_REGION_NAME_SIZE);

    if (length == AP_REGION_NAME_SIZE || !region_name_ok(name))
        return false;
    for (size_t i = length; i < AP_REGION_NAME_SIZE; i++) {
        if (name[i])
            return false;
    }
    return true;
}

static int check_name(const struct ap_layout *l, unsigned i, const char *name,
                      struct image_error *error)
{
    static const char zero[sizeof l->region[0].reserved];
    const struct ap_region *r = &l->region[i];

    if (!name_ok(r->name))
        return image_refuse(error, name, AT "does not have a lower-case, terminated name", i);
    if (memcmp(r->reserved, zero, sizeof zero) != 0)
        return image_refuse(error, name, AT "has reserved bytes that are not zero", i);
    for (unsigned j = 0; j < i; j++) {
        if (strcmp(l->region[j].name, r->name) == 0)
            return image_refuse(error, name, AT "has the same name as region %u", i, j);
    }
    return 0;
}

/* Offsets and page counts are bounded before they meet, so nothing here wraps. */
static int check_place(const struct ap_layout *l, unsigned i, struct progress *p, const char *name,
                       struct image_error *error)
{
    const struct ap_region *r = &l->region[i];

    if (r->offset % SGX_PAGE_SIZE || r->offset < p->end + GEOMETRY_GUARD_SIZE)
        return image_refuse(error, name,
                            AT "begins at 0x%" PRIx64 "; expected a page at or after 0x%" PRIx64, i,
                            r->offset, p->end + GEOMETRY_GUARD_SIZE);
    if (r->pages == 0 || r->pages > l->elrange_size / SGX_PAGE_SIZE ||
        !elf_within(r->offset, r->pages * SGX_PAGE_SIZE, l->elrange_size))
        return image_refuse(error, name,
                            AT "at 0x%" PRIx64 " has %" PRIu64
                               " pages; expected at least one, and all of them in ELRANGE",
                            i, r->offset, r->pages);
    if (r->initial > r->pages)
        return image_refuse(error, name, AT "loads %" PRIu64 " pages, but has only %" PRIu64, i,
                            r->initial, r->pages);
    if (r->pagemap_index != p->dynamic)
        return image_refuse(error, name,
                            AT "begins at %" PRIu64 " in the page map; expected %" PRIu64, i,
                            r->pagemap_index, p->dynamic);
    p->end = r->offset + r->pages * SGX_PAGE_SIZE;
    p->dynamic += r->pages - r->initial;
    return 0;
}

static bool is_plain(const struct ap_region *r, uint8_t policy)
{
    return r->policy == policy && r->max_perm == (AP_PERM_R | AP_PERM_W);
}

static bool kind_ok(const struct ap_layout *l, const struct ap_region *r)
{
    switch (r->kind) {
    case AP_KIND_HEAP:
        return is_plain(r, AP_POLICY_DATA) && r->initial > 0;
    case AP_KIND_PAGEMAP:
        return is_plain(r, AP_POLICY_NONE) && r->initial == r->pages;
    case AP_KIND_THREADS:
        return is_plain(r, AP_POLICY_NONE) && r->initial == r->pages &&
               r->offset == l->slots.offset &&
               r->pages == l->slots.slot_count * (l->slots.slot_size / SGX_PAGE_SIZE);
    case AP_KIND_REGION:
        return policy_allows(r->policy, r->max_perm);
    default:
        return false;
    }
}

/* heap, then the page map if there is any, then threads, then regions. */
static bool follows(uint8_t kind, uint8_t previous)
{
    switch (kind) {
    case AP_KIND_HEAP:
        return previous == 0;
    case AP_KIND_PAGEMAP:
        return previous == AP_KIND_HEAP;
    case AP_KIND_THREADS:
        return previous == AP_KIND_HEAP || previous == AP_KIND_PAGEMAP;
    default:
        return previous == AP_KIND_THREADS || previous == AP_KIND_REGION;
    }
}

static int check_row(const struct ap_layout *l, unsigned i, struct progress *p, const char *name,
                     struct image_error *error)
{
    const struct ap_region *r = &l->region[i];
    int result = check_name(l, i, name, error);

    if (result == 0)
        result = check_place(l, i, p, name, error);
    if (result < 0)
        return result;
    if (!kind_ok(l, r))
        return image_refuse(error, name,
                            AT "('%s') contradicts itself: kind %u, policy %u, permissions %u", i,
                            r->name, r->kind, r->policy, r->max_perm);
    if (!follows(r->kind, p->kind))
        return image_refuse(error, name,
                            AT "('%s') is out of order: heap, page map, threads, named regions", i,
                            r->name);
    p->kind = r->kind;
    return 0;
}

static int check_pagemap(const struct ap_layout *l, uint64_t dynamic, const char *name,
                         struct image_error *error)
{
    uint64_t pages = 0;

    for (unsigned i = 0; i < l->region_count; i++) {
        if (l->region[i].kind == AP_KIND_PAGEMAP)
            pages = l->region[i].pages;
    }
    if (pages != geometry_pagemap_pages(dynamic))
        return image_refuse(error, name,
                            "the layout page has a page map of %" PRIu64 " pages; %" PRIu64
                            " dynamic pages take %" PRIu64,
                            pages, dynamic, geometry_pagemap_pages(dynamic));
    return 0;
}

int layout_check_regions(const struct ap_layout *layout, const char *name,
                         struct image_error *error)
{
    struct progress p = {.end = layout->image_size};

    for (unsigned i = 0; i < layout->region_count; i++) {
        int r = check_row(layout, i, &p, name, error);

        if (r < 0)
            return r;
    }
    if (p.kind != AP_KIND_THREADS && p.kind != AP_KIND_REGION)
        return image_refuse(error, name, "the layout page has no thread slots");
    if (!elf_within(p.end, GEOMETRY_GUARD_SIZE, layout->elrange_size))
        return image_refuse(error, name,
                            "the layout page's last region leaves no guard before the end of "
                            "ELRANGE");
    return check_pagemap(layout, p.dynamic, name, error);
}
