/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include "mm/region.h"
#include "thread.h"

static bool slots_ok(const struct ap_layout *layout)
{
    const struct ap_slots *s = &layout->slots;
    uint64_t align = layout->tls_align ? layout->tls_align : 1;

    return s->slot_count > 0 && s->nssa >= 2 && s->ssa_frame_size > 0 && s->td_pages > 0 &&
           s->stack_size >= 2 * ENTER_ROOM_BYTES && s->td_from_tcs >= s->tls_from_tcs &&
           align <= SGX_PAGE_SIZE && (align & (align - 1)) == 0 &&
           s->td_from_tcs % SGX_PAGE_SIZE == 0 && s->tls_from_tcs % SGX_PAGE_SIZE == 0 &&
           layout->tls_template_size <= layout->tls_size &&
           layout->tls_size <= s->td_from_tcs - s->tls_from_tcs;
}

static bool image_ok(const struct ap_layout *layout)
{
    uint64_t relro_size, relro_end, template_end;

    return layout->image_size <= layout->elrange_size && layout->entry < layout->image_size &&
           !__builtin_mul_overflow(layout->relro_pages, SGX_PAGE_SIZE, &relro_size) &&
           !__builtin_add_overflow(layout->relro_offset, relro_size, &relro_end) &&
           relro_end <= layout->image_size && layout->relro_offset % SGX_PAGE_SIZE == 0 &&
           !__builtin_add_overflow(layout->tls_template, layout->tls_template_size,
                                   &template_end) &&
           template_end <= layout->image_size;
}

bool layout_ok(const struct ap_layout *layout)
{
    if (layout->magic != AP_LAYOUT_MAGIC || layout->version != AP_LAYOUT_VERSION ||
        layout->region_count > AP_REGION_MAX)
        return false;

    for (uint32_t i = 0; i < layout->region_count; i++)
        if (!region_ok(layout, &layout->region[i]))
            return false;

    return image_ok(layout) && slots_ok(layout);
}
