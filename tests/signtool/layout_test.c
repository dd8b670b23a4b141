/* SPDX-License-Identifier: Apache-2.0 */
/* layout_test.c - where ELRANGE's parts come to stand, and what the summary says of them */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "image/elf.h"
#include "image/geometry.h"
#include "image/policy.h"
#include "layout.h"
#include "sample.h"

static struct config config;
static struct elf elf;
static struct ap_layout layout;
static struct failure failure;

static void lay_out(const char *inside)
{
    char text[2048];
    struct config_error error;
    static struct sample s;
    struct image_error image_error;

    snprintf(text, sizeof text, "<EnclaveConfiguration>%s</EnclaveConfiguration>", inside);
    cr_assert_eq(config_parse(text, strlen(text), &config, &error), 0, "%s", error.text);
    if (!s.bytes)
        s = sample_load();
    cr_assert_eq(elf_parse("sample", s.bytes, s.size, &elf, &image_error), 0);
    cr_assert_eq(layout_make(&config, &elf, &layout, &failure), 0, "%s", failure.text);
}

Test(layout, by_default_there_is_a_heap_and_a_thread_and_nothing_dynamic)
{
    lay_out("");
    cr_assert_eq(layout.region_count, 2);
    cr_assert_str_eq(layout.region[0].name, "heap");
    cr_assert_str_eq(layout.region[1].name, "threads");
    cr_assert_eq(layout.region[0].initial, layout.region[0].pages);
    cr_assert_eq(aperture_summary(&layout), 0);
}

Test(layout, rows_stand_a_guard_apart_and_index_the_page_map_one_after_the_other)
{
    uint64_t end, dynamic = 0;

    lay_out("<HeapMaxSize>0x50000</HeapMaxSize><Aperture>"
            "<Region name='a' size='0x5000' initial='0x1000' policy='data'/>"
            "<Region name='b' size='0x8000' policy='publish'/></Aperture>");
    cr_assert_eq(layout.region_count, 5);
    cr_assert_str_eq(layout.region[1].name, "pagemap");
    end = elf.image_size;
    for (uint32_t i = 0; i < layout.region_count; i++) {
        const struct ap_region *r = &layout.region[i];

        cr_expect_eq(r->offset, end + 0x10000, "row %u", i);
        cr_expect_eq(r->pagemap_index, dynamic, "row %u", i);
        end = r->offset + r->pages * SGX_PAGE_SIZE;
        dynamic += r->pages - r->initial;
    }
    cr_assert_eq(dynamic, 0x40 + 4 + 8);
    cr_assert_geq(layout.elrange_size, end + 0x10000);
    cr_assert_lt(layout.elrange_size / 2, end + 0x10000);
}

Test(layout, thread_local_storage_ends_where_the_thread_data_begins)
{
    const struct ap_slots *s = &layout.slots;

    lay_out("<TCSNum>4</TCSNum>");
    cr_assert_eq(s->slot_count, 4);
    cr_assert_gt(layout.tls_size, SGX_PAGE_SIZE);
    cr_assert_eq(layout.tls_size % layout.tls_align, 0);
    cr_assert_eq(s->td_from_tcs - s->tls_from_tcs, 2 * SGX_PAGE_SIZE);
    cr_assert_eq(s->tls_from_tcs, (1 + 2 + 1) * SGX_PAGE_SIZE);
    cr_assert_eq(s->tcs_offset, s->stack_offset + s->stack_size + s->tcs_from_stack);
    cr_assert_eq(s->stack_offset, 0x10000);
    cr_assert_eq(s->slot_size, s->tcs_offset + s->td_from_tcs + 2 * SGX_PAGE_SIZE);
}

Test(layout, debug_is_left_to_the_loader_unless_the_author_forbids_it)
{
    lay_out("");
    cr_assert_eq(layout.attribute_mask.flags, ~SGX_ATTR_DEBUG);
    lay_out("<DisableDebug>1</DisableDebug>");
    cr_assert_eq(layout.attribute_mask.flags, ~UINT64_C(0));
    cr_assert_eq(layout.attributes.flags, SGX_ATTR_MODE64BIT);
    lay_out("<ProvisionKey>1</ProvisionKey><EnableKSS>1</EnableKSS><XFRM>0x1f</XFRM>");
    cr_assert_eq(layout.attributes.flags,
                 SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY | SGX_ATTR_KSS);
    cr_assert_eq(layout.attributes.xfrm, 0x1f);
    cr_assert_eq(layout.attribute_mask.xfrm, ~UINT64_C(0));
}

Test(layout, the_summary_is_the_union_of_permissions_the_widest_policy_and_the_executable_pages)
{
    lay_out("<HeapMaxSize>0x50000</HeapMaxSize>");
    cr_assert_eq(aperture_summary(&layout), AP_POLICY_DATA << 4 | 3);
    lay_out("<Aperture><Region name='a' size='0x8000' policy='publish' initial='0x1000'/>"
            "</Aperture>");
    cr_assert_eq(aperture_summary(&layout), 7 << 8 | AP_POLICY_PUBLISH << 4 | 5);
    lay_out("<HeapMaxSize>0x50000</HeapMaxSize><Aperture>"
            "<Region name='a' size='0x8000' policy='publish'/>"
            "<Region name='b' size='0x4000' policy='rwx'/>"
            "<Region name='c' size='0x2000' policy='toggle'/></Aperture>");
    cr_assert_eq(aperture_summary(&layout), (8 + 4 + 2) << 8 | AP_POLICY_RWX << 4 | 7);
}

Test(layout, a_region_without_dynamic_pages_does_not_count_in_the_summary)
{
    lay_out("<Aperture><Region name='a' size='0x8000' policy='rwx' initial='0x8000'/></Aperture>");
    cr_assert_eq(aperture_summary(&layout), 0);
}

Test(layout, more_executable_pages_than_the_summary_can_count_are_shown_as_the_most)
{
    for (uint32_t i = 0; i < 2; i++)
        layout.region[i] = (struct ap_region){
            .pages = 0xfffffe, .policy = AP_POLICY_PUBLISH, .max_perm = AP_PERM_R | AP_PERM_X};
    layout.region_count = 1;
    cr_assert_eq(AP_SUMMARY_EXEC_PAGES(aperture_summary(&layout)), 0xfffffe);
    layout.region_count = 2;
    cr_assert_eq(AP_SUMMARY_EXEC_PAGES(aperture_summary(&layout)), AP_SUMMARY_EXEC_MAX);
}

Test(layout, what_does_not_fit_is_refused_and_leaves_the_result_alone)
{
    struct ap_layout before;

    lay_out("");
    before = layout;
    config.tcs_num = GEOMETRY_SLOTS_MAX;
    config.stack_size = GEOMETRY_STACK_MAX;
    cr_assert_lt(layout_make(&config, &elf, &layout, &failure), 0);
    cr_assert(strstr(failure.text, "0x1000000000 are possible"), "%s", failure.text);
    cr_assert_arr_eq(&layout, &before, sizeof layout);
}
