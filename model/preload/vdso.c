/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vDSO image of our own.
 *
 * The kernel's image cannot be copied: its code finds the time in pages at a fixed distance. So
 * this one is made from its symbol table, whatever that holds, each symbol a jump to the kernel's
 * function, and one symbol more. As in the kernel's image, addresses are offsets from the first
 * byte, and there is a DT_HASH.
 */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "model.h"
#include "preload/preload.h"

#define ENTER_NAME "__vdso_sgx_enter_enclave"
#define SONAME     "linux-vdso.so.1"

/* endbr64; jmp *0(%rip); the address */
#define SLOT_SIZE 32u
static const uint8_t jump[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0, 0, 0, 0};

/* ------------------------------------------------------------------ the kernel's image */

struct source {
    const uint8_t *bias; /* what virtual addresses are relative to */
    const Elf64_Sym *symbols;
    const char *strings;
    uint32_t count;
};

/* A GNU hash table does not say how many symbols there are; its longest chain does. */
static uint32_t count_by_gnu_hash(const uint32_t *table)
{
    const uint32_t buckets = table[0], first = table[1];
    const uint32_t *bucket = table + 4 + 2 * table[2], *chain = bucket + buckets;
    uint32_t last = 0;

    for (uint32_t i = 0; i < buckets; i++)
        if (bucket[i] > last)
            last = bucket[i];
    if (last < first)
        return first;
    while (!(chain[last - first] & 1))
        last++;
    return last + 1;
}

static void read_dynamic(struct source *s, const Elf64_Dyn *dynamic)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        const void *at = s->bias + dynamic->d_un.d_ptr;

        if (dynamic->d_tag == DT_SYMTAB)
            s->symbols = at;
        else if (dynamic->d_tag == DT_STRTAB)
            s->strings = at;
        else if (dynamic->d_tag == DT_HASH)
            s->count = ((const uint32_t *)at)[1];
        else if (dynamic->d_tag == DT_GNU_HASH && !s->count)
            s->count = count_by_gnu_hash(at);
    }
}

static struct source read_image(const void *image)
{
    const Elf64_Ehdr *header = image;
    struct source s = {0};
    const Elf64_Phdr *segment;
    const Elf64_Phdr *dynamic = NULL;

    if (!image)
        return s;
    segment = (const Elf64_Phdr *)((const uint8_t *)image + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        if (segment[i].p_type == PT_LOAD && !s.bias)
            s.bias = (const uint8_t *)image + segment[i].p_offset - segment[i].p_vaddr;
        else if (segment[i].p_type == PT_DYNAMIC)
            dynamic = &segment[i];
    }
    if (dynamic && s.bias)
        read_dynamic(&s, (const Elf64_Dyn *)(s.bias + dynamic->p_vaddr));
    if (!s.symbols || !s.strings)
        s.count = 0;
    return s;
}

static bool is_function(const struct source *s, uint32_t i)
{
    const Elf64_Sym *symbol = &s->symbols[i];

    return symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
           strcmp(s->strings + symbol->st_name, ENTER_NAME) != 0;
}

/* ------------------------------------------------------------------ ours */

/* In the order of the file. */
struct layout {
    uint32_t symbol_count, string_size;
    size_t segments, dynamic, symbols, hash, strings, code, size;
};

enum {
    SEGMENTS = 2,
    DYNAMIC = 7,
};

static struct layout plan(const struct source *s)
{
    struct layout l = {.symbol_count = 2, .string_size = 1 + sizeof SONAME + sizeof ENTER_NAME};

    for (uint32_t i = 0; i < s->count; i++)
        if (is_function(s, i)) {
            l.symbol_count++;
            l.string_size += (uint32_t)strlen(s->strings + s->symbols[i].st_name) + 1;
        }
    l.segments = sizeof(Elf64_Ehdr);
    l.dynamic = l.segments + SEGMENTS * sizeof(Elf64_Phdr);
    l.symbols = l.dynamic + DYNAMIC * sizeof(Elf64_Dyn);
    l.hash = l.symbols + l.symbol_count * sizeof(Elf64_Sym);
    l.strings = l.hash + (2 + 2 * (size_t)l.symbol_count) * sizeof(uint32_t);
    l.code = (l.strings + l.string_size + SLOT_SIZE - 1) & -(size_t)SLOT_SIZE;
    l.size = l.code + l.symbol_count * (size_t)SLOT_SIZE;
    return l;
}

