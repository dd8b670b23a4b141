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

/* DATA2_PAGE is out, and everything is ready for it to come back. */
static struct evicted prepare(struct machine *m)
{
    struct evicted page;

    start(m);
    page = evict_page(m, DATA2_PAGE, slot_of(m, VA_FRAME, SLOT));
    prepare_reload(m, &page, frame_of(DATA2_PAGE), slot_of(m, VA_FRAME, SLOT));
    return page;
}

static struct outcome eldu(struct machine *m)
{
    return cpu_eldu(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx, m->cpu.r.rdx);
}

static struct outcome eldb(struct machine *m)
{
    return cpu_eldb(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx, m->cpu.r.rdx);
}

COMMIT(rbx_misaligned, m->cpu.r.rbx |= 16)
COMMIT(rcx_misaligned, m->cpu.r.rcx |= 0x800)
COMMIT(rcx_beyond, m->cpu.r.rcx += OUT_OF_EPC)
COMMIT(rdx_misaligned, m->cpu.r.rdx |= 4)
COMMIT(rdx_beyond, m->cpu.r.rdx += OUT_OF_EPC)
COMMIT(pcmd_misaligned, m->pageinfo->secinfo |= 64)
COMMIT(source_misaligned, m->pageinfo->srcpge |= 8)
COMMIT(frame_in_use, epcm_of(m, DATA2_PAGE)->valid = true)
COMMIT(va_invalid, m->epc.epcm[VA_FRAME].valid = false)
COMMIT(va_is_reg, m->epc.epcm[VA_FRAME].pt = SGX_PT_REG)
COMMIT(secs_misaligned, m->pageinfo->secs |= 8)
COMMIT(secs_beyond, m->pageinfo->secs += OUT_OF_EPC)
COMMIT(secs_invalid, m->epc.epcm[SECS_FRAME].valid = false)
COMMIT(secs_is_va, m->epc.epcm[SECS_FRAME].pt = SGX_PT_VA)
COMMIT(content, m->source[4095] = (uint8_t)~m->source[4095])
COMMIT(linaddr, m->pageinfo->linaddr += PAGE)
COMMIT(permission, m->pcmd->secinfo.flags |= SGX_SECINFO_X)
COMMIT(state, m->pcmd->secinfo.flags |= SGX_SECINFO_PENDING)
COMMIT(secinfo_byte, m->pcmd->secinfo.reserved[55] = 1)
COMMIT(pcmd_byte, m->pcmd->reserved[39] = 1)
COMMIT(mac, m->pcmd->mac[0] = (uint8_t)~m->pcmd->mac[0])
COMMIT(slot_empty, *slot_of(m, VA_FRAME, SLOT) = 0)
COMMIT(slot_other, *slot_of(m, VA_FRAME, SLOT) += 8)
COMMIT(other_enclave, m->state.eid++)
COMMIT(other_boot, m->platform.report_key_id[31] = 0)
COMMIT(other_machine, m->platform.secret[15] = 0)

