/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What traps mean, told by machines with SGX and without.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "run/classify.h"
#include "run/exception.h"

#define PF_DATA  6u    /* a write to a page that is not there */
#define PF_FETCH 0x14u /* a fetch */
#define PF_SGX   0x8007u

static const uint8_t enclu[] = {0x0f, 0x01, 0xd7}, encls[] = {0x0f, 0x01, 0xcf},
                     nop[] = {0x90, 0x90, 0x90}, prefixed[] = {0xf3, 0x0f, 0x01};

static const struct {
    const char *what;
    struct trap trap;
    bool leaf;
} leaves[] = {
    {"ENCLU without SGX", {SIGILL, SGX_VECTOR_UD, 0, enclu, 3, {0}}, true},
    {"a leaf for enclave mode, with SGX", {SIGSEGV, SGX_VECTOR_GP, 0, enclu, 3, {0}}, true},
    {"EENTER of no EPC, with SGX", {SIGSEGV, SGX_VECTOR_PF, PF_SGX, enclu, 3, {0}}, true},
    {"EENTER of a page that is not there", {SIGSEGV, SGX_VECTOR_PF, PF_DATA, enclu, 3, {0}}, true},
    {"the same beyond a file's end", {SIGBUS, SGX_VECTOR_PF, PF_DATA, enclu, 3, {0}}, true},
    {"a fetch that failed", {SIGSEGV, SGX_VECTOR_PF, PF_FETCH, enclu, 3, {0}}, false},
    {"ENCLS", {SIGILL, SGX_VECTOR_UD, 0, encls, 3, {0}}, false},
    {"a prefix before it", {SIGILL, SGX_VECTOR_UD, 0, prefixed, 3, {0}}, false},
    {"half of it", {SIGILL, SGX_VECTOR_UD, 0, enclu, 2, {0}}, false},
    {"nothing to be fetched", {SIGSEGV, SGX_VECTOR_GP, 0, NULL, 0, {0}}, false},
    {"some other #GP", {SIGSEGV, SGX_VECTOR_GP, 0, nop, 3, {0}}, false},
    {"a step that ended there", {SIGTRAP, SGX_VECTOR_DB, 0, enclu, 3, {0}}, false},
    {"a #DE that says SIGFPE", {SIGFPE, SGX_VECTOR_DE, 0, enclu, 3, {0}}, false},
    {"#AC", {SIGBUS, SGX_VECTOR_AC, 0, enclu, 3, {0}}, false},
};

Test(classify, an_enclu_is_known_by_its_opcode_on_machines_of_all_kinds)
{
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        const bool leaf = classify_leaf(&leaves[i].trap);

        cr_assert_eq(leaf, leaves[i].leaf, "%s", leaves[i].what);
        cr_assert_eq(classify_inside(&leaves[i].trap).class == TRAP_LEAF, leaf, "%s",
                     leaves[i].what);
    }
}

static const struct {
    const char *what;
    struct trap trap;
    struct meaning meaning;
} rows[] = {
    {"a page fault", {SIGSEGV, SGX_VECTOR_PF, PF_DATA, nop, 3, {0}}, {.class = TRAP_PAGE_FAULT}},
    {"a page fault of a file", {SIGBUS, SGX_VECTOR_PF, 4, nop, 3, {0}}, {.class = TRAP_PAGE_FAULT}},
    {"a step", {SIGTRAP, SGX_VECTOR_DB, 0, nop, 3, {0}}, {.class = TRAP_STEP}},
    {"INT3",
     {SIGTRAP, SGX_VECTOR_BP, 0, nop, 3, {0x03, 0xcc}},
     {.class = TRAP_BREAKPOINT, .back = 1}},
    {"INT 3",
     {SIGTRAP, SGX_VECTOR_BP, 0, nop, 3, {0xcd, 0x03}},
     {.class = TRAP_FAULT, .vector = SGX_VECTOR_UD, .back = 2}},
    {"INT 4",
     {SIGSEGV, VECTOR_OF, 0, nop, 3, {0xcd, 0x04}},
     {.class = TRAP_FAULT, .vector = SGX_VECTOR_UD, .back = 2}},
    {"SYSCALL",
     {SIGSYS, 0, 0, nop, 3, {0x0f, 0x05}},
     {.class = TRAP_FAULT, .vector = SGX_VECTOR_UD, .back = 2}},
    {"#GP with a selector",
     {SIGSEGV, SGX_VECTOR_GP, 0x10a, nop, 3, {0}},
     {.class = TRAP_FAULT, .vector = SGX_VECTOR_GP, .error = 0x10a}},
    {"#SS", {SIGBUS, VECTOR_SS, 0, nop, 3, {0}}, {.class = TRAP_FAULT, .vector = VECTOR_SS}},
    {"#AC",
     {SIGBUS, SGX_VECTOR_AC, 0, nop, 3, {0}},
     {.class = TRAP_FAULT, .vector = SGX_VECTOR_AC}},
    {"#UD", {SIGILL, SGX_VECTOR_UD, 0, nop, 3, {0}}, {.class = TRAP_FAULT, .vector = 6}},
    {"#DE", {SIGFPE, SGX_VECTOR_DE, 0, nop, 3, {0}}, {.class = TRAP_FAULT, .vector = 0}},
    {"#MF", {SIGFPE, SGX_VECTOR_MF, 0, nop, 3, {0}}, {.class = TRAP_FAULT, .vector = 16}},
    {"#XM", {SIGFPE, SGX_VECTOR_XM, 0, nop, 3, {0}}, {.class = TRAP_FAULT, .vector = 19}},
};

