/* SPDX-License-Identifier: Apache-2.0 */
/* publish_test.c - sibling of trts/code/publish.c and trts/code/reserve.c */
#include <criterion/criterion.h>
#include <string.h>

#include "aperture/code.h"
#include "arch/secinfo.h"
#include "fake.h"
#include "fake_host.h"
#include "mm/pagemap.h"

TestSuite(publish, .init = fake_host_reset);

#define JIT       0x80000u
#define JIT_INDEX 26u
#define JIT_PAGES 32u

static uint8_t *at(uint64_t offset)
{
    return fake_base() + offset;
}

/* Code inside, in the image's part of the fake ELRANGE; byte i of it is i * 7. */
static uint8_t *code(uint64_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at(offset)[i] = (uint8_t)(i * 7);
    return at(offset);
}

static struct ap_code_region *jit(void)
{
    return ap_code_region("jit");
}

static uint8_t *reserve(size_t size)
{
    void *where = NULL;

    cr_assert(ap_code_reserve(jit(), size, &where) == SGX_SUCCESS);
    return where;
}

Test(publish, whole_aligned_pages_are_copied_straight_with_one_leaf_each)
{
    uint8_t *where = reserve(3 * FAKE_PAGE), *source = code(0x2000, 3 * FAKE_PAGE);

    cr_assert(where == at(JIT));
    cr_assert(ap_code_publish(jit(), where, source, 3 * FAKE_PAGE) == SGX_SUCCESS);
    cr_assert(fake_host.touches == 1 && fake_host.touch_offset == JIT);
    cr_assert(fake_host.accepts == 3 && fake_host.failures == 0);
    cr_assert(fake_host.flags == (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_X));
    cr_assert(memcmp(where, source, 3 * FAKE_PAGE) == 0);
    cr_assert(pagemap_get(JIT_INDEX + 2) == PAGE_HELD);
    cr_assert(pagemap_get(JIT_INDEX + 3) == PAGE_FREE);
    cr_assert(!fake_host.critical_in_ocall && fake_thread()->critical == 0);
}

Test(publish, any_alignment_and_size_arrives_and_the_rest_becomes_int3)
{
    const size_t size = FAKE_PAGE + 100;
    uint8_t *where = reserve(size), *source = code(0x2003, size);

    cr_assert(ap_code_publish(jit(), where, source, size) == SGX_SUCCESS);
    cr_assert(memcmp(where, source, size) == 0);
    for (size_t i = size; i < 2 * FAKE_PAGE; i++)
        cr_assert(where[i] == 0xcc);
    cr_assert(fake_host.accepts == 2);
}

