/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host code on pages that the EPCM withholds: whatever the instruction, it reads ones and its
 * writes vanish. The pages are pending ones: `page`, and two more behind it.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/ucontext.h>

#include "model.h"
#include "raw.h"

#define PAGES 3
#define ONES  UINT64_MAX

static struct raw raw;
static uint8_t *page;

static void open_raw(void)
{
    raw_open(&raw);
    page = raw.base + RAW_FREE;
    cr_assert_eq(sgx2_mmap(page, PAGES * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 (intptr_t)page);
}

static void close_raw(void)
{
    raw_close(&raw);
}

TestSuite(abort_page, .init = open_raw, .fini = close_raw, .timeout = 60);

/* Nothing that the host wrote ever arrived: the enclave accepts the pages and finds zeros. */
static void expect_untouched(void)
{
    for (uint64_t i = 0; i < PAGES; i++) {
        const uint64_t at = RAW_FREE + i * SGX_PAGE_SIZE;

        cr_assert_eq(*(volatile uint8_t *)(raw.base + at), 0xff);
        cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, 0x20b, raw.base + at, NULL), 0);
        for (uint64_t j = 0; j < SGX_PAGE_SIZE; j += sizeof(uint64_t))
            cr_assert_eq(*(volatile uint64_t *)(raw.base + at + j), 0, "at %#llx",
                         (unsigned long long)j);
    }
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f");
}

static void expect_ones(const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(((const uint8_t *)from)[i], 0xff, "byte %zu", i);
}

/* ------------------------------------------------------------------ one operand */

Test(abort_page, vector_loads_find_ones_and_vector_stores_vanish)
{
    uint8_t got[64] = {0};

    __asm__ volatile("movups 3(%1), %%xmm1; movups %%xmm1, %0; movaps %%xmm1, 64(%1)"
                     : "=m"(got)
                     : "r"(page)
                     : "xmm1", "memory");
    expect_ones(got, 16);
    if (has_avx2()) {
        memset(got, 0, sizeof got);
        __asm__ volatile("vmovdqa 32(%1), %%ymm1; vmovdqu %%ymm1, %0; vmovdqa %%ymm1, (%1)"
                         : "=m"(got)
                         : "r"(page)
                         : "xmm1", "memory");
        expect_ones(got, 32);
    }
    if (has_avx512()) {
        memset(got, 0, sizeof got);
        __asm__ volatile("vmovdqa64 64(%1), %%zmm17; vmovdqu64 %%zmm17, %0;"
                         "vmovdqa64 %%zmm17, 4032(%1,%2,8);"
                         "vpaddd 4(%1)%{1to16%}, %%zmm17, %%zmm17"
                         : "=m"(got)
                         : "r"(page), "r"(0l)
                         : "memory");
        expect_ones(got, 64);
    }
    expect_untouched();
}

Test(abort_page, arithmetic_takes_ones_for_its_operand)
{
    uint64_t sum = 5, self = (uint64_t)(uintptr_t)page, index = 2;
    uint8_t equal, carry;

    __asm__ volatile("addq (%1), %0" : "+r"(sum) : "r"(page));
    cr_assert_eq(sum, 4);
    __asm__ volatile("addq (%0), %0" : "+r"(self) : : "memory");
    cr_assert_eq(self, (uint64_t)(uintptr_t)page - 1, "its base is its other operand");
    __asm__ volatile("cmpl $-1, 16(%1,%2,8); sete %0" : "=q"(equal) : "r"(page), "r"(index));
    cr_assert(equal);
    __asm__ volatile("addw $1, 5(%1); setc %0" : "=q"(carry) : "r"(page) : "memory");
    cr_assert(carry);
    __asm__ volatile("incq (%0); notq 8(%0); negb 3(%0); shlq $3, (%0)" : : "r"(page) : "memory");
    expect_untouched();
}

Test(abort_page, locked_instructions_read_ones_and_their_write_vanishes)
{
    uint64_t value = 7, old = ONES, low = ONES, high = ONES;
    uint8_t equal;

    __asm__ volatile("lock xaddq %0, (%1)" : "+r"(value) : "r"(page) : "memory");
    cr_assert_eq(value, ONES);
    value = 7;
    __asm__ volatile("xchgq %0, (%1)" : "+r"(value) : "r"(page) : "memory");
    cr_assert_eq(value, ONES);
    __asm__ volatile("lock cmpxchgq %2, (%3); sete %0"
                     : "=q"(equal), "+a"(old)
                     : "r"(UINT64_C(9)), "r"(page)
                     : "memory");
    cr_assert(equal);
    __asm__ volatile("lock cmpxchg16b (%3); sete %0"
                     : "=q"(equal), "+a"(low), "+d"(high)
                     : "r"(page + 16), "b"(1ul), "c"(2ul)
                     : "memory");
    cr_assert(equal);
    old = 3;
    __asm__ volatile("lock cmpxchgq %1, (%2)" : "+a"(old) : "r"(UINT64_C(9)), "r"(page) : "memory");
    cr_assert_eq(old, ONES);
    expect_untouched();
}

