/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

#define OUT_OF_EPC ((uint64_t)FRAMES * PAGE)
#define SLOT       5u

static void start(struct machine *m)
{
    machine_boot(m);
    machine_start(m);
    add_version_array(m, VA_FRAME);
}

/* The operands of EWB for a frame. */
static void aim(struct machine *m, uint64_t frame)
{
    *m->pageinfo = (struct sgx_pageinfo){
        .srcpge = (uintptr_t)m->source,
        .secinfo = (uintptr_t)m->pcmd,
    };
    m->cpu.r.rbx = (uintptr_t)m->pageinfo;
    m->cpu.r.rcx = epc_address(&m->epc, frame);
    m->cpu.r.rdx = (uintptr_t)slot_of(m, VA_FRAME, SLOT);
}

static struct outcome ewb(struct machine *m)
{
    return cpu_ewb(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx, m->cpu.r.rdx);
}

COMMIT(rbx_misaligned, m->cpu.r.rbx |= 16)
COMMIT(rcx_misaligned, m->cpu.r.rcx |= 0x800)
COMMIT(rcx_beyond, m->cpu.r.rcx += OUT_OF_EPC)
COMMIT(rdx_misaligned, m->cpu.r.rdx |= 4)
COMMIT(rdx_beyond, m->cpu.r.rdx += OUT_OF_EPC)
COMMIT(slot_in_page, m->cpu.r.rdx = epc_of(m, DATA_PAGE) + 64)
COMMIT(linaddr_given, m->pageinfo->linaddr = BASE)
COMMIT(secs_given, m->pageinfo->secs = epc_address(&m->epc, SECS_FRAME))
COMMIT(pcmd_misaligned, m->pageinfo->secinfo |= 64)
COMMIT(source_misaligned, m->pageinfo->srcpge |= 8)
COMMIT(invalid, epcm_of(m, DATA_PAGE)->valid = false)
COMMIT(va_invalid, m->epc.epcm[VA_FRAME].valid = false)
COMMIT(va_is_reg, m->epc.epcm[VA_FRAME].pt = SGX_PT_REG)
COMMIT(unblocked, epcm_of(m, DATA_PAGE)->blocked = false)
COMMIT(untracked, epcm_of(m, DATA_PAGE)->epoch = m->state.epoch)

#define OPERAND_ROWS                                                                               \
    GP("PAGEINFO misaligned", rbx_misaligned), GP("EPC page misaligned", rcx_misaligned),          \
        PF("beyond the EPC", rcx_beyond, RCX, 0, KERNEL), GP("slot misaligned", rdx_misaligned),   \
        PF("slot beyond the EPC", rdx_beyond, RDX, 0, KERNEL)

static const struct violation violations[] = {
    OPERAND_ROWS,
    GP("slot in the page itself", slot_in_page),
    GP("LINADDR given", linaddr_given),
    GP("SECS given", secs_given),
    GP("PCMD misaligned", pcmd_misaligned),
    GP("SRCPGE misaligned", source_misaligned),
    PF("page not valid", invalid, RCX, 0, KERNEL),
    PF("slot's page not valid", va_invalid, RDX, 0, KERNEL),
    PF("slot's page no version array", va_is_reg, RDX, 0, KERNEL),
    CODE("page not blocked", unblocked, SGX_PAGE_NOT_BLOCKED),
    CODE("page not tracked", untracked, SGX_NOT_TRACKED),
};

Test(evict, every_check_of_ewb_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    start(&m);
    cr_assert(is_ok(cpu_eblock(&m.epc, epc_of(&m, DATA_PAGE))));
    etrack(&m);
    aim(&m, frame_of(DATA_PAGE));
    CHECKS_HOLD(&m, ewb, violations);
    machine_halt(&m);
}

COMMIT(a_child, m->state.children = 1)

static const struct violation secs_violations[] = {
    OPERAND_ROWS,
    PF("slot's page no version array", va_is_reg, RDX, 0, KERNEL),
    CODE("a child in the EPC", a_child, SGX_CHILD_PRESENT),
};

Test(evict, a_secs_goes_last)
{
    struct machine m;

    machine_boot(&m);
    machine_create(&m);
    add_version_array(&m, VA_FRAME);
    aim(&m, SECS_FRAME);
    CHECKS_HOLD(&m, ewb, secs_violations);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ what is written */

Test(evict, the_page_leaves_the_epc_and_its_state_is_told)
{
    static const struct {
        struct epcm entry;
        uint64_t flags;
    } cases[] = {
        {{.pt = SGX_PT_REG, .r = true, .w = true}, 0x203},
        {{.pt = SGX_PT_REG, .r = true, .x = true, .pr = true}, 0x225},
        {{.pt = SGX_PT_REG, .r = true, .w = true, .pending = true}, 0x20b},
        {{.pt = SGX_PT_TCS}, 0x100},
        {{.pt = SGX_PT_TRIM, .modified = true}, 0x410},
    };
    static const struct epcm gone;
    struct machine m;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct epcm *entry;
        struct sgx_pcmd want = {.secinfo.flags = cases[i].flags, .enclave_id = 1};
        uint32_t children;

        start(&m);
        entry = epcm_of(&m, DATA_PAGE);
        *entry = cases[i].entry;
        entry->valid = entry->tracked = entry->blocked = true;
        entry->secs = SECS_FRAME;
        entry->enclave_address = linear_of(DATA_PAGE);
        children = m.state.children;
        aim(&m, frame_of(DATA_PAGE));
        memset(m.pcmd, 0xee, sizeof *m.pcmd);
        cr_expect(is_ok(ewb(&m)));
        cr_expect_eq(memcmp(m.pcmd, &want, offsetof(struct sgx_pcmd, mac)), 0, "case %zu", i);
        cr_expect_eq(m.pageinfo->linaddr, linear_of(DATA_PAGE));
        cr_expect_eq(memcmp(entry, &gone, sizeof gone), 0);
        cr_expect_eq(m.state.children, children - 1);
        machine_halt(&m);
    }
}

