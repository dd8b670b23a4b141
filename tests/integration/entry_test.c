/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host chooses every register, flag and vector at the door, and looks at all of them when the
 * enclave comes out.
 */
#include <signal.h>
#include <stdlib.h>

#include "direct.h"

static volatile sig_atomic_t single_steps;

static void on_step(int number)
{
    (void)number;
    single_steps++;
}

/* The host that sets TF is stepped itself; a handler from before the model gets its traps. */
static void open_entry(void)
{
    signal(SIGTRAP, on_step);
    host_open();
}

TestSuite(entry, .init = open_entry, .fini = host_close);

/* ------------------------------------------------------------------ flags */

static void expect_flags_harmless(uint64_t rflags)
{
    const uint64_t dangerous = DF | AC | NT | TF;
    struct basic_flags flags = {.rflags = ~UINT64_C(0)};
    static const uint8_t from[1001] = {[0] = 1, [500] = 7, [1000] = 9};
    uint8_t to[1001] = {0};
    struct basic_echo echo = {.from = (uintptr_t)from + 1, .to = (uintptr_t)to + 1, .size = 1000};

    gate_reset();
    gate.in.rflags = rflags | CLEAN;
    direct_ecall(host_tcs(0), BASIC_FLAGS, &flags);
    direct_returns(SGX_SUCCESS);
    cr_assert_eq(flags.rflags & dangerous, 0, "entered with %#llx, C sees %#llx",
                 (unsigned long long)rflags, (unsigned long long)flags.rflags);
    cr_assert_eq(gate.out.rflags & ~(IF | TF), CLEAN, "%#llx", (unsigned long long)gate.out.rflags);

    gate_reset();
    gate.in.rflags = rflags | CLEAN;
    direct_ecall(host_tcs(0), BASIC_ECHO, &echo);
    direct_returns(SGX_SUCCESS);
    cr_assert_eq(echo.status, SGX_SUCCESS);
    cr_assert_arr_eq(to + 1, from + 1, 1000);
}

Test(entry, flags_of_the_host_do_not_reach_enclave_code)
{
    struct sgx2_counters before, after;

    expect_flags_harmless(0); /* first touches are over now */
    before = host_counters();
    expect_flags_harmless(DF);
    expect_flags_harmless(AC);
    expect_flags_harmless(DF | AC);
    expect_flags_harmless(NT);
    expect_flags_harmless(ID | ARITHMETIC);
    expect_flags_harmless(DF | AC | NT | ID | ARITHMETIC | IF);
    after = host_counters();
    cr_assert_eq(after.aex, before.aex, "no alignment fault, no trap");
}

Test(entry, single_stepping_stops_at_the_door)
{
    struct sgx2_counters before, after;

    expect_flags_harmless(0); /* first touches are over now */
    before = host_counters();
    expect_flags_harmless(TF);
    after = host_counters();
    cr_assert_gt(single_steps, 10, "the host was stepped");
    cr_assert_eq(after.aex, before.aex, "the enclave was not");
}

Test(entry, flags_of_the_host_do_not_reach_the_code_after_an_ocall)
{
    struct basic_recurse ms = {.depth = 1};
    uint64_t area;

    gate_reset();
    gate.in.rflags = DF | AC | NT | CLEAN;
    direct_ecall(host_tcs(0), BASIC_RECURSE, &ms);
    cr_assert_eq(gate.out.rdi, AP_EXIT_OCALL);
    cr_assert_eq(gate.out.rflags & ~IF, CLEAN);
    area = gate.out.rdx;
    ((struct basic_recurse *)(uintptr_t)area)->reached = 1234;

    gate_reset();
    gate.in.rflags = DF | AC | NT | CLEAN;
    gate.in.rdi = (uint64_t)AP_ENTER_ORET;
    gate.in.rsi = UINT64_C(0xabcdef0000000000) | SGX_SUCCESS; /* 32 bits count */
    gate_enclu_pass(SGX_EENTER, host_tcs(0), gate_enclu);
    direct_returns(SGX_SUCCESS);
    cr_assert_eq(ms.reached, 1234);
    cr_assert_eq(ms.status, SGX_SUCCESS);
    cr_assert_eq(ms.canary, 1);
}

Test(entry, flags_of_the_host_do_not_reach_the_exception_code)
{
    struct basic_add ms = {.a = 1, .b = 2};

    gate_reset();
    host_interrupt(30, 6);
    gate.in.rdi = BASIC_ADD;
    gate.in.rsi = (uintptr_t)&ms;
    gate_enclu_pass(SGX_EENTER, host_tcs(0), gate_aep);
    cr_assert_eq(gate.how, GATE_AEX);

    gate_reset();
    gate.in.rflags = DF | AC | NT | CLEAN;
    gate_enclu_pass(SGX_EENTER, host_tcs(0), gate_enclu);
    cr_assert_eq(gate.how, GATE_EEXIT);
    cr_assert_eq(gate.out.rdi, AP_EXIT_EXCEPTION);
    cr_assert_eq(gate.out.rsi, SGX_ERROR_UNEXPECTED);
    cr_assert_eq(gate.out.rflags & ~IF, CLEAN);

    gate_reset();
    gate_enclu_pass(SGX_ERESUME, host_tcs(0), gate_enclu);
    direct_returns(SGX_SUCCESS);
    cr_assert_eq(ms.sum, 3);
}

