/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sgx_trts_exception.h - handlers for exceptions inside the enclave
 *
 * Types and numbers are those that enclave authors know.
 *
 * A handler runs in phase two: on the interrupted thread's own stack, at CSSA 0, as ordinary
 * enclave code. It may ocall, fault again, or leave by longjmp. It changes cpu_context to say where
 * and with what registers the thread goes on. Before the thread goes on the runtime checks that RIP
 * lies inside the enclave and RSP within this thread's stack; if not, the enclave crashes.
 *
 * #PF and #GP are reported only if the author's configuration sets MISCSELECT.EXINFO (the default).
 */
#ifndef SGX_TRTS_EXCEPTION_H
#define SGX_TRTS_EXCEPTION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EXCEPTION_CONTINUE_SEARCH    0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

typedef enum _sgx_exception_vector_t {
    SGX_EXCEPTION_VECTOR_DE = 0,
    SGX_EXCEPTION_VECTOR_DB = 1,
    SGX_EXCEPTION_VECTOR_BP = 3,
    SGX_EXCEPTION_VECTOR_BR = 5,
    SGX_EXCEPTION_VECTOR_UD = 6,
    SGX_EXCEPTION_VECTOR_GP = 13,
    SGX_EXCEPTION_VECTOR_PF = 14,
    SGX_EXCEPTION_VECTOR_MF = 16,
    SGX_EXCEPTION_VECTOR_AC = 17,
    SGX_EXCEPTION_VECTOR_XM = 19,
    SGX_EXCEPTION_VECTOR_CP = 21,
} sgx_exception_vector_t;

typedef enum _sgx_exception_type_t {
    SGX_EXCEPTION_HARDWARE = 3,
    SGX_EXCEPTION_SOFTWARE = 6,
} sgx_exception_type_t;

typedef struct _cpu_context_t {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags, rip;
} sgx_cpu_context_t;

typedef struct _sgx_misc_exinfo {
    uint64_t faulting_address; /* full address for #PF, 0 for #GP */
    uint32_t error_code;       /* page-fault error code; bit 15: the EPCM refused */
    uint32_t reserved;
} sgx_misc_exinfo_t;

typedef struct _exception_info_t {
    sgx_cpu_context_t cpu_context; /* may be edited */
    sgx_exception_vector_t exception_vector;
    sgx_exception_type_t exception_type;
    sgx_misc_exinfo_t exinfo;   /* #PF and #GP only, else zero */
    uint32_t exception_valid;   /* 1 */
    uint32_t do_aex_mitigation; /* 0 */
    uint64_t xsave_size;
    uint64_t reserved[1];
    uint8_t xsave_area[] __attribute__((aligned(64))); /* the interrupted extended state */
} sgx_exception_info_t;

typedef int (*sgx_exception_handler_t)(sgx_exception_info_t *info);

/*
 * sgx_register_exception_handler() - add a handler to the process-wide list
 * @is_first_handler: non-zero puts it before all others, zero behind them
 *
 * Returns a handle for sgx_unregister_exception_handler(), or NULL: handler is NULL or not inside
 * the enclave, or the list is full. Do not call from a handler.
 */
void *sgx_register_exception_handler(int is_first_handler, sgx_exception_handler_t handler);

/* 1 if it was there and is gone now, else 0. */
int sgx_unregister_exception_handler(void *handle);

#ifdef __cplusplus
}
#endif
#endif
