/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "model.h"
#include "raw.h"

static struct raw raw;

static intptr_t map(uint64_t offset, uint64_t pages, int prot, int flags)
{
    return sgx2_mmap(raw.base + offset, pages * SGX_PAGE_SIZE, prot, flags, raw.fd, 0);
}

Test(mmap, works_before_create)
{
    int fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    intptr_t at = sgx2_mmap(NULL, SGX_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);

    cr_assert_gt(at, 0);
    cr_assert_gt(sgx2_mmap(NULL, SGX_PAGE_SIZE, PROT_EXEC, MAP_SHARED, fd, 0), 0);
    sgx2_close(fd);
    cr_assert_eq(sgx2_munmap((void *)at, SGX_PAGE_SIZE), 0);
}

Test(mmap, refuses_private_mappings_and_ranges_outside_after_init)
{
    raw_open(&raw);
    cr_assert_eq(map(RAW_FREE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED), -EINVAL);
    cr_assert_eq(map(RAW_SIZE, 1, PROT_READ, MAP_SHARED | MAP_FIXED), -EACCES);
    cr_assert_eq(map(RAW_SIZE - SGX_PAGE_SIZE, 2, PROT_READ, MAP_SHARED | MAP_FIXED), -EACCES);
    raw_close(&raw);
}

Test(mmap, grants_no_more_than_the_page_was_added_with)
{
    raw_open(&raw);
    cr_assert_eq(map(RAW_CODE, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED), -EACCES);
    cr_assert_eq(map(RAW_DATA, 1, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED), -EACCES);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_CODE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE),
                 -EACCES);
    cr_assert_eq(sgx2_mprotect(raw.base, SGX_PAGE_SIZE, PROT_READ | PROT_EXEC), -EACCES,
                 "a TCS is RW at most");
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_CODE, SGX_PAGE_SIZE, PROT_READ), 0);
    raw_close(&raw);
}

Test(mmap, grants_anything_where_there_is_no_page_yet)
{
    raw_open(&raw);
    cr_assert_eq(map(RAW_FREE, 4, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_FIXED),
                 (intptr_t)raw.base + (intptr_t)RAW_FREE);
    raw_close(&raw);
}

Test(mmap, wants_a_writable_descriptor_for_a_writable_mapping)
{
    int fd = sgx2_open("/dev/sgx_enclave", O_RDONLY);
    intptr_t at = sgx2_mmap(NULL, SGX_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);

    cr_assert_gt(at, 0);
    sgx2_close(fd);
    sgx2_munmap((void *)at, SGX_PAGE_SIZE);
}

Test(mprotect, of_a_range_with_a_hole_fails)
{
    raw_open(&raw);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, 8 * SGX_PAGE_SIZE, PROT_READ), -ENOMEM);
    raw_close(&raw);
}

Test(munmap, keeps_the_pages_and_their_content)
{
    const uint64_t where = raw_address(&raw, RAW_DATA);

    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = 77});
    cr_assert_eq(sgx2_munmap(raw.base + RAW_DATA, SGX_PAGE_SIZE), 0);
    cr_assert_eq(map(RAW_DATA, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED),
                 (intptr_t)raw.base + (intptr_t)RAW_DATA);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)}).ret,
                 77);
    (void)where;
    raw_close(&raw);
}

Test(close, keeps_an_enclave_that_is_still_mapped)
{
    raw_open(&raw);
    sgx2_close(raw.fd);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    sgx2_munmap(raw.base, RAW_SIZE);
}
