/* SPDX-License-Identifier: Apache-2.0 */
/* elf_dynamic.c - the dynamic section and its relocations: only what the runtime applies itself */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "image/elf.h"
#include "image/error.h"

#ifndef DT_RELR
#define DT_RELRSZ 35
#define DT_RELR   36
#endif

struct tables {
    uint64_t rela, rela_size, rela_entry;
    uint64_t jmprel, jmprel_size;
};

/* A tag that an enclave cannot have: what it means, or NULL. */
static const char *unwanted(const Elf64_Dyn *d)
{
    switch (d->d_tag) {
    case DT_NEEDED:
        return "depends on a shared library (DT_NEEDED); link it statically";
    case DT_TEXTREL:
        return "has relocations in code (DT_TEXTREL); compile with -fPIE";
    case DT_FLAGS:
        return d->d_un.d_val & DF_TEXTREL
                   ? "has relocations in code (DF_TEXTREL); compile with -fPIE"
                   : NULL;
    case DT_REL:
    case DT_RELSZ:
        return "has relocations without addends (DT_REL); x86-64 uses DT_RELA";
    case DT_RELR:
    case DT_RELRSZ:
        return "has packed relocations (DT_RELR); link with -Wl,-z,nopack-relative-relocs";
    default:
        return NULL;
    }
}

static void note(struct tables *t, const Elf64_Dyn *d)
{
    switch (d->d_tag) {
    case DT_RELA:
        t->rela = d->d_un.d_ptr;
        break;
    case DT_RELASZ:
        t->rela_size = d->d_un.d_val;
        break;
    case DT_RELAENT:
        t->rela_entry = d->d_un.d_val;
        break;
    case DT_JMPREL:
        t->jmprel = d->d_un.d_ptr;
        break;
    case DT_PLTRELSZ:
        t->jmprel_size = d->d_un.d_val;
        break;
    default:
        break;
    }
}

static int check_relocation(const struct elf *elf, const Elf64_Rela *rela,
                            struct image_error *error)
{
    uint64_t type = ELF64_R_TYPE(rela->r_info);
    const struct elf_segment *s;

    if (type == R_X86_64_NONE)
        return 0;
    if (type != R_X86_64_RELATIVE)
        return image_refuse(error, elf->name,
                            "the relocation at 0x%" PRIx64 " has type %" PRIu64
                            "; an enclave relocates itself with R_X86_64_RELATIVE (%d) only. Is a "
                            "symbol undefined, or not hidden?",
                            (uint64_t)rela->r_offset, type, R_X86_64_RELATIVE);
    s = elf_segment_of(elf, rela->r_offset, sizeof(uint64_t));
    if (!s || !(s->perm & AP_PERM_W))
        return image_refuse(error, elf->name,
                            "the relocation at 0x%" PRIx64 " is not in a writable segment",
                            (uint64_t)rela->r_offset);
    return 0;
}

static int check_relocations(const struct elf *elf, uint64_t offset, uint64_t size,
                             struct image_error *error)
{
    const uint8_t *at = elf_content(elf, offset, size);

    if (size == 0)
        return 0;
    if (!at || size % sizeof(Elf64_Rela))
        return image_refuse(error, elf->name,
                            "the relocations at 0x%" PRIx64 "+0x%" PRIx64
                            " are not whole entries in the file part of one segment",
                            offset, size);
    for (uint64_t i = 0; i < size; i += sizeof(Elf64_Rela)) {
        Elf64_Rela rela;
        int r;

        memcpy(&rela, at + i, sizeof rela);
        r = check_relocation(elf, &rela, error);
        if (r < 0)
            return r;
    }
    return 0;
}

int elf_check_dynamic(const struct elf *elf, uint64_t offset, uint64_t size,
                      struct image_error *error)
{
    const uint8_t *at = elf_content(elf, offset, size);
    struct tables t = {.rela_entry = sizeof(Elf64_Rela)};
    Elf64_Dyn d = {.d_tag = DT_PLTREL};
    int r;

    if (!at)
        return image_refuse(
            error, elf->name,
            "the dynamic section at 0x%" PRIx64 " is not in the file part of one segment", offset);
    for (uint64_t i = 0; d.d_tag != DT_NULL && size - i >= sizeof d; i += sizeof d) {
        memcpy(&d, at + i, sizeof d);
        if (unwanted(&d))
            return image_refuse(error, elf->name, "%s", unwanted(&d));
        note(&t, &d);
    }
    if (d.d_tag != DT_NULL)
        return image_refuse(error, elf->name, "the dynamic section does not end with DT_NULL");
    if (t.rela_entry != sizeof(Elf64_Rela))
        return image_refuse(error, elf->name, "relocations of %" PRIu64 " bytes; expected %zu",
                            t.rela_entry, sizeof(Elf64_Rela));
    r = check_relocations(elf, t.rela, t.rela_size, error);
    return r < 0 ? r : check_relocations(elf, t.jmprel, t.jmprel_size, error);
}
