/* SPDX-License-Identifier: Apache-2.0 */
/*
 * APERTURE_ABORT_PAGES=1: all enclave memory is abort pages to host code. By protection keys where
 * the processor has them, else by mapping; what only keys can do is tested only there.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "driver/hide.h"
#include "model.h"
#include "raw.h"
#include "run/hidden.h"
#include "run/run.h"

static struct raw raw;

static void open_raw(void)
{
    setenv("APERTURE_ABORT_PAGES", "1", 1);
    raw_open(&raw);
}

static void close_raw(void)
{
    raw_close(&raw);
}

TestSuite(hidden, .init = open_raw, .fini = close_raw, .timeout = 60);

#define SECRET UINT64_C(0x1122334455667788)

static void store(uint64_t value)
{
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = value});
}

static uint64_t load(void)
{
    return raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)}).ret;
}

static uint64_t host_load(uint64_t offset)
{
    return *(volatile uint64_t *)(raw.base + offset);
}

Test(hidden, the_host_reads_ones_and_the_enclave_its_own_data)
{
    uint8_t copy[SGX_PAGE_SIZE];

    store(SECRET);
    cr_assert_eq(host_load(RAW_DATA), UINT64_MAX);
    cr_assert_eq(host_load(RAW_CODE), UINT64_MAX, "code as well");
    cr_assert_eq(host_load(SGX_PAGE_SIZE), UINT64_MAX, "and SSA frames");
    cr_assert_eq(host_load(0), UINT64_MAX, "and a TCS");
    memcpy(copy, raw.base + RAW_DATA, sizeof copy);
    for (size_t i = 0; i < sizeof copy; i++)
        cr_assert_eq(copy[i], 0xff);
    cr_assert_eq(load(), SECRET);
}

Test(hidden, what_the_host_writes_never_arrives)
{
    store(SECRET);
    *(volatile uint64_t *)(raw.base + RAW_DATA) = 5;
    memset(raw.base + RAW_DATA, 0, SGX_PAGE_SIZE);
    __asm__ volatile("lock incq (%0)" : : "r"(raw.base + RAW_DATA) : "memory");
    cr_assert_eq(load(), SECRET);
}

Test(hidden, exceptions_and_interrupts_leave_nothing_open)
{
    struct op op = {.op = OP_UD2};

    store(SECRET);
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_UD);
    cr_assert_eq(host_load(RAW_DATA), UINT64_MAX);
    cr_assert_eq(raw_do(&raw, 3, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)}).ret,
                 SECRET, "another thread");
    cr_assert_eq(host_load(RAW_DATA), UINT64_MAX);
}

Test(hidden, dynamic_pages_and_changed_permissions_stay_hidden)
{
    struct sgx_enclave_restrict_permissions restricted;

    cr_assert_eq(sgx2_mmap(raw.base + RAW_FREE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 (intptr_t)raw.base + (intptr_t)RAW_FREE);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, 0x20b, raw.base + RAW_FREE, NULL), 0);
    cr_assert_eq(host_load(RAW_FREE), UINT64_MAX);
    cr_assert_eq(raw_restrict(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_SECINFO_R, &restricted), 0);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, 0x221, raw.base + RAW_FREE, NULL), 0);
    cr_assert_eq(host_load(RAW_FREE), UINT64_MAX);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ), 0);
    cr_assert_eq(host_load(RAW_DATA), UINT64_MAX);
}

Test(hidden, what_is_unmapped_in_the_middle_is_left_alone)
{
    const uint64_t page = RAW_DATA + SGX_PAGE_SIZE;
    void *other;

    store(SECRET);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_OPERAND), .b = SECRET});
    cr_assert_eq(sgx2_munmap(raw.base + page, SGX_PAGE_SIZE), 0);
    cr_assert_eq(load(), SECRET, "in and out over the hole");
    other = mmap(raw.base + page, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    cr_assert_eq(other, raw.base + page);
    *(volatile uint64_t *)other = 3;
    cr_assert_eq(load(), SECRET);
    cr_assert_eq(*(volatile uint64_t *)other, 3, "what is not the enclave's stays the host's");
}

/* On hardware the kernel would read ones. */
Test(hidden, a_system_call_with_an_enclaves_address_is_efault)
{
    int fds[2];

    store(SECRET);
    cr_assert_eq(pipe(fds), 0);
    cr_assert_eq(write(fds[1], raw.base + RAW_DATA, 8), -1);
    cr_assert_eq(errno, EFAULT);
}

/* A thread that spins inside, until told. */
static volatile uint64_t stop;
static void *spin(void *arg)
{
    struct op op = {.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&stop};
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 3 * SGX_PAGE_SIZE)};

    (void)arg;
    return (void *)(uintptr_t)(raw_enter(&op, SGX_EENTER, &run) || !op.ret);
}

