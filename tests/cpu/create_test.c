/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

static struct outcome run(struct machine *m)
{
    return cpu_ecreate(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx);
}

#define SECS ((struct sgx_secs *)m->source)

COMMIT(rbx_misaligned, m->cpu.r.rbx |= 16)
COMMIT(rcx_misaligned, m->cpu.r.rcx |= 0x800)
COMMIT(beyond_epc, m->cpu.r.rcx += (uint64_t)FRAMES * PAGE)
COMMIT(source_misaligned, m->pageinfo->srcpge |= 8)
COMMIT(secinfo_misaligned, m->pageinfo->secinfo |= 32)
COMMIT(linaddr_given, m->pageinfo->linaddr = BASE)
COMMIT(secs_given, m->pageinfo->secs = PAGE)
COMMIT(secinfo_flag, m->secinfo->flags |= 0x40)
COMMIT(secinfo_byte, m->secinfo->reserved[55] = 1)
COMMIT(secinfo_type_reg, m->secinfo->flags |= SGX_SECINFO_REG)
COMMIT(frame_in_use, m->epc.epcm[SECS_FRAME].valid = true)
COMMIT(enclave_exists, m->state.exists = true)
COMMIT(without_sse, SECS->attributes.xfrm = 1)
COMMIT(xfrm_unsupported, SECS->attributes.xfrm |= UINT64_C(1) << 62)
COMMIT(misc_unsupported, SECS->miscselect |= SGX_MISC_CPINFO)
COMMIT(no_frame, SECS->ssa_frame_size = 0)
COMMIT(base_uncanonical, SECS->base = UINT64_C(1) << 47)
COMMIT(too_large, SECS->size = UINT64_C(1) << 36)
COMMIT(too_small, SECS->size = 4096)
COMMIT(size_uneven, SECS->size = 3 * 4096)
COMMIT(base_unaligned, SECS->base += ENCLAVE_SIZE / 2)
COMMIT(initialised, SECS->attributes.flags |= SGX_ATTR_INIT)
COMMIT(attribute_reserved, SECS->attributes.flags |= 8)
COMMIT(attribute_unsupported, SECS->attributes.flags |= SGX_ATTR_CET)
COMMIT(reserved0, SECS->reserved0[14] = 1)
COMMIT(reserved1, SECS->reserved1[0] = 1)
COMMIT(reserved2, SECS->reserved2[31] = 1)
COMMIT(reserved3, SECS->reserved3[3833] = 1)
COMMIT(config_id, SECS->config_id[63] = 1)
COMMIT(config_svn, SECS->config_svn = 1)
COMMIT(cet_bitmap, SECS->cet_leg_bitmap_offset = 1)
COMMIT(cet_attributes, SECS->cet_attributes = 1)

static const struct violation violations[] = {
    GP("PAGEINFO misaligned", rbx_misaligned),
    GP("EPC page misaligned", rcx_misaligned),
    PF("beyond the EPC", beyond_epc, RCX, 0, KERNEL),
    GP("SRCPGE misaligned", source_misaligned),
    GP("SECINFO misaligned", secinfo_misaligned),
    GP("LINADDR given", linaddr_given),
    GP("SECS given", secs_given),
    GP("reserved flag in SECINFO", secinfo_flag),
    GP("reserved byte in SECINFO", secinfo_byte),
    GP("SECINFO says REG", secinfo_type_reg),
    PF("frame in use", frame_in_use, RCX, 0, KERNEL),
    GP("an enclave is there already", enclave_exists),
    GP("XFRM without SSE", without_sse),
    GP("XFRM unsupported", xfrm_unsupported),
    GP("MISCSELECT unsupported", misc_unsupported),
    GP("SSA frame of no pages", no_frame),
    GP("BASEADDR not canonical", base_uncanonical),
    GP("SIZE at the limit", too_large),
    GP("SIZE below two pages", too_small),
    GP("SIZE not a power of two", size_uneven),
    GP("BASEADDR not a multiple of SIZE", base_unaligned),
    GP("INIT set", initialised),
    GP("reserved attribute", attribute_reserved),
    GP("unsupported attribute", attribute_unsupported),
    GP("reserved bytes after CET", reserved0),
    GP("reserved bytes after MRENCLAVE", reserved1),
    GP("reserved bytes after MRSIGNER", reserved2),
    GP("reserved bytes at the end", reserved3),
    GP("CONFIGID without KSS", config_id),
    GP("CONFIGSVN without KSS", config_svn),
    GP("CET bitmap", cet_bitmap),
    GP("CET attributes", cet_attributes),
};

Test(create, every_check_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    machine_boot(&m);
    prepare_ecreate(&m);
    CHECKS_HOLD(&m, run, violations);
    machine_halt(&m);
}

Test(create, makes_a_secs_page_of_any_frame)
{
    struct machine m;
    const struct epcm *entry;

    machine_boot(&m);
    memset(m.secs.mrenclave, 1, 32);
    memset(m.secs.mrsigner, 2, 32);
    m.secs.isv_prod_id = 3;
    m.secs.isv_svn = 4;
    machine_create(&m);
    entry = &m.epc.epcm[SECS_FRAME];
    cr_expect(entry->valid && entry->pt == SGX_PT_SECS && entry->secs == SECS_FRAME);
    cr_expect(!entry->r && !entry->w && !entry->x && !entry->pending && !entry->modified);
    cr_expect_eq(secs_of(&m)->size, ENCLAVE_SIZE);
    cr_expect_eq(secs_of(&m)->base, BASE);
    cr_expect_eq(secs_of(&m)->mrenclave[0], 0);
    cr_expect_eq(secs_of(&m)->mrsigner[0], 0);
    cr_expect_eq(secs_of(&m)->isv_prod_id, 0);
    cr_expect_eq(secs_of(&m)->isv_svn, 0);
    cr_expect(m.state.exists && !m.state.measuring_done && m.state.eid == 1);
    cr_expect_eq(m.state.last_eid, 1);
    machine_halt(&m);
}

