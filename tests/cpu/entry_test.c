/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks that EENTER and ERESUME share, of each; what either does when they hold is in
 * enter_test.c and resume_test.c.
 */
#include <criterion/criterion.h>

#include "checks.h"

#define TCS tcs_of(m, TCS_PAGE)
#define FAR (UINT64_C(1) << 60) /* takes any address out of the canonical range */

COMMIT(rbx_misaligned, m->cpu.r.rbx |= 0x800)
COMMIT(rbx_far, m->cpu.r.rbx |= FAR)
COMMIT_PAGE(rbx, TCS_PAGE)
COMMIT(rbx_is_reg, epcm_of(m, TCS_PAGE)->pt = SGX_PT_REG)
COMMIT(rbx_is_trim, epcm_of(m, TCS_PAGE)->pt = SGX_PT_TRIM)
COMMIT(aep_far, m->cpu.r.rcx = FAR)
COMMIT(ossa, TCS->ossa |= 8)
COMMIT(ofsbase, TCS->ofsbase |= 0x800)
COMMIT(ogsbase, TCS->ogsbase |= 1)
COMMIT(flags, TCS->flags |= 4)
COMMIT(building, m->state.measuring_done = false)
COMMIT(mode32, secs_of(m)->attributes.flags &= ~SGX_ATTR_MODE64BIT)
COMMIT(xcr0, m->features.xfrm &= ~SGX_XFRM_AVX)
COMMIT(notify_thread, TCS->flags |= SGX_TCS_AEXNOTIFY)
COMMIT(ofsbase_far, TCS->ofsbase |= FAR)
COMMIT(ogsbase_far, TCS->ogsbase |= FAR)
COMMIT(oentry_far, TCS->oentry |= FAR)
COMMIT(active, TCS->state = SGX_TCS_ACTIVE)
COMMIT(no_free_frame, TCS->cssa = TCS->nssa)
COMMIT(no_used_frame, TCS->cssa = 0)
COMMIT_PAGE(xsave, SSA_PAGE)
COMMIT_PAGE(gpr, SSA_PAGE + 1)

#define TCS_PF(name, commit) PF(name, commit, RBX, 0, USER_WRITE)

/* The page of the TCS decides which enclave is entered: there is no owner to compare with. */
#define TCS_EPCM_ROWS                                                                              \
    TCS_PF("TCS page not valid", rbx_invalid), TCS_PF("TCS page of another type", rbx_retyped),    \
        TCS_PF("TCS page of another address", rbx_misplaced),                                      \
        TCS_PF("TCS page blocked", rbx_blocked), TCS_PF("TCS page pending", rbx_pending),          \
        TCS_PF("TCS page modified", rbx_modified)

/* Checks of the TCS; 5 in the manual's list decides on the page, the rest is all #GP. */
#define TCS_ROWS                                                                                   \
    GP("TCS misaligned", rbx_misaligned), GP("TCS not canonical", rbx_far),                        \
        WRITE_ROWS(rbx, RBX, 0), GP("AEP not canonical", aep_far), TCS_EPCM_ROWS,                  \
        TCS_PF("an ordinary page", rbx_is_reg), TCS_PF("a trimmed page", rbx_is_trim),             \
        GP("OSSA misaligned", ossa), GP("OFSBASE misaligned", ofsbase),                            \
        GP("OGSBASE misaligned", ogsbase), GP("reserved flag in the TCS", flags),                  \
        GP("enclave not initialised", building), GP("a 32-bit enclave", mode32),                   \
        GP("XFRM beyond XCR0", xcr0),                                                              \
        GP("AEXNOTIFY for the thread, not for the enclave", notify_thread)

