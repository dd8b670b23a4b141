/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ioctls row by row: which errno, which check before which, what is written back.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "author.h"
#include "model.h"
#include "raw.h"

#define RW         (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W)
#define RW_PENDING (RW | SGX_SECINFO_PENDING)
#define TRIMMED    (SGX_SECINFO_TRIM | SGX_SECINFO_MODIFIED)
#define UNTOUCHED  UINT64_C(0x7777)

TestSuite(abi, .timeout = 60);

static struct raw raw;
static uint8_t page[SGX_PAGE_SIZE] __attribute__((aligned(4096)));

/* An argument where the kernel can read and cannot write. */
static void *read_only(const void *arg, size_t size)
{
    void *at =
        mmap(NULL, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memcpy(at, arg, size);
    mprotect(at, SGX_PAGE_SIZE, PROT_READ);
    return at;
}

/* ------------------------------------------------------------------ the range rule */

static const struct {
    uint64_t offset, length;
} bad_ranges[] = {
    {1, SGX_PAGE_SIZE},
    {0, 1},
    {0, SGX_PAGE_SIZE + 8},
    {0, 0},
    {RAW_SIZE, SGX_PAGE_SIZE},
    {RAW_SIZE - SGX_PAGE_SIZE, 2 * SGX_PAGE_SIZE},
    {UINT64_C(0) - SGX_PAGE_SIZE, 2 * SGX_PAGE_SIZE},
    {SGX_PAGE_SIZE, UINT64_C(0) - SGX_PAGE_SIZE},
};

#define BAD_RANGES (sizeof bad_ranges / sizeof *bad_ranges)

Test(abi, add_pages_obeys_the_range_rule_before_it_looks_at_the_secinfo)
{
    raw_build(&raw);
    for (size_t i = 0; i < BAD_RANGES; i++) {
        struct sgx_enclave_add_pages add = {
            .src = (uint64_t)(uintptr_t)page,
            .offset = bad_ranges[i].offset,
            .length = bad_ranges[i].length,
            .secinfo = 8,
            .count = UNTOUCHED,
        };

        cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), -EINVAL, "%zu", i);
        cr_assert_eq(add.count, UNTOUCHED);
    }
    raw_close(&raw);
}

Test(abi, the_sgx2_ioctls_obey_the_range_rule_and_leave_the_argument_alone)
{
    raw_open(&raw);
    for (size_t i = 0; i < BAD_RANGES; i++) {
        const uint64_t offset = bad_ranges[i].offset, length = bad_ranges[i].length;
        struct sgx_enclave_restrict_permissions r = {offset, length, 1, UNTOUCHED, UNTOUCHED};
        struct sgx_enclave_modify_types m = {offset, length, SGX_PT_TRIM, UNTOUCHED, UNTOUCHED};
        struct sgx_enclave_remove_pages d = {offset, length, UNTOUCHED};

        cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &r), -EINVAL);
        cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_MODIFY_TYPES, &m), -EINVAL);
        cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, &d), -EINVAL);
        cr_assert(r.result == UNTOUCHED && r.count == UNTOUCHED);
        cr_assert(m.result == UNTOUCHED && m.count == UNTOUCHED && d.count == UNTOUCHED);
    }
    raw_close(&raw);
}

/* ------------------------------------------------------------------ state before argument */

static const unsigned long requests[] = {
    SGX_IOC_ENCLAVE_ADD_PAGES,
    SGX_IOC_ENCLAVE_INIT,
    SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS,
    SGX_IOC_ENCLAVE_MODIFY_TYPES,
    SGX_IOC_ENCLAVE_REMOVE_PAGES,
    SGX_IOC_ENCLAVE_CREATE,
};

/* What each says to a null argument: EINVAL while the state is wrong, EFAULT once it is right. */
static void expect_null(const int expected[6])
{
    for (size_t i = 0; i < 6; i++)
        cr_assert_eq(sgx2_ioctl(raw.fd, requests[i], NULL), expected[i], "request %zu", i);
}