Test(classify, every_other_trap_of_enclave_code_is_an_exception_or_a_fault_to_look_into)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct meaning got = classify_inside(&rows[i].trap), want = rows[i].meaning;

        cr_assert_eq(got.class, want.class, "%s", rows[i].what);
        cr_assert_eq(got.vector, want.vector, "%s", rows[i].what);
        cr_assert_eq(got.back, want.back, "%s", rows[i].what);
        cr_assert_eq(got.error, want.error, "%s", rows[i].what);
    }
}

/* ------------------------------------------------------------------ the signal of an exception */

#define RIP 0x401000

static const struct {
    struct event event;
    enum refusal why;
    int sig, code;
    uint64_t address;
} signals[] = {
    {{.vector = SGX_VECTOR_DE}, 0, SIGFPE, FPE_INTDIV, RIP},
    {{.vector = SGX_VECTOR_DB}, 0, SIGTRAP, TRAP_TRACE, RIP},
    {{.vector = SGX_VECTOR_BP}, 0, SIGTRAP, SI_KERNEL, 0},
    {{.vector = VECTOR_OF}, 0, SIGSEGV, SI_KERNEL, 0},
    {{.vector = SGX_VECTOR_BR}, 0, SIGSEGV, SI_KERNEL, 0},
    {{.vector = SGX_VECTOR_UD}, 0, SIGILL, ILL_ILLOPN, RIP},
    {{.vector = VECTOR_SS}, 0, SIGBUS, SI_KERNEL, 0},
    {{.vector = SGX_VECTOR_GP, .errcd = 8}, 0, SIGSEGV, SI_KERNEL, 0},
    {{.vector = SGX_VECTOR_MF}, 0, SIGFPE, FPE_FLTINV, RIP},
    {{.vector = SGX_VECTOR_AC}, 0, SIGBUS, BUS_ADRALN, 0},
    {{.vector = SGX_VECTOR_XM}, 0, SIGFPE, FPE_FLTINV, RIP},
    {{.vector = SGX_VECTOR_PF, .errcd = 4, .addr = 0x5000},
     REFUSED_NO_MAPPING,
     SIGSEGV,
     SEGV_MAPERR,
     0x5000},
    {{.vector = SGX_VECTOR_PF, .errcd = 7, .addr = 0x5000},
     REFUSED_BY_MAPPING,
     SIGSEGV,
     SEGV_ACCERR,
     0x5000},
    {{.vector = SGX_VECTOR_PF, .errcd = 6, .addr = 0x5000},
     REFUSED_BY_DRIVER,
     SIGBUS,
     BUS_ADRERR,
     0x5000},
};

Test(classify, an_exception_that_the_vdso_does_not_take_becomes_the_signal_that_linux_sends)
{
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        const struct event *event = &signals[i].event;
        siginfo_t info;
        ucontext_t uc;

        memset(&info, 0xee, sizeof info);
        memset(&uc, 0xee, sizeof uc);
        uc.uc_mcontext.gregs[REG_RIP] = RIP;
        cr_assert_eq(exception_signal(event, signals[i].why, &info, &uc), signals[i].sig, "row %zu",
                     i);
        cr_assert_eq(info.si_signo, signals[i].sig);
        cr_assert_eq(info.si_code, signals[i].code, "row %zu", i);
        cr_assert_eq((uint64_t)(uintptr_t)info.si_addr, signals[i].address, "row %zu", i);
        cr_assert_eq(uc.uc_mcontext.gregs[REG_TRAPNO], event->vector);
        cr_assert_eq(uc.uc_mcontext.gregs[REG_ERR], event->errcd);
        if (event->vector == SGX_VECTOR_PF)
            cr_assert_eq(uc.uc_mcontext.gregs[REG_CR2], (greg_t)event->addr);
        else
            cr_assert_eq((uint8_t)uc.uc_mcontext.gregs[REG_CR2], 0xee, "CR2 is left alone");
    }
}
