/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

Test(mmap, refuses_lengths_addresses_and_flags_as_linux_does)
{
    const int fixed = MAP_SHARED | MAP_FIXED;
    uint8_t *base;

    raw_build(&raw);
    base = raw.base;
    cr_assert_eq(sgx2_mmap(base, 0, PROT_READ, fixed, raw.fd, 0), -EINVAL);
    cr_assert_eq(sgx2_mmap(NULL, SIZE_MAX, PROT_READ, MAP_SHARED, raw.fd, 0), -ENOMEM);
    cr_assert_eq(sgx2_mmap(NULL, SIZE_MAX, PROT_READ, MAP_PRIVATE, raw.fd, 0), -ENOMEM);
    cr_assert_eq(sgx2_mmap(base, UINT64_C(1) << 46, PROT_READ, MAP_PRIVATE | MAP_FIXED, raw.fd, 0),
                 -EINVAL);
    cr_assert_eq(sgx2_mmap(base + 1, SGX_PAGE_SIZE, PROT_READ, fixed, raw.fd, 0), -EINVAL);
    cr_assert_eq(sgx2_mmap(base, SGX_PAGE_SIZE, PROT_READ, fixed, raw.fd, 1), -EINVAL);
    cr_assert_eq(map(0, 1, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED | MAP_SYNC), -EOPNOTSUPP);
    cr_assert_eq(map(0, 1, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED | MAP_POPULATE),
                 (intptr_t)base);
    cr_assert_eq(map(0, 1, PROT_READ, fixed | MAP_SYNC), (intptr_t)base, "as ever, not looked at");
    raw_close(&raw);
}

static uint64_t load(uint64_t offset)
{
    return raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, offset)}).ret;
}

Test(mmap, that_is_refused_leaves_what_is_mapped_there)
{
    const int other = MAP_PRIVATE | MAP_FIXED;
    uint8_t *data;

    raw_open(&raw);
    data = raw.base + RAW_DATA;
    raw_do(&raw, 0,
           (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = UINT64_C(0x5a5a)});
    cr_assert_eq(sgx2_mmap(data, SGX_PAGE_SIZE, PROT_READ, other, 9999, 0), -EBADF);
    cr_assert_eq(load(RAW_DATA), 0x5a5a);
    cr_assert_eq(sgx2_mmap(data, 0, PROT_READ, other | MAP_ANONYMOUS, -1, 0), -EINVAL);
    cr_assert_eq(sgx2_mmap(data, UINT64_C(1) << 47, PROT_READ, other | MAP_ANONYMOUS, -1, 0),
                 -ENOMEM);
    cr_assert_eq(load(RAW_DATA), 0x5a5a);
    cr_assert_eq(sgx2_mmap(data, UINT64_C(1) << 47, PROT_READ, MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 -ENOMEM);
    cr_assert_eq(load(RAW_DATA), 0x5a5a);
    raw_close(&raw);
}

Test(mmap, of_other_memory_takes_whole_pages)
{
    uint8_t *data;

    raw_open(&raw);
    data = raw.base + RAW_DATA;
    cr_assert_eq(sgx2_mmap(data, 100, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                 (intptr_t)data);
    cr_assert_eq(sgx2_mprotect(data, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC), 0,
                 "a page of the enclave would be RW at most");
    raw_close(&raw);
}

Test(mprotect, refuses_bits_that_no_protection_has)
{
    raw_open(&raw);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ | 0x100), -EINVAL);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ | (int)PROT_GROWSDOWN),
                 -EINVAL);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ | 0x8), 0, "PROT_SEM");
    raw_close(&raw);
}

Test(mprotect, of_a_range_with_a_hole_changes_what_lies_before_the_hole_and_fails)
{
    struct op op;

    raw_open(&raw);
    op = (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA)};
    munmap(raw.base + 11 * SGX_PAGE_SIZE, SGX_PAGE_SIZE);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, 8 * SGX_PAGE_SIZE, PROT_READ), -ENOMEM);
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    raw_close(&raw);
}

Test(mprotect, goes_on_from_enclave_memory_into_other_memory)
{
    volatile uint8_t *after;

    raw_open(&raw);
    after = raw.base + 11 * SGX_PAGE_SIZE; /* of the reservation */
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_OPERAND, 4 * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE),
                 0);
    after[0] = 1;
    cr_assert_eq(after[0], 1);
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

static uint64_t resident(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    unsigned long pages = 0, resident_pages = 0;

    cr_assert_eq(fscanf(statm, "%lu %lu", &pages, &resident_pages), 2);
    fclose(statm);
    return resident_pages * 4096;
}

Test(mmap, of_a_large_empty_range_costs_nothing)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));
    const uint64_t size = UINT64_C(64) << 30;
    uint64_t before;

    memset(&raw, 0, sizeof raw);
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    raw.base = raw_reserve(size);
    secs.size = size;
    secs.base = raw_address(&raw, 0);
    secs.ssa_frame_size = 1;
    secs.attributes.flags = SGX_ATTR_MODE64BIT;
    secs.attributes.xfrm = SGX_XFRM_LEGACY;
    cr_assert_eq(raw_ioctl_create(&raw, &secs), 0);
    before = resident();
    cr_assert_eq(sgx2_mmap(raw.base, size, PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 (intptr_t)raw.base);
    cr_assert_eq(sgx2_mprotect(raw.base, size, PROT_READ), 0);
    cr_assert_lt(resident() - before, UINT64_C(1) << 20);
    sgx2_close(raw.fd);
    sgx2_munmap(raw.base, size);
}
