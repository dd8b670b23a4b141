/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "arch/measure.h"
#include "checks.h"

#define STATUS UINT64_C(0x8d5) /* OF SF ZF AF PF CF */
#define ZF     UINT64_C(0x40)
#define CF     UINT64_C(0x01)

static struct outcome encls(struct machine *m, uint64_t leaf)
{
    m->cpu.r.rax = leaf;
    return cpu_encls(&m->cpu, 0);
}

static void start(struct machine *m)
{
    machine_boot(m);
    machine_start(m);
    add_version_array(m, VA_FRAME);
    host_registers(m, TCS_PAGE);
    m->cpu.r.rflags |= STATUS;
}

/* ------------------------------------------------------------------ dispatch */

static void expect_nothing_but(struct machine *m, unsigned cpl, enum outcome_kind kind,
                               uint64_t leaf)
{
    struct snapshot *before;

    m->cpu.r.rax = leaf;
    before = snapshot_take(m);
    cr_expect_eq(cpu_encls(&m->cpu, cpl).kind, kind, "leaf 0x%llx at %u", (unsigned long long)leaf,
                 cpl);
    cr_expect(snapshot_same(before, m));
    snapshot_free(before);
}

Test(encls, is_undefined_for_all_but_the_kernel)
{
    struct machine m;

    start(&m);
    m.cpu.r.rcx = epc_of(&m, DATA_PAGE);
    for (unsigned cpl = 1; cpl < 4; cpl++) {
        for (uint64_t leaf = 0; leaf < 0x20; leaf++)
            expect_nothing_but(&m, cpl, LEAF_UD, leaf);
    }
    machine_halt(&m);
}

Test(encls, is_undefined_inside_an_enclave)
{
    struct machine m;

    machine_boot(&m);
    machine_enter(&m);
    m.cpu.r.rcx = epc_of(&m, DATA_PAGE);
    for (uint64_t leaf = 0; leaf < 0x20; leaf++)
        expect_nothing_but(&m, 3, LEAF_UD, leaf);
    machine_halt(&m);
}

Test(encls, leaves_that_are_not_enumerated_do_not_exist)
{
    static const uint64_t absent[] = {SGX_ERDINFO, SGX_ETRACKC, SGX_ELDBC,  SGX_ELDUC,
                                      0x14,        0x18,        0x7fffffff, 0xffffffff};
    struct machine m;

    start(&m);
    m.cpu.r.rcx = epc_address(&m.epc, SECS_FRAME);
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        expect_nothing_but(&m, 0, LEAF_GP, absent[i]);
    machine_halt(&m);
}

