/* SPDX-License-Identifier: Apache-2.0 */
/* elf_segments.c - the program headers: what is loaded, TLS, RELRO, and what an enclave lacks */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "image/elf.h"
#include "image/error.h"
#include "image/geometry.h"

#define AT "program header %u: "

static uint64_t page_down(uint64_t at)
{
    return at & SGX_PAGE_MASK;
}

/* at is below GEOMETRY_ELRANGE_MAX wherever this is used. */
static uint64_t page_up(uint64_t at)
{
    return (at + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK;
}

static int check_extent(const struct elf *elf, unsigned i, const Elf64_Phdr *p,
                        struct image_error *error)
{
    if (!elf_within(p->p_offset, p->p_filesz, elf->size))
        return image_refuse(error, elf->name,
                            AT "file bytes 0x%" PRIx64 "+0x%" PRIx64
                               " lie beyond the end of the file: it is truncated",
                            i, p->p_offset, p->p_filesz);
    if (p->p_filesz > p->p_memsz)
        return image_refuse(error, elf->name,
                            AT "0x%" PRIx64 " bytes in the file, but only 0x%" PRIx64 " in memory",
                            i, p->p_filesz, p->p_memsz);
    if (!elf_within(p->p_vaddr, p->p_memsz, GEOMETRY_ELRANGE_MAX))
        return image_refuse(error, elf->name,
                            AT "memory 0x%" PRIx64 "+0x%" PRIx64 " leaves the largest ELRANGE, "
                               "0x%" PRIx64 " bytes",
                            i, p->p_vaddr, p->p_memsz, GEOMETRY_ELRANGE_MAX);
    return 0;
}

static int check_place(const struct elf *elf, unsigned i, const Elf64_Phdr *p,
                       struct image_error *error)
{
    if (elf->segment_count == ELF_SEGMENTS_MAX)
        return image_refuse(error, elf->name, AT "there are more than %u segments", i,
                            ELF_SEGMENTS_MAX);
    if (elf->segment_count == 0 && p->p_vaddr != 0)
        return image_refuse(error, elf->name,
                            AT "the first segment is at 0x%" PRIx64 "; an image starts at 0", i,
                            p->p_vaddr);
    if (elf->segment_count > 0 && page_down(p->p_vaddr) < elf->image_size)
        return image_refuse(error, elf->name,
                            AT "the segment at 0x%" PRIx64 " begins before 0x%" PRIx64
                               ", where the pages of the one before it end",
                            i, p->p_vaddr, elf->image_size);
    return 0;
}

static int add_segment(struct elf *elf, unsigned i, const Elf64_Phdr *p, struct image_error *error)
{
    int r = check_place(elf, i, p, error);

    if (r < 0)
        return r;
    if ((p->p_flags & PF_W) && (p->p_flags & PF_X))
        return image_refuse(error, elf->name,
                            AT "the segment at 0x%" PRIx64 " is both writable and executable", i,
                            p->p_vaddr);
    if (!(p->p_flags & PF_R))
        return image_refuse(error, elf->name, AT "the segment at 0x%" PRIx64 " is not readable", i,
                            p->p_vaddr);
    elf->segment[elf->segment_count++] = (struct elf_segment){
        .offset = p->p_vaddr,
        .mem_size = p->p_memsz,
        .file_offset = p->p_offset,
        .file_size = p->p_filesz,
        .perm = (uint8_t)(AP_PERM_R | (p->p_flags & PF_W ? AP_PERM_W : 0) |
                          (p->p_flags & PF_X ? AP_PERM_X : 0)),
    };
    elf->image_size = page_up(p->p_vaddr + p->p_memsz);
    return 0;
}

static int take_tls(struct elf *elf, unsigned i, const Elf64_Phdr *p, struct image_error *error)
{
    uint64_t align = p->p_align ? p->p_align : 1;

    if (align > SGX_PAGE_SIZE || (align & (align - 1)) || p->p_vaddr % align)
        return image_refuse(error, elf->name,
                            AT "thread-local storage at 0x%" PRIx64 " is aligned to 0x%" PRIx64
                               "; expected a power of two up to a page that divides the address",
                            i, p->p_vaddr, p->p_align);
    if (p->p_memsz > GEOMETRY_STACK_MAX)
        return image_refuse(error, elf->name,
                            AT "thread-local storage of 0x%" PRIx64 " bytes; at most 0x%" PRIx64
                               " are possible",
                            i, p->p_memsz, GEOMETRY_STACK_MAX);
    if (p->p_filesz && !elf_content(elf, p->p_vaddr, p->p_filesz))
        return image_refuse(error, elf->name,
                            AT "the template of thread-local storage at 0x%" PRIx64
                               " is not in the file part of one segment",
                            i, p->p_vaddr);
    elf->tls_template = p->p_filesz ? p->p_vaddr : 0;
    elf->tls_template_size = p->p_filesz;
    elf->tls_size = (p->p_memsz + align - 1) & ~(align - 1);
    elf->tls_align = align;
    return 0;
}

/* The last page counts only if RELRO reaches its end: what shares it is written later. */
static int take_relro(struct elf *elf, unsigned i, const Elf64_Phdr *p, struct image_error *error)
{
    const struct elf_segment *s = elf_segment_of(elf, p->p_vaddr, 1);
    uint64_t begin = page_down(p->p_vaddr);
    uint64_t end = page_down(p->p_vaddr + p->p_memsz);

    if (p->p_memsz == 0 || end <= begin)
        return 0;
    if (!s || !(s->perm & AP_PERM_W) || end > page_up(s->offset + s->mem_size))
        return image_refuse(error, elf->name,
                            AT "RELRO at 0x%" PRIx64 "+0x%" PRIx64
                               " does not lie in one writable segment",
                            i, p->p_vaddr, p->p_memsz);
    elf->relro_offset = begin;
    elf->relro_pages = (end - begin) / SGX_PAGE_SIZE;
    return 0;
}

static int take_load(struct elf *elf, unsigned i, const Elf64_Phdr *p, struct image_error *error)
{
    switch (p->p_type) {
    case PT_INTERP:
        return image_refuse(error, elf->name,
                            AT "asks the host for a dynamic linker: link with "
                               "-static-pie and -Wl,--no-dynamic-linker",
                            i);
    case PT_GNU_STACK:
        if (p->p_flags & PF_X)
            return image_refuse(error, elf->name,
                                AT "wants an executable stack: link with -Wl,-z,noexecstack", i);
        return 0;
    case PT_LOAD:
        return p->p_memsz == 0 ? 0 : add_segment(elf, i, p, error);
    default:
        return 0;
    }
}

/* These refer to segments, and may stand before them in the table. */
static int take_rest(struct elf *elf, unsigned i, const Elf64_Phdr *p, struct image_error *error)
{
    switch (p->p_type) {
    case PT_TLS:
        if (elf->tls_size)
            return image_refuse(error, elf->name, AT "a second PT_TLS", i);
        return take_tls(elf, i, p, error);
    case PT_GNU_RELRO:
        if (elf->relro_pages)
            return image_refuse(error, elf->name, AT "a second PT_GNU_RELRO", i);
        return take_relro(elf, i, p, error);
    case PT_DYNAMIC:
        return elf_check_dynamic(elf, p->p_vaddr, p->p_filesz, error);
    default:
        return 0;
    }
}

static bool speaks_of_memory(const Elf64_Phdr *p)
{
    return p->p_type == PT_LOAD || p->p_type == PT_TLS || p->p_type == PT_DYNAMIC;
}

static int for_each(struct elf *elf, const Elf64_Ehdr *h,
                    int (*take)(struct elf *, unsigned, const Elf64_Phdr *, struct image_error *),
                    struct image_error *error)
{
    for (unsigned i = 0; i < h->e_phnum; i++) {
        Elf64_Phdr p;
        int r = 0;

        memcpy(&p, elf->bytes + h->e_phoff + i * sizeof p, sizeof p);
        if (p.p_type == PT_GNU_RELRO && !elf_within(p.p_vaddr, p.p_memsz, GEOMETRY_ELRANGE_MAX))
            r = image_refuse(error, elf->name, AT "RELRO leaves the largest ELRANGE", i);
        else if (speaks_of_memory(&p))
            r = check_extent(elf, i, &p, error);
        if (r == 0)
            r = take(elf, i, &p, error);
        if (r < 0)
            return r;
        if (p.p_type == PT_LOAD && p.p_offset + p.p_filesz > elf->end)
            elf->end = p.p_offset + p.p_filesz;
    }
    return 0;
}

int elf_check_segments(struct elf *elf, struct image_error *error)
{
    const struct elf_segment *s;
    Elf64_Ehdr h;
    int r;

    memcpy(&h, elf->bytes, sizeof h);
    if (h.e_phnum == 0 || h.e_phnum == PN_XNUM || h.e_phentsize != sizeof(Elf64_Phdr))
        return image_refuse(error, elf->name, "has no usable table of program headers");
    if (!elf_within(h.e_phoff, (uint64_t)h.e_phnum * sizeof(Elf64_Phdr), elf->size))
        return image_refuse(error, elf->name,
                            "the %u program headers at 0x%" PRIx64
                            " lie beyond the end of the file: it is truncated",
                            h.e_phnum, h.e_phoff);
    elf->end = h.e_phoff + (uint64_t)h.e_phnum * sizeof(Elf64_Phdr);
    r = for_each(elf, &h, take_load, error);
    if (r < 0)
        return r;
    if (elf->segment_count == 0)
        return image_refuse(error, elf->name, "has no segment to load");
    s = elf_segment_of(elf, elf->entry, 1);
    if (!s || !(s->perm & AP_PERM_X))
        return image_refuse(error, elf->name,
                            "the entry point 0x%" PRIx64 " is not in an executable segment: link "
                            "with -Wl,-e,enclave_entry",
                            elf->entry);
    return for_each(elf, &h, take_rest, error);
}
