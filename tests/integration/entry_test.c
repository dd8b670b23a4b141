/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host chooses every register, flag and vector at the door, and looks at all of them when the
 * enclave comes out.
 */
#include <signal.h>
#include <stdlib.h>

#include "gate.h"
#include "talk.h"

#define TF UINT64_C(0x100)
#define IF UINT64_C(0x200)
#define DF UINT64_C(0x400)
#define NT UINT64_C(0x4000)
#define AC UINT64_C(0x40000)
#define ID UINT64_C(0x200000)

#define ARITHMETIC UINT64_C(0x8d5)
#define CLEAN      UINT64_C(0x2)

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

/* An ecall by the gate's own ENCLU, on top of what `in` holds already. */
static void direct(uint64_t tcs, int64_t index, void *ms)
{
    gate.in.rdi = (uint64_t)index;
    gate.in.rsi = (uintptr_t)ms;
    gate.in.rdx = (uintptr_t)talk_area();
    gate.in.r8 = TALK_AREA_SIZE;
    gate_enclu_pass(SGX_EENTER, tcs, gate_enclu);
    cr_assert_eq(gate.how, GATE_EEXIT);
}

static void expect_return(sgx_status_t status)
{
    cr_assert_eq(gate.out.rdi, AP_EXIT_RETURN, "exit %llu", (unsigned long long)gate.out.rdi);
    cr_assert_eq(gate.out.rsi, status, "status %#llx", (unsigned long long)gate.out.rsi);
    cr_assert_eq(gate.out.rdx, 0);
}

static bool all(const void *bytes, size_t size, uint8_t value)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < size; i++)
        if (b[i] != value)
            return false;
    return true;
}

/* ------------------------------------------------------------------ 1: flags */

static void expect_flags_harmless(uint64_t rflags)
{
    const uint64_t dangerous = DF | AC | NT | TF;
    struct basic_flags flags = {.rflags = ~UINT64_C(0)};
    static const uint8_t from[1001] = {[0] = 1, [500] = 7, [1000] = 9};
    uint8_t to[1001] = {0};
    struct basic_echo echo = {.from = (uintptr_t)from + 1, .to = (uintptr_t)to + 1, .size = 1000};

    gate_reset();
    gate.in.rflags = rflags | CLEAN;
    direct(host_tcs(0), BASIC_FLAGS, &flags);
    expect_return(SGX_SUCCESS);
    cr_assert_eq(flags.rflags & dangerous, 0, "entered with %#llx, C sees %#llx",
                 (unsigned long long)rflags, (unsigned long long)flags.rflags);
    cr_assert_eq(gate.out.rflags & ~(IF | TF), CLEAN, "%#llx", (unsigned long long)gate.out.rflags);

    gate_reset();
    gate.in.rflags = rflags | CLEAN;
    direct(host_tcs(0), BASIC_ECHO, &echo);
    expect_return(SGX_SUCCESS);
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
    direct(host_tcs(0), BASIC_RECURSE, &ms);
    cr_assert_eq(gate.out.rdi, AP_EXIT_OCALL);
    cr_assert_eq(gate.out.rflags & ~IF, CLEAN);
    area = gate.out.rdx;
    ((struct basic_recurse *)(uintptr_t)area)->reached = 1234;

    gate_reset();
    gate.in.rflags = DF | AC | NT | CLEAN;
    gate.in.rdi = (uint64_t)AP_ENTER_ORET;
    gate.in.rsi = UINT64_C(0xabcdef0000000000) | SGX_SUCCESS; /* 32 bits count */
    gate_enclu_pass(SGX_EENTER, host_tcs(0), gate_enclu);
    expect_return(SGX_SUCCESS);
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
    expect_return(SGX_SUCCESS);
    cr_assert_eq(ms.sum, 3);
}

/* ------------------------------------------------------------------ 2: x87, SSE, AVX */

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
    direct(host_tcs(0), BASIC_FLAGS, &flags);
    expect_return(SGX_SUCCESS);
    expect_vectors_clean(&flags);
}

/* The same on a slot's first entry, whose way in is another one. */
Test(entry, a_slots_first_entry_is_as_clean)
{
    struct basic_flags flags = {0};

    gate_reset();
    spoil_vectors();
    gate.in.rflags = DF | AC | NT | CLEAN;
    direct(host_tcs(3), BASIC_FLAGS, &flags);
    expect_return(SGX_SUCCESS);
    expect_vectors_clean(&flags);
    cr_assert_eq(flags.rflags & (DF | AC | NT), 0);
}