Test(abort_page, an_operand_beside_the_stack_is_redirected_and_the_stack_is_not)
{
    uint64_t value = 0, kept = 11;

    __asm__ volatile("pushq (%1); popq %0; pushq $5; popq (%1)"
                     : "=&r"(value)
                     : "r"(page)
                     : "memory");
    cr_assert_eq(value, ONES);
    cr_assert_eq(kept, 11);
    expect_untouched();
}

Test(abort_page, x87_and_whole_register_images_work)
{
    static uint8_t image[4096] __attribute__((aligned(64)));
    uint16_t status;

    __asm__ volatile("fninit; fldl (%1); fxam; fnstsw %0; fstpt 32(%1); fninit"
                     : "=&a"(status)
                     : "r"(page)
                     : "memory");
    cr_assert_eq(status & 0x4500, 0x0100, "a NaN");
    __asm__ volatile("fxsave64 (%0); xsave64 (%1); xsave64 (%2)"
                     :
                     : "r"(page), "r"(page + 64), "r"(image), "a"(7), "d"(0)
                     : "memory");
    expect_untouched();
}

Test(abort_page, a_segment_override_and_an_address_relative_to_rip_are_found)
{
    static const uint8_t add[] = {0x48, 0x03, 0x05}; /* add rax, [rip + displacement] */
    uint64_t fs, sum = 5;
    uint8_t *code = mmap(raw.base + RAW_SIZE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const intptr_t distance = page + 8 - (code + 7);

    __asm__("mov %%fs:0, %0" : "=r"(fs));
    __asm__ volatile("addq %%fs:(%1), %0" : "+r"(sum) : "r"((uint64_t)(uintptr_t)page - fs));
    cr_assert_eq(sum, 4);

    cr_assert_eq(distance, (int32_t)distance);
    memcpy(code, add, sizeof add);
    memcpy(code + 3, &(int32_t){(int32_t)distance}, 4);
    code[7] = 0xc3;
    __asm__ volatile("call *%1" : "+a"(sum) : "r"(code));
    cr_assert_eq(sum, 3);
    munmap(code, SGX_PAGE_SIZE);
}

Test(abort_page, operands_that_no_modrm_names_work_too)
{
    uint64_t al = 3;

    __asm__ volatile("xlat" : "+a"(al) : "b"(page));
    cr_assert_eq(al, 0xff);
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0; maskmovdqu %%xmm0, %%xmm0"
                     :
                     : "D"(page)
                     : "xmm0", "memory");
    expect_untouched();
}

/* ------------------------------------------------------------------ strings */

#define LONG (2 * SGX_PAGE_SIZE + 100)

static uint8_t buffer[LONG + 16];

static void rep_movsb(void *to, const void *from, size_t count)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    cr_assert_eq(count, 0);
}

Test(abort_page, strings_are_copied_over_any_number_of_pages_in_both_directions)
{
    uint8_t *to = buffer + LONG, *from = page + LONG - 1 + 5;
    size_t count = LONG;

    rep_movsb(buffer, page + 5, LONG);
    expect_ones(buffer, LONG);
    cr_assert_eq(buffer[LONG], 0, "no more than was asked for");

    memset(buffer, 0, sizeof buffer);
    __asm__ volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    cr_assert_eq(count, 0);
    cr_assert_eq(to, buffer);
    cr_assert_eq(from, page + 5 - 1);
    expect_ones(buffer + 1, LONG);
    cr_assert_eq(buffer[0], 0);

    memset(buffer, 1, sizeof buffer);
    rep_movsb(page + 5, buffer, LONG);
    rep_movsb(page + 5, page + 99, 300); /* both are hidden */
    expect_untouched();
}

Test(abort_page, stores_of_strings_vanish_and_registers_go_on)
{
    uint8_t *to = page + 3;
    const uint8_t *from = page + 8;
    size_t count = LONG / 8;
    uint64_t value = 0;

    __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(5ul) : "memory");
    cr_assert_eq(to, page + 3 + LONG / 8 * 8);
    cr_assert_eq(count, 0);
    to = page;
    __asm__ volatile("stosl; stosl" : "+D"(to) : "a"(5) : "memory");
    cr_assert_eq(to, page + 8);
    __asm__ volatile("movsb; lodsq" : "+D"(to), "+S"(from), "+a"(value) : : "memory");
    cr_assert_eq(to, page + 9);
    cr_assert_eq(from, page + 17);
    cr_assert_eq(value, ONES);
    expect_untouched();
}

