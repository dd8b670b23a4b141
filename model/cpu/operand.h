/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operand.h - the checks that every leaf makes of its operands (private to model/cpu)
 */
#ifndef MODEL_CPU_OPERAND_H
#define MODEL_CPU_OPERAND_H

#include "cpu/outcome.h"

static inline bool aligned(uint64_t value, uint64_t alignment)
{
    return value % alignment == 0;
}

/* Bits 63:47 alike. The model has four-level paging. */
static inline bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

bool cpu_all_zero(const void *bytes, size_t size);

/* ------------------------------------------------------------------ structures as operands */

static inline uint8_t secinfo_type(const struct sgx_secinfo *info)
{
    return (uint8_t)(info->flags >> SGX_SECINFO_PT_SHIFT);
}

/* Write permission without read permission is refused by every leaf that takes permissions. */
static inline bool secinfo_write_only(const struct sgx_secinfo *info)
{
    return (info->flags & SGX_SECINFO_W) && !(info->flags & SGX_SECINFO_R);
}

bool cpu_secinfo_reserved_clear(const struct sgx_secinfo *info);

/* What EADD and EACCEPT ask of a TCS: no reserved byte, and 32-bit limits that end a page. */
bool cpu_tcs_wellformed(const struct sgx_tcs *tcs, const struct sgx_secs *secs);

static inline bool secs_contains(const struct sgx_secs *secs, uint64_t linear)
{
    return linear - secs->base < secs->size; /* by difference: base + size may be 2^64 */
}

/* ------------------------------------------------------------------ ENCLS */

/* True and the frame if an address lies in the window of the EPC. */
bool cpu_epc_find(const struct epc *epc, uint64_t address, uint64_t *ret_frame);

/* A page fault of ENCLS: in supervisor mode, so without SGX_PFEC_U. */
struct outcome cpu_encls_pf(uint64_t address);

static inline bool epc_is_secs(const struct epc *epc, uint64_t frame)
{
    return epc->epcm[frame].valid && epc->epcm[frame].pt == SGX_PT_SECS;
}

/* Operands in ordinary memory are read once, whole, so that nobody can change them in between. */
static inline struct sgx_pageinfo read_pageinfo(uint64_t address)
{
    return *(const struct sgx_pageinfo *)(uintptr_t)address;
}

static inline struct sgx_secinfo read_secinfo(uint64_t address)
{
    return *(const struct sgx_secinfo *)(uintptr_t)address;
}

/* ------------------------------------------------------------------ ENCLU */

/* Frame of the SECS whose code this processor runs. Only in enclave mode. */
static inline uint32_t cpu_secs_frame(const struct cpu *cpu)
{
    return cpu->epc->epcm[cpu->tcs_frame].secs;
}

static inline struct sgx_secs *cpu_secs(const struct cpu *cpu)
{
    return epc_frame(cpu->epc, cpu_secs_frame(cpu));
}

/* #PF because the EPCM refuses, or because memory that should be EPC is not. */
struct outcome cpu_enclu_pf(uint64_t linear, enum access access);

/* Aligned and inside ELRANGE, else #GP. */
struct outcome cpu_operand_range(const struct cpu *cpu, uint64_t linear, uint64_t alignment);

/* Canonical (else #GP), permitted by the page table, and in the EPC (else #PF). */
struct outcome cpu_operand_frame(struct cpu *cpu, uint64_t linear, enum access access,
                                 uint64_t *ret_frame);

/* The page of this frame is an ordinary page of the enclave with the permission, else #PF. */
struct outcome cpu_operand_epcm(const struct cpu *cpu, uint64_t frame, uint64_t linear,
                                enum access access);

/* All three: an operand in enclave memory, and where it lies. */
struct outcome cpu_operand(struct cpu *cpu, uint64_t linear, uint64_t alignment, enum access access,
                           void **ret_pointer);

static inline void *operand_pointer(const struct cpu *cpu, uint64_t frame, uint64_t linear)
{
    return (uint8_t *)epc_frame(cpu->epc, frame) + (linear & ~SGX_PAGE_MASK);
}

#endif
