/* SPDX-License-Identifier: Apache-2.0 */
#include "find.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

/* The System V ABI's hash of a symbol name. */
static uint32_t hash(const char *name)
{
    uint32_t h = 0;

    for (; *name; name++) {
        const uint32_t high = ((h << 4) + (uint8_t)*name) & 0xf0000000;

        h = ((h << 4) + (uint8_t)*name) ^ high >> 24;
        h &= ~high;
    }
    return h;
}

struct tables {
    const Elf64_Sym *symbols;
    const char *strings;
    const uint32_t *hash;
};

static struct tables tables_of(const uint8_t *image)
{
    const Elf64_Ehdr *header = (const void *)image;
    const Elf64_Phdr *segments = (const void *)(image + header->e_phoff);
    struct tables t = {0};

    for (unsigned i = 0; i < header->e_phnum; i++) {
        const Elf64_Dyn *entry = (const void *)(image + segments[i].p_offset);

        for (; segments[i].p_type == PT_DYNAMIC && entry->d_tag != DT_NULL; entry++) {
            const void *at = image + entry->d_un.d_ptr;

            if (entry->d_tag == DT_SYMTAB)
                t.symbols = at;
            else if (entry->d_tag == DT_STRTAB)
                t.strings = at;
            else if (entry->d_tag == DT_HASH)
                t.hash = at;
        }
    }
    return t;
}

void *find_in_image(const void *image, const char *name)
{
    const struct tables t = tables_of(image);
    const uint32_t *bucket, *chain;

    if (!t.symbols || !t.strings || !t.hash)
        return NULL;
    bucket = t.hash + 2;
    chain = bucket + t.hash[0];
    for (uint32_t i = bucket[hash(name) % t.hash[0]]; i != STN_UNDEF; i = chain[i])
        if (strcmp(name, t.strings + t.symbols[i].st_name) == 0)
            return (uint8_t *)(uintptr_t)image + t.symbols[i].st_value;
    return NULL;
}

void *find_vdso(const char *name)
{
    const void *image = (const void *)getauxval(AT_SYSINFO_EHDR);

    return image ? find_in_image(image, name) : NULL;
}
