/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended state over asynchronous exits, natively: what lands in the SSA frame, what the host is
 * left with, and that ERESUME brings everything back. For each XFRM that this processor allows.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "exec.h"
#include "model.h"

#define X87    UINT64_C(0x01)
#define SSE    UINT64_C(0x02)
#define AVX    UINT64_C(0x04)
#define AVX512 UINT64_C(0xe0)

#define HEADER    512
#define MXCSR     24
#define YMM_UPPER 576

typedef uint8_t image[8192] __attribute__((aligned(64)));

/* The components that are tried; others of the host's are left alone. */
static uint64_t host_mask(void)
{
    uint32_t low, high;

    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low & (X87 | SSE | AVX | AVX512);
}

static const uint64_t candidates[] = {X87 | SSE, X87 | SSE | AVX, X87 | SSE | AVX | AVX512};

static bool possible(uint64_t xfrm)
{
    return (xfrm & ~host_mask()) == 0;
}

/* Where a component lies: SDM, or CPUID for those from 2 on. */
static void component(unsigned number, size_t *ret_offset, size_t *ret_size)
{
    uint32_t eax = 0xd, ebx, ecx = number, edx;

    if (number == 0) {
        *ret_offset = 32; /* ST0 to ST7; the control words are looked at one by one */
        *ret_size = 128;
    } else if (number == 1) {
        *ret_offset = 160;
        *ret_size = 256;
    } else {
        __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
        *ret_offset = ebx;
        *ret_size = eax;
    }
}

static void put(uint8_t *at, uint64_t value, size_t size)
{
    memcpy(at, &value, size);
}

static uint64_t get(const uint8_t *at, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, at, size);
    return value;
}

/* An image with every byte of its components different from another seed's. */
static void fill(uint8_t *to, uint64_t mask, unsigned seed)
{
    memset(to, 0, sizeof(image));
    for (unsigned i = 0; i < 8; i++) {
        size_t offset, size;

        if (!(mask >> i & 1))
            continue;
        component(i, &offset, &size);
        for (size_t j = 0; j < size; j++)
            to[offset + j] = (uint8_t)(seed + 7 * j + 13 * i + (j >> 8));
    }
    for (unsigned st = 0; st < 8; st++) /* registers of 80 bits in 128 */
        memset(to + 32 + 16 * st + 10, 0, 6);
    put(to, 0x075f, 2);         /* FCW: precision exception unmasked, rounding down */
    put(to + 2, 3u << 11, 2);   /* FSW: TOP = 3 */
    put(to + 4, 0x5a, 1);       /* FTW, abridged */
    put(to + MXCSR, 0x3f9f, 4); /* all masked, rounding down, flags of some exceptions */
    put(to + HEADER, mask, 8);  /* XSTATE_BV */
}

static void expect_components(const uint8_t *got, const uint8_t *want, uint64_t mask,
                              const char *where)
{
    for (unsigned i = 0; i < 8; i++) {
        size_t offset, size;

        if (!(mask >> i & 1))
            continue;
        component(i, &offset, &size);
        cr_assert_eq(memcmp(got + offset, want + offset, size), 0, "%s: component %u", where, i);
    }
    cr_assert_eq(memcmp(got, want, 5), 0, "%s: FCW, FSW, FTW", where);
    cr_assert_eq(get(got + MXCSR, 4), get(want + MXCSR, 4), "%s: MXCSR", where);
}

static void expect_initial(const uint8_t *got, uint64_t mask)
{
    for (unsigned i = 1; i < 8; i++) {
        static const image zero;
        size_t offset, size;

        if (!(mask >> i & 1))
            continue;
        component(i, &offset, &size);
        cr_assert((get(got + HEADER, 8) >> i & 1) == 0 || memcmp(got + offset, zero, size) == 0,
                  "component %u tells of the enclave", i);
    }
    cr_assert_eq(get(got + MXCSR, 4), 0x1fb0);
    if (get(got + HEADER, 8) & X87) {
        cr_assert_eq(get(got, 2), 0x37f);
        cr_assert_eq(get(got + 2, 2), 0);
        cr_assert_eq(got[4], 0, "all x87 registers are empty");
    }
}

static struct raw raw;
static image in, out, saved, dirty;

static struct exec_options options_for(uint64_t xfrm, uint32_t frame_pages)
{
    return (struct exec_options){
        .xfrm = xfrm, .frame_pages = frame_pages, .miscselect = SGX_MISC_EXINFO};
}

/* Enter, fill the registers, and fault on the data page, which may not be written. */
static void interrupt_with(uint64_t mask, uint64_t host)
{
    static struct op op; /* until the resumption is over */
    struct exec_host side = {.saved = saved, .mask = host};

    op = (struct op){.op = X_VECTORS,
                     .a = raw_address(&raw, RAW_DATA),
                     .b = (uint64_t)(uintptr_t)in,
                     .c = (uint64_t)(uintptr_t)out,
                     .d = mask};
    memset(saved, 0, sizeof saved);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ), 0);
    cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
}

