/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole enclaves out of the EPC and back: version arrays and the SECS among their pages.
 */
#include "cpu/secspage.h"

#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

#define SECS_SLOT 100u

static uint64_t *slot(struct machine *m, unsigned number)
{
    return slot_of(m, VA_FRAME, number);
}

static struct outcome reload_under(struct machine *m, const struct evicted *page, uint64_t frame,
                                   uint64_t *from, uint64_t secs_frame)
{
    prepare_reload(m, page, frame, from);
    m->pageinfo->secs = epc_address(&m->epc, secs_frame);
    return cpu_eldu(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx, m->cpu.r.rdx);
}

Test(secspage, what_is_packed_is_unpacked_and_what_is_the_epcs_stays)
{
    struct enclave_state before, after = {.children = 3, .active = 2, .last_eid = 77};
    struct sgx_secs secs = {.size = ENCLAVE_SIZE, .base = BASE}, page, again;

    memset(&before, 0, sizeof before);
    memset(before.sha, 1, sizeof before.sha);
    memset(before.padding, 2, sizeof before.padding);
    memset(before.isv_family_id, 3, sizeof before.isv_family_id);
    memset(before.isv_ext_prod_id, 4, sizeof before.isv_ext_prod_id);
    before.eid = 5;
    before.epoch = 6;
    before.measuring_done = true;
    before.exists = true;
    before.last_eid = 7;
    before.last_version = 8;

    cpu_secs_pack(&secs, &before, &page);
    after.last_version = 88;
    cpu_secs_unpack(&page, &again, &after);
    cr_expect_eq(memcmp(&secs, &again, sizeof secs), 0);
    before.last_eid = 77;
    before.last_version = 88;
    cr_expect_eq(memcmp(&before, &after, sizeof before), 0);
}

Test(secspage, a_version_array_can_be_out_while_its_pages_are)
{
    struct machine m;
    struct evicted page, array;
    uint8_t versions[PAGE];

    machine_boot(&m);
    machine_start(&m);
    add_version_array(&m, VA_FRAME);
    add_version_array(&m, VA2_FRAME);
    page = evict_page(&m, DATA2_PAGE, slot(&m, 511));
    memcpy(versions, epc_frame(&m.epc, VA_FRAME), PAGE);
    array = evict_frame(&m, VA_FRAME, slot_of(&m, VA2_FRAME, 0));
    prepare_reload(&m, &page, frame_of(DATA2_PAGE), slot(&m, 511));
    cr_expect(is_pf(cpu_eldu(&m.epc, m.cpu.r.rbx, m.cpu.r.rcx, m.cpu.r.rdx), m.cpu.r.rdx, KERNEL));
    prepare_reload(&m, &array, SPARE_FRAME, slot_of(&m, VA2_FRAME, 0));
    cr_expect(is_ok(cpu_eldb(&m.epc, m.cpu.r.rbx, m.cpu.r.rcx, m.cpu.r.rdx)));
    cr_expect_not(m.epc.epcm[SPARE_FRAME].blocked);
    cr_expect_arr_eq(epc_frame(&m.epc, SPARE_FRAME), versions, PAGE);
    cr_expect(is_ok(reload(&m, &page, frame_of(DATA2_PAGE), slot_of(&m, SPARE_FRAME, 511))));
    machine_halt(&m);
}

/* ------------------------------------------------------------------ the SECS */

/* A report for nobody, and a seal key: between them they show all that makes the identity. */
struct identity {
    uint8_t report[432];
    uint8_t key[16];
};

static struct identity identify(struct machine *m)
{
    struct identity id;
    const struct sgx_key_request request = {
        .key_name = SGX_KEY_SEAL,
        .key_policy = SGX_KEYPOLICY_MRENCLAVE | SGX_KEYPOLICY_ISVFAMILYID,
    };

    cr_assert(is_ok(eenter(m, TCS_PAGE)));
    memset(content_of(m, DATA_PAGE), 0, PAGE);
    memcpy((uint8_t *)content_of(m, DATA_PAGE) + 512, &request, sizeof request);
    m->cpu.r.rbx = linear_of(DATA_PAGE);
    m->cpu.r.rcx = linear_of(CONST_PAGE);
    m->cpu.r.rdx = linear_of(DATA2_PAGE);
    cr_assert(is_ok(enclu(m, SGX_EREPORT)));
    m->cpu.r.rbx = linear_of(DATA_PAGE) + 512;
    m->cpu.r.rcx = linear_of(DATA2_PAGE) + 512;
    cr_assert(is_ok(enclu(m, SGX_EGETKEY)));
    memcpy(id.report, content_of(m, DATA2_PAGE), sizeof id.report);
    memcpy(id.key, (uint8_t *)content_of(m, DATA2_PAGE) + 512, sizeof id.key);
    cr_assert(is_ok(eexit(m)));
    return id;
}

