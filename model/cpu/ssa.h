/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ssa.h - SSA frames: finding their EPC pages, and moving bytes in and out (private to model/cpu)
 */
#ifndef MODEL_CPU_SSA_H
#define MODEL_CPU_SSA_H

#include "cpu/outcome.h"

/* The largest XSAVE area in pages that struct cpu has room for. */
#define SSA_XSAVE_PAGES (sizeof((struct cpu *)0)->ssa_xsave_frame / sizeof(uint64_t))

/* An SSA frame whose pages have all been checked: reading and writing it cannot fault. */
struct ssa_frame {
    uint64_t gpr;                    /* EPC frame of the last page, with GPRSGX and EXINFO */
    uint64_t xsave[SSA_XSAVE_PAGES]; /* EPC frames of the XSAVE area */
    uint32_t pages;                  /* how many of those */
};

/* Bytes below GPRSGX for the components in MISCSELECT. */
size_t cpu_misc_size(uint32_t miscselect);

/*
 * Frame `index` of a TCS: every page of the XSAVE area from the bottom up, then the page of GPRSGX,
 * must be ordinary, readable and writable memory of the enclave; #PF at the first that is not.
 */
struct outcome cpu_ssa_find(struct cpu *cpu, uint64_t tcs_frame, uint32_t index,
                            struct ssa_frame *ret_ssa);

/* What the processor remembers of the current frame between entry and exit. */
struct ssa_frame cpu_ssa_cached(const struct cpu *cpu);
void cpu_ssa_cache(struct cpu *cpu, const struct ssa_frame *ssa);

struct sgx_gprsgx *cpu_ssa_gpr(const struct epc *epc, const struct ssa_frame *ssa);
struct sgx_exinfo *cpu_ssa_exinfo(const struct epc *epc, const struct ssa_frame *ssa);

/* The XSAVE area, whose pages need not be neighbours in the EPC. `from` NULL writes zeros. */
void cpu_ssa_read(const struct epc *epc, const struct ssa_frame *ssa, size_t offset, void *to,
                  size_t size);
void cpu_ssa_write(const struct epc *epc, const struct ssa_frame *ssa, size_t offset,
                   const void *from, size_t size);

#endif
