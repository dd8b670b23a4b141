/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secs.h - SGX Enclave Control Structure: the identity and the limits of an enclave
 *
 * SDM, "SGX Enclave Control Structure (SECS)". The loader fills one in for ECREATE; the processor
 * keeps it in a page that nobody can map. The bytes the manual calls reserved hold what the
 * processor remembers beside the architectural fields; software supplies them as zero.
 */
#ifndef ARCH_SECS_H
#define ARCH_SECS_H

#include "arch/attributes.h"

struct sgx_secs {
    uint64_t size;                    /*    0  ELRANGE in bytes, a power of two */
    uint64_t base;                    /*    8  ELRANGE base, a multiple of size */
    uint32_t ssa_frame_size;          /*   16  pages of one SSA frame */
    uint32_t miscselect;              /*   20  SGX_MISC_* */
    uint64_t cet_leg_bitmap_offset;   /*   24  CET only */
    uint8_t cet_attributes;           /*   32  CET only */
    uint8_t reserved0[15];            /*   33  zero */
    struct sgx_attributes attributes; /*   48 */
    uint8_t mrenclave[32];            /*   64  CPU only */
    uint8_t reserved1[32];            /*   96  zero */
    uint8_t mrsigner[32];             /*  128  CPU only */
    uint8_t reserved2[32];            /*  160  zero */
    uint8_t config_id[64];            /*  192  KSS only; chosen by the loader, not signed */
    uint16_t isv_prod_id;             /*  256  CPU only */
    uint16_t isv_svn;                 /*  258  CPU only */
    uint16_t config_svn;              /*  260  KSS only */
    uint8_t reserved3[3834];          /*  262  zero */
};
SGX_AT(sgx_secs, base, 8);
SGX_AT(sgx_secs, ssa_frame_size, 16);
SGX_AT(sgx_secs, miscselect, 20);
SGX_AT(sgx_secs, cet_leg_bitmap_offset, 24);
SGX_AT(sgx_secs, cet_attributes, 32);
SGX_AT(sgx_secs, attributes, 48);
SGX_AT(sgx_secs, mrenclave, 64);
SGX_AT(sgx_secs, mrsigner, 128);
SGX_AT(sgx_secs, config_id, 192);
SGX_AT(sgx_secs, isv_prod_id, 256);
SGX_AT(sgx_secs, isv_svn, 258);
SGX_AT(sgx_secs, config_svn, 260);
SGX_AT(sgx_secs, reserved3, 262);
SGX_SIZE(sgx_secs, 4096);

#define SGX_SECS_MIN_SIZE UINT64_C(8192)

#endif
