/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels and policies that the model can play: model/driver/profile.h.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model.h"
#include "raw.h"

#define R   PROT_READ
#define RW  (PROT_READ | PROT_WRITE)
#define RX  (PROT_READ | PROT_EXEC)
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

#define RW_PENDING (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING)

static struct raw raw;

static void open_with(const char *profile)
{
    cr_assert_eq(sgx2_set_profile(profile), 0);
    raw_open(&raw);
}

static int map(uint64_t offset, uint64_t pages, int prot)
{
    const intptr_t r = sgx2_mmap(raw.base + offset, pages * SGX_PAGE_SIZE, prot,
                                 MAP_SHARED | MAP_FIXED, raw.fd, 0);

    return r < 0 ? (int)r : 0;
}

static int protect(uint64_t offset, uint64_t pages, int prot)
{
    return sgx2_mprotect(raw.base + offset, pages * SGX_PAGE_SIZE, prot);
}

static void expect_fault(struct op op, unsigned error)
{
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(raw.run.exception_error_code, error, "error %#x", raw.run.exception_error_code);
}

/* ------------------------------------------------------------------ the settings */

Test(setting, an_unknown_profile_is_refused)
{
    cr_assert_eq(sgx2_set_profile("windows"), -EINVAL);
    cr_assert_eq(sgx2_set_profile(""), -EINVAL);
    setenv("APERTURE_DRIVER", "windows", 1);
    cr_assert_eq(sgx2_open("/dev/sgx_enclave", O_RDWR), -EINVAL);
    setenv("APERTURE_DRIVER", "", 1);
    cr_assert_geq(sgx2_open("/dev/sgx_enclave", O_RDWR), 0);
}

Test(setting, the_call_goes_before_the_environment_until_it_is_taken_back)
{
    struct sgx_enclave_remove_pages arg = {0};

    setenv("APERTURE_DRIVER", "sgx1", 1);
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, &arg), -ENOTTY);
    cr_assert_eq(sgx2_set_profile("mainline"), 0);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, &arg), -ENOTTY, "fixed at open");
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, &arg), -EINVAL);
    cr_assert_eq(sgx2_set_profile(NULL), 0);
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, &arg), -ENOTTY);
}

Test(setting, a_size_that_is_none_is_refused)
{
    static const char *const bad[] = {"lots", "-1", "4095", "0", "12Q", "1KB", "99999999999G", "K"};
    static const char *const good[] = {"4096", "4k", "1M", "2G", ""};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("APERTURE_EPC_SIZE", bad[i], 1);
        cr_assert_eq(sgx2_open("/dev/sgx_enclave", O_RDWR), -EINVAL, "%s", bad[i]);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        setenv("APERTURE_EPC_SIZE", good[i], 1);
        cr_assert_geq(sgx2_open("/dev/sgx_enclave", O_RDWR), 0, "%s", good[i]);
    }
}

Test(setting, of_hidden_memory_that_makes_no_sense_opens_nothing)
{
    static const char *const bad[] = {"yes", "2", "11", "on"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("APERTURE_ABORT_PAGES", bad[i], 1);
        cr_assert_eq(sgx2_open("/dev/sgx_enclave", O_RDWR), -EINVAL, "%s", bad[i]);
    }
    setenv("APERTURE_ABORT_PAGES", "0", 1);
    cr_assert_geq(sgx2_open("/dev/sgx_enclave", O_RDWR), 0);
}

/* ------------------------------------------------------------------ sgx1 */

Test(sgx1, has_no_sgx2_ioctls_in_any_state)
{
    uint64_t arg[8] = {0};
    static const unsigned long requests[] = {SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS,
                                             SGX_IOC_ENCLAVE_MODIFY_TYPES,
                                             SGX_IOC_ENCLAVE_REMOVE_PAGES};

    cr_assert_eq(sgx2_set_profile("sgx1"), 0);
    raw_build(&raw);
    for (int initialised = 0; initialised < 2; initialised++) {
        for (unsigned i = 0; i < 3; i++) {
            cr_assert_eq(sgx2_ioctl(raw.fd, requests[i], arg), -ENOTTY);
            cr_assert_eq(sgx2_ioctl(raw.fd, requests[i], NULL), -ENOTTY);
        }
        if (!initialised)
            cr_assert_eq(raw_init(&raw), 0);
    }
    raw_close(&raw);
}

