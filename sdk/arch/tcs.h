/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcs.h - Thread Control Structure: one door into the enclave
 *
 * SDM, "Thread Control Structure (TCS)". Offsets in a TCS are relative to the enclave's base, so
 * the page can be measured before anyone knows where the enclave will stand.
 */
#ifndef ARCH_TCS_H
#define ARCH_TCS_H

#include "arch/arch.h"

#define SGX_TCS_DBGOPTIN  (UINT64_C(1) << 0) /* allow debug events; cleared by EADD */
#define SGX_TCS_AEXNOTIFY (UINT64_C(1) << 1)
#define SGX_TCS_FLAGS     (SGX_TCS_DBGOPTIN | SGX_TCS_AEXNOTIFY)

enum sgx_tcs_state { SGX_TCS_INACTIVE = 0, SGX_TCS_ACTIVE = 1 };

struct sgx_tcs {
    uint64_t state;         /*   0  CPU only: enum sgx_tcs_state */
    uint64_t flags;         /*   8  SGX_TCS_* */
    uint64_t ossa;          /*  16  SSA array */
    uint32_t cssa;          /*  24  CPU only: frame that the next asynchronous exit fills */
    uint32_t nssa;          /*  28  frames in the array */
    uint64_t oentry;        /*  32  where EENTER goes */
    uint64_t aep;           /*  40  CPU only: where an asynchronous exit goes */
    uint64_t ofsbase;       /*  48  FS base inside */
    uint64_t ogsbase;       /*  56  GS base inside */
    uint32_t fslimit;       /*  64  32-bit mode only */
    uint32_t gslimit;       /*  68  32-bit mode only */
    uint64_t ocetssa;       /*  72  CET only */
    uint64_t prevssp;       /*  80  CPU only, CET only */
    uint8_t reserved[4008]; /*  88  zero */
};
SGX_AT(sgx_tcs, flags, 8);
SGX_AT(sgx_tcs, ossa, 16);
SGX_AT(sgx_tcs, cssa, 24);
SGX_AT(sgx_tcs, nssa, 28);
SGX_AT(sgx_tcs, oentry, 32);
SGX_AT(sgx_tcs, aep, 40);
SGX_AT(sgx_tcs, ofsbase, 48);
SGX_AT(sgx_tcs, ogsbase, 56);
SGX_AT(sgx_tcs, fslimit, 64);
SGX_AT(sgx_tcs, gslimit, 68);
SGX_AT(sgx_tcs, ocetssa, 72);
SGX_AT(sgx_tcs, prevssp, 80);
SGX_AT(sgx_tcs, reserved, 88);
SGX_SIZE(sgx_tcs, 4096);

#endif
