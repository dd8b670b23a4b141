/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "fixture.h"

#define STATUS UINT64_C(0x8d5) /* OF SF ZF AF PF CF */
#define ZF     UINT64_C(0x40)

static const unsigned inside[] = {SGX_EREPORT, SGX_EGETKEY,     SGX_EEXIT,   SGX_EACCEPT,
                                  SGX_EMODPE,  SGX_EACCEPTCOPY, SGX_EDECCSSA};

static void expect_gp_and_nothing_else(struct machine *m, uint64_t leaf)
{
    struct snapshot *before;

    m->cpu.r.rax = leaf;
    before = snapshot_take(m);
    cr_expect(is_gp(cpu_enclu(&m->cpu)), "leaf 0x%llx", (unsigned long long)leaf);
    cr_expect(snapshot_same(before, m));
    snapshot_free(before);
}

Test(enclu, entry_is_refused_inside)
{
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    host_registers(&m, TCS2_PAGE);
    expect_gp_and_nothing_else(&m, SGX_EENTER);
    expect_gp_and_nothing_else(&m, SGX_ERESUME);
    machine_halt(&m);
}

Test(enclu, the_enclaves_leaves_are_refused_outside)
{
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    host_registers(&m, TCS_PAGE);
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        expect_gp_and_nothing_else(&m, inside[i]);
    machine_halt(&m);
}

Test(enclu, leaves_that_do_not_exist_are_refused_in_both_modes)
{
    static const uint64_t absent[] = {8, 10, 11, 0x7fffffff, 0x80000000, 0xffffffff};
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    host_registers(&m, TCS_PAGE);
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        expect_gp_and_nothing_else(&m, absent[i]);
    cr_assert(is_ok(eenter(&m, TCS_PAGE)));
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        expect_gp_and_nothing_else(&m, absent[i]);
    machine_halt(&m);
}

Test(enclu, the_upper_half_of_rax_is_ignored)
{
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    host_registers(&m, TCS_PAGE);
    cr_expect(is_ok(enclu(&m, UINT64_C(0xdeadbeef00000000) | SGX_EENTER)));
    machine_halt(&m);
}

Test(enclu, success_is_rax_0_with_all_status_flags_clear)
{
    struct machine m;
    uint64_t rip;

    machine_boot(&m);
    machine_enter(&m);
    augment_page(&m, FREE_PAGE);
    m.cpu.r.rflags |= STATUS | 0x400;
    rip = m.cpu.r.rip;
    cr_expect(is_ok(eaccept(&m, FREE_PAGE, 0x20b)));
    cr_expect_eq(m.cpu.r.rax, 0);
    cr_expect_eq(m.cpu.r.rflags & STATUS, 0);
    cr_expect(m.cpu.r.rflags & 0x400);
    cr_expect_eq(m.cpu.r.rip, rip + 3);
    machine_halt(&m);
}

Test(enclu, a_code_is_in_rax_with_zf_alone)
{
    struct machine m;
    uint64_t rip;

    machine_boot(&m);
    machine_enter(&m);
    m.cpu.r.rflags |= STATUS;
    rip = m.cpu.r.rip;
    cr_expect(is_code(eaccept(&m, DATA2_PAGE, 0x20b), SGX_PAGE_ATTRIBUTES_MISMATCH));
    cr_expect_eq(m.cpu.r.rax, SGX_PAGE_ATTRIBUTES_MISMATCH);
    cr_expect_eq(m.cpu.r.rflags & STATUS, ZF);
    cr_expect_eq(m.cpu.r.rip, rip + 3);
    machine_halt(&m);
}

Test(enclu, emodpe_has_no_code_and_leaves_the_flags)
{
    struct machine m;
    uint64_t rip;

    machine_boot(&m);
    machine_enter(&m);
    put_secinfo(&m, SGX_SECINFO_X);
    m.cpu.r.rcx = linear_of(DATA2_PAGE);
    m.cpu.r.rflags |= STATUS;
    rip = m.cpu.r.rip;
    cr_expect(is_ok(enclu(&m, SGX_EMODPE)));
    cr_expect_eq(m.cpu.r.rax, SGX_EMODPE);
    cr_expect_eq(m.cpu.r.rflags & STATUS, STATUS);
    cr_expect_eq(m.cpu.r.rip, rip + 3);
    machine_halt(&m);
}