Test(encls, a_fault_keeps_every_register)
{
    struct machine m;

    start(&m);
    m.cpu.r.rcx = epc_of(&m, DATA_PAGE) | 1;
    expect_nothing_but(&m, 0, LEAF_GP, SGX_EBLOCK);
    expect_nothing_but(&m, 0, LEAF_GP, SGX_EDBGRD);
    m.cpu.r.rcx = 0;
    expect_nothing_but(&m, 0, LEAF_PF, SGX_EREMOVE);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ RAX and the flags */

Test(encls, success_is_rax_0_with_all_status_flags_clear)
{
    struct machine m;

    start(&m);
    m.cpu.r.rcx = epc_of(&m, DATA_PAGE);
    cr_expect(is_ok(encls(&m, UINT64_C(0xdead00000000) | SGX_EBLOCK)));
    cr_expect_eq(m.cpu.r.rax, 0);
    cr_expect_eq(m.cpu.r.rflags & STATUS, 0);
    cr_expect_eq(m.cpu.r.rip, HOST_RIP + 3);
    machine_halt(&m);
}

Test(encls, a_code_is_in_rax_with_zf_or_with_cf)
{
    struct machine m;

    start(&m);
    m.cpu.r.rcx = epc_address(&m.epc, SPARE_FRAME);
    cr_expect(is_code(encls(&m, SGX_EBLOCK), SGX_PG_INVLD));
    cr_expect_eq(m.cpu.r.rax, SGX_PG_INVLD);
    cr_expect_eq(m.cpu.r.rflags & STATUS, ZF);

    m.cpu.r.rflags |= STATUS;
    m.cpu.r.rcx = epc_address(&m.epc, SECS_FRAME);
    cr_expect(is_code(encls(&m, SGX_EBLOCK), SGX_PG_IS_SECS));
    cr_expect_eq(m.cpu.r.rax, SGX_PG_IS_SECS);
    cr_expect_eq(m.cpu.r.rflags & STATUS, CF);
    cr_expect_eq(m.cpu.r.rip, HOST_RIP + 6);
    machine_halt(&m);
}

Test(encls, a_leaf_without_a_code_leaves_rax_and_the_flags)
{
    struct machine m;

    start(&m);
    m.cpu.r.rbx = SGX_PT_VA;
    m.cpu.r.rcx = epc_address(&m.epc, VA2_FRAME);
    cr_expect(is_ok(encls(&m, SGX_EPA)));
    cr_expect_eq(m.cpu.r.rax, SGX_EPA);
    cr_expect_eq(m.cpu.r.rflags & STATUS, STATUS);
    cr_expect_eq(m.cpu.r.rip, HOST_RIP + 3);
    machine_halt(&m);
}

Test(encls, debug_read_answers_in_rbx)
{
    struct machine m;

    machine_boot(&m);
    m.secs.attributes.flags |= SGX_ATTR_DEBUG;
    machine_start(&m);
    host_registers(&m, TCS_PAGE);
    m.cpu.r.rcx = epc_of(&m, DATA2_PAGE);
    cr_expect(is_ok(encls(&m, SGX_EDBGRD)));
    cr_expect_eq(m.cpu.r.rbx, UINT64_C(0x4444444444444444));
    m.cpu.r.rbx = 5;
    cr_expect(is_ok(encls(&m, SGX_EDBGWR)));
    cr_expect_eq(*(uint64_t *)content_of(&m, DATA2_PAGE), 5);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ every leaf by its number */

static void expect_done(struct machine *m, uint64_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
    m->cpu.r.rbx = rbx;
    m->cpu.r.rcx = rcx;
    m->cpu.r.rdx = rdx;
    cr_assert(is_ok(encls(m, leaf)), "leaf 0x%llx", (unsigned long long)leaf);
}

static void add(struct machine *m, unsigned page, uint64_t flags)
{
    uint64_t secs = epc_address(&m->epc, SECS_FRAME);

    prepare_eadd(m, page, flags);
    expect_done(m, SGX_EADD, m->cpu.r.rbx, m->cpu.r.rcx, 0);
    for (uint64_t at = 0; at < PAGE; at += SGX_EEXTEND_SIZE)
        expect_done(m, SGX_EEXTEND, secs, epc_of(m, page) + at, 0);
}

static void modify(struct machine *m, uint64_t leaf, unsigned page, uint64_t flags)
{
    *m->secinfo = (struct sgx_secinfo){.flags = flags};
    expect_done(m, leaf, (uintptr_t)m->secinfo, epc_of(m, page), 0);
}

Test(encls, an_enclave_lives_through_the_instruction_alone)
{
    struct machine m;
    struct evicted page;
    uint64_t secs, slot;

    machine_boot(&m);
    secs = epc_address(&m.epc, SECS_FRAME);
    slot = (uintptr_t)slot_of(&m, VA_FRAME, 0);
    m.cpu.r.rip = HOST_RIP;
    prepare_ecreate(&m);
    expect_done(&m, SGX_ECREATE, m.cpu.r.rbx, m.cpu.r.rcx, 0);
    add(&m, DATA_PAGE, SGX_SECINFO_REG | 3);
    prepare_sigstruct(&m);
    sign(m.sig);
    EVP_Digest(m.sig->modulus, SGX_KEY_SIZE, m.platform.le_pubkey_hash, NULL, EVP_sha256(), NULL);
    expect_done(&m, SGX_EINIT, (uintptr_t)m.sig, secs, (uintptr_t)m.token);
    *m.pageinfo = (struct sgx_pageinfo){.linaddr = linear_of(FREE_PAGE), .secs = secs};
    expect_done(&m, SGX_EAUG, (uintptr_t)m.pageinfo, epc_of(&m, FREE_PAGE), 0);
    cr_expect(epcm_of(&m, FREE_PAGE)->pending);

    modify(&m, SGX_EMODPR, DATA_PAGE, SGX_SECINFO_R);
    cr_expect(epcm_of(&m, DATA_PAGE)->pr && !epcm_of(&m, DATA_PAGE)->w);
    modify(&m, SGX_EMODT, DATA_PAGE, SGX_SECINFO_TRIM);
    cr_expect_eq(epcm_of(&m, DATA_PAGE)->pt, SGX_PT_TRIM);

    expect_done(&m, SGX_EPA, SGX_PT_VA, epc_address(&m.epc, VA_FRAME), 0);
    expect_done(&m, SGX_EBLOCK, 0, epc_of(&m, DATA_PAGE), 0);
    expect_done(&m, SGX_ETRACK, 0, secs, 0);
    cr_expect_eq(m.state.epoch, 1);
    *m.pageinfo =
        (struct sgx_pageinfo){.srcpge = (uintptr_t)m.source, .secinfo = (uintptr_t)m.pcmd};
    expect_done(&m, SGX_EWB, (uintptr_t)m.pageinfo, epc_of(&m, DATA_PAGE), slot);
    memcpy(page.content, m.source, PAGE);
    page.pcmd = *m.pcmd;
    page.linaddr = m.pageinfo->linaddr;
    prepare_reload(&m, &page, frame_of(DATA_PAGE), slot_of(&m, VA_FRAME, 0));
    expect_done(&m, SGX_ELDB, m.cpu.r.rbx, m.cpu.r.rcx, slot);
    cr_expect(epcm_of(&m, DATA_PAGE)->blocked);
    page = evict_frame(&m, frame_of(DATA_PAGE), slot_of(&m, VA_FRAME, 0));
    prepare_reload(&m, &page, frame_of(DATA_PAGE), slot_of(&m, VA_FRAME, 0));
    expect_done(&m, SGX_ELDU, m.cpu.r.rbx, m.cpu.r.rcx, slot);
    cr_expect_not(epcm_of(&m, DATA_PAGE)->blocked);

    expect_done(&m, SGX_EREMOVE, 0, epc_of(&m, DATA_PAGE), 0);
    expect_done(&m, SGX_EREMOVE, 0, epc_of(&m, FREE_PAGE), 0);
    expect_done(&m, SGX_EREMOVE, 0, secs, 0);
    cr_expect_not(m.state.exists);
    machine_halt(&m);
}
