/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings and page faults row by row.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>

#include "model.h"
#include "raw.h"

#define R   PROT_READ
#define RW  (PROT_READ | PROT_WRITE)
#define RX  (PROT_READ | PROT_EXEC)
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

#define RW_PENDING (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING)

static struct raw raw;

static void open_raw(void)
{
    raw_open(&raw);
}

static void close_raw(void)
{
    raw_close(&raw);
}

static int map(uint64_t offset, uint64_t pages, int prot)
{
    const intptr_t r = sgx2_mmap(raw.base + offset, pages * SGX_PAGE_SIZE, prot,
                                 MAP_SHARED | MAP_FIXED, raw.fd, 0);

    return r < 0 ? (int)r : 0;
}

static int protect(uint64_t offset, int prot)
{
    return sgx2_mprotect(raw.base + offset, SGX_PAGE_SIZE, prot);
}

static void accept_page(uint64_t offset, uint64_t flags)
{
    cr_assert_eq(raw_leaf(&raw, 3, SGX_EACCEPT, flags, raw.base + offset, NULL), SGX_OK);
}

/* ------------------------------------------------------------------ faults from inside */

TestSuite(fault, .init = open_raw, .fini = close_raw, .timeout = 60);

enum hole { NO_MAPPING = -1 };

static const struct {
    const char *what;
    int prot; /* of a mapping where there is no page */
    uint64_t op;
    unsigned error; /* 0: the op succeeds */
    bool added;
} holes[] = {
    {"a read", RW, OP_LOAD, 0x8005, true},
    {"a write", RW, OP_STORE, 0x8007, true},
    {"a fetch that the mapping allows", RWX, OP_JUMP, 0x8015, true},
    {"a fetch that the mapping refuses, once there is a page", RW, OP_JUMP, 0x15, true},
    {"a read of a read-only mapping", R, OP_LOAD, 0x8005, true},
    {"a write to a read-only mapping", R, OP_STORE, 0x6, false},
    {"a write to executable memory", RX, OP_STORE, 0x6, false},
    {"a read of an execute-only mapping", PROT_EXEC, OP_LOAD, 0x8005, true},
    {"a read without access", PROT_NONE, OP_LOAD, 0x4, false},
    {"a fetch without access", PROT_NONE, OP_JUMP, 0x14, false},
    {"a read of no mapping", NO_MAPPING, OP_LOAD, 0x4, false},
    {"a write to no mapping", NO_MAPPING, OP_STORE, 0x6, false},
};

Test(fault, in_a_hole_adds_a_page_if_the_mapping_permits_the_access)
{
    for (size_t i = 0; i < sizeof holes / sizeof *holes; i++) {
        struct op op = {.op = holes[i].op, .a = raw_address(&raw, RAW_FREE)};
        const uint64_t eaugs = raw_counters(&raw).encls[SGX_EAUG];

        if (holes[i].prot != NO_MAPPING)
            cr_assert_eq(map(RAW_FREE, 1, holes[i].prot), 0);
        cr_assert_eq(raw_call(&raw, 9, SGX_EENTER, &op), 0);
        cr_assert_eq(raw.run.function, SGX_ERESUME, "%s", holes[i].what);
        cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
        cr_assert_eq(raw.run.exception_error_code, holes[i].error, "%s: error %#x", holes[i].what,
                     raw.run.exception_error_code);
        cr_assert_eq(raw.run.exception_addr, raw_address(&raw, RAW_FREE));
        cr_assert_eq(raw_counters(&raw).encls[SGX_EAUG] - eaugs, holes[i].added, "%s",
                     holes[i].what);
        raw_close(&raw); /* the TCS's only frame is taken: a new enclave for each row */
        raw_open(&raw);
    }
}

static const struct {
    const char *what;
    int prot; /* of the mapping of a page that is there, RW in the EPCM */
    uint64_t op;
    unsigned error;
} pages[] = {
    {"a write that the mapping refuses", R, OP_STORE, 0x7},
    {"a fetch that the mapping refuses", RW, OP_JUMP, 0x15},
    {"a fetch that only the EPCM refuses", RWX, OP_JUMP, 0x8015},
    {"a read without access", PROT_NONE, OP_LOAD, 0x4},
    {"a write without access", PROT_NONE, OP_STORE, 0x6},
};

Test(fault, on_a_page_says_which_table_refused)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct op op = {.op = pages[i].op, .a = raw_address(&raw, RAW_FREE)};

        cr_assert_eq(map(RAW_FREE, 1, RWX), 0);
        accept_page(RAW_FREE, RW_PENDING);
        cr_assert_eq(protect(RAW_FREE, pages[i].prot), 0);
        cr_assert_eq(raw_call(&raw, 9, SGX_EENTER, &op), 0);
        cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF, "%s", pages[i].what);
        cr_assert_eq(raw.run.exception_error_code, pages[i].error, "%s: error %#x", pages[i].what,
                     raw.run.exception_error_code);
        raw_close(&raw);
        raw_open(&raw);
    }
}

