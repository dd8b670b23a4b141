/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - EINIT Token: a launch enclave's permission for another enclave (private to model/cpu)
 *
 * SDM, "EINIT Token Structure (EINITTOKEN)". Linux passes an empty one and sets the launch key's
 * hash instead; the structure is here because the leaf is.
 */
#ifndef MODEL_CPU_TOKEN_H
#define MODEL_CPU_TOKEN_H

#include "arch/attributes.h"

#define SGX_TOKEN_VALID      1u
#define SGX_TOKEN_MACED_SIZE 192u

struct sgx_einittoken {
    uint32_t valid;                             /*   0  SGX_TOKEN_VALID */
    uint8_t reserved0[44];                      /*   4  zero */
    struct sgx_attributes attributes;           /*  48  of the enclave that may start */
    uint8_t mrenclave[32];                      /*  64 */
    uint8_t reserved1[32];                      /*  96  zero */
    uint8_t mrsigner[32];                       /* 128 */
    uint8_t reserved2[32];                      /* 160  zero */
    uint8_t cpu_svn_le[16];                     /* 192  from here on: of the launch enclave */
    uint16_t isv_prod_id_le;                    /* 208 */
    uint16_t isv_svn_le;                        /* 210 */
    uint8_t reserved3[24];                      /* 212  zero */
    uint32_t masked_miscselect_le;              /* 236 */
    struct sgx_attributes masked_attributes_le; /* 240 */
    uint8_t key_id[32];                         /* 256 */
    uint8_t mac[16];                            /* 288  AES-128-CMAC of bytes 0..191 */
} __attribute__((aligned(512)));
SGX_AT(sgx_einittoken, attributes, 48);
SGX_AT(sgx_einittoken, mrenclave, 64);
SGX_AT(sgx_einittoken, mrsigner, 128);
SGX_AT(sgx_einittoken, cpu_svn_le, 192);
SGX_AT(sgx_einittoken, isv_prod_id_le, 208);
SGX_AT(sgx_einittoken, isv_svn_le, 210);
SGX_AT(sgx_einittoken, masked_miscselect_le, 236);
SGX_AT(sgx_einittoken, masked_attributes_le, 240);
SGX_AT(sgx_einittoken, key_id, 256);
SGX_AT(sgx_einittoken, mac, 288);

#define SGX_TOKEN_SIZE 304u /* the manual's; the structure is padded to its alignment */

#endif