Test(abi, the_state_is_looked_at_before_the_argument)
{
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    expect_null((int[]){-EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EFAULT});
    sgx2_close(raw.fd);
    raw_build(&raw);
    expect_null((int[]){-EFAULT, -EFAULT, -EINVAL, -EINVAL, -EINVAL, -EINVAL});
    cr_assert_eq(raw_init(&raw), 0);
    expect_null((int[]){-EINVAL, -EINVAL, -EFAULT, -EFAULT, -EFAULT, -EINVAL});
    raw_close(&raw);
}

/* ------------------------------------------------------------------ ADD_PAGES */

static struct sgx_secinfo secinfo;

static struct sgx_enclave_add_pages add_of(uint64_t offset, const void *src, uint64_t length)
{
    secinfo = (struct sgx_secinfo){.flags = RW};
    return (struct sgx_enclave_add_pages){
        .src = (uint64_t)(uintptr_t)src,
        .offset = offset,
        .length = length,
        .secinfo = (uint64_t)(uintptr_t)&secinfo,
        .count = UNTOUCHED,
    };
}

Test(abi, add_pages_finds_the_page_there_before_it_misses_the_source)
{
    struct sgx_enclave_add_pages add = add_of(0, (void *)(UINTPTR_MAX & ~UINT64_C(4095)), 4096);

    raw_build(&raw);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), -EBUSY);
    cr_assert_eq(add.count, 0, "written back");
    secinfo.flags = SGX_SECINFO_REG | SGX_SECINFO_W;
    add.count = UNTOUCHED;
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), -EINVAL);
    cr_assert_eq(add.count, UNTOUCHED, "the secinfo is looked at before any page");
    raw_close(&raw);
}

Test(abi, add_pages_stops_at_a_page_that_is_there_and_counts_those_before)
{
    static uint8_t four[4 * SGX_PAGE_SIZE] __attribute__((aligned(4096)));
    struct sgx_enclave_add_pages add = add_of(RAW_FREE, four, sizeof four);

    raw_build(&raw);
    cr_assert_eq(raw_add(&raw, RAW_FREE + 2 * SGX_PAGE_SIZE, page, RW, false), 0);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), -EBUSY);
    cr_assert_eq(add.count, 2 * SGX_PAGE_SIZE);
    raw_close(&raw);
}

Test(abi, add_pages_measures_if_bit_zero_says_so_whatever_the_others_say)
{
    struct sgx_enclave_add_pages add = add_of(RAW_FREE, page, SGX_PAGE_SIZE);
    uint64_t before;

    raw_build(&raw);
    before = raw_counters(&raw).encls[SGX_EEXTEND];
    add.flags = ~(uint64_t)SGX_PAGE_MEASURE;
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), 0);
    cr_assert_eq(raw_counters(&raw).encls[SGX_EEXTEND], before);
    add.offset += SGX_PAGE_SIZE;
    add.flags = ~UINT64_C(0);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), 0);
    cr_assert_eq(raw_counters(&raw).encls[SGX_EEXTEND], before + 16);
    raw_close(&raw);
}

Test(abi, add_pages_that_cannot_write_its_count_has_added_the_page)
{
    struct sgx_enclave_add_pages add = add_of(RAW_FREE, page, SGX_PAGE_SIZE);

    raw_build(&raw);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, read_only(&add, sizeof add)),
                 -EFAULT);
    cr_assert_eq(raw_epcm(&raw, RAW_FREE), RW);
    raw_close(&raw);
}

/* A file on a file system mounted noexec, in a mount namespace of our own; -1: not permitted. */
static int noexec_file(void)
{
    char dir[] = "/tmp/noexecXXXXXX", path[64];
    int fd = -1;

    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        !mkdtemp(dir))
        return -1;
    if (mount("none", dir, "tmpfs", MS_NOEXEC, NULL) == 0) {
        snprintf(path, sizeof path, "%s/image", dir);
        fd = open(path, O_RDWR | O_CREAT, 0600);
    }
    return fd;
}

