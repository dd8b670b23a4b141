/* SPDX-License-Identifier: Apache-2.0 */
/* region_test.c - sibling of trts/mm/region.c and trts/layout.c */
#include <criterion/criterion.h>

#include "fake.h"
#include "mm/region.h"

bool layout_ok(const struct ap_layout *layout);

TestSuite(region, .init = fake_reset);

static bool ok_after(void (*change)(struct ap_region *), enum fake_region which)
{
    fake_reset();
    change(&fake_layout()->region[which]);
    return region_ok(fake_layout(), &fake_layout()->region[which]);
}

Test(region, every_row_of_a_sound_layout_is_sound)
{
    for (uint32_t i = 0; i < FAKE_REGIONS; i++)
        cr_assert(region_ok(fake_layout(), &fake_layout()->region[i]), "row %u", i);
    cr_assert(layout_ok(fake_layout()));
}

static void unaligned(struct ap_region *r)
{
    r->offset += 8;
}
static void beyond(struct ap_region *r)
{
    r->pages = FAKE_SIZE / FAKE_PAGE;
}
static void overflowing(struct ap_region *r)
{
    r->pages = UINT64_MAX / FAKE_PAGE + 2;
}
static void wrapping(struct ap_region *r)
{
    r->offset = UINT64_MAX - FAKE_PAGE + 1;
}
static void more_initial(struct ap_region *r)
{
    r->initial = r->pages + 1;
}
static void unterminated(struct ap_region *r)
{
    r->name[AP_REGION_NAME_SIZE - 1] = 'x';
}
static void off_the_map(struct ap_region *r)
{
    r->pagemap_index = FAKE_PAGE * 4;
}
static void map_wraps(struct ap_region *r)
{
    r->pagemap_index = UINT64_MAX;
}
static void no_kind(struct ap_region *r)
{
    r->kind = 0;
}
static void odd_kind(struct ap_region *r)
{
    r->kind = AP_KIND_REGION + 1;
}
static void no_policy(struct ap_region *r)
{
    r->policy = AP_POLICY_NONE;
}
static void odd_policy(struct ap_region *r)
{
    r->policy = AP_POLICY_RWX + 1;
}
static void executable(struct ap_region *r)
{
    r->max_perm |= AP_PERM_X;
}
static void writable(struct ap_region *r)
{
    r->max_perm |= AP_PERM_W;
}
static void unreadable(struct ap_region *r)
{
    r->max_perm &= (uint8_t)~AP_PERM_R;
}

Test(region, a_row_that_contradicts_itself_is_not_sound)
{
    cr_assert(!ok_after(unaligned, FAKE_DATA));
    cr_assert(!ok_after(beyond, FAKE_DATA));
    cr_assert(!ok_after(overflowing, FAKE_DATA));
    cr_assert(!ok_after(wrapping, FAKE_DATA));
    cr_assert(!ok_after(more_initial, FAKE_HEAP));
    cr_assert(!ok_after(unterminated, FAKE_DATA));
    cr_assert(!ok_after(off_the_map, FAKE_DATA));
    cr_assert(!ok_after(map_wraps, FAKE_DATA));
    cr_assert(!ok_after(no_kind, FAKE_DATA));
    cr_assert(!ok_after(odd_kind, FAKE_DATA));
    cr_assert(!ok_after(no_policy, FAKE_DATA));
    cr_assert(!ok_after(odd_policy, FAKE_DATA));
    cr_assert(!ok_after(executable, FAKE_DATA), "data is never executable");
    cr_assert(!ok_after(writable, FAKE_JIT), "published pages are never writable");
    cr_assert(!ok_after(unreadable, FAKE_JIT));
}