/* ------------------------------------------------------------------ x87, SSE, AVX */

static void spoil_vectors(void)
{
    gate_fill(1);
    gate.in_x.mxcsr = 0x7fbf & ~0x1f80u; /* all unmasked, all flags, round to zero, FTZ, DAZ */
    gate.in_x.fcw = 0x0c00;              /* all unmasked, single precision, round to zero */
    gate.in_x.fsw = 0x80bf;              /* an exception pending, busy */
    gate.in_x.ftw = 0xff;                /* the stack is full */
}

static void expect_vectors_clean(const struct basic_flags *flags)
{
    cr_assert_eq(flags->mxcsr, 0x1f80, "MXCSR %#llx", (unsigned long long)flags->mxcsr);
    cr_assert_eq(flags->fcw, 0x37f, "x87 control %#llx", (unsigned long long)flags->fcw);
    cr_assert_eq(flags->ftw, 0xffff, "x87 stack is not empty");
    cr_assert_eq(flags->xmm, 0, "a vector of the host arrived");
}

Test(entry, vectors_and_control_words_of_the_host_do_not_reach_enclave_code)
{
    struct basic_flags flags = {0};

    gate_reset();
    spoil_vectors();
    gate.in.rflags = DF | AC | CLEAN;
    direct_ecall(host_tcs(0), BASIC_FLAGS, &flags);
    direct_returns(SGX_SUCCESS);
    expect_vectors_clean(&flags);
}

/* The same on a slot's first entry, whose way in is another one. */
Test(entry, a_slots_first_entry_is_as_clean)
{
    struct basic_flags flags = {0};

    gate_reset();
    spoil_vectors();
    gate.in.rflags = DF | AC | NT | CLEAN;
    direct_ecall(host_tcs(3), BASIC_FLAGS, &flags);
    direct_returns(SGX_SUCCESS);
    expect_vectors_clean(&flags);
    cr_assert_eq(flags.rflags & (DF | AC | NT), 0);
}

Test(entry, control_words_survive_an_ocall_whatever_the_host_enters_with)
{
    struct basic_control ms = {0};

    gate_reset();
    direct_ecall(host_tcs(0), BASIC_CONTROL, &ms);
    cr_assert_eq(gate.out.rdi, AP_EXIT_OCALL);
    cr_assert_eq(gate.out_x.mxcsr, 0x1f80, "the enclave's own setting does not leave it");
    cr_assert_eq(gate.out_x.fcw, 0x37f);

    gate_reset();
    spoil_vectors();
    gate.in.rdi = (uint64_t)AP_ENTER_ORET;
    gate.in.rsi = SGX_SUCCESS;
    gate_enclu_pass(SGX_EENTER, host_tcs(0), gate_enclu);
    direct_returns(SGX_SUCCESS);
    cr_assert_eq(ms.mxcsr_before, 0x5f80);
    cr_assert_eq(ms.mxcsr_after, 0x5f80);
    cr_assert_eq(ms.fcw_before, 0x0b7f);
    cr_assert_eq(ms.fcw_after, 0x0b7f);
}

Test(entry, vectors_of_the_host_do_not_disturb_an_exception)
{
    struct basic_resume ms = {0};
    struct talk exit;
    unsigned exceptions = 0;

    for (exit = talk_ecall(host_tcs(0), BASIC_RESUME, &ms); exit.kind == TALK_EXCEPTION;
         exit = talk_resume(host_tcs(0)), exceptions++) {
        struct sgx_enclave_run run = {.tcs = host_tcs(0)};

        gate_reset();
        spoil_vectors();
        cr_assert_eq(gate_enter_pass(os_model()->enter_enclave, SGX_EENTER, &run), 0);
        cr_assert_eq(run.function, SGX_EEXIT);
        cr_assert_eq(gate.out.rdi, AP_EXIT_EXCEPTION);
        cr_assert_eq(gate.out.rsi, SGX_SUCCESS);
    }
    TALK_RETURNS(exit, SGX_SUCCESS);
    cr_assert_eq(exceptions, 1);
    cr_assert(ms.registers_kept && ms.vectors_kept && ms.control_kept && ms.flags_kept &&
              ms.red_zone_kept && ms.clean_handler);
}

/* ------------------------------------------------------------------ stacks */

static void expect_stack_harmless(uint64_t rsp, uint64_t rbp)
{
    struct basic_add ms = {.a = 30, .b = 12};

    gate_reset();
    gate.in.rsp = rsp;
    gate.in.rbp = rbp;
    gate.in.rflags = AC | CLEAN;
    direct_ecall(host_tcs(0), BASIC_ADD, &ms);
    direct_returns(SGX_SUCCESS);
    cr_assert_eq(ms.sum, 42);
    cr_assert_eq(gate.out.rsp, rsp, "given back as it came");
    cr_assert_eq(gate.out.rbp, rbp);
}

