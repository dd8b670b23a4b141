/* SPDX-License-Identifier: Apache-2.0 */
/* pagemap_test.c - sibling of trts/mm/pagemap.c and trts/lock.c */
#include <criterion/criterion.h>
#include <string.h>

#include "fake.h"
#include "mm/pagemap.h"

#define CAPACITY (FAKE_PAGE * 4)

TestSuite(pagemap, .init = fake_reset);

Test(pagemap, what_the_loader_left_in_the_map_is_not_believed)
{
    memset(fake_base() + 0x20000, 0xaa, FAKE_PAGE);
    cr_assert(pagemap_get(0) == PAGE_HELD);
    pagemap_clear();
    for (uint64_t i = 0; i < CAPACITY; i++)
        cr_assert(pagemap_get(i) == PAGE_FREE);
    cr_assert(fake_base()[0x20000 - 1] == 0 && fake_base()[0x21000] == 0);
}

Test(pagemap, a_move_touches_its_pages_and_no_neighbour)
{
    for (uint64_t first = 1; first < 9; first++) {
        for (uint64_t count = 1; count < 9; count++) {
            pagemap_clear();
            cr_assert(pagemap_move(first, count, PAGE_FREE, PAGE_RETIRED));
            for (uint64_t i = 0; i < 24; i++)
                cr_assert(pagemap_get(i) ==
                          (i >= first && i < first + count ? PAGE_RETIRED : PAGE_FREE));
        }
    }
}

Test(pagemap, a_move_takes_all_pages_or_none)
{
    cr_assert(pagemap_move(5, 1, PAGE_FREE, PAGE_HELD));
    cr_assert(!pagemap_move(2, 6, PAGE_FREE, PAGE_RESERVED));
    for (uint64_t i = 0; i < 8; i++)
        cr_assert(pagemap_get(i) == (i == 5 ? PAGE_HELD : PAGE_FREE));
}

Test(pagemap, a_page_is_claimed_once)
{
    cr_assert(pagemap_move(7, 1, PAGE_FREE, PAGE_RESERVED));
    cr_assert(!pagemap_move(7, 1, PAGE_FREE, PAGE_RESERVED));
    cr_assert(pagemap_move(7, 1, PAGE_RESERVED, PAGE_HELD));
    cr_assert(!pagemap_move(7, 1, PAGE_FREE, PAGE_RESERVED));
    cr_assert(!pagemap_move(7, 1, PAGE_RESERVED, PAGE_HELD));
}

Test(pagemap, the_first_run_that_is_long_enough_is_taken)
{
    uint64_t at = 99;

    cr_assert(pagemap_move(12, 1, PAGE_FREE, PAGE_HELD)); /* free: 10 11 | 13 .. 19 */
    cr_assert(pagemap_take(10, 10, 3, &at));
    cr_assert(at == 13);
    cr_assert(pagemap_take(10, 10, 2, &at));
    cr_assert(at == 10);
    cr_assert(pagemap_take(10, 10, 4, &at));
    cr_assert(at == 16);
    at = 99;
    cr_assert(!pagemap_take(10, 10, 1, &at));
    cr_assert(at == 99);
    cr_assert(pagemap_get(9) == PAGE_FREE && pagemap_get(20) == PAGE_FREE);
}

Test(pagemap, a_run_does_not_reach_beyond_the_limit)
{
    uint64_t at;

    cr_assert(!pagemap_take(10, 10, 11, &at));
    cr_assert(!pagemap_take(10, 10, 0, &at));
    cr_assert(!pagemap_take(10, 10, UINT64_MAX, &at));
    cr_assert(pagemap_take(10, 10, 10, &at) && at == 10);
}

Test(pagemap, the_section_under_the_lock_is_critical_and_ends)
{
    cr_assert(fake_thread()->critical == 0);
    critical_enter();
    critical_enter();
    cr_assert(fake_thread()->critical == 2);
    critical_leave();
    critical_leave();
    (void)pagemap_get(0);
    cr_assert(fake_thread()->critical == 0);
}
