/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

COMMIT(rcx_misaligned, m->cpu.r.rcx |= 0x800)
COMMIT(rcx_beyond, m->cpu.r.rcx += (uint64_t)FRAMES * PAGE)

/* ------------------------------------------------------------------ EPA */

static struct outcome epa(struct machine *m)
{
    return cpu_epa(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx);
}

COMMIT(type_reg, m->cpu.r.rbx = SGX_PT_REG)
COMMIT(type_wide, m->cpu.r.rbx = UINT64_C(1) << 32 | SGX_PT_VA)
COMMIT(frame_in_use, m->epc.epcm[VA_FRAME].valid = true)

static const struct violation epa_violations[] = {
    GP("type REG", type_reg),
    GP("type VA with high bits", type_wide),
    GP("EPC page misaligned", rcx_misaligned),
    PF("beyond the EPC", rcx_beyond, RCX, 0, KERNEL),
    PF("frame in use", frame_in_use, RCX, 0, KERNEL),
};

Test(block, every_check_of_epa_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    machine_boot(&m);
    m.cpu.r.rbx = SGX_PT_VA;
    m.cpu.r.rcx = epc_address(&m.epc, VA_FRAME);
    CHECKS_HOLD(&m, epa, epa_violations);
    machine_halt(&m);
}

Test(block, epa_makes_an_array_of_empty_slots_that_is_nobodys_child)
{
    static const struct epcm want = {.valid = true, .pt = SGX_PT_VA, .tracked = true};
    static const uint8_t zero[PAGE];
    struct machine m;

    machine_boot(&m);
    add_version_array(&m, VA_FRAME);
    cr_expect_eq(memcmp(&m.epc.epcm[VA_FRAME], &want, sizeof want), 0);
    cr_expect_arr_eq(epc_frame(&m.epc, VA_FRAME), zero, PAGE);
    cr_expect_eq(m.state.children, 0);
    machine_halt(&m);
}

Test(block, a_version_array_may_be_removed_at_any_time)
{
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    add_version_array(&m, VA_FRAME);
    cr_expect(is_ok(cpu_eremove(&m.epc, epc_address(&m.epc, VA_FRAME))));
    cr_expect_not(m.epc.epcm[VA_FRAME].valid);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ EBLOCK */

static struct outcome eblock(struct machine *m)
{
    return cpu_eblock(&m->epc, m->cpu.r.rcx);
}

COMMIT(invalid, epcm_of(m, DATA_PAGE)->valid = false)
COMMIT(is_secs, epcm_of(m, DATA_PAGE)->pt = SGX_PT_SECS)
COMMIT(is_va, epcm_of(m, DATA_PAGE)->pt = SGX_PT_VA)
COMMIT(blocked, epcm_of(m, DATA_PAGE)->blocked = true)

static const struct violation eblock_violations[] = {
    GP("EPC page misaligned", rcx_misaligned),
    PF("beyond the EPC", rcx_beyond, RCX, 0, KERNEL),
    CODE("page not valid", invalid, SGX_PG_INVLD),
    CARRY("page a SECS", is_secs, SGX_PG_IS_SECS),
    CARRY("page a version array", is_va, SGX_NOTBLOCKABLE),
    CARRY("blocked already", blocked, SGX_BLKSTATE),
};

Test(block, every_check_of_eblock_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    m.cpu.r.rcx = epc_of(&m, DATA_PAGE);
    CHECKS_HOLD(&m, eblock, eblock_violations);
    machine_halt(&m);
}

Test(block, eblock_stamps_the_page_and_changes_nothing_else)
{
    static const enum sgx_page_type types[] = {SGX_PT_REG, SGX_PT_TCS, SGX_PT_TRIM};
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    m.state.epoch = 9;
    for (size_t i = 0; i < 3; i++) {
        struct epcm *entry = epcm_of(&m, DATA_PAGE), want;

        entry->pt = (uint8_t)types[i];
        entry->blocked = false;
        want = *entry;
        want.blocked = true;
        want.tracked = false;
        want.epoch = 9;
        cr_expect(is_ok(cpu_eblock(&m.epc, epc_of(&m, DATA_PAGE))));
        cr_expect_eq(memcmp(entry, &want, sizeof want), 0, "type %d", (int)types[i]);
    }
    machine_halt(&m);
}

Test(block, eblock_does_not_wait_for_einit)
{
    struct machine m;

    machine_boot(&m);
    machine_build(&m);
    cr_expect(is_ok(cpu_eblock(&m.epc, epc_of(&m, DATA_PAGE))));
    machine_halt(&m);
}