Test(region, a_layout_with_an_unsound_part_is_refused)
{
    struct ap_layout *l = fake_layout();

    l->magic++;
    cr_assert(!layout_ok(l));
    fake_reset();
    l->version++;
    cr_assert(!layout_ok(l));
    fake_reset();
    l->region_count = AP_REGION_MAX + 1;
    cr_assert(!layout_ok(l));
    fake_reset();
    l->region[FAKE_JIT].max_perm |= AP_PERM_W;
    cr_assert(!layout_ok(l));
    fake_reset();
    l->image_size = FAKE_SIZE + 1;
    cr_assert(!layout_ok(l));
    fake_reset();
    l->relro_pages = UINT64_MAX / FAKE_PAGE + 2;
    cr_assert(!layout_ok(l));
    fake_reset();
    l->relro_offset = l->image_size;
    cr_assert(!layout_ok(l));
    fake_reset();
    l->tls_template = UINT64_MAX;
    l->tls_template_size = 1;
    cr_assert(!layout_ok(l));
    fake_reset();
    l->tls_size = FAKE_PAGE + 1; /* one page stands between TLS and thread data */
    cr_assert(!layout_ok(l));
    fake_reset();
    l->slots.nssa = 1;
    cr_assert(!layout_ok(l));
    fake_reset();
    l->slots.stack_size = FAKE_PAGE;
    cr_assert(!layout_ok(l));
}

Test(region, regions_are_found_by_name_but_not_the_runtimes_own)
{
    const struct ap_layout *l = fake_layout();

    cr_assert(region_by_name(l, "heap") == &l->region[FAKE_HEAP]);
    cr_assert(region_by_name(l, "jit") == &l->region[FAKE_JIT]);
    cr_assert(region_by_name(l, "pagemap") == NULL);
    cr_assert(region_by_name(l, "threads") == NULL);
    cr_assert(region_by_name(l, "ji") == NULL);
    cr_assert(region_by_name(l, "") == NULL);
}

Test(region, pages_belong_to_a_region_only_if_all_are_dynamic_pages_of_it)
{
    const struct ap_layout *l = fake_layout();
    const struct ap_region *heap = &l->region[FAKE_HEAP], *data = &l->region[FAKE_DATA];

    cr_assert(region_of_pages(l, 0x12000, 0x6000) == heap);
    cr_assert(region_of_pages(l, 0x11000, 0x1000) == NULL, "initial pages are not dynamic");
    cr_assert(region_of_pages(l, 0x11000, 0x2000) == NULL);
    cr_assert(region_of_pages(l, 0x17000, 0x2000) == NULL, "beyond the end");
    cr_assert(region_of_pages(l, 0x50000, 0x10000) == data);
    cr_assert(region_of_pages(l, 0x50000, 0x11000) == NULL);
    cr_assert(region_of_pages(l, 0x60000, 0x1000) == NULL, "a guard");
    cr_assert(region_of_pages(l, 0x50000, 0) == NULL);
    cr_assert(region_of_pages(l, 0x50008, 0x1000) == NULL);
    cr_assert(region_of_pages(l, 0x50000, 0x1008) == NULL);
    cr_assert(region_of_pages(l, 0x5f000, UINT64_MAX - 0xfff) == NULL);
    cr_assert(region_of_pages(l, 0x20000, 0x1000) == NULL, "the page map is not the author's");
    cr_assert(region_of_pages(l, 0x31000, 0x1000) == NULL, "stacks are not either");
}

Test(region, page_map_indices_follow_each_other)
{
    const struct ap_layout *l = fake_layout();

    cr_assert(region_pagemap_index(&l->region[FAKE_HEAP], 0x12000) == 0);
    cr_assert(region_pagemap_index(&l->region[FAKE_HEAP], 0x17000) == 5);
    cr_assert(region_pagemap_index(&l->region[FAKE_DATA], 0x50000) == 6);
    cr_assert(region_pagemap_index(&l->region[FAKE_JIT], 0x81000) == 6 + 16 + 4 + 1);
    cr_assert(region_pagemap_capacity(l) == FAKE_PAGE * 4);
}
