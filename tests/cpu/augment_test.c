/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

#define OUT_OF_EPC ((uint64_t)FRAMES * PAGE)
#define RW         (SGX_SECINFO_R | SGX_SECINFO_W)

static void start(struct machine *m)
{
    machine_boot(m);
    machine_start(m);
}

COMMIT(rcx_misaligned, m->cpu.r.rcx |= 0x800)
COMMIT(rcx_beyond, m->cpu.r.rcx += OUT_OF_EPC)
COMMIT(building, m->state.measuring_done = false)

/* ------------------------------------------------------------------ EAUG */

static struct outcome eaug(struct machine *m)
{
    return cpu_eaug(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx);
}

COMMIT(pageinfo_misaligned, m->cpu.r.rbx |= 16)
COMMIT(secs_misaligned, m->pageinfo->secs |= 8)
COMMIT(linaddr_misaligned, m->pageinfo->linaddr |= 8)
COMMIT(source_given, m->pageinfo->srcpge = (uintptr_t)m->source)
COMMIT(secinfo_given, m->pageinfo->secinfo = (uintptr_t)m->secinfo)
COMMIT(secs_beyond, m->pageinfo->secs += OUT_OF_EPC)
COMMIT(frame_in_use, epcm_of(m, FREE_PAGE)->valid = true)
COMMIT(secs_invalid, m->epc.epcm[SECS_FRAME].valid = false)
COMMIT(secs_is_reg, m->epc.epcm[SECS_FRAME].pt = SGX_PT_REG)
COMMIT(beyond_elrange, m->pageinfo->linaddr = BASE + ENCLAVE_SIZE)
COMMIT(below_elrange, m->pageinfo->linaddr = BASE - PAGE)

static const struct violation eaug_violations[] = {
    GP("PAGEINFO misaligned", pageinfo_misaligned),
    GP("EPC page misaligned", rcx_misaligned),
    PF("beyond the EPC", rcx_beyond, RCX, 0, KERNEL),
    GP("SECS misaligned", secs_misaligned),
    GP("LINADDR misaligned", linaddr_misaligned),
    GP("SRCPGE given", source_given),
    GP("SECINFO given", secinfo_given),
    PF("SECS beyond the EPC", secs_beyond, PAGEINFO_SECS, 0, KERNEL),
    PF("frame in use", frame_in_use, RCX, 0, KERNEL),
    PF("SECS page not valid", secs_invalid, PAGEINFO_SECS, 0, KERNEL),
    PF("SECS page no SECS", secs_is_reg, PAGEINFO_SECS, 0, KERNEL),
    GP("enclave not initialised", building),
    GP("LINADDR beyond ELRANGE", beyond_elrange),
    GP("LINADDR below ELRANGE", below_elrange),
};

Test(augment, every_check_of_eaug_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    start(&m);
    *m.pageinfo = (struct sgx_pageinfo){.linaddr = linear_of(FREE_PAGE),
                                        .secs = epc_address(&m.epc, SECS_FRAME)};
    m.cpu.r.rbx = (uintptr_t)m.pageinfo;
    m.cpu.r.rcx = epc_of(&m, FREE_PAGE);
    CHECKS_HOLD(&m, eaug, eaug_violations);
    machine_halt(&m);
}

Test(augment, eaug_gives_a_zeroed_pending_page)
{
    struct machine m;
    static const uint8_t zero[PAGE];
    uint32_t children;
    const struct epcm *entry;

    start(&m);
    children = m.state.children;
    augment_page(&m, FREE_PAGE);
    entry = epcm_of(&m, FREE_PAGE);
    cr_expect_arr_eq(content_of(&m, FREE_PAGE), zero, PAGE);
    cr_expect(entry->valid && entry->pt == SGX_PT_REG && entry->r && entry->w && !entry->x);
    cr_expect(entry->pending && !entry->modified && !entry->pr && !entry->blocked);
    cr_expect(entry->tracked && entry->secs == SECS_FRAME);
    cr_expect_eq(entry->enclave_address, linear_of(FREE_PAGE));
    cr_expect_eq(m.state.children, children + 1);
    machine_halt(&m);
}