Test(abort_page, scans_and_comparisons_stop_where_they_should)
{
    const uint8_t *at = page + 7, *other = buffer;
    size_t count = LONG;
    uint8_t equal;

    __asm__ volatile("repne scasb; sete %0" : "=q"(equal), "+D"(at), "+c"(count) : "a"(0xff));
    cr_assert(equal);
    cr_assert_eq(at, page + 8, "the first is one");
    cr_assert_eq(count, LONG - 1);

    at = page + 7;
    count = LONG;
    __asm__ volatile("repne scasb; sete %0" : "=q"(equal), "+D"(at), "+c"(count) : "a"(0));
    cr_assert_not(equal);
    cr_assert_eq(count, 0);
    cr_assert_eq(at, page + 7 + LONG);

    memset(buffer, 0xff, sizeof buffer);
    for (size_t differs = 0; differs < LONG; differs += SGX_PAGE_SIZE / 2 + 1) {
        buffer[differs] = 0xfe;
        at = page;
        other = buffer;
        count = LONG;
        __asm__ volatile("repe cmpsb; sete %0" : "=q"(equal), "+D"(at), "+S"(other), "+c"(count));
        cr_assert_not(equal);
        cr_assert_eq(at, page + differs + 1);
        cr_assert_eq(other, buffer + differs + 1);
        cr_assert_eq(count, LONG - differs - 1);
        buffer[differs] = 0xff;
    }
    /* The difference is the last element of a page: the next page must not be looked at. */
    buffer[SGX_PAGE_SIZE - 1] = 0;
    at = page;
    other = buffer;
    count = LONG;
    __asm__ volatile("repe cmpsb" : "+D"(at), "+S"(other), "+c"(count) : : "cc");
    cr_assert_eq(count, LONG - SGX_PAGE_SIZE);
}

Test(abort_page, the_c_librarys_functions_find_ones)
{
    static uint8_t ones[LONG];

    memset(ones, 0xff, sizeof ones);
    for (size_t size = 1; size < LONG; size = size * 3 + 1) {
        memset(buffer, 0, sizeof buffer);
        memcpy(buffer, page + 1, size);
        expect_ones(buffer, size);
        cr_assert_eq(buffer[size], 0);
        memset(page + 1, 0x55, size);
        cr_assert_eq(memcmp(page + 1, ones, size), 0);
        cr_assert_null(memchr(page, 0, size));
    }
    expect_untouched();
}

/* ------------------------------------------------------------------ faults */

static sigjmp_buf back;
static struct {
    int sig, code;
    uint8_t *address;
    greg_t rip, rsp, rsi, rdi, rcx, trap;
    uint64_t pushed; /* what a CALL left, where RIP is an address of ones */
} got;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    const greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

    got.sig = sig;
    got.code = info->si_code;
    got.address = info->si_addr;
    got.rip = gregs[REG_RIP];
    got.rsp = gregs[REG_RSP];
    got.rsi = gregs[REG_RSI];
    got.rdi = gregs[REG_RDI];
    got.rcx = gregs[REG_RCX];
    got.trap = gregs[REG_TRAPNO];
    got.pushed = got.rip == -1 ? *(const uint64_t *)got.rsp : 0;
    siglongjmp(back, 1);
}

static void catch_signals(void)
{
    static uint8_t stack[65536];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = (int)(SA_SIGINFO | SA_NODEFER | SA_ONSTACK)};

    memset(&got, 0, sizeof got);
    cr_assert_eq(sgx2_sigaltstack(&alternate, NULL), 0);
    cr_assert_eq(sgx2_sigaction(SIGSEGV, &action, NULL), 0);
    cr_assert_eq(sgx2_sigaction(SIGILL, &action, NULL), 0);
    cr_assert_eq(sgx2_sigaction(SIGTRAP, &action, NULL), 0);
}