/* What ECREATE makes of m->secs. */
static bool accepted(struct machine *m)
{
    struct outcome o;

    prepare_ecreate(m);
    o = run(m);
    if (is_ok(o))
        cr_assert(is_ok(cpu_eremove(&m->epc, m->cpu.r.rcx)));
    else
        cr_assert(is_gp(o));
    return is_ok(o);
}

Test(create, xfrm_is_what_xsetbv_would_take)
{
    static const struct {
        uint64_t xfrm;
        bool legal;
    } cases[] = {
        {0x0, false},     {0x1, false},
        {0x2, false},     {0x3, true},
        {0x7, true},      {0x6, false},
        {0xb, false},     {0x13, false},
        {0x1b, true},     {0x1f, true},
        {0x23, false},    {0xe3, false},
        {0x27, false},    {0x67, false},
        {0xe7, true},     {0x203, true},
        {0x20003, false}, {0x40003, false},
        {0x60003, true},  {0x602ff, true},
        {0x103, false},   {UINT64_C(1) << 63 | 3, false},
    };
    struct machine m;

    machine_boot(&m);
    m.secs.ssa_frame_size = 3;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        m.secs.attributes.xfrm = cases[i].xfrm;
        cr_expect_eq(accepted(&m), cases[i].legal, "XFRM 0x%llx",
                     (unsigned long long)cases[i].xfrm);
    }
    machine_halt(&m);
}

Test(create, bit_63_of_xfrm_is_refused_even_where_the_host_has_it)
{
    struct machine m;

    machine_boot(&m);
    m.features.xfrm |= UINT64_C(1) << 63;
    m.secs.attributes.xfrm |= UINT64_C(1) << 63;
    cr_expect_not(accepted(&m));
    machine_halt(&m);
}

Test(create, an_ssa_frame_holds_image_misc_and_registers_or_is_refused)
{
    struct machine m;
    unsigned room = PAGE - sizeof(struct sgx_gprsgx);

    machine_boot(&m);
    m.features.xsave_offset[2] = 576;
    m.features.xsave_size[2] = room - 576;
    m.secs.miscselect = 0;
    cr_expect(accepted(&m));
    m.secs.miscselect = SGX_MISC_EXINFO;
    cr_expect_not(accepted(&m));
    m.features.xsave_size[2] -= 16;
    cr_expect(accepted(&m));
    m.features.xsave_size[2]++;
    cr_expect_not(accepted(&m));
    m.secs.ssa_frame_size = 2;
    cr_expect(accepted(&m));
    machine_halt(&m);
}

Test(create, an_image_larger_than_the_processor_can_remember_is_refused)
{
    struct machine m;

    machine_boot(&m);
    m.secs.ssa_frame_size = 64;
    m.features.xsave_size[2] = 16 * PAGE - 576;
    cr_expect(accepted(&m));
    m.features.xsave_size[2]++;
    cr_expect_not(accepted(&m));
    machine_halt(&m);
}

Test(create, sizes_run_from_two_pages_to_half_the_limit)
{
    struct machine m;

    machine_boot(&m);
    m.secs.base = UINT64_C(1) << 40;
    m.secs.size = 8192;
    cr_expect(accepted(&m));
    m.secs.size = UINT64_C(1) << 35;
    cr_expect(accepted(&m));
    m.secs.size = UINT64_C(1) << 36;
    cr_expect_not(accepted(&m));
    m.features.max_size_bits = 64;
    cr_expect(accepted(&m));
    m.secs.size = 0;
    cr_expect_not(accepted(&m));
    machine_halt(&m);
}

Test(create, a_32_bit_enclave_lives_below_4_gib)
{
    struct machine m;

    machine_boot(&m);
    m.secs.attributes.flags = 0;
    cr_expect_not(accepted(&m));
    m.secs.base = UINT64_C(0x80000000);
    m.secs.size = UINT64_C(1) << 30;
    cr_expect(accepted(&m));
    m.secs.size = UINT64_C(1) << 31;
    cr_expect_not(accepted(&m));
    machine_halt(&m);
}

Test(create, configuration_needs_kss)
{
    struct machine m;

    machine_boot(&m);
    m.secs.config_id[0] = 1;
    m.secs.config_svn = 9;
    cr_expect_not(accepted(&m));
    m.secs.attributes.flags |= SGX_ATTR_KSS;
    cr_expect(accepted(&m));
    machine_halt(&m);
}

Test(create, enclaves_have_numbers_of_their_own_and_start_afresh)
{
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    etrack(&m);
    for (unsigned page = 0; page < FREE_PAGE; page++)
        cr_assert(is_ok(cpu_eremove(&m.epc, epc_of(&m, page))));
    cr_assert(is_ok(cpu_eremove(&m.epc, epc_address(&m.epc, SECS_FRAME))));
    machine_create(&m);
    cr_expect_eq(m.state.eid, 2);
    cr_expect_eq(m.state.epoch, 0);
    cr_expect_not(m.state.measuring_done);
    machine_halt(&m);
}
