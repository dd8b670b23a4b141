/* SPDX-License-Identifier: Apache-2.0 */
/* layout_check_test.c - one good layout page, garbled in one place at a time */
#include <criterion/criterion.h>

#include <string.h>

#include "image/geometry.h"
#include "sample.h"

#define GARBLE(name, change)                                                                       \
    static void name(struct ap_layout *l)                                                          \
    {                                                                                              \
        change;                                                                                    \
    }

/* Rows of the sample: heap, pagemap, threads, notes, jit, old-jit. */
enum { HEAP, PAGEMAP, THREADS, NOTES, JIT, OLD_JIT, ROWS };

GARBLE(wrong_magic, l->magic++)
GARBLE(wrong_version, l->version = 2)
GARBLE(no_regions, l->region_count = 0)
GARBLE(too_many_regions, l->region_count = AP_REGION_MAX + 1)
GARBLE(hidden_region, l->region_count--)
GARBLE(reserved_bytes, l->reserved[287] = 1)
GARBLE(elrange_not_power, l->elrange_size += 0x1000)
GARBLE(elrange_zero, l->elrange_size = 0)
GARBLE(elrange_tiny, l->elrange_size = 0x1000)
GARBLE(elrange_huge, l->elrange_size = UINT64_C(1) << 63)
GARBLE(elrange_too_small, l->elrange_size = 0x2000)
GARBLE(not_64_bit, l->attributes.flags = 0)
GARBLE(initialised, l->attributes.flags |= SGX_ATTR_INIT)
GARBLE(debug_signed, l->attributes.flags |= SGX_ATTR_DEBUG)
GARBLE(launch_key, l->attributes.flags |= SGX_ATTR_EINITTOKENKEY)
GARBLE(no_sse, l->attributes.xfrm = SGX_XFRM_X87)
GARBLE(avx512_without_avx, l->attributes.xfrm |= SGX_XFRM_AVX512)
GARBLE(unknown_feature, l->attributes.xfrm |= UINT64_C(1) << 62)
GARBLE(feature_without_room, l->attributes.xfrm |= SGX_XFRM_AMX)
GARBLE(unknown_misc, l->miscselect = 4)
GARBLE(image_size, l->image_size += 0x1000)
GARBLE(entry, l->entry ^= 1)
GARBLE(tls_template, l->tls_template += 0x1000)
GARBLE(tls_template_size, l->tls_template_size++)
GARBLE(tls_size, l->tls_size = UINT64_MAX)
GARBLE(tls_align, l->tls_align = 3)
GARBLE(relro_offset, l->relro_offset = 0)
GARBLE(relro_pages, l->relro_pages = UINT64_MAX)
GARBLE(no_slots, l->slots.slot_count = 0)
GARBLE(too_many_slots, l->slots.slot_count = UINT64_MAX)
GARBLE(slots_beyond_row, l->slots.slot_count++)
GARBLE(stack_unaligned, l->slots.stack_size++)
GARBLE(stack_zero, l->slots.stack_size = 0)
GARBLE(stack_wraps, l->slots.stack_size = UINT64_MAX & SGX_PAGE_MASK)
GARBLE(slot_size, l->slots.slot_size -= 0x1000)
GARBLE(stack_offset, l->slots.stack_offset = 0)
GARBLE(tcs_offset, l->slots.tcs_offset += 0x1000)
GARBLE(tcs_from_stack, l->slots.tcs_from_stack = 0)
GARBLE(ssa_from_tcs, l->slots.ssa_from_tcs = 0)
GARBLE(tls_from_tcs, l->slots.tls_from_tcs = UINT64_MAX)
GARBLE(td_from_tcs, l->slots.td_from_tcs = 0)
GARBLE(td_pages, l->slots.td_pages = 1)
GARBLE(nssa, l->slots.nssa = 1)
GARBLE(ssa_frame_size, l->slots.ssa_frame_size = 0)
GARBLE(slots_offset, l->slots.offset += 0x1000)
GARBLE(name_upper, l->region[JIT].name[0] = 'J')
GARBLE(name_empty, memset(l->region[JIT].name, 0, AP_REGION_NAME_SIZE))
GARBLE(name_endless, memset(l->region[JIT].name, 'a', AP_REGION_NAME_SIZE))
GARBLE(name_tail, l->region[JIT].name[AP_REGION_NAME_SIZE - 1] = 'a')
GARBLE(name_twice, memcpy(l->region[OLD_JIT].name, l->region[JIT].name, AP_REGION_NAME_SIZE))
GARBLE(name_of_heap, memcpy(l->region[NOTES].name, "heap\0", 5))
GARBLE(row_reserved, l->region[JIT].reserved[4] = 1)
GARBLE(row_unaligned, l->region[JIT].offset += 8)
GARBLE(row_into_guard, l->region[JIT].offset -= 0x1000)
GARBLE(row_in_image, l->region[HEAP].offset = 0)
GARBLE(row_wraps, l->region[OLD_JIT].offset = UINT64_MAX & SGX_PAGE_MASK)
GARBLE(row_out_of_order, l->region[JIT].offset = l->region[HEAP].offset)
GARBLE(row_empty, l->region[OLD_JIT].pages = 0)
GARBLE(row_beyond, l->region[OLD_JIT].pages = l->elrange_size / SGX_PAGE_SIZE)
GARBLE(row_pages_wrap, l->region[OLD_JIT].pages = UINT64_C(1) << 52)
GARBLE(row_no_end_guard,
       l->region[OLD_JIT].pages = (l->elrange_size - l->region[OLD_JIT].offset) / SGX_PAGE_SIZE)