Test(abi, add_pages_takes_no_page_from_a_file_system_mounted_noexec)
{
    const int fd = noexec_file();
    uint8_t *source;
    struct sgx_enclave_add_pages add;

    if (fd < 0)
        cr_skip_test("mounting a file system is not permitted here");
    cr_assert_eq(ftruncate(fd, SGX_PAGE_SIZE), 0);
    source =
        mmap(NULL, 2 * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(
        mmap(source + SGX_PAGE_SIZE, SGX_PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0),
        MAP_FAILED);
    raw_build(&raw);
    add = add_of(RAW_FREE, source, 2 * SGX_PAGE_SIZE);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), -EACCES);
    cr_assert_eq(add.count, SGX_PAGE_SIZE, "anonymous memory may become executable");
    raw_close(&raw);
}

static volatile sig_atomic_t rang;

static void ring(int sig)
{
    (void)sig;
    rang++;
}

#define LARGE UINT64_C(0x2000000)

/* The alarm comes while the pages are being added: the call ends early, and may be taken up. */
Test(abi, add_pages_that_a_signal_cuts_short_returns_zero_and_a_count)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));
    const struct itimerval soon = {.it_value.tv_usec = 3000};
    uint8_t *source = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sgx_enclave_add_pages add = add_of(0, source, LARGE);
    uint64_t first;

    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    secs = (struct sgx_secs){
        .size = LARGE,
        .base = (uint64_t)(uintptr_t)raw_reserve(LARGE),
        .ssa_frame_size = 1,
        .attributes = {.flags = SGX_ATTR_MODE64BIT, .xfrm = SGX_XFRM_LEGACY},
    };
    cr_assert_eq(raw_ioctl_create(&raw, &secs), 0);
    add.flags = SGX_PAGE_MEASURE;
    signal(SIGALRM, ring);
    setitimer(ITIMER_REAL, &soon, NULL);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), 0);
    cr_assert_eq(rang, 1);
    first = add.count;
    cr_assert(first > 0 && first < LARGE && first % SGX_PAGE_SIZE == 0);
    add.src += first;
    add.offset += first;
    add.length -= first;
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), 0);
    cr_assert_eq(first + add.count, LARGE);
    sgx2_close(raw.fd);
}

/* ------------------------------------------------------------------ INIT */

Test(abi, init_looks_at_the_vendor_then_at_the_attributes_then_at_what_is_demanded)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));

    memset(&raw, 0, sizeof raw);
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    secs = (struct sgx_secs){
        .size = RAW_SIZE,
        .base = (uint64_t)(uintptr_t)raw_reserve(RAW_SIZE),
        .ssa_frame_size = 1,
        .attributes = {.flags = SGX_ATTR_MODE64BIT | SGX_ATTR_EINITTOKENKEY,
                       .xfrm = SGX_XFRM_LEGACY},
    };
    cr_assert_eq(raw_ioctl_create(&raw, &secs), 0);
    raw.sig.miscselect = raw.sig.miscmask = 0x80000000;
    raw.sig.vendor = 1;
    cr_assert_eq(raw_init(&raw), -EINVAL);
    raw.sig.vendor = SGX_SIG_VENDOR_INTEL;
    cr_assert_eq(raw_init(&raw), -EACCES, "EINITTOKENKEY is for nobody");
    cr_assert_eq(raw_counters(&raw).encls[SGX_EINIT], 0);
    sgx2_close(raw.fd);
}

/* ------------------------------------------------------------------ the SGX2 ioctls */

static void open_raw(void)
{
    raw_open(&raw);
    cr_assert_gt(sgx2_mmap(raw.base + RAW_FREE, 8 * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 0);
}

static void close_raw(void)
{
    raw_close(&raw);
}

TestSuite(sgx2, .init = open_raw, .fini = close_raw, .timeout = 60);

static void accept_page(uint64_t offset, uint64_t flags)
{
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, flags, raw.base + offset, NULL), SGX_OK);
}

/* EAUG, by a touch from outside. */
static void touch(uint64_t offset)
{
    cr_assert_eq(*(volatile uint8_t *)(raw.base + offset), 0xff);
}

