/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls on enclave memory that do not ask the driver, but mind what kind of mapping it made.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"
#include "raw.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define PAGE SGX_PAGE_SIZE

static struct raw raw;
static sigjmp_buf back;

/* The call fails with this errno. */
#define fails(with, call)                                                                          \
    do {                                                                                           \
        errno = 0;                                                                                 \
        cr_assert((call) == (__typeof__(call))-1, "%s", #call);                                    \
        cr_assert_eq(errno, with, "%s: %s", #call, strerror(errno));                               \
    } while (0)

static uint8_t *page(unsigned number)
{
    return raw.base + (size_t)number * PAGE;
}

static void store(void)
{
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = 77});
}

static uint64_t load(void)
{
    return raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)}).ret;
}

static void begin(void)
{
    raw_open(&raw);
    store();
}

static void end(void)
{
    cr_assert_eq(load(), 77);
    raw_close(&raw);
}

static void jump(int sig)
{
    siglongjmp(back, sig);
}

/* The signal of a read there, or 0. */
static int touch(const volatile uint8_t *at)
{
    int sig;

    signal(SIGSEGV, jump);
    signal(SIGBUS, jump);
    sig = sigsetjmp(back, 1);
    if (!sig)
        (void)*at;
    return sig;
}

/* ------------------------------------------------------------------ mremap */

Test(mremap, to_the_same_size_is_nothing)
{
    begin();
    cr_assert_eq(mremap(page(6), PAGE, PAGE, 0), page(6));
    cr_assert_eq(mremap(page(6), PAGE, PAGE - 1, MREMAP_MAYMOVE), page(6), "in pages");
    end();
}

