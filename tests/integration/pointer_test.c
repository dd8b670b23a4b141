/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and sizes that the host gives: null, inside, half inside, wrapping, too small, changed
 * meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "talk.h"

static uint8_t *above; /* a page of the host's, right behind ELRANGE */
static uint64_t end;   /* of ELRANGE */
static struct sgx2_counters before;

static void open_pointer(void)
{
    host_open();
    end = host.base + host.size;
    above = mmap((void *)end, PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    cr_assert_eq((uintptr_t)above, end, "%s", strerror(errno));
    host_check_sane();
    before = host_counters();
}

static void close_pointer(void)
{
    munmap(above, PAGE);
    host_close();
}

TestSuite(pointer, .init = open_pointer, .fini = close_pointer);

/* Nothing was touched to find out: there was no fault that the kernel could not settle. */
static void expect_untouched(void)
{
    cr_assert_eq(host_counters().exceptions, before.exceptions);
    host_check_sane();
}

/* ------------------------------------------------------------------ marshalling structures */

static const struct {
    int index;
    size_t size;
} structures[] = {
    {BASIC_ADD, sizeof(struct basic_add)},
    {BASIC_ECHO, sizeof(struct basic_echo)},
    {BASIC_RECURSE, sizeof(struct basic_recurse)},
    {BASIC_TLS, sizeof(struct basic_tls)},
    {BASIC_PEEK, sizeof(struct basic_access)},
    {BASIC_POKE, sizeof(struct basic_access)},
    {BASIC_EXECUTE, sizeof(struct basic_access)},
    {BASIC_CATCH, sizeof(struct basic_catch)},
    {BASIC_RESUME, sizeof(struct basic_resume)},
    {BASIC_FLAGS, sizeof(struct basic_flags)},
    {BASIC_COMMIT, sizeof(struct basic_commit)},
    {BASIC_PUBLISH, sizeof(struct basic_publish)},
    {BASIC_REGION, sizeof(struct basic_region)},
    {BASIC_PROVOKE, sizeof(struct basic_provoke)},
    {BASIC_OCALL, sizeof(struct basic_ocall)},
    {BASIC_PUBLISH_BAD, sizeof(struct basic_publish_bad)},
    {BASIC_ADDRESSES, sizeof(struct basic_addresses)},
    {BASIC_CONTROL, sizeof(struct basic_control)},
};

static void expect_structure_refused(int index, uint64_t at)
{
    struct talk exit = talk_ecall(host_tcs(0), index, (void *)at);

    cr_assert_eq(exit.kind, TALK_EXIT, "ecall %d at %#llx: vector %u", index,
                 (unsigned long long)at, exit.vector);
    cr_assert_eq(exit.rdi, AP_EXIT_RETURN);
    cr_assert_eq(exit.rsi, SGX_ERROR_INVALID_PARAMETER, "ecall %d at %#llx: %#llx", index,
                 (unsigned long long)at, (unsigned long long)exit.rsi);
}

Test(pointer, to_a_structure_that_is_not_wholly_outside_is_refused_by_every_ecall)
{
    struct basic_addresses in = host_addresses();

    for (size_t i = 0; i < sizeof structures / sizeof *structures; i++) {
        const size_t size = structures[i].size;
        const uint64_t wrong[] = {
            0,                    /* null */
            host.base,            /* the first byte */
            host.base - 1,        /* begins one byte before */
            host.base - size + 1, /* ends one byte inside */
            end - size,           /* ends with the last byte */
            end - 1,              /* begins with the last byte */
            end - size / 2,       /* half */
            in.data,
            in.stack,
            in.text,
            in.relro,
            host_tcs(0),
            UINT64_MAX,            /* wraps */
            UINT64_MAX - size + 1, /* ends exactly where addresses do */
            UINT64_MAX - size + 2,
        };

        for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++)
            expect_structure_refused(structures[i].index, wrong[w]);
    }
    cr_assert_eq(host_notes, 0, "no ocall was made on the way");
    expect_untouched();
}

Test(pointer, to_a_structure_right_behind_the_enclave_is_accepted)
{
    struct basic_add *ms = (struct basic_add *)(void *)above;

    *ms = (struct basic_add){.a = 5, .b = 6};
    TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_ADD, ms), SGX_SUCCESS);
    cr_assert_eq(ms->sum, 11);
}