/* Frames of two pages: the image in the first, the registers in the second. */
#define SSA_PAGE_ROWS(reg, offset)                                                                 \
    WRITE_ROWS(reg, RBX, offset), WRITABLE_ROWS(reg, RBX, offset),                                 \
        PF(#reg " page not readable", reg##_unreadable, RBX, offset, USER_WRITE)

static const struct violation eenter_violations[] = {
    TCS_ROWS,
    GP("FS base not canonical", ofsbase_far),
    GP("GS base not canonical", ogsbase_far),
    GP("no free SSA frame", no_free_frame),
    SSA_PAGE_ROWS(xsave, PAGE),
    SSA_PAGE_ROWS(gpr, 2 * PAGE),
    GP("entry point not canonical", oentry_far),
    GP("TCS active", active),
};

static void start(struct machine *m)
{
    machine_boot(m);
    m->secs.ssa_frame_size = 2;
    machine_start(m);
    host_registers(m, TCS_PAGE);
}

Test(entry, every_check_of_eenter_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    start(&m);
    ENCLU_CHECKS_HOLD(&m, SGX_EENTER, eenter_violations);
    machine_halt(&m);
}

#define GPR    ((struct sgx_gprsgx *)((uint8_t *)content_of(m, SSA_PAGE + 1) + 4096 - 184))
#define HEADER ((uint64_t *)((uint8_t *)content_of(m, SSA_PAGE) + 512))

COMMIT(rip_far, GPR->rip = FAR)
COMMIT(fsbase_far, GPR->fsbase = FAR)
COMMIT(gsbase_far, GPR->gsbase = FAR)
COMMIT(foreign_component, HEADER[0] = SGX_XFRM_PKRU)
COMMIT(compacted, HEADER[1] = UINT64_C(1) << 63)
COMMIT(header_reserved, HEADER[2] = 1)
COMMIT(mxcsr, ((uint32_t *)content_of(m, SSA_PAGE))[6] = 0x10000)

static const struct violation eresume_violations[] = {
    TCS_ROWS,
    GP("no used SSA frame", no_used_frame),
    SSA_PAGE_ROWS(xsave, PAGE),
    SSA_PAGE_ROWS(gpr, 2 * PAGE),
    GP("RIP not canonical", rip_far),
    GP("FS base not canonical", fsbase_far),
    GP("GS base not canonical", gsbase_far),
    GP("TCS active", active),
    GP("image with components outside XFRM", foreign_component),
    GP("image in compacted format", compacted),
    GP("image with reserved header bytes", header_reserved),
    GP("image with reserved bits of MXCSR", mxcsr),
};

Test(entry, every_check_of_eresume_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    start(&m);
    cr_assert(is_ok(eenter(&m, TCS_PAGE)));
    interrupt(&m);
    host_registers(&m, TCS_PAGE);
    ENCLU_CHECKS_HOLD(&m, SGX_ERESUME, eresume_violations);
    machine_halt(&m);
}

Test(entry, a_tcs_must_ask_for_notification_as_its_enclave_does)
{
    struct machine m;

    machine_boot(&m);
    m.secs.attributes.flags |= SGX_ATTR_AEXNOTIFY;
    machine_start(&m);
    tcs_of(&m, TCS_PAGE)->flags = 0;
    cr_expect(is_gp(eenter(&m, TCS_PAGE)));
    tcs_of(&m, TCS_PAGE)->flags = SGX_TCS_DBGOPTIN; /* debuggers are free to choose */
    cr_expect(is_ok(eenter(&m, TCS_PAGE)));
    cr_expect(is_ok(eexit(&m)));
    tcs_of(&m, TCS_PAGE)->flags = SGX_TCS_AEXNOTIFY;
    cr_expect(is_ok(eenter(&m, TCS_PAGE)));
    machine_halt(&m);
}

Test(entry, without_the_feature_notification_is_a_reserved_flag)
{
    struct machine m;

    start(&m);
    tcs_of(&m, TCS_PAGE)->flags = SGX_TCS_DBGOPTIN | SGX_TCS_AEXNOTIFY;
    cr_expect(is_ok(eenter(&m, TCS_PAGE)));
    cr_expect(is_ok(eexit(&m)));
    m.features.attributes &= ~SGX_ATTR_AEXNOTIFY;
    cr_expect(is_gp(eenter(&m, TCS_PAGE)));
    machine_halt(&m);
}

Test(entry, any_address_outside_the_epc_is_no_tcs)
{
    struct machine m;

    start(&m);
    m.cpu.r.rbx = UINT64_C(0x400000);
    cr_expect(is_pf(enclu(&m, SGX_EENTER), 0x400000, USER_WRITE));
    machine_halt(&m);
}

Test(entry, a_lost_enclave_faults_at_its_tcs)
{
    struct machine m;

    start(&m);
    for (unsigned frame = 0; frame < FRAMES; frame++)
        m.epc.epcm[frame] = (struct epcm){0};
    cr_expect(is_pf(eenter(&m, TCS_PAGE), linear_of(TCS_PAGE), USER_WRITE));
    machine_halt(&m);
}
