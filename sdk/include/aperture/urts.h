/* SPDX-License-Identifier: Apache-2.0 */
/*
 * urts.h - load an enclave and call it: the untrusted runtime's interface
 *
 * Link with -laperture_urts. Any thread may call; a call that finds every thread slot of the
 * enclave busy returns SGX_ERROR_OUT_OF_TCS.
 */
#ifndef APERTURE_URTS_H
#define APERTURE_URTS_H

#include <stddef.h>
#include <stdint.h>

#include "sgx_error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ap_enclave; /* opaque */
struct os;

/*
 * An ocall: ms is the structure that the enclave built in untrusted memory. It must return: neither
 * longjmp() nor a C++ exception may carry control past the ecall that it belongs to.
 */
typedef sgx_status_t ap_ocall_fn(void *ms);

struct ap_ocall_table {
    size_t count;
    ap_ocall_fn *const *fn;
};

enum ap_device {
    AP_DEVICE_ENV = 0, /* what APERTURE_DEVICE says: auto, kernel or model; unset means auto */
    AP_DEVICE_AUTO,    /* the kernel's if this machine has a usable one, else the model */
    AP_DEVICE_KERNEL,
    AP_DEVICE_MODEL,
};

struct ap_options {
    enum ap_device device;
    int debug;           /* set ATTRIBUTES.DEBUG */
    const struct os *os; /* a table of one's own, instead of device (urts/os.h; for tests) */
};

/* Why a call failed, for people: what, where, and what to do about it. */
struct ap_error {
    sgx_status_t status;
    int os_error; /* negative errno behind it, or 0 */
    char text[512];
};

/*
 * ap_enclave_create() - load, measure, initialise
 * @path:        a file that ap-sign wrote
 * @options:     NULL for the defaults
 * @ret_enclave: on success; release with ap_enclave_destroy()
 * @ret_error:   may be NULL; filled on failure
 *
 * SGX_SUCCESS, or what went wrong; then nothing of the enclave remains:
 * SGX_ERROR_ENCLAVE_FILE_ACCESS  the file cannot be read
 * SGX_ERROR_INVALID_ENCLAVE      it is not a signed enclave image
 * SGX_ERROR_NO_DEVICE            no usable /dev/sgx_enclave; text names the remedy
 * SGX_ERROR_INVALID_SIGNATURE    EINIT refused signature, key or measurement
 * SGX_ERROR_INVALID_MISC         attributes that this platform cannot provide or does not permit
 * SGX_ERROR_OUT_OF_EPC, SGX_ERROR_OUT_OF_MEMORY, SGX_ERROR_MEMORY_MAP_CONFLICT
 * SGX_ERROR_FEATURE_NOT_SUPPORTED  the enclave needs SGX2 and this driver has none
 */
sgx_status_t ap_enclave_create(const char *path, const struct ap_options *options,
                               struct ap_enclave **ret_enclave, struct ap_error *ret_error);

/* Unload. The caller makes sure that no thread is inside. NULL is allowed. */
void ap_enclave_destroy(struct ap_enclave *enclave);

/*
 * ap_ecall() - call into the enclave
 * @index:  of the enclave's ecall table
 * @ocalls: what the enclave may call meanwhile; NULL for nothing
 * @ms:     the ecall's marshalling structure, in untrusted memory
 *
 * Nested calls (from an ocall) use the thread slot of the outer one.
 *
 * SGX_SUCCESS and whatever the ecall left in ms, or
 * SGX_ERROR_INVALID_FUNCTION, SGX_ERROR_ECALL_NOT_ALLOWED  the enclave refused
 * SGX_ERROR_OUT_OF_TCS       every slot is busy
 * SGX_ERROR_ENCLAVE_CRASHED  an exception that nobody handled, now or earlier; see
 *                            ap_enclave_crash()
 * SGX_ERROR_ENCLAVE_LOST     the EPC is gone (power transition); create the enclave anew
 */
sgx_status_t ap_ecall(struct ap_enclave *enclave, int index, const struct ap_ocall_table *ocalls,
                      void *ms);

/* The file descriptor that is the enclave, for ioctls (aperture/model.h). */
int ap_enclave_fd(const struct ap_enclave *enclave);

/* Where ELRANGE begins, and its size in bytes. */
void *ap_enclave_base(const struct ap_enclave *enclave);
size_t ap_enclave_size(const struct ap_enclave *enclave);

/* "kernel" or "model". */
const char *ap_enclave_device(const struct ap_enclave *enclave);

/*
 * What the last exception that ended in ENCLAVE_CRASHED was, as the host saw it. "" if none. Also
 * why the enclave is LOST, or, while it can still be entered, why a call came back UNEXPECTED.
 */
const char *ap_enclave_crash(const struct ap_enclave *enclave);

#ifdef __cplusplus
}
#endif
#endif
