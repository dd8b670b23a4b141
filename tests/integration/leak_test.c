/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host sees in its registers when the enclave comes out: the results, and nothing that
 * computation left behind.
 */
#include <stdlib.h>

#include "direct.h"

TestSuite(leak, .init = host_open, .fini = host_close);

static bool all(const void *bytes, size_t size, uint8_t value)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < size; i++)
        if (b[i] != value)
            return false;
    return true;
}

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

Test(leak, a_returning_ecall_leaves_nothing_in_registers)
{
    struct basic_add ms = {.a = 0x5ec2e7, .b = 2};

    gate_reset();
    gate_fill(3);
    gate.in.rflags = CLEAN | ARITHMETIC;
    gate.in.rsp &= ~UINT64_C(0xf);
    direct_ecall(host_tcs(0), BASIC_ADD, &ms);
    direct_returns(SGX_SUCCESS);
    expect_scrubbed(false);
    expect_vectors_scrubbed();
}

Test(leak, an_ocall_leaves_nothing_in_registers)
{
    struct basic_recurse ms = {.depth = 1};

    for (unsigned i = 0; i < 2; i++) {
        gate_reset();
        gate_fill(4);
        direct_ecall(host_tcs(0), BASIC_RECURSE, &ms);
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
        direct_returns(SGX_SUCCESS);
        expect_scrubbed(false);
        expect_vectors_scrubbed();
    }
}

Test(leak, an_ocall_with_control_words_of_its_own_leaves_the_usual_ones)
{
    struct basic_control ms = {0};

    gate_reset();
    direct_ecall(host_tcs(0), BASIC_CONTROL, &ms);
    cr_assert_eq(gate.out.rdi, AP_EXIT_OCALL);
    expect_scrubbed(false);
    expect_vectors_scrubbed();
}

/* This ecall leaves its patterns in every XMM register. */
Test(leak, an_ecall_that_used_every_vector_leaves_none_behind)
{
    struct basic_resume ms = {0};
    struct talk exit = talk_ecall(host_tcs(0), BASIC_RESUME, &ms);

    cr_assert_eq(exit.kind, TALK_EXCEPTION);
    TALK_ANSWERS(talk_enter(host_tcs(0), 0, 0, 0, 0), SGX_SUCCESS);
    TALK_RETURNS(talk_resume(host_tcs(0)), SGX_SUCCESS);
    cr_assert_eq(ms.vectors_kept, 1, "it did use them");
    expect_vectors_scrubbed();
}

Test(leak, a_refused_entry_shows_at_most_what_the_host_brought)
{
    const int64_t refused[] = {AP_ENTER_ORET, AP_ENTER_INIT, -3, INT64_MIN, 1000, BASIC_PRIVATE};

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        gate_reset();
        gate_fill(6 + i);
        gate.in.rflags = CLEAN;
        direct_ecall(host_tcs(0), refused[i], NULL);
        cr_assert_eq(gate.out.rdi, AP_EXIT_RETURN);
        cr_assert_neq(gate.out.rsi, SGX_SUCCESS);
        cr_assert_eq(gate.out.rdx, 0);
        expect_scrubbed(true);
    }
}

Test(leak, the_answer_to_an_exception_leaves_nothing_in_registers)
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
Test(leak, an_asynchronous_exit_shows_the_host_only_its_own_state)
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
        direct_returns(SGX_SUCCESS);
        cr_assert_eq(ms.sum, 0x5ec2e7 + n);
    }
}
