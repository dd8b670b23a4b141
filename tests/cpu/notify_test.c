/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AEX-Notify from end to end: an enclave that is told of each interruption and goes on by itself,
 * without the ERESUME that the host could have used to hide one.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

static void enter(struct machine *m)
{
    machine_boot(m);
    m->secs.attributes.flags |= SGX_ATTR_AEXNOTIFY;
    machine_enter(m);
}

static void ask(struct machine *m, unsigned frame, bool yes)
{
    gpr_of(m, SSA_PAGE + frame)->aexnotify = yes;
}

/* Somewhere in the enclave's work. */
static struct cpu_regs work(struct machine *m)
{
    for (unsigned i = 0; i < 16; i++)
        (&m->cpu.r.rax)[i] = UINT64_C(0x0101010101010101) * i + 9;
    m->cpu.r.rip = linear_of(CODE_PAGE) + 0x345;
    m->cpu.r.rflags = 0x246;
    return m->cpu.r;
}

/* What the enclave's handler does: take the context, free the frame, jump back. */
static void jump_back(struct machine *m)
{
    const struct sgx_gprsgx *gpr = gpr_of(m, SSA_PAGE);

    memcpy(&m->cpu.r, gpr, offsetof(struct sgx_gprsgx, rflags));
    m->cpu.r.rflags = gpr->rflags;
    m->cpu.r.rip = gpr->rip;
}

static void expect_notified(struct machine *m, unsigned cssa)
{
    cr_expect_eq(m->cpu.r.rip, BASE + ENTRY);
    cr_expect_eq(m->cpu.r.rax, cssa);
    cr_expect_eq(m->cpu.r.rbx, linear_of(TCS_PAGE));
    cr_expect_eq(m->cpu.r.rcx, HOST_RIP + 3);
    cr_expect_eq(tcs_of(m, TCS_PAGE)->cssa, cssa);
    cr_expect_eq(tcs_of(m, TCS_PAGE)->state, SGX_TCS_ACTIVE);
}

Test(notify, the_enclave_goes_on_by_itself)
{
    struct machine m;
    struct cpu_regs before;

    enter(&m);
    ask(&m, 0, true);
    before = work(&m);
    interrupt(&m);
    cr_assert(is_ok(eresume(&m, TCS_PAGE)));
    expect_notified(&m, 1);

    ask(&m, 0, false);
    cr_assert(is_ok(enclu(&m, SGX_EDECCSSA)));
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 0);
    ask(&m, 0, true);
    jump_back(&m);
    cr_expect_eq(memcmp(&m.cpu.r, &before, sizeof before), 0);
    cr_expect(is_ok(eexit(&m)));
    cr_expect_eq(m.state.active, 0);
    machine_halt(&m);
}

Test(notify, an_interruption_before_the_jump_notifies_again)
{
    struct machine m;

    enter(&m);
    ask(&m, 0, true);
    work(&m);
    for (int again = 0; again < 5; again++) {
        interrupt(&m);
        cr_assert(is_ok(eresume(&m, TCS_PAGE)));
        expect_notified(&m, 1);
        ask(&m, 0, false);
        cr_assert(is_ok(enclu(&m, SGX_EDECCSSA)));
        ask(&m, 0, true); /* and then the host interrupts */
    }
    machine_halt(&m);
}

Test(notify, an_interruption_of_the_handler_passes_unnoticed)
{
    struct machine m;
    struct cpu_regs handler, before;

    enter(&m);
    ask(&m, 0, true);
    before = work(&m);
    interrupt(&m);
    cr_assert(is_ok(eresume(&m, TCS_PAGE)));

    /* At CSSA 1: frame 1 has not asked. */
    m.cpu.r.rip += 0x40;
    handler = m.cpu.r;
    interrupt(&m);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 2);
    cr_assert(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(memcmp(&m.cpu.r, &handler, sizeof handler), 0);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 1);

    /* At CSSA 0 with the byte cleared: a plain resumption, too. */
    struct sgx_gprsgx context = *gpr_of(&m, SSA_PAGE);

    ask(&m, 0, false);
    cr_assert(is_ok(enclu(&m, SGX_EDECCSSA)));
    handler = m.cpu.r;
    interrupt(&m);
    cr_assert(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(memcmp(&m.cpu.r, &handler, sizeof handler), 0);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 0);

    /* It went over the frame; the handler has its copy. */
    cr_expect_neq(memcmp(gpr_of(&m, SSA_PAGE), &context, sizeof context), 0);
    *gpr_of(&m, SSA_PAGE) = context;
    jump_back(&m);
    cr_expect_eq(memcmp(&m.cpu.r, &before, sizeof before), 0);
    machine_halt(&m);
}