static const struct violation violations[] = {
    GP("PAGEINFO misaligned", rbx_misaligned),
    GP("EPC page misaligned", rcx_misaligned),
    PF("beyond the EPC", rcx_beyond, RCX, 0, KERNEL),
    GP("slot misaligned", rdx_misaligned),
    PF("slot beyond the EPC", rdx_beyond, RDX, 0, KERNEL),
    GP("PCMD misaligned", pcmd_misaligned),
    GP("SRCPGE misaligned", source_misaligned),
    PF("frame in use", frame_in_use, RCX, 0, KERNEL),
    PF("slot's page not valid", va_invalid, RDX, 0, KERNEL),
    PF("slot's page no version array", va_is_reg, RDX, 0, KERNEL),
    GP("SECS misaligned", secs_misaligned),
    PF("SECS beyond the EPC", secs_beyond, PAGEINFO_SECS, 0, KERNEL),
    PF("SECS page not valid", secs_invalid, PAGEINFO_SECS, 0, KERNEL),
    PF("SECS page no SECS", secs_is_va, PAGEINFO_SECS, 0, KERNEL),
    CODE("content changed", content, SGX_MAC_COMPARE_FAIL),
    CODE("another address", linaddr, SGX_MAC_COMPARE_FAIL),
    CODE("a permission more", permission, SGX_MAC_COMPARE_FAIL),
    CODE("another state", state, SGX_MAC_COMPARE_FAIL),
    CODE("a reserved byte of SECINFO", secinfo_byte, SGX_MAC_COMPARE_FAIL),
    CODE("a reserved byte of PCMD", pcmd_byte, SGX_MAC_COMPARE_FAIL),
    CODE("MAC changed", mac, SGX_MAC_COMPARE_FAIL),
    CODE("slot empty", slot_empty, SGX_MAC_COMPARE_FAIL),
    CODE("slot of another page", slot_other, SGX_MAC_COMPARE_FAIL),
    CODE("another enclave", other_enclave, SGX_MAC_COMPARE_FAIL),
    CODE("another boot", other_boot, SGX_MAC_COMPARE_FAIL),
    CODE("another machine", other_machine, SGX_MAC_COMPARE_FAIL),
};

