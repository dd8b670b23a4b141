/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where reclaim ends: nothing is left that could be evicted. And what programs are told of the size
 * of the EPC. Built with an ELRANGE that takes more than one version array.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "author.h"
#include "driver/enclave.h"
#include "model.h"
#include "raw.h"

#define REG (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W)

TestSuite(reclaim_limit, .timeout = 120);

static struct raw raw;
static uint8_t pages[600 * SGX_PAGE_SIZE] __attribute__((aligned(4096)));

static int create(const char *epc_size)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));

    setenv("APERTURE_EPC_SIZE", epc_size, 1);
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    raw.base = raw_reserve(RAW_SIZE);
    secs = (struct sgx_secs){
        .size = RAW_SIZE,
        .base = raw_address(&raw, 0),
        .ssa_frame_size = 1,
        .attributes = {.flags = SGX_ATTR_MODE64BIT, .xfrm = SGX_XFRM_LEGACY},
    };
    return raw_ioctl_create(&raw, &secs);
}

static int add(uint64_t offset, uint64_t count, uint64_t *ret_count)
{
    struct sgx_secinfo secinfo = {.flags = REG};
    struct sgx_enclave_add_pages add = {
        .src = (uint64_t)(uintptr_t)pages,
        .offset = offset * SGX_PAGE_SIZE,
        .length = count * SGX_PAGE_SIZE,
        .secinfo = (uint64_t)(uintptr_t)&secinfo,
    };
    const int r = sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add);

    *ret_count = add.count / SGX_PAGE_SIZE;
    return r;
}

Test(reclaim_limit, is_met_before_anybody_looks_at_the_source)
{
    struct sgx_secinfo secinfo = {.flags = REG};
    struct sgx_enclave_add_pages nowhere = {
        .src = UINT64_C(1) << 46,
        .length = SGX_PAGE_SIZE,
        .secinfo = (uint64_t)(uintptr_t)&secinfo,
    };
    uint64_t count;

    cr_assert_eq(create("8K"), 0); /* a version array and the SECS */
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &nowhere), -ENOMEM);
    cr_assert_eq(add(0, 1, &count), -ENOMEM);
    sgx2_close(raw.fd);
}

static void sign_and_init(uint64_t count)
{
    struct author author;

    author_create(&author, 1, RAW_SIZE);
    for (uint64_t i = 0; i < count; i++)
        author_add(&author, i * SGX_PAGE_SIZE, REG);
    author_sigstruct(&author, &raw.sig);
    author_sign(&raw.sig, 0);
    cr_assert_eq(raw_init(&raw), 0);
    cr_assert_gt(
        sgx2_mmap(raw.base, RAW_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, raw.fd, 0),
        0);
}

static enum fault_result fault(uint64_t offset)
{
    struct enclave *e = enclave_by_fd(raw.fd);
    enum fault_result r;

    enclave_lock(e);
    r = fault_handle(e, raw_address(&raw, offset * SGX_PAGE_SIZE), SGX_PFEC_U, FAULT_BY_HOST);
    enclave_unlock(e);
    return r;
}

/* ------------------------------------------------------------------ no room */

Test(reclaim_limit, an_enclave_wants_a_version_array_and_a_secs)
{
    cr_assert_eq(create("4K"), -ENOMEM);
    cr_assert_eq(raw_counters(&raw).encls[SGX_EPA], 0);
    cr_assert_eq(create("8K"), 0);
    cr_assert_eq(raw_counters(&raw).encls[SGX_EPA], 1);
    cr_assert_eq(raw_counters(&raw).epc_pages, 2);
}

Test(reclaim_limit, a_creation_that_fails_gives_the_version_array_back)
{
    static struct sgx_secs bad __attribute__((aligned(4096)));

    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    raw.base = raw_reserve(RAW_SIZE);
    bad = (struct sgx_secs){.size = RAW_SIZE, .base = 1, .ssa_frame_size = 1};
    cr_assert_eq(raw_ioctl_create(&raw, &bad), -EIO);
    cr_assert_eq(raw_counters(&raw).epc_pages, 0);
    bad.base = raw_address(&raw, 0);
    bad.attributes.flags = SGX_ATTR_MODE64BIT;
    bad.attributes.xfrm = SGX_XFRM_LEGACY;
    cr_assert_eq(raw_ioctl_create(&raw, &bad), 0);
    cr_assert_eq(raw_counters(&raw).epc_pages, 2);
}

