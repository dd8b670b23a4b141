/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

#define OUT_OF_EPC ((uint64_t)FRAMES * PAGE)

/* ------------------------------------------------------------------ EADD */

static struct outcome eadd(struct machine *m)
{
    return cpu_eadd(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx);
}

COMMIT(rbx_misaligned, m->cpu.r.rbx |= 16)
COMMIT(rcx_misaligned, m->cpu.r.rcx |= 0x800)
COMMIT(rcx_beyond, m->cpu.r.rcx += OUT_OF_EPC)
COMMIT(source_misaligned, m->pageinfo->srcpge |= 8)
COMMIT(secs_misaligned, m->pageinfo->secs |= 8)
COMMIT(secinfo_misaligned, m->pageinfo->secinfo |= 32)
COMMIT(linaddr_misaligned, m->pageinfo->linaddr |= 8)
COMMIT(secs_beyond, m->pageinfo->secs += OUT_OF_EPC)
COMMIT(secinfo_flag, m->secinfo->flags |= 0x80)
COMMIT(secinfo_byte, m->secinfo->reserved[0] = 1)
COMMIT(type_secs, m->secinfo->flags &= ~SGX_SECINFO_PT_MASK)
COMMIT(type_trim, m->secinfo->flags |= SGX_SECINFO_TRIM)
COMMIT(frame_in_use, epcm_of(m, FREE_PAGE)->valid = true)
COMMIT(secs_invalid, m->epc.epcm[SECS_FRAME].valid = false)
COMMIT(secs_is_reg, m->epc.epcm[SECS_FRAME].pt = SGX_PT_REG)
COMMIT(write_only, m->secinfo->flags &= ~SGX_SECINFO_R; m->secinfo->flags |= SGX_SECINFO_W)
COMMIT(beyond_elrange, m->pageinfo->linaddr = BASE + ENCLAVE_SIZE)
COMMIT(below_elrange, m->pageinfo->linaddr = BASE - PAGE)
COMMIT(initialised, m->state.measuring_done = true)

static const struct violation eadd_violations[] = {
    GP("PAGEINFO misaligned", rbx_misaligned),
    GP("EPC page misaligned", rcx_misaligned),
    PF("beyond the EPC", rcx_beyond, RCX, 0, KERNEL),
    GP("SRCPGE misaligned", source_misaligned),
    GP("SECS misaligned", secs_misaligned),
    GP("SECINFO misaligned", secinfo_misaligned),
    GP("LINADDR misaligned", linaddr_misaligned),
    PF("SECS beyond the EPC", secs_beyond, PAGEINFO_SECS, 0, KERNEL),
    GP("reserved flag in SECINFO", secinfo_flag),
    GP("reserved byte in SECINFO", secinfo_byte),
    GP("SECINFO says SECS", type_secs),
    GP("SECINFO says no type that can be added", type_trim),
    PF("frame in use", frame_in_use, RCX, 0, KERNEL),
    PF("SECS page not valid", secs_invalid, PAGEINFO_SECS, 0, KERNEL),
    PF("SECS page no SECS", secs_is_reg, PAGEINFO_SECS, 0, KERNEL),
    GP("W without R", write_only),
    GP("LINADDR beyond ELRANGE", beyond_elrange),
    GP("LINADDR below ELRANGE", below_elrange),
    GP("enclave initialised", initialised),
};

Test(add, every_check_of_eadd_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    machine_boot(&m);
    machine_build(&m);
    prepare_eadd(&m, FREE_PAGE, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W);
    CHECKS_HOLD(&m, eadd, eadd_violations);
    machine_halt(&m);
}

#define SOURCE_TCS ((struct sgx_tcs *)m->source)

COMMIT(tcs_reserved_first, SOURCE_TCS->reserved[0] = 1)
COMMIT(tcs_reserved_last, SOURCE_TCS->reserved[4007] = 1)
COMMIT(tcs_ocetssa, SOURCE_TCS->ocetssa = 16)
COMMIT(tcs_prevssp, SOURCE_TCS->prevssp = 16)

static const struct violation tcs_violations[] = {
    PF("frame in use", frame_in_use, RCX, 0, KERNEL),
    PF("SECS page not valid", secs_invalid, PAGEINFO_SECS, 0, KERNEL),
    GP("first reserved byte", tcs_reserved_first),
    GP("last reserved byte", tcs_reserved_last),
    GP("CET save area", tcs_ocetssa),
    GP("shadow stack", tcs_prevssp),
    GP("LINADDR beyond ELRANGE", beyond_elrange),
};

Test(add, a_tcs_is_looked_into)
{
    struct machine m;

    machine_boot(&m);
    machine_build(&m);
    memset(m.source, 0, PAGE);
    prepare_eadd(&m, FREE_PAGE, SGX_SECINFO_TCS);
    CHECKS_HOLD(&m, eadd, tcs_violations);
    machine_halt(&m);
}

