/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

#define REG_RW        (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W)
#define PENDING       (REG_RW | SGX_SECINFO_PENDING)
#define SECINFO_OF(m) ((struct sgx_secinfo *)content_of(m, DATA_PAGE))
#define SECINFO       SECINFO_OF(m)

/* SECINFO lies in DATA_PAGE, and RBX points there. */
COMMIT_REGISTER(rbx)
COMMIT_PAGE(rbx, DATA_PAGE)
COMMIT(secinfo_flag, SECINFO->flags |= 0x40)
COMMIT(secinfo_byte, SECINFO->reserved[20] = 1)

/* The target is FREE_PAGE, and RCX points there. */
COMMIT_REGISTER(rcx)
COMMIT_PAGE(rcx, FREE_PAGE)
COMMIT(rcx_not_pending, epcm_of(m, FREE_PAGE)->pending = false)
COMMIT(rcx_executable, epcm_of(m, FREE_PAGE)->x = true)
COMMIT(rcx_trimmed, epcm_of(m, FREE_PAGE)->pt = SGX_PT_TRIM)

static struct outcome run_eaccept(struct machine *m)
{
    return enclu(m, SGX_EACCEPT);
}

/* ------------------------------------------------------------------ EACCEPT of a fresh page */

COMMIT(want_modified_reg, SECINFO->flags |= SGX_SECINFO_MODIFIED)
COMMIT(want_nothing, SECINFO->flags &= ~SGX_SECINFO_PENDING)
COMMIT(want_secs, SECINFO->flags &= ~SGX_SECINFO_PT_MASK)
COMMIT(untracked, epcm_of(m, FREE_PAGE)->tracked = false;
       epcm_of(m, FREE_PAGE)->epoch = m->state.epoch)