Test(reclaim_limit, add_pages_fails_where_nothing_can_be_evicted)
{
    uint64_t count;

    cr_assert_eq(create("8K"), 0);
    cr_assert_eq(add(0, 8, &count), -ENOMEM);
    cr_assert_eq(count, 0);
}

/* With the SECS they are 512, which is what a version array holds; and it cannot leave. */
Test(reclaim_limit, add_pages_evicts_until_version_arrays_are_all_that_there_is)
{
    struct sgx2_counters c;
    uint64_t count;

    cr_assert_eq(create("12K"), 0);
    cr_assert_eq(add(0, 600, &count), -ENOMEM);
    cr_assert_eq(count, 511);
    c = raw_counters(&raw);
    cr_assert_eq(c.encls[SGX_EADD], 511);
    cr_assert_eq(c.evicted, 511, "the last one too, to no avail");
    cr_assert_eq(c.encls[SGX_EPA], 1);
    cr_assert_eq(c.epc_pages_max, 3);

    cr_assert_eq(create("16K"), 0);
    cr_assert_eq(add(0, 600, &count), 0);
    cr_assert_eq(count, 600);
    cr_assert_eq(raw_counters(&raw).encls[SGX_EPA], 2);
}

Test(reclaim_limit, a_fault_that_can_add_nothing_is_a_bus_error)
{
    uint64_t count;

    cr_assert_eq(create("12K"), 0);
    cr_assert_eq(add(0, 511, &count), 0);
    sign_and_init(511);
    cr_assert_eq(fault(511), FAULT_BUS, "page, version array and SECS want three");
    cr_assert_eq(raw_counters(&raw).encls[SGX_EAUG], 0);
    for (unsigned i = 0; i < 511; i += 73) /* but those that are there come back */
        cr_assert_eq(fault(i), FAULT_RETRY);
    cr_assert_eq(raw_counters(&raw).epc_pages_max, 3);
}

Test(reclaim_limit, slots_are_used_again)
{
    struct sgx2_counters c;
    uint64_t count;

    cr_assert_eq(create("12K"), 0);
    cr_assert_eq(add(0, 511, &count), 0);
    sign_and_init(511);
    for (unsigned i = 0; i < 1200; i++)
        cr_assert_eq(fault(i * 7 % 511), FAULT_RETRY, "fault %u", i);
    c = raw_counters(&raw);
    cr_assert_eq(c.encls[SGX_EPA], 1);
    /* Each fault evicts the one page that is there, thus the SECS, and brings both back. */
    cr_assert_eq(c.reloaded, 2 * 1200);
    cr_assert_eq(c.evicted, 510 + 2 * 1200);
}

/* ------------------------------------------------------------------ CPUID */

static uint64_t epc_size(const char *setting)
{
    struct sgx2_cpuid r;

    setenv("APERTURE_EPC_SIZE", setting, 1);
    sgx2_cpuid(0x12, 2, &r);
    cr_assert_eq(r.eax & 0xf, 1, "a section");
    return (r.ecx & 0xfffff000) | (uint64_t)(r.edx & 0xfffff) << 32;
}

Test(reclaim_limit, cpuid_tells_the_size_in_force)
{
    cr_assert_eq(epc_size("16M"), 16 << 20);
    cr_assert_eq(epc_size("8G"), UINT64_C(8) << 30);
    cr_assert_eq(epc_size("10000"), 8192, "whole pages");
    cr_assert_eq(epc_size("lots"), 64 << 20, "the device does not open either");
    cr_assert_eq(epc_size(""), 64 << 20);
    unsetenv("APERTURE_EPC_SIZE");
    cr_assert_eq(epc_size(""), 64 << 20);
}
