/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger without ptrace: EDBGRD and EDBGWR by ioctl, breakpoints and single steps in a thread
 * that has been opted in.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"
#include "model.h"

#define TF UINT64_C(0x100)

#define TCS_FLAGS offsetof(struct sgx_tcs, flags)

static const struct exec_options debuggable = {
    .xfrm = SGX_XFRM_LEGACY, .flags = SGX_ATTR_DEBUG, .frame_pages = 1};
static const struct exec_options production = {.xfrm = SGX_XFRM_LEGACY, .frame_pages = 1};

static struct raw raw;

static int read_word(uint64_t offset, uint64_t *ret)
{
    struct sgx2_debug_word word = {.offset = offset, .value = *ret};
    const int r = sgx2_ioctl(raw.fd, SGX2_MODEL_EDBGRD, &word);

    *ret = word.value;
    return r;
}

static int write_word(uint64_t offset, uint64_t value)
{
    struct sgx2_debug_word word = {.offset = offset, .value = value};

    return sgx2_ioctl(raw.fd, SGX2_MODEL_EDBGWR, &word);
}

static void opt_in(void)
{
    cr_assert_eq(write_word(TCS_FLAGS, SGX_TCS_DBGOPTIN), 0);
}

/* ------------------------------------------------------------------ words */

Test(debug, code_and_data_and_the_fields_of_a_tcs_can_be_read)
{
    uint64_t word = 0, code;

    exec_open(&raw, &debuggable);
    memcpy(&code, exec_blob, sizeof code);
    cr_assert_eq(read_word(RAW_CODE, &word), 0);
    cr_assert_eq(word, code);
    cr_assert_eq(read_word(offsetof(struct sgx_tcs, ossa), &word), 0);
    cr_assert_eq(word, EXEC_SSA);
    cr_assert_eq(write_word(RAW_DATA + 8, 77), 0);
    cr_assert_eq(read_word(RAW_DATA + 8, &word), 0);
    cr_assert_eq(word, 77);
    raw_close(&raw);
}

Test(debug, code_can_be_written_though_no_one_else_may)
{
    uint64_t word = 0, code;

    exec_open(&raw, &debuggable);
    memcpy(&code, exec_blob, sizeof code);
    cr_assert_eq(write_word(RAW_CODE, ~code), 0);
    cr_assert_eq(read_word(RAW_CODE, &word), 0);
    cr_assert_eq(word, ~code);
    raw_close(&raw);
}

static const struct {
    const char *what;
    uint64_t offset;
    int reads, writes;
} refusals[] = {
    {"not aligned", RAW_DATA + 4, -EINVAL, -EINVAL},
    {"beyond ELRANGE", RAW_SIZE, -EINVAL, -EINVAL},
    {"no page", RAW_FREE, -EFAULT, -EFAULT},
    {"a field of the TCS that is not FLAGS", offsetof(struct sgx_tcs, oentry), 0, -EIO},
    {"beyond the fields of a TCS", 2048, -EIO, -EIO},
};

Test(debug, what_the_leaves_refuse_is_an_error_and_changes_nothing)
{
    exec_open(&raw, &debuggable);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        uint64_t before = 5, after = 5;

        cr_assert_eq(read_word(refusals[i].offset, &before), refusals[i].reads, "%s",
                     refusals[i].what);
        cr_assert_eq(write_word(refusals[i].offset, ~before), refusals[i].writes, "%s",
                     refusals[i].what);
        read_word(refusals[i].offset, &after);
        cr_assert_eq(before, after, "%s", refusals[i].what);
    }
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_EDBGRD, NULL), -EFAULT);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_EDBGWR, NULL), -EFAULT);
    raw_close(&raw);
}

Test(debug, a_pending_page_is_refused_with_the_leafs_code)
{
    struct sgx2_debug_word word = {.offset = RAW_FREE};

    exec_open(&raw, &debuggable);
    cr_assert_eq(sgx2_mmap(raw.base + RAW_FREE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 (intptr_t)raw.base + (intptr_t)RAW_FREE);
    *(volatile char *)(raw.base + RAW_FREE); /* EAUG */
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_EDBGRD, &word), -EIO);
    cr_assert_eq(word.code, SGX_PAGE_NOT_DEBUGGABLE);
    raw_close(&raw);
}