Test(augment, nothing_prevents_two_pages_at_one_address)
{
    struct machine m;

    start(&m);
    augment_page(&m, FREE_PAGE);
    *m.pageinfo = (struct sgx_pageinfo){.linaddr = linear_of(FREE_PAGE),
                                        .secs = epc_address(&m.epc, SECS_FRAME)};
    cr_expect(is_ok(cpu_eaug(&m.epc, (uintptr_t)m.pageinfo, epc_of(&m, FREE_PAGE + 1))));
    machine_halt(&m);
}

/* ------------------------------------------------------------------ EMODPR */

static struct outcome emodpr(struct machine *m)
{
    return cpu_emodpr(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx);
}

COMMIT(secinfo_misaligned, m->cpu.r.rbx |= 32)
COMMIT(secinfo_flag, m->secinfo->flags |= 0x10000)
COMMIT(secinfo_byte, m->secinfo->reserved[9] = 1)
COMMIT(write_only, m->secinfo->flags = SGX_SECINFO_W)
COMMIT(invalid, epcm_of(m, DATA_PAGE)->valid = false)
COMMIT(pending, epcm_of(m, DATA_PAGE)->pending = true)
COMMIT(modified, epcm_of(m, DATA_PAGE)->modified = true)
COMMIT(is_tcs, epcm_of(m, DATA_PAGE)->pt = SGX_PT_TCS)
COMMIT(is_trim, epcm_of(m, DATA_PAGE)->pt = SGX_PT_TRIM)
COMMIT(is_secs, epcm_of(m, DATA_PAGE)->pt = SGX_PT_SECS)

static const struct violation emodpr_violations[] = {
    GP("SECINFO misaligned", secinfo_misaligned),
    GP("EPC page misaligned", rcx_misaligned),
    PF("beyond the EPC", rcx_beyond, RCX, 0, KERNEL),
    GP("reserved flag in SECINFO", secinfo_flag),
    GP("reserved byte in SECINFO", secinfo_byte),
    GP("W without R", write_only),
    PF("page not valid", invalid, RCX, 0, KERNEL),
    CODE("page pending", pending, SGX_PAGE_NOT_MODIFIABLE),
    CODE("page modified", modified, SGX_PAGE_NOT_MODIFIABLE),
    PF("page a TCS", is_tcs, RCX, 0, KERNEL),
    PF("page trimmed", is_trim, RCX, 0, KERNEL),
    PF("page a SECS", is_secs, RCX, 0, KERNEL),
    GP("enclave not initialised", building),
};

static void prepare(struct machine *m, uint64_t flags)
{
    start(m);
    *m->secinfo = (struct sgx_secinfo){.flags = flags};
    m->cpu.r.rbx = (uintptr_t)m->secinfo;
    m->cpu.r.rcx = epc_of(m, DATA_PAGE);
}

Test(augment, every_check_of_emodpr_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    prepare(&m, SGX_SECINFO_R);
    CHECKS_HOLD(&m, emodpr, emodpr_violations);
    machine_halt(&m);
}

Test(augment, emodpr_takes_away_and_never_gives)
{
    struct machine m;

    prepare(&m, 0);
    m.state.epoch = 6;
    for (unsigned have = 0; have < 8; have++) {
        for (unsigned ask = 0; ask < 8; ask++) {
            struct epcm *entry = epcm_of(&m, DATA_PAGE);

            if ((have & 3) == 2 || (ask & 3) == 2)
                continue;
            entry->r = have & 1;
            entry->w = have & 2;
            entry->x = have & 4;
            entry->pr = false;
            entry->tracked = true;
            m.secinfo->flags = ask;
            cr_expect(is_ok(emodpr(&m)));
            cr_expect_eq(cpu_epcm_effective(entry), have & ask, "%u to %u", have, ask);
            cr_expect(entry->pr && !entry->tracked && entry->epoch == 6);
            cr_expect(!entry->pending && !entry->modified && entry->pt == SGX_PT_REG);
        }
    }
    machine_halt(&m);
}

