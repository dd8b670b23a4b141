/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every exception that an enclave can raise natively: what its frame says, with EXINFO and without,
 * and what the host is told, by the vDSO and by a signal where it enters by itself.
 *
 * Not raised here: #BR, as BOUND does not exist in 64-bit mode, and #CP, as there is no CET.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ucontext.h>

#include "exec.h"
#include "model.h"

#define VECTOR_SS 12
#define DEBUG_AC  UINT64_C(0x40000)

#define NOWHERE UINT64_C(0x8000000000000000)

enum report { NEVER, ALWAYS, DETAILED };

static const struct {
    const char *what;
    uint64_t op, a;
    unsigned vector, error;
    enum report report;
    int sig, code; /* for a host that enters by itself */
} rows[] = {
    {"DIV by zero", X_DIVIDE, 0, SGX_VECTOR_DE, 0, ALWAYS, SIGFPE, FPE_INTDIV},
    {"UD2", X_UD2, 0, SGX_VECTOR_UD, 0, ALWAYS, SIGILL, ILL_ILLOPN},
    {"INT3", X_INT3, 0, SGX_VECTOR_UD, 0, ALWAYS, SIGILL, ILL_ILLOPN},
    {"INT 3", X_INT_3, 0, SGX_VECTOR_UD, 0, ALWAYS, SIGILL, ILL_ILLOPN},
    {"INT 4", X_INT_4, 0, SGX_VECTOR_UD, 0, ALWAYS, SIGILL, ILL_ILLOPN},
    {"HLT", X_HLT, 0, SGX_VECTOR_GP, 0, DETAILED, SIGSEGV, SI_KERNEL},
    {"a non-canonical load", X_LOAD, NOWHERE, SGX_VECTOR_GP, 0, DETAILED, SIGSEGV, SI_KERNEL},
    {"a non-canonical stack", X_STACK, 0, VECTOR_SS, 0, NEVER, SIGBUS, SI_KERNEL},
    {"x87 division by zero", X_X87, 0x037b, SGX_VECTOR_MF, 0, ALWAYS, SIGFPE, FPE_FLTINV},
    {"SSE division by zero", X_SSE, 0x1d80, SGX_VECTOR_XM, 0, ALWAYS, SIGFPE, FPE_FLTINV},
    {"a misaligned load under AC", X_UNALIGNED, 0, SGX_VECTOR_AC, 0, ALWAYS, SIGBUS, BUS_ADRALN},
};

#define ROWS (sizeof rows / sizeof *rows)

static struct raw raw;

/* With its code and SSA in the page table: no exit but the one that is asked for. */
static void open_warm(const struct exec_options *options)
{
    struct op op = {.op = X_NOP};
    struct exec_host side = {.mask = 0};

    exec_open(&raw, options);
    cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
    memset(raw.base + EXEC_SSA, 0xee, SGX_PAGE_SIZE);
}

static uint32_t expected_exitinfo(size_t i, uint32_t miscselect)
{
    if (rows[i].report == NEVER || (rows[i].report == DETAILED && !(miscselect & SGX_MISC_EXINFO)))
        return 0;
    return SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | rows[i].vector;
}

static void raise_all(uint32_t miscselect)
{
    const struct exec_options options = {
        .xfrm = SGX_XFRM_LEGACY, .frame_pages = 1, .miscselect = miscselect};

    for (size_t i = 0; i < ROWS; i++) {
        struct op op = {.op = rows[i].op, .a = rows[i].a};
        struct exec_host side = {.mask = 0};
        struct sgx_gprsgx gpr;
        struct sgx_exinfo info;

        open_warm(&options);
        cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
        cr_assert_eq(raw.run.function, SGX_ERESUME, "%s: function %u", rows[i].what,
                     raw.run.function);
        cr_assert_eq(raw.run.exception_vector, rows[i].vector, "%s: vector %u", rows[i].what,
                     raw.run.exception_vector);
        cr_assert_eq(raw.run.exception_error_code, rows[i].error);
        cr_assert_eq(raw.run.exception_addr, 0);
        cr_assert_eq(!!(side.flags & DEBUG_AC), rows[i].op == X_UNALIGNED, "AC stays as it was");

        gpr = exec_gprsgx(&raw, &options, 0);
        info = exec_exinfo(&raw, &options, 0);
        cr_assert_eq(gpr.exitinfo, expected_exitinfo(i, miscselect), "%s: EXITINFO %#x",
                     rows[i].what, gpr.exitinfo);
        if (rows[i].report == DETAILED && (miscselect & SGX_MISC_EXINFO)) {
            cr_assert_eq(info.maddr, 0);
            cr_assert_eq(info.errcd, 0);
        } else {
            cr_assert_eq(info.errcd, 0xeeeeeeee, "%s: EXINFO is not written", rows[i].what);
        }
        cr_assert(gpr.rip - raw_address(&raw, RAW_CODE) < SGX_PAGE_SIZE);
        cr_assert(gpr.rflags & 0x10000, "%s: RF, as of a fault", rows[i].what);
        raw_close(&raw);
    }
}

