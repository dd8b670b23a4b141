/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf.h - the facts about an enclave's ELF file, each checked
 *
 * An enclave image is a static, position-independent x86-64 ELF file: segments from address 0, no
 * interpreter, no libraries, no page both writable and executable, no relocation but the one that
 * adds the base. The bytes are never trusted: any file may be handed in.
 */
#ifndef URTS_IMAGE_ELF_H
#define URTS_IMAGE_ELF_H

#include "image/plan.h"

#define ELF_SEGMENTS_MAX 16u

struct elf_segment {
    uint64_t offset;   /* of its first byte in ELRANGE: p_vaddr */
    uint64_t mem_size; /* never 0 */
    uint64_t file_offset;
    uint64_t file_size; /* at most mem_size */
    uint8_t perm;       /* AP_PERM_*: R, R|W or R|X */
};

struct elf {
    const char *name;     /* for messages; borrowed */
    const uint8_t *bytes; /* the whole file; borrowed */
    size_t size;

    uint64_t image_size; /* bytes from 0 to the end of the last segment's last page */
    uint64_t entry;      /* inside an executable segment */
    size_t segment_count;
    struct elf_segment segment[ELF_SEGMENTS_MAX]; /* ascending; no two share a page */

    uint64_t tls_template; /* these four as struct ap_layout has them */
    uint64_t tls_template_size;
    uint64_t tls_size;  /* a multiple of tls_align */
    uint64_t tls_align; /* 1 if there is no TLS */
    uint64_t relro_offset;
    uint64_t relro_pages;

    uint64_t layout_offset; /* of the layout page, in ELRANGE */
    uint64_t layout_file_offset;
    uint64_t signature_file_offset;
    uint64_t end; /* of what the headers account for, in the file */
};

/*
 * elf_parse() - check a file and collect the facts
 *
 * 0, or -ENOEXEC with the sentence in error; ret_elf is written on success only.
 */
int elf_parse(const char *name, const uint8_t *bytes, size_t size, struct elf *ret_elf,
              struct image_error *error);

/* [offset, offset + size) lies in [0, limit): safe for all values. */
static inline bool elf_within(uint64_t offset, uint64_t size, uint64_t limit)
{
    return offset <= limit && size <= limit - offset;
}

/* The file bytes behind [offset, offset + size) of ELRANGE, or NULL unless one segment holds all.
 */
const uint8_t *elf_content(const struct elf *elf, uint64_t offset, uint64_t size);

/* The segment that holds [offset, offset + size) of ELRANGE in memory, or NULL. */
const struct elf_segment *elf_segment_of(const struct elf *elf, uint64_t offset, uint64_t size);

/* The parts of elf_parse(), each in a file of its own, in this order. */
int elf_check_segments(struct elf *elf, struct image_error *error);
int elf_check_dynamic(const struct elf *elf, uint64_t offset, uint64_t size,
                      struct image_error *error);
int elf_check_sections(struct elf *elf, struct image_error *error);

#endif
