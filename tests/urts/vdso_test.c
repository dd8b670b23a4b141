/* SPDX-License-Identifier: Apache-2.0 */
#include "vdso.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

/*
 * A shared object of three symbols, as it would stand in memory. `load` is its virtual address,
 * which every address in the dynamic section includes.
 */
struct object {
    Elf64_Ehdr header;
    Elf64_Phdr segment[2];
    Elf64_Dyn dynamic[6];
    Elf64_Sym symbol[4];
    uint32_t hash[2 + 1 + 4];
    struct {
        uint32_t buckets, first, bloom_words, bloom_shift;
        uint64_t bloom[1];
        uint32_t bucket[2];
        uint32_t chain[3];
    } gnu;
    char strings[64];
    uint8_t code[64];
};

enum { STRINGS, STRINGS_SIZE, SYMBOLS, HASH };

#define AT(field) (load + offsetof(struct object, field))

static void set_symbol(struct object *o, int i, uint32_t name, uint64_t value)
{
    o->symbol[i] = (Elf64_Sym){name, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, value, 16};
}

/* hash_tag is DT_HASH or DT_GNU_HASH: one of them, never both. */
static void make_object(struct object *o, uint64_t load, int64_t hash_tag)
{
    memset(o, 0, sizeof *o);
    memcpy(o->header.e_ident, ELFMAG, SELFMAG);
    o->header.e_ident[EI_CLASS] = ELFCLASS64;
    o->header.e_machine = EM_X86_64;
    o->header.e_phoff = offsetof(struct object, segment);
    o->header.e_phentsize = sizeof(Elf64_Phdr);
    o->header.e_phnum = 2;
    o->segment[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0, load, 0, sizeof *o, sizeof *o, 4096};
    o->segment[1].p_type = PT_DYNAMIC;
    o->segment[1].p_offset = offsetof(struct object, dynamic);
    o->dynamic[STRINGS] = (Elf64_Dyn){DT_STRTAB, {AT(strings)}};
    o->dynamic[STRINGS_SIZE] = (Elf64_Dyn){DT_STRSZ, {22}};
    o->dynamic[SYMBOLS] = (Elf64_Dyn){DT_SYMTAB, {AT(symbol)}};
    o->dynamic[HASH].d_tag = hash_tag;
    o->dynamic[HASH].d_un.d_ptr = hash_tag == DT_HASH ? AT(hash) : AT(gnu);
    memcpy(o->strings, "\0first\0second\0third\0x", 22);
    set_symbol(o, 1, 1, AT(code));
    set_symbol(o, 2, 7, AT(code) + 16);
    set_symbol(o, 3, 14, AT(code) + 32);
    o->hash[0] = 1;
    o->hash[1] = 4;
    o->gnu.buckets = 2;
    o->gnu.first = 1;
    o->gnu.bloom_words = 1;
    o->gnu.bucket[0] = 1; /* symbol 1 alone, then 2 and 3 */
    o->gnu.bucket[1] = 2;
    o->gnu.chain[0] = 1;
    o->gnu.chain[2] = 1;
}

/* On the heap and not a byte larger, so that reading beyond it is noticed. */
static const void *look(const struct object *o, size_t size, const char *name, ptrdiff_t *ret_at)
{
    uint8_t *copy = malloc(size ? size : 1);
    const uint8_t *found;

    memcpy(copy, o, size);
    found = vdso_symbol(copy, size, name);
    *ret_at = found ? found - copy : -1;
    free(copy);
    return found;
}

static ptrdiff_t offset_of(const struct object *o, const char *name)
{
    ptrdiff_t at;

    look(o, sizeof *o, name, &at);
    return at;
}

static const int64_t tags[] = {DT_HASH, DT_GNU_HASH};
static const uint64_t loads[] = {0, 0xffffffffff700000};
static const ptrdiff_t code = offsetof(struct object, code);

Test(vdso, a_symbol_is_found_by_either_hash_table_wherever_the_image_was_linked)
{
    for (int i = 0; i < 4; i++) {
        struct object o;

        make_object(&o, loads[i / 2], tags[i % 2]);
        cr_assert_eq(offset_of(&o, "first"), code);
        cr_assert_eq(offset_of(&o, "second"), code + 16);
        cr_assert_eq(offset_of(&o, "third"), code + 32);
    }
}