Test(exception, each_is_reported_as_the_table_says_with_exinfo)
{
    raise_all(SGX_MISC_EXINFO);
}

Test(exception, each_is_reported_as_the_table_says_without_exinfo)
{
    raise_all(0);
}

/* The instruction that the frame names is the one that faulted, however long it is natively. */
Test(exception, the_frame_stands_at_the_instruction_itself)
{
    static const struct {
        uint64_t op;
        uint8_t bytes[2];
        size_t size;
    } at[] = {
        {X_INT3, {0xcc}, 1},      {X_INT_3, {0xcd, 0x03}, 2}, {X_INT_4, {0xcd, 0x04}, 2},
        {X_UD2, {0x0f, 0x0b}, 2}, {X_HLT, {0xf4}, 1},         {X_DIVIDE, {0xf7, 0xf1}, 2},
    };
    const struct exec_options options = {.xfrm = SGX_XFRM_LEGACY, .frame_pages = 1};

    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct op op = {.op = at[i].op};
        struct exec_host side = {.mask = 0};
        uint64_t offset;

        exec_open(&raw, &options);
        cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
        offset = exec_gprsgx(&raw, &options, 0).rip - raw_address(&raw, RAW_CODE);
        cr_assert_eq(memcmp(exec_blob + offset, at[i].bytes, at[i].size), 0, "row %zu", i);
        raw_close(&raw);
    }
}

static void fault_page(uint32_t miscselect)
{
    const struct exec_options options = {
        .xfrm = SGX_XFRM_LEGACY, .frame_pages = 1, .miscselect = miscselect};
    struct exec_host side = {.mask = 0};
    struct op op = {.op = X_LOAD};
    struct sgx_gprsgx gpr;

    open_warm(&options);
    op.a = raw_address(&raw, RAW_FREE) + 0x123;
    cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(raw.run.exception_error_code, SGX_PFEC_U);
    cr_assert_eq(raw.run.exception_addr, op.a & SGX_PAGE_MASK);
    gpr = exec_gprsgx(&raw, &options, 0);
    if (miscselect) {
        cr_assert_eq(gpr.exitinfo, SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | SGX_VECTOR_PF);
        cr_assert_eq(exec_exinfo(&raw, &options, 0).maddr, op.a);
        cr_assert_eq(exec_exinfo(&raw, &options, 0).errcd, SGX_PFEC_U);
    } else {
        cr_assert_eq(gpr.exitinfo, 0);
        cr_assert_eq(exec_exinfo(&raw, &options, 0).errcd, 0xeeeeeeee);
    }
    raw_close(&raw);
}

Test(exception, a_page_fault_is_reported_with_its_whole_address_if_the_enclave_has_exinfo)
{
    fault_page(SGX_MISC_EXINFO);
    fault_page(0);
}

