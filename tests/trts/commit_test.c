/* SPDX-License-Identifier: Apache-2.0 */
/* commit_test.c - sibling of trts/mm/commit.c */
#include <criterion/criterion.h>

#include "aperture/mm.h"
#include "arch/secinfo.h"
#include "fake.h"
#include "fake_host.h"
#include "mm/pagemap.h"

TestSuite(commit, .init = fake_host_reset);

#define DATA       0x50000u
#define DATA_INDEX 6u

static sgx_status_t commit(uint64_t offset, size_t size)
{
    return ap_mm_commit((void *)((uintptr_t)fake_base() + offset), size);
}

Test(commit, a_run_of_pages_costs_one_ocall_and_one_leaf_a_page)
{
    cr_assert(commit(DATA, 16 * FAKE_PAGE) == SGX_SUCCESS);
    cr_assert(fake_host.touches == 1);
    cr_assert(fake_host.accepts == 16 && fake_host.failures == 0);
    cr_assert(fake_host.flags ==
              (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING));
    for (uint64_t i = 0; i < 16; i++)
        cr_assert(pagemap_get(DATA_INDEX + i) == PAGE_HELD);
    cr_assert(!fake_host.critical_in_ocall);
    cr_assert(fake_thread()->critical == 0);
}

Test(commit, pages_that_are_held_are_left_alone)
{
    cr_assert(commit(DATA + 2 * FAKE_PAGE, FAKE_PAGE) == SGX_SUCCESS);
    fake_base()[DATA + 2 * FAKE_PAGE] = 0x42;
    cr_assert(commit(DATA, 4 * FAKE_PAGE) == SGX_SUCCESS);
    cr_assert(fake_host.accepts == 4 && fake_host.failures == 0);
    cr_assert(fake_base()[DATA + 2 * FAKE_PAGE] == 0x42);
    cr_assert(commit(DATA, 4 * FAKE_PAGE) == SGX_SUCCESS);
    cr_assert(fake_host.touches == 2, "nothing is missing, so nothing is asked for");
}

Test(commit, the_host_is_asked_only_for_what_lies_between_missing_pages)
{
    cr_assert(commit(DATA, 2 * FAKE_PAGE) == SGX_SUCCESS);
    cr_assert(commit(DATA + 5 * FAKE_PAGE, FAKE_PAGE) == SGX_SUCCESS);
    cr_assert(commit(DATA, 6 * FAKE_PAGE) == SGX_SUCCESS);
    cr_assert(fake_host.touch_offset == DATA + 2 * FAKE_PAGE);
    cr_assert(fake_host.touch_size == 3 * FAKE_PAGE);
}

Test(commit, a_host_that_withholds_a_page_gets_an_error_and_the_page_stays_free)
{
    fake_host.withheld = DATA + 3 * FAKE_PAGE;
    cr_assert(commit(DATA, 8 * FAKE_PAGE) == SGX_ERROR_HOST);
    for (uint64_t i = 0; i < 8; i++)
        cr_assert(pagemap_get(DATA_INDEX + i) == (i < 3 ? PAGE_HELD : PAGE_FREE));
    cr_assert(fake_thread()->critical == 0);

    fake_host.withheld = 0;
    cr_assert(commit(DATA, 8 * FAKE_PAGE) == SGX_SUCCESS, "it may be tried again");
}

Test(commit, a_page_that_does_not_match_is_not_held)
{
    fake_host.wrong = DATA + FAKE_PAGE;
    cr_assert(commit(DATA, 2 * FAKE_PAGE) == SGX_ERROR_HOST);
    cr_assert(pagemap_get(DATA_INDEX) == PAGE_HELD);
    cr_assert(pagemap_get(DATA_INDEX + 1) == PAGE_FREE);
}

Test(commit, a_fresh_page_in_place_of_a_held_one_is_never_accepted)
{
    cr_assert(commit(DATA, FAKE_PAGE) == SGX_SUCCESS);
    fake_host_replace(DATA);
    cr_assert(commit(DATA, FAKE_PAGE) == SGX_SUCCESS);
    cr_assert(fake_host.accepts == 1, "accepted once in its life");
}

static void take_meanwhile(void)
{
    fake_host.on_touch = NULL;
    cr_assert(commit(DATA, 2 * FAKE_PAGE) == SGX_SUCCESS);
}

Test(commit, another_call_that_was_faster_is_no_error)
{
    fake_host.on_touch = take_meanwhile;
    cr_assert(commit(DATA, 2 * FAKE_PAGE) == SGX_SUCCESS);
    cr_assert(fake_host.accepts == 2 && fake_host.failures == 0);
}

static void is_claimed(uint64_t offset)
{
    cr_assert(pagemap_get(DATA_INDEX + (offset - DATA) / FAKE_PAGE) == PAGE_RESERVED);
    cr_assert(fake_thread()->critical > 0);
}

Test(commit, a_page_is_claimed_in_a_critical_section_while_it_is_accepted)
{
    fake_host.on_accept = is_claimed;
    cr_assert(commit(DATA, 2 * FAKE_PAGE) == SGX_SUCCESS);
}

Test(commit, ranges_that_are_not_pages_of_one_dynamic_part_are_refused)
{
    cr_assert(commit(DATA + 1, FAKE_PAGE) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit(DATA, FAKE_PAGE + 1) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit(DATA, 0) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit(DATA, 17 * FAKE_PAGE) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit(DATA, (size_t)0 - FAKE_PAGE) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit(0x11000, FAKE_PAGE) == SGX_ERROR_INVALID_PARAMETER, "loaded, not dynamic");
    cr_assert(commit(0x31000, FAKE_PAGE) == SGX_ERROR_INVALID_PARAMETER, "a stack");
    cr_assert(commit((uint64_t)0 - FAKE_PAGE, FAKE_PAGE) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit(FAKE_SIZE, FAKE_PAGE) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(fake_host.touches == 0 && fake_host.accepts + fake_host.failures == 0);
}

Test(commit, regions_that_may_not_be_written_are_outside_the_aperture)
{
    cr_assert(commit(0x70000, FAKE_PAGE) == SGX_ERROR_APERTURE);
    cr_assert(commit(0x80000, FAKE_PAGE) == SGX_ERROR_APERTURE);
    cr_assert(fake_host.touches == 0 && fake_host.accepts + fake_host.failures == 0);
}

Test(commit, the_heap_grows_behind_its_initial_pages)
{
    cr_assert(commit(0x12000, 6 * FAKE_PAGE) == SGX_SUCCESS);
    cr_assert(pagemap_get(5) == PAGE_HELD && pagemap_get(6) == PAGE_FREE);
}

Test(commit, a_region_is_described_as_the_layout_has_it)
{
    struct ap_region_info info = {0};

    cr_assert(ap_mm_region("heap", &info) == SGX_SUCCESS);
    cr_assert(info.base == fake_base() + 0x10000 && info.size == 8 * FAKE_PAGE);
    cr_assert(info.initial_size == 2 * FAKE_PAGE);
    cr_assert(info.policy == AP_POLICY_DATA && info.max_perm == (AP_PERM_R | AP_PERM_W));
    cr_assert(ap_mm_region("threads", &info) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_mm_region("nothing", &info) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_mm_region(NULL, &info) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_mm_region("heap", NULL) == SGX_ERROR_INVALID_PARAMETER);
}