Test(vdso, a_symbol_that_is_missing_is_not_found)
{
    for (int i = 0; i < 2; i++) {
        struct object o;

        make_object(&o, 0, tags[i]);
        cr_assert_eq(offset_of(&o, "fourth"), -1);
        cr_assert_eq(offset_of(&o, "secon"), -1, "a prefix is not the name");
        cr_assert_eq(offset_of(&o, "econd"), -1);
    }
}

Test(vdso, a_symbol_that_is_undefined_or_no_function_is_not_found)
{
    struct object o;

    make_object(&o, 0, DT_HASH);
    o.symbol[1].st_shndx = SHN_UNDEF;
    o.symbol[2].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
    o.symbol[3].st_value = sizeof o; /* beyond the image */
    cr_assert_eq(offset_of(&o, "first"), -1);
    cr_assert_eq(offset_of(&o, "second"), -1);
    cr_assert_eq(offset_of(&o, "third"), -1);
}

Test(vdso, an_image_cut_short_anywhere_is_survived)
{
    for (int i = 0; i < 2; i++) {
        struct object o;

        make_object(&o, 0, tags[i]);
        for (size_t size = 0; size < sizeof o; size++) {
            ptrdiff_t at;

            look(&o, size, "third", &at);
            cr_assert(at == -1 || (size_t)at < size);
        }
    }
}

/* Every 4-byte word of the image, replaced by what overflows best. */
Test(vdso, an_image_with_any_word_spoilt_is_survived)
{
    static const uint32_t bad[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};

    for (int i = 0; i < 2; i++) {
        for (size_t word = 0; word < sizeof(struct object) / 4; word++) {
            for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
                struct object o;
                ptrdiff_t at;

                make_object(&o, loads[b % 2], tags[i]);
                memcpy((uint8_t *)&o + 4 * word, &bad[b], 4);
                look(&o, sizeof o, "third", &at);
                cr_assert(at == -1 || (size_t)at < sizeof o);
            }
        }
    }
}

Test(vdso, tables_placed_beyond_the_image_are_not_followed)
{
    for (int row = STRINGS; row <= HASH; row++) {
        struct object o;

        if (row == STRINGS_SIZE)
            continue;
        make_object(&o, 0, DT_HASH);
        o.dynamic[row].d_un.d_ptr = (uint64_t)-8;
        cr_assert_eq(offset_of(&o, "third"), -1, "row %d", row);
        o.dynamic[row].d_un.d_ptr = sizeof o - 3;
        cr_assert_eq(offset_of(&o, "third"), -1, "row %d", row);
    }
}

Test(vdso, a_name_that_reaches_beyond_the_string_table_is_not_compared)
{
    struct object o;

    make_object(&o, 0, DT_HASH);
    o.dynamic[STRINGS_SIZE].d_un.d_val = 19; /* "third" lacks its end */
    cr_assert_eq(offset_of(&o, "third"), -1);
    cr_assert_eq(offset_of(&o, "second"), code + 16);
}

Test(vdso, what_is_not_an_x86_64_image_is_refused)
{
    struct object o;

    make_object(&o, 0, DT_HASH);
    o.header.e_machine = EM_386;
    cr_assert_eq(offset_of(&o, "first"), -1);
    make_object(&o, 0, DT_HASH);
    o.header.e_ident[EI_CLASS] = ELFCLASS32;
    cr_assert_eq(offset_of(&o, "first"), -1);
    make_object(&o, 0, DT_HASH);
    o.header.e_ident[0] = 'E';
    cr_assert_eq(offset_of(&o, "first"), -1);
}

Test(vdso, this_machines_own_vdso_is_understood)
{
    if (!getauxval(AT_SYSINFO_EHDR))
        cr_skip("this kernel maps no vDSO");
    cr_assert_gt(vdso_size((const void *)getauxval(AT_SYSINFO_EHDR)), 0);
    cr_assert_not_null(vdso_self_symbol("__vdso_clock_gettime"));
    cr_assert_null(vdso_self_symbol("__vdso_no_such_function"));
}
