/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include <inttypes.h>
#include <string.h>

#include "image/geometry.h"

/*
 * Rows are added low to high. Each size is at most 2^44 bytes (4096 slots of a gigabyte of stack)
 * and there are at most 56, so no sum wraps; whether it fits is asked once, at the end.
 */
struct arrangement {
    struct ap_layout *layout;
    uint64_t end;     /* bytes laid out so far */
    uint64_t dynamic; /* dynamic pages so far */
};

static uint64_t next_place(const struct arrangement *a)
{
    return a->end + GEOMETRY_GUARD_SIZE;
}

/* The row brings its name, kind, policy, permissions, pages and initial pages. */
static void add_row(struct arrangement *a, struct ap_region row)
{
    row.offset = next_place(a);
    row.pagemap_index = a->dynamic;
    a->end = row.offset + row.pages * SGX_PAGE_SIZE;
    a->dynamic += row.pages - row.initial;
    a->layout->region[a->layout->region_count++] = row;
}

static struct ap_region loaded_row(const char *name, uint8_t kind, uint64_t pages)
{
    struct ap_region row = {
        .pages = pages,
        .initial = pages,
        .kind = kind,
        .policy = AP_POLICY_NONE,
        .max_perm = AP_PERM_R | AP_PERM_W,
    };

    strncpy(row.name, name, sizeof row.name - 1);
    return row;
}

static struct ap_region heap_row(const struct config *c)
{
    return (struct ap_region){
        .name = "heap",
        .pages = c->heap_max / SGX_PAGE_SIZE,
        .initial = c->heap_init / SGX_PAGE_SIZE,
        .kind = AP_KIND_HEAP,
        .policy = AP_POLICY_DATA,
        .max_perm = AP_PERM_R | AP_PERM_W,
    };
}

static struct ap_region named_row(const struct config_region *r)
{
    struct ap_region row = {
        .pages = r->size / SGX_PAGE_SIZE,
        .initial = r->initial / SGX_PAGE_SIZE,
        .kind = AP_KIND_REGION,
        .policy = r->policy,
        .max_perm = r->max_perm,
    };

    memcpy(row.name, r->name, sizeof row.name);
    return row;
}

static uint64_t dynamic_pages(const struct config *c)
{
    uint64_t bytes = c->heap_max - c->heap_init;

    for (size_t i = 0; i < c->region_count; i++)
        bytes += c->region[i].size - c->region[i].initial;
    return bytes / SGX_PAGE_SIZE;
}

static void add_rows(const struct config *c, struct arrangement *a)
{
    struct ap_layout *l = a->layout;
    uint64_t map = geometry_pagemap_pages(dynamic_pages(c));

    add_row(a, heap_row(c));
    if (map)
        add_row(a, loaded_row("pagemap", AP_KIND_PAGEMAP, map));
    geometry_slots(next_place(a), c->tcs_num, c->stack_size, l, &l->slots);
    add_row(a, loaded_row("threads", AP_KIND_THREADS,
                          l->slots.slot_count * (l->slots.slot_size / SGX_PAGE_SIZE)));
    for (size_t i = 0; i < c->region_count; i++)
        add_row(a, named_row(&c->region[i]));
}

static struct ap_layout identity(const struct config *c, const struct elf *elf)
{
    return (struct ap_layout){
        .magic = AP_LAYOUT_MAGIC,
        .version = AP_LAYOUT_VERSION,
        .image_size = elf->image_size,
        .entry = elf->entry,
        .attributes = {.flags = SGX_ATTR_MODE64BIT |
                                (c->provision_key ? SGX_ATTR_PROVISIONKEY : 0) |
                                (c->enable_kss ? SGX_ATTR_KSS : 0),
                       .xfrm = c->xfrm},
        /* Everything must match as signed; whether to debug is the loader's, unless forbidden. */
        .attribute_mask = {.flags = c->disable_debug ? UINT64_MAX : ~SGX_ATTR_DEBUG,
                           .xfrm = UINT64_MAX},
        .miscselect = (uint32_t)c->misc_select,
        .miscmask = (uint32_t)c->misc_mask,
        .tls_template = elf->tls_template,
        .tls_template_size = elf->tls_template_size,
        .tls_size = elf->tls_size,
        .tls_align = elf->tls_align,
        .relro_offset = elf->relro_offset,
        .relro_pages = elf->relro_pages,
    };
}

int layout_make(const struct config *config, const struct elf *elf, struct ap_layout *ret_layout,
                struct failure *failure)
{
    struct ap_layout layout = identity(config, elf);
    struct arrangement a = {.layout = &layout, .end = elf->image_size};
    uint64_t size = SGX_SECS_MIN_SIZE;

    add_rows(config, &a);
    if (next_place(&a) > GEOMETRY_ELRANGE_MAX)
        return fail(failure,
                    "the enclave takes 0x%" PRIx64
                    " bytes with all its regions and guards; 0x%" PRIx64 " are possible",
                    next_place(&a), GEOMETRY_ELRANGE_MAX);
    while (size < next_place(&a))
        size *= 2;
    layout.elrange_size = size;
    *ret_layout = layout;
    return 0;
}