Test(pointer, to_a_misaligned_structure_is_accepted)
{
    for (unsigned skew = 0; skew < 16; skew++) {
        struct basic_add ms = {.a = skew, .b = 1};

        memcpy(above + skew, &ms, sizeof ms);
        TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_ADD, above + skew), SGX_SUCCESS);
        memcpy(&ms, above + skew, sizeof ms);
        cr_assert_eq(ms.sum, skew + 1);
    }
}

/* ------------------------------------------------------------------ buffers inside structures */

static uint8_t from[9000], to[9000];

static void expect_echo(uint64_t source, uint64_t target, uint64_t size, sgx_status_t status)
{
    struct basic_echo ms = {.from = source, .to = target, .size = size};

    TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_ECHO, &ms), SGX_SUCCESS);
    cr_assert_eq(ms.status, status, "%llu bytes from %#llx to %#llx: %#llx",
                 (unsigned long long)size, (unsigned long long)source, (unsigned long long)target,
                 (unsigned long long)ms.status);
}

Test(pointer, to_a_buffer_that_is_not_wholly_outside_is_refused)
{
    const sgx_status_t refused = SGX_ERROR_INVALID_PARAMETER;
    const uint64_t host_buffer = (uintptr_t)from;
    struct basic_addresses in = host_addresses();
    const uint64_t wrong[] = {
        0,         host.base,   host.base - 1, host.base - 99,  end - 1,
        end - 100, end - 50,    in.data,       in.stack,        in.text,
        in.rodata, host_tcs(1), UINT64_MAX,    UINT64_MAX - 99, UINT64_MAX - 98,
    };

    memset(from, 0xab, sizeof from);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_echo(wrong[i], (uintptr_t)to, 100, refused);
        expect_echo(host_buffer, wrong[i], 100, refused);
        expect_echo(wrong[i], wrong[i], 100, refused);
    }
    for (size_t i = 0; i < sizeof to; i++)
        cr_assert_eq(to[i], 0, "nothing of the enclave came out");
    expect_untouched();
}

Test(pointer, to_a_buffer_is_checked_for_each_piece_of_it)
{
    /* The second 4096 bytes would be the enclave's. */
    uint8_t *below = mmap((void *)(host.base - PAGE), PAGE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (below == MAP_FAILED) { /* something stands there already: any page will do */
        cr_assert_eq(errno, EEXIST);
        return;
    }
    memset(below, 0xab, PAGE);
    expect_echo((uintptr_t)below, (uintptr_t)to, PAGE, SGX_SUCCESS);
    expect_echo((uintptr_t)below, (uintptr_t)to, PAGE + 8, SGX_ERROR_INVALID_PARAMETER);
    expect_echo((uintptr_t)from, (uintptr_t)below, PAGE + 8, SGX_ERROR_INVALID_PARAMETER);
    expect_echo((uintptr_t)below, (uintptr_t)to, UINT64_MAX, SGX_ERROR_INVALID_PARAMETER);
    expect_echo((uintptr_t)below + 1, (uintptr_t)to, PAGE, SGX_ERROR_INVALID_PARAMETER);
    munmap(below, PAGE);
}

Test(pointer, with_no_bytes_behind_it_is_not_looked_at)
{
    expect_echo(0, 0, 0, SGX_SUCCESS);
    expect_echo(host.base, host_addresses().data, 0, SGX_SUCCESS);
    expect_echo(UINT64_MAX, UINT64_MAX, 0, SGX_SUCCESS);
    expect_untouched();
}

Test(pointer, and_size_are_honoured_to_the_byte)
{
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i * 7 + 1);
    for (size_t size = 1; size < 40; size++) {
        for (size_t skew = 0; skew < 9; skew++) {
            memset(to, 0xee, 64);
            expect_echo((uintptr_t)from + skew, (uintptr_t)to + 8 - skew % 8, size, SGX_SUCCESS);
            cr_assert_arr_eq(to + 8 - skew % 8, from + skew, size);
            cr_assert_eq(to[8 - skew % 8 + size], 0xee, "one byte too many");
            cr_assert_eq(to[7 - skew % 8], 0xee, "one byte too early");
        }
    }
    expect_echo((uintptr_t)from, (uintptr_t)to, 8999, SGX_SUCCESS);
    cr_assert_arr_eq(to, from, 8999);
}

