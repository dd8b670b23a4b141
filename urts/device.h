/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - which SGX2 to use: the kernel's or the model's
 */
#ifndef URTS_DEVICE_H
#define URTS_DEVICE_H

#include "aperture/urts.h"
#include "os.h"

#define DEVICE_ENCLAVE   "/dev/sgx_enclave"
#define DEVICE_PROVISION "/dev/sgx_provision"

/* The candidates, so that a test can bring its own. */
struct device_candidates {
    const struct os *kernel;
    const struct os *model;
};

/*
 * device_pick() - choose a table
 * @device:  AP_DEVICE_ENV asks the environment variable APERTURE_DEVICE
 *
 * The kernel's device is usable if /dev/sgx_enclave opens, executable pages can be mapped from it,
 * and the vDSO knows how to enter. AUTO falls back to the model if it is not; KERNEL is then
 * refused with SGX_ERROR_NO_DEVICE and the reason. SGX_ERROR_INVALID_PARAMETER: no such device.
 */
sgx_status_t device_pick(enum ap_device device, const struct device_candidates *from,
                         const struct os **ret_os, struct ap_error *ret_error);

/* What the options say, from the real candidates. options may be NULL. */
sgx_status_t device_choose(const struct ap_options *options, const struct os **ret_os,
                           struct ap_error *ret_error);

#endif
