/* SPDX-License-Identifier: Apache-2.0 */
#include "image/geometry.h"

#include "arch/ssa.h"

/* SDM, "Managing State Using the XSAVE Feature Set": standard format. */
static const struct {
    uint64_t xfrm;
    uint32_t end; /* offset + size */
} xsave_component[] = {
    {SGX_XFRM_AVX, 576 + 256},        {UINT64_C(1) << 3, 960 + 64},   /* BNDREGS */
    {UINT64_C(1) << 4, 1024 + 64},                                    /* BNDCSR */
    {UINT64_C(1) << 5, 1088 + 64},                                    /* opmask */
    {UINT64_C(1) << 6, 1152 + 512},                                   /* ZMM_Hi256 */
    {UINT64_C(1) << 7, 1664 + 1024},                                  /* Hi16_ZMM */
    {SGX_XFRM_PKRU, 2688 + 8},        {UINT64_C(1) << 17, 2752 + 64}, /* TILECFG */
    {UINT64_C(1) << 18, 2816 + 8192},                                 /* TILEDATA */
};

static bool all_or_none(uint64_t xfrm, uint64_t group)
{
    return (xfrm & group) == 0 || (xfrm & group) == group;
}

bool geometry_xfrm_ok(uint64_t xfrm)
{
    const uint64_t known = SGX_XFRM_LEGACY | SGX_XFRM_AVX | SGX_XFRM_MPX | SGX_XFRM_AVX512 |
                           SGX_XFRM_PKRU | SGX_XFRM_AMX;

    return (xfrm & ~known) == 0 && (xfrm & SGX_XFRM_LEGACY) == SGX_XFRM_LEGACY &&
           all_or_none(xfrm, SGX_XFRM_MPX) && all_or_none(xfrm, SGX_XFRM_AVX512) &&
           all_or_none(xfrm, SGX_XFRM_AMX) && (!(xfrm & SGX_XFRM_AVX512) || (xfrm & SGX_XFRM_AVX));
}

uint32_t geometry_ssa_frame_size(uint64_t xfrm, uint32_t miscselect)
{
    uint32_t size = SGX_XSAVE_MIN_SIZE;

    for (size_t i = 0; i < sizeof xsave_component / sizeof xsave_component[0]; i++) {
        if ((xfrm & xsave_component[i].xfrm) && xsave_component[i].end > size)
            size = xsave_component[i].end;
    }
    if (miscselect & SGX_MISC_EXINFO)
        size += (uint32_t)sizeof(struct sgx_exinfo);
    size += (uint32_t)sizeof(struct sgx_gprsgx);
    return (size + SGX_PAGE_SIZE - 1) / SGX_PAGE_SIZE;
}

void geometry_slots(uint64_t offset, uint64_t slot_count, uint64_t stack_size,
                    const struct ap_layout *tls_and_attributes, struct ap_slots *ret_slots)
{
    const struct ap_layout *l = tls_and_attributes;
    uint32_t frame = geometry_ssa_frame_size(l->attributes.xfrm, l->miscselect);
    struct ap_slots s = {
        .offset = offset,
        .slot_count = slot_count,
        .stack_offset = GEOMETRY_GUARD_SIZE,
        .stack_size = stack_size,
        .tcs_from_stack = SGX_PAGE_SIZE,
        .ssa_from_tcs = SGX_PAGE_SIZE,
        .td_pages = GEOMETRY_TD_PAGES,
        .nssa = GEOMETRY_NSSA,
        .ssa_frame_size = frame,
    };

    s.tcs_offset = s.stack_offset + s.stack_size + s.tcs_from_stack;
    s.tls_from_tcs = s.ssa_from_tcs + (uint64_t)s.nssa * frame * SGX_PAGE_SIZE + SGX_PAGE_SIZE;
    s.td_from_tcs = s.tls_from_tcs + geometry_pages(l->tls_size) * SGX_PAGE_SIZE;
    s.slot_size = s.tcs_offset + s.td_from_tcs + s.td_pages * SGX_PAGE_SIZE;
    *ret_slots = s;
}

uint64_t geometry_pagemap_pages(uint64_t dynamic_pages)
{
    return geometry_pages((dynamic_pages + 3) / 4);
}