Test(mremap, never_grows_a_mapping)
{
    begin();
    fails(EFAULT, mremap(page(10), PAGE, 2 * PAGE, 0));
    fails(EFAULT, mremap(page(10), PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    fails(EFAULT, mremap(page(6), 5 * PAGE, 6 * PAGE, MREMAP_MAYMOVE));
    fails(EFAULT, mremap(page(6), 0, PAGE, MREMAP_MAYMOVE));
    end();
}

Test(mremap, shrinks_a_mapping_by_unmapping_its_end)
{
    begin();
    cr_assert_eq(mremap(page(8), 3 * PAGE, PAGE, 0), page(8));
    cr_assert_eq(touch(page(9)), SIGSEGV);
    fails(ENOMEM, mprotect(page(9), PAGE, PROT_READ));
    cr_assert_eq(mprotect(page(8), PAGE, PROT_READ), 0);
    end();
}

Test(mremap, refuses_what_the_kernel_refuses)
{
    uint8_t *elsewhere = raw_reserve(16 * PAGE);

    begin();
    fails(EINVAL, mremap(page(6) + 1, PAGE, PAGE, 0));
    fails(EINVAL, mremap(page(6), PAGE, 0, 0));
    fails(EINVAL, mremap(page(6), PAGE, PAGE, 0x100));
    fails(EINVAL, mremap(page(6), PAGE, PAGE, MREMAP_FIXED, elsewhere));
    fails(EINVAL, mremap(page(6), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere + 1));
    fails(EINVAL, mremap(page(6), 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page(7)));
    fails(EINVAL, mremap(page(6), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(1ul << 63)));
    fails(EINVAL, mremap(page(6), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
    fails(EINVAL, mremap(page(6), PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
    fails(EFAULT, mremap(page(5), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere));
    fails(EFAULT, mremap(page(6), PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere));
    end();
}

Test(mremap, moves_a_mapping_away_and_back)
{
    uint8_t *elsewhere = raw_reserve(16 * PAGE);
    const unsigned number = RAW_DATA / PAGE;
    struct op op = {.op = OP_LOAD, .a = (begin(), raw_address(&raw, RAW_DATA))};

    cr_assert_eq(mremap(page(number), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere),
                 elsewhere);
    cr_assert_eq(touch(page(number)), SIGSEGV, "nothing is mapped there");
    cr_assert_neq(touch(elsewhere), 0, "no page of the enclave has this address");
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(mremap(elsewhere, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page(number)),
                 page(number));
    cr_assert_eq(raw_do(&raw, 3, (struct op){.op = OP_LOAD, .a = op.a}).ret, 77);
    raw_close(&raw);
}

Test(mremap, of_other_memory_works_as_ever_and_may_cover_an_enclave)
{
    uint8_t *other =
        mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    begin();
    other[0] = 5;
    other = mremap(other, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    cr_assert_neq(other, MAP_FAILED);
    cr_assert_eq(other[0], 5);
    cr_assert_eq(mremap(other, 8 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page(9)), page(9));
    cr_assert_eq(*page(9), 5);
    *page(9) = 6; /* it is no enclave's any more */
    cr_assert_eq(*page(9), 6);
    end();
}

/* ------------------------------------------------------------------ madvise */

Test(madvise, has_an_answer_for_each_advice)
{
    static const struct {
        int advice, error;
    } rows[] = {
        {MADV_NORMAL, 0},
        {MADV_RANDOM, 0},
        {MADV_SEQUENTIAL, 0},
        {MADV_WILLNEED, 0},
        {MADV_DONTNEED, EINVAL},
        {MADV_FREE, EINVAL},
        {MADV_REMOVE, ENODEV},
        {MADV_DOFORK, EINVAL},
        {MADV_MERGEABLE, 0},
        {MADV_UNMERGEABLE, 0},
        {MADV_HUGEPAGE, 0},
        {MADV_NOHUGEPAGE, 0},
        {MADV_DONTDUMP, 0},
        {MADV_DODUMP, EINVAL},
        {MADV_WIPEONFORK, EINVAL},
        {MADV_KEEPONFORK, 0},
        {20 /* MADV_COLD */, EINVAL},
        {21 /* MADV_PAGEOUT */, EINVAL},
        {22 /* MADV_POPULATE_READ */, EINVAL},
        {23 /* MADV_POPULATE_WRITE */, EINVAL},
        {24 /* MADV_DONTNEED_LOCKED */, EINVAL},
        {25 /* MADV_COLLAPSE */, EINVAL},
        {9999, EINVAL},
    };

    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        errno = 0;
        cr_assert_eq(madvise(page(6), 3 * PAGE, rows[i].advice), rows[i].error ? -1 : 0, "%d",
                     rows[i].advice);
        cr_assert_eq(errno, rows[i].error, "%d: %s", rows[i].advice, strerror(errno));
    }
    cr_assert_eq(posix_madvise(page(6), PAGE, POSIX_MADV_DONTNEED), 0);
    cr_assert_eq(posix_madvise(page(6), PAGE, POSIX_MADV_WILLNEED), 0);
    cr_assert_eq(posix_madvise(page(6), PAGE, 77), EINVAL);
    fails(EINVAL, madvise(page(6) + 1, PAGE, MADV_NORMAL));
    cr_assert_eq(madvise(page(6), 0, MADV_DONTNEED), 0);
    munmap(page(11), PAGE);
    fails(ENOMEM, madvise(page(10), 2 * PAGE, MADV_NORMAL));
    end();
}

Test(madvise, goes_through_enclave_memory_and_other_memory_from_below)
{
    uint8_t *other;

    begin();
    other = mmap(page(11), PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                 -1, 0);
    cr_assert_eq(other, page(11));
    other[0] = 1;
    fails(EINVAL, madvise(page(10), 2 * PAGE, MADV_DONTNEED));
    cr_assert_eq(other[0], 1, "it stopped before");
    cr_assert_eq(madvise(page(10), 2 * PAGE, MADV_DONTFORK), 0);
    cr_assert_eq(madvise(other, PAGE, MADV_DONTNEED), 0);
    cr_assert_eq(other[0], 0, "of other memory it is the kernel's");
    end();
}

Test(madvise, keeps_memory_from_a_forked_child)
{
    pid_t child;
    int status;

    begin();
    cr_assert_eq(madvise(page(RAW_DATA / PAGE), PAGE, MADV_DONTFORK), 0);
    child = fork();
    if (child == 0) {
        struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)};

        if (touch(page(RAW_DATA / PAGE)) != SIGSEGV || raw_call(&raw, 3, SGX_EENTER, &op) ||
            raw.run.exception_vector != SGX_VECTOR_PF)
            _exit(1);
        sgx2_mmap(page(RAW_DATA / PAGE), PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                  raw.fd, 0);
        _exit(load() == 77 ? 0 : 2);
    }
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0, "%#x", status);
    end();
}

/* ------------------------------------------------------------------ mlock, msync, mincore */

Test(mlock, is_accepted_and_does_nothing)
{
    begin();
    cr_assert_eq(mlock(raw.base, 5 * PAGE), 0);
    cr_assert_eq(mlock2(page(6) + 5, 1, MLOCK_ONFAULT), 0);
    cr_assert_eq(munlock(raw.base, 5 * PAGE), 0);
    fails(EINVAL, mlock2(page(6), PAGE, 77));
    munmap(page(11), PAGE);
    fails(ENOMEM, mlock(page(10), 2 * PAGE));
    fails(ENOMEM, munlock(page(10), 2 * PAGE));
    end();
}

Test(mlock, counts_against_the_limit_all_the_same)
{
    const struct rlimit none = {.rlim_cur = 2 * PAGE, .rlim_max = 2 * PAGE};

    begin();
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0);
    cr_assert_eq(mlock(page(6), 2 * PAGE), 0);
    fails(ENOMEM, mlock(page(6), 3 * PAGE));
    _exit(0);
}

Test(msync, has_nothing_to_write_to)
{
    begin();
    fails(EINVAL, msync(page(6), PAGE, MS_SYNC));
    cr_assert_eq(msync(page(6), PAGE, MS_ASYNC), 0);
    cr_assert_eq(msync(page(6), PAGE, MS_INVALIDATE), 0);
    fails(EINVAL, msync(page(6), PAGE, MS_SYNC | MS_ASYNC));
    fails(EINVAL, msync(page(6) + 1, PAGE, MS_ASYNC));
    end();
}

Test(mincore, finds_nothing_in_the_page_cache)
{
    unsigned char vector[2] = {1, 1};
    uint8_t *other;

    begin();
    cr_assert_eq(mincore(page(RAW_DATA / PAGE), PAGE, vector), 0);
    cr_assert_eq(vector[0], 0, "though it was written");
    other = mmap(page(11), PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                 -1, 0);
    other[0] = 1;
    vector[0] = 1;
    vector[1] = 0;
    cr_assert_eq(mincore(page(10), 2 * PAGE, vector), 0);
    cr_assert_eq(vector[0], 0);
    cr_assert_eq(vector[1], 1, "other memory is there");
    fails(EFAULT, mincore(page(6), PAGE, (unsigned char *)8));
    fails(EINVAL, mincore(page(6) + 1, PAGE, vector));
    end();
}

Test(pkey_mprotect, without_a_key_is_mprotect)
{
    begin();
    cr_assert_eq(pkey_mprotect(page(8), PAGE, PROT_READ, -1), 0);
    fails(EACCES, pkey_mprotect(page(5), PAGE, PROT_READ | PROT_WRITE, -1));
    end();
}
