/* SPDX-License-Identifier: Apache-2.0 */
#include "area.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/arch.h"

SGX_STATIC_ASSERT(PROT_READ == AP_PERM_R && PROT_WRITE == AP_PERM_W && PROT_EXEC == AP_PERM_X,
                  "permissions are protections");

static int loaded_prot(uint64_t secinfo)
{
    if ((secinfo & SGX_SECINFO_PT_MASK) == SGX_SECINFO_TCS)
        return PROT_READ | PROT_WRITE; /* no permissions in the EPCM, but EENTER writes it */
    return (int)(secinfo & SGX_SECINFO_RWX);
}

/*
 * Published pages are never writable, but the EACCEPTCOPY that brings them into being is a write as
 * far as the page table is concerned.
 */
static int dynamic_prot(const struct ap_region *region)
{
    int prot = (region->max_perm & (PROT_READ | PROT_WRITE | PROT_EXEC)) | PROT_READ;

    if (region->policy == AP_POLICY_DATA || region->policy == AP_POLICY_PUBLISH)
        prot |= PROT_WRITE;
    return prot;
}

/* Thread slots are loaded whole, and the space between their parts is guards. */
static bool has_dynamic_pages(const struct ap_region *region)
{
    return region->kind != AP_KIND_THREADS && region->pages > region->initial;
}

static bool fits(const struct area *a, uint64_t elrange_size)
{
    return a->size > 0 && a->offset % SGX_PAGE_SIZE == 0 && a->offset <= elrange_size &&
           a->size <= elrange_size - a->offset;
}

/* pages * 4096, or 0 (which fits() refuses) if that is not a number. */
static uint64_t bytes(uint64_t pages)
{
    return pages <= UINT64_MAX / SGX_PAGE_SIZE ? pages * SGX_PAGE_SIZE : 0;
}

static void collect(const struct plan *plan, const struct ap_layout *layout, struct area_list *list)
{
    for (size_t i = 0; i < plan->run_count; i++) {
        const struct plan_run *run = &plan->runs[i];

        list->area[list->count++] =
            (struct area){run->offset, bytes(run->pages), loaded_prot(run->secinfo)};
    }
    for (size_t i = 0; i < layout->region_count && i < AP_REGION_MAX; i++) {
        const struct ap_region *r = &layout->region[i];

        if (has_dynamic_pages(r))
            list->area[list->count++] = (struct area){
                r->offset + bytes(r->initial), bytes(r->pages - r->initial), dynamic_prot(r)};
    }
}

static int by_offset(const void *a, const void *b)
{
    const struct area *x = a, *y = b;

    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Merge equal neighbours in place; find overlaps on the way. */
static int join(struct area_list *list, uint64_t elrange_size)
{
    size_t kept = 0;

    qsort(list->area, list->count, sizeof *list->area, by_offset);
    for (size_t i = 0; i < list->count; i++) {
        struct area next = list->area[i], *last = kept ? &list->area[kept - 1] : NULL;

        if (!fits(&next, elrange_size) || (last && next.offset < last->offset + last->size))
            return -ENOEXEC;
        if (last && next.offset == last->offset + last->size && next.prot == last->prot)
            last->size += next.size;
        else
            list->area[kept++] = next;
    }
    list->count = kept;
    return 0;
}

int areas_make(const struct plan *plan, const struct ap_layout *layout, struct area_list *ret_list)
{
    struct area_list list = {0};
    int r;

    list.area = calloc(plan->run_count + AP_REGION_MAX, sizeof *list.area);
    if (!list.area)
        return -ENOMEM;
    collect(plan, layout, &list);
    r = join(&list, plan->elrange_size);
    if (r < 0) {
        free(list.area);
        return r;
    }
    *ret_list = list;
    return 0;
}

void areas_free(struct area_list *list)
{
    free(list->area);
    *list = (struct area_list){0};
}

bool areas_cover(const struct area_list *list, uint64_t offset, uint64_t size, int prot)
{
    uint64_t end;

    if (__builtin_add_overflow(offset, size, &end))
        return false;
    for (size_t i = 0; i < list->count && offset < end; i++) {
        const struct area *a = &list->area[i];

        if (a->offset + a->size <= offset)
            continue;
        if (a->offset > offset || (prot & ~a->prot))
            return false;
        offset = a->offset + a->size;
    }
    return offset >= end;
}
