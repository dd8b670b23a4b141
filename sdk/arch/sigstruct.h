/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigstruct.h - Enclave Signature Structure: what the author signed
 *
 * SDM, "Enclave Signature Structure (SIGSTRUCT)". Numbers are stored least significant byte first.
 * The signed message is the 128 bytes of the header followed by the 128 bytes of the body.
 */
#ifndef ARCH_SIGSTRUCT_H
#define ARCH_SIGSTRUCT_H

#include "arch/attributes.h"

#define SGX_KEY_SIZE 384u /* RSA-3072 */

struct sgx_sigstruct {
    /* header, signed */
    uint8_t header[16];    /*    0  SGX_SIG_HEADER */
    uint32_t vendor;       /*   16  0 or SGX_SIG_VENDOR_INTEL */
    uint32_t date;         /*   20  0xYYYYMMDD, binary coded decimal */
    uint8_t header2[16];   /*   24  SGX_SIG_HEADER2 */
    uint32_t swdefined;    /*   40  free; here the aperture's summary, see abi/layout.h */
    uint8_t reserved0[84]; /*   44  zero */

    /* key and signature, not signed */
    uint8_t modulus[SGX_KEY_SIZE];   /*  128 */
    uint32_t exponent;               /*  512  3 */
    uint8_t signature[SGX_KEY_SIZE]; /*  516 */

    /* body, signed */
    uint32_t miscselect;                  /*  900 */
    uint32_t miscmask;                    /*  904 */
    uint8_t cet_attributes;               /*  908 */
    uint8_t cet_attributes_mask;          /*  909 */
    uint8_t reserved1[2];                 /*  910  zero */
    uint8_t isv_family_id[16];            /*  912  KSS only */
    struct sgx_attributes attributes;     /*  928 */
    struct sgx_attributes attribute_mask; /*  944 */
    uint8_t enclave_hash[32];             /*  960  the MRENCLAVE this signature is for */
    uint8_t reserved2[16];                /*  992  zero */
    uint8_t isv_ext_prod_id[16];          /* 1008  KSS only */
    uint16_t isv_prod_id;                 /* 1024 */
    uint16_t isv_svn;                     /* 1026 */

    /* helpers for the processor, not signed */
    uint8_t reserved3[12];    /* 1028  zero */
    uint8_t q1[SGX_KEY_SIZE]; /* 1040  floor(S^2 / M) */
    uint8_t q2[SGX_KEY_SIZE]; /* 1424  floor((S^3 - q1*S*M) / M) */
} __attribute__((packed, aligned(4)));
SGX_AT(sgx_sigstruct, vendor, 16);
SGX_AT(sgx_sigstruct, date, 20);
SGX_AT(sgx_sigstruct, header2, 24);
SGX_AT(sgx_sigstruct, swdefined, 40);
SGX_AT(sgx_sigstruct, modulus, 128);
SGX_AT(sgx_sigstruct, exponent, 512);
SGX_AT(sgx_sigstruct, signature, 516);
SGX_AT(sgx_sigstruct, miscselect, 900);
SGX_AT(sgx_sigstruct, miscmask, 904);
SGX_AT(sgx_sigstruct, cet_attributes, 908);
SGX_AT(sgx_sigstruct, isv_family_id, 912);
SGX_AT(sgx_sigstruct, attributes, 928);
SGX_AT(sgx_sigstruct, attribute_mask, 944);
SGX_AT(sgx_sigstruct, enclave_hash, 960);
SGX_AT(sgx_sigstruct, isv_ext_prod_id, 1008);
SGX_AT(sgx_sigstruct, isv_prod_id, 1024);
SGX_AT(sgx_sigstruct, isv_svn, 1026);
SGX_AT(sgx_sigstruct, q1, 1040);
SGX_AT(sgx_sigstruct, q2, 1424);
SGX_SIZE(sgx_sigstruct, 1808);

#define SGX_SIG_HEADER                                                                             \
    {                                                                                              \
        6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0                                          \
    }
#define SGX_SIG_HEADER2                                                                            \
    {                                                                                              \
        1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0                                       \
    }
#define SGX_SIG_VENDOR_INTEL 0x8086u
#define SGX_SIG_EXPONENT     3u

/* The signed message: two pieces of the structure, joined. */
#define SGX_SIG_HEAD_OFFSET 0u
#define SGX_SIG_BODY_OFFSET 900u
#define SGX_SIG_PIECE_SIZE  128u

#endif
