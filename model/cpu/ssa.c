/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/ssa.h"

#include "cpu/epcm.h"
#include "cpu/operand.h"

#include <string.h>

#define GPR_OFFSET    (SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx))
#define EXINFO_OFFSET (GPR_OFFSET - sizeof(struct sgx_exinfo))

size_t cpu_misc_size(uint32_t miscselect)
{
    return miscselect & SGX_MISC_EXINFO ? sizeof(struct sgx_exinfo) : 0;
}

/* An entry stores to the frame and a resumption loads from it, so both permissions are due. */
static struct outcome find_page(struct cpu *cpu, uint32_t secs, uint64_t linear,
                                uint64_t *ret_frame)
{
    uint64_t frame;

    TRY(cpu_operand_frame(cpu, linear, ACCESS_WRITE, &frame));
    NEED(cpu_epcm_permits(cpu->epc, frame, linear, secs, ACCESS_READ) &&
             cpu_epcm_permits(cpu->epc, frame, linear, secs, ACCESS_WRITE),
         cpu_enclu_pf(linear, ACCESS_WRITE));
    *ret_frame = frame;
    return leaf_done(SGX_OK);
}

struct outcome cpu_ssa_find(struct cpu *cpu, uint64_t tcs_frame, uint32_t index,
                            struct ssa_frame *ret_ssa)
{
    const struct epc *epc = cpu->epc;
    const struct epcm *entry = &epc->epcm[tcs_frame];
    const struct sgx_secs *secs = epcm_secs(epc, entry);
    const struct sgx_tcs *tcs = epc_frame(epc, tcs_frame);
    uint64_t size = (uint64_t)secs->ssa_frame_size * SGX_PAGE_SIZE;
    /* May wrap with an absurd OSSA or CSSA; no page of the enclave has the address then. */
    uint64_t bottom = secs->base + tcs->ossa + index * size;
    size_t image = cpu_xsave_size(epc->features, secs->attributes.xfrm);

    /* ECREATE made sure that the image is no larger than SSA_XSAVE_PAGES. */
    ret_ssa->pages = (uint32_t)((image + SGX_PAGE_SIZE - 1) / SGX_PAGE_SIZE);
    for (uint32_t i = 0; i < ret_ssa->pages; i++)
        TRY(find_page(cpu, entry->secs, bottom + i * SGX_PAGE_SIZE, &ret_ssa->xsave[i]));
    return find_page(cpu, entry->secs, bottom + size - SGX_PAGE_SIZE, &ret_ssa->gpr);
}

struct ssa_frame cpu_ssa_cached(const struct cpu *cpu)
{
    struct ssa_frame ssa = {.gpr = cpu->ssa_gpr_frame, .pages = cpu->ssa_pages};

    memcpy(ssa.xsave, cpu->ssa_xsave_frame, sizeof ssa.xsave);
    return ssa;
}

void cpu_ssa_cache(struct cpu *cpu, const struct ssa_frame *ssa)
{
    cpu->ssa_gpr_frame = ssa->gpr;
    cpu->ssa_pages = ssa->pages;
    memcpy(cpu->ssa_xsave_frame, ssa->xsave, ssa->pages * sizeof ssa->xsave[0]);
}

struct sgx_gprsgx *cpu_ssa_gpr(const struct epc *epc, const struct ssa_frame *ssa)
{
    return (void *)((uint8_t *)epc_frame(epc, ssa->gpr) + GPR_OFFSET);
}

struct sgx_exinfo *cpu_ssa_exinfo(const struct epc *epc, const struct ssa_frame *ssa)
{
    return (void *)((uint8_t *)epc_frame(epc, ssa->gpr) + EXINFO_OFFSET);
}

/* The next stretch of [offset, offset + size) that lies in one page. */
static size_t stretch(size_t offset, size_t size)
{
    size_t room = SGX_PAGE_SIZE - offset % SGX_PAGE_SIZE;

    return size < room ? size : room;
}

static uint8_t *area(const struct epc *epc, const struct ssa_frame *ssa, size_t offset)
{
    return (uint8_t *)epc_frame(epc, ssa->xsave[offset / SGX_PAGE_SIZE]) + offset % SGX_PAGE_SIZE;
}

void cpu_ssa_read(const struct epc *epc, const struct ssa_frame *ssa, size_t offset, void *to,
                  size_t size)
{
    uint8_t *at = to;

    for (size_t part; size > 0; offset += part, at += part, size -= part) {
        part = stretch(offset, size);
        memcpy(at, area(epc, ssa, offset), part);
    }
}

void cpu_ssa_write(const struct epc *epc, const struct ssa_frame *ssa, size_t offset,
                   const void *from, size_t size)
{
    const uint8_t *at = from;

    for (size_t part; size > 0; offset += part, size -= part) {
        part = stretch(offset, size);
        if (at) {
            memcpy(area(epc, ssa, offset), at, part);
            at += part;
        } else {
            memset(area(epc, ssa, offset), 0, part);
        }
    }
}
