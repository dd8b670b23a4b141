/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

#define TF UINT64_C(0x100)

Test(enter, eenter_changes_six_registers_and_passes_the_rest_through)
{
    struct machine m;
    struct cpu_regs want;

    machine_boot(&m);
    machine_start(&m);
    host_registers(&m, TCS_PAGE);
    m.cpu.r.rflags = 0x40cd7; /* all that entry code has to clear itself */
    want = m.cpu.r;
    want.rax = 0;
    want.rcx = HOST_RIP + 3;
    want.rip = BASE + ENTRY;
    want.fsbase = linear_of(DATA_PAGE);
    want.gsbase = linear_of(DATA2_PAGE);
    cr_expect(is_ok(enclu(&m, SGX_EENTER)));
    cr_expect_eq(memcmp(&m.cpu.r, &want, sizeof want), 0);
    machine_halt(&m);
}

Test(enter, eenter_takes_the_tcs_and_leaves_the_outside_stack_in_the_frame)
{
    struct machine m;
    struct sgx_tcs *tcs;

    machine_boot(&m);
    machine_enter(&m);
    tcs = tcs_of(&m, TCS_PAGE);
    cr_expect_eq(tcs->aep, AEP);
    cr_expect_eq(tcs->state, SGX_TCS_ACTIVE);
    cr_expect_eq(tcs->cssa, 0);
    cr_expect_eq(gpr_of(&m, SSA_PAGE)->ursp, HOST_RSP);
    cr_expect_eq(gpr_of(&m, SSA_PAGE)->urbp, HOST_RBP);
    cr_expect(m.cpu.enclave_mode);
    cr_expect_eq(m.cpu.tcs, linear_of(TCS_PAGE));
    cr_expect_eq(m.cpu.tcs_frame, frame_of(TCS_PAGE));
    cr_expect_eq(m.cpu.ssa_gpr_frame, frame_of(SSA_PAGE));
    cr_expect_eq(m.cpu.ssa_xsave_frame[0], frame_of(SSA_PAGE));
    cr_expect_eq(m.cpu.ssa_pages, 1);
    cr_expect(m.state.active == 1 && m.state.inside[0] == 1);
    machine_halt(&m);
}

Test(enter, an_entry_after_an_interruption_has_cssa_in_rax_and_the_next_frame)
{
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    interrupt(&m);
    cr_expect(is_ok(eenter(&m, TCS_PAGE)));
    cr_expect_eq(m.cpu.r.rax, 1);
    cr_expect_eq(m.cpu.ssa_gpr_frame, frame_of(SSA_PAGE + 1));
    cr_expect_eq(gpr_of(&m, SSA_PAGE + 1)->ursp, HOST_RSP);
    interrupt(&m);
    cr_expect(is_gp(eenter(&m, TCS_PAGE))); /* both frames are full */
    machine_halt(&m);
}

Test(enter, a_tcs_admits_one_thread_at_a_time)
{
    struct machine m;
    struct cpu first;

    machine_boot(&m);
    machine_enter(&m);
    first = m.cpu;
    m.cpu.enclave_mode = false;
    cr_expect(is_gp(eenter(&m, TCS_PAGE)));
    cr_expect(is_ok(eenter(&m, TCS2_PAGE)));
    cr_expect_eq(m.state.active, 2);
    m.cpu = first;
    cr_expect(is_ok(eexit(&m)));
    cr_expect(is_ok(eenter(&m, TCS_PAGE)));
    machine_halt(&m);
}

Test(enter, eexit_goes_where_it_is_told_with_the_enclaves_registers)
{
    struct machine m;
    struct cpu_regs want;

    machine_boot(&m);
    machine_enter(&m);
    memset(&m.cpu.r, 0x33, offsetof(struct cpu_regs, rflags));
    m.cpu.r.rbx = UINT64_C(0x400500);
    m.cpu.r.rflags = 0x40cd7;
    want = m.cpu.r;
    want.rax = SGX_EEXIT; /* as the enclave had to set it */
    want.rcx = AEP;
    want.rip = UINT64_C(0x400500);
    want.fsbase = HOST_FS;
    want.gsbase = HOST_GS;
    cr_expect(is_ok(enclu(&m, SGX_EEXIT)));
    cr_expect_eq(memcmp(&m.cpu.r, &want, sizeof want), 0);
    cr_expect_not(m.cpu.enclave_mode);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->state, SGX_TCS_INACTIVE);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 0);
    cr_expect(m.state.active == 0 && m.state.inside[0] == 0);
    machine_halt(&m);
}

COMMIT(target_far, m->cpu.r.rbx = UINT64_C(1) << 63)

static const struct violation eexit_violations[] = {
    GP("target not canonical", target_far),
};

Test(enter, eexit_refuses_a_target_that_is_no_address)
{
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    m.cpu.r.rbx = HOST_RIP;
    ENCLU_CHECKS_HOLD(&m, SGX_EEXIT, eexit_violations);
    machine_halt(&m);
}

Test(enter, single_steps_pause_inside_and_go_on_outside)
{
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    host_registers(&m, TCS_PAGE);
    m.cpu.r.rflags |= TF;
    cr_expect(is_ok(enclu(&m, SGX_EENTER)));
    cr_expect_not(m.cpu.r.rflags & TF);
    cr_expect_not(m.cpu.opt_in);
    cr_expect(is_ok(eexit(&m)));
    cr_expect(m.cpu.r.rflags & TF);
    /* And a TF that the enclave managed to set does not leave with it. */
    cr_expect(is_ok(eenter(&m, TCS_PAGE)));
    m.cpu.r.rflags |= TF;
    cr_expect(is_ok(eexit(&m)));
    cr_expect_not(m.cpu.r.rflags & TF);
    machine_halt(&m);
}

Test(enter, a_debugger_that_opted_in_steps_through)
{
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    tcs_of(&m, TCS_PAGE)->flags |= SGX_TCS_DBGOPTIN;
    host_registers(&m, TCS_PAGE);
    m.cpu.r.rflags |= TF;
    cr_expect(is_ok(enclu(&m, SGX_EENTER)));
    cr_expect(m.cpu.r.rflags & TF);
    cr_expect(m.cpu.opt_in);
    m.cpu.r.rflags &= ~TF;
    cr_expect(is_ok(eexit(&m)));
    cr_expect_not(m.cpu.r.rflags & TF);
    machine_halt(&m);
}

Test(enter, a_thread_joins_the_epoch_of_its_entry)
{
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    etrack(&m);
    cr_expect(is_ok(eenter(&m, TCS_PAGE)));
    cr_expect_eq(m.cpu.epoch, 1);
    cr_expect_eq(m.state.inside[1], 1);
    etrack(&m);
    cr_expect(is_ok(eexit(&m)));
    cr_expect_eq(m.state.inside[1], 0);
    machine_halt(&m);
}
