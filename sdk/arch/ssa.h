/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ssa.h - State Save Area: what an asynchronous exit leaves behind
 *
 * SDM, "State Save Area (SSA) Frame". A frame is SECS.SSAFRAMESIZE pages: the XSAVE image at the
 * bottom in standard format, GPRSGX at the very top, and the components that MISCSELECT chose
 * directly below GPRSGX.
 */
#ifndef ARCH_SSA_H
#define ARCH_SSA_H

#include "arch/arch.h"

struct sgx_gprsgx {
    uint64_t rax;        /*   0 */
    uint64_t rcx;        /*   8 */
    uint64_t rdx;        /*  16 */
    uint64_t rbx;        /*  24 */
    uint64_t rsp;        /*  32 */
    uint64_t rbp;        /*  40 */
    uint64_t rsi;        /*  48 */
    uint64_t rdi;        /*  56 */
    uint64_t r8;         /*  64 */
    uint64_t r9;         /*  72 */
    uint64_t r10;        /*  80 */
    uint64_t r11;        /*  88 */
    uint64_t r12;        /*  96 */
    uint64_t r13;        /* 104 */
    uint64_t r14;        /* 112 */
    uint64_t r15;        /* 120 */
    uint64_t rflags;     /* 128 */
    uint64_t rip;        /* 136 */
    uint64_t ursp;       /* 144  RSP outside, at entry */
    uint64_t urbp;       /* 152  RBP outside, at entry */
    uint32_t exitinfo;   /* 160  SGX_EXITINFO_* */
    uint8_t reserved[3]; /* 164 */
    uint8_t aexnotify;   /* 167  bit 0: ERESUME notifies instead of resuming */
    uint64_t fsbase;     /* 168 */
    uint64_t gsbase;     /* 176 */
};
SGX_AT(sgx_gprsgx, rsp, 32);
SGX_AT(sgx_gprsgx, rdi, 56);
SGX_AT(sgx_gprsgx, r8, 64);
SGX_AT(sgx_gprsgx, r15, 120);
SGX_AT(sgx_gprsgx, rflags, 128);
SGX_AT(sgx_gprsgx, rip, 136);
SGX_AT(sgx_gprsgx, ursp, 144);
SGX_AT(sgx_gprsgx, urbp, 152);
SGX_AT(sgx_gprsgx, exitinfo, 160);
SGX_AT(sgx_gprsgx, aexnotify, 167);
SGX_AT(sgx_gprsgx, fsbase, 168);
SGX_AT(sgx_gprsgx, gsbase, 176);
SGX_SIZE(sgx_gprsgx, 184);

#define SGX_EXITINFO_VECTOR(info) ((info)&0xffu)
#define SGX_EXITINFO_TYPE(info)   (((info) >> 8) & 7u)
#define SGX_EXITINFO_VALID        (UINT32_C(1) << 31)

enum sgx_exit_type { SGX_EXIT_HARDWARE = 3, SGX_EXIT_SOFTWARE = 6 };

/* Vectors that EXITINFO can report. */
enum sgx_vector {
    SGX_VECTOR_DE = 0,
    SGX_VECTOR_DB = 1,
    SGX_VECTOR_BP = 3,
    SGX_VECTOR_BR = 5,
    SGX_VECTOR_UD = 6,
    SGX_VECTOR_GP = 13,
    SGX_VECTOR_PF = 14,
    SGX_VECTOR_MF = 16,
    SGX_VECTOR_AC = 17,
    SGX_VECTOR_XM = 19,
    SGX_VECTOR_CP = 21,
};

/* MISC component 0, directly below GPRSGX: the details of a #PF or #GP. */
struct sgx_exinfo {
    uint64_t maddr;    /*  0  faulting address, all 64 bits; 0 for #GP */
    uint32_t errcd;    /*  8  page-fault error code (SGX_PFEC_*) or #GP error code */
    uint32_t reserved; /* 12 */
};
SGX_AT(sgx_exinfo, errcd, 8);
SGX_SIZE(sgx_exinfo, 16);

#define SGX_PFEC_P   (UINT32_C(1) << 0)  /* the translation was present */
#define SGX_PFEC_W   (UINT32_C(1) << 1)  /* a write */
#define SGX_PFEC_U   (UINT32_C(1) << 2)  /* user mode */
#define SGX_PFEC_I   (UINT32_C(1) << 4)  /* an instruction fetch */
#define SGX_PFEC_PK  (UINT32_C(1) << 5)  /* protection keys refused */
#define SGX_PFEC_SGX (UINT32_C(1) << 15) /* the EPCM refused, not the page table */

/* The legacy region and the header come first in every XSAVE image. */
#define SGX_XSAVE_LEGACY_SIZE 512u
#define SGX_XSAVE_HEADER_SIZE 64u
#define SGX_XSAVE_MIN_SIZE    (SGX_XSAVE_LEGACY_SIZE + SGX_XSAVE_HEADER_SIZE)

#endif