GARBLE(row_initial, l->region[OLD_JIT].initial = l->region[OLD_JIT].pages + 1)
GARBLE(row_map_index, l->region[OLD_JIT].pagemap_index++)
GARBLE(kind_none, l->region[JIT].kind = 0)
GARBLE(kind_unknown, l->region[JIT].kind = 5)
GARBLE(second_heap, l->region[NOTES].kind = AP_KIND_HEAP)
GARBLE(heap_not_first, l->region[HEAP].kind = AP_KIND_REGION)
GARBLE(heap_executable, l->region[HEAP].max_perm = 7)
GARBLE(heap_publishes, l->region[HEAP].policy = AP_POLICY_PUBLISH)
GARBLE(heap_not_loaded, l->region[HEAP].initial = 0)
GARBLE(threads_executable, l->region[THREADS].max_perm = 7)
GARBLE(threads_short, l->region[THREADS].pages--; l->region[THREADS].initial--)
GARBLE(map_dynamic, l->region[PAGEMAP].initial = 0)
GARBLE(map_large, l->region[PAGEMAP].pages++; l->region[PAGEMAP].initial++)
GARBLE(policy_none, l->region[JIT].policy = AP_POLICY_NONE)
GARBLE(policy_unknown, l->region[JIT].policy = 5)
GARBLE(policy_data_executable, l->region[NOTES].max_perm = AP_PERM_R | AP_PERM_X)
GARBLE(policy_publish_writable, l->region[JIT].max_perm = 7)
GARBLE(perm_none, l->region[JIT].max_perm = 0)
GARBLE(perm_unknown, l->region[JIT].max_perm |= 8)

#define CASE(garble, says)                                                                         \
    {                                                                                              \
#garble, garble, says                                                                      \
    }

