/* SPDX-License-Identifier: Apache-2.0 */
#include "relocate.h"

#include "layout.h"

extern const Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));

bool relocate_find(const Elf64_Dyn *dynamic, uint64_t image_size, uint64_t *ret_offset,
                   size_t *ret_count)
{
    uint64_t offset = 0, size = 0, entry = sizeof(Elf64_Rela);

    for (const Elf64_Dyn *d = dynamic; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_RELA)
            offset = d->d_un.d_ptr;
        else if (d->d_tag == DT_RELASZ)
            size = d->d_un.d_val;
        else if (d->d_tag == DT_RELAENT)
            entry = d->d_un.d_val;
        else if (d->d_tag == DT_REL || d->d_tag == DT_JMPREL)
            return false; /* other shapes, which nothing here would apply */
    }
    if (entry != sizeof(Elf64_Rela) || size % sizeof(Elf64_Rela) || offset % 8 ||
        offset > image_size || size > image_size - offset)
        return false;
    *ret_offset = offset;
    *ret_count = size / sizeof(Elf64_Rela);
    return true;
}

bool relocate_check(const Elf64_Rela *rela, size_t count, uint64_t image_size)
{
    if (image_size < sizeof(uint64_t))
        return count == 0;
    for (size_t i = 0; i < count; i++) {
        /* A target may be one past the end of the last object. */
        if (ELF64_R_TYPE(rela[i].r_info) != R_X86_64_RELATIVE ||
            rela[i].r_offset > image_size - sizeof(uint64_t) || rela[i].r_addend < 0 ||
            (uint64_t)rela[i].r_addend > image_size)
            return false;
    }
    return true;
}

void relocate_apply(const Elf64_Rela *rela, size_t count, uintptr_t base)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = base + (uint64_t)rela[i].r_addend;

        /* Packed structures may hold pointers that are not aligned. */
        __builtin_memcpy((void *)(base + rela[i].r_offset), &value, sizeof value);
    }
}

bool relocate_self(void)
{
    uintptr_t base = enclave_base();
    const Elf64_Rela *rela;
    uint64_t offset;
    size_t count;

    if (!relocate_find(_DYNAMIC, ap_layout.image_size, &offset, &count))
        return false;
    rela = (const Elf64_Rela *)(base + offset);
    if (!relocate_check(rela, count, ap_layout.image_size))
        return false;
    relocate_apply(rela, count, base);
    return true;
}