Test(augment, emodpr_tells_whether_a_trimmed_page_was_accepted)
{
    struct machine m;

    prepare(&m, 0);
    retype_page(&m, DATA_PAGE, SGX_PT_TRIM);
    m.secinfo->flags = 0;
    cr_expect(is_code(emodpr(&m), SGX_PAGE_NOT_MODIFIABLE));
    epcm_of(&m, DATA_PAGE)->modified = false;
    cr_expect(is_pf(emodpr(&m), m.cpu.r.rcx, KERNEL));
    machine_halt(&m);
}

/* ------------------------------------------------------------------ EMODT */

static struct outcome emodt(struct machine *m)
{
    return cpu_emodt(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx);
}

COMMIT(to_reg, m->secinfo->flags = SGX_SECINFO_REG)
COMMIT(to_secs, m->secinfo->flags = 0)
COMMIT(to_va, m->secinfo->flags = SGX_SECINFO_PT(SGX_PT_VA))
COMMIT(to_shadow_stack, m->secinfo->flags = SGX_SECINFO_PT(SGX_PT_SS_FIRST))

static const struct violation emodt_violations[] = {
    GP("SECINFO misaligned", secinfo_misaligned),
    GP("EPC page misaligned", rcx_misaligned),
    PF("beyond the EPC", rcx_beyond, RCX, 0, KERNEL),
    GP("reserved flag in SECINFO", secinfo_flag),
    GP("reserved byte in SECINFO", secinfo_byte),
    GP("to REG", to_reg),
    GP("to SECS", to_secs),
    GP("to VA", to_va),
    GP("to a shadow stack", to_shadow_stack),
    PF("page not valid", invalid, RCX, 0, KERNEL),
    PF("page a TCS already", is_tcs, RCX, 0, KERNEL),
    PF("page trimmed already", is_trim, RCX, 0, KERNEL),
    PF("page a SECS", is_secs, RCX, 0, KERNEL),
    CODE("page pending", pending, SGX_PAGE_NOT_MODIFIABLE),
    CODE("page modified", modified, SGX_PAGE_NOT_MODIFIABLE),
    GP("enclave not initialised", building),
};

Test(augment, every_check_of_emodt_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    prepare(&m, SGX_SECINFO_TCS);
    CHECKS_HOLD(&m, emodt, emodt_violations);
    machine_halt(&m);
}

Test(augment, types_change_in_one_direction_only)
{
    static const struct {
        enum sgx_page_type from, to;
        bool legal;
    } cases[] = {
        {SGX_PT_REG, SGX_PT_TCS, true},   {SGX_PT_REG, SGX_PT_TRIM, true},
        {SGX_PT_TCS, SGX_PT_TRIM, true},  {SGX_PT_TCS, SGX_PT_TCS, false},
        {SGX_PT_TRIM, SGX_PT_TCS, false}, {SGX_PT_TRIM, SGX_PT_TRIM, false},
    };
    struct machine m;

    prepare(&m, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outcome o;

        *epcm_of(&m, DATA_PAGE) = (struct epcm){
            .valid = true, .secs = SECS_FRAME, .pt = (uint8_t)cases[i].from, .r = true, .w = true};
        m.secinfo->flags = SGX_SECINFO_PT(cases[i].to);
        o = emodt(&m);
        cr_expect(cases[i].legal ? is_ok(o) : is_pf(o, m.cpu.r.rcx, KERNEL), "case %zu", i);
    }
    machine_halt(&m);
}

Test(augment, emodt_keeps_the_content_and_drops_all_permissions)
{
    struct machine m;
    struct epcm *entry;
    uint8_t before[PAGE];

    prepare(&m, SGX_SECINFO_TCS | SGX_SECINFO_RWX);
    memcpy(before, content_of(&m, DATA_PAGE), PAGE);
    m.state.epoch = 4;
    entry = epcm_of(&m, DATA_PAGE);
    entry->pr = true;
    cr_expect(is_ok(emodt(&m)));
    cr_expect_arr_eq(content_of(&m, DATA_PAGE), before, PAGE);
    cr_expect(!entry->r && !entry->w && !entry->x && !entry->pr && entry->modified);
    cr_expect(entry->pt == SGX_PT_TCS && !entry->tracked && entry->epoch == 4);
    machine_halt(&m);
}
