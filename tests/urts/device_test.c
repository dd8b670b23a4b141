/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_os.h"

static struct os kernel, model;
static struct device_candidates candidates = {&kernel, &model};
static const struct os *chosen;
static struct ap_error error;

static void prepare(void)
{
    kernel = model = *fake_os();
    kernel.name = "kernel";
    model.name = "model";
    unsetenv("APERTURE_DEVICE");
}

TestSuite(device, .init = prepare);

static sgx_status_t pick(enum ap_device device)
{
    return device_pick(device, &candidates, &chosen, &error);
}

static void expect(const struct os *os)
{
    cr_assert_eq(chosen, os);
    cr_assert_eq(fake.open_files, 0);
    cr_assert_eq(fake.mapped, 0);
}

Test(device, auto_takes_the_kernels_if_it_is_usable)
{
    cr_assert_eq(pick(AP_DEVICE_AUTO), SGX_SUCCESS);
    expect(&kernel);
}

Test(device, auto_takes_the_model_if_the_device_does_not_open)
{
    fake = (struct fake){.fail_request = FAKE_OPEN, .fail_errno = -EACCES};
    cr_assert_eq(pick(AP_DEVICE_AUTO), SGX_SUCCESS);
    expect(&model);
}

Test(device, auto_takes_the_model_if_the_device_is_on_a_noexec_file_system)
{
    fake = (struct fake){.fail_request = FAKE_MMAP, .fail_errno = -EPERM};
    cr_assert_eq(pick(AP_DEVICE_AUTO), SGX_SUCCESS);
    expect(&model);
}

Test(device, auto_takes_the_model_if_the_vdso_cannot_enter)
{
    kernel.enter_enclave = NULL;
    cr_assert_eq(pick(AP_DEVICE_AUTO), SGX_SUCCESS);
    expect(&model);
}

Test(device, kernel_is_never_replaced_by_the_model)
{
    fake = (struct fake){.fail_request = FAKE_OPEN, .fail_errno = -ENOENT};
    cr_assert_eq(pick(AP_DEVICE_KERNEL), SGX_ERROR_NO_DEVICE);
    cr_assert_eq(error.os_error, -ENOENT);
    cr_assert_not_null(strstr(error.text, "/dev/sgx_enclave"));
    cr_assert_not_null(strstr(error.text, "APERTURE_DEVICE=model"));
    expect(NULL);
}

Test(device, kernel_on_a_noexec_file_system_is_refused_with_the_remedy)
{
    fake = (struct fake){.fail_request = FAKE_MMAP, .fail_errno = -EPERM};
    cr_assert_eq(pick(AP_DEVICE_KERNEL), SGX_ERROR_NO_DEVICE);
    cr_assert_not_null(strstr(error.text, "remount"));
    expect(NULL);
}

Test(device, kernel_without_the_vdsos_function_is_refused_with_the_remedy)
{
    kernel.enter_enclave = NULL;
    cr_assert_eq(pick(AP_DEVICE_KERNEL), SGX_ERROR_NO_DEVICE);
    cr_assert_not_null(strstr(error.text, "__vdso_sgx_enter_enclave"));
    expect(NULL);
}

Test(device, model_does_not_look_at_the_device)
{
    cr_assert_eq(pick(AP_DEVICE_MODEL), SGX_SUCCESS);
    cr_assert_eq(fake_count(FAKE_OPEN), 0);
    expect(&model);
}

Test(device, the_environment_decides_if_the_options_leave_it_to_it)
{
    setenv("APERTURE_DEVICE", "model", 1);
    cr_assert_eq(pick(AP_DEVICE_ENV), SGX_SUCCESS);
    expect(&model);
    setenv("APERTURE_DEVICE", "kernel", 1);
    cr_assert_eq(pick(AP_DEVICE_ENV), SGX_SUCCESS);
    expect(&kernel);
    setenv("APERTURE_DEVICE", "auto", 1);
    cr_assert_eq(pick(AP_DEVICE_ENV), SGX_SUCCESS);
    expect(&kernel);
}

Test(device, no_environment_variable_means_auto)
{
    cr_assert_eq(pick(AP_DEVICE_ENV), SGX_SUCCESS);
    expect(&kernel);
}

Test(device, the_options_overrule_the_environment)
{
    setenv("APERTURE_DEVICE", "nonsense", 1);
    cr_assert_eq(pick(AP_DEVICE_MODEL), SGX_SUCCESS);
    expect(&model);
}

Test(device, an_unknown_name_is_refused_and_the_allowed_ones_are_named)
{
    static const char *const names[] = {"hardware", "", "Model", "model "};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        setenv("APERTURE_DEVICE", names[i], 1);
        cr_assert_eq(pick(AP_DEVICE_ENV), SGX_ERROR_INVALID_PARAMETER);
        cr_assert_not_null(strstr(error.text, "auto, kernel or model"));
        cr_assert_not_null(strstr(error.text, names[i]));
        expect(NULL);
    }
}

Test(device, a_number_that_is_no_device_is_refused)
{
    cr_assert_eq(pick((enum ap_device)77), SGX_ERROR_INVALID_PARAMETER);
    cr_assert_not_null(strstr(error.text, "77"));
}

Test(device, a_table_of_ones_own_that_cannot_enter_is_refused)
{
    struct ap_options options = {.os = &kernel};

    kernel.enter_enclave = NULL;
    cr_assert_eq(device_choose(&options, &chosen, &error), SGX_ERROR_NO_DEVICE);
    kernel.enter_enclave = model.enter_enclave;
    cr_assert_eq(device_choose(&options, &chosen, &error), SGX_SUCCESS);
    expect(&kernel);
}