static int resume(void)
{
    struct exec_host side = {.mask = host_mask()};

    memset(out, 0, sizeof out);
    return exec_call(&raw, 0, SGX_ERESUME, NULL, &side);
}

/* Another entry, from registers full of something else. */
static void enter_dirty(void)
{
    struct op op = {.op = X_NOP};
    struct exec_host side = {.load = dirty, .mask = host_mask()};
    const struct sgx_enclave_run run = raw.run;

    fill(dirty, host_mask(), 99);
    cr_assert_eq(exec_call(&raw, 3, SGX_EENTER, &op, &side), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    raw.run = run;
}

static void *dirty_thread(void *arg)
{
    (void)arg;
    __asm__ volatile("xrstor64 %0" : : "m"(dirty), "a"((uint32_t)host_mask()), "d"(0) : "memory");
    __asm__ volatile("fninit; ldmxcsr %0" : : "m"((const uint32_t){0x1f80}));
    return NULL;
}

static void keep_all(uint64_t xfrm)
{
    const struct exec_options options = options_for(xfrm, 1);
    const uint8_t *frame;
    pthread_t thread;

    if (!possible(xfrm))
        cr_skip_test("XFRM %#llx: not on this processor", (unsigned long long)xfrm);
    exec_open(&raw, &options);
    frame = raw.base + EXEC_SSA;
    fill(in, xfrm, 1);
    interrupt_with(xfrm, xfrm);
    expect_components(frame, in, xfrm, "the SSA frame");
    cr_assert_eq(get(frame + HEADER, 8), xfrm, "XSTATE_BV");
    for (int j = 8; j < 64; j++)
        cr_assert_eq(frame[HEADER + j], 0, "byte %d of the header", j);
    expect_initial(saved, xfrm);

    enter_dirty();
    cr_assert_eq(pthread_create(&thread, NULL, dirty_thread, NULL), 0);
    pthread_join(thread, NULL);
    cr_assert_eq(resume(), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    expect_components(out, in, xfrm, "after ERESUME");
    raw_close(&raw);
}

Test(xsave, an_exit_saves_every_register_and_a_resume_restores_it)
{
    keep_all(X87 | SSE);
}

Test(xsave, an_exit_saves_every_register_and_a_resume_restores_it_with_avx)
{
    keep_all(X87 | SSE | AVX);
}

Test(xsave, an_exit_saves_every_register_and_a_resume_restores_it_with_avx_512)
{
    keep_all(X87 | SSE | AVX | AVX512);
}

Test(xsave, components_that_are_in_their_initial_state_are_zero_in_the_frame)
{
    const uint64_t xfrm = possible(X87 | SSE | AVX) ? X87 | SSE | AVX : X87 | SSE;
    const struct exec_options options = options_for(xfrm, 1);
    static const image zero;

    exec_open(&raw, &options);
    memset(raw.base + EXEC_SSA, 0xee, YMM_UPPER + 256);
    fill(in, xfrm, 1);
    put(in + HEADER, X87, 8); /* XRSTOR brings the others to their initial state */
    interrupt_with(xfrm, 0);
    /* Which of them XSTATE_BV calls initial is the processor's choice. */
    cr_assert_eq(get(raw.base + EXEC_SSA + HEADER, 8) & ~xfrm, 0);
    cr_assert_eq(memcmp(raw.base + EXEC_SSA + 160, zero, 256), 0, "XMM");
    if (xfrm & AVX)
        cr_assert_eq(memcmp(raw.base + EXEC_SSA + YMM_UPPER, zero, 256), 0, "YMM");
    raw_close(&raw);
}

/* XFRM 3 on a processor with AVX: neither saved, nor cleared, nor restored. */
Test(xsave, state_beyond_xfrm_is_none_of_the_frames)
{
    const struct exec_options options = options_for(X87 | SSE, 1);
    static uint8_t before[1024];
    size_t offset, size;

    if (!possible(X87 | SSE | AVX))
        cr_skip_test("no AVX: nothing is beyond XFRM 3");
    component(2, &offset, &size);
    exec_open(&raw, &options);
    memset(raw.base + EXEC_SSA + YMM_UPPER, 0xee, sizeof before);
    memset(before, 0xee, sizeof before);
    fill(in, X87 | SSE | AVX, 1);
    interrupt_with(X87 | SSE | AVX, X87 | SSE | AVX);
    expect_components(raw.base + EXEC_SSA, in, X87 | SSE, "the SSA frame");
    cr_assert_eq(get(raw.base + EXEC_SSA + HEADER, 8), X87 | SSE);
    cr_assert_eq(memcmp(raw.base + EXEC_SSA + YMM_UPPER, before, sizeof before), 0);
    cr_assert_eq(memcmp(saved + offset, in + offset, size), 0, "not cleared either");
    expect_initial(saved, X87 | SSE);

    enter_dirty();
    cr_assert_eq(resume(), 0);
    expect_components(out, in, X87 | SSE, "after ERESUME");
    cr_assert_neq(memcmp(out + offset, in + offset, size), 0, "nor restored");
    raw_close(&raw);
}

static const struct {
    const char *what;
    size_t at;
    uint64_t value;
    size_t size;
} malformed[] = {
    {"a component beyond XFRM", HEADER, X87 | SSE | UINT64_C(1) << 62, 8},
    {"AVX, which XFRM 3 has not", HEADER, X87 | SSE | AVX, 8},
    {"XCOMP_BV", HEADER + 8, UINT64_C(1) << 63, 8},
    {"the last of the bytes that must be zero", HEADER + 23, 1, 1},
    {"a reserved bit of MXCSR", MXCSR, 0x11f80, 4},
};

Test(xsave, a_malformed_image_refuses_the_resumption_and_leaves_the_thread_as_it_was)
{
    const struct exec_options options = options_for(X87 | SSE, 1);
    uint8_t *frame;

    exec_open(&raw, &options);
    frame = raw.base + EXEC_SSA;
    fill(in, X87 | SSE, 1);
    interrupt_with(X87 | SSE, 0);
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        const uint64_t good = get(frame + malformed[i].at, malformed[i].size);

        put(frame + malformed[i].at, malformed[i].value, malformed[i].size);
        cr_assert_eq(resume(), 0);
        cr_assert_eq(raw.run.function, SGX_ERESUME, "%s", malformed[i].what);
        cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_GP, "%s: vector %u", malformed[i].what,
                     raw.run.exception_vector);
        cr_assert_eq(raw.run.exception_error_code, 0);
        put(frame + malformed[i].at, good, malformed[i].size);
    }
    cr_assert_eq(resume(), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    expect_components(out, in, X87 | SSE, "after all");
    raw_close(&raw);
}

Test(xsave, an_x87_exception_that_is_pending_is_raised_after_the_resumption)
{
    const struct exec_options options = options_for(X87 | SSE, 1);
    struct op op = {.op = X_X87, .a = 0x037b}; /* division by zero unmasked */
    struct exec_host side = {.saved = saved, .mask = X87 | SSE};

    exec_open(&raw, &options);
    op.b = raw_address(&raw, RAW_DATA);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ), 0);
    cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(get(raw.base + EXEC_SSA, 2), 0x037b, "FCW");
    cr_assert_eq(get(raw.base + EXEC_SSA + 2, 2) & 0x3884, 0x3084, "FSW: TOP = 6, ES, ZE");
    expect_initial(saved, X87 | SSE);

    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    cr_assert_eq(exec_call(&raw, 0, SGX_ERESUME, NULL, &side), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_MF);
    cr_assert_eq(get(saved, 2), 0x37e, "FCW");
    cr_assert_eq(get(saved + 2, 2), 0x8081, "FSW");
    raw_close(&raw);
}

