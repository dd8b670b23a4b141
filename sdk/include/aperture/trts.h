/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trts.h - what an enclave gives to the trusted runtime, and what it may ask of it
 *
 * The author's code defines the two tables; the interface compiler will write them.
 */
#ifndef APERTURE_TRTS_H
#define APERTURE_TRTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sgx_error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An ecall's body. ms comes from the host, unchecked: see ap_host_read(). */
typedef sgx_status_t ap_ecall_fn(uint64_t ms);

struct ap_ecall {
    ap_ecall_fn *body;
    bool is_private; /* only from an ocall whose row in the matrix allows it */
};

struct ap_ecall_table {
    size_t count;
    const struct ap_ecall *ecall;
    size_t ocall_count;
    /* allowed[ocall * count + ecall]: may this ecall run while that ocall is outstanding? NULL: no
     */
    const uint8_t *allowed;
};

/* Defined by the enclave. */
extern const struct ap_ecall_table ap_ecalls;

/* ------------------------------------------------------------------ the boundary */

/* The whole range lies inside, or outside, ELRANGE. An empty range is judged by its address. */
bool ap_is_inside(const void *address, size_t size);
bool ap_is_outside(const void *address, size_t size);

/*
 * ap_host_read()  - copy from untrusted memory, once
 * ap_host_write() - copy to untrusted memory
 * @host: an address that the host gave; the trusted side of the copy is checked too
 *
 * SGX_SUCCESS, or SGX_ERROR_INVALID_PARAMETER and nothing was copied: the host range is not wholly
 * outside (null, inside, straddling, wrapping), or the trusted range is not wholly inside. A
 * speculation barrier stands between the check and the copy.
 */
sgx_status_t ap_host_read(void *trusted, uint64_t host, size_t size);
sgx_status_t ap_host_write(uint64_t host, const void *trusted, size_t size);

/* ------------------------------------------------------------------ ocalls */

/*
 * ap_ocall() - leave the enclave to run a function of the host's table
 * @index:  0 or more: of the host's table
 * @ms:     trusted; copied out before and back in after the call
 * @size:   bytes of ms
 *
 * SGX_SUCCESS: the host says that it ran; ms holds its answer, every bit of which is untrusted.
 * SGX_ERROR_OUT_OF_MEMORY: ms does not fit the memory that the host gave for ocalls; no exit.
 * Anything else is what the host returned.
 */
sgx_status_t ap_ocall(unsigned index, void *ms, size_t size);

#ifdef __cplusplus
}
#endif
#endif