Test(add, a_32_bit_tcs_must_have_its_limits)
{
    struct machine m;

    machine_boot(&m);
    m.secs.attributes.flags = 0;
    m.secs.base = 0x40000000;
    machine_create(&m);
    prepare_eadd(&m, FREE_PAGE, SGX_SECINFO_TCS);
    m.pageinfo->linaddr = m.secs.base;
    memset(m.source, 0, PAGE);
    cr_expect(is_gp(eadd(&m)));
    ((struct sgx_tcs *)m.source)->fslimit = 0xfff;
    ((struct sgx_tcs *)m.source)->gslimit = 0xfff;
    cr_expect(is_ok(eadd(&m)));
    machine_halt(&m);
}

Test(add, every_permission_but_write_only_can_be_added)
{
    struct machine m;

    machine_boot(&m);
    machine_create(&m);
    for (unsigned rwx = 0; rwx < 8; rwx++) {
        struct outcome o;

        prepare_eadd(&m, rwx, SGX_SECINFO_REG | rwx);
        o = eadd(&m);
        if ((rwx & 3) == 2) {
            cr_expect(is_gp(o), "rwx %u", rwx);
        } else {
            cr_expect(is_ok(o), "rwx %u", rwx);
            cr_expect_eq(cpu_epcm_effective(epcm_of(&m, rwx)), rwx);
        }
    }
    machine_halt(&m);
}

Test(add, copies_the_page_and_binds_it_to_its_address)
{
    struct machine m;
    const struct epcm *entry;

    machine_boot(&m);
    machine_create(&m);
    memset(m.source, 0x5c, PAGE);
    add_page(&m, 12, SGX_SECINFO_REG | SGX_SECINFO_R, false);
    entry = epcm_of(&m, 12);
    cr_expect(entry->valid && entry->pt == SGX_PT_REG && entry->secs == SECS_FRAME);
    cr_expect_eq(entry->enclave_address, linear_of(12));
    cr_expect(!entry->pending && !entry->modified && !entry->pr && entry->tracked);
    cr_expect_arr_eq(content_of(&m, 12), m.source, PAGE);
    cr_expect_eq(m.state.children, 1);
    machine_halt(&m);
}

Test(add, no_state_bit_of_secinfo_reaches_the_epcm)
{
    struct machine m;

    machine_boot(&m);
    machine_create(&m);
    add_page(&m, 12, SGX_SECINFO_REG | SGX_SECINFO_R | 0x38, false);
    cr_expect(!epcm_of(&m, 12)->pending && !epcm_of(&m, 12)->modified && !epcm_of(&m, 12)->pr);
    machine_halt(&m);
}