Test(debug, an_evicted_page_comes_back_to_be_looked_into)
{
    struct sgx2_hostile act = {.act = SGX2_HOSTILE_EVICT, .offset = RAW_CODE};
    struct sgx2_epcm_query query = {.offset = RAW_CODE};
    uint64_t word = 0, code;

    exec_open(&raw, &debuggable);
    memcpy(&code, exec_blob, sizeof code);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act), 0);
    cr_assert_eq(read_word(RAW_CODE, &word), 0);
    cr_assert_eq(word, code);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_EPCM, &query), 0);
    cr_assert(!query.evicted);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act), 0);
    cr_assert_eq(write_word(RAW_CODE, ~code), 0);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act), 0);
    cr_assert_eq(read_word(RAW_CODE, &word), 0);
    cr_assert_eq(word, ~code);
    raw_close(&raw);
}

Test(debug, a_production_enclave_cannot_be_looked_into)
{
    uint64_t word = 5;

    exec_open(&raw, &production);
    cr_assert_eq(read_word(RAW_DATA, &word), -EFAULT);
    cr_assert_eq(word, 5);
    cr_assert_eq(write_word(TCS_FLAGS, SGX_TCS_DBGOPTIN), -EFAULT);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ breakpoints */

static struct {
    unsigned count;
    int code, trap;
    greg_t rip, rax;
    unsigned steps;
    uint64_t at[16];
} got;

static void replace_byte(uint64_t offset, uint8_t byte)
{
    uint64_t word = 0;

    cr_assert_eq(read_word(offset & ~UINT64_C(7), &word), 0);
    ((uint8_t *)&word)[offset & 7] = byte;
    cr_assert_eq(write_word(offset & ~UINT64_C(7), word), 0);
}

#define PLANTED (RAW_CODE + (uint64_t)(exec_planted - exec_blob))

/* The debugger: note the breakpoint, remove it, and let the enclave go on, by ERESUME at the AEP.
 */
static void breakpoint(int sig, siginfo_t *info, void *context)
{
    const greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

    (void)sig;
    got.count++;
    got.code = info->si_code;
    got.trap = (int)gregs[REG_TRAPNO];
    got.rip = gregs[REG_RIP];
    got.rax = gregs[REG_RAX];
    replace_byte(PLANTED, 0x90);
}

static void on_trap(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = (int)(SA_SIGINFO | SA_NODEFER)};

    memset(&got, 0, sizeof got);
    cr_assert_eq(sgx2_sigaction(SIGTRAP, &action, NULL), 0);
}

static void break_and_go_on(bool direct)
{
    struct op op = {.op = X_PLANTED};
    struct exec_host side = {.direct = direct};
    const void *aep = direct ? (const void *)exec_native : NULL;
    struct sgx_gprsgx gpr;

    exec_open(&raw, &debuggable);
    opt_in();
    replace_byte(PLANTED, 0xcc);
    on_trap(breakpoint);
    exec_call(&raw, 0, SGX_EENTER, &op, &side);
    if (!direct)
        cr_assert_eq(raw.run.function, SGX_EEXIT, "the vDSO saw nothing of it");
    cr_assert_eq(op.ret, 1, "the enclave went on");
    cr_assert_eq(got.count, 1);
    cr_assert_eq(got.code, SI_KERNEL);
    cr_assert_eq(got.trap, SGX_VECTOR_BP);
    cr_assert_eq(got.rax, SGX_ERESUME);
    if (aep)
        cr_assert_eq(got.rip, (greg_t)(uintptr_t)aep);
    gpr = exec_gprsgx(&raw, &debuggable, 0);
    cr_assert_eq(gpr.exitinfo, SGX_EXITINFO_VALID | SGX_EXIT_SOFTWARE << 8 | SGX_VECTOR_BP);
    cr_assert_eq(gpr.rip, raw_address(&raw, PLANTED), "at the INT3, not behind it");
    cr_assert_eq(raw_counters(&raw).exceptions, 0);
    raw_close(&raw);
}

Test(debug, int3_of_an_opted_in_thread_is_a_breakpoint_and_a_signal)
{
    break_and_go_on(false);
    break_and_go_on(true);
}

Test(debug, int3_of_another_thread_of_the_enclave_is_an_illegal_instruction)
{
    struct op op = {.op = X_INT3};
    struct exec_host side = {.mask = 0};

    exec_open(&raw, &debuggable);
    opt_in();
    on_trap(breakpoint);
    cr_assert_eq(exec_call(&raw, 9, SGX_EENTER, &op, &side), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_UD);
    cr_assert_eq(got.count, 0);
    raw_close(&raw);
}

/* INT 3, two bytes, is what INT n always is. */
Test(debug, the_long_form_stays_illegal)
{
    struct op op = {.op = X_INT_3};
    struct exec_host side = {.mask = 0};

    exec_open(&raw, &debuggable);
    opt_in();
    on_trap(breakpoint);
    cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_UD);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ steps */

