/* SPDX-License-Identifier: Apache-2.0 */
#include <aperture/urts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "double/runtime.h"
#include "shared/filter.h"

struct ap_enclave {
    int unused;
};

sgx_status_t ap_enclave_create(const char *path, const struct ap_options *options,
                               struct ap_enclave **ret_enclave, struct ap_error *ret_error)
{
    static struct ap_enclave only;

    (void)options;
    if (access(path, R_OK) < 0) {
        *ret_error = (struct ap_error){.status = SGX_ERROR_ENCLAVE_FILE_ACCESS};
        snprintf(ret_error->text, sizeof ret_error->text, "%s: cannot be read", path);
        return ret_error->status;
    }
    *ret_enclave = &only;
    return SGX_SUCCESS;
}

void ap_enclave_destroy(struct ap_enclave *enclave)
{
    (void)enclave;
}

static void lie(int index, void *ms)
{
    const char *about = getenv("DOUBLE_LIE");

    if (!about)
        return;
    if (index == FILTER_ECALL_LOAD) {
        struct filter_load *load = ms;

        if (strcmp(about, "reason") == 0)
            load->reason = FILTER_CODE_SIZE;
    } else {
        struct filter_run *run = ms;
        const bool jit = run->engine == FILTER_JIT;

        if (strcmp(about, jit ? "jit" : "interpreter") == 0)
            *(uint32_t *)(uintptr_t)run->verdicts ^= 1;
        if (strcmp(about, jit ? "jit-matches" : "interpreter-matches") == 0)
            run->matches++;
    }
}

sgx_status_t ap_ecall(struct ap_enclave *enclave, int index, const struct ap_ocall_table *ocalls,
                      void *ms)
{
    sgx_status_t status;

    (void)enclave;
    (void)ocalls;
    if (index < 0 || (size_t)index >= ap_ecalls.count)
        return SGX_ERROR_INVALID_FUNCTION;
    status = ap_ecalls.ecall[index].body((uintptr_t)ms);
    if (status == SGX_SUCCESS)
        lie(index, ms);
    return status;
}

const char *ap_enclave_crash(const struct ap_enclave *enclave)
{
    (void)enclave;
    return "";
}