Test(reload, every_check_of_eldu_and_eldb_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    prepare(&m);
    CHECKS_HOLD(&m, eldu, violations);
    CHECKS_HOLD(&m, eldb, violations);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ what comes back */

Test(reload, everything_the_epcm_knows_survives)
{
    struct machine m;
    struct epcm *entry;
    struct evicted page;

    for (unsigned bits = 0; bits < 64; bits++) {
        struct epcm want = {
            .valid = true,
            .tracked = true,
            .secs = SECS_FRAME,
            .enclave_address = linear_of(DATA2_PAGE),
            .pt = bits & 8    ? SGX_PT_TCS
                  : bits & 16 ? SGX_PT_TRIM
                              : SGX_PT_REG,
            .r = bits & 1,
            .w = bits & 2,
            .x = bits & 4,
            .pending = bits & 8,
            .modified = bits & 16,
            .pr = bits & 32,
        };

        start(&m);
        entry = epcm_of(&m, DATA2_PAGE);
        *entry = want;
        page = evict_page(&m, DATA2_PAGE, slot_of(&m, VA_FRAME, SLOT));
        cr_expect(is_ok(reload(&m, &page, frame_of(DATA2_PAGE), slot_of(&m, VA_FRAME, SLOT))));
        cr_expect_eq(memcmp(entry, &want, sizeof want), 0, "bits 0x%x", bits);
        page = evict_page(&m, DATA2_PAGE, slot_of(&m, VA_FRAME, SLOT));
        prepare_reload(&m, &page, frame_of(DATA2_PAGE), slot_of(&m, VA_FRAME, SLOT));
        cr_expect(is_ok(eldb(&m)));
        want.blocked = true;
        cr_expect_eq(memcmp(entry, &want, sizeof want), 0, "bits 0x%x, blocked", bits);
        machine_halt(&m);
    }
}

Test(reload, the_content_comes_back_to_any_frame_and_counts_as_a_child)
{
    struct machine m;
    struct evicted page;
    uint8_t want[PAGE];
    uint32_t children;

    start(&m);
    for (size_t i = 0; i < PAGE; i++)
        ((uint8_t *)content_of(&m, DATA2_PAGE))[i] = (uint8_t)(i * 7 + i / 256);
    memcpy(want, content_of(&m, DATA2_PAGE), PAGE);
    children = m.state.children;
    page = evict_page(&m, DATA2_PAGE, slot_of(&m, VA_FRAME, SLOT));
    cr_expect(is_ok(reload(&m, &page, SPARE_FRAME, slot_of(&m, VA_FRAME, SLOT))));
    cr_expect_arr_eq(epc_frame(&m.epc, SPARE_FRAME), want, PAGE);
    cr_expect(m.epc.epcm[SPARE_FRAME].valid && !epcm_of(&m, DATA2_PAGE)->valid);
    cr_expect_eq(m.state.children, children);
    cr_expect_eq(*slot_of(&m, VA_FRAME, SLOT), 0);
    machine_halt(&m);
}

Test(reload, a_page_loaded_blocked_is_of_no_use_and_can_go_at_once)
{
    struct machine m;
    struct evicted page = prepare(&m);

    cr_expect(is_ok(eldb(&m)));
    cr_expect_eq(cpu_epcm_effective(epcm_of(&m, DATA2_PAGE)), 0);
    page = evict_frame(&m, frame_of(DATA2_PAGE), slot_of(&m, VA_FRAME, SLOT));
    cr_expect(is_ok(reload(&m, &page, frame_of(DATA2_PAGE), slot_of(&m, VA_FRAME, SLOT))));
    cr_expect_eq(cpu_epcm_effective(epcm_of(&m, DATA2_PAGE)), 3);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ forgery */

Test(reload, any_changed_byte_is_noticed_but_those_of_enclaveid)
{
    struct machine m;
    struct snapshot *ready;
    uint8_t *pcmd;

    prepare(&m);
    ready = snapshot_take(&m);
    for (size_t i = 0; i < PAGE; i++) {
        m.source[i] ^= 0x10;
        cr_expect(is_code(eldu(&m), SGX_MAC_COMPARE_FAIL), "byte %zu", i);
        m.source[i] ^= 0x10;
    }
    pcmd = (uint8_t *)m.pcmd;
    for (size_t i = 0; i < sizeof *m.pcmd; i++) {
        bool handle = i >= 64 && i < 72;

        pcmd[i] ^= 0x40;
        cr_expect(handle ? is_ok(eldu(&m)) : is_code(eldu(&m), SGX_MAC_COMPARE_FAIL),
                  "byte %zu of PCMD", i);
        snapshot_restore(ready, &m);
    }
    snapshot_free(ready);
    machine_halt(&m);
}

Test(reload, no_type_passes_for_another)
{
    struct machine m;

    prepare(&m);
    for (unsigned type = 0; type < 256; type++) {
        if (type == SGX_PT_REG)
            continue;
        m.pcmd->secinfo.flags = SGX_SECINFO_PT(type) | 3;
        m.state.exists = type != SGX_PT_SECS; /* or the model's own limit might decide */
        cr_expect(is_code(eldu(&m), SGX_MAC_COMPARE_FAIL), "type %u", type);
    }
    machine_halt(&m);
}

Test(reload, an_old_page_does_not_come_back)
{
    struct machine m;
    struct evicted old, new;
    uint64_t *slot;

    start(&m);
    slot = slot_of(&m, VA_FRAME, SLOT);
    old = evict_page(&m, DATA2_PAGE, slot);
    cr_assert(is_ok(reload(&m, &old, frame_of(DATA2_PAGE), slot)));
    memset(content_of(&m, DATA2_PAGE), 0x99, PAGE);
    new = evict_page(&m, DATA2_PAGE, slot);
    cr_expect(is_code(reload(&m, &old, frame_of(DATA2_PAGE), slot), SGX_MAC_COMPARE_FAIL));
    cr_expect_neq(*slot, 0);
    cr_expect(is_ok(reload(&m, &new, frame_of(DATA2_PAGE), slot)));
    cr_expect_eq(*(uint8_t *)content_of(&m, DATA2_PAGE), 0x99);
    machine_halt(&m);
}

Test(reload, a_page_comes_back_once)
{
    struct machine m;
    struct evicted page = prepare(&m);

    cr_expect(is_ok(eldu(&m)));
    cr_expect(
        is_code(reload(&m, &page, SPARE_FRAME, slot_of(&m, VA_FRAME, SLOT)), SGX_MAC_COMPARE_FAIL));
    machine_halt(&m);
}

Test(reload, two_pages_cannot_change_places)
{
    struct machine m;
    struct evicted a, b;
    uint64_t *slot_a, *slot_b, linaddr;

    start(&m);
    slot_a = slot_of(&m, VA_FRAME, 0);
    slot_b = slot_of(&m, VA_FRAME, 1);
    a = evict_page(&m, DATA_PAGE, slot_a);
    b = evict_page(&m, DATA2_PAGE, slot_b);
    cr_expect(is_code(reload(&m, &a, SPARE_FRAME, slot_b), SGX_MAC_COMPARE_FAIL));
    linaddr = a.linaddr;
    a.linaddr = b.linaddr;
    cr_expect(is_code(reload(&m, &a, SPARE_FRAME, slot_a), SGX_MAC_COMPARE_FAIL));
    a.linaddr = linaddr;
    cr_expect(is_ok(reload(&m, &a, SPARE_FRAME, slot_a)));
    machine_halt(&m);
}

Test(reload, an_overwritten_slot_loses_its_page)
{
    struct machine m;
    struct evicted lost, kept;
    uint64_t *slot;

    start(&m);
    slot = slot_of(&m, VA_FRAME, SLOT);
    lost = evict_page(&m, DATA_PAGE, slot);
    cr_assert(is_ok(cpu_eblock(&m.epc, epc_of(&m, DATA2_PAGE))));
    etrack(&m);
    *m.pageinfo =
        (struct sgx_pageinfo){.srcpge = (uintptr_t)m.source, .secinfo = (uintptr_t)m.pcmd};
    cr_assert(
        is_code(cpu_ewb(&m.epc, (uintptr_t)m.pageinfo, epc_of(&m, DATA2_PAGE), (uintptr_t)slot),
                SGX_VA_SLOT_OCCUPIED));
    memcpy(kept.content, m.source, PAGE);
    kept.pcmd = *m.pcmd;
    kept.linaddr = m.pageinfo->linaddr;
    cr_expect(is_code(reload(&m, &lost, frame_of(DATA_PAGE), slot), SGX_MAC_COMPARE_FAIL));
    cr_expect(is_ok(reload(&m, &kept, frame_of(DATA2_PAGE), slot)));
    machine_halt(&m);
}

Test(reload, a_page_of_another_epc_does_not_come_in_although_secret_and_numbers_are_the_same)
{
    struct machine a, b;
    struct evicted page = prepare(&a);

    prepare(&b);
    cr_assert_eq(a.state.eid, b.state.eid);
    cr_expect(is_code(reload(&b, &page, frame_of(DATA2_PAGE), slot_of(&b, VA_FRAME, SLOT)),
                      SGX_MAC_COMPARE_FAIL));
    machine_halt(&a);
    machine_halt(&b);
}

/* ------------------------------------------------------------------ a thread's pages */

Test(reload, a_thread_goes_on_after_its_frames_and_its_tcs_were_out)
{
    static const unsigned pages[] = {TCS_PAGE, SSA_PAGE, DATA_PAGE};
    struct evicted out[3];
    struct cpu_regs before;
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    add_version_array(&m, VA_FRAME);
    m.cpu.r.r12 = 0x1212;
    m.cpu.r.rip = linear_of(CODE_PAGE);
    before = m.cpu.r;
    interrupt(&m);
    for (unsigned i = 0; i < 3; i++)
        out[i] = evict_page(&m, pages[i], slot_of(&m, VA_FRAME, i));
    cr_expect(is_pf(eresume(&m, TCS_PAGE), linear_of(TCS_PAGE), USER_WRITE));
    cr_assert(is_ok(reload(&m, &out[0], frame_of(TCS_PAGE), slot_of(&m, VA_FRAME, 0))));
    cr_expect(is_pf(eresume(&m, TCS_PAGE), linear_of(SSA_PAGE), USER_WRITE));
    cr_assert(is_ok(reload(&m, &out[1], frame_of(SSA_PAGE), slot_of(&m, VA_FRAME, 1))));
    cr_expect(is_ok(eresume(&m, TCS_PAGE)));
    cr_expect_eq(memcmp(&m.cpu.r, &before, sizeof before), 0);
    machine_halt(&m);
}
