/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/ssa.h"

#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

/* Two frames of three pages: SSA_PAGE up to DATA_PAGE, and the three that follow. */
static void start_large(struct machine *m)
{
    machine_boot(m);
    m->secs.ssa_frame_size = 3;
    m->secs.attributes.xfrm = 0x602e7;
    machine_start(m);
    tcs_of(m, TCS_PAGE)->nssa = 1;
}

Test(ssa, a_frame_is_found_page_by_page_wherever_its_pages_are)
{
    struct machine m;
    struct ssa_frame ssa;

    start_large(&m);
    cr_assert(is_ok(cpu_ssa_find(&m.cpu, frame_of(TCS_PAGE), 0, &ssa)));
    cr_expect_eq(ssa.pages, 3);
    cr_expect_eq(ssa.xsave[0], frame_of(SSA_PAGE));
    cr_expect_eq(ssa.xsave[1], frame_of(SSA_PAGE + 1));
    cr_expect_eq(ssa.xsave[2], frame_of(SSA_PAGE + 2));
    cr_expect_eq(ssa.gpr, frame_of(SSA_PAGE + 2));
    machine_halt(&m);
}

Test(ssa, only_the_pages_of_the_image_and_of_the_registers_matter)
{
    struct machine m;
    struct ssa_frame ssa;

    machine_boot(&m);
    m.secs.ssa_frame_size = 3;
    machine_start(&m);
    m.pte[SSA_PAGE + 1].present = false; /* between them */
    cr_assert(is_ok(cpu_ssa_find(&m.cpu, frame_of(TCS_PAGE), 0, &ssa)));
    cr_expect_eq(ssa.pages, 1);
    cr_expect_eq(ssa.xsave[0], frame_of(SSA_PAGE));
    cr_expect_eq(ssa.gpr, frame_of(SSA_PAGE + 2));
    machine_halt(&m);
}

Test(ssa, the_index_chooses_the_frame)
{
    struct machine m;
    struct ssa_frame ssa;

    machine_boot(&m);
    machine_start(&m);
    cr_assert(is_ok(cpu_ssa_find(&m.cpu, frame_of(TCS_PAGE), 1, &ssa)));
    cr_expect_eq(ssa.gpr, frame_of(SSA_PAGE + 1));
    machine_halt(&m);
}

Test(ssa, an_array_outside_the_enclave_is_no_page_of_it)
{
    struct machine m;
    struct ssa_frame ssa;

    machine_boot(&m);
    machine_start(&m);
    tcs_of(&m, TCS_PAGE)->ossa = ENCLAVE_SIZE;
    cr_expect(
        is_pf(cpu_ssa_find(&m.cpu, frame_of(TCS_PAGE), 0, &ssa), BASE + ENCLAVE_SIZE, USER_WRITE));
    tcs_of(&m, TCS_PAGE)->ossa = UINT64_C(1) << 60;
    cr_expect(is_gp(cpu_ssa_find(&m.cpu, frame_of(TCS_PAGE), 0, &ssa)));
    machine_halt(&m);
}

Test(ssa, bytes_go_through_page_boundaries_and_back)
{
    struct machine m;
    struct ssa_frame ssa;
    uint8_t out[9000], in[9000];

    start_large(&m);
    cr_assert(is_ok(cpu_ssa_find(&m.cpu, frame_of(TCS_PAGE), 0, &ssa)));
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(i % 251);
    cpu_ssa_write(&m.epc, &ssa, 1000, out, sizeof out);
    cpu_ssa_read(&m.epc, &ssa, 1000, in, sizeof in);
    cr_expect_arr_eq(in, out, sizeof in);
    cr_expect_eq(((uint8_t *)content_of(&m, SSA_PAGE))[1000], 0);
    cr_expect_eq(((uint8_t *)content_of(&m, SSA_PAGE))[4095], 3095 % 251);
    cr_expect_eq(((uint8_t *)content_of(&m, SSA_PAGE + 1))[0], 3096 % 251);
    cr_expect_eq(((uint8_t *)content_of(&m, SSA_PAGE + 2))[1807], 8999 % 251);
    cr_expect_eq(((uint8_t *)content_of(&m, SSA_PAGE + 2))[1808], 0);

    cpu_ssa_write(&m.epc, &ssa, 4000, NULL, 200);
    cr_expect_eq(((uint8_t *)content_of(&m, SSA_PAGE))[3999], 2999 % 251);
    cr_expect_eq(((uint8_t *)content_of(&m, SSA_PAGE))[4000], 0);
    cr_expect_eq(((uint8_t *)content_of(&m, SSA_PAGE + 1))[103], 0);
    cr_expect_eq(((uint8_t *)content_of(&m, SSA_PAGE + 1))[104], 3200 % 251);
    machine_halt(&m);
}

Test(ssa, the_frame_that_is_remembered_is_the_one_that_was_found)
{
    struct machine m;
    struct ssa_frame found, cached;

    start_large(&m);
    cr_assert(is_ok(cpu_ssa_find(&m.cpu, frame_of(TCS_PAGE), 0, &found)));
    cpu_ssa_cache(&m.cpu, &found);
    cached = cpu_ssa_cached(&m.cpu);
    cr_expect(cached.gpr == found.gpr && cached.pages == found.pages);
    cr_expect_eq(memcmp(cached.xsave, found.xsave, 3 * sizeof found.xsave[0]), 0);
    machine_halt(&m);
}
