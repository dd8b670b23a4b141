/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "cpu/operand.h"
#include "fixture.h"

Test(operand, the_canonical_addresses_are_two_halves)
{
    cr_expect(canonical(0));
    cr_expect(canonical(UINT64_C(0x00007fffffffffff)));
    cr_expect_not(canonical(UINT64_C(0x0000800000000000)));
    cr_expect_not(canonical(UINT64_C(0xffff7fffffffffff)));
    cr_expect(canonical(UINT64_C(0xffff800000000000)));
    cr_expect(canonical(UINT64_MAX));
}

Test(operand, one_set_bit_anywhere_is_not_all_zero)
{
    uint8_t bytes[40] = {0};

    cr_expect(cpu_all_zero(bytes, 0));
    cr_expect(cpu_all_zero(bytes, sizeof bytes));
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = 0x80;
        cr_expect_not(cpu_all_zero(bytes, sizeof bytes), "byte %zu", i);
        bytes[i] = 0;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = 7;
    cr_expect_not(cpu_all_zero(bytes, sizeof bytes));
}

Test(operand, the_epc_window_ends_where_its_frames_end)
{
    struct machine m;
    uint64_t frame = 0, first, end;

    machine_boot(&m);
    first = epc_address(&m.epc, 0);
    end = epc_address(&m.epc, FRAMES);
    cr_expect_not(cpu_epc_find(&m.epc, first - 1, &frame));
    cr_expect(cpu_epc_find(&m.epc, first, &frame) && frame == 0);
    cr_expect(cpu_epc_find(&m.epc, first + 4096, &frame) && frame == 1);
    cr_expect(cpu_epc_find(&m.epc, end - 1, &frame) && frame == FRAMES - 1);
    cr_expect_not(cpu_epc_find(&m.epc, end, &frame));
    cr_expect_not(cpu_epc_find(&m.epc, 0, &frame));
    cr_expect_not(cpu_epc_find(&m.epc, UINT64_MAX, &frame));
    machine_halt(&m);
}

Test(operand, secinfo_has_reserved_bits_around_the_defined_ones)
{
    struct sgx_secinfo info = {.flags = 0xff3f};

    cr_expect(cpu_secinfo_reserved_clear(&info));
    for (unsigned bit = 0; bit < 64; bit++) {
        bool reserved = bit == 6 || bit == 7 || bit >= 16;

        info.flags = UINT64_C(1) << bit;
        cr_expect_eq(cpu_secinfo_reserved_clear(&info), !reserved, "bit %u", bit);
    }
    info.flags = 0;
    for (size_t i = 0; i < sizeof info.reserved; i++) {
        info.reserved[i] = 1;
        cr_expect_not(cpu_secinfo_reserved_clear(&info), "byte %zu", 8 + i);
        info.reserved[i] = 0;
    }
}

Test(operand, an_elrange_at_the_top_of_the_address_space_does_not_wrap)
{
    struct sgx_secs secs = {.base = UINT64_C(0xffffffffffff0000), .size = 0x10000};

    cr_expect(secs_contains(&secs, UINT64_MAX));
    cr_expect(secs_contains(&secs, secs.base));
    cr_expect_not(secs_contains(&secs, secs.base - 1));
    cr_expect_not(secs_contains(&secs, 0));
}

Test(operand, a_32_bit_tcs_needs_limits_that_end_a_page)
{
    struct sgx_secs secs = {.attributes.flags = SGX_ATTR_MODE64BIT};
    struct sgx_tcs tcs = {0};

    cr_expect(cpu_tcs_wellformed(&tcs, &secs));
    secs.attributes.flags = 0;
    cr_expect_not(cpu_tcs_wellformed(&tcs, &secs));
    tcs.fslimit = 0x1fff;
    cr_expect_not(cpu_tcs_wellformed(&tcs, &secs));
    tcs.gslimit = 0xfff;
    cr_expect(cpu_tcs_wellformed(&tcs, &secs));
    tcs.fslimit = 0x1ffe;
    cr_expect_not(cpu_tcs_wellformed(&tcs, &secs));
}