Test(secspage, an_enclave_is_the_same_after_all_of_it_was_out)
{
    struct machine m;
    struct evicted out[FREE_PAGE], secs;
    struct identity before, after;

    machine_boot(&m);
    m.secs.attributes.flags |= SGX_ATTR_KSS;
    machine_build(&m);
    prepare_sigstruct(&m);
    memset(m.sig->isv_family_id, 0xf1, 16);
    memset(m.sig->isv_ext_prod_id, 0xe1, 16);
    sign(m.sig);
    cr_assert(is_ok(einit(&m)));
    before = identify(&m);

    add_version_array(&m, VA_FRAME);
    for (unsigned i = 0; i < FREE_PAGE; i++)
        out[i] = evict_page(&m, i, slot(&m, i));
    secs = evict_frame(&m, SECS_FRAME, slot(&m, SECS_SLOT));
    cr_expect_eq(m.state.eid, 0);
    cr_expect_not(m.epc.epcm[SECS_FRAME].valid);

    /* Without the SECS nobody comes back, and then everybody does, under its new frame. */
    cr_expect(is_pf(reload(&m, &out[0], frame_of(0), slot(&m, 0)), epc_address(&m.epc, SECS_FRAME),
                    KERNEL));
    cr_assert(is_ok(reload(&m, &secs, SPARE_FRAME, slot(&m, SECS_SLOT))));
    cr_expect_eq(m.epc.epcm[SPARE_FRAME].secs, SPARE_FRAME);
    for (unsigned i = 0; i < FREE_PAGE; i++)
        cr_assert(is_ok(reload_under(&m, &out[i], frame_of(i), slot(&m, i), SPARE_FRAME)));
    cr_expect_eq(m.state.children, FREE_PAGE);
    after = identify(&m);
    cr_expect_eq(memcmp(&before, &after, sizeof before), 0);
    machine_halt(&m);
}

Test(secspage, building_goes_on_where_it_stopped)
{
    struct machine m;
    struct evicted out[FREE_PAGE], secs;

    machine_boot(&m);
    machine_build(&m);
    add_version_array(&m, VA_FRAME);
    for (unsigned i = 0; i < FREE_PAGE; i++)
        out[i] = evict_page(&m, i, slot(&m, i));
    secs = evict_frame(&m, SECS_FRAME, slot(&m, SECS_SLOT));
    cr_assert(is_ok(reload(&m, &secs, SECS_FRAME, slot(&m, SECS_SLOT))));
    for (unsigned i = 0; i < FREE_PAGE; i++)
        cr_assert(is_ok(reload(&m, &out[i], frame_of(i), slot(&m, i))));
    add_page(&m, FREE_PAGE, SGX_SECINFO_REG | SGX_SECINFO_R, true);

    /* The measurement is that of an enclave that was never out. */
    prepare_sigstruct(&m);
    sign(m.sig);
    cr_expect(is_ok(einit(&m)));
    {
        struct machine other;

        machine_boot(&other);
        machine_build(&other);
        memcpy(other.source, content_of(&m, FREE_PAGE), PAGE);
        add_page(&other, FREE_PAGE, SGX_SECINFO_REG | SGX_SECINFO_R, true);
        prepare_sigstruct(&other);
        cr_expect_arr_eq(other.sig->enclave_hash, m.sig->enclave_hash, 32);
        machine_halt(&other);
    }
    machine_halt(&m);
}

Test(secspage, one_epc_holds_one_enclave_and_numbers_tell_them_apart)
{
    struct machine m;
    struct evicted first, page;

    machine_boot(&m);
    machine_build(&m);
    add_version_array(&m, VA_FRAME);
    page = evict_page(&m, DATA_PAGE, slot(&m, 0));
    for (unsigned i = 0; i < FREE_PAGE; i++)
        cr_assert(is_ok(cpu_eremove(&m.epc, epc_of(&m, i))));
    first = evict_frame(&m, SECS_FRAME, slot(&m, SECS_SLOT));

    machine_create(&m);
    cr_expect_eq(m.state.eid, 2);
    cr_expect(is_code(reload(&m, &page, SPARE_FRAME, slot(&m, 0)), SGX_MAC_COMPARE_FAIL));
    cr_expect(is_gp(reload(&m, &first, SPARE_FRAME, slot(&m, SECS_SLOT))));
    cr_expect_neq(*slot(&m, SECS_SLOT), 0);

    cr_assert(is_ok(cpu_eremove(&m.epc, epc_address(&m.epc, SECS_FRAME))));
    cr_expect(is_ok(reload(&m, &first, SECS_FRAME, slot(&m, SECS_SLOT))));
    cr_expect_eq(m.state.eid, 1);
    cr_expect(is_ok(reload(&m, &page, SPARE_FRAME, slot(&m, 0))));
    cr_assert(is_ok(cpu_eremove(&m.epc, epc_address(&m.epc, SPARE_FRAME))));
    cr_assert(is_ok(cpu_eremove(&m.epc, epc_address(&m.epc, SECS_FRAME))));
    machine_create(&m);
    cr_expect_eq(m.state.eid, 3);
    machine_halt(&m);
}

Test(secspage, tracking_goes_on_from_the_epoch_that_travelled)
{
    struct machine m;
    struct evicted secs;

    machine_boot(&m);
    machine_create(&m);
    add_version_array(&m, VA_FRAME);
    etrack(&m);
    etrack(&m);
    secs = evict_frame(&m, SECS_FRAME, slot(&m, SECS_SLOT));
    cr_expect_eq(m.state.epoch, 0);
    cr_assert(is_ok(reload(&m, &secs, SECS_FRAME, slot(&m, SECS_SLOT))));
    cr_expect_eq(m.state.epoch, 2);
    machine_halt(&m);
}
