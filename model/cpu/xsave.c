/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/xsave.h"

#include "cpu/operand.h"

#include <string.h>

/* SDM, "XSAVE-Supported Features and State-Component Bitmaps" and "XSAVE Area". */
#define MXCSR_OFFSET    24u
#define MXCSR_RESERVED  UINT32_C(0xffff0000)
#define MXCSR_SYNTHETIC UINT32_C(0x1fb0) /* all masked; flags that tell nothing of the enclave */
#define MXCSR_ON_XM     UINT32_C(0x1f01)
#define FCW_INITIAL     0x037fu
#define FCW_ON_MF       0x037eu
#define FSW_ON_MF       0x8081u

/* Header: XSTATE_BV, then 16 bytes that must be zero, then reserved bytes. */
#define HEADER_OFFSET    SGX_XSAVE_LEGACY_SIZE
#define HEADER_ZERO_SIZE 16u

/* A component is up to two stretches of the image: MXCSR divides the x87 state. */
struct stretch {
    uint32_t offset, size;
};

static void component(const struct cpu_features *features, unsigned number,
                      struct stretch ret_parts[static 2])
{
    ret_parts[1] = (struct stretch){0, 0};
    if (number == 0) {
        ret_parts[0] = (struct stretch){0, 24};   /* FCW to FDP */
        ret_parts[1] = (struct stretch){32, 128}; /* ST0 to ST7 */
    } else if (number == 1) {
        ret_parts[0] = (struct stretch){160, 256}; /* XMM0 to XMM15 */
    } else {
        ret_parts[0] =
            (struct stretch){features->xsave_offset[number], features->xsave_size[number]};
    }
}

size_t cpu_xsave_size(const struct cpu_features *features, uint64_t xfrm)
{
    size_t size = SGX_XSAVE_MIN_SIZE;

    for (uint64_t rest = xfrm & ~SGX_XFRM_LEGACY; rest != 0; rest &= rest - 1) {
        unsigned i = (unsigned)__builtin_ctzll(rest);
        size_t end = (size_t)features->xsave_offset[i] + features->xsave_size[i];

        if (end > size)
            size = end;
    }
    return size;
}

static uint64_t image_bv(const struct cpu *cpu)
{
    uint64_t bv;

    memcpy(&bv, cpu->xsave + HEADER_OFFSET, sizeof bv);
    return bv;
}

static void set_image_bv(struct cpu *cpu, uint64_t bv)
{
    memcpy(cpu->xsave + HEADER_OFFSET, &bv, sizeof bv);
}

/* A component that the image is too small for is one the host has not enabled. */
static bool in_image(const struct cpu *cpu, const struct stretch *part)
{
    return (size_t)part->offset + part->size <= cpu->xsave_size;
}

/* ------------------------------------------------------------------ processor to frame */

static void save_component(const struct cpu *cpu, const struct ssa_frame *ssa, unsigned number,
                           bool in_use)
{
    static const uint16_t fcw = FCW_INITIAL;
    struct stretch part[2];

    component(cpu->epc->features, number, part);
    for (int i = 0; i < 2; i++) {
        const uint8_t *from =
            in_use && in_image(cpu, &part[i]) ? cpu->xsave + part[i].offset : NULL;

        cpu_ssa_write(cpu->epc, ssa, part[i].offset, from, part[i].size);
    }
    if (number == 0 && !in_use)
        cpu_ssa_write(cpu->epc, ssa, 0, &fcw, sizeof fcw);
}

void cpu_xsave_save(const struct cpu *cpu, const struct ssa_frame *ssa, uint64_t xfrm)
{
    uint64_t header[SGX_XSAVE_HEADER_SIZE / 8] = {0};

    if (!cpu->xsave)
        return;
    header[0] = image_bv(cpu) & xfrm;
    for (uint64_t rest = xfrm; rest != 0; rest &= rest - 1) {
        unsigned number = (unsigned)__builtin_ctzll(rest);

        save_component(cpu, ssa, number, header[0] >> number & 1);
    }
    /* MXCSR and its mask are saved with SSE requested, in use or not. */
    cpu_ssa_write(cpu->epc, ssa, MXCSR_OFFSET, cpu->xsave + MXCSR_OFFSET, 8);
    cpu_ssa_write(cpu->epc, ssa, HEADER_OFFSET, header, sizeof header);
}

