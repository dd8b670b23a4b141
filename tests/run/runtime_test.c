/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an author reads when an enclave meets a kernel that cannot carry it: each profile of the
 * model, with enclaves as they are signed.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "aperture/urts.h"
#include "model.h"

TestSuite(runtime, .timeout = 120);

static const struct {
    const char *profile;
    sgx_status_t status;
    const char *remedy; /* of the sentence */
} rows[] = {
    {"mainline", SGX_SUCCESS, ""},
    {"sgx1", SGX_ERROR_FEATURE_NOT_SUPPORTED, "use Linux 6.0 or later"},
    {"static", SGX_ERROR_MEMORY_MAP_CONFLICT, "sign without dynamic regions"},
    {"wxorx", SGX_ERROR_MEMORY_MAP_CONFLICT, "or without code regions"},
    {"noexec", SGX_ERROR_NO_DEVICE, "remount"},
};

static void expect_rows(const char *path)
{
    const struct ap_options model = {.device = AP_DEVICE_MODEL};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ap_enclave *enclave = NULL;
        struct ap_error error = {.text = ""};
        sgx_status_t status;

        cr_assert_eq(sgx2_set_profile(rows[i].profile), 0);
        status = ap_enclave_create(path, &model, &enclave, &error);
        cr_assert_eq(status, rows[i].status, "%s: %#x %s", rows[i].profile, status, error.text);
        cr_assert(strstr(error.text, rows[i].remedy), "%s: %s", rows[i].profile, error.text);
        cr_assert_lt(strlen(error.text), sizeof error.text - 1, "%s is cut", rows[i].profile);
        cr_assert((enclave != NULL) == (status == SGX_SUCCESS));
        ap_enclave_destroy(enclave);
    }
}

Test(runtime, the_test_enclave_on_each_kernel)
{
    expect_rows(BASIC_FILE);
}

Test(runtime, an_enclave_that_publishes_code_on_each_kernel)
{
    expect_rows(PACKET_JIT_FILE);
}

static struct ap_error refused(const char *name, const char *value, sgx_status_t status)
{
    const struct ap_options model = {.device = AP_DEVICE_MODEL};
    struct ap_enclave *enclave = NULL;
    struct ap_error error;

    setenv(name, value, 1);
    cr_assert_eq(ap_enclave_create(BASIC_FILE, &model, &enclave, &error), status, "%s", error.text);
    cr_assert_null(enclave);
    return error;
}

Test(runtime, a_setting_that_is_none_is_named)
{
    cr_assert(strstr(refused("APERTURE_DRIVER", "minix", SGX_ERROR_NO_DEVICE).text,
                     "correct APERTURE_DRIVER"));
}

Test(runtime, an_epc_that_is_too_small_is_named)
{
    cr_assert(strstr(refused("APERTURE_EPC_SIZE", "4K", SGX_ERROR_OUT_OF_EPC).text, "the EPC"));
}
