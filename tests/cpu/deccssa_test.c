/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

#define SSA_ADDRESS (BASE + (uint64_t)SSA_PAGE * PAGE)

/* Inside at CSSA 1: entered, interrupted and entered again. */
static void enter(struct machine *m)
{
    machine_boot(m);
    machine_enter(m);
    interrupt(m);
    cr_assert(is_ok(eenter(m, TCS_PAGE)));
    cr_assert_eq(tcs_of(m, TCS_PAGE)->cssa, 1);
}

COMMIT(no_frame, tcs_of(m, TCS_PAGE)->cssa = 0)
COMMIT_PAGE(ssa, SSA_PAGE)

static const struct violation violations[] = {
    GP("CSSA is 0", no_frame),
    WRITE_ROWS(ssa, NONE, SSA_ADDRESS),
    WRITABLE_ROWS(ssa, NONE, SSA_ADDRESS),
    PF("frame not readable", ssa_unreadable, NONE, SSA_ADDRESS, USER_WRITE),
};

Test(deccssa, every_check_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    enter(&m);
    ENCLU_CHECKS_HOLD(&m, SGX_EDECCSSA, violations);
    machine_halt(&m);
}

/* A frame of several pages: the area's first, then the next, then that of GPRSGX. */
Test(deccssa, each_page_of_the_frame_is_looked_at_from_the_bottom)
{
    struct machine m;
    static const unsigned order[] = {0, 1, 3};

    machine_boot(&m);
    m.secs.ssa_frame_size = 4;
    m.secs.attributes.xfrm |= SGX_XFRM_AVX512 | SGX_XFRM_MPX | SGX_XFRM_AMX;
    m.secs.size = ENCLAVE_SIZE;
    machine_create(&m);
    *(struct sgx_tcs *)m.source =
        (struct sgx_tcs){.ossa = FREE_PAGE * PAGE, .nssa = 2, .fslimit = ~0u, .gslimit = ~0u};
    add_page(&m, TCS_PAGE, SGX_SECINFO_TCS, true);
    memset(m.source, 0, PAGE);
    for (unsigned i = 0; i < 8; i++)
        add_page(&m, FREE_PAGE + i, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W, false);
    prepare_sigstruct(&m);
    sign(m.sig);
    cr_assert(is_ok(einit(&m)));
    cr_assert(is_ok(eenter(&m, TCS_PAGE)));
    cr_assert(m.cpu.ssa_pages > 1 && m.cpu.ssa_pages < 4);
    interrupt(&m);
    cr_assert(is_ok(eenter(&m, TCS_PAGE)));

    for (size_t i = 0; i < 3; i++)
        epcm_of(&m, FREE_PAGE + order[i])->pending = true;
    for (size_t i = 0; i < 3; i++) {
        cr_expect(is_pf(enclu(&m, SGX_EDECCSSA), linear_of(FREE_PAGE + order[i]), USER_WRITE));
        epcm_of(&m, FREE_PAGE + order[i])->pending = false;
    }
    cr_expect(is_ok(enclu(&m, SGX_EDECCSSA)));
    cr_expect_eq(m.cpu.ssa_xsave_frame[0], frame_of(FREE_PAGE));
    cr_expect_eq(m.cpu.ssa_xsave_frame[1], frame_of(FREE_PAGE + 1));
    cr_expect_eq(m.cpu.ssa_gpr_frame, frame_of(FREE_PAGE + 3));
    machine_halt(&m);
}

Test(deccssa, only_the_current_frame_changes)
{
    struct machine m;
    struct snapshot *before;
    struct cpu_regs regs;

    enter(&m);
    m.cpu.r.rflags |= 0x8d5;
    m.cpu.r.rax = SGX_EDECCSSA;
    regs = m.cpu.r;
    regs.rip += 3;
    before = snapshot_take(&m);
    cr_expect(is_ok(cpu_enclu(&m.cpu)));
    cr_expect_eq(memcmp(&m.cpu.r, &regs, sizeof regs), 0);
    cr_expect_eq(m.cpu.ssa_gpr_frame, frame_of(SSA_PAGE));
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 0);

    m.cpu.ssa_gpr_frame = frame_of(SSA_PAGE + 1);
    m.cpu.ssa_xsave_frame[0] = frame_of(SSA_PAGE + 1);
    tcs_of(&m, TCS_PAGE)->cssa = 1;
    cr_expect(snapshot_same_but_registers(before, &m));
    snapshot_free(before);
    machine_halt(&m);
}

Test(deccssa, the_next_exit_fills_the_lower_frame_and_takes_its_outside_stack)
{
    struct machine m;

    enter(&m);
    gpr_of(&m, SSA_PAGE)->ursp = 0x7000;
    gpr_of(&m, SSA_PAGE)->urbp = 0x8000;
    m.cpu.r.r13 = 0x1313;
    cr_expect(is_ok(enclu(&m, SGX_EDECCSSA)));
    interrupt(&m);
    cr_expect_eq(gpr_of(&m, SSA_PAGE)->r13, 0x1313);
    cr_expect_eq(m.cpu.r.rsp, 0x7000);
    cr_expect_eq(m.cpu.r.rbp, 0x8000);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 1);
    machine_halt(&m);
}

Test(deccssa, a_processor_without_it_has_no_such_leaf)
{
    struct machine m;
    struct snapshot *before;

    enter(&m);
    m.features.edeccssa = false;
    m.cpu.r.rax = SGX_EDECCSSA;
    before = snapshot_take(&m);
    cr_expect(is_gp(cpu_enclu(&m.cpu)));
    cr_expect(snapshot_same(before, &m));
    snapshot_free(before);
    machine_halt(&m);
}