/* Pages of raw.h: 6, 7 and 8 regular, 9 a TCS, 10 regular, 11 a hole. */
static const struct {
    const char *what;
    uint64_t first, pages, permissions;
    int expected;
    uint64_t done;
} restrictions[] = {
    {"all regular", 6, 2, SGX_SECINFO_R, 0, 2},
    {"a TCS in the third place", 7, 3, SGX_SECINFO_R, -EINVAL, 2},
    {"a hole in the second place", 10, 2, SGX_SECINFO_R, -EFAULT, 1},
    {"a hole at once", 11, 2, SGX_SECINFO_R, -EFAULT, 0},
    {"more than a page has is no error", 7, 1, SGX_SECINFO_RWX, 0, 1},
    {"nothing at all is a permission", 7, 1, 0, 0, 1},
    {"write without read", 6, 1, SGX_SECINFO_W | SGX_SECINFO_X, -EINVAL, 0},
    {"an unknown permission", 6, 1, 16, -EINVAL, 0},
};

Test(sgx2, restrict_counts_the_pages_before_the_one_that_failed)
{
    for (size_t i = 0; i < sizeof restrictions / sizeof *restrictions; i++) {
        struct sgx_enclave_restrict_permissions r;

        cr_assert_eq(raw_restrict(&raw, restrictions[i].first * SGX_PAGE_SIZE,
                                  restrictions[i].pages * SGX_PAGE_SIZE,
                                  restrictions[i].permissions, &r),
                     restrictions[i].expected, "%s", restrictions[i].what);
        cr_assert_eq(r.count, restrictions[i].done * SGX_PAGE_SIZE, "%s", restrictions[i].what);
        cr_assert_eq(r.result, 0);
    }
}

Test(sgx2, a_pending_page_stops_each_ioctl_with_a_result_where_there_is_one)
{
    struct sgx_enclave_restrict_permissions r;
    struct sgx_enclave_modify_types m;
    struct sgx_enclave_remove_pages d;

    touch(RAW_FREE);
    accept_page(RAW_FREE, RW_PENDING);
    touch(RAW_FREE + SGX_PAGE_SIZE);
    cr_assert_eq(raw_restrict(&raw, RAW_FREE, 2 * SGX_PAGE_SIZE, SGX_SECINFO_R, &r), -EFAULT);
    cr_assert_eq(r.count, SGX_PAGE_SIZE);
    cr_assert_eq(r.result, SGX_PAGE_NOT_MODIFIABLE);
    cr_assert_eq(raw_modify(&raw, RAW_FREE, 2 * SGX_PAGE_SIZE, SGX_PT_TRIM, &m), -EFAULT);
    cr_assert_eq(m.count, SGX_PAGE_SIZE);
    cr_assert_eq(m.result, SGX_PAGE_NOT_MODIFIABLE);
    accept_page(RAW_FREE, TRIMMED);
    cr_assert_eq(raw_remove(&raw, RAW_FREE, 2 * SGX_PAGE_SIZE, &d), -EPERM);
    cr_assert_eq(d.count, SGX_PAGE_SIZE);
}

static const struct {
    const char *what;
    uint64_t first, pages, type;
    int expected;
    uint64_t done;
} changes[] = {
    {"a secs", 6, 1, SGX_PT_SECS, -EINVAL, 0},
    {"a regular page", 6, 1, SGX_PT_REG, -EINVAL, 0},
    {"more than a type", 6, 1, 0x100 | SGX_PT_TRIM, -EINVAL, 0},
    {"regular to TCS, then a TCS", 8, 2, SGX_PT_TCS, -EINVAL, 1},
    {"a page without write to TCS", 5, 1, SGX_PT_TCS, -EPERM, 0},
    {"two that are already changed", 8, 2, SGX_PT_TRIM, -EFAULT, 0},
    {"a TCS, a regular page and a hole to TRIM", 9, 3, SGX_PT_TRIM, -EFAULT, 2},
    {"a TRIM page", 9, 1, SGX_PT_TRIM, -EINVAL, 0},
    {"a TRIM page to TCS", 10, 1, SGX_PT_TCS, -EINVAL, 0},
};

Test(sgx2, modify_types_goes_from_regular_to_tcs_and_from_both_to_trim)
{
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct sgx_enclave_modify_types m;

        cr_assert_eq(raw_modify(&raw, changes[i].first * SGX_PAGE_SIZE,
                                changes[i].pages * SGX_PAGE_SIZE, changes[i].type, &m),
                     changes[i].expected, "%s", changes[i].what);
        cr_assert_eq(m.count, changes[i].done * SGX_PAGE_SIZE, "%s", changes[i].what);
    }
}

