/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secinfo.h - SECINFO, PAGEINFO and PCMD: what a page is, and the operands that say so
 *
 * SDM, "Security Information (SECINFO)", "Page Information (PAGEINFO)", "Paging Crypto MetaData
 * (PCMD)" and "Version Array (VA)".
 */
#ifndef ARCH_SECINFO_H
#define ARCH_SECINFO_H

#include "arch/arch.h"

/* Page types, as EPCM.PT and as SECINFO.FLAGS.PAGE_TYPE. */
enum sgx_page_type {
    SGX_PT_SECS = 0,
    SGX_PT_TCS = 1,
    SGX_PT_REG = 2,
    SGX_PT_VA = 3,
    SGX_PT_TRIM = 4,
    SGX_PT_SS_FIRST = 5,
    SGX_PT_SS_REST = 6,
};

#define SGX_SECINFO_R        UINT64_C(0x01)
#define SGX_SECINFO_W        UINT64_C(0x02)
#define SGX_SECINFO_X        UINT64_C(0x04)
#define SGX_SECINFO_PENDING  UINT64_C(0x08) /* added by EAUG, not accepted yet */
#define SGX_SECINFO_MODIFIED UINT64_C(0x10) /* type changed by EMODT, not accepted yet */
#define SGX_SECINFO_PR       UINT64_C(0x20) /* permissions being restricted by EMODPR */
#define SGX_SECINFO_RWX      (SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_X)

#define SGX_SECINFO_PT_SHIFT 8
#define SGX_SECINFO_PT_MASK  UINT64_C(0xff00)
#define SGX_SECINFO_PT(type) ((uint64_t)(type) << SGX_SECINFO_PT_SHIFT)
#define SGX_SECINFO_TCS      SGX_SECINFO_PT(SGX_PT_TCS)
#define SGX_SECINFO_REG      SGX_SECINFO_PT(SGX_PT_REG)
#define SGX_SECINFO_TRIM     SGX_SECINFO_PT(SGX_PT_TRIM)

/* Bits of FLAGS that must be zero: 7:6 and 63:16. */
#define SGX_SECINFO_RESERVED (~UINT64_C(0xff3f))

struct sgx_secinfo {
    uint64_t flags;       /*  0  SGX_SECINFO_* */
    uint8_t reserved[56]; /*  8  zero */
} __attribute__((aligned(64)));
SGX_AT(sgx_secinfo, reserved, 8);
SGX_SIZE(sgx_secinfo, 64);

struct sgx_pageinfo {
    uint64_t linaddr; /*  0  where the page will stand in the enclave */
    uint64_t srcpge;  /*  8  address of the content */
    uint64_t secinfo; /* 16  address of a SECINFO, or of a PCMD for the paging leaves */
    uint64_t secs;    /* 24  address of the SECS page in the EPC */
} __attribute__((aligned(32)));
SGX_AT(sgx_pageinfo, srcpge, 8);
SGX_AT(sgx_pageinfo, secinfo, 16);
SGX_AT(sgx_pageinfo, secs, 24);
SGX_SIZE(sgx_pageinfo, 32);

/* What EWB says of a page that it has written out, and ELDU wants to hear again. */
struct sgx_pcmd {
    struct sgx_secinfo secinfo; /*   0  the page's type, permissions and state */
    uint64_t enclave_id;        /*  64  a handle for the system; not authenticated */
    uint8_t reserved[40];       /*  72  zero */
    uint8_t mac[16];            /* 112  of the page and of what the processor knows of it */
} __attribute__((aligned(128)));
SGX_AT(sgx_pcmd, enclave_id, 64);
SGX_AT(sgx_pcmd, reserved, 72);
SGX_AT(sgx_pcmd, mac, 112);
SGX_SIZE(sgx_pcmd, 128);

/* A version array: an EPC page of slots, each of which holds the version of one page, or zero. */
#define SGX_VA_SLOT_SIZE  8u
#define SGX_VA_SLOT_COUNT (SGX_PAGE_SIZE / SGX_VA_SLOT_SIZE)

#endif
