/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.h - hand-made enclaves of any XFRM, SSAFRAMESIZE, ATTRIBUTES and MISCSELECT
 *
 * Laid out as raw.h has it, but with the code of exec_blob.S, and with room for large SSA frames:
 *
 *     page 32-    SSA of TCS 0, 2 frames     page 64-    SSA of TCS 1, 1 frame
 *     page 96-    SSA of TCS 2, 1 frame
 */
#ifndef TESTS_RUN_EXEC_H
#define TESTS_RUN_EXEC_H

#include <stddef.h>

#include "raw.h"

enum exec_op {
    X_NOP,
    X_STORE,
    X_LOAD,
    X_VECTORS,
    X_X87,
    X_SSE,
    X_DIVIDE,
    X_UD2,
    X_HLT,
    X_INT3,
    X_INT_3,
    X_INT_4,
    X_CPUID,
    X_UNALIGNED,
    X_STACK,
    X_TRAP_FLAG,
    X_PLANTED,
    X_STEPS,
};

struct exec_options {
    uint64_t xfrm;
    uint64_t flags; /* of ATTRIBUTES, beside MODE64BIT */
    uint32_t frame_pages;
    uint32_t miscselect;
};

#define EXEC_SSA UINT64_C(0x20000) /* offset of the SSA of TCS 0 */

/* The host's side of an entry. */
struct exec_host {
    const void *load; /* XSAVE image to enter with; NULL: as it is */
    void *saved;      /* 64-byte aligned: gets the image after the exit; NULL: not wanted */
    uint64_t mask;    /* components of both */
    uint64_t flags;   /* out: RFLAGS after the exit */
    uint64_t direct;  /* 1: by an ENCLU of the host's own, exec_native, which is the AEP too */
};

void exec_open(struct raw *raw, const struct exec_options *options);

/* raw_call() with a host's side. */
int exec_call(struct raw *raw, unsigned tcs_page, unsigned function, struct op *op,
              struct exec_host *host);

/* GPRSGX of frame `frame` of TCS 0, and the EXINFO below it. */
struct sgx_gprsgx exec_gprsgx(const struct raw *raw, const struct exec_options *options,
                              unsigned frame);
struct sgx_exinfo exec_exinfo(const struct raw *raw, const struct exec_options *options,
                              unsigned frame);

extern const uint8_t exec_blob[], exec_planted[], exec_steps[]; /* in exec_blob.S */
extern const char exec_native[], exec_native_next[];

#endif