Test(add, a_tcs_arrives_idle_and_out_of_reach)
{
    struct machine m;
    struct sgx_tcs *tcs;

    machine_boot(&m);
    machine_create(&m);
    *(struct sgx_tcs *)m.source = (struct sgx_tcs){
        .state = 1, .flags = 3, .ossa = PAGE, .cssa = 7, .nssa = 2, .oentry = 9, .aep = 8};
    add_page(&m, 0, SGX_SECINFO_TCS | SGX_SECINFO_RWX, false);
    tcs = tcs_of(&m, 0);
    cr_expect(tcs->state == 0 && tcs->flags == SGX_TCS_AEXNOTIFY && tcs->cssa == 0 &&
              tcs->aep == 0);
    cr_expect(tcs->ossa == PAGE && tcs->nssa == 2 && tcs->oentry == 9);
    cr_expect(!epcm_of(&m, 0)->r && !epcm_of(&m, 0)->w && !epcm_of(&m, 0)->x);
    cr_expect_eq(epcm_of(&m, 0)->pt, SGX_PT_TCS);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ EEXTEND */

static struct outcome eextend(struct machine *m)
{
    return cpu_eextend(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx);
}

static struct outcome eextend_page(struct machine *m)
{
    return cpu_eextend_page(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx);
}

COMMIT(secs_address_misaligned, m->cpu.r.rbx |= 0x800)
COMMIT(chunk_misaligned, m->cpu.r.rcx |= 0x80)
COMMIT(secs_address_beyond, m->cpu.r.rbx += OUT_OF_EPC)
COMMIT(page_invalid, epcm_of(m, DATA_PAGE)->valid = false)
COMMIT(page_is_trim, epcm_of(m, DATA_PAGE)->pt = SGX_PT_TRIM)
COMMIT(page_foreign, epcm_of(m, DATA_PAGE)->secs = SECS_FRAME + 1)

static const struct violation eextend_violations[] = {
    GP("SECS misaligned", secs_address_misaligned),
    GP("chunk misaligned", chunk_misaligned),
    PF("SECS beyond the EPC", secs_address_beyond, RBX, 0, KERNEL),
    PF("chunk beyond the EPC", rcx_beyond, RCX, 0, KERNEL),
    PF("page not valid", page_invalid, RCX, 0, KERNEL),
    PF("page neither REG nor TCS", page_is_trim, RCX, 0, KERNEL),
    GP("page of another enclave", page_foreign),
    GP("enclave initialised", initialised),
};

Test(add, every_check_of_eextend_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    machine_boot(&m);
    machine_build(&m);
    m.cpu.r.rbx = epc_address(&m.epc, SECS_FRAME);
    m.cpu.r.rcx = epc_of(&m, DATA_PAGE) + 0x300;
    CHECKS_HOLD(&m, eextend, eextend_violations);
    m.cpu.r.rcx = epc_of(&m, DATA_PAGE);
    CHECKS_HOLD(&m, eextend_page, eextend_violations);
    m.cpu.r.rcx = epc_of(&m, DATA_PAGE) + 0x300;
    cr_expect(is_gp(eextend_page(&m)));
    machine_halt(&m);
}

/* ------------------------------------------------------------------ EREMOVE */

static struct outcome eremove(struct machine *m)
{
    return cpu_eremove(&m->epc, m->cpu.r.rcx);
}

COMMIT(threads_inside, m->state.active = 1)

static const struct violation eremove_violations[] = {
    GP("misaligned", rcx_misaligned),
    PF("beyond the EPC", rcx_beyond, RCX, 0, KERNEL),
    CODE("threads inside", threads_inside, SGX_ENCLAVE_ACT),
};

Test(add, every_check_of_eremove_refuses_in_the_order_of_the_manual)
{
    struct machine m;
    static const unsigned types[] = {SGX_PT_REG, SGX_PT_TCS};

    machine_boot(&m);
    machine_start(&m);
    m.cpu.r.rcx = epc_of(&m, DATA_PAGE);
    for (int i = 0; i < 2; i++) {
        epcm_of(&m, DATA_PAGE)->pt = (uint8_t)types[i];
        CHECKS_HOLD(&m, eremove, eremove_violations);
    }
    machine_halt(&m);
}

Test(add, removing_a_free_frame_succeeds_and_changes_nothing)
{
    struct machine m;
    struct snapshot *before;

    machine_boot(&m);
    machine_start(&m);
    m.state.active = 1;
    before = snapshot_take(&m);
    cr_expect(is_ok(cpu_eremove(&m.epc, epc_of(&m, FREE_PAGE))));
    cr_expect(snapshot_same(before, &m));
    snapshot_free(before);
    machine_halt(&m);
}

Test(add, an_accepted_trimmed_page_goes_whoever_is_inside)
{
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    retype_page(&m, DATA2_PAGE, SGX_PT_TRIM);
    cr_expect(is_code(cpu_eremove(&m.epc, epc_of(&m, DATA2_PAGE)), SGX_ENCLAVE_ACT));
    epcm_of(&m, DATA2_PAGE)->modified = false;
    cr_expect(is_ok(cpu_eremove(&m.epc, epc_of(&m, DATA2_PAGE))));
    cr_expect_not(epcm_of(&m, DATA2_PAGE)->valid);
    machine_halt(&m);
}

Test(add, a_version_array_page_goes_whoever_is_inside)
{
    struct machine m;
    uint32_t children;

    machine_boot(&m);
    machine_enter(&m);
    children = m.state.children;
    *epcm_of(&m, FREE_PAGE) = (struct epcm){.valid = true, .pt = SGX_PT_VA};
    cr_expect(is_ok(cpu_eremove(&m.epc, epc_of(&m, FREE_PAGE))));
    cr_expect_not(epcm_of(&m, FREE_PAGE)->valid);
    cr_expect_eq(m.state.children, children);
    machine_halt(&m);
}

Test(add, a_secs_stays_while_it_has_pages)
{
    struct machine m;
    uint64_t secs;

    machine_boot(&m);
    machine_start(&m);
    secs = epc_address(&m.epc, SECS_FRAME);
    for (unsigned page = 0; page < FREE_PAGE; page++) {
        cr_expect(is_code(cpu_eremove(&m.epc, secs), SGX_CHILD_PRESENT), "page %u", page);
        cr_expect(m.epc.epcm[SECS_FRAME].valid);
        cr_expect(is_ok(cpu_eremove(&m.epc, epc_of(&m, page))));
    }
    cr_expect(is_ok(cpu_eremove(&m.epc, secs)));
    cr_expect_not(m.epc.epcm[SECS_FRAME].valid);
    machine_create(&m);
    machine_halt(&m);
}