static void write_headers(uint8_t *image, const struct layout *l)
{
    const Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = l->segments,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = SEGMENTS,
    };
    const Elf64_Phdr segments[SEGMENTS] = {
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_X,
         .p_filesz = l->size,
         .p_memsz = l->size,
         .p_align = 4096},
        {.p_type = PT_DYNAMIC,
         .p_flags = PF_R,
         .p_offset = l->dynamic,
         .p_vaddr = l->dynamic,
         .p_paddr = l->dynamic,
         .p_filesz = DYNAMIC * sizeof(Elf64_Dyn),
         .p_memsz = DYNAMIC * sizeof(Elf64_Dyn),
         .p_align = 8},
    };
    const Elf64_Dyn dynamic[DYNAMIC] = {
        {.d_tag = DT_HASH, .d_un.d_ptr = l->hash},
        {.d_tag = DT_STRTAB, .d_un.d_ptr = l->strings},
        {.d_tag = DT_SYMTAB, .d_un.d_ptr = l->symbols},
        {.d_tag = DT_STRSZ, .d_un.d_val = l->string_size},
        {.d_tag = DT_SYMENT, .d_un.d_val = sizeof(Elf64_Sym)},
        {.d_tag = DT_SONAME, .d_un.d_val = 1},
        {.d_tag = DT_NULL},
    };

    memcpy(image, &header, sizeof header);
    memcpy(image + l->segments, segments, sizeof segments);
    memcpy(image + l->dynamic, dynamic, sizeof dynamic);
}

/* The System V ABI's hash of a symbol name. */
static uint32_t hash(const char *name)
{
    uint32_t h = 0;

    for (; *name; name++) {
        h = (h << 4) + (uint8_t)*name;
        h ^= h >> 24 & 0xf0;
        h &= 0x0fffffff;
    }
    return h;
}

struct writer {
    uint8_t *image;
    const struct layout *l;
    uint32_t symbol, string; /* where the next ones go */
};

static uint32_t put_string(struct writer *w, const char *text)
{
    const uint32_t at = w->string;

    strcpy((char *)w->image + w->l->strings + at, text);
    w->string += (uint32_t)strlen(text) + 1;
    return at;
}

static void put_function(struct writer *w, const char *name, uint8_t info, const void *target)
{
    const uint32_t i = w->symbol++;
    const size_t slot = w->l->code + i * (size_t)SLOT_SIZE;
    Elf64_Sym *symbol = (Elf64_Sym *)(w->image + w->l->symbols) + i;
    uint32_t *table = (uint32_t *)(w->image + w->l->hash);
    uint32_t *bucket = &table[2 + hash(name) % w->l->symbol_count];
    uint32_t *chain = &table[2 + w->l->symbol_count + i];

    /* Any section index but SHN_UNDEF: there are no sections. */
    *symbol = (Elf64_Sym){
        .st_name = put_string(w, name),
        .st_info = info,
        .st_shndx = 1,
        .st_value = slot,
        .st_size = SLOT_SIZE,
    };
    *chain = *bucket;
    *bucket = i;
    memcpy(w->image + slot, jump, sizeof jump);
    memcpy(w->image + slot + sizeof jump, &target, sizeof target);
}

void *vdso_build(const void *kernel)
{
    const struct source s = read_image(kernel);
    const struct layout l = plan(&s);
    struct writer w = {.l = &l, .symbol = 1, .string = 1};
    uint32_t *table;

    w.image = raw_mmap(NULL, l.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (w.image == MAP_FAILED)
        return NULL;
    write_headers(w.image, &l);
    table = (uint32_t *)(w.image + l.hash);
    table[0] = table[1] = l.symbol_count;
    put_string(&w, SONAME);
    for (uint32_t i = 0; i < s.count; i++)
        if (is_function(&s, i))
            put_function(&w, s.strings + s.symbols[i].st_name, s.symbols[i].st_info,
                         s.bias + s.symbols[i].st_value);
    put_function(&w, ENTER_NAME, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                 (const void *)sgx2_enter_enclave);
    if (raw_mprotect(w.image, l.size, PROT_READ | PROT_EXEC) < 0) {
        raw_munmap(w.image, l.size);
        return NULL;
    }
    return w.image;
}
