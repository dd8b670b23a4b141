/* SPDX-License-Identifier: Apache-2.0 */
/* elf.c - the ELF header, and what the other parts share */
#include "image/elf.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "image/error.h"

const struct elf_segment *elf_segment_of(const struct elf *elf, uint64_t offset, uint64_t size)
{
    for (size_t i = 0; i < elf->segment_count; i++) {
        const struct elf_segment *s = &elf->segment[i];

        if (offset >= s->offset && elf_within(offset - s->offset, size, s->mem_size))
            return s;
    }
    return NULL;
}

const uint8_t *elf_content(const struct elf *elf, uint64_t offset, uint64_t size)
{
    const struct elf_segment *s = elf_segment_of(elf, offset, size);

    if (!s || !elf_within(offset - s->offset, size, s->file_size))
        return NULL;
    return elf->bytes + s->file_offset + (offset - s->offset);
}

static int check_header(struct elf *elf, struct image_error *error)
{
    Elf64_Ehdr h;

    if (elf->size < EI_NIDENT || memcmp(elf->bytes, ELFMAG, SELFMAG) != 0)
        return image_refuse(error, elf->name, "is not an ELF file");
    if (elf->size < sizeof h)
        return image_refuse(error, elf->name, "is truncated: %zu bytes, an ELF header takes %zu",
                            elf->size, sizeof h);
    memcpy(&h, elf->bytes, sizeof h);
    if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB)
        return image_refuse(error, elf->name, "is not a 64-bit little-endian ELF file");
    if (h.e_machine != EM_X86_64)
        return image_refuse(error, elf->name, "is for machine %u; an enclave is for x86-64 (%u)",
                            h.e_machine, EM_X86_64);
    if (h.e_type != ET_DYN)
        return image_refuse(error, elf->name,
                            "has ELF type %u; an enclave is position independent: link with "
                            "-static-pie (ET_DYN, %u)",
                            h.e_type, ET_DYN);
    elf->entry = h.e_entry;
    return 0;
}

int elf_parse(const char *name, const uint8_t *bytes, size_t size, struct elf *ret_elf,
              struct image_error *error)
{
    struct elf elf = {.name = name, .bytes = bytes, .size = size, .tls_align = 1};
    int r = check_header(&elf, error);

    if (r == 0)
        r = elf_check_segments(&elf, error);
    if (r == 0)
        r = elf_check_sections(&elf, error);
    if (r < 0)
        return r;
    /* Bytes that no header owns are neither loaded nor measured nor looked at by anyone. */
    if (size > elf.end)
        return image_refuse(error, name,
                            "goes on for %" PRIu64 " bytes after the end of the ELF "
                            "file at 0x%" PRIx64,
                            (uint64_t)size - elf.end, elf.end);
    *ret_elf = elf;
    return 0;
}
