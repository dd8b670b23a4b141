/* SPDX-License-Identifier: Apache-2.0 */
#include "marks.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

struct section_table {
    const struct elf *elf;
    Elf64_Ehdr header;
};

/* elf_parse() has seen that the table and all that it names lie in the file. */
static Elf64_Shdr section(const struct section_table *t, size_t index)
{
    Elf64_Shdr h;

    memcpy(&h, t->elf->bytes + t->header.e_shoff + index * sizeof h, sizeof h);
    return h;
}

static void add(struct marks *marks, uint64_t address, const char *function)
{
    marks->mark[marks->count++] = (struct mark){address, function};
}

/* NULL unless the name ends inside its string table. */
static const char *symbol_name(const struct elf *elf, const Elf64_Shdr *strings, uint32_t offset)
{
    const char *name;

    if (strings->sh_type != SHT_STRTAB || offset >= strings->sh_size)
        return NULL;
    name = (const char *)elf->bytes + strings->sh_offset + offset;
    return memchr(name, '\0', strings->sh_size - offset) ? name : NULL;
}

static void add_symbols(const struct section_table *t, const Elf64_Shdr *table, struct marks *marks)
{
    Elf64_Shdr strings = {.sh_type = SHT_NULL};

    if (table->sh_link < t->header.e_shnum)
        strings = section(t, table->sh_link);
    for (uint64_t i = 0; i < table->sh_size / sizeof(Elf64_Sym); i++) {
        Elf64_Sym s;

        memcpy(&s, t->elf->bytes + table->sh_offset + i * sizeof s, sizeof s);
        if (ELF64_ST_TYPE(s.st_info) != STT_FUNC || s.st_shndx == SHN_UNDEF)
            continue;
        add(marks, s.st_value, symbol_name(t->elf, &strings, s.st_name));
        if (s.st_size)
            add(marks, s.st_value + s.st_size, NULL);
    }
}

static int by_address(const void *a, const void *b)
{
    const struct mark *x = a;
    const struct mark *y = b;

    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    /* A function begins after the end of the one before it. */
    return (x->function != NULL) - (y->function != NULL);
}

/* An upper bound: every section and every symbol of every table gives two. */
static size_t count_possible(const struct section_table *t)
{
    size_t count = 0;

    for (size_t i = 0; i < t->header.e_shnum; i++) {
        Elf64_Shdr h = section(t, i);

        count += 2;
        if (h.sh_type == SHT_SYMTAB)
            count += 2 * (h.sh_size / sizeof(Elf64_Sym));
    }
    return count;
}

int marks_collect(const struct elf *elf, struct marks *ret_marks)
{
    struct section_table t = {.elf = elf};
    struct marks marks = {0};

    memcpy(&t.header, elf->bytes, sizeof t.header);
    marks.mark = calloc(count_possible(&t), sizeof *marks.mark);
    if (!marks.mark)
        return -1;
    for (size_t i = 0; i < t.header.e_shnum; i++) {
        Elf64_Shdr h = section(&t, i);

        if (h.sh_type == SHT_SYMTAB)
            add_symbols(&t, &h, &marks);
        if (h.sh_type != SHT_PROGBITS || !(h.sh_flags & SHF_EXECINSTR))
            continue;
        add(&marks, h.sh_addr, NULL);
        add(&marks, h.sh_addr + h.sh_size, NULL);
    }
    qsort(marks.mark, marks.count, sizeof *marks.mark, by_address);
    *ret_marks = marks;
    return 0;
}