Test(entry, control_words_survive_an_ocall_whatever_the_host_enters_with)
{
    struct basic_control ms = {0};

    gate_reset();
    direct(host_tcs(0), BASIC_CONTROL, &ms);
    cr_assert_eq(gate.out.rdi, AP_EXIT_OCALL);
    cr_assert_eq(gate.out_x.mxcsr, 0x1f80, "the enclave's own setting does not leave it");
    cr_assert_eq(gate.out_x.fcw, 0x37f);

    gate_reset();
    spoil_vectors();
    gate.in.rdi = (uint64_t)AP_ENTER_ORET;
    gate.in.rsi = SGX_SUCCESS;
    gate_enclu_pass(SGX_EENTER, host_tcs(0), gate_enclu);
    expect_return(SGX_SUCCESS);
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

/* ------------------------------------------------------------------ 3: stacks */

static void expect_stack_harmless(uint64_t rsp, uint64_t rbp)
{
    struct basic_add ms = {.a = 30, .b = 12};

    gate_reset();
    gate.in.rsp = rsp;
    gate.in.rbp = rbp;
    gate.in.rflags = AC | CLEAN;
    direct(host_tcs(0), BASIC_ADD, &ms);
    expect_return(SGX_SUCCESS);
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

/* ------------------------------------------------------------------ 4: what comes out */

/* Registers that carry nothing: zero. `kept` allows what the host itself put there. */
static void expect_scrubbed(bool kept)
{
    const struct gate_registers *in = &gate.in, *out = &gate.out;
    const struct {
        const char *name;
        uint64_t in, out;
    } r[] = {
        {"r8", in->r8, out->r8},    {"r9", in->r9, out->r9},    {"r10", in->r10, out->r10},
        {"r11", in->r11, out->r11}, {"r12", in->r12, out->r12}, {"r13", in->r13, out->r13},
        {"r14", in->r14, out->r14}, {"r15", in->r15, out->r15},
    };

    for (size_t i = 0; i < sizeof r / sizeof *r; i++)
        cr_assert(r[i].out == 0 || (kept && r[i].out == r[i].in), "%s is %#llx", r[i].name,
                  (unsigned long long)r[i].out);
    cr_assert_eq(out->rax, SGX_EEXIT);
    cr_assert_eq(out->rcx, (uintptr_t)gate_enclu, "the processor's: AEP");
    cr_assert_eq(out->rbx, (uintptr_t)gate_enclu + 3, "where to go back to");
    cr_assert_eq(out->rsp, in->rsp);
    cr_assert_eq(out->rbp, in->rbp);
    cr_assert_eq(out->rflags & ~IF & ~(kept ? ARITHMETIC : 0), CLEAN, "flags %#llx",
                 (unsigned long long)out->rflags);
}

static void expect_vectors_scrubbed(void)
{
    const struct gate_vectors *out = &gate.out_x;

    cr_assert(!(out->xstate_bv & 2) || all(out->xmm, sizeof out->xmm, 0), "an XMM register leaks");
    cr_assert(!(out->xstate_bv & 1) || (out->ftw == 0 && all(out->st, sizeof out->st, 0)),
              "an x87 register leaks");
    cr_assert_eq(out->mxcsr, 0x1f80, "MXCSR %#x", out->mxcsr);
    if (out->xstate_bv & 1) {
        cr_assert_eq(out->fcw, 0x37f);
        cr_assert_eq(out->fsw, 0);
        cr_assert_eq(out->fop, 0);
        cr_assert_eq(out->fip, 0, "the address of an instruction leaks");
        cr_assert_eq(out->fdp, 0, "the address of an operand leaks");
    }
    /* This enclave's XFRM has no AVX: it cannot have put anything there. */
    cr_assert(!(out->xstate_bv & 4) || all(out->ymm_high, sizeof out->ymm_high, 0) ||
              !memcmp(out->ymm_high, gate.in_x.ymm_high, sizeof out->ymm_high));
}

Test(entry, a_returning_ecall_leaves_nothing_in_registers)
{
    struct basic_add ms = {.a = 0x5ec2e7, .b = 2};

    gate_reset();
    gate_fill(3);
    gate.in.rflags = CLEAN | ARITHMETIC;
    gate.in.rsp &= ~UINT64_C(0xf);
    direct(host_tcs(0), BASIC_ADD, &ms);
    expect_return(SGX_SUCCESS);
    expect_scrubbed(false);
    expect_vectors_scrubbed();
}

Test(entry, an_ocall_leaves_nothing_in_registers)
{
    struct basic_recurse ms = {.depth = 1};

    for (unsigned i = 0; i < 2; i++) {
        gate_reset();
        gate_fill(4);
        direct(host_tcs(0), BASIC_RECURSE, &ms);
        cr_assert_eq(gate.out.rdi, AP_EXIT_OCALL);
        cr_assert_eq(gate.out.rsi, BASIC_OCALL_RECURSE);
        cr_assert_eq(gate.out.rdx, (uintptr_t)talk_area());
        expect_scrubbed(false);
        expect_vectors_scrubbed();
        gate_reset();
        gate_fill(5);
        gate.in.rdi = (uint64_t)AP_ENTER_ORET;
        gate.in.rsi = 0;
        gate_enclu_pass(SGX_EENTER, host_tcs(0), gate_enclu);
        expect_return(SGX_SUCCESS);
        expect_scrubbed(false);
        expect_vectors_scrubbed();
    }
}

Test(entry, an_ocall_with_control_words_of_its_own_leaves_the_usual_ones)
{
    struct basic_control ms = {0};

    gate_reset();
    direct(host_tcs(0), BASIC_CONTROL, &ms);
    cr_assert_eq(gate.out.rdi, AP_EXIT_OCALL);
    expect_scrubbed(false);
    expect_vectors_scrubbed();
}

/* This ecall leaves its patterns in every XMM register. */
Test(entry, an_ecall_that_used_every_vector_leaves_none_behind)
{
    struct basic_resume ms = {0};
    struct talk exit = talk_ecall(host_tcs(0), BASIC_RESUME, &ms);

    cr_assert_eq(exit.kind, TALK_EXCEPTION);
    TALK_ANSWERS(talk_enter(host_tcs(0), 0, 0, 0, 0), SGX_SUCCESS);
    TALK_RETURNS(talk_resume(host_tcs(0)), SGX_SUCCESS);
    cr_assert_eq(ms.vectors_kept, 1, "it did use them");
    expect_vectors_scrubbed();
}

Test(entry, a_refused_entry_shows_at_most_what_the_host_brought)
{
    const int64_t refused[] = {AP_ENTER_ORET, AP_ENTER_INIT, -3, INT64_MIN, 1000, BASIC_PRIVATE};

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        gate_reset();
        gate_fill(6 + i);
        gate.in.rflags = CLEAN;
        direct(host_tcs(0), refused[i], NULL);
        cr_assert_eq(gate.out.rdi, AP_EXIT_RETURN);
        cr_assert_neq(gate.out.rsi, SGX_SUCCESS);
        cr_assert_eq(gate.out.rdx, 0);
        expect_scrubbed(true);
    }
}

Test(entry, the_answer_to_an_exception_leaves_nothing_in_registers)
{
    struct basic_add ms = {.a = 1, .b = 2};

    gate_reset();
    host_interrupt(20, 14);
    gate.in.rdi = BASIC_ADD;
    gate.in.rsi = (uintptr_t)&ms;
    gate_enclu_pass(SGX_EENTER, host_tcs(0), gate_aep);
    cr_assert_eq(gate.how, GATE_AEX);

    gate_reset();
    gate_fill(7);
    gate_enclu_pass(SGX_EENTER, host_tcs(0), gate_enclu);
    cr_assert_eq(gate.how, GATE_EEXIT);
    cr_assert_eq(gate.out.rdi, AP_EXIT_EXCEPTION);
    cr_assert_eq(gate.out.rsi, SGX_ERROR_UNEXPECTED);
    cr_assert_eq(gate.out.rdx, 0);
    expect_scrubbed(false);
    cr_assert_arr_eq(gate.out_x.xmm, gate.in_x.xmm, sizeof gate.in_x.xmm, "the host's own");
}

/* The processor's part of the same promise. */
Test(entry, an_asynchronous_exit_shows_the_host_only_its_own_state)
{
    for (uint64_t n = 1; n < 200; n += 3) {
        struct basic_add ms = {.a = 0x5ec2e7, .b = n};
        const struct gate_registers *out = &gate.out;

        gate_reset();
        gate_fill(n);
        gate.in.rflags = CLEAN;
        gate.in.rsi = (uintptr_t)&ms;
        gate.in.rdi = BASIC_ADD;
        gate.in.r8 = 0;
        host_interrupt(n, 14);
        gate_enclu_pass(SGX_EENTER, host_tcs(0), gate_aep);
        cr_assert_eq(gate.how, GATE_AEX, "n = %d", (int)n);
        cr_assert_eq(out->rax, SGX_ERESUME);
        cr_assert_eq(out->rbx, host_tcs(0));
        cr_assert_eq(out->rcx, (uintptr_t)gate_aep);
        cr_assert_eq(out->rsp, gate.in.rsp);
        cr_assert_eq(out->rbp, gate.in.rbp);
        cr_assert(!(out->rdx | out->rsi | out->rdi | out->r8 | out->r9 | out->r10 | out->r11 |
                    out->r12 | out->r13 | out->r14 | out->r15));
        cr_assert(all(gate.out_x.xmm, sizeof gate.out_x.xmm, 0));
        gate_reset();
        gate_enclu_pass(SGX_ERESUME, host_tcs(0), gate_enclu);
        expect_return(SGX_SUCCESS);
        cr_assert_eq(ms.sum, 0x5ec2e7 + n);
    }
}