Test(xsave, a_frame_of_several_pages_has_its_registers_at_the_very_end)
{
    const uint64_t xfrm = possible(X87 | SSE | AVX) ? X87 | SSE | AVX : X87 | SSE;

    for (uint32_t pages = 2; pages <= 3; pages++) {
        const struct exec_options options = options_for(xfrm, pages);
        struct sgx_gprsgx gpr;

        exec_open(&raw, &options);
        fill(in, xfrm, 5);
        interrupt_with(xfrm, 0);
        expect_components(raw.base + EXEC_SSA, in, xfrm, "the SSA frame");
        gpr = exec_gprsgx(&raw, &options, 0);
        cr_assert_eq(gpr.exitinfo, SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | SGX_VECTOR_PF);
        cr_assert_eq(gpr.rbx, raw_address(&raw, RAW_DATA), "RBX held the address");
        cr_assert_eq(exec_exinfo(&raw, &options, 0).maddr, raw_address(&raw, RAW_DATA));
        cr_assert_eq(resume(), 0);
        expect_components(out, in, xfrm, "after ERESUME");
        raw_close(&raw);
    }
}

Test(xsave, what_the_host_enters_with_it_has_after_a_plain_call)
{
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        const struct exec_options options = options_for(candidates[i], 1);
        struct op op = {.op = X_NOP};
        struct exec_host side = {.load = in, .saved = saved, .mask = host_mask()};

        if (!possible(candidates[i]))
            continue;
        exec_open(&raw, &options);
        fill(in, host_mask(), 42);
        memset(saved, 0, sizeof saved);
        cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
        cr_assert_eq(raw.run.function, SGX_EEXIT);
        expect_components(saved, in, host_mask(), "after EEXIT");
        raw_close(&raw);
    }
}