/* ------------------------------------------------------------------ memory for ocalls */

static struct talk with_area(uint64_t at, uint64_t size, struct basic_ocall *ms)
{
    return talk_enter(host_tcs(0), BASIC_OCALL, (uintptr_t)ms, at, size);
}

Test(pointer, to_memory_for_ocalls_that_is_not_wholly_outside_is_refused_at_the_door)
{
    struct basic_ocall ms = {.index = BASIC_OCALL_NOTE, .size = 8, .inside = 1, .status = 77};
    struct basic_addresses in = host_addresses();
    const struct {
        uint64_t at, size;
    } wrong[] = {
        {0, 8},
        {host.base, 8},
        {host.base - 8, 16},
        {host.base - 8, UINT64_MAX - 7},
        {end - 8, 8},
        {end - 8, 16},
        {host.base - 4096, host.size + 8192},
        {in.stack & ~UINT64_C(7), 64},
        {in.data & ~UINT64_C(7), 64},
        {host_tcs(0), 4096},
        {UINT64_MAX - 7, 8},
        {UINT64_MAX - 7, 16},
        {8, UINT64_MAX},
        {(uintptr_t)above, UINT64_MAX},
        {(uintptr_t)above + 1, 64}, /* misaligned */
        {(uintptr_t)above + 4, 64},
        {(uintptr_t)above + 7, 1},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct talk exit = with_area(wrong[i].at, wrong[i].size, &ms);

        cr_assert_eq(exit.kind, TALK_EXIT, "%zu", i);
        cr_assert_eq(exit.rdi, AP_EXIT_RETURN, "%zu", i);
        cr_assert_eq(exit.rsi, SGX_ERROR_INVALID_PARAMETER, "%zu: %#llx", i,
                     (unsigned long long)exit.rsi);
        cr_assert_eq(ms.status, 77, "the ecall did not even start");
    }
    expect_untouched();
}

/* size bytes of memory for an argument of `needs` bytes: an exit, or an error without one. */
static void expect_room(uint64_t size, uint64_t needs, bool fits)
{
    struct basic_ocall ms = {.index = BASIC_OCALL_NOTE, .size = needs, .inside = 1};
    struct talk exit;

    memset(above, 0x33, PAGE);
    exit = with_area((uintptr_t)above, size, &ms);
    if (fits) {
        TALK_OCALLS(exit, BASIC_OCALL_NOTE);
        cr_assert_eq(exit.rdx, (uintptr_t)above);
        exit = talk_oret(host_tcs(0), SGX_SUCCESS);
        cr_assert_eq(ms.status, SGX_SUCCESS);
    } else {
        cr_assert_eq(ms.status, SGX_ERROR_OUT_OF_MEMORY, "%llu for %llu", (unsigned long long)size,
                     (unsigned long long)needs);
    }
    TALK_RETURNS(exit, SGX_SUCCESS);
    for (uint64_t i = size; i < PAGE; i++)
        cr_assert_eq(above[i], 0x33, "a byte behind the memory was written");
}

Test(pointer, to_memory_too_small_for_an_ocall_is_an_error_without_an_exit)
{
    expect_room(64, 64, true);
    expect_room(63, 64, false);
    expect_room(63, 57, false);
    expect_room(63, 56, true);
    expect_room(7, 1, false);
    expect_room(8, 1, true);
    expect_room(1, 1, false);
    expect_room(0, 8, false);
    expect_room(1000, 1001, false);
    expect_room(PAGE, PAGE, true);
}

