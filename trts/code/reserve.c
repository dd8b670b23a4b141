/* SPDX-License-Identifier: Apache-2.0 */
/* reserve.c - addresses for code; see aperture/code.h */
#include "code/region.h"

#include "layout.h"
#include "mm/pagemap.h"
#include "mm/region.h"

struct ap_code_region *ap_code_region(const char *name)
{
    const struct ap_region *r = name ? region_by_name(&ap_layout, name) : NULL;

    if (!r || r->kind != AP_KIND_REGION)
        return NULL;
    /* Opaque, and only ever turned back by code_region_row(). */
    return (struct ap_code_region *)(uintptr_t)r;
}

const struct ap_region *code_region_row(const struct ap_code_region *region)
{
    for (uint32_t i = 0; i < ap_layout.region_count; i++)
        if ((const void *)region == &ap_layout.region[i])
            return ap_layout.region[i].kind == AP_KIND_REGION ? &ap_layout.region[i] : NULL;
    return NULL;
}

sgx_status_t ap_code_reserve(struct ap_code_region *region, size_t size, void **ret_where)
{
    const struct ap_region *r = code_region_row(region);
    uint64_t sum, index;

    if (!r || size == 0 || !ret_where || __builtin_add_overflow(size, SGX_PAGE_SIZE - 1, &sum))
        return SGX_ERROR_INVALID_PARAMETER;
    if (r->policy != AP_POLICY_PUBLISH)
        return SGX_ERROR_APERTURE;
    if (!pagemap_take(r->pagemap_index, region_dynamic_pages(r), sum / SGX_PAGE_SIZE, &index))
        return SGX_ERROR_OUT_OF_MEMORY;
    *ret_where = (void *)(enclave_base() + region_dynamic_offset(r) +
                          (index - r->pagemap_index) * SGX_PAGE_SIZE);
    return SGX_SUCCESS;
}