/* POPF cannot set TF after an opt-out entry: nothing steps, and the flag reads as clear. */
Test(exception, the_trap_flag_cannot_be_set_by_an_enclave_that_nobody_debugs)
{
    const struct exec_options options = {.xfrm = SGX_XFRM_LEGACY, .frame_pages = 1};
    struct op op = {.op = X_TRAP_FLAG, .ret = ~UINT64_C(0)};
    struct exec_host side = {.mask = 0};
    uint64_t exits;

    open_warm(&options);
    exits = raw_counters(&raw).aex;
    cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    cr_assert_eq(op.ret & 0x100, 0);
    cr_assert_eq(raw_counters(&raw).aex, exits);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ a host without the vDSO */

static struct {
    int sig, code;
    void *address;
    greg_t trap, error, rip, rax, rbx, rcx, rdx, rdi;
    unsigned count;
} got;

/* Take note and go on behind the ENCLU. */
static void note(int sig, siginfo_t *info, void *context)
{
    greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

    /* Linux leaves AC as it was, and C makes unaligned accesses. */
    __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; andl $~0x40000, (%%rsp); popfq;"
                     "lea 128(%%rsp), %%rsp"
                     :
                     :
                     : "memory", "cc");
    got.sig = sig;
    got.code = info->si_code;
    got.address = info->si_addr;
    got.trap = gregs[REG_TRAPNO];
    got.error = gregs[REG_ERR];
    got.rip = gregs[REG_RIP];
    got.rax = gregs[REG_RAX];
    got.rbx = gregs[REG_RBX];
    got.rcx = gregs[REG_RCX];
    got.rdx = gregs[REG_RDX];
    got.rdi = gregs[REG_RDI];
    got.count++;
    gregs[REG_RIP] = (greg_t)(uintptr_t)exec_native_next;
}

static void take_notes(void)
{
    static const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP};
    struct sigaction action = {.sa_sigaction = note, .sa_flags = (int)(SA_SIGINFO | SA_NODEFER)};

    memset(&got, 0, sizeof got);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        cr_assert_eq(sgx2_sigaction(signals[i], &action, NULL), 0);
}

static void expect_synthetic(void)
{
    cr_assert_eq(got.rip, (greg_t)(uintptr_t)exec_native, "RIP is the AEP");
    cr_assert_eq(got.rax, SGX_ERESUME);
    cr_assert_eq(got.rbx, (greg_t)raw_address(&raw, 0));
    cr_assert_eq(got.rcx, (greg_t)(uintptr_t)exec_native);
    cr_assert_eq(got.rdx, 0);
    cr_assert_eq(got.rdi, 0);
}

Test(exception, each_reaches_a_host_that_enters_by_itself_as_linux_signals_it)
{
    const struct exec_options options = {.xfrm = SGX_XFRM_LEGACY, .frame_pages = 1};

    for (size_t i = 0; i < ROWS; i++) {
        struct op op = {.op = rows[i].op, .a = rows[i].a};
        struct exec_host side = {.direct = 1};

        exec_open(&raw, &options);
        take_notes();
        exec_call(&raw, 0, SGX_EENTER, &op, &side);
        cr_assert_eq(got.count, 1, "%s", rows[i].what);
        cr_assert_eq(got.sig, rows[i].sig, "%s: signal %d", rows[i].what, got.sig);
        cr_assert_eq(got.code, rows[i].code, "%s: code %d", rows[i].what, got.code);
        cr_assert_eq(got.trap, (greg_t)rows[i].vector, "%s: trap %d", rows[i].what, (int)got.trap);
        cr_assert_eq(got.error, (greg_t)rows[i].error);
        expect_synthetic();
        raw_close(&raw);
    }
}

/* It is the host's own again when the thread has entered, and its handlers run there. */
Test(exception, a_host_with_a_signal_stack_of_its_own_may_enter_by_itself_at_once)
{
    static uint8_t room[65536];
    const stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    const struct exec_options options = {.xfrm = SGX_XFRM_LEGACY, .frame_pages = 1};
    struct exec_host side = {.direct = 1};
    struct op op = {.op = X_UD2};
    stack_t now;

    exec_open(&raw, &options);
    cr_assert_eq(sgx2_sigaltstack(&stack, NULL), 0);
    take_notes();
    exec_call(&raw, 0, SGX_EENTER, &op, &side);
    cr_assert_eq(got.count, 1);
    expect_synthetic();
    cr_assert_eq(sgx2_sigaltstack(NULL, &now), 0);
    cr_assert_eq(now.ss_sp, stack.ss_sp);
    cr_assert_eq(now.ss_size, stack.ss_size);
    raw_close(&raw);
}

