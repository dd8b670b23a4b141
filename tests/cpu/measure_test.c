/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MRENCLAVE against the manual: records written out byte by byte here, hashed in one go.
 */
#include <criterion/criterion.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/measure.h"
#include "fixture.h"

struct records {
    uint8_t *bytes;
    size_t size;
};

static uint8_t *append(struct records *r, size_t size)
{
    r->bytes = realloc(r->bytes, r->size + size);
    cr_assert_not_null(r->bytes);
    memset(r->bytes + r->size, 0, size);
    r->size += size;
    return r->bytes + r->size - size;
}

static void put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void ecreate_record(struct records *r, uint32_t ssa_frame_size, uint64_t size)
{
    uint8_t *block = append(r, 64);

    memcpy(block, "ECREATE", 8);
    put(block + 8, ssa_frame_size, 4);
    put(block + 12, size, 8);
}

static void eadd_record(struct records *r, uint64_t offset, uint64_t flags)
{
    uint8_t *block = append(r, 64);

    memcpy(block, "EADD", 4);
    put(block + 8, offset, 8);
    put(block + 16, flags, 8);
}

static void eextend_record(struct records *r, uint64_t offset, const uint8_t *data)
{
    uint8_t *block = append(r, 64 + 256);

    memcpy(block, "EEXTEND", 8);
    put(block + 8, offset, 8);
    memcpy(block + 64, data, 256);
}

static void page_records(struct records *r, uint64_t offset, uint64_t flags, const uint8_t *data)
{
    eadd_record(r, offset, flags);
    for (uint64_t chunk = 0; chunk < 4096; chunk += 256)
        eextend_record(r, offset + chunk, data + chunk);
}

static void expect_measurement(struct machine *m, struct records *r)
{
    uint8_t expected[32], found[32];

    SHA256(r->bytes, r->size, expected);
    cpu_measure_digest(&m->state, found);
    cr_expect_arr_eq(found, expected, 32);
    free(r->bytes);
    machine_halt(m);
}

static void fill_source(struct machine *m)
{
    for (unsigned i = 0; i < PAGE; i++)
        m->source[i] = (uint8_t)(i * 7 + (i >> 8));
}

Test(measure, an_enclave_without_pages_is_its_size_and_its_ssa)
{
    struct machine m;
    struct records r = {0};

    machine_boot(&m);
    machine_create(&m);
    ecreate_record(&r, 1, ENCLAVE_SIZE);
    expect_measurement(&m, &r);
}

Test(measure, a_measured_page_is_one_record_and_sixteen_with_data)
{
    struct machine m;
    struct records r = {0};

    machine_boot(&m);
    machine_create(&m);
    fill_source(&m);
    add_page(&m, 5, 0x205, true);
    ecreate_record(&r, 1, ENCLAVE_SIZE);
    page_records(&r, 5 * PAGE, 0x205, m.source);
    expect_measurement(&m, &r);
}

Test(measure, an_unmeasured_page_counts_by_place_and_permissions)
{
    struct machine m;
    struct records r = {0};

    machine_boot(&m);
    machine_create(&m);
    fill_source(&m);
    add_page(&m, 9, 0x203, false);
    add_page(&m, 3, 0x201, false);
    ecreate_record(&r, 1, ENCLAVE_SIZE);
    eadd_record(&r, 9 * PAGE, 0x203);
    eadd_record(&r, 3 * PAGE, 0x201);
    expect_measurement(&m, &r);
}

Test(measure, chunks_count_in_the_order_in_which_they_are_extended)
{
    struct machine m;
    struct records r = {0};

    machine_boot(&m);
    machine_create(&m);
    fill_source(&m);
    add_page(&m, 9, 0x203, false);
    cr_assert(is_ok(cpu_eextend(&m.epc, m.pageinfo->secs, epc_of(&m, 9) + 0xf00)));
    cr_assert(is_ok(cpu_eextend(&m.epc, m.pageinfo->secs, epc_of(&m, 9))));
    ecreate_record(&r, 1, ENCLAVE_SIZE);
    eadd_record(&r, 9 * PAGE, 0x203);
    eextend_record(&r, 9 * PAGE + 0xf00, m.source + 0xf00);
    eextend_record(&r, 9 * PAGE, m.source);
    expect_measurement(&m, &r);
}

Test(measure, a_page_at_once_is_the_same_as_sixteen_chunks)
{
    struct machine m;
    struct records r = {0};

    machine_boot(&m);
    machine_create(&m);
    fill_source(&m);
    add_page(&m, 9, 0x203, false);
    for (uint64_t chunk = 0; chunk < PAGE; chunk += 256)
        cr_assert(is_ok(cpu_eextend(&m.epc, m.pageinfo->secs, epc_of(&m, 9) + chunk)));
    add_page(&m, 10, 0x203, true);
    ecreate_record(&r, 1, ENCLAVE_SIZE);
    page_records(&r, 9 * PAGE, 0x203, m.source);
    page_records(&r, 10 * PAGE, 0x203, m.source);
    expect_measurement(&m, &r);
}

Test(measure, a_tcs_is_measured_as_the_processor_settled_it)
{
    struct machine m;
    struct records r = {0};
    struct sgx_tcs tcs = {.state = 1, .flags = 3, .ossa = PAGE, .cssa = 4, .nssa = 2, .aep = 5};

    machine_boot(&m);
    machine_create(&m);
    memcpy(m.source, &tcs, sizeof tcs);
    add_page(&m, 0, SGX_SECINFO_TCS | SGX_SECINFO_RWX, true);
    tcs.state = tcs.cssa = 0;
    tcs.aep = 0;
    tcs.flags = 2;
    ecreate_record(&r, 1, ENCLAVE_SIZE);
    page_records(&r, 0, 0x100, (const uint8_t *)&tcs);
    expect_measurement(&m, &r);
}

Test(measure, what_eadd_was_told_of_states_is_measured_as_given)
{
    struct machine m;
    struct records r = {0};

    machine_boot(&m);
    machine_create(&m);
    add_page(&m, 9, 0x203 | SGX_SECINFO_PENDING | SGX_SECINFO_PR, false);
    ecreate_record(&r, 1, ENCLAVE_SIZE);
    eadd_record(&r, 9 * PAGE, 0x22b);
    expect_measurement(&m, &r);
}

Test(measure, base_attributes_and_added_pages_are_not_measured)
{
    struct machine a, b;
    uint8_t first[32], second[32];

    machine_boot(&a);
    machine_start(&a);
    machine_boot(&b);
    b.secs.attributes.flags |= SGX_ATTR_DEBUG;
    b.secs.miscselect = 0;
    machine_start(&b);
    augment_page(&b, FREE_PAGE);
    cpu_measure_digest(&a.state, first);
    cpu_measure_digest(&b.state, second);
    cr_expect_arr_eq(first, second, 32);
    cr_expect_arr_eq(first, secs_of(&b)->mrenclave, 32);
    machine_halt(&a);
    machine_halt(&b);
}

Test(measure, looking_at_the_digest_does_not_disturb_it)
{
    struct machine m;
    struct enclave_state before;
    uint8_t digest[32];

    machine_boot(&m);
    machine_build(&m);
    before = m.state;
    cpu_measure_digest(&m.state, digest);
    cr_expect_eq(memcmp(&before, &m.state, sizeof before), 0);
    machine_halt(&m);
}