static const struct {
    const char *name;
    void (*garble)(struct ap_layout *);
    const char *says;
} refusals[] = {
    CASE(wrong_magic, "does not begin with the word APERTURE"),
    CASE(wrong_version, "has version 2; expected 1"),
    CASE(no_regions, "claims 0 regions; 1 to 56"),
    CASE(too_many_regions, "claims 57 regions"),
    CASE(hidden_region, "reserved bytes of the layout page are not zero"),
    CASE(reserved_bytes, "reserved bytes of the layout page are not zero"),
    CASE(elrange_not_power, "is not a power of two"),
    CASE(elrange_zero, "is not a power of two"),
    CASE(elrange_tiny, "is not a power of two from 0x2000"),
    CASE(elrange_huge, "is not a power of two from 0x2000"),
    CASE(elrange_too_small, "expected at least one, and all of them in ELRANGE"),
    CASE(not_64_bit, "are not MODE64BIT"),
    CASE(initialised, "are not MODE64BIT"),
    CASE(debug_signed, "are not MODE64BIT"),
    CASE(launch_key, "are not MODE64BIT"),
    CASE(no_sse, "XFRM 0x1 is not a set of features"),
    CASE(avx512_without_avx, "XFRM 0xe3 is not a set of features"),
    CASE(unknown_feature, "is not a set of features"),
    CASE(feature_without_room, "do not have the expected geometry"),
    CASE(unknown_misc, "MISCSELECT 0x4 asks for more than EXINFO"),
    CASE(image_size, "is for an image of"),
    CASE(entry, "is for an image of"),
    CASE(tls_template, "does not describe the image's thread-local storage"),
    CASE(tls_template_size, "does not describe the image's thread-local storage"),
    CASE(tls_size, "does not describe the image's thread-local storage"),
    CASE(tls_align, "does not describe the image's thread-local storage"),
    CASE(relro_offset, "does not describe the image's RELRO"),
    CASE(relro_pages, "does not describe the image's RELRO"),
    CASE(no_slots, "claims 0 thread slots; 1 to 4096"),
    CASE(too_many_slots, "thread slots; 1 to 4096"),
    CASE(slots_beyond_row, "contradicts itself"),
    CASE(stack_unaligned, "is not whole pages"),
    CASE(stack_zero, "is not whole pages"),
    CASE(stack_wraps, "is not whole pages"),
    CASE(slot_size, "do not have the expected geometry"),
    CASE(stack_offset, "do not have the expected geometry"),
    CASE(tcs_offset, "do not have the expected geometry"),
    CASE(tcs_from_stack, "do not have the expected geometry"),
    CASE(ssa_from_tcs, "do not have the expected geometry"),
    CASE(tls_from_tcs, "do not have the expected geometry"),
    CASE(td_from_tcs, "do not have the expected geometry"),
    CASE(td_pages, "do not have the expected geometry"),
    CASE(nssa, "do not have the expected geometry"),
    CASE(ssa_frame_size, "do not have the expected geometry"),
    CASE(slots_offset, "('threads') contradicts itself"),
    CASE(name_upper, "region 4 of the layout page does not have a lower-case, terminated name"),
    CASE(name_empty, "does not have a lower-case, terminated name"),
    CASE(name_endless, "does not have a lower-case, terminated name"),
    CASE(name_tail, "does not have a lower-case, terminated name"),
    CASE(name_twice, "region 5 of the layout page has the same name as region 4"),
    CASE(name_of_heap, "region 3 of the layout page has the same name as region 0"),
    CASE(row_reserved, "has reserved bytes that are not zero"),
    CASE(row_unaligned, "expected a page at or after"),
    CASE(row_into_guard, "expected a page at or after"),
    CASE(row_in_image, "region 0 of the layout page begins at 0x0; expected a page at or after"),
    CASE(row_wraps, "all of them in ELRANGE"),
    CASE(row_out_of_order, "expected a page at or after"),
    CASE(row_empty, "has 0 pages"),
    CASE(row_beyond, "all of them in ELRANGE"),
    CASE(row_pages_wrap, "all of them in ELRANGE"),
    CASE(row_no_end_guard, "leaves no guard before the end of ELRANGE"),
    CASE(row_initial, "loads 17 pages, but has only 16"),
    CASE(row_map_index, "in the page map; expected"),
    CASE(kind_none, "('jit') contradicts itself"),
    CASE(kind_unknown, "('jit') contradicts itself"),
    CASE(second_heap, "('notes') is out of order"),
    CASE(heap_not_first, "('heap') is out of order"),
    CASE(heap_executable, "('heap') contradicts itself"),
    CASE(heap_publishes, "('heap') contradicts itself"),
    CASE(heap_not_loaded, "('heap') contradicts itself"),
    CASE(threads_executable, "('threads') contradicts itself"),
    CASE(threads_short, "('threads') contradicts itself"),
    CASE(map_dynamic, "('pagemap') contradicts itself"),
    CASE(map_large, "expected a page at or after"),
    CASE(policy_none, "('jit') contradicts itself"),
    CASE(policy_unknown, "('jit') contradicts itself"),
    CASE(policy_data_executable, "('notes') contradicts itself"),
    CASE(policy_publish_writable, "('jit') contradicts itself"),
    CASE(perm_none, "('jit') contradicts itself"),
    CASE(perm_unknown, "('jit') contradicts itself"),
};

Test(layout_check, a_layout_page_that_ap_sign_made_is_accepted)
{
    struct sample s = sample_load_laid_out();

    cr_assert_str_eq(sample_verdict(&s), "");
    cr_assert_eq(sample_layout(&s)->region_count, ROWS);
    sample_free(&s);
}

