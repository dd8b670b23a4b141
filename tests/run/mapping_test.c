/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's own rules make of mappings of the device, beyond what the driver decides.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "model.h"
#include "raw.h"

#define MAGIC UINT64_C(0x1122334455667788)

static struct raw raw;

static intptr_t map(uint64_t offset, uint64_t pages, int prot, int flags)
{
    return sgx2_mmap(raw.base + offset, pages * SGX_PAGE_SIZE, prot, flags, raw.fd, 0);
}

static uint64_t load(uint64_t offset)
{
    return raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, offset)}).ret;
}

static void store(uint64_t offset, uint64_t value)
{
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, offset), .b = value});
}

/* The enclave touches the page: the vector and the error code that its host is told. */
static void expect_fault(uint64_t offset, unsigned error)
{
    struct op op = {.op = OP_STORE, .a = raw_address(&raw, offset)};

    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(raw.run.exception_error_code, error, "error %#x", raw.run.exception_error_code);
}

Test(mapping, over_another_of_the_same_enclave_replaces_it_and_keeps_the_pages)
{
    raw_open(&raw);
    store(RAW_DATA, MAGIC);
    cr_assert_gt(map(RAW_DATA, 1, PROT_READ, MAP_SHARED | MAP_FIXED), 0);
    cr_assert_eq(load(RAW_DATA), MAGIC);
    expect_fault(RAW_DATA, 7);
    cr_assert_gt(map(RAW_DATA, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED), 0);
    raw_close(&raw);
}

Test(mapping, that_may_replace_nothing_does_not)
{
    raw_open(&raw);
    store(RAW_DATA, MAGIC);
    cr_assert_eq(map(RAW_DATA, 1, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE), -EEXIST);
    store(RAW_DATA, MAGIC + 1);
    cr_assert_eq(load(RAW_DATA), MAGIC + 1);
    raw_close(&raw);
}

Test(mapping, without_its_middle_is_two)
{
    raw_open(&raw);
    store(RAW_DATA + SGX_PAGE_SIZE, MAGIC);
    cr_assert_eq(sgx2_munmap(raw.base + RAW_DATA + SGX_PAGE_SIZE, SGX_PAGE_SIZE), 0);
    store(RAW_DATA, 1);
    store(RAW_OPERAND, 2);
    cr_assert_eq(load(RAW_DATA), 1);
    cr_assert_eq(load(RAW_OPERAND), 2);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, 3 * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE),
                 -ENOMEM);
    expect_fault(RAW_DATA + SGX_PAGE_SIZE, 6);
    raw_close(&raw);
}

Test(mapping, that_is_private_is_refused_before_and_after_init)
{
    raw_build(&raw);
    cr_assert_eq(map(RAW_DATA, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED), -EINVAL);
    cr_assert_eq(raw_init(&raw), 0);
    cr_assert_eq(map(RAW_DATA, 1, PROT_READ, MAP_PRIVATE), -EINVAL);
    sgx2_close(raw.fd);
}

/* ------------------------------------------------------------------ VM_DONTDUMP */

/* How many of the enclave's mappings a core file would have; *ret_all: how many there are. */
static unsigned dumped(const char *name, unsigned *ret_all)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    unsigned count = 0;
    char line[512];
    bool ours = false;

    *ret_all = 0;
    while (fgets(line, sizeof line, smaps)) {
        if (strncmp(line, "VmFlags:", 8) == 0) {
            *ret_all += ours;
            count += ours && !strstr(line, " dd");
        } else if (strchr(line, '-') && !strstr(line, " kB")) {
            ours = strstr(line, name) != NULL;
        }
    }
    fclose(smaps);
    return count;
}

Test(mapping, of_an_enclave_is_in_no_core_file)
{
    unsigned all;

    raw_open(&raw);
    store(RAW_DATA, MAGIC);
    cr_assert_eq(dumped("memfd:sgx_enclave", &all), 0);
    cr_assert_geq(all, 5, "%u", all);
    raw_close(&raw);
}

Test(mapping, from_before_create_is_in_none_either)
{
    char name[32];
    intptr_t at;
    unsigned all;

    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    at = sgx2_mmap(NULL, SGX_PAGE_SIZE, PROT_READ, MAP_SHARED, raw.fd, 0);
    cr_assert_gt(at, 0);
    snprintf(name, sizeof name, "%lx-", (unsigned long)at);
    cr_assert_eq(dumped(name, &all), 0);
    cr_assert_eq(all, 1);
    sgx2_close(raw.fd);
}
