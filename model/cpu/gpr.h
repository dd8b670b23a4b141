/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gpr.h - general registers between the processor and GPRSGX (private to model/cpu)
 */
#ifndef MODEL_CPU_GPR_H
#define MODEL_CPU_GPR_H

#include <assert.h>
#include <string.h>

#include "cpu/cpu.h"

/* Both structures begin with the sixteen registers, in one order. */
#define GPR_SIZE offsetof(struct sgx_gprsgx, rflags)

static_assert(offsetof(struct cpu_regs, rflags) == GPR_SIZE, "as many registers");
static_assert(offsetof(struct cpu_regs, rbx) == offsetof(struct sgx_gprsgx, rbx), "in this order");
static_assert(offsetof(struct cpu_regs, rsp) == offsetof(struct sgx_gprsgx, rsp), "in this order");
static_assert(offsetof(struct cpu_regs, rdi) == offsetof(struct sgx_gprsgx, rdi), "in this order");

static inline void cpu_gpr_save(const struct cpu_regs *r, struct sgx_gprsgx *gpr)
{
    memcpy(gpr, r, GPR_SIZE);
}

static inline void cpu_gpr_load(struct cpu_regs *r, const struct sgx_gprsgx *gpr)
{
    memcpy(r, gpr, GPR_SIZE);
}

#endif
