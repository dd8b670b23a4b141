/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

#define RIP_INSIDE (linear_of(CODE_PAGE) + 0x77)

static void enter(struct machine *m, uint32_t miscselect)
{
    machine_boot(m);
    m->secs.miscselect = miscselect;
    machine_enter(m);
    for (unsigned i = 0; i < 16; i++)
        (&m->cpu.r.rax)[i] = UINT64_C(0x0101010101010101) * i + 3;
    m->cpu.r.rip = RIP_INSIDE;
    m->cpu.r.rflags = 0x246;
}

static struct event exception(uint8_t vector)
{
    return (struct event){.vector = vector, .reported = true, .fault = true};
}

Test(aex, the_registers_go_into_the_frame)
{
    struct machine m;
    struct cpu_regs before;
    const struct sgx_gprsgx *gpr;

    enter(&m, 0);
    m.cpu.r.fsbase = 0x1234;
    m.cpu.r.gsbase = 0x5678;
    before = m.cpu.r;
    interrupt(&m);
    gpr = gpr_of(&m, SSA_PAGE);
    cr_expect_eq(gpr->rax, before.rax);
    cr_expect_eq(gpr->rcx, before.rcx);
    cr_expect_eq(gpr->rdx, before.rdx);
    cr_expect_eq(gpr->rbx, before.rbx);
    cr_expect_eq(gpr->rsp, before.rsp);
    cr_expect_eq(gpr->rbp, before.rbp);
    cr_expect_eq(gpr->rsi, before.rsi);
    cr_expect_eq(gpr->rdi, before.rdi);
    cr_expect_arr_eq(&gpr->r8, &before.r8, 8 * 8);
    cr_expect_eq(gpr->rip, RIP_INSIDE);
    cr_expect_eq(gpr->rflags, 0x246);
    cr_expect_eq(gpr->fsbase, 0x1234);
    cr_expect_eq(gpr->gsbase, 0x5678);
    cr_expect_eq(gpr->ursp, HOST_RSP);
    cr_expect_eq(gpr->urbp, HOST_RBP);
    machine_halt(&m);
}

Test(aex, the_outside_sees_only_what_it_needs_to_resume)
{
    struct machine m;
    struct cpu_regs want = {
        .rax = SGX_ERESUME,
        .rbx = linear_of(TCS_PAGE),
        .rcx = AEP,
        .rsp = HOST_RSP,
        .rbp = HOST_RBP,
        .rip = AEP,
        .fsbase = HOST_FS,
        .gsbase = HOST_GS,
        .rflags = 0x240602, /* ID AC DF IF stay as the enclave had them */
    };

    enter(&m, 0);
    m.cpu.r.rflags = 0x240602 | 0x108d5; /* RF and the status flags go */
    interrupt(&m);
    cr_expect_eq(memcmp(&m.cpu.r, &want, sizeof want), 0);
    machine_halt(&m);
}

Test(aex, the_thread_is_out_and_one_frame_is_used)
{
    struct machine m;

    enter(&m, 0);
    interrupt(&m);
    cr_expect_not(m.cpu.enclave_mode);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->cssa, 1);
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->state, SGX_TCS_INACTIVE);
    cr_expect(m.state.active == 0 && m.state.inside[0] == 0);
    machine_halt(&m);
}

Test(aex, the_enclave_may_direct_the_outside_stack)
{
    struct machine m;

    enter(&m, 0);
    gpr_of(&m, SSA_PAGE)->ursp = 0x7000;
    gpr_of(&m, SSA_PAGE)->urbp = 0x8000;
    interrupt(&m);
    cr_expect_eq(m.cpu.r.rsp, 0x7000);
    cr_expect_eq(m.cpu.r.rbp, 0x8000);
    machine_halt(&m);
}

Test(aex, a_fault_saves_rf_and_nothing_saves_tf)
{
    struct machine m;
    struct event trap = {.vector = SGX_VECTOR_DB, .reported = true}, fault = exception(6);

    enter(&m, 0);
    m.cpu.r.rflags |= 0x100;
    cpu_aex(&m.cpu, &fault);
    cr_expect_eq(gpr_of(&m, SSA_PAGE)->rflags, 0x10246);
    cr_expect_eq(m.cpu.r.rflags & 0x10100, 0);
    machine_halt(&m);

    enter(&m, 0);
    cpu_aex(&m.cpu, &trap);
    cr_expect_eq(gpr_of(&m, SSA_PAGE)->rflags, 0x246);
    machine_halt(&m);
}

