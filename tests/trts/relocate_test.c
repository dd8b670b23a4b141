/* SPDX-License-Identifier: Apache-2.0 */
/* relocate_test.c - sibling of trts/relocate.c */
#include <criterion/criterion.h>

#include "relocate.h"

#define IMAGE 0x1000u

static const Elf64_Rela good = {.r_offset = 0x100, .r_info = R_X86_64_RELATIVE, .r_addend = 0x200};

static bool is_fine(Elf64_Rela r)
{
    const Elf64_Rela table[] = {good, r};

    return relocate_check(table, 2, IMAGE);
}

Test(relocate, places_and_targets_within_the_image_are_fine)
{
    cr_assert(is_fine(good));
    cr_assert(is_fine((Elf64_Rela){IMAGE - 8, R_X86_64_RELATIVE, 0}));
    cr_assert(is_fine((Elf64_Rela){0, R_X86_64_RELATIVE, IMAGE}), "one past the end");
    cr_assert(relocate_check(NULL, 0, IMAGE));
}

Test(relocate, a_place_that_leaves_the_image_is_refused)
{
    cr_assert(!is_fine((Elf64_Rela){IMAGE - 7, R_X86_64_RELATIVE, 0}));
    cr_assert(!is_fine((Elf64_Rela){IMAGE, R_X86_64_RELATIVE, 0}));
    cr_assert(!is_fine((Elf64_Rela){UINT64_MAX - 3, R_X86_64_RELATIVE, 0}));
    cr_assert(!relocate_check(&good, 1, 4), "an image that is smaller than a word");
}

Test(relocate, a_target_that_leaves_the_image_is_refused)
{
    cr_assert(!is_fine((Elf64_Rela){0x100, R_X86_64_RELATIVE, IMAGE + 1}));
    cr_assert(!is_fine((Elf64_Rela){0x100, R_X86_64_RELATIVE, -1}));
}

Test(relocate, any_other_type_is_refused)
{
    cr_assert(!is_fine((Elf64_Rela){0x100, R_X86_64_64, 0}));
    cr_assert(!is_fine((Elf64_Rela){0x100, R_X86_64_GLOB_DAT, 0}));
    cr_assert(!is_fine((Elf64_Rela){0x100, R_X86_64_IRELATIVE, 0}));
    cr_assert(!is_fine((Elf64_Rela){0x100, R_X86_64_DTPMOD64, 0}));
}

Test(relocate, each_place_gets_base_plus_addend)
{
    static uint64_t image[IMAGE / 8];
    uintptr_t base = (uintptr_t)image;
    const Elf64_Rela table[] = {good, {0x803, R_X86_64_RELATIVE, 0x30}}; /* packed: unaligned */
    uint64_t unaligned;

    relocate_apply(table, 2, base);
    cr_assert(image[0x100 / 8] == base + 0x200);
    __builtin_memcpy(&unaligned, (uint8_t *)image + 0x803, sizeof unaligned);
    cr_assert(unaligned == base + 0x30);
    cr_assert(image[0x100 / 8 - 1] == 0 && image[0x100 / 8 + 1] == 0);
}

static bool finds(const Elf64_Dyn *dynamic, uint64_t *ret_offset, size_t *ret_count)
{
    return relocate_find(dynamic, IMAGE, ret_offset, ret_count);
}

Test(relocate, the_dynamic_section_says_where_the_table_is)
{
    const Elf64_Dyn dynamic[] = {
        {DT_RELA, {0x240}}, {DT_RELASZ, {5 * 24}}, {DT_RELAENT, {24}}, {DT_NULL, {0}}};
    const Elf64_Dyn none[] = {{DT_NULL, {0}}};
    uint64_t offset;
    size_t count;

    cr_assert(finds(dynamic, &offset, &count) && offset == 0x240 && count == 5);
    cr_assert(finds(none, &offset, &count) && count == 0);
}

Test(relocate, tables_of_another_shape_are_refused)
{
    const Elf64_Dyn tables[][4] = {
        {{DT_RELA, {0x240}}, {DT_RELASZ, {24}}, {DT_RELAENT, {16}}, {DT_NULL, {0}}},
        {{DT_RELA, {0x240}}, {DT_RELASZ, {25}}, {DT_NULL, {0}}},
        {{DT_RELA, {0x241}}, {DT_RELASZ, {24}}, {DT_NULL, {0}}},
        {{DT_RELA, {IMAGE}}, {DT_RELASZ, {24}}, {DT_NULL, {0}}},
        {{DT_RELA, {IMAGE + 8}}, {DT_RELASZ, {0}}, {DT_NULL, {0}}},
        {{DT_RELA, {8}}, {DT_RELASZ, {UINT64_MAX / 24 * 24}}, {DT_NULL, {0}}},
        {{DT_REL, {0x240}}, {DT_NULL, {0}}},
        {{DT_JMPREL, {0x240}}, {DT_NULL, {0}}},
    };
    uint64_t offset = 77;
    size_t count = 77;

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        cr_assert(!finds(tables[i], &offset, &count), "table %zu", i);
    cr_assert(offset == 77 && count == 77);
}
