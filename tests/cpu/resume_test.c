/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

#define RESTORED UINT64_C(0x254cd5) /* ID AC RF NT OF DF SF ZF AF PF CF */

/* Inside, with registers that can be told apart. */
static void enter_with_pattern(struct machine *m)
{
    machine_boot(m);
    machine_enter(m);
    for (unsigned i = 0; i < 16; i++)
        (&m->cpu.r.rax)[i] = UINT64_C(0x1111111111111111) * i + 7;
    m->cpu.r.rip = linear_of(CODE_PAGE) + 0x123;
    m->cpu.r.fsbase = UINT64_C(0x7f0000003333);
    m->cpu.r.gsbase = UINT64_C(0x7f0000004444);
}

Test(resume, an_interruption_passes_unnoticed)
{
    struct machine m;
    struct cpu_regs before;

    enter_with_pattern(&m);
    m.cpu.r.rflags = 0x202 | RESTORED;
    before = m.cpu.r;
    interrupt(&m);
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(memcmp(&m.cpu.r, &before, sizeof before), 0);
    cr_expect(m.cpu.enclave_mode);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 0);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->state, SGX_TCS_ACTIVE);
    cr_expect_eq(m.state.active, 1);
    machine_halt(&m);
}

Test(resume, the_frame_decides_over_some_flags_and_the_host_over_the_rest)
{
    struct machine m;

    for (int set = 0; set < 2; set++) {
        enter_with_pattern(&m);
        interrupt(&m);
        gpr_of(&m, SSA_PAGE)->rflags = set ? ~UINT64_C(0) : 0;
        host_registers(&m, TCS_PAGE);
        m.cpu.r.rflags = set ? 0x202 : 0x202 | RESTORED;
        cr_expect(is_ok(enclu(&m, SGX_ERESUME)));
        cr_expect_eq(m.cpu.r.rflags, set ? 0x202 | RESTORED : 0x202);
        machine_halt(&m);
    }
}

Test(resume, extended_state_comes_back_from_the_frame)
{
    struct machine m;
    uint64_t bv = 7;

    enter_with_pattern(&m);
    memcpy(m.cpu.xsave + 512, &bv, 8);
    memset(m.cpu.xsave + 160, 0x77, 256);
    interrupt(&m);
    cr_expect_eq(m.cpu.xsave[160], 0);
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(m.cpu.xsave[160], 0x77);
    cr_expect_eq(m.cpu.xsave[512], 7);
    machine_halt(&m);
}

Test(resume, the_enclave_may_have_edited_its_context)
{
    struct machine m;

    enter_with_pattern(&m);
    interrupt(&m);
    gpr_of(&m, SSA_PAGE)->rip = linear_of(CODE_PAGE);
    gpr_of(&m, SSA_PAGE)->rdx = 0xabcd;
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(m.cpu.r.rip, linear_of(CODE_PAGE));
    cr_expect_eq(m.cpu.r.rdx, 0xabcd);
    machine_halt(&m);
}

Test(resume, the_outside_stack_stays_that_of_the_entry)
{
    struct machine m;

    enter_with_pattern(&m);
    interrupt(&m);
    host_registers(&m, TCS_PAGE);
    m.cpu.r.rsp = 0x1000;
    m.cpu.r.rbp = 0x2000;
    m.cpu.r.rcx = AEP + 64;
    cr_expect(is_ok(enclu(&m, SGX_ERESUME)));
    interrupt(&m);
    cr_expect_eq(m.cpu.r.rsp, HOST_RSP);
    cr_expect_eq(m.cpu.r.rbp, HOST_RBP);
    cr_expect_eq(m.cpu.r.rip, AEP + 64); /* but the AEP is the newer one */
    machine_halt(&m);
}

Test(resume, a_nested_interruption_unwinds_frame_by_frame)
{
    struct machine m;

    enter_with_pattern(&m);
    m.cpu.r.rdx = 1;
    interrupt(&m);
    cr_assert(is_ok(eenter(&m, TCS_PAGE)));
    m.cpu.r.rdx = 2;
    interrupt(&m);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 2);
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(m.cpu.r.rdx, 2);
    cr_expect_eq(m.cpu.ssa_gpr_frame, frame_of(SSA_PAGE + 1));
    cr_expect(is_ok(eexit(&m)));
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(m.cpu.r.rdx, 1);
    cr_expect_eq(m.cpu.ssa_gpr_frame, frame_of(SSA_PAGE));
    cr_expect(is_ok(eexit(&m)));
    cr_expect(is_gp(eresume(&m, TCS_PAGE)));
    machine_halt(&m);
}

