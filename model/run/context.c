/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the kernel's signal frame and the processor's registers, and what this processor is.
 */
#include <cpuid.h>
#include <pthread.h>
#include <string.h>

#include "run/run.h"

/* Registers of the signal frame in the order of struct cpu_regs, up to RIP. */
static const int order[] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8,
    REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_EFL, REG_RIP,
};

#define ORDER_COUNT (sizeof order / sizeof *order)

static const struct _fpx_sw_bytes *software_bytes(const ucontext_t *uc)
{
    const uint8_t *image = (const uint8_t *)uc->uc_mcontext.fpregs;

    return (const struct _fpx_sw_bytes *)(image + 464);
}

void context_load(struct cpu *cpu, const ucontext_t *uc, const struct bases *bases)
{
    uint64_t *regs = (uint64_t *)&cpu->r;

    for (size_t i = 0; i < ORDER_COUNT; i++)
        regs[i] = (uint64_t)uc->uc_mcontext.gregs[order[i]];
    cpu->r.fsbase = bases->fs;
    cpu->r.gsbase = bases->gs;
    cpu->xsave = (uint8_t *)uc->uc_mcontext.fpregs;
    cpu->xsave_size = software_bytes(uc)->magic1 == FP_XSTATE_MAGIC1
                          ? software_bytes(uc)->xstate_size
                          : SGX_XSAVE_LEGACY_SIZE;
}

void context_store(const struct cpu *cpu, ucontext_t *uc, struct bases *bases)
{
    const uint64_t *regs = (const uint64_t *)&cpu->r;

    for (size_t i = 0; i < ORDER_COUNT; i++)
        uc->uc_mcontext.gregs[order[i]] = (greg_t)regs[i];
    bases->fs = cpu->r.fsbase;
    bases->gs = cpu->r.gsbase;
    bases->selector = cpu->enclave_mode || sgx2_hosted ? SUD_BLOCK : SUD_ALLOW;
}

/* ------------------------------------------------------------------ this processor */

uint64_t sgx2_xsave_size = SGX_XSAVE_MIN_SIZE;

static struct cpu_features features = {
    .attributes = SGX_ATTR_INIT | SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY |
                  SGX_ATTR_EINITTOKENKEY | SGX_ATTR_KSS | SGX_ATTR_AEXNOTIFY,
    .miscselect = SGX_MISC_EXINFO,
    .max_size_bits = 38,
    .edeccssa = true,
};

static void find_features(void)
{
    uint32_t eax, ebx, ecx, edx, low, high;

    features.xfrm = SGX_XFRM_LEGACY;
    if (!__get_cpuid_count(0xd, 0, &eax, &ebx, &ecx, &edx))
        return;
    sgx2_xsave_size = ebx; /* for the features that XCR0 enables */
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    features.xfrm = (uint64_t)high << 32 | low;
    for (unsigned x = 2; x < 63; x++) {
        if (!(features.xfrm >> x & 1))
            continue;
        __get_cpuid_count(0xd, x, &eax, &ebx, &ecx, &edx);
        features.xsave_size[x] = eax;
        features.xsave_offset[x] = ebx;
    }
}

const struct cpu_features *run_features(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_features);
    return &features;
}