Test(layout_check, every_garbled_field_is_refused_by_a_sentence_that_names_it)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct sample s = sample_load_laid_out();
        const char *verdict;

        refusals[i].garble(sample_layout(&s));
        verdict = sample_verdict(&s);
        cr_expect(strstr(verdict, refusals[i].says), "%s: expected '%s', got '%s'",
                  refusals[i].name, refusals[i].says, verdict);
        sample_free(&s);
    }
}

static bool in_field(size_t byte, size_t field, size_t size)
{
    return byte >= field && byte < field + size;
}

/* Masks are what the author likes, and nothing follows the last row that could be in its way. */
static bool is_free_choice(size_t byte)
{
    size_t last = offsetof(struct ap_layout, region) + OLD_JIT * sizeof(struct ap_region);

    return in_field(byte, offsetof(struct ap_layout, attribute_mask), 16) ||
           in_field(byte, offsetof(struct ap_layout, miscmask), 4) ||
           in_field(byte, last + offsetof(struct ap_region, offset), 8) ||
           in_field(byte, last + offsetof(struct ap_region, pages), 8);
}

Test(layout_check, no_flipped_top_bit_of_any_other_byte_passes_unseen)
{
    struct sample s = sample_load_laid_out();
    uint8_t *bytes = (uint8_t *)sample_layout(&s);

    for (size_t i = 0; i < sizeof(struct ap_layout); i++) {
        if (is_free_choice(i))
            continue;
        bytes[i] ^= 0x80;
        /* KSS is the one top bit in a flag byte that an author may set. */
        if (i != offsetof(struct ap_layout, attributes))
            cr_expect(sample_verdict(&s)[0], "byte %zu", i);
        bytes[i] ^= 0x80;
    }
    sample_free(&s);
}

Test(layout_check, a_missing_thread_row_is_refused)
{
    struct sample s = sample_load_laid_out();
    struct ap_layout *l = sample_layout(&s);

    memset(&l->region[THREADS], 0, (ROWS - THREADS) * sizeof l->region[0]);
    l->region_count = THREADS;
    cr_assert(strstr(sample_verdict(&s), "has no thread slots"), "%s", sample_verdict(&s));
    sample_free(&s);
}

Test(layout_check, a_page_map_that_is_too_small_is_refused)
{
    struct sample s = sample_load_laid_out();
    struct ap_layout *l = sample_layout(&s);

    /* One more region of 4 GiB: 2^20 dynamic pages take 64 pages of map, not one. */
    l->elrange_size = UINT64_C(1) << 34;
    l->region[OLD_JIT].pages = UINT64_C(1) << 20;
    cr_assert(strstr(sample_verdict(&s), "has a page map of 1 pages"), "%s", sample_verdict(&s));
    sample_free(&s);
}

Test(geometry, an_ssa_frame_holds_the_extended_state_that_xfrm_names)
{
    cr_assert_eq(geometry_ssa_frame_size(3, 0), 1);
    cr_assert_eq(geometry_ssa_frame_size(3, SGX_MISC_EXINFO), 1);
    cr_assert_eq(geometry_ssa_frame_size(7, SGX_MISC_EXINFO), 1);
    cr_assert_eq(geometry_ssa_frame_size(0x2ff, SGX_MISC_EXINFO), 1);   /* 2696 + 16 + 184 */
    cr_assert_eq(geometry_ssa_frame_size(0x602ff, SGX_MISC_EXINFO), 3); /* 11008 + 16 + 184 */
}

Test(geometry, only_sets_of_features_that_xsetbv_takes_pass)
{
    static const uint64_t good[] = {3, 7, 0x1b, 0x1f, 0xe7, 0x203, 0x2e7, 0x602e7};
    static const uint64_t bad[] = {0, 1, 2, 4, 0xb, 0x13, 0xe3, 0x27, 0x20003, 0x403, ~UINT64_C(0)};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect(geometry_xfrm_ok(good[i]), "%#lx", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(geometry_xfrm_ok(bad[i]), "%#lx", bad[i]);
}

Test(geometry, a_page_map_has_two_bits_for_each_dynamic_page)
{
    cr_assert_eq(geometry_pagemap_pages(0), 0);
    cr_assert_eq(geometry_pagemap_pages(1), 1);
    cr_assert_eq(geometry_pagemap_pages(4096 * 4), 1);
    cr_assert_eq(geometry_pagemap_pages(4096 * 4 + 1), 2);
}
