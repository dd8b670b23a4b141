/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static void expect(const struct ap_error *e, const char *word)
{
    cr_assert_not_null(strstr(e->text, word), "'%s' in '%s'", word, e->text);
    cr_assert_lt(strlen(e->text), sizeof e->text - 1, "the sentence is whole");
}

Test(error, each_refusal_has_its_status_and_its_remedy)
{
    static const struct {
        enum error_step step;
        int os_error;
        sgx_status_t status;
        const char *remedy;
    } rows[] = {
        {STEP_OPEN, -ENOENT, SGX_ERROR_NO_DEVICE, "5.11"},
        {STEP_OPEN, -EACCES, SGX_ERROR_NO_DEVICE, "udev"},
        {STEP_OPEN, -EPERM, SGX_ERROR_NO_DEVICE, "container"},
        {STEP_OPEN, -ENODEV, SGX_ERROR_NO_DEVICE, "firmware"},
        {STEP_OPEN, -EMFILE, SGX_ERROR_OUT_OF_MEMORY, "ulimit -n"},
        {STEP_OPEN, -EBUSY, SGX_ERROR_DEVICE_BUSY, "try again"},
        {STEP_OPEN, -EIO, SGX_ERROR_NO_DEVICE, "dmesg"},
        {STEP_VDSO, -ENOSYS, SGX_ERROR_NO_DEVICE, "CONFIG_X86_SGX"},
        {STEP_RESERVE, -ENOMEM, SGX_ERROR_OUT_OF_MEMORY, "ulimit -v"},
        {STEP_RESERVE, -EINVAL, SGX_ERROR_MEMORY_MAP_CONFLICT, "reserved"},
        {STEP_CREATE, -EIO, SGX_ERROR_INVALID_MISC, "XFRM"},
        {STEP_CREATE, -ENOMEM, SGX_ERROR_OUT_OF_EPC, "EPC"},
        {STEP_CREATE, -EINVAL, SGX_ERROR_INVALID_ENCLAVE, "ELRANGE"},
        {STEP_PROVISION, -EACCES, SGX_ERROR_INVALID_MISC, "sgx_prv"},
        {STEP_PROVISION, -EINVAL, SGX_ERROR_INVALID_MISC, "PROVISIONKEY"},
        {STEP_SOURCE, -ENOMEM, SGX_ERROR_OUT_OF_MEMORY, "ulimit -v"},
        {STEP_ADD_PAGES, -ENOMEM, SGX_ERROR_OUT_OF_EPC, "fewer initial pages"},
        {STEP_ADD_PAGES, -EBUSY, SGX_ERROR_INVALID_ENCLAVE, "already"},
        {STEP_ADD_PAGES, -EINVAL, SGX_ERROR_INVALID_ENCLAVE, "sign again"},
        {STEP_ADD_PAGES, -EIO, SGX_ERROR_UNEXPECTED, "try again"},
        {STEP_ADD_PAGES, -EFAULT, SGX_ERROR_UNEXPECTED, "dmesg"},
        {STEP_INIT, -EPERM, SGX_ERROR_INVALID_SIGNATURE, "sign again"},
        {STEP_INIT, -EACCES, SGX_ERROR_INVALID_MISC, "/dev/sgx_provision"},
        {STEP_INIT, -EINVAL, SGX_ERROR_INVALID_MISC, "XFRM"},
        {STEP_INIT, -EIO, SGX_ERROR_UNEXPECTED, "try again"},
        {STEP_INIT, -ENOMEM, SGX_ERROR_OUT_OF_MEMORY, "memory"},
        {STEP_PROBE, -ENODEV, SGX_ERROR_FEATURE_NOT_SUPPORTED, "processor with SGX2"},
        {STEP_PROBE, -ENOTTY, SGX_ERROR_FEATURE_NOT_SUPPORTED, "6.0"},
        {STEP_PROBE, 0, SGX_ERROR_FEATURE_NOT_SUPPORTED, "probe"},
        {STEP_MAP, -EPERM, SGX_ERROR_NO_DEVICE, "remount"},
        {STEP_MAP, -EACCES, SGX_ERROR_MEMORY_MAP_CONFLICT, "READ_IMPLIES_EXEC"},
        {STEP_MAP, -ENOMEM, SGX_ERROR_OUT_OF_MEMORY, "max_map_count"},
        {STEP_MAP, -EINVAL, SGX_ERROR_MEMORY_MAP_CONFLICT, "mapped"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ap_error e;

        cr_assert_eq(error_step(&e, rows[i].step, rows[i].os_error, "the place"), rows[i].status,
                     "row %zu", i);
        cr_assert_eq(e.status, rows[i].status);
        cr_assert_eq(e.os_error, rows[i].os_error);
        expect(&e, "the place: ");
        expect(&e, strerror(-rows[i].os_error));
        expect(&e, rows[i].remedy);
    }
}

Test(error, every_step_has_an_answer_to_every_errno)
{
    for (int step = STEP_OPEN; step <= STEP_MAP; step++) {
        for (int os_error = 1; os_error < 140; os_error++) {
            struct ap_error e;

            cr_assert_neq(error_step(&e, (enum error_step)step, -os_error, "x"), SGX_SUCCESS);
            expect(&e, strerror(os_error));
        }
    }
}

Test(error, einits_codes_are_named_as_in_the_manual)
{
    static const struct {
        uint64_t code;
        const char *name, *remedy;
    } rows[] = {
        {1, "SGX_INVALID_SIG_STRUCT", "sign again"},
        {2, "SGX_INVALID_ATTRIBUTE", "DEBUG"},
        {4, "SGX_INVALID_MEASUREMENT", "not those that were signed"},
        {8, "SGX_INVALID_SIGNATURE", "does not verify"},
        {16, "SGX_INVALID_EINITTOKEN", "token"},
        {32, "SGX_INVALID_CPUSVN", "security version"},
        {128, "SGX_UNMASKED_EVENT", "try again"},
        {77, "code 77", "manual"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ap_error e;

        cr_assert_eq(error_einit(&e, rows[i].code), SGX_ERROR_INVALID_SIGNATURE);
        cr_assert_eq(e.os_error, -EPERM);
        expect(&e, rows[i].name);
        expect(&e, rows[i].remedy);
    }
}

Test(error, a_place_too_long_for_the_text_is_cut_not_overrun)
{
    char place[1000];
    struct ap_error e;

    memset(place, 'p', sizeof place - 1);
    place[sizeof place - 1] = 0;
    error_step(&e, STEP_OPEN, -ENOENT, place);
    cr_assert_eq(strlen(e.text), sizeof e.text - 1);
}