Test(aex, the_hosts_single_step_is_back_after_an_opt_out_entry)
{
    struct machine m;

    enter(&m, 0);
    m.cpu.host_tf = true;
    interrupt(&m);
    cr_expect(m.cpu.r.rflags & 0x100);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ EXITINFO */

Test(aex, every_vector_is_reported_as_the_manual_says)
{
    static const uint8_t always[] = {0, 1, 3, 5, 6, 16, 17, 19};
    struct machine m;
    struct snapshot *inside;

    for (uint32_t misc = 0; misc <= SGX_MISC_EXINFO; misc++) {
        enter(&m, misc);
        inside = snapshot_take(&m);
        for (unsigned vector = 0; vector < 256; vector++) {
            struct event event = exception((uint8_t)vector);
            bool reported = misc && (vector == 13 || vector == 14);

            for (size_t i = 0; i < sizeof always; i++)
                reported |= vector == always[i];
            event.errcd = SGX_PFEC_U;
            gpr_of(&m, SSA_PAGE)->exitinfo = 0xffffffff;
            cpu_aex(&m.cpu, &event);
            cr_expect_eq(gpr_of(&m, SSA_PAGE)->exitinfo,
                         reported ? UINT32_C(0x80000300) | vector : 0, "vector %u, misc %u", vector,
                         misc);
            snapshot_restore(inside, &m);
        }
        snapshot_free(inside);
        machine_halt(&m);
    }
}

Test(aex, an_interrupt_with_the_number_of_an_exception_is_not_reported)
{
    struct machine m;

    enter(&m, SGX_MISC_EXINFO);
    memset(exinfo_of(&m, SSA_PAGE), 0x77, 16);
    cpu_aex(&m.cpu, &(struct event){.vector = SGX_VECTOR_PF, .errcd = SGX_PFEC_U, .addr = 1});
    cr_expect_eq(gpr_of(&m, SSA_PAGE)->exitinfo, 0);
    cr_expect_eq(exinfo_of(&m, SSA_PAGE)->errcd, 0x77777777);
    machine_halt(&m);
}

Test(aex, a_breakpoint_is_a_software_exception)
{
    struct machine m;

    enter(&m, 0);
    cpu_aex(&m.cpu, &(struct event){.vector = SGX_VECTOR_BP, .reported = true, .software = true});
    cr_expect_eq(gpr_of(&m, SSA_PAGE)->exitinfo, 0x80000603);
    machine_halt(&m);
}

Test(aex, a_page_fault_tells_address_and_code_if_the_enclave_chose_so)
{
    struct machine m;
    struct event event = exception(SGX_VECTOR_PF);

    event.addr = linear_of(CODE_PAGE) + 0xabc;
    event.errcd = 0x8007;
    enter(&m, SGX_MISC_EXINFO);
    memset(exinfo_of(&m, SSA_PAGE), 0x77, 16);
    cpu_aex(&m.cpu, &event);
    cr_expect_eq(exinfo_of(&m, SSA_PAGE)->maddr, linear_of(CODE_PAGE) + 0xabc);
    cr_expect_eq(exinfo_of(&m, SSA_PAGE)->errcd, 0x8007);
    cr_expect_eq(exinfo_of(&m, SSA_PAGE)->reserved, 0);
    machine_halt(&m);

    enter(&m, 0);
    memset(exinfo_of(&m, SSA_PAGE), 0x77, 16);
    cpu_aex(&m.cpu, &event);
    cr_expect_eq(exinfo_of(&m, SSA_PAGE)->errcd, 0x77777777);
    machine_halt(&m);
}

Test(aex, a_general_protection_fault_has_no_address)
{
    struct machine m;
    struct event event = exception(SGX_VECTOR_GP);

    event.addr = 0x1234;
    event.errcd = 8;
    enter(&m, SGX_MISC_EXINFO);
    cpu_aex(&m.cpu, &event);
    cr_expect_eq(exinfo_of(&m, SSA_PAGE)->maddr, 0);
    cr_expect_eq(exinfo_of(&m, SSA_PAGE)->errcd, 8);
    machine_halt(&m);
}

Test(aex, a_supervisors_page_fault_is_none_of_the_enclaves_business)
{
    struct machine m;
    struct event event = exception(SGX_VECTOR_PF);

    event.addr = 0x1234;
    event.errcd = SGX_PFEC_P | SGX_PFEC_W;
    enter(&m, SGX_MISC_EXINFO);
    memset(exinfo_of(&m, SSA_PAGE), 0x77, 16);
    cpu_aex(&m.cpu, &event);
    cr_expect_eq(gpr_of(&m, SSA_PAGE)->exitinfo, 0);
    cr_expect_eq(exinfo_of(&m, SSA_PAGE)->errcd, 0x77777777);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ extended state */

static uint64_t word(const struct machine *m, size_t offset, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, m->cpu.xsave + offset, size);
    return value;
}

Test(aex, extended_state_goes_into_the_frame_and_leaves_initial_state)
{
    struct machine m;
    uint64_t bv = 0x207;
    const uint8_t *frame;

    enter(&m, 0);
    memcpy(m.cpu.xsave + 512, &bv, 8);
    memset(m.cpu.xsave + 160, 0x42, 256);
    interrupt(&m);
    frame = content_of(&m, SSA_PAGE);
    cr_expect_eq(frame[160], 0x42);
    cr_expect_eq(frame[512], 7);
    cr_expect_eq(word(&m, 160, 8), 0);
    cr_expect_eq(word(&m, 512, 8), 0x200);
    cr_expect_eq(word(&m, 24, 4), 0x1fb0);
    machine_halt(&m);
}

Test(aex, only_a_real_floating_point_exception_shows_in_the_outside_state)
{
    struct machine m;
    struct event mf = exception(SGX_VECTOR_MF), xm = exception(SGX_VECTOR_XM);

    enter(&m, 0);
    cpu_aex(&m.cpu, &mf);
    cr_expect_eq(word(&m, 0, 4), 0x8081037e);
    machine_halt(&m);
    enter(&m, 0);
    cpu_aex(&m.cpu, &xm);
    cr_expect_eq(word(&m, 24, 4), 0x1f01);
    machine_halt(&m);
    enter(&m, 0);
    xm.reported = false;
    cpu_aex(&m.cpu, &xm);
    cr_expect_eq(word(&m, 24, 4), 0x1fb0);
    machine_halt(&m);
}