Test(fault, a_mapping_without_access_hides_a_page_and_does_not_lose_it)
{
    const uint64_t p = raw_address(&raw, RAW_DATA);

    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = p, .b = 99});
    cr_assert_eq(protect(RAW_DATA, PROT_NONE), 0);
    cr_assert_eq(protect(RAW_DATA, RW), 0);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = p}).ret, 99);
    cr_assert_eq(map(RAW_DATA, 1, PROT_NONE), 0);
    cr_assert_eq(map(RAW_DATA, 1, R), 0);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = p}).ret, 99);
}

/* A page that was RWX for the driver becomes a TCS, which may be RW at most. */
Test(fault, a_tcs_under_an_executable_mapping_is_a_bus_error)
{
    struct sgx_enclave_modify_types m;
    struct op op = {.op = OP_NOP};

    cr_assert_eq(map(RAW_FREE, 1, RWX), 0);
    accept_page(RAW_FREE, RW_PENDING);
    cr_assert_eq(raw_modify(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_PT_TCS, &m), 0);
    cr_assert_eq(raw_call(&raw, (unsigned)(RAW_FREE / SGX_PAGE_SIZE), SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_EENTER);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(raw.run.exception_error_code, SGX_PFEC_U | SGX_PFEC_W);
    cr_assert_eq(protect(RAW_FREE, RWX), -EACCES);
    cr_assert_eq(protect(RAW_FREE, RW), 0);
    cr_assert_eq(raw_call(&raw, (unsigned)(RAW_FREE / SGX_PAGE_SIZE), SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.exception_error_code, 0x8007, "not accepted yet, says the EPCM");
}

/* ------------------------------------------------------------------ faults from outside */

static sigjmp_buf back;
static volatile int caught, caught_code;
static void *volatile caught_at;

static void catch (int sig, siginfo_t *info, void *context)
{
    (void)context;
    caught = sig;
    caught_code = info->si_code;
    caught_at = info->si_addr;
    siglongjmp(back, 1);
}

/* The signal that reading a byte brings, or 0. */
static int touch(const volatile uint8_t *at)
{
    const struct sigaction action = {.sa_sigaction = catch, .sa_flags = SA_SIGINFO};

    cr_assert_eq(sgx2_sigaction(SIGSEGV, &action, NULL), 0);
    cr_assert_eq(sgx2_sigaction(SIGBUS, &action, NULL), 0);
    caught = 0;
    if (sigsetjmp(back, 1) == 0)
        (void)*at;
    return caught;
}

Test(fault, from_outside_adds_a_page_and_shows_ones)
{
    cr_assert_eq(map(RAW_FREE, 1, R), 0);
    cr_assert_eq(touch(raw.base + RAW_FREE), 0);
    cr_assert_eq(*(volatile uint8_t *)(raw.base + RAW_FREE), 0xff);
    cr_assert_eq(raw_epcm(&raw, RAW_FREE), RW_PENDING);
    cr_assert_eq(raw_counters(&raw).eaug_faults, 1);
}

Test(fault, from_outside_without_access_is_a_segmentation_fault)
{
    cr_assert_eq(map(RAW_FREE, 1, PROT_NONE), 0);
    cr_assert_eq(touch(raw.base + RAW_FREE), SIGSEGV);
    cr_assert_eq(caught_code, SEGV_ACCERR);
    cr_assert_eq(raw_counters(&raw).encls[SGX_EAUG], 0);
}

Test(fault, from_outside_where_no_page_can_be_is_a_bus_error)
{
    raw_close(&raw);
    raw_build(&raw);
    cr_assert_eq(map(RAW_FREE, 1, RW), 0);
    cr_assert_eq(touch(raw.base + RAW_FREE + 5), SIGBUS, "not initialised");
    cr_assert_eq(caught_code, BUS_ADRERR);
    cr_assert_eq(caught_at, raw.base + RAW_FREE + 5);
    cr_assert_eq(raw_init(&raw), 0);
    cr_assert_eq(touch(raw.base + RAW_FREE), 0);
}

/* ------------------------------------------------------------------ mmap */

TestSuite(mapping, .init = open_raw, .fini = close_raw, .timeout = 60);

Test(mapping, ignores_the_offset_and_takes_both_kinds_of_shared)
{
    const intptr_t at = (intptr_t)raw.base + (intptr_t)RAW_DATA;

    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = 5});
    cr_assert_eq(sgx2_mmap((void *)at, SGX_PAGE_SIZE, R, MAP_SHARED_VALIDATE | MAP_FIXED, raw.fd,
                           17 * SGX_PAGE_SIZE),
                 at);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)}).ret,
                 5);
}

Test(mapping, refuses_what_no_device_accepts)
{
    uint8_t *at = raw.base + RAW_FREE;

    cr_assert_eq(sgx2_mmap(at, 0, R, MAP_SHARED | MAP_FIXED, raw.fd, 0), -EINVAL);
    cr_assert_eq(sgx2_mmap(at + 1, 4096, R, MAP_SHARED | MAP_FIXED, raw.fd, 0), -EINVAL);
    cr_assert_eq(sgx2_mmap(at, 4096, R, MAP_FIXED, raw.fd, 0), -EINVAL, "neither kind");
    cr_assert_eq(sgx2_mmap(at, 4096, R, MAP_PRIVATE | MAP_FIXED, raw.fd, 0), -EINVAL);
}