/* ------------------------------------------------------------------ frame to processor */

bool cpu_xsave_check(const struct epc *epc, const struct ssa_frame *ssa, uint64_t xfrm,
                     struct xsave_image *ret_image)
{
    struct {
        uint64_t xstate_bv;
        uint8_t zero[HEADER_ZERO_SIZE];
    } header;
    uint32_t mxcsr;

    cpu_ssa_read(epc, ssa, HEADER_OFFSET, &header, sizeof header);
    cpu_ssa_read(epc, ssa, MXCSR_OFFSET, &mxcsr, sizeof mxcsr);
    if ((header.xstate_bv & ~xfrm) != 0 || !cpu_all_zero(header.zero, sizeof header.zero) ||
        (mxcsr & MXCSR_RESERVED) != 0)
        return false;
    *ret_image = (struct xsave_image){.xstate_bv = header.xstate_bv, .mxcsr = mxcsr};
    return true;
}

/* The component in its initial configuration, in data as well as by its absence in XSTATE_BV. */
static void init_component(struct cpu *cpu, unsigned number)
{
    const uint16_t fcw = FCW_INITIAL;
    struct stretch part[2];

    component(cpu->epc->features, number, part);
    for (int i = 0; i < 2; i++) {
        if (in_image(cpu, &part[i]))
            memset(cpu->xsave + part[i].offset, 0, part[i].size);
    }
    if (number == 0)
        memcpy(cpu->xsave, &fcw, sizeof fcw);
}

/* Returns the component's bit if the image took it. */
static uint64_t load_component(struct cpu *cpu, const struct ssa_frame *ssa, unsigned number)
{
    struct stretch part[2];

    component(cpu->epc->features, number, part);
    if (!in_image(cpu, &part[0]) || !in_image(cpu, &part[1]))
        return 0;
    for (int i = 0; i < 2; i++)
        cpu_ssa_read(cpu->epc, ssa, part[i].offset, cpu->xsave + part[i].offset, part[i].size);
    return UINT64_C(1) << number;
}

void cpu_xsave_load(struct cpu *cpu, const struct ssa_frame *ssa, uint64_t xfrm,
                    const struct xsave_image *image)
{
    uint64_t bv;

    if (!cpu->xsave)
        return;
    bv = image_bv(cpu) & ~xfrm;
    for (uint64_t rest = xfrm; rest != 0; rest &= rest - 1) {
        unsigned number = (unsigned)__builtin_ctzll(rest);

        if (image->xstate_bv >> number & 1)
            bv |= load_component(cpu, ssa, number);
        else
            init_component(cpu, number);
    }
    memcpy(cpu->xsave + MXCSR_OFFSET, &image->mxcsr, sizeof image->mxcsr);
    set_image_bv(cpu, bv);
}

/* ------------------------------------------------------------------ after an asynchronous exit */

void cpu_xsave_synthesize(struct cpu *cpu, uint64_t xfrm, int vector)
{
    /* MXCSR is loaded by XRSTOR even where XSTATE_BV says that SSE is initial. */
    uint32_t mxcsr = vector == SGX_VECTOR_XM ? MXCSR_ON_XM : MXCSR_SYNTHETIC;
    const uint16_t mf[2] = {FCW_ON_MF, FSW_ON_MF};
    uint64_t bv;

    if (!cpu->xsave)
        return;
    bv = image_bv(cpu) & ~xfrm;
    for (uint64_t rest = xfrm; rest != 0; rest &= rest - 1)
        init_component(cpu, (unsigned)__builtin_ctzll(rest));
    if (vector == SGX_VECTOR_MF) {
        /* Not quite the initial state, so x87 has to be marked as present. */
        memcpy(cpu->xsave, mf, sizeof mf);
        bv |= SGX_XFRM_X87;
    }
    memcpy(cpu->xsave + MXCSR_OFFSET, &mxcsr, sizeof mxcsr);
    set_image_bv(cpu, bv);
}