Test(notify, without_a_frame_to_spare_nobody_is_notified)
{
    struct machine m;

    enter(&m);
    ask(&m, 0, true);
    interrupt(&m);
    cr_assert(is_ok(eresume(&m, TCS_PAGE)));
    ask(&m, 1, true);
    interrupt(&m);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 2);
    cr_expect(is_gp(eresume(&m, TCS_PAGE)));
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->state, SGX_TCS_INACTIVE);
    ask(&m, 1, false);
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    machine_halt(&m);
}

Test(notify, the_host_may_enter_instead_and_the_enclave_cannot_tell)
{
    struct machine m;
    struct cpu_regs notified;

    enter(&m);
    ask(&m, 0, true);
    work(&m);
    interrupt(&m);
    cr_assert(is_ok(eresume(&m, TCS_PAGE)));
    notified = m.cpu.r;
    machine_halt(&m);

    enter(&m);
    ask(&m, 0, true);
    work(&m);
    interrupt(&m);
    cr_assert(is_ok(eenter(&m, TCS_PAGE)));
    cr_expect_eq(memcmp(&m.cpu.r, &notified, sizeof notified), 0);
    cr_expect(is_ok(enclu(&m, SGX_EDECCSSA)));
    machine_halt(&m);
}

Test(notify, extended_state_is_left_in_the_frame)
{
    struct machine m;
    uint64_t bv = 7;

    enter(&m);
    ask(&m, 0, true);
    memcpy(m.cpu.xsave + 512, &bv, 8);
    memset(m.cpu.xsave + 160, 0x77, 256);
    interrupt(&m);
    m.cpu.xsave[160] = 0x11; /* the host's */
    cr_assert(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(m.cpu.xsave[160], 0x11);
    cr_assert(is_ok(enclu(&m, SGX_EDECCSSA)));
    cr_expect_eq(m.cpu.xsave[160], 0x11);
    cr_expect_eq(((uint8_t *)content_of(&m, SSA_PAGE))[160], 0x77);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ who may ask */

Test(notify, a_processor_without_the_attribute_refuses_it)
{
    struct machine m;

    machine_boot(&m);
    m.features.attributes &= ~SGX_ATTR_AEXNOTIFY;
    m.secs.attributes.flags |= SGX_ATTR_AEXNOTIFY;
    prepare_ecreate(&m);
    cr_expect(is_gp(cpu_ecreate(&m.epc, m.cpu.r.rbx, m.cpu.r.rcx)));
    machine_halt(&m);

    /* And knows no such flag of a TCS, whoever wants to debug. */
    machine_boot(&m);
    m.features.attributes &= ~SGX_ATTR_AEXNOTIFY;
    machine_start(&m);
    tcs_of(&m, TCS_PAGE)->flags = SGX_TCS_AEXNOTIFY | SGX_TCS_DBGOPTIN;
    cr_expect(is_gp(eenter(&m, TCS_PAGE)));
    machine_halt(&m);
}

Test(notify, the_threads_flag_agrees_with_the_enclaves_unless_a_debugger_opted_in)
{
    struct machine m;

    for (unsigned set = 0; set < 8; set++) {
        bool enclave = set & 1, thread = set & 2, debugger = set & 4;

        machine_boot(&m);
        if (enclave)
            m.secs.attributes.flags |= SGX_ATTR_AEXNOTIFY;
        machine_start(&m);
        tcs_of(&m, TCS_PAGE)->flags =
            (thread ? SGX_TCS_AEXNOTIFY : 0) | (debugger ? SGX_TCS_DBGOPTIN : 0);
        cr_expect_eq(is_ok(eenter(&m, TCS_PAGE)), enclave == thread || debugger, "set %u", set);
        machine_halt(&m);
    }
}