Test(sgx2, remove_takes_accepted_trim_pages_only)
{
    struct sgx_enclave_modify_types m;
    struct sgx_enclave_remove_pages d;

    cr_assert_eq(raw_remove(&raw, RAW_DATA, SGX_PAGE_SIZE, &d), -EPERM, "regular");
    cr_assert_eq(raw_remove(&raw, 0, SGX_PAGE_SIZE, &d), -EPERM, "a TCS");
    cr_assert_eq(raw_remove(&raw, RAW_FREE, SGX_PAGE_SIZE, &d), -EFAULT, "a hole");
    cr_assert_eq(raw_modify(&raw, RAW_DATA, 2 * SGX_PAGE_SIZE, SGX_PT_TRIM, &m), 0);
    accept_page(RAW_DATA, TRIMMED);
    cr_assert_eq(raw_remove(&raw, RAW_DATA, 2 * SGX_PAGE_SIZE, &d), -EPERM, "one is not accepted");
    cr_assert_eq(d.count, SGX_PAGE_SIZE);
    accept_page(RAW_DATA + SGX_PAGE_SIZE, TRIMMED);
    cr_assert_eq(raw_remove(&raw, RAW_DATA, 2 * SGX_PAGE_SIZE, &d), -EFAULT, "one is gone");
    cr_assert_eq(d.count, 0);
    cr_assert_eq(raw_remove(&raw, RAW_DATA + SGX_PAGE_SIZE, SGX_PAGE_SIZE, &d), 0);
}

Test(sgx2, result_and_count_must_be_zero_on_the_way_in)
{
    struct sgx_enclave_restrict_permissions r = {RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, 1, 0};
    struct sgx_enclave_modify_types m = {RAW_DATA, SGX_PAGE_SIZE, SGX_PT_TRIM, 1, 0};
    struct sgx_enclave_remove_pages d = {RAW_DATA, SGX_PAGE_SIZE, 1};

    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &r), -EINVAL);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_MODIFY_TYPES, &m), -EINVAL);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, &d), -EINVAL);
    m.result = 0;
    m.count = 1;
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_MODIFY_TYPES, &m), -EINVAL);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), RW);
}

Test(sgx2, a_result_that_cannot_be_written_is_a_fault_after_the_deed)
{
    const struct sgx_enclave_restrict_permissions r = {RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, 0,
                                                       0};

    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, read_only(&r, sizeof r)),
                 -EFAULT);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR);
}

/* ------------------------------------------------------------------ one at a time */

static volatile bool restricting;
static volatile uint64_t stop;

static void *restrict_all_the_time(void *arg)
{
    struct sgx_enclave_restrict_permissions r;

    while (restricting)
        if (raw_restrict(&raw, RAW_DATA, 2 * SGX_PAGE_SIZE, SGX_SECINFO_RWX, &r) < 0)
            sched_yield();
    return arg;
}

static void *spin(void *arg)
{
    struct op op = {.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&stop};
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 3 * SGX_PAGE_SIZE)};

    raw_enter(&op, SGX_EENTER, &run);
    return arg;
}

/* The other ioctl is slow, for it has a thread to force out for each page. */
Test(sgx2, a_second_ioctl_is_busy_and_an_unknown_one_as_well)
{
    static const unsigned long others[] = {SGX_IOC_ENCLAVE_REMOVE_PAGES, 0xa4ff,
                                           SGX_IOC_ENCLAVE_CREATE};
    static const int alone[] = {-EFAULT, -ENOTTY, -EINVAL};
    pthread_t threads[2];

    restricting = true;
    pthread_create(&threads[0], NULL, spin, NULL);
    pthread_create(&threads[1], NULL, restrict_all_the_time, NULL);
    for (unsigned i = 0; i < 3; i++) {
        int r;

        while ((r = sgx2_ioctl(raw.fd, others[i], NULL)) != -EBUSY)
            cr_assert_eq(r, alone[i]);
    }
    restricting = false;
    stop = 1;
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(sgx2_ioctl(raw.fd, others[i], NULL), alone[i]);
}
