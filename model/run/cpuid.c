/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CPUID says on the modelled processor: for programs that ask the model, and for the
 * instruction itself where the processor lets us answer it (cpuid_fault.c).
 */
#include "driver/enclave.h"
#include "model.h"
#include "run/run.h"

#define LEAF_FEATURES 0x07
#define LEAF_SGX      0x12

#define FEATURE_SGX    (UINT32_C(1) << 2)  /* 07H.0:EBX */
#define FEATURE_SGX_LC (UINT32_C(1) << 30) /* 07H.0:ECX */

#define SGX1 (UINT32_C(1) << 0) /* 12H.0:EAX */
#define SGX2 (UINT32_C(1) << 1)

/*
 * One EPC section. Its address means nothing to a program; its size is what programs go by. Without
 * APERTURE_EPC_SIZE the model does not run out at that size: it holds as many pages as the machine
 * has memory for.
 */
#define EPC_BASE UINT64_C(0x80000000)
#define EPC_SIZE (UINT64_C(64) << 20)

static void sgx_leaf(uint32_t subleaf, struct sgx2_cpuid *ret)
{
    const struct cpu_features *features = run_features();
    const uint64_t size = profile_epc_size(EPC_SIZE);

    *ret = (struct sgx2_cpuid){0};
    switch (subleaf) {
    case 0:
        ret->eax = SGX1 | SGX2;
        ret->ebx = features->miscselect;
        ret->edx = (uint32_t)features->max_size_bits << 8 | 31;
        break;
    case 1:
        ret->eax = (uint32_t)features->attributes;
        ret->ebx = (uint32_t)(features->attributes >> 32);
        ret->ecx = (uint32_t)features->xfrm;
        ret->edx = (uint32_t)(features->xfrm >> 32);
        break;
    case 2: /* type 1, base; confidentiality and integrity protected, size */
        ret->eax = (uint32_t)EPC_BASE | 1;
        ret->ebx = (uint32_t)(EPC_BASE >> 32);
        ret->ecx = (uint32_t)size | 1;
        ret->edx = (uint32_t)(size >> 32) & 0xfffff;
        break;
    }
}

void sgx2_cpuid(uint32_t leaf, uint32_t subleaf, struct sgx2_cpuid *ret)
{
    if (leaf == LEAF_SGX) {
        sgx_leaf(subleaf, ret);
        return;
    }
    cpuid_native(leaf, subleaf, ret);
    if (leaf == LEAF_FEATURES && subleaf == 0) {
        ret->ebx |= FEATURE_SGX;
        ret->ecx |= FEATURE_SGX_LC;
    }
}