Test(abort_page, a_fault_of_the_other_operand_is_the_instructions_own)
{
    uint8_t *room =
        mmap(NULL, 2 * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *end = room + SGX_PAGE_SIZE;

    catch_signals();
    cr_assert_eq(munmap(end, SGX_PAGE_SIZE), 0);
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("rep movsb" : : "D"(end - 100), "S"(page + 7), "c"(300) : "memory");
    cr_assert_eq(got.sig, SIGSEGV);
    cr_assert_eq(got.address, end);
    cr_assert_eq(got.rdi, (greg_t)(uintptr_t)end);
    cr_assert_eq(got.rsi, (greg_t)(uintptr_t)(page + 7 + 100), "as if there were no scratch");
    cr_assert_eq(got.rcx, 200);
    cr_assert_eq(memcmp((const void *)got.rip, (const uint8_t[]){0xf3, 0xa4}, 2), 0);
    expect_ones(end - 100, 100);
    cr_assert_eq(*(end - 101), 0);
    munmap(room, SGX_PAGE_SIZE);
}

/* All ones is an address, of the kernel's. */
Test(abort_page, a_jump_to_what_is_read_there_faults_at_an_address_of_ones)
{
    static uint64_t sp, next;

    catch_signals();
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("jmp *(%0)" : : "r"(page));
    cr_assert_eq(got.sig, SIGSEGV);
    cr_assert_eq(got.rip, -1);
    got.sig = 0;
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("mov %%rsp, %0; lea 1f(%%rip), %%rcx; mov %%rcx, %1; call *(%2); 1:"
                         : "=m"(sp), "=m"(next)
                         : "r"(page)
                         : "rcx", "memory");
    cr_assert_eq(got.sig, SIGSEGV);
    cr_assert_eq(got.rip, -1);
    cr_assert_eq(got.rsp, (greg_t)sp - 8);
    cr_assert_eq(got.pushed, next, "the return address is the program's own");
    cr_assert_eq(*(volatile uint64_t *)page, ONES, "and all goes on as before");
}

Test(abort_page, a_fault_of_the_redirected_instruction_itself_has_its_own_address)
{
    catch_signals();
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("ldmxcsr (%0)" : : "r"(page)); /* reserved bits */
    cr_assert_eq(got.sig, SIGSEGV);
    cr_assert_eq(got.code, SI_KERNEL);
    cr_assert_eq(got.trap, SGX_VECTOR_GP);
    cr_assert_eq(memcmp((const void *)got.rip, (const uint8_t[]){0x0f, 0xae}, 2), 0);
}

Test(abort_page, to_execute_it_is_an_illegal_instruction)
{
    catch_signals();
    if (sigsetjmp(back, 1) == 0)
        ((void (*)(void))(uintptr_t)page)();
    cr_assert_eq(got.sig, SIGILL);
    cr_assert_eq(got.code, ILL_ILLOPN);
    cr_assert_eq(got.rip, (greg_t)(uintptr_t)page);
}

/* What is not redirected. */
Test(abort_page, a_stack_there_is_a_segmentation_fault)
{
    catch_signals();
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("mov %0, %%rsp; pushq $5" : : "r"(page + 64) : "memory");
    cr_assert_eq(got.sig, SIGSEGV);
    cr_assert_eq(got.rsp, (greg_t)(uintptr_t)(page + 64));
    got.sig = 0;
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("mov %0, %%rsp; pushq (%0)" : : "r"(page + 64) : "memory");
    cr_assert_eq(got.sig, SIGSEGV, "an operand there does not help");
}

Test(abort_page, a_gather_is_a_segmentation_fault)
{
    if (!has_avx2())
        cr_skip_test("no AVX2: nothing gathers");
    catch_signals();
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("vpcmpeqd %%xmm2, %%xmm2, %%xmm2; vpxor %%xmm1, %%xmm1, %%xmm1;"
                         "vpgatherdd %%xmm2, (%0,%%xmm1,4), %%xmm0"
                         :
                         : "r"(page)
                         : "xmm0", "xmm1", "xmm2");
    cr_assert_eq(got.sig, SIGSEGV);
}

/* ------------------------------------------------------------------ others at the same time */

static volatile unsigned ticks;

static void tick(int sig)
{
    uint64_t value = 0;

    (void)sig;
    ticks++;
    __asm__ volatile("addq (%1), %0" : "+r"(value) : "r"(page));
    if (value != ONES)
        abort();
}

Test(abort_page, handlers_that_touch_it_too_do_not_disturb_the_instruction_they_interrupt)
{
    const struct sigaction action = {.sa_handler = tick};
    const struct itimerval fast = {{0, 300}, {0, 300}}, off = {{0, 0}, {0, 0}};

    cr_assert_eq(sgx2_sigaction(SIGALRM, &action, NULL), 0);
    cr_assert_eq(setitimer(ITIMER_REAL, &fast, NULL), 0);
    for (int i = 0; i < 1000 || ticks < 20; i++) {
        uint64_t sum = 5;

        __asm__ volatile("addq (%1), %0" : "+r"(sum) : "r"(page));
        cr_assert_eq(sum, 4);
        if (i % 50 == 0)
            rep_movsb(buffer, page, LONG);
    }
    cr_assert_eq(setitimer(ITIMER_REAL, &off, NULL), 0);
    expect_ones(buffer, LONG);
}

static void *touch_thread(void *arg)
{
    uint64_t *failures = arg;

    for (uint64_t i = 0; i < 500; i++) {
        uint64_t sum = i;

        __asm__ volatile("addq (%1), %0" : "+r"(sum) : "r"(page + 8 * i));
        __atomic_fetch_add(failures, sum != i - 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

Test(abort_page, threads_that_never_entered_an_enclave_have_scratches_of_their_own)
{
    pthread_t threads[4];
    uint64_t failures = 0;

    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, touch_thread, &failures), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(failures, 0);
}
