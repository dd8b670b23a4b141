/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - how the two runtimes speak at the door: registers at EENTER and at EEXIT
 *
 * All of it goes through __vdso_sgx_enter_enclave, which passes RDI, RSI, RDX, R8 and R9 unchanged.
 *
 * In, at CSSA 0:
 *   RDI   an ecall's index (0 or more), or AP_ENTER_*
 *   RSI   ecall: address of the marshalling structure, in untrusted memory, or anything
 *         ORET:  what the ocall came to, an sgx_status_t
 *   RDX   ecall and INIT: untrusted memory where the enclave may build the arguments of its ocalls
 *   R8    ecall and INIT: the size of that memory in bytes
 *
 * In, at CSSA 1: nothing matters. The entry means "look at SSA[0]" whatever the registers say.
 *
 * Out:
 *   RDI   AP_EXIT_*
 *   RSI   RETURN:    the status, an sgx_status_t
 *         OCALL:     the ocall's index (0 or more: the author's table), or AP_OCALL_*
 *         EXCEPTION: 0 if ERESUME will run the handlers, else an sgx_status_t: do not resume
 *   RDX   OCALL: address of the arguments, inside the memory given at entry
 *   RBX, RCX, RSP, RBP as the vDSO needs them; every other register, flag and vector is scrubbed.
 *
 * Assembly includes this file too: macros only above the guard.
 */
#ifndef ABI_CALL_H
#define ABI_CALL_H

#define AP_ENTER_ORET (-1) /* back from an ocall */
#define AP_ENTER_INIT (-2) /* once, before any ecall */

#define AP_EXIT_RETURN    0
#define AP_EXIT_OCALL     1
#define AP_EXIT_EXCEPTION 2

/* Ocalls that the untrusted runtime itself serves. */
#define AP_OCALL_TOUCH    (-1) /* struct ap_ocall_pages: make the kernel add these pages */
#define AP_OCALL_RESTRICT (-2) /* struct ap_ocall_pages: SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS */
#define AP_OCALL_PROTECT  (-3) /* struct ap_ocall_pages: mprotect */

#ifndef __ASSEMBLER__

#include "arch/arch.h"

/* A request about a run of pages. The answer is a hint: what counts is what EACCEPT says. */
struct ap_ocall_pages {
    uint64_t offset; /*  0  bytes from the enclave's base, page aligned */
    uint64_t size;   /*  8  bytes, page aligned */
    uint64_t perm;   /* 16  SGX_SECINFO_R, W, X; not used by TOUCH */
    int64_t result;  /* 24  out: 0 or a negative errno, from outside: a hint */
};
SGX_AT(ap_ocall_pages, perm, 16);
SGX_AT(ap_ocall_pages, result, 24);
SGX_SIZE(ap_ocall_pages, 32);

#endif
#endif
