/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attributes.h - ATTRIBUTES and MISCSELECT: what an enclave is allowed to be and to use
 *
 * SDM, "ATTRIBUTES" and "MISCSELECT Field" of the SECS.
 */
#ifndef ARCH_ATTRIBUTES_H
#define ARCH_ATTRIBUTES_H

#include "arch/arch.h"

struct sgx_attributes {
    uint64_t flags; /*  0  SGX_ATTR_* */
    uint64_t xfrm;  /*  8  extended features, in the layout of XCR0: SGX_XFRM_* */
};
SGX_AT(sgx_attributes, xfrm, 8);
SGX_SIZE(sgx_attributes, 16);

#define SGX_ATTR_INIT          (UINT64_C(1) << 0) /* set by EINIT only */
#define SGX_ATTR_DEBUG         (UINT64_C(1) << 1) /* EDBGRD and EDBGWR allowed */
#define SGX_ATTR_MODE64BIT     (UINT64_C(1) << 2)
#define SGX_ATTR_PROVISIONKEY  (UINT64_C(1) << 4) /* PROVISION and PROVISION_SEAL keys */
#define SGX_ATTR_EINITTOKENKEY (UINT64_C(1) << 5)
#define SGX_ATTR_CET           (UINT64_C(1) << 6)
#define SGX_ATTR_KSS           (UINT64_C(1) << 7) /* key separation and sharing */
#define SGX_ATTR_AEXNOTIFY     (UINT64_C(1) << 10)
#define SGX_ATTR_RESERVED                                                                          \
    (~(SGX_ATTR_INIT | SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY |               \
       SGX_ATTR_EINITTOKENKEY | SGX_ATTR_CET | SGX_ATTR_KSS | SGX_ATTR_AEXNOTIFY))

#define SGX_XFRM_X87    UINT64_C(0x1)
#define SGX_XFRM_SSE    UINT64_C(0x2)
#define SGX_XFRM_LEGACY (SGX_XFRM_X87 | SGX_XFRM_SSE) /* always both */
#define SGX_XFRM_AVX    UINT64_C(0x4)
#define SGX_XFRM_MPX    UINT64_C(0x18)
#define SGX_XFRM_AVX512 UINT64_C(0xe0)
#define SGX_XFRM_PKRU   UINT64_C(0x200)
#define SGX_XFRM_AMX    UINT64_C(0x60000)

#define SGX_MISC_EXINFO (UINT32_C(1) << 0) /* #PF and #GP details reach the SSA */
#define SGX_MISC_CPINFO (UINT32_C(1) << 1) /* #CP details reach the SSA */

#endif
