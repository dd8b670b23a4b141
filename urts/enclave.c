/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/call.h"
#include "call.h"
#include "device.h"
#include "error.h"
#include "touch.h"

/* ------------------------------------------------------------------ the file */

static sgx_status_t file_status(int r)
{
    switch (r) {
    case -ENOEXEC:
    case -EFBIG:
        return SGX_ERROR_INVALID_ENCLAVE;
    case -ENOMEM:
        return SGX_ERROR_OUT_OF_MEMORY;
    default:
        return SGX_ERROR_ENCLAVE_FILE_ACCESS;
    }
}

static sgx_status_t read_file(const char *path, struct image *ret_image, struct plan *ret_plan,
                              struct ap_error *error)
{
    struct image_error why = {""};
    int r = image_open(path, ret_image, &why);

    if (r < 0)
        return error_say(error, file_status(r), r, "%s", why.text);
    if (!image_is_signed(ret_image)) {
        image_close(ret_image);
        return error_say(
            error, SGX_ERROR_INVALID_ENCLAVE, -ENOEXEC,
            "%s: the enclave is not signed; run `ap-sign sign`, and load what it writes", path);
    }
    r = plan_make(ret_image, ret_plan, &why);
    if (r < 0) {
        image_close(ret_image);
        return error_say(error, file_status(r), r, "%s", why.text);
    }
    return SGX_SUCCESS;
}

/* ------------------------------------------------------------------ the thread slots */

static bool is_tcs(const struct plan_run *run)
{
    return (run->secinfo & SGX_SECINFO_PT_MASK) == SGX_SECINFO_TCS;
}

static size_t count_tcs(const struct plan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->run_count; i++)
        count += is_tcs(&plan->runs[i]) ? plan->runs[i].pages : 0;
    return count;
}

/* The slots are the TCS pages that were loaded, whatever else the layout says. */
static sgx_status_t make_pool(struct ap_enclave *e, const struct plan *plan, struct ap_error *error)
{
    size_t count = count_tcs(plan), at = 0;
    uint64_t *tcs;
    int r;

    if (count == 0)
        return error_say(error, SGX_ERROR_INVALID_ENCLAVE, -ENOEXEC,
                         "the enclave has no thread slot, so nobody could enter it; sign again");
    tcs = calloc(count, sizeof *tcs);
    if (!tcs)
        return error_say(error, SGX_ERROR_OUT_OF_MEMORY, -ENOMEM, "no memory for %zu thread slots",
                         count);
    for (size_t i = 0; i < plan->run_count; i++) {
        for (uint64_t page = 0; is_tcs(&plan->runs[i]) && page < plan->runs[i].pages; page++)
            tcs[at++] = e->loaded.base + plan->runs[i].offset + page * SGX_PAGE_SIZE;
    }
    r = pool_make(&e->pool, tcs, count);
    free(tcs);
    if (r < 0)
        return error_say(error, SGX_ERROR_OUT_OF_MEMORY, r, "no memory for %zu thread slots",
                         count);
    return SGX_SUCCESS;
}

/* ------------------------------------------------------------------ creation */

/* The runtime inside relocates itself and sets its page map up before any ecall. */
static sgx_status_t initialise(struct ap_enclave *e, struct ap_error *error)
{
    sgx_status_t status = call_enclave(e, AP_ENTER_INIT, NULL, NULL);
    const char *text = crash_text(&e->crash);

    if (status == SGX_SUCCESS)
        return SGX_SUCCESS;
    return error_say(error, status, 0,
                     "the enclave's runtime failed to initialise (status %#x)%s%s", status,
                     *text ? ": " : "", text);
}

static sgx_status_t bring_up(struct ap_enclave *e, const struct os *os, const struct image *image,
                             const struct plan *plan, bool debug, struct ap_error *error)
{
    sgx_status_t status = loader_load(os, image, plan, debug, &e->loaded, error);

    if (status != SGX_SUCCESS)
        return status;
    status = make_pool(e, plan, error);
    if (status != SGX_SUCCESS)
        goto unload;
    crash_init(&e->crash);
    status = initialise(e, error);
    if (status != SGX_SUCCESS)
        goto drop_pool;
    return SGX_SUCCESS;

drop_pool:
    crash_done(&e->crash);
    pool_done(&e->pool);
unload:
    loader_unload(&e->loaded);
    return status;
}

static sgx_status_t create(const char *path, const struct ap_options *options, struct ap_enclave *e,
                           struct ap_error *error)
{
    const struct os *os;
    struct image image;
    struct plan plan;
    sgx_status_t status;
    int r;

    status = read_file(path, &image, &plan, error);
    if (status != SGX_SUCCESS)
        return status;
    r = touch_guard_install(); /* before a model installs its own: see touch.h */
    if (r < 0)
        status = error_say(error, SGX_ERROR_UNEXPECTED, r,
                           "SIGBUS and SIGSEGV cannot be handled: %s", strerror(-r));
    if (status == SGX_SUCCESS)
        status = device_choose(options, &os, error);
    if (status == SGX_SUCCESS)
        status = bring_up(e, os, &image, &plan, options && options->debug, error);
    plan_free(&plan);
    image_close(&image);
    return status;
}

sgx_status_t ap_enclave_create(const char *path, const struct ap_options *options,
                               struct ap_enclave **ret_enclave, struct ap_error *ret_error)
{
    struct ap_error error = {.status = SGX_SUCCESS};
    struct ap_enclave *e = NULL;
    sgx_status_t status;

    if (!path || !ret_enclave)
        status = error_say(&error, SGX_ERROR_INVALID_PARAMETER, 0, "path or ret_enclave is NULL");
    else if (!(e = calloc(1, sizeof *e)))
        status = error_say(&error, SGX_ERROR_OUT_OF_MEMORY, -ENOMEM, "no memory for an enclave");
    else
        status = create(path, options, e, &error);

    if (status == SGX_SUCCESS) {
        *ret_enclave = e;
        return SGX_SUCCESS;
    }
    free(e);
    if (ret_error)
        *ret_error = error;
    return status;
}

/* ------------------------------------------------------------------ the end */

void ap_enclave_destroy(struct ap_enclave *enclave)
{
    if (!enclave)
        return;
    if (call_is_outstanding(enclave)) {
        fputs("aperture: ap_enclave_destroy() was called from an ocall of the same enclave, which "
              "would return into nothing\n",
              stderr);
        abort();
    }
    pool_wait_idle(&enclave->pool);
    loader_unload(&enclave->loaded);
    pool_done(&enclave->pool);
    crash_done(&enclave->crash);
    free(enclave);
}

/* ------------------------------------------------------------------ questions */

int ap_enclave_fd(const struct ap_enclave *enclave)
{
    return enclave->loaded.fd;
}

void *ap_enclave_base(const struct ap_enclave *enclave)
{
    return (void *)enclave->loaded.base;
}

size_t ap_enclave_size(const struct ap_enclave *enclave)
{
    return enclave->loaded.size;
}

const char *ap_enclave_device(const struct ap_enclave *enclave)
{
    return enclave->loaded.os->name;
}

const char *ap_enclave_crash(const struct ap_enclave *enclave)
{
    return crash_text((struct crash *)&enclave->crash);
}
