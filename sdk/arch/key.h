/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - Key Request: what EGETKEY derives, and from what
 *
 * SDM, "Key Request (KEYREQUEST)".
 */
#ifndef ARCH_KEY_H
#define ARCH_KEY_H

#include "arch/attributes.h"

enum sgx_key_name {
    SGX_KEY_EINITTOKEN = 0,
    SGX_KEY_PROVISION = 1,
    SGX_KEY_PROVISION_SEAL = 2,
    SGX_KEY_REPORT = 3,
    SGX_KEY_SEAL = 4,
};

#define SGX_KEYPOLICY_MRENCLAVE    0x01u
#define SGX_KEYPOLICY_MRSIGNER     0x02u
#define SGX_KEYPOLICY_NOISVPRODID  0x04u /* this and the following need KSS */
#define SGX_KEYPOLICY_CONFIGID     0x08u
#define SGX_KEYPOLICY_ISVFAMILYID  0x10u
#define SGX_KEYPOLICY_ISVEXTPRODID 0x20u
#define SGX_KEYPOLICY_KSS          0x3cu
#define SGX_KEYPOLICY_RESERVED     0xffc0u

struct sgx_key_request {
    uint16_t key_name;                    /*  0  enum sgx_key_name */
    uint16_t key_policy;                  /*  2  SGX_KEYPOLICY_* */
    uint16_t isv_svn;                     /*  4 */
    uint16_t reserved0;                   /*  6  zero */
    uint8_t cpu_svn[16];                  /*  8 */
    struct sgx_attributes attribute_mask; /* 24 */
    uint8_t key_id[32];                   /* 40 */
    uint32_t miscmask;                    /* 72 */
    uint16_t config_svn;                  /* 76 */
    uint8_t reserved1[434];               /* 78  zero */
} __attribute__((aligned(512)));
SGX_AT(sgx_key_request, key_policy, 2);
SGX_AT(sgx_key_request, isv_svn, 4);
SGX_AT(sgx_key_request, cpu_svn, 8);
SGX_AT(sgx_key_request, attribute_mask, 24);
SGX_AT(sgx_key_request, key_id, 40);
SGX_AT(sgx_key_request, miscmask, 72);
SGX_AT(sgx_key_request, config_svn, 76);
SGX_AT(sgx_key_request, reserved1, 78);
SGX_SIZE(sgx_key_request, 512);

/* The key that EGETKEY writes. */
struct sgx_key {
    uint8_t bytes[16]; /*  0 */
} __attribute__((aligned(16)));
SGX_SIZE(sgx_key, 16);

#endif