Test(resume, a_single_step_does_not_follow_into_the_enclave)
{
    struct machine m;

    enter_with_pattern(&m);
    interrupt(&m);
    host_registers(&m, TCS_PAGE);
    m.cpu.r.rflags |= 0x100;
    cr_expect(is_ok(enclu(&m, SGX_ERESUME)));
    cr_expect_not(m.cpu.r.rflags & 0x100);
    interrupt(&m);
    cr_expect(m.cpu.r.rflags & 0x100);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ notification */

static void enter_notified(struct machine *m)
{
    machine_boot(m);
    m->secs.attributes.flags |= SGX_ATTR_AEXNOTIFY;
    machine_enter(m);
    m->cpu.r.rdx = 0x5a5a;
}

Test(resume, a_thread_that_asked_for_it_is_notified_instead)
{
    struct machine m;
    struct cpu_regs want;

    enter_notified(&m);
    gpr_of(&m, SSA_PAGE)->aexnotify = 1;
    interrupt(&m);
    cr_expect_eq(gpr_of(&m, SSA_PAGE)->aexnotify, 1);
    host_registers(&m, TCS_PAGE);
    m.cpu.r.rsp -= 0x100;
    want = m.cpu.r;
    want.rax = 1;
    want.rcx = HOST_RIP + 3;
    want.rip = BASE + ENTRY;
    want.fsbase = linear_of(DATA_PAGE);
    want.gsbase = linear_of(DATA2_PAGE);
    cr_expect(is_ok(enclu(&m, SGX_ERESUME)));
    cr_expect_eq(memcmp(&m.cpu.r, &want, sizeof want), 0);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 1);
    cr_expect_eq(gpr_of(&m, SSA_PAGE)->rdx, 0x5a5a);
    cr_expect_eq(gpr_of(&m, SSA_PAGE + 1)->ursp, HOST_RSP - 0x100);
    cr_expect_eq(m.cpu.ssa_gpr_frame, frame_of(SSA_PAGE + 1));
    machine_halt(&m);
}

Test(resume, only_bit_0_asks_and_only_where_the_thread_may)
{
    struct machine m;

    enter_notified(&m);
    gpr_of(&m, SSA_PAGE)->aexnotify = 0xfe;
    interrupt(&m);
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(m.cpu.r.rdx, 0x5a5a);
    machine_halt(&m);

    machine_boot(&m);
    machine_enter(&m);
    m.cpu.r.rdx = 0x5a5a;
    gpr_of(&m, SSA_PAGE)->aexnotify = 1;
    interrupt(&m);
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(m.cpu.r.rdx, 0x5a5a);
    machine_halt(&m);
}

static void expect_refused(struct machine *m, bool page_fault)
{
    struct snapshot *before;
    struct outcome o;

    host_registers(m, TCS_PAGE);
    m->cpu.r.rax = SGX_ERESUME;
    before = snapshot_take(m);
    o = cpu_enclu(&m->cpu);
    cr_expect(page_fault ? is_pf(o, linear_of(SSA_PAGE + 1), USER_WRITE) : is_gp(o));
    cr_expect(snapshot_same(before, m));
    snapshot_free(before);
}

Test(resume, a_notification_needs_a_frame_and_an_entry_of_its_own)
{
    struct machine m;
    struct snapshot *ready;

    enter_notified(&m);
    gpr_of(&m, SSA_PAGE)->aexnotify = 1;
    interrupt(&m);
    ready = snapshot_take(&m);

    tcs_of(&m, TCS_PAGE)->nssa = 1;
    epcm_of(&m, SSA_PAGE + 1)->w = false; /* decided later */
    expect_refused(&m, false);
    snapshot_restore(ready, &m);

    epcm_of(&m, SSA_PAGE + 1)->w = false;
    tcs_of(&m, TCS_PAGE)->oentry = UINT64_C(1) << 60; /* decided later */
    expect_refused(&m, true);
    snapshot_restore(ready, &m);

    tcs_of(&m, TCS_PAGE)->oentry = UINT64_C(1) << 60;
    expect_refused(&m, false);
    snapshot_restore(ready, &m);

    tcs_of(&m, TCS_PAGE)->ogsbase = UINT64_C(1) << 60;
    expect_refused(&m, false);
    snapshot_restore(ready, &m);

    tcs_of(&m, TCS_PAGE)->state = SGX_TCS_ACTIVE;
    expect_refused(&m, false);
    snapshot_restore(ready, &m);

    /* What a plain resumption would stumble over does not matter here. */
    gpr_of(&m, SSA_PAGE)->rip = UINT64_C(1) << 60;
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    snapshot_free(ready);
    machine_halt(&m);
}