Test(entry, no_stack_pointer_of_the_host_is_ever_used)
{
    struct basic_addresses at = host_addresses();
    const uint64_t values[] = {
        0,
        1,
        8,
        ~UINT64_C(0),
        UINT64_C(0x8000000000000000),
        UINT64_C(0x00007fffffffffff),
        at.data,
        at.data & SGX_PAGE_MASK,
        at.stack,
        at.text,
        at.relro,
        host_tcs(0),
        host_tcs(1),
        host_tcs(0) + host.layout.slots.td_from_tcs,
        host_tcs(0) + host.layout.slots.td_from_tcs + host.layout.slots.td_pages * PAGE,
        host.base,
        host.base + host.size,
    };
    struct sgx2_counters before = host_counters();
    const size_t count = sizeof values / sizeof *values;
    struct basic_tls tls = {.add = 5};

    host_must(BASIC_TLS, &tls);
    for (size_t i = 0; i < count; i++)
        expect_stack_harmless(values[i], values[count - 1 - i]);
    cr_assert_eq(host_counters().aex, before.aex, "nothing was touched through them");
    host_must(BASIC_TLS, &tls);
    cr_assert_eq(tls.counter, 1010);
}

Test(entry, a_return_from_an_ocall_that_was_never_made_is_refused)
{
    for (unsigned slot = 0; slot < 4; slot++) {
        TALK_RETURNS(talk_oret(host_tcs(slot), SGX_SUCCESS), SGX_ERROR_UNEXPECTED);
        TALK_RETURNS(talk_oret(host_tcs(slot), SGX_SUCCESS), SGX_ERROR_UNEXPECTED);
    }
    host_check_sane();
}

Test(entry, a_second_return_from_one_ocall_is_refused)
{
    struct basic_recurse ms = {.depth = 1};

    TALK_OCALLS(talk_ecall(host_tcs(0), BASIC_RECURSE, &ms), BASIC_OCALL_RECURSE);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_SUCCESS);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_ERROR_UNEXPECTED);
    host_check_sane();
}

Test(entry, a_return_on_another_slot_than_the_ocalls_is_refused_and_changes_nothing)
{
    struct basic_recurse ms = {.depth = 1};

    TALK_OCALLS(talk_ecall(host_tcs(1), BASIC_RECURSE, &ms), BASIC_OCALL_RECURSE);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_ERROR_UNEXPECTED);
    TALK_RETURNS(talk_oret(host_tcs(2), SGX_SUCCESS), SGX_ERROR_UNEXPECTED);
    TALK_RETURNS(talk_oret(host_tcs(1), (sgx_status_t)0x4711), SGX_SUCCESS);
    cr_assert_eq(ms.status, 0x4711);
    cr_assert_eq(ms.reached, 1);
    cr_assert_eq(ms.canary, 1);
}

/* Whatever the host would like to return from first, the innermost ocall it is. */
Test(entry, ocalls_end_in_reverse_order)
{
    struct basic_recurse outer = {.depth = 1}, inner = {.depth = 1, .reached = 10};
    struct talk exit = talk_ecall(host_tcs(0), BASIC_RECURSE, &outer);
    struct basic_recurse *outer_argument = (struct basic_recurse *)(uintptr_t)exit.rdx;

    TALK_OCALLS(exit, BASIC_OCALL_RECURSE);
    exit = talk_enter(host_tcs(0), BASIC_RECURSE, (uintptr_t)&inner, (uintptr_t)talk_area() + 4096,
                      4096);
    TALK_OCALLS(exit, BASIC_OCALL_RECURSE);
    cr_assert_eq(exit.rdx, (uintptr_t)talk_area() + 4096);
    outer_argument->reached = 77;

    TALK_RETURNS(talk_oret(host_tcs(0), (sgx_status_t)0x11), SGX_SUCCESS);
    cr_assert_eq(inner.status, 0x11, "the inner one's caller got it");
    cr_assert_eq(inner.reached, 11);
    cr_assert_eq(outer.status, 0, "the outer one's did not");
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_SUCCESS);
    cr_assert_eq(outer.reached, 77);
    cr_assert_eq(inner.canary + outer.canary, 2);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_ERROR_UNEXPECTED);
}

/* Nested without end: an error before the stack ends, and every level still returns. */
Test(entry, ecalls_nested_too_deep_are_refused_and_the_others_return)
{
    struct basic_recurse ms[512] = {{0}};
    unsigned depth = 0;
    struct talk exit;

    for (;; depth++) {
        cr_assert_lt(depth, 512, "a stack of 128 KiB ends");
        ms[depth].depth = 1;
        exit = talk_ecall(host_tcs(0), BASIC_RECURSE, &ms[depth]);
        cr_assert_eq(exit.kind, TALK_EXIT);
        if (exit.rdi == AP_EXIT_RETURN)
            break;
        TALK_OCALLS(exit, BASIC_OCALL_RECURSE);
    }
    TALK_RETURNS(exit, SGX_ERROR_STACK_OVERRUN);
    cr_assert_gt(depth, 50);
    while (depth-- > 0) {
        TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_SUCCESS);
        cr_assert_eq(ms[depth].canary, 1);
    }
    host_check_sane();
}
