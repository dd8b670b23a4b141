/* SPDX-License-Identifier: Apache-2.0 */
#include "crash.h"

#include <criterion/criterion.h>
#include <string.h>

#define BASE 0x7f0000000000
#define SIZE 0x400000

static char text[CRASH_TEXT_SIZE];

static const char *describe(uint16_t vector, uint16_t code, uint64_t address)
{
    struct sgx_enclave_run run = {
        .tcs = BASE + 0x5000,
        .exception_vector = vector,
        .exception_error_code = code,
        .exception_addr = address,
    };

    crash_describe(&run, BASE, SIZE, text, sizeof text);
    return text;
}

static void expect(const char *got, const char *word)
{
    cr_assert_not_null(strstr(got, word), "'%s' in '%s'", word, got);
}

Test(crash, a_page_fault_says_what_was_tried_where_and_who_refused)
{
    static const struct {
        uint16_t code;
        const char *access, *refused;
    } rows[] = {
        {0x8007, "writing", "EPCM"},        {0x8005, "reading", "EPCM"},
        {0x8015, "fetching code", "EPCM"},  {0x0007, "writing", "page table"},
        {0x0015, "fetching", "page table"}, {0x0006, "writing", "no page is present"},
        {0x0004, "reading", "no page"},     {0x0025, "reading", "protection key"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = describe(14, rows[i].code, BASE + 0x3000);

        expect(got, "#PF");
        expect(got, rows[i].access);
        expect(got, rows[i].refused);
        expect(got, "0x7f0000003000");
        expect(got, "enclave offset 0x3000");
        expect(got, "thread slot at 0x7f0000005000");
    }
}

Test(crash, an_address_outside_has_no_offset)
{
    expect(describe(14, 4, BASE - 0x1000), "0x7effffff");
    cr_assert_null(strstr(text, "offset"));
    describe(14, 4, BASE + SIZE);
    cr_assert_null(strstr(text, "offset"));
}

Test(crash, every_vector_that_an_enclave_can_raise_has_its_name)
{
    static const struct {
        uint16_t vector;
        const char *name;
    } rows[] = {
        {0, "#DE, divide error"},
        {1, "#DB"},
        {3, "#BP"},
        {5, "#BR"},
        {6, "#UD, illegal instruction"},
        {13, "#GP"},
        {16, "#MF"},
        {17, "#AC"},
        {19, "#XM"},
        {21, "#CP"},
        {200, "vector 200"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(describe(rows[i].vector, 0, 0), rows[i].name);
}

Test(crash, the_first_end_is_the_one_that_counts)
{
    struct crash c = {0};

    crash_init(&c);
    cr_assert_eq(crash_fate(&c), SGX_SUCCESS);
    cr_assert_str_eq(crash_text(&c), "");
    cr_assert_eq(crash_end(&c, SGX_ERROR_ENCLAVE_CRASHED, "first"), SGX_ERROR_ENCLAVE_CRASHED);
    crash_end(&c, SGX_ERROR_ENCLAVE_LOST, "second");
    cr_assert_eq(crash_fate(&c), SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert_str_eq(crash_text(&c), "first");
    crash_done(&c);
}

Test(crash, a_note_ends_nothing_and_an_end_hides_it)
{
    struct crash c = {0};

    crash_init(&c);
    cr_assert_eq(crash_note(&c, SGX_ERROR_UNEXPECTED, "a note"), SGX_ERROR_UNEXPECTED);
    crash_note(&c, SGX_ERROR_UNEXPECTED, "another");
    cr_assert_eq(crash_fate(&c), SGX_SUCCESS);
    cr_assert_str_eq(crash_text(&c), "a note");
    crash_end(&c, SGX_ERROR_ENCLAVE_LOST, "the end");
    cr_assert_str_eq(crash_text(&c), "the end");
    crash_done(&c);
}