Test(publish, code_is_published_once)
{
    uint8_t *where = reserve(FAKE_PAGE), *source = code(0x2000, FAKE_PAGE);

    cr_assert(ap_code_publish(jit(), where, source, FAKE_PAGE) == SGX_SUCCESS);
    fake_host_replace(JIT);
    cr_assert(ap_code_publish(jit(), where, source, FAKE_PAGE) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(fake_host.accepts == 1);
}

static sgx_status_t second;

static void publish_meanwhile(void)
{
    fake_host.on_touch = NULL;
    second = ap_code_publish(jit(), at(JIT), code(0x2000, 1), 1);
}

Test(publish, a_second_call_during_the_ocall_finds_the_pages_taken)
{
    uint8_t *where = reserve(FAKE_PAGE);

    fake_host.on_touch = publish_meanwhile;
    cr_assert(ap_code_publish(jit(), where, code(0x2000, 1), 1) == SGX_SUCCESS);
    cr_assert(second == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(fake_host.accepts == 1);
}

Test(publish, what_was_not_reserved_is_refused)
{
    uint8_t *where = reserve(2 * FAKE_PAGE), *source = code(0x2000, 4 * FAKE_PAGE);

    cr_assert(ap_code_publish(jit(), where, source, 3 * FAKE_PAGE) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_publish(jit(), where + 2 * FAKE_PAGE, source, 1) ==
              SGX_ERROR_INVALID_PARAMETER);
    cr_assert(pagemap_get(JIT_INDEX) == PAGE_RESERVED, "nothing has changed");
    cr_assert(fake_host.touches == 0);
}

Test(publish, bad_arguments_are_refused_before_anything_happens)
{
    uint8_t *where = reserve(FAKE_PAGE), *source = code(0x2000, FAKE_PAGE), outside[16] = {0};
    struct ap_code_region *r = jit();

    cr_assert(ap_code_publish(NULL, where, source, 1) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_publish((struct ap_code_region *)(void *)((uint8_t *)r + 8), where, source,
                              1) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_publish(r, where, source, 0) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_publish(r, where, source, SIZE_MAX) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_publish(r, where + 16, source, 1) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_publish(r, where, outside, 16) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_publish(r, where, at(FAKE_SIZE) - 8, 16) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_publish(r, at(0x50000), source, 1) == SGX_ERROR_INVALID_PARAMETER,
              "another region's page");
    cr_assert(ap_code_publish(r, outside, source, 1) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(fake_host.touches == 0 && fake_host.accepts + fake_host.failures == 0);
    cr_assert(pagemap_get(JIT_INDEX) == PAGE_RESERVED);
}

Test(publish, only_publish_regions_take_code)
{
    const char *const names[] = {"data", "readonly", "toggle"};
    uint8_t *source = code(0x2000, 1);
    void *where = NULL;

    for (size_t i = 0; i < 3; i++) {
        struct ap_code_region *r = ap_code_region(names[i]);

        cr_assert(r != NULL);
        cr_assert(ap_code_reserve(r, 1, &where) == SGX_ERROR_APERTURE);
        cr_assert(ap_code_publish(r, at(0x50000), source, 1) == SGX_ERROR_APERTURE);
    }
    cr_assert(where == NULL);
    cr_assert(ap_code_region("heap") == NULL && ap_code_region("nothing") == NULL);
    cr_assert(ap_code_region(NULL) == NULL);
    cr_assert(fake_host.touches == 0);
}

Test(publish, a_host_that_withholds_a_page_gets_an_error_and_can_make_up_for_it)
{
    uint8_t *where = reserve(4 * FAKE_PAGE), *source = code(0x2000, 4 * FAKE_PAGE);

    fake_host.withheld = JIT + 2 * FAKE_PAGE;
    cr_assert(ap_code_publish(jit(), where, source, 4 * FAKE_PAGE) == SGX_ERROR_HOST);
    cr_assert(pagemap_get(JIT_INDEX + 1) == PAGE_HELD);
    cr_assert(pagemap_get(JIT_INDEX + 2) == PAGE_RESERVED);
    cr_assert(pagemap_get(JIT_INDEX + 3) == PAGE_RESERVED);

    fake_host.withheld = 0;
    cr_assert(ap_code_publish(jit(), where, source, 4 * FAKE_PAGE) == SGX_ERROR_INVALID_PARAMETER,
              "pages that are published are not taken again");
    cr_assert(ap_code_publish(jit(), where + 2 * FAKE_PAGE, source, 2 * FAKE_PAGE) == SGX_SUCCESS);
}

Test(publish, a_page_that_does_not_match_is_refused_also_from_the_staging_page)
{
    uint8_t *where = reserve(FAKE_PAGE);

    fake_host.wrong = JIT;
    cr_assert(ap_code_publish(jit(), where, code(0x2001, 9), 9) == SGX_ERROR_HOST);
    cr_assert(fake_thread()->critical == 0);
    fake_host.wrong = 0;
    cr_assert(ap_code_publish(jit(), where, code(0x2001, 9), 9) == SGX_SUCCESS,
              "the staging page is free again");
}

Test(publish, reservations_do_not_overlap_and_end_with_the_region)
{
    uint8_t *a = reserve(1), *b = reserve(FAKE_PAGE + 1), *c = reserve(29 * FAKE_PAGE);
    void *where = NULL;

    cr_assert(a == at(JIT) && b == a + FAKE_PAGE && c == b + 2 * FAKE_PAGE);
    cr_assert(ap_code_reserve(jit(), 1, &where) == SGX_ERROR_OUT_OF_MEMORY);
    cr_assert(where == NULL);
    cr_assert(pagemap_get(JIT_INDEX + JIT_PAGES) == PAGE_FREE, "the next region's first page");
}

Test(publish, reservations_of_impossible_size_are_refused)
{
    void *where = NULL;

    cr_assert(ap_code_reserve(NULL, 1, &where) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_reserve(jit(), 0, &where) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_reserve(jit(), SIZE_MAX, &where) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_reserve(jit(), 1, NULL) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_code_reserve(jit(), 33 * FAKE_PAGE, &where) == SGX_ERROR_OUT_OF_MEMORY);
    cr_assert(where == NULL && pagemap_get(JIT_INDEX) == PAGE_FREE);
}
