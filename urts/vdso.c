/* SPDX-License-Identifier: Apache-2.0 */
#include "vdso.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

#include "arch/arch.h"

/* What of an image is in reach. All offsets below are from start and are checked against size. */
struct reach {
    const uint8_t *start;
    uint64_t size;
};

struct tables {
    uint64_t load;             /* virtual address of the image's first byte */
    uint64_t symbols, strings; /* offsets, 0 if missing: the header stands there */
    uint64_t strings_size;
    uint64_t hash, gnu_hash;
};

/* Copies out, so that an image's alignment does not matter. */
static bool get(const struct reach *r, uint64_t offset, void *ret_value, size_t size)
{
    if (offset > r->size || r->size - offset < size)
        return false;
    memcpy(ret_value, r->start + offset, size);
    return true;
}

static bool get_header(const struct reach *r, Elf64_Ehdr *ret_header)
{
    return get(r, 0, ret_header, sizeof *ret_header) &&
           memcmp(ret_header->e_ident, ELFMAG, SELFMAG) == 0 &&
           ret_header->e_ident[EI_CLASS] == ELFCLASS64 && ret_header->e_machine == EM_X86_64 &&
           ret_header->e_phentsize == sizeof(Elf64_Phdr);
}

/* The first program header of a type. */
static bool get_segment(const struct reach *r, uint32_t type, Elf64_Phdr *ret_segment)
{
    Elf64_Ehdr header;

    if (!get_header(r, &header) || header.e_phoff > r->size)
        return false;
    for (uint64_t i = 0; i < header.e_phnum; i++) {
        if (!get(r, header.e_phoff + i * sizeof *ret_segment, ret_segment, sizeof *ret_segment))
            return false;
        if (ret_segment->p_type == type)
            return true;
    }
    return false;
}

/* Virtual addresses become offsets; one below the load address becomes huge, hence out of reach. */
static void take_entry(struct tables *t, const Elf64_Dyn *entry)
{
    uint64_t offset = entry->d_un.d_ptr - t->load;

    switch (entry->d_tag) {
    case DT_SYMTAB:
        t->symbols = offset;
        break;
    case DT_STRTAB:
        t->strings = offset;
        break;
    case DT_STRSZ:
        t->strings_size = entry->d_un.d_val;
        break;
    case DT_HASH:
        t->hash = offset;
        break;
    case DT_GNU_HASH:
        t->gnu_hash = offset;
        break;
    }
}

static bool get_tables(const struct reach *r, struct tables *ret_tables)
{
    struct tables t = {0};
    Elf64_Phdr load, dynamic;
    Elf64_Dyn entry;

    if (!get_segment(r, PT_LOAD, &load) || !get_segment(r, PT_DYNAMIC, &dynamic))
        return false;
    t.load = load.p_vaddr - load.p_offset;
    if (dynamic.p_offset > r->size)
        return false;
    for (uint64_t at = dynamic.p_offset; get(r, at, &entry, sizeof entry); at += sizeof entry) {
        if (entry.d_tag == DT_NULL)
            break;
        take_entry(&t, &entry);
    }
    *ret_tables = t;
    return t.symbols && t.strings;
}

/* DT_GNU_HASH does not say how many symbols there are: the longest chain's end does. */
static uint64_t count_gnu(const struct reach *r, uint64_t at)
{
    struct {
        uint32_t buckets, first, bloom_words, bloom_shift;
    } h;
    uint32_t bucket, last = 0, link = 0;
    uint64_t chains;

    if (!get(r, at, &h, sizeof h))
        return 0;
    at += sizeof h + UINT64_C(8) * h.bloom_words;
    for (uint64_t i = 0; i < h.buckets; i++) {
        if (!get(r, at + 4 * i, &bucket, sizeof bucket))
            return 0;
        last = bucket > last ? bucket : last;
    }
    if (last < h.first)
        return 0;
    chains = at + UINT64_C(4) * h.buckets;
    for (uint64_t i = last; get(r, chains + 4 * (i - h.first), &link, sizeof link); i++) {
        if (link & 1)
            return i + 1;
    }
    return 0;
}

static uint64_t count_symbols(const struct reach *r, const struct tables *t)
{
    uint32_t hash[2]; /* buckets, chains: one chain a symbol */

    if (t->hash && get(r, t->hash, hash, sizeof hash))
        return hash[1];
    return t->gnu_hash ? count_gnu(r, t->gnu_hash) : 0;
}

static bool is_named(const struct reach *r, const struct tables *t, uint64_t at, const char *name)
{
    size_t size = strlen(name) + 1;

    return at < t->strings_size && t->strings_size - at >= size && t->strings <= r->size &&
           at <= r->size - t->strings && r->size - t->strings - at >= size &&
           memcmp(r->start + t->strings + at, name, size) == 0;
}

const void *vdso_symbol(const void *image, size_t size, const char *name)
{
    struct reach r = {image, size};
    struct tables t;
    Elf64_Sym s;
    uint64_t count;

    if (!get_tables(&r, &t))
        return NULL;
    count = count_symbols(&r, &t);
    for (uint64_t i = 0; i < count; i++) {
        if (!get(&r, t.symbols + i * sizeof s, &s, sizeof s))
            return NULL;
        if (s.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(s.st_info) == STT_FUNC &&
            s.st_value - t.load < size && is_named(&r, &t, s.st_name, name))
            return r.start + (s.st_value - t.load);
    }
    return NULL;
}

size_t vdso_size(const void *image)
{
    struct reach page = {image, SGX_PAGE_SIZE};
    Elf64_Phdr load;

    if (!get_segment(&page, PT_LOAD, &load) || load.p_offset > SIZE_MAX - load.p_filesz)
        return 0;
    return load.p_offset + load.p_filesz;
}

const void *vdso_self_symbol(const char *name)
{
    const void *image = (const void *)getauxval(AT_SYSINFO_EHDR);

    return image ? vdso_symbol(image, vdso_size(image), name) : NULL;
}
