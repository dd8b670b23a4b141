/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - the records that MRENCLAVE is the SHA-256 of
 *
 * SDM, "ECREATE", "EADD", "EEXTEND" and "Measurement". Each record is one block of 64 bytes; an
 * EEXTEND record is followed by the 256 bytes that it measures. Written out in order, the records
 * are the .sgxs format: the plain SHA-256 of the file is MRENCLAVE.
 */
#ifndef ARCH_MEASURE_H
#define ARCH_MEASURE_H

#include "arch/arch.h"

#define SGX_TAG_ECREATE UINT64_C(0x0045544145524345) /* "ECREATE\0" */
#define SGX_TAG_EADD    UINT64_C(0x0000000044444145) /* "EADD\0\0\0\0" */
#define SGX_TAG_EEXTEND UINT64_C(0x00444e4554584545) /* "EEXTEND\0" */

struct sgx_measure_ecreate {
    uint64_t tag;            /*  0  SGX_TAG_ECREATE */
    uint32_t ssa_frame_size; /*  8 */
    uint64_t size;           /* 12 */
    uint8_t zero[44];        /* 20 */
} __attribute__((packed));
SGX_AT(sgx_measure_ecreate, ssa_frame_size, 8);
SGX_AT(sgx_measure_ecreate, size, 12);
SGX_SIZE(sgx_measure_ecreate, 64);

struct sgx_measure_eadd {
    uint64_t tag;        /*  0  SGX_TAG_EADD */
    uint64_t offset;     /*  8  of the page, from the enclave's base */
    uint8_t secinfo[48]; /* 16  the first 48 bytes of SECINFO */
};
SGX_AT(sgx_measure_eadd, secinfo, 16);
SGX_SIZE(sgx_measure_eadd, 64);

struct sgx_measure_eextend {
    uint64_t tag;     /*  0  SGX_TAG_EEXTEND */
    uint64_t offset;  /*  8  of the 256 bytes, from the enclave's base */
    uint8_t zero[48]; /* 16 */
};
SGX_AT(sgx_measure_eextend, zero, 16);
SGX_SIZE(sgx_measure_eextend, 64);

#define SGX_EEXTEND_SIZE 256u

#endif
