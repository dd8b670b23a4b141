/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/arch.h"
#include "error.h"

/* Mapping is allowed before CREATE, which makes a noexec /dev visible early. */
static int try_executable(const struct os *os, int fd)
{
    intptr_t where = os->mmap(NULL, SGX_PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);

    if (where < 0)
        return (int)where;
    os->munmap((void *)where, SGX_PAGE_SIZE);
    return 0;
}

static sgx_status_t check_usable(const struct os *os, struct ap_error *ret_error)
{
    int r, fd = os->open(DEVICE_ENCLAVE, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return error_step(ret_error, STEP_OPEN, fd, DEVICE_ENCLAVE);
    r = try_executable(os, fd);
    os->close(fd);
    if (r < 0)
        return error_step(ret_error, STEP_MAP, r, DEVICE_ENCLAVE);
    if (!os->enter_enclave)
        return error_step(ret_error, STEP_VDSO, -ENOSYS, "vDSO");
    return SGX_SUCCESS;
}

static sgx_status_t from_environment(enum ap_device *ret_device, struct ap_error *ret_error)
{
    static const struct {
        const char *name;
        enum ap_device device;
    } known[] = {
        {"auto", AP_DEVICE_AUTO},
        {"kernel", AP_DEVICE_KERNEL},
        {"model", AP_DEVICE_MODEL},
    };
    const char *text = getenv("APERTURE_DEVICE");

    if (!text)
        text = "auto";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(text, known[i].name) == 0) {
            *ret_device = known[i].device;
            return SGX_SUCCESS;
        }
    }
    return error_say(ret_error, SGX_ERROR_INVALID_PARAMETER, 0,
                     "APERTURE_DEVICE is \"%.64s\"; it must be auto, kernel or model", text);
}

sgx_status_t device_pick(enum ap_device device, const struct device_candidates *from,
                         const struct os **ret_os, struct ap_error *ret_error)
{
    sgx_status_t status = SGX_SUCCESS;

    if (device == AP_DEVICE_ENV)
        status = from_environment(&device, ret_error);
    if (status != SGX_SUCCESS)
        return status;

    switch (device) {
    case AP_DEVICE_AUTO:
        status = check_usable(from->kernel, ret_error);
        *ret_os = status == SGX_SUCCESS ? from->kernel : from->model;
        return SGX_SUCCESS;
    case AP_DEVICE_KERNEL:
        status = check_usable(from->kernel, ret_error);
        if (status == SGX_SUCCESS)
            *ret_os = from->kernel;
        return status;
    case AP_DEVICE_MODEL:
        *ret_os = from->model;
        return SGX_SUCCESS;
    default:
        return error_say(ret_error, SGX_ERROR_INVALID_PARAMETER, 0,
                         "options.device is %d, which is none of enum ap_device", (int)device);
    }
}

sgx_status_t device_choose(const struct ap_options *options, const struct os **ret_os,
                           struct ap_error *ret_error)
{
    struct device_candidates real = {os_kernel(), os_model()};

    if (!options || !options->os)
        return device_pick(options ? options->device : AP_DEVICE_ENV, &real, ret_os, ret_error);
    if (!options->os->enter_enclave)
        return error_step(ret_error, STEP_VDSO, -ENOSYS, options->os->name);
    *ret_os = options->os;
    return SGX_SUCCESS;
}
