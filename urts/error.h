/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - failures as sentences: what failed, where, and what to do about it
 */
#ifndef URTS_ERROR_H
#define URTS_ERROR_H

#include <stdint.h>

#include "aperture/urts.h"

/* The steps of loading at which the operating system can refuse. */
enum error_step {
    STEP_OPEN,      /* open /dev/sgx_enclave */
    STEP_VDSO,      /* find __vdso_sgx_enter_enclave */
    STEP_RESERVE,   /* reserve addresses for ELRANGE */
    STEP_CREATE,    /* SGX_IOC_ENCLAVE_CREATE */
    STEP_PROVISION, /* open /dev/sgx_provision, SGX_IOC_ENCLAVE_PROVISION */
    STEP_SOURCE,    /* memory to add pages from */
    STEP_ADD_PAGES, /* SGX_IOC_ENCLAVE_ADD_PAGES */
    STEP_INIT,      /* SGX_IOC_ENCLAVE_INIT */
    STEP_PROBE,     /* does the driver know SGX2? */
    STEP_MAP,       /* mmap of the device */
};

/* Fill ret_error with a sentence of the caller's own. Returns status, for `return error_say(...)`.
 */
sgx_status_t error_say(struct ap_error *ret_error, sgx_status_t status, int os_error,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * error_step() - the sentence, status and remedy for an errno at a step
 * @os_error: negative
 * @where:    the object concerned: a path, a range of pages
 */
sgx_status_t error_step(struct ap_error *ret_error, enum error_step step, int os_error,
                        const char *where);

/* INIT failed with -EPERM and the device told EINIT's own code (aperture/model.h). */
sgx_status_t error_einit(struct ap_error *ret_error, uint64_t code);

#endif