Test(sgx1, adds_no_page_on_a_fault)
{
    open_with("sgx1");
    cr_assert_eq(map(RAW_FREE, 1, RW), 0);
    raw_do(&raw, 3,
           (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_OPERAND), .b = RW_PENDING});
    expect_fault((struct op){.op = OP_ENCLU,
                             .a = SGX_EACCEPT,
                             .b = raw_address(&raw, RAW_OPERAND),
                             .c = raw_address(&raw, RAW_FREE)},
                 SGX_PFEC_U);
    cr_assert_eq(raw_counters(&raw).encls[SGX_EAUG], 0);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ static */

Test(static_profile, lets_a_page_be_mapped_with_its_own_permission_and_with_no_other)
{
    static const struct {
        uint64_t offset;
        int own;
    } pages[] = {{0, RW}, {RAW_CODE, RX}, {RAW_DATA, RW}};
    static const int prots[] = {PROT_NONE, R, RW, RX, RWX, PROT_WRITE, PROT_EXEC};

    open_with("static");
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        for (size_t k = 0; k < sizeof prots / sizeof *prots; k++) {
            const int expected = prots[k] == pages[i].own ? 0 : -EACCES;

            cr_assert_eq(map(pages[i].offset, 1, prots[k]), expected, "page %zu prot %d", i,
                         prots[k]);
            cr_assert_eq(protect(pages[i].offset, 1, prots[k]), expected);
        }
    }
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    raw_close(&raw);
}

Test(static_profile, refuses_holes_and_ranges_of_several_permissions)
{
    open_with("static");
    cr_assert_eq(map(RAW_FREE, 1, RW), -EACCES);
    cr_assert_eq(map(RAW_FREE, 1, PROT_NONE), -EACCES);
    cr_assert_eq(map(10 * SGX_PAGE_SIZE, 2, RW), -EACCES, "a page and a hole");
    cr_assert_eq(map(RAW_CODE, 2, RW), -EACCES);
    cr_assert_eq(map(RAW_DATA, 3, RW), 0);
    cr_assert_eq(sgx2_munmap(raw.base + RAW_DATA, SGX_PAGE_SIZE), 0);
    cr_assert_eq(map(RAW_DATA, 1, RW), 0, "unmapping and mapping again changes nothing");
    raw_close(&raw);
}

Test(static_profile, freezes_nothing_before_init_and_adds_nothing_after_it)
{
    cr_assert_eq(sgx2_set_profile("static"), 0);
    raw_build(&raw);
    cr_assert_eq(map(RAW_FREE, 4, RWX), 0);
    cr_assert_eq(map(RAW_DATA, 1, R), 0);
    cr_assert_eq(protect(RAW_DATA, 1, RW), 0);
    cr_assert_eq(raw_init(&raw), 0);
    raw_map(&raw);
    cr_assert_eq(protect(RAW_FREE, 4, R), -EACCES);
    expect_fault((struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_FREE)},
                 SGX_PFEC_U | SGX_PFEC_W);
    cr_assert_eq(raw_counters(&raw).encls[SGX_EAUG], 0);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ wxorx */

Test(wxorx, refuses_write_and_execute_together_and_either_alone_not)
{
    open_with("wxorx");
    cr_assert_eq(map(RAW_FREE, 4, RWX), -EACCES);
    cr_assert_eq(map(RAW_FREE, 4, PROT_WRITE | PROT_EXEC), -EACCES);
    cr_assert_eq(sgx2_mmap(NULL, SGX_PAGE_SIZE, RWX, MAP_PRIVATE, raw.fd, 0), -EACCES,
                 "it is asked before the driver");
    cr_assert_eq(map(RAW_FREE, 4, RW), 0);
    cr_assert_eq(protect(RAW_FREE, 4, RWX), -EACCES);
    cr_assert_eq(protect(RAW_FREE, 4, RX), 0);
    cr_assert_eq(protect(RAW_FREE, 4, RW), 0);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, RW_PENDING, raw.base + RAW_FREE, NULL), SGX_OK);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ noexec */

Test(noexec, refuses_execution_by_mmap_and_by_mprotect_with_different_words)
{
    cr_assert_eq(sgx2_set_profile("noexec"), 0);
    raw_build(&raw);
    cr_assert_eq(raw_init(&raw), 0);
    cr_assert_eq(map(RAW_CODE, 1, RX), -EPERM);
    cr_assert_eq(map(RAW_CODE, 1, R), 0);
    cr_assert_eq(protect(RAW_CODE, 1, RX), -EACCES, "the mapping lacks VM_MAYEXEC");
    raw_close(&raw);
}
