/* SPDX-License-Identifier: Apache-2.0 */
/* boundary_test.c - sibling of trts/boundary.c and trts/copy.c */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "aperture/trts.h"
#include "fake.h"

TestSuite(boundary, .init = fake_reset);

static const uint8_t *at(uint64_t offset)
{
    return (const uint8_t *)((uintptr_t)fake_base() + offset);
}

Test(boundary, a_range_that_ends_where_the_enclave_starts_is_outside)
{
    cr_assert(ap_is_outside(at(0) - 8, 8));
    cr_assert(!ap_is_inside(at(0) - 8, 8));
}

Test(boundary, a_range_that_reaches_one_byte_in_is_neither)
{
    cr_assert(!ap_is_outside(at(0) - 8, 9));
    cr_assert(!ap_is_inside(at(0) - 8, 9));
}

Test(boundary, a_range_that_leaves_by_one_byte_is_neither)
{
    cr_assert(ap_is_inside(at(FAKE_SIZE - 8), 8));
    cr_assert(!ap_is_inside(at(FAKE_SIZE - 8), 9));
    cr_assert(!ap_is_outside(at(FAKE_SIZE - 8), 9));
}

Test(boundary, a_range_behind_the_last_byte_is_outside)
{
    cr_assert(ap_is_outside(at(FAKE_SIZE), 8));
    cr_assert(!ap_is_inside(at(FAKE_SIZE), 8));
}

Test(boundary, a_range_around_the_whole_enclave_is_neither)
{
    cr_assert(!ap_is_outside(at(0) - 8, FAKE_SIZE + 16));
    cr_assert(!ap_is_inside(at(0) - 8, FAKE_SIZE + 16));
}

Test(boundary, a_range_that_wraps_is_neither)
{
    const void *high = (const void *)(UINTPTR_MAX - 3);

    cr_assert(!ap_is_outside(high, 4)); /* its end is 2^64, which is 0 */
    cr_assert(!ap_is_outside(high, 8));
    cr_assert(!ap_is_outside(at(FAKE_SIZE), SIZE_MAX));
    cr_assert(!ap_is_inside(at(8), SIZE_MAX - 4));
}

Test(boundary, an_empty_range_is_judged_by_its_address)
{
    cr_assert(ap_is_inside(at(0), 0));
    cr_assert(ap_is_inside(at(FAKE_SIZE - 1), 0));
    cr_assert(!ap_is_inside(at(FAKE_SIZE), 0));
    cr_assert(ap_is_outside(at(FAKE_SIZE), 0));
    cr_assert(!ap_is_outside(at(0), 0));
    cr_assert(ap_is_outside(at(0) - 1, 0));
}

/* A little outside, at every alignment, with sentinels on both sides. */
Test(boundary, copies_move_every_byte_and_no_other)
{
    uint8_t *outside = malloc(64);
    uint8_t *inside = fake_base() + 0x1000;

    for (size_t skew = 0; skew < 8; skew++) {
        for (size_t size = 0; size <= 40; size++) {
            for (size_t i = 0; i < 64; i++)
                outside[i] = (uint8_t)(i + 1);
            memset(inside, 0xee, 64);
            cr_assert(ap_host_read(inside + 3, (uintptr_t)outside + skew, size) == SGX_SUCCESS);
            cr_assert(memcmp(inside + 3, outside + skew, size) == 0);
            cr_assert(inside[2] == 0xee && inside[3 + size] == 0xee);

            memset(outside, 0x77, 64);
            cr_assert(ap_host_write((uintptr_t)outside + skew, inside + 3, size) == SGX_SUCCESS);
            cr_assert(memcmp(inside + 3, outside + skew, size) == 0);
            for (size_t i = 0; i < 64; i++)
                cr_assert(outside[i] == 0x77 || (i >= skew && i < skew + size));
        }
    }
    free(outside);
}

static bool all_refused(uint64_t host, uint8_t *trusted, size_t size)
{
    return ap_host_read(trusted, host, size) == SGX_ERROR_INVALID_PARAMETER &&
           ap_host_write(host, trusted, size) == SGX_ERROR_INVALID_PARAMETER;
}

Test(boundary, copies_refuse_a_host_range_that_is_not_wholly_outside)
{
    uint8_t *inside = fake_base() + 0x1000;

    memset(inside, 0x5a, 16);
    cr_assert(all_refused(0, inside, 8));
    cr_assert(all_refused(0, inside, 0));
    cr_assert(all_refused((uintptr_t)at(0x2000), inside, 8));
    cr_assert(all_refused((uintptr_t)at(0) - 4, inside, 8));
    cr_assert(all_refused((uintptr_t)at(FAKE_SIZE) - 1, inside, 8));
    cr_assert(all_refused(UINT64_MAX - 3, inside, 8));
    for (size_t i = 0; i < 16; i++)
        cr_assert(inside[i] == 0x5a);
}

Test(boundary, copies_refuse_a_trusted_range_that_is_not_wholly_inside)
{
    uint64_t word = 1, other = 2;

    cr_assert(all_refused((uintptr_t)&word, (uint8_t *)&other, 8));
    cr_assert(all_refused((uintptr_t)&word, fake_base() + FAKE_SIZE - 4, 8));
    cr_assert(word == 1 && other == 2);
}