/* What ENCLU of the host raises, on a processor with SGX and here. */
static void expect_enclu(const char *what, uint64_t tcs, unsigned leaf, int sig, int code, int trap,
                         uint64_t address)
{
    struct op op = {.op = X_NOP};
    struct exec_host side = {.direct = 1};
    const uint8_t *base = raw.base;

    take_notes();
    raw.base = (uint8_t *)(uintptr_t)tcs; /* which is where exec_call() looks for the TCS */
    exec_call(&raw, 0, leaf, &op, &side);
    raw.base = (uint8_t *)(uintptr_t)base;
    cr_assert_eq(got.count, 1, "%s", what);
    cr_assert_eq(got.sig, sig, "%s: signal %d", what, got.sig);
    cr_assert_eq(got.code, code, "%s: code %d", what, got.code);
    cr_assert_eq(got.trap, trap, "%s: trap %d", what, (int)got.trap);
    cr_assert_eq((uint64_t)(uintptr_t)got.address, address, "%s: address %p", what, got.address);
    cr_assert_eq(got.rip, (greg_t)(uintptr_t)exec_native);
    cr_assert_eq(got.rax, (greg_t)leaf, "%s: no register has changed", what);
    cr_assert_eq(got.rbx, (greg_t)tcs);
}

Test(exception, a_leaf_that_is_refused_outside_reaches_the_host_as_linux_signals_it)
{
    const struct exec_options options = {.xfrm = SGX_XFRM_LEGACY, .frame_pages = 1};
    void *page =
        mmap(NULL, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct op op = {.op = X_NOP};
    struct exec_host side = {.mask = 0};

    exec_open(&raw, &options);
    /* Once from a thread that never entered an enclave, once from one that did. */
    for (int i = 0; i < 2; i++) {
        const uint64_t tcs = raw_address(&raw, 0), plain = (uint64_t)(uintptr_t)page;
        const uint64_t no_tcs = raw_address(&raw, RAW_DATA);
        const uint64_t unmapped = raw_address(&raw, RAW_FREE);

        expect_enclu("no TCS", no_tcs, SGX_EENTER, SIGSEGV, SEGV_ACCERR, SGX_VECTOR_PF, no_tcs);
        expect_enclu("unaligned", tcs + 8, SGX_EENTER, SIGSEGV, SI_KERNEL, SGX_VECTOR_GP, 0);
        expect_enclu("nothing to resume", tcs, SGX_ERESUME, SIGSEGV, SI_KERNEL, SGX_VECTOR_GP, 0);
        expect_enclu("unmapped", unmapped, SGX_EENTER, SIGSEGV, SEGV_MAPERR, SGX_VECTOR_PF,
                     unmapped);
        expect_enclu("no EPC", plain, SGX_EENTER, SIGSEGV, SEGV_MAPERR, SGX_VECTOR_PF, plain);
        expect_enclu("no EPC, unaligned", plain + 8, SGX_ERESUME, SIGSEGV, SI_KERNEL, SGX_VECTOR_GP,
                     0);
        expect_enclu("a leaf for enclaves", tcs, SGX_EACCEPT, SIGSEGV, SI_KERNEL, SGX_VECTOR_GP, 0);
        expect_enclu("no leaf", tcs, 77, SIGSEGV, SI_KERNEL, SGX_VECTOR_GP, 0);
        cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
    }
    raw_close(&raw);
}

Test(exception, a_page_that_cannot_be_added_is_a_bus_error_to_a_host_that_enters_by_itself)
{
    const struct exec_options options = {.xfrm = SGX_XFRM_LEGACY, .frame_pages = 1};
    struct sgx2_hostile deny = {.act = SGX2_HOSTILE_DENY_EAUG, .value = 1};
    struct exec_host side = {.direct = 1};
    struct op op = {.op = X_LOAD};

    exec_open(&raw, &options);
    op.a = raw_address(&raw, RAW_FREE) + 8;
    cr_assert_eq(
        sgx2_mmap(raw.base + RAW_FREE, SGX_PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, raw.fd, 0),
        (intptr_t)raw.base + (intptr_t)RAW_FREE);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &deny), 0);
    take_notes();
    exec_call(&raw, 0, SGX_EENTER, &op, &side);
    cr_assert_eq(got.sig, SIGBUS);
    cr_assert_eq(got.code, BUS_ADRERR);
    cr_assert_eq((uint64_t)(uintptr_t)got.address, op.a & SGX_PAGE_MASK);
    cr_assert_eq(got.trap, SGX_VECTOR_PF);
    expect_synthetic();
    raw_close(&raw);
}