Test(pointer, to_memory_that_a_nested_call_brings_is_kept_apart_from_the_outer_ones)
{
    struct basic_recurse outer = {.depth = 1}, inner = {.depth = 1, .reached = 50};
    struct talk exit;

    exit = talk_enter(host_tcs(0), BASIC_RECURSE, (uintptr_t)&outer, (uintptr_t)above, 64);
    TALK_OCALLS(exit, BASIC_OCALL_RECURSE);
    cr_assert_eq(exit.rdx, (uintptr_t)above);
    exit = talk_enter(host_tcs(0), BASIC_RECURSE, (uintptr_t)&inner, (uintptr_t)above + 128, 64);
    TALK_OCALLS(exit, BASIC_OCALL_RECURSE);
    cr_assert_eq(exit.rdx, (uintptr_t)above + 128);
    exit = talk_enter(host_tcs(0), BASIC_RECURSE, (uintptr_t)&inner, (uintptr_t)above + 256, 8);
    TALK_RETURNS(exit, SGX_SUCCESS); /* no room there: no third ocall */
    cr_assert_eq(inner.status, SGX_ERROR_OUT_OF_MEMORY);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_SUCCESS);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_SUCCESS);
    cr_assert_eq(outer.canary, 1);
}

Test(pointer, of_an_ocalls_argument_must_lie_inside)
{
    struct basic_ocall ms = {.index = BASIC_OCALL_NOTE, .size = 16, .inside = 0};

    TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_OCALL, &ms), SGX_SUCCESS);
    cr_assert_eq(ms.status, SGX_ERROR_INVALID_PARAMETER);
    ms = (struct basic_ocall){.index = BASIC_OCALL_NOTE, .size = UINT64_MAX, .inside = 1};
    TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_OCALL, &ms), SGX_ERROR_INVALID_PARAMETER);
}

/* ------------------------------------------------------------------ read once */

Test(pointer, and_what_it_points_to_are_read_once)
{
    struct basic_recurse ms = {.depth = 1, .reached = 5};
    struct talk exit = talk_ecall(host_tcs(0), BASIC_RECURSE, &ms);

    TALK_OCALLS(exit, BASIC_OCALL_RECURSE);
    memset(&ms, 0xff, sizeof ms); /* too late */
    *(struct basic_recurse *)(uintptr_t)exit.rdx =
        (struct basic_recurse){.depth = 1000, .reached = 44};
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_SUCCESS);
    cr_assert_eq(ms.depth, 1);
    cr_assert_eq(ms.reached, 44);
    cr_assert_eq(ms.canary, 1);
}

/* ------------------------------------------------------------------ code and regions */

Test(pointer, to_code_or_sizes_that_make_no_sense_are_refused_by_publish_and_reserve)
{
    struct basic_publish_bad ms = {.region = "jit", .host_code = (uintptr_t)from};

    host_must(BASIC_PUBLISH_BAD, &ms);
    cr_assert_eq(ms.null_region, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(ms.zero_size, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(ms.too_large, SGX_ERROR_OUT_OF_MEMORY);
    cr_assert_eq(ms.wraps, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(ms.not_reserved, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(ms.unaligned, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(ms.outside_code, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(host_counters().enclu[SGX_EACCEPTCOPY], 0);
}

static void expect_no_publication(const char *region, uint64_t pages, sgx_status_t status)
{
    struct basic_publish ms = {.pages = pages};

    strncpy(ms.region, region, sizeof ms.region - 1);
    host_must(BASIC_PUBLISH, &ms);
    cr_assert_eq(ms.reserve, status, "%s: %#llx", region, (unsigned long long)ms.reserve);
    cr_assert_eq(ms.correct, 0);
}

Test(pointer, to_regions_that_are_not_for_code_are_refused)
{
    struct sgx2_counters here = host_counters();

    expect_no_publication("pool", 1, SGX_ERROR_APERTURE);
    expect_no_publication("toggle", 1, SGX_ERROR_APERTURE);
    expect_no_publication("fixed", 1, SGX_ERROR_APERTURE);
    expect_no_publication("heap", 1, SGX_ERROR_INVALID_PARAMETER);
    expect_no_publication("threads", 1, SGX_ERROR_INVALID_PARAMETER);
    expect_no_publication("", 1, SGX_ERROR_INVALID_PARAMETER);
    expect_no_publication("jit", 0, SGX_ERROR_INVALID_PARAMETER);
    expect_no_publication("jit", host_region("jit")->pages + 1, SGX_ERROR_OUT_OF_MEMORY);
    cr_assert_eq(HOST_DELTA(host_counters(), here, eexit), 8, "the host was not asked");
}
