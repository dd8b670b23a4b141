/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/track.h"

#include <criterion/criterion.h>

#include "checks.h"

static struct outcome run(struct machine *m)
{
    return cpu_etrack(&m->epc, m->cpu.r.rcx);
}

COMMIT(misaligned, m->cpu.r.rcx |= 0x800)
COMMIT(beyond, m->cpu.r.rcx += (uint64_t)FRAMES * PAGE)
COMMIT(invalid, m->epc.epcm[SECS_FRAME].valid = false)
COMMIT(not_secs, m->epc.epcm[SECS_FRAME].pt = SGX_PT_VA)
COMMIT(incomplete, m->state.inside[(m->state.epoch + 1) % EPOCH_SLOTS] = 1)

static const struct violation violations[] = {
    GP("misaligned", misaligned),
    PF("beyond the EPC", beyond, RCX, 0, KERNEL),
    PF("page not valid", invalid, RCX, 0, KERNEL),
    PF("page no SECS", not_secs, RCX, 0, KERNEL),
    CODE("previous cycle incomplete", incomplete, SGX_PREV_TRK_INCMPL),
};

Test(track, every_check_of_etrack_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    m.cpu.r.rcx = epc_address(&m.epc, SECS_FRAME);
    CHECKS_HOLD(&m, run, violations);
    machine_halt(&m);
}

Test(track, a_second_cycle_waits_for_those_who_entered_before_the_first)
{
    struct enclave_state state = {0};
    struct epc epc = {.state = &state};
    uint64_t a = cpu_track_join(&state), b;

    cr_expect_not(cpu_tracking_incomplete(&epc));
    state.epoch++;
    cr_expect(cpu_tracking_incomplete(&epc));
    b = cpu_track_join(&state);
    cr_expect_eq(state.active, 2);
    cpu_track_leave(&state, a);
    cr_expect_not(cpu_tracking_incomplete(&epc));
    state.epoch++;
    cr_expect(cpu_tracking_incomplete(&epc));
    cpu_track_leave(&state, b);
    cr_expect_not(cpu_tracking_incomplete(&epc));
    cr_expect_eq(state.active, 0);
}

Test(track, a_page_settles_when_its_epoch_is_over_and_empty)
{
    struct enclave_state state = {.epoch = 40};
    struct epcm page = {.tracked = true};
    uint64_t before, after;

    cr_expect(cpu_track_settled(&state, &page));
    before = cpu_track_join(&state);
    cpu_track_stamp(&state, &page);
    cr_expect_not(cpu_track_settled(&state, &page));
    state.epoch++;
    cr_expect_not(cpu_track_settled(&state, &page));
    after = cpu_track_join(&state);
    cpu_track_leave(&state, before);
    cr_expect(cpu_track_settled(&state, &page)); /* who entered later does not matter */
    state.epoch++;
    cr_expect(cpu_track_settled(&state, &page));
    cpu_track_leave(&state, after);
}

Test(track, without_etrack_a_page_never_settles)
{
    struct enclave_state state = {0};
    struct epcm page = {0};

    cpu_track_stamp(&state, &page);
    cr_expect_not(cpu_track_settled(&state, &page)); /* although nobody is inside */
}

Test(track, those_in_the_slot_that_the_stamp_shares_do_not_count)
{
    struct enclave_state state = {.epoch = 10};
    struct epcm page = {0};

    cpu_track_stamp(&state, &page);
    state.epoch = 12;
    cpu_track_join(&state); /* slot 12 % 2, as 10 % 2 */
    cr_expect(cpu_track_settled(&state, &page));
}

/* ------------------------------------------------------------------ with a processor */

#define RESTRICTED (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR)

Test(track, a_thread_that_stayed_inside_cannot_accept)
{
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    restrict_page(&m, DATA2_PAGE, SGX_SECINFO_R);
    cr_expect(is_code(eaccept(&m, DATA2_PAGE, RESTRICTED), SGX_NOT_TRACKED));
    etrack(&m);
    cr_expect(is_code(eaccept(&m, DATA2_PAGE, RESTRICTED), SGX_NOT_TRACKED));
    m.cpu.r.rcx = epc_address(&m.epc, SECS_FRAME);
    cr_expect(is_code(run(&m), SGX_PREV_TRK_INCMPL));
    interrupt(&m);
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect(is_ok(eaccept(&m, DATA2_PAGE, RESTRICTED)));
    machine_halt(&m);
}

Test(track, an_exit_and_a_new_entry_settle_as_well)
{
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    restrict_page(&m, DATA2_PAGE, SGX_SECINFO_R);
    etrack(&m);
    cr_expect(is_ok(eexit(&m)));
    cr_expect(is_ok(eenter(&m, TCS_PAGE)));
    cr_expect(is_ok(eaccept(&m, DATA2_PAGE, RESTRICTED)));
    machine_halt(&m);
}

Test(track, a_page_added_by_eaug_needs_no_tracking)
{
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    augment_page(&m, FREE_PAGE);
    cr_expect(is_ok(eaccept(&m, FREE_PAGE, 0x20b)));
    machine_halt(&m);
}

Test(track, another_thread_inside_holds_up_acceptance)
{
    struct machine m;
    struct cpu other;

    machine_boot(&m);
    machine_enter(&m);
    other = m.cpu; /* the first thread stays where it is */
    m.cpu.enclave_mode = false;
    restrict_page(&m, DATA2_PAGE, SGX_SECINFO_R);
    etrack(&m);
    cr_expect(is_ok(eenter(&m, TCS2_PAGE)));
    cr_expect_eq(m.state.active, 2);
    cr_expect(is_code(eaccept(&m, DATA2_PAGE, RESTRICTED), SGX_NOT_TRACKED));
    cpu_aex(&other, &(struct event){.vector = 0x20});
    cr_expect(is_ok(eaccept(&m, DATA2_PAGE, RESTRICTED)));
    machine_halt(&m);
}
