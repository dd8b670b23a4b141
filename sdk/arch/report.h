/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - Report, its target and its data: how one enclave proves itself to another
 *
 * SDM, "Report Target Info (TARGETINFO)" and "Report (REPORT)".
 */
#ifndef ARCH_REPORT_H
#define ARCH_REPORT_H

#include "arch/attributes.h"

struct sgx_targetinfo {
    uint8_t measurement[32];          /*   0  MRENCLAVE of the enclave that shall verify */
    struct sgx_attributes attributes; /*  32 */
    uint8_t cet_attributes;           /*  48 */
    uint8_t reserved0;                /*  49 */
    uint16_t config_svn;              /*  50 */
    uint32_t miscselect;              /*  52 */
    uint8_t reserved1[8];             /*  56 */
    uint8_t config_id[64];            /*  64 */
    uint8_t reserved2[384];           /* 128 */
} __attribute__((aligned(512)));
SGX_AT(sgx_targetinfo, attributes, 32);
SGX_AT(sgx_targetinfo, cet_attributes, 48);
SGX_AT(sgx_targetinfo, config_svn, 50);
SGX_AT(sgx_targetinfo, miscselect, 52);
SGX_AT(sgx_targetinfo, config_id, 64);
SGX_AT(sgx_targetinfo, reserved2, 128);
SGX_SIZE(sgx_targetinfo, 512);

struct sgx_reportdata {
    uint8_t bytes[64]; /*  0 */
} __attribute__((aligned(128)));
SGX_SIZE(sgx_reportdata, 128);

struct sgx_report {
    uint8_t cpu_svn[16];              /*   0 */
    uint32_t miscselect;              /*  16 */
    uint8_t cet_attributes;           /*  20 */
    uint8_t reserved0[11];            /*  21 */
    uint8_t isv_ext_prod_id[16];      /*  32 */
    struct sgx_attributes attributes; /*  48 */
    uint8_t mrenclave[32];            /*  64 */
    uint8_t reserved1[32];            /*  96 */
    uint8_t mrsigner[32];             /* 128 */
    uint8_t reserved2[32];            /* 160 */
    uint8_t config_id[64];            /* 192 */
    uint16_t isv_prod_id;             /* 256 */
    uint16_t isv_svn;                 /* 258 */
    uint16_t config_svn;              /* 260 */
    uint8_t reserved3[42];            /* 262 */
    uint8_t isv_family_id[16];        /* 304 */
    uint8_t reportdata[64];           /* 320 */
    uint8_t key_id[32];               /* 384  not covered by the MAC */
    uint8_t mac[16];                  /* 416  AES-128-CMAC of bytes 0..383 */
};
SGX_AT(sgx_report, miscselect, 16);
SGX_AT(sgx_report, cet_attributes, 20);
SGX_AT(sgx_report, isv_ext_prod_id, 32);
SGX_AT(sgx_report, attributes, 48);
SGX_AT(sgx_report, mrenclave, 64);
SGX_AT(sgx_report, mrsigner, 128);
SGX_AT(sgx_report, config_id, 192);
SGX_AT(sgx_report, isv_prod_id, 256);
SGX_AT(sgx_report, isv_svn, 258);
SGX_AT(sgx_report, config_svn, 260);
SGX_AT(sgx_report, isv_family_id, 304);
SGX_AT(sgx_report, reportdata, 320);
SGX_AT(sgx_report, key_id, 384);
SGX_AT(sgx_report, mac, 416);
SGX_SIZE(sgx_report, 432);

#define SGX_REPORT_MACED_SIZE 384u
#define SGX_REPORT_ALIGN      512u

#endif