static const struct violation eaccept_violations[] = {
    RANGE_ROWS(rbx),
    READ_ROWS(rbx, RBX, 0),
    READABLE_ROWS(rbx, RBX, 0),
    GP("reserved flag in SECINFO", secinfo_flag),
    GP("reserved byte in SECINFO", secinfo_byte),
    RANGE_ROWS(rcx),
    READ_ROWS(rcx, RCX, 0),
    GP("SECINFO wants a modified REG page", want_modified_reg),
    GP("SECINFO wants neither PENDING nor PR", want_nothing),
    GP("SECINFO wants a SECS", want_secs),
    PF("target not valid", rcx_invalid, RCX, 0, USER_READ),
    PF("target of another enclave", rcx_foreign, RCX, 0, USER_READ),
    PF("target blocked", rcx_blocked, RCX, 0, USER_READ),
    PF("target of a type that is never accepted", rcx_retyped, RCX, 0, USER_READ),
    CODE("target of another address", rcx_misplaced, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target accepted already", rcx_not_pending, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target modified", rcx_modified, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target without R", rcx_unreadable, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target without W", rcx_unwritable, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target with X", rcx_executable, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target trimmed", rcx_trimmed, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("tracking incomplete", untracked, SGX_NOT_TRACKED),
};

static void enter_with_fresh_page(struct machine *m, uint64_t flags)
{
    machine_boot(m);
    machine_enter(m);
    augment_page(m, FREE_PAGE);
    put_secinfo(m, flags);
    m->cpu.r.rcx = linear_of(FREE_PAGE);
    m->cpu.r.rdx = linear_of(DATA2_PAGE);
}

Test(accept, every_check_of_eaccept_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    enter_with_fresh_page(&m, PENDING);
    ENCLU_CHECKS_HOLD(&m, SGX_EACCEPT, eaccept_violations);
    machine_halt(&m);
}

Test(accept, only_two_kinds_of_request_exist)
{
    struct machine m;
    struct snapshot *ready;

    enter_with_fresh_page(&m, PENDING);
    ready = snapshot_take(&m);
    for (uint64_t type = 0; type < 8; type++) {
        for (uint64_t state = 0; state < 64; state += 8) {
            bool reg = type == SGX_PT_REG && state != 0 && !(state & SGX_SECINFO_MODIFIED);
            bool retyped =
                (type == SGX_PT_TCS || type == SGX_PT_TRIM) && state == SGX_SECINFO_MODIFIED;

            SECINFO_OF(&m)->flags = SGX_SECINFO_PT(type) | state;
            cr_expect_eq(run_eaccept(&m).kind, reg || retyped ? LEAF_DONE : LEAF_GP,
                         "type %d state 0x%x", (int)type, (unsigned)state);
            snapshot_restore(ready, &m);
        }
    }
    snapshot_free(ready);
    machine_halt(&m);
}

Test(accept, an_accepted_page_is_usable_and_cannot_be_accepted_again)
{
    struct machine m;

    enter_with_fresh_page(&m, PENDING);
    cr_expect_eq(cpu_epcm_effective(epcm_of(&m, FREE_PAGE)), 0);
    cr_expect(is_ok(eaccept(&m, FREE_PAGE, PENDING)));
    cr_expect_eq(cpu_epcm_effective(epcm_of(&m, FREE_PAGE)), 3);
    cr_expect(is_code(eaccept(&m, FREE_PAGE, PENDING), SGX_PAGE_ATTRIBUTES_MISMATCH));
    machine_halt(&m);
}

/* After EMODPR: the thread leaves, and comes back in the new epoch. */
static void settle(struct machine *m)
{
    etrack(m);
    interrupt(m);
    cr_assert(is_ok(eresume(m, TCS_PAGE)));
}

Test(accept, a_restriction_counts_only_as_it_really_is)
{
    struct machine m;

    enter_with_fresh_page(&m, PENDING);
    restrict_page(&m, DATA2_PAGE, SGX_SECINFO_R);
    settle(&m);
    cr_expect(
        is_code(eaccept(&m, DATA2_PAGE, REG_RW | SGX_SECINFO_PR), SGX_PAGE_ATTRIBUTES_MISMATCH));
    cr_expect(is_ok(eaccept(&m, DATA2_PAGE, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR)));
    cr_expect_not(epcm_of(&m, DATA2_PAGE)->pr);
    cr_expect(epcm_of(&m, DATA2_PAGE)->tracked);
    /* PR is not compared: once more succeeds, and changes nothing. */
    cr_expect(is_ok(eaccept(&m, DATA2_PAGE, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR)));
    machine_halt(&m);
}

Test(accept, a_trimmed_page_is_accepted_once_and_as_such)
{
    struct machine m;

    enter_with_fresh_page(&m, PENDING);
    retype_page(&m, DATA2_PAGE, SGX_PT_TRIM);
    settle(&m);
    cr_expect(is_code(eaccept(&m, DATA2_PAGE, SGX_SECINFO_REG | SGX_SECINFO_PR),
                      SGX_PAGE_ATTRIBUTES_MISMATCH));
    cr_expect(is_code(eaccept(&m, DATA2_PAGE, SGX_SECINFO_TCS | SGX_SECINFO_MODIFIED),
                      SGX_PAGE_ATTRIBUTES_MISMATCH));
    cr_expect(is_ok(eaccept(&m, DATA2_PAGE, SGX_SECINFO_TRIM | SGX_SECINFO_MODIFIED)));
    cr_expect(is_code(eaccept(&m, DATA2_PAGE, SGX_SECINFO_TRIM | SGX_SECINFO_MODIFIED),
                      SGX_PAGE_ATTRIBUTES_MISMATCH));
    machine_halt(&m);
}

/* ------------------------------------------------------------------ EACCEPT of a TCS */

#define NEW_TCS tcs_of(m, FREE_PAGE)

COMMIT(tcs_reserved, NEW_TCS->reserved[4000] = 1)
COMMIT(tcs_ocetssa, NEW_TCS->ocetssa = 16)
COMMIT(tcs_prevssp, NEW_TCS->prevssp = 16)
COMMIT(tcs_debug, NEW_TCS->flags |= SGX_TCS_DBGOPTIN)
COMMIT(tcs_cssa, NEW_TCS->cssa = NEW_TCS->nssa)
COMMIT(tcs_aep, NEW_TCS->aep = AEP)
COMMIT(tcs_active, NEW_TCS->state = SGX_TCS_ACTIVE)

static const struct violation tcs_violations[] = {
    PF("target blocked", rcx_blocked, RCX, 0, USER_READ),
    CODE("target of another address", rcx_misplaced, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target pending", rcx_pending, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("tracking incomplete", untracked, SGX_NOT_TRACKED),
    GP("reserved byte", tcs_reserved),
    GP("CET save area", tcs_ocetssa),
    GP("shadow stack", tcs_prevssp),
    GP("DBGOPTIN", tcs_debug),
    GP("CSSA beyond NSSA", tcs_cssa),
    GP("AEP", tcs_aep),
    GP("active", tcs_active),
};

static void enter_with_new_tcs(struct machine *m)
{
    enter_with_fresh_page(m, PENDING);
    cr_assert(is_ok(run_eaccept(m)));
    *tcs_of(m, FREE_PAGE) = (struct sgx_tcs){.ossa = SSA2_PAGE * PAGE, .nssa = 1, .oentry = ENTRY};
    retype_page(m, FREE_PAGE, SGX_PT_TCS);
    settle(m);
    put_secinfo(m, SGX_SECINFO_TCS | SGX_SECINFO_MODIFIED);
    m->cpu.r.rcx = linear_of(FREE_PAGE);
}

Test(accept, a_new_tcs_must_be_idle_and_well_formed)
{
    struct machine m;

    enter_with_new_tcs(&m);
    ENCLU_CHECKS_HOLD(&m, SGX_EACCEPT, tcs_violations);
    machine_halt(&m);
}

Test(accept, a_new_tcs_can_be_entered_once_accepted)
{
    struct machine m;

    enter_with_new_tcs(&m);
    cr_expect(is_ok(run_eaccept(&m)));
    cr_expect(is_ok(eexit(&m)));
    cr_expect(is_ok(eenter(&m, FREE_PAGE)));
    machine_halt(&m);
}

Test(accept, a_32_bit_enclave_needs_limits_in_its_tcs)
{
    struct machine m;

    enter_with_new_tcs(&m);
    secs_of(&m)->attributes.flags &= ~SGX_ATTR_MODE64BIT;
    cr_expect(is_gp(run_eaccept(&m)));
    tcs_of(&m, FREE_PAGE)->fslimit = tcs_of(&m, FREE_PAGE)->gslimit = 0xffffffff;
    cr_expect(is_ok(run_eaccept(&m)));
    machine_halt(&m);
}

/* ------------------------------------------------------------------ EACCEPTCOPY */

static struct outcome run_copy(struct machine *m)
{
    return enclu(m, SGX_EACCEPTCOPY);
}

/* The source is DATA2_PAGE, and RDX points there. */
COMMIT_REGISTER(rdx)
COMMIT_PAGE(rdx, DATA2_PAGE)
COMMIT(want_write_only, SECINFO->flags = SGX_SECINFO_REG | SGX_SECINFO_W)
COMMIT(want_tcs, SECINFO->flags = SGX_SECINFO_TCS | SGX_SECINFO_R)

static const struct violation copy_violations[] = {
    RANGE_ROWS(rbx),
    RANGE_ROWS(rcx),
    RANGE_ROWS(rdx),
    READ_ROWS(rbx, RBX, 0),
    WRITE_ROWS(rcx, RCX, 0),
    READ_ROWS(rdx, RDX, 0),
    READABLE_ROWS(rbx, RBX, 0),
    GP("reserved flag in SECINFO", secinfo_flag),
    GP("reserved byte in SECINFO", secinfo_byte),
    GP("SECINFO wants W without R", want_write_only),
    GP("SECINFO wants a TCS", want_tcs),
    READABLE_ROWS(rdx, RDX, 0),
    CODE("target not valid", rcx_invalid, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target not pending", rcx_not_pending, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target modified", rcx_modified, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target blocked", rcx_blocked, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target of another type", rcx_retyped, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target of another enclave", rcx_foreign, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target without R", rcx_unreadable, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target without W", rcx_unwritable, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target with X", rcx_executable, SGX_PAGE_ATTRIBUTES_MISMATCH),
    CODE("target of another address", rcx_misplaced, SGX_PAGE_ATTRIBUTES_MISMATCH),
};

Test(accept, every_check_of_eacceptcopy_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    enter_with_fresh_page(&m, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_X);
    ENCLU_CHECKS_HOLD(&m, SGX_EACCEPTCOPY, copy_violations);
    machine_halt(&m);
}

Test(accept, eacceptcopy_fills_the_page_and_gives_exactly_the_permissions)
{
    struct machine m;
    struct snapshot *ready;

    enter_with_fresh_page(&m, 0);
    ready = snapshot_take(&m);
    for (unsigned rwx = 0; rwx < 8; rwx++) {
        if ((rwx & 3) == 2)
            continue;
        /* State bits of SECINFO are not looked at. */
        SECINFO_OF(&m)->flags = SGX_SECINFO_REG | rwx | 0x38;
        cr_expect(is_ok(run_copy(&m)));
        cr_expect_arr_eq(content_of(&m, FREE_PAGE), content_of(&m, DATA2_PAGE), PAGE);
        cr_expect_eq(cpu_epcm_effective(epcm_of(&m, FREE_PAGE)), rwx);
        cr_expect_not(epcm_of(&m, FREE_PAGE)->pending);
        cr_expect(is_code(run_copy(&m), SGX_PAGE_ATTRIBUTES_MISMATCH));
        snapshot_restore(ready, &m);
    }
    snapshot_free(ready);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ EMODPE */

static struct outcome run_extend(struct machine *m)
{
    return enclu(m, SGX_EMODPE);
}

COMMIT(no_read_anywhere, epcm_of(m, FREE_PAGE)->r = epcm_of(m, FREE_PAGE)->w = false;
       SECINFO->flags = SGX_SECINFO_W)

static const struct violation extend_violations[] = {
    RANGE_ROWS(rbx),
    RANGE_ROWS(rcx),
    READ_ROWS(rbx, RBX, 0),
    READ_ROWS(rcx, RCX, 0),
    READABLE_ROWS(rbx, RBX, 0),
    GP("reserved flag in SECINFO", secinfo_flag),
    GP("reserved byte in SECINFO", secinfo_byte),
    EPCM_ROWS(rcx, RCX, 0, USER_READ),
    GP("W without R, there or asked for", no_read_anywhere),
};

static void enter_with_accepted_page(struct machine *m, uint64_t flags)
{
    enter_with_fresh_page(m, PENDING);
    cr_assert(is_ok(run_eaccept(m)));
    put_secinfo(m, flags);
}

Test(accept, every_check_of_emodpe_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    enter_with_accepted_page(&m, SGX_SECINFO_X);
    ENCLU_CHECKS_HOLD(&m, SGX_EMODPE, extend_violations);
    machine_halt(&m);
}

Test(accept, emodpe_gives_and_never_takes_away)
{
    struct machine m;
    struct epcm *entry;

    enter_with_accepted_page(&m, 0);
    entry = epcm_of(&m, FREE_PAGE);
    for (unsigned have = 0; have < 8; have++) {
        for (unsigned ask = 0; ask < 8; ask++) {
            bool write_only = !(have & 1) && (ask & 3) == 2;

            if ((have & 3) == 2)
                continue;
            entry->r = have & 1;
            entry->w = have & 2;
            entry->x = have & 4;
            entry->pr = true; /* allowed meanwhile */
            /* Type and state bits of SECINFO are not looked at. */
            SECINFO_OF(&m)->flags = SGX_SECINFO_TRIM | 0x18 | ask;
            cr_expect(write_only ? is_gp(run_extend(&m)) : is_ok(run_extend(&m)));
            cr_expect_eq(cpu_epcm_effective(entry), write_only ? have : have | ask, "%u and %u",
                         have, ask);
            cr_expect(entry->pr && entry->pt == SGX_PT_REG);
        }
    }
    machine_halt(&m);
}

Test(accept, an_extension_during_a_restriction_shows_at_acceptance)
{
    struct machine m;

    enter_with_accepted_page(&m, SGX_SECINFO_R | SGX_SECINFO_W);
    restrict_page(&m, FREE_PAGE, SGX_SECINFO_R);
    settle(&m);
    put_secinfo(&m, SGX_SECINFO_R | SGX_SECINFO_W);
    m.cpu.r.rcx = linear_of(FREE_PAGE);
    cr_expect(is_ok(run_extend(&m)));
    cr_expect(is_code(eaccept(&m, FREE_PAGE, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR),
                      SGX_PAGE_ATTRIBUTES_MISMATCH));
    machine_halt(&m);
}
