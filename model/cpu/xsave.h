/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xsave.h - extended state between the processor and an SSA frame (private to model/cpu)
 *
 * cpu->xsave may be larger than the frame's image (the host's XCR0 has components beyond XFRM) or
 * absent. What lies outside XFRM is the host's and is never touched.
 */
#ifndef MODEL_CPU_XSAVE_H
#define MODEL_CPU_XSAVE_H

#include "cpu/ssa.h"

/* XSAVE with XFRM as the requested-feature bitmap. */
void cpu_xsave_save(const struct cpu *cpu, const struct ssa_frame *ssa, uint64_t xfrm);

/* Which components the frame's image holds, and its MXCSR: read once, as the enclave may write. */
struct xsave_image {
    uint64_t xstate_bv;
    uint32_t mxcsr;
};

/* False if XRSTOR would refuse the frame's image with #GP. */
bool cpu_xsave_check(const struct epc *epc, const struct ssa_frame *ssa, uint64_t xfrm,
                     struct xsave_image *ret_image);

/* XRSTOR of an image that was checked. */
void cpu_xsave_load(struct cpu *cpu, const struct ssa_frame *ssa, uint64_t xfrm,
                    const struct xsave_image *image);

/* The synthetic state of an asynchronous exit; vector is that of the exception, or negative. */
void cpu_xsave_synthesize(struct cpu *cpu, uint64_t xfrm, int vector);

#endif