Test(evict, what_stands_outside_is_not_the_content)
{
    struct machine m;
    uint8_t before[PAGE];
    size_t same = 0;

    start(&m);
    memcpy(before, content_of(&m, CODE_PAGE), PAGE);
    evict_page(&m, CODE_PAGE, slot_of(&m, VA_FRAME, 0));
    for (size_t i = 0; i < PAGE; i++)
        same += m.source[i] == before[i];
    cr_expect_lt(same, 64); /* 16 by chance */
    machine_halt(&m);
}

Test(evict, a_secs_and_a_version_array_have_no_address_and_their_own_number)
{
    struct machine m;
    struct evicted page;

    machine_boot(&m);
    machine_create(&m);
    add_version_array(&m, VA_FRAME);
    add_version_array(&m, VA2_FRAME);
    page = evict_frame(&m, VA2_FRAME, slot_of(&m, VA_FRAME, 0));
    cr_expect(page.linaddr == 0 && page.pcmd.enclave_id == 0);
    cr_expect_eq(page.pcmd.secinfo.flags, 0x300);
    cr_expect_eq(m.state.children, 0);
    page = evict_frame(&m, SECS_FRAME, slot_of(&m, VA_FRAME, 1));
    cr_expect(page.linaddr == 0 && page.pcmd.enclave_id == 1);
    cr_expect_eq(page.pcmd.secinfo.flags, 0);
    cr_expect_not(m.state.exists);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ versions */

Test(evict, an_occupied_slot_is_overwritten_and_told_by_carry)
{
    struct machine m;
    struct outcome o;
    uint64_t old;

    start(&m);
    evict_page(&m, DATA_PAGE, slot_of(&m, VA_FRAME, SLOT));
    old = *slot_of(&m, VA_FRAME, SLOT);
    cr_assert(is_ok(cpu_eblock(&m.epc, epc_of(&m, DATA2_PAGE))));
    etrack(&m);
    aim(&m, frame_of(DATA2_PAGE));
    o = ewb(&m);
    cr_expect(is_code(o, SGX_VA_SLOT_OCCUPIED) && o.carry);
    cr_expect_neq(*slot_of(&m, VA_FRAME, SLOT), old);
    cr_expect_eq(m.pageinfo->linaddr, linear_of(DATA2_PAGE));
    cr_expect_not(epcm_of(&m, DATA2_PAGE)->valid);
    machine_halt(&m);
}

Test(evict, no_version_comes_twice_and_none_is_zero)
{
    struct machine m;
    uint64_t versions[3];

    start(&m);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t *slot = slot_of(&m, VA_FRAME, 511 - i);

        evict_page(&m, DATA_PAGE + i, slot);
        versions[i] = *slot;
        cr_expect(versions[i] != 0 && versions[i] % 8 == 0);
        cr_expect_eq(m.state.last_version, versions[i]);
        for (unsigned j = 0; j < i; j++)
            cr_expect_neq(versions[i], versions[j]);
    }
    m.state.last_version = ~UINT64_C(7);
    evict_page(&m, TCS_PAGE, slot_of(&m, VA_FRAME, 0));
    cr_expect_eq(*slot_of(&m, VA_FRAME, 0), 8);
    machine_halt(&m);
}

Test(evict, two_epcs_of_one_platform_do_not_share_versions)
{
    struct machine a, b;

    start(&a);
    start(&b);
    evict_page(&a, DATA_PAGE, slot_of(&a, VA_FRAME, 0));
    evict_page(&b, DATA_PAGE, slot_of(&b, VA_FRAME, 0));
    cr_expect_neq(*slot_of(&a, VA_FRAME, 0), *slot_of(&b, VA_FRAME, 0));
    machine_halt(&a);
    machine_halt(&b);
}

Test(evict, versions_and_numbers_outlive_the_enclave)
{
    struct machine m;
    uint64_t version;

    machine_boot(&m);
    machine_create(&m);
    add_version_array(&m, VA_FRAME);
    evict_frame(&m, SECS_FRAME, slot_of(&m, VA_FRAME, 0));
    version = *slot_of(&m, VA_FRAME, 0);
    machine_create(&m);
    cr_expect_eq(m.state.eid, 2);
    cr_expect_eq(m.state.last_version, version);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ threads inside */

Test(evict, a_thread_that_stayed_inside_holds_a_page_back)
{
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    add_version_array(&m, VA_FRAME);
    cr_assert(is_ok(cpu_eblock(&m.epc, epc_of(&m, DATA_PAGE))));
    aim(&m, frame_of(DATA_PAGE));
    cr_expect(is_code(ewb(&m), SGX_NOT_TRACKED));
    etrack(&m);
    cr_expect(is_code(ewb(&m), SGX_NOT_TRACKED));
    interrupt(&m);
    cr_expect(is_ok(eresume(&m, TCS_PAGE))); /* entered after ETRACK: knows the page as blocked */
    aim(&m, frame_of(DATA_PAGE));
    cr_expect(is_ok(ewb(&m)));
    machine_halt(&m);
}
