/* SPDX-License-Identifier: Apache-2.0 */
/* layout_check.c - the fixed part of the layout page; regions.c has the rows */
#include "image/layout_check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "image/error.h"
#include "image/geometry.h"

static bool is_zero(const void *bytes, size_t size)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < size; i++) {
        if (b[i])
            return false;
    }
    return true;
}

static int check_form(const struct ap_layout *l, const char *name, struct image_error *error)
{
    if (l->magic != AP_LAYOUT_MAGIC)
        return image_refuse(error, name, "the layout page does not begin with the word APERTURE");
    if (l->version != AP_LAYOUT_VERSION)
        return image_refuse(error, name, "the layout page has version %u; expected %u", l->version,
                            AP_LAYOUT_VERSION);
    if (l->region_count == 0 || l->region_count > AP_REGION_MAX)
        return image_refuse(error, name, "the layout page claims %u regions; 1 to %u are possible",
                            l->region_count, AP_REGION_MAX);
    if (!is_zero(l->reserved, sizeof l->reserved) ||
        !is_zero(&l->region[l->region_count],
                 (AP_REGION_MAX - l->region_count) * sizeof l->region[0]))
        return image_refuse(error, name, "reserved bytes of the layout page are not zero");
    return 0;
}

static int check_identity(const struct ap_layout *l, const char *name, struct image_error *error)
{
    const uint64_t allowed = SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY | SGX_ATTR_KSS;

    if (l->elrange_size < SGX_SECS_MIN_SIZE || l->elrange_size > GEOMETRY_ELRANGE_MAX ||
        (l->elrange_size & (l->elrange_size - 1)))
        return image_refuse(error, name,
                            "the layout page's ELRANGE of 0x%" PRIx64
                            " bytes is not a power of two from 0x2000 to 0x%" PRIx64,
                            l->elrange_size, GEOMETRY_ELRANGE_MAX);
    if (!(l->attributes.flags & SGX_ATTR_MODE64BIT) || (l->attributes.flags & ~allowed))
        return image_refuse(error, name,
                            "the layout page's ATTRIBUTES 0x%" PRIx64
                            " are not MODE64BIT with PROVISIONKEY or KSS at most",
                            l->attributes.flags);
    if (!geometry_xfrm_ok(l->attributes.xfrm))
        return image_refuse(error, name,
                            "the layout page's XFRM 0x%" PRIx64 " is not a set of features that "
                            "a processor can enable",
                            l->attributes.xfrm);
    if (l->miscselect & ~SGX_MISC_EXINFO)
        return image_refuse(error, name,
                            "the layout page's MISCSELECT 0x%x asks for more than EXINFO",
                            l->miscselect);
    return 0;
}

static int check_image(const struct ap_layout *l, const struct elf *elf, struct image_error *error)
{
    if (l->image_size != elf->image_size || l->entry != elf->entry)
        return image_refuse(error, elf->name,
                            "the layout page is for an image of 0x%" PRIx64
                            " bytes with entry 0x%" PRIx64 "; this one has 0x%" PRIx64
                            " and 0x%" PRIx64,
                            l->image_size, l->entry, elf->image_size, elf->entry);
    if (l->tls_template != elf->tls_template || l->tls_template_size != elf->tls_template_size ||
        l->tls_size != elf->tls_size || l->tls_align != elf->tls_align)
        return image_refuse(error, elf->name,
                            "the layout page does not describe the image's thread-local storage");
    if (l->relro_offset != elf->relro_offset || l->relro_pages != elf->relro_pages)
        return image_refuse(error, elf->name,
                            "the layout page does not describe the image's RELRO");
    return 0;
}

static int check_slots(const struct ap_layout *l, const char *name, struct image_error *error)
{
    const struct ap_slots *s = &l->slots;
    struct ap_slots expected;

    if (s->slot_count == 0 || s->slot_count > GEOMETRY_SLOTS_MAX)
        return image_refuse(error, name,
                            "the layout page claims %" PRIu64 " thread slots; 1 to %u are possible",
                            s->slot_count, GEOMETRY_SLOTS_MAX);
    if (s->stack_size < GEOMETRY_STACK_MIN || s->stack_size > GEOMETRY_STACK_MAX ||
        s->stack_size % SGX_PAGE_SIZE)
        return image_refuse(error, name,
                            "the layout page's stack of 0x%" PRIx64
                            " bytes is not whole pages from 0x%" PRIx64 " to 0x%" PRIx64,
                            s->stack_size, GEOMETRY_STACK_MIN, GEOMETRY_STACK_MAX);
    geometry_slots(s->offset, s->slot_count, s->stack_size, l, &expected);
    if (memcmp(s, &expected, sizeof expected) != 0)
        return image_refuse(error, name,
                            "the layout page's thread slots do not have the expected geometry");
    return 0;
}

int layout_check(const struct ap_layout *layout, const struct elf *elf, struct image_error *error)
{
    int r = check_form(layout, elf->name, error);

    if (r == 0)
        r = check_identity(layout, elf->name, error);
    if (r == 0)
        r = check_image(layout, elf, error);
    if (r == 0)
        r = check_slots(layout, elf->name, error);
    return r < 0 ? r : layout_check_regions(layout, elf->name, error);
}