static void wait_inside(uint64_t entries)
{
    const struct timespec nap = {.tv_nsec = 1000000};

    while (raw_counters(&raw).enclu[SGX_EENTER] < entries)
        nanosleep(&nap, NULL);
}

Test(hidden, the_last_thread_to_leave_closes_and_only_keys_tell_threads_apart)
{
    const uint64_t before = (store(SECRET), raw_counters(&raw).enclu[SGX_EENTER]);
    pthread_t thread;
    void *failed;

    stop = 0;
    cr_assert_eq(pthread_create(&thread, NULL, spin, NULL), 0);
    wait_inside(before + 1);
    cr_assert_eq(load(), SECRET, "in and out beside it");
    cr_assert_eq(host_load(RAW_DATA), hide_way() == HIDE_BY_KEY ? UINT64_MAX : SECRET);
    stop = 1;
    pthread_join(thread, &failed);
    cr_assert_null(failed);
    cr_assert_eq(host_load(RAW_DATA), UINT64_MAX);
}

Test(hidden, a_forked_child_sees_nothing_either)
{
    const uint64_t before = (store(SECRET), raw_counters(&raw).enclu[SGX_EENTER]);
    pthread_t thread;
    int status;
    pid_t child;

    stop = 0;
    cr_assert_eq(pthread_create(&thread, NULL, spin, NULL), 0); /* open at the time of fork */
    wait_inside(before + 1);
    child = fork();
    if (child == 0)
        _exit(host_load(RAW_DATA) != UINT64_MAX   ? 1
              : load() != SECRET                  ? 2
              : host_load(RAW_DATA) != UINT64_MAX ? 3
                                                  : 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    stop = 1;
    pthread_join(thread, NULL);
}

Test(hidden, keys_are_used_where_the_processor_has_them)
{
    const int key = pkey_alloc(0, 0);

    if (key < 0) {
        cr_assert_eq(hide_way(), HIDE_BY_MAPPING);
        cr_skip_test("no protection keys on this processor: enclave memory is hidden by mapping");
    }
    cr_assert_eq(hide_way(), HIDE_BY_KEY);
    cr_assert_neq(hide_key(), key);
}

Test(hidden_not, without_being_asked_the_host_sees_what_the_enclave_does)
{
    unsetenv("APERTURE_ABORT_PAGES");
    raw_open(&raw);
    store(SECRET);
    cr_assert_eq(hide_way(), HIDE_NOT);
    cr_assert_eq(host_load(RAW_DATA), SECRET);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ PKRU in an image */

#define PKRU_AT 2688

static const struct cpu_features with_pkru = {
    .xfrm = 0x207, .xsave_offset = {[9] = PKRU_AT}, .xsave_size = {[9] = 8}};
static const struct cpu_features without_pkru = {.xfrm = 7};

static uint8_t image[4096];

static uint32_t pkru(void)
{
    uint32_t value;

    memcpy(&value, image + PKRU_AT, sizeof value);
    return value;
}

static uint64_t components(void)
{
    uint64_t bv;

    memcpy(&bv, image + 512, sizeof bv);
    return bv;
}

Test(hidden_image, a_right_is_given_and_taken_without_touching_the_others)
{
    const uint32_t others = 0x55555554;
    const uint64_t bv = 0x203;

    memcpy(image + PKRU_AT, &others, sizeof others);
    memcpy(image + 512, &bv, sizeof bv);
    hidden_allow(image, sizeof image, &with_pkru, 3, true);
    cr_assert_eq(pkru(), 0x55555514);
    hidden_allow(image, sizeof image, &with_pkru, 3, false);
    cr_assert_eq(pkru(), 0x555555d4, "neither reads nor writes");
    hidden_allow(image, sizeof image, &with_pkru, 15, false);
    cr_assert_eq(pkru(), 0xd55555d4);
    cr_assert_eq(components(), bv);
}

Test(hidden_image, an_initial_pkru_has_all_rights_whatever_its_bytes_say)
{
    memset(image + PKRU_AT, 0xff, 4);
    hidden_allow(image, sizeof image, &with_pkru, 1, false);
    cr_assert_eq(pkru(), 0xc);
    cr_assert_eq(components(), 0x200);
}

Test(hidden_image, an_image_without_pkru_stays_as_it_is)
{
    hidden_allow(image, sizeof image, &without_pkru, 1, false);
    hidden_allow(image, PKRU_AT + 3, &with_pkru, 1, false);
    for (size_t i = 0; i < sizeof image; i++)
        cr_assert_eq(image[i], 0);
}
