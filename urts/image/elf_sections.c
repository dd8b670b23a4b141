/* SPDX-License-Identifier: Apache-2.0 */
/* elf_sections.c - the two sections that ap-sign fills, found by name */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "image/elf.h"
#include "image/error.h"

/* The section header table, known to lie in the file. */
struct sections {
    const struct elf *elf;
    uint64_t table;
    uint64_t count;
    Elf64_Shdr names;
};

static void read_header(const struct sections *s, uint64_t index, Elf64_Shdr *ret_header)
{
    memcpy(ret_header, s->elf->bytes + s->table + index * sizeof *ret_header, sizeof *ret_header);
}

static int open_table(struct elf *elf, struct sections *ret_sections, struct image_error *error)
{
    struct sections s = {.elf = elf};
    Elf64_Ehdr h;

    memcpy(&h, elf->bytes, sizeof h);
    s.table = h.e_shoff;
    s.count = h.e_shnum;
    if (s.count == 0 || h.e_shentsize != sizeof(Elf64_Shdr) || h.e_shstrndx >= s.count)
        return image_refuse(error, elf->name,
                            "has no usable table of section headers: do not strip it");
    if (!elf_within(s.table, s.count * sizeof(Elf64_Shdr), elf->size))
        return image_refuse(error, elf->name,
                            "the %" PRIu64 " section headers at 0x%" PRIx64
                            " lie beyond the end of the file: it is truncated",
                            s.count, s.table);
    read_header(&s, h.e_shstrndx, &s.names);
    if (s.names.sh_type != SHT_STRTAB || !elf_within(s.names.sh_offset, s.names.sh_size, elf->size))
        return image_refuse(error, elf->name, "the section names are not in the file");
    if (s.table + s.count * sizeof(Elf64_Shdr) > elf->end)
        elf->end = s.table + s.count * sizeof(Elf64_Shdr);
    *ret_sections = s;
    return 0;
}

static bool has_name(const struct sections *s, const Elf64_Shdr *h, const char *name)
{
    size_t size = strlen(name) + 1;

    return elf_within(h->sh_name, size, s->names.sh_size) &&
           memcmp(s->elf->bytes + s->names.sh_offset + h->sh_name, name, size) == 0;
}

static int check_extents(struct elf *elf, const struct sections *s, struct image_error *error)
{
    for (uint64_t i = 0; i < s->count; i++) {
        Elf64_Shdr h;

        read_header(s, i, &h);
        if (h.sh_type == SHT_NULL || h.sh_type == SHT_NOBITS)
            continue;
        if (!elf_within(h.sh_offset, h.sh_size, elf->size))
            return image_refuse(error, elf->name,
                                "section %" PRIu64 ": file bytes 0x%" PRIx64 "+0x%" PRIx64
                                " lie beyond the end of the file: it is truncated",
                                i, h.sh_offset, h.sh_size);
        if (h.sh_offset + h.sh_size > elf->end)
            elf->end = h.sh_offset + h.sh_size;
    }
    return 0;
}

static int find(const struct sections *s, const char *name, Elf64_Shdr *ret_header,
                struct image_error *error)
{
    uint64_t found = 0;

    for (uint64_t i = 0; i < s->count; i++) {
        Elf64_Shdr h;

        read_header(s, i, &h);
        if (h.sh_type == SHT_NULL || !has_name(s, &h, name))
            continue;
        found++;
        *ret_header = h;
    }
    if (found != 1)
        return image_refuse(error, s->elf->name,
                            "%s section %s: is it linked with the trusted runtime?",
                            found ? "has more than one" : "has no", name);
    if (ret_header->sh_type != SHT_PROGBITS || ret_header->sh_size != SGX_PAGE_SIZE)
        return image_refuse(error, s->elf->name,
                            "section %s has type %u and 0x%" PRIx64
                            " bytes; expected PROGBITS and 0x%x bytes",
                            name, ret_header->sh_type, ret_header->sh_size, SGX_PAGE_SIZE);
    return 0;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

/* ap-sign writes there: it must not change what it has read. All ranges lie in the file. */
static int check_apart(const struct sections *s, const char *name, uint64_t offset,
                       struct image_error *error)
{
    Elf64_Ehdr h;

    memcpy(&h, s->elf->bytes, sizeof h);
    if (overlap(offset, SGX_PAGE_SIZE, 0, sizeof h) ||
        overlap(offset, SGX_PAGE_SIZE, h.e_phoff, (uint64_t)h.e_phnum * sizeof(Elf64_Phdr)) ||
        overlap(offset, SGX_PAGE_SIZE, s->table, s->count * sizeof(Elf64_Shdr)) ||
        overlap(offset, SGX_PAGE_SIZE, s->names.sh_offset, s->names.sh_size))
        return image_refuse(error, s->elf->name, "section %s overlaps the file's headers", name);
    return 0;
}

static int take_layout(struct elf *elf, const struct sections *s, struct image_error *error)
{
    const char *name = AP_LAYOUT_SECTION;
    const struct elf_segment *segment;
    const uint8_t *content;
    Elf64_Shdr h;
    int r = find(s, name, &h, error);

    if (r < 0)
        return r;
    segment = elf_segment_of(elf, h.sh_addr, SGX_PAGE_SIZE);
    content = elf_content(elf, h.sh_addr, SGX_PAGE_SIZE);
    if (!(h.sh_flags & SHF_ALLOC) || h.sh_addr % SGX_PAGE_SIZE || !content ||
        segment->perm != AP_PERM_R)
        return image_refuse(error, elf->name,
                            "section %s at 0x%" PRIx64
                            " is not one whole page of a read-only segment",
                            name, h.sh_addr);
    elf->layout_offset = h.sh_addr;
    elf->layout_file_offset = (uint64_t)(content - elf->bytes);
    if (elf->layout_file_offset != h.sh_offset)
        return image_refuse(error, elf->name,
                            "section %s is at 0x%" PRIx64 " in the file, its segment at 0x%" PRIx64,
                            name, h.sh_offset, elf->layout_file_offset);
    return check_apart(s, name, elf->layout_file_offset, error);
}

static int take_signature(struct elf *elf, const struct sections *s, struct image_error *error)
{
    const char *name = AP_SIGNATURE_SECTION;
    Elf64_Shdr h;
    int r = find(s, name, &h, error);

    if (r < 0)
        return r;
    if (h.sh_flags & SHF_ALLOC)
        return image_refuse(error, elf->name,
                            "section %s is loaded; a signature cannot be part of what it signs",
                            name);
    for (size_t i = 0; i < elf->segment_count; i++) {
        const struct elf_segment *l = &elf->segment[i];

        if (overlap(h.sh_offset, h.sh_size, l->file_offset, l->file_size))
            return image_refuse(error, elf->name, "section %s overlaps the segment at 0x%" PRIx64,
                                name, l->offset);
    }
    elf->signature_file_offset = h.sh_offset;
    return check_apart(s, name, h.sh_offset, error);
}

int elf_check_sections(struct elf *elf, struct image_error *error)
{
    struct sections s;
    int r = open_table(elf, &s, error);

    if (r == 0)
        r = check_extents(elf, &s, error);
    if (r == 0)
        r = take_layout(elf, &s, error);
    if (r == 0)
        r = take_signature(elf, &s, error);
    return r;
}