/* Breaks at exec_steps, then steps until told to stop. */
static void step(int sig, siginfo_t *info, void *context)
{
    greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
    const struct sgx_gprsgx gpr = exec_gprsgx(&raw, &debuggable, 0);

    (void)sig;
    got.count++;
    got.code = info->si_code;
    got.trap = (int)gregs[REG_TRAPNO];
    got.rip = gregs[REG_RIP];
    if (got.steps < 16)
        got.at[got.steps++] = gpr.rip - raw_address(&raw, RAW_CODE);
    if (gpr.rip == raw_address(&raw, PLANTED))
        replace_byte(PLANTED, 0x90);
    if (got.steps == 4)
        gregs[REG_EFL] &= ~(greg_t)TF;
    else
        gregs[REG_EFL] |= (greg_t)TF;
}

Test(debug, the_trap_flag_steps_through_an_opted_in_thread)
{
    const uint64_t first = (uint64_t)(exec_planted - exec_blob);
    struct op op = {.op = X_PLANTED};
    struct exec_host side = {.direct = 1};
    struct sgx_gprsgx gpr;

    exec_open(&raw, &debuggable);
    opt_in();
    replace_byte(PLANTED, 0xcc);
    on_trap(step);
    exec_call(&raw, 0, SGX_EENTER, &op, &side);
    cr_assert_eq(op.ret, 1);
    cr_assert_eq(got.count, 4, "the breakpoint and three steps");
    cr_assert_eq(got.at[0], first);
    cr_assert_eq(got.at[1], first + 1, "behind the NOP that the breakpoint stood for");
    cr_assert_eq(got.at[2], first + 5, "behind MOV");
    cr_assert_gt(got.code, 0);
    cr_assert_eq(got.code, TRAP_TRACE);
    cr_assert_eq(got.trap, SGX_VECTOR_DB);
    cr_assert_eq(got.rip, (greg_t)(uintptr_t)exec_native);
    gpr = exec_gprsgx(&raw, &debuggable, 0);
    cr_assert_eq(gpr.exitinfo, SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | SGX_VECTOR_DB);
    cr_assert_eq(gpr.rflags & TF, 0, "the frame never has TF");
    raw_close(&raw);
}

/* The flag set outside steps the host up to the ENCLU, and into the enclave. */
static void step_in(int sig, siginfo_t *info, void *context)
{
    greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

    (void)sig;
    if ((uint32_t)gregs[REG_RAX] != SGX_ERESUME || gregs[REG_RBX] != (greg_t)raw_address(&raw, 0))
        return; /* still on the way */
    got.count++;
    got.code = info->si_code;
    gregs[REG_EFL] &= ~(greg_t)TF;
}

static void step_into(bool direct)
{
    struct op op = {.op = X_NOP};
    struct exec_host side = {.direct = direct};

    exec_open(&raw, &debuggable);
    opt_in();
    exec_call(&raw, 0, SGX_EENTER, &op, &side); /* the thread's area is there */
    on_trap(step_in);
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq" : : : "memory", "cc");
    exec_call(&raw, 0, SGX_EENTER, &op, &side);
    cr_assert_eq(got.count, 1);
    cr_assert_eq(got.code, TRAP_TRACE);
    cr_assert_eq(exec_gprsgx(&raw, &debuggable, 0).rip, raw_address(&raw, RAW_CODE),
                 "before the first instruction");
    cr_assert_eq(exec_gprsgx(&raw, &debuggable, 0).exitinfo,
                 SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | SGX_VECTOR_DB);
    raw_close(&raw);
}

Test(debug, an_entry_with_the_trap_flag_traps_before_the_first_instruction)
{
    step_into(true);
    step_into(false);
}

/* ------------------------------------------------------------------ from another process */

Test(debug, a_debugger_needs_the_enclaves_descriptor_and_no_more)
{
    struct op op = {.op = X_LOAD};
    struct exec_host side = {.mask = 0};
    uint64_t word = 0;
    int status;
    pid_t child;

    exec_open(&raw, &debuggable);
    cr_assert_eq(write_word(RAW_DATA, 41), 0);
    child = fork();
    if (child == 0) {
        if (read_word(RAW_DATA, &word) < 0 || word != 41 || write_word(RAW_DATA, 42) < 0 ||
            write_word(TCS_FLAGS, SGX_TCS_DBGOPTIN) < 0)
            _exit(1);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    op.a = raw_address(&raw, RAW_DATA);
    cr_assert_eq(exec_call(&raw, 0, SGX_EENTER, &op, &side), 0);
    cr_assert_eq(op.ret, 42);
    cr_assert_eq(read_word(TCS_FLAGS, &word), 0);
    cr_assert_eq(word, SGX_TCS_DBGOPTIN);
    raw_close(&raw);
}