Test(mapping, grants_what_the_descriptor_was_opened_for)
{
    static const struct {
        int mode, prot, expected, widened; /* mprotect to RW of what was mapped */
    } rows[] = {
        {O_RDONLY, R, 0, -EACCES}, {O_RDONLY, RW, -EACCES, 0},         {O_RDONLY, RX, 0, -EACCES},
        {O_WRONLY, R, -EACCES, 0}, {O_WRONLY, PROT_WRITE, -EACCES, 0}, {O_RDWR, R, 0, 0},
        {O_RDWR, RWX, 0, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int fd = sgx2_open("/dev/sgx_enclave", rows[i].mode);
        const intptr_t at = sgx2_mmap(NULL, SGX_PAGE_SIZE, rows[i].prot, MAP_SHARED, fd, 0);

        cr_assert_eq(at < 0 ? (int)at : 0, rows[i].expected, "row %zu", i);
        if (at > 0) {
            cr_assert_eq(sgx2_mprotect((void *)at, SGX_PAGE_SIZE, RW), rows[i].widened, "%zu", i);
            sgx2_munmap((void *)at, SGX_PAGE_SIZE);
        }
        sgx2_close(fd);
    }
}

Test(mapping, is_refused_to_a_process_whose_reading_implies_execution)
{
    personality(READ_IMPLIES_EXEC);
    cr_assert_eq(map(RAW_FREE, 1, R), -EACCES);
    cr_assert_eq(protect(RAW_DATA, R), -EACCES);
    personality(0);
    cr_assert_eq(map(RAW_FREE, 1, R), 0);
}

/* ------------------------------------------------------------------ vm_max_prot_bits */

/* Which of R, RW, RX and RWX the driver grants. */
static void expect_grants(uint64_t offset, const int expected[4], const char *what)
{
    static const int prots[] = {R, RW, RX, RWX};

    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(protect(offset, prots[i]), expected[i], "%s: mprotect %d", what, prots[i]);
        cr_assert_eq(map(offset, 1, prots[i]), expected[i], "%s: mmap %d", what, prots[i]);
    }
    cr_assert_eq(protect(offset, RW), expected[1]);
}

#define NEVER -EACCES

static const int grants_rw[] = {0, 0, NEVER, NEVER}, grants_rx[] = {0, NEVER, 0, NEVER},
                 grants_all[] = {0, 0, 0, 0};

Test(mapping, is_bounded_by_what_a_page_was_added_with)
{
    expect_grants(0, grants_rw, "a TCS");
    expect_grants(RAW_DATA, grants_rw, "a page added RW");
    expect_grants(RAW_CODE, grants_rx, "a page added RX");
    cr_assert_eq(map(RAW_FREE, 4, RW), 0);
    expect_grants(RAW_FREE, grants_all, "a hole");
    accept_page(RAW_FREE, RW_PENDING);
    expect_grants(RAW_FREE, grants_all, "a page from a fault");
}

Test(mapping, bounds_do_not_follow_the_epcm)
{
    struct sgx_enclave_restrict_permissions r;
    struct sgx_enclave_modify_types m;

    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), 0);
    expect_grants(RAW_DATA, grants_rw, "after RESTRICT");
    cr_assert_eq(map(RAW_FREE, 4, RW), 0);
    cr_assert_eq(raw_leaf(&raw, 3, SGX_EACCEPTCOPY, SGX_SECINFO_REG | SGX_SECINFO_R,
                          raw.base + RAW_FREE, raw.base + RAW_DATA + SGX_PAGE_SIZE),
                 SGX_OK);
    expect_grants(RAW_FREE, grants_all, "after EACCEPTCOPY");
    raw_leaf(&raw, 3, SGX_EMODPE, SGX_SECINFO_REG | SGX_SECINFO_RWX,
             raw.base + RAW_DATA + SGX_PAGE_SIZE, NULL);
    expect_grants(RAW_DATA + SGX_PAGE_SIZE, grants_rw, "after EMODPE");
    accept_page(RAW_FREE + SGX_PAGE_SIZE, RW_PENDING);
    cr_assert_eq(raw_modify(&raw, RAW_FREE + SGX_PAGE_SIZE, SGX_PAGE_SIZE, SGX_PT_TCS, &m), 0);
    expect_grants(RAW_FREE + SGX_PAGE_SIZE, grants_rw, "after MODIFY_TYPES to TCS");
}

Test(mapping, bounds_are_as_they_were_after_a_change_of_type_that_failed)
{
    struct sgx_enclave_modify_types m;

    cr_assert_eq(map(RAW_FREE, 1, RW), 0);
    cr_assert_eq(touch(raw.base + RAW_FREE), 0);
    cr_assert_eq(raw_modify(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_PT_TCS, &m), -EFAULT);
    cr_assert_eq(m.result, SGX_PAGE_NOT_MODIFIABLE);
    expect_grants(RAW_FREE, grants_all, "still a regular page from a fault");
}
