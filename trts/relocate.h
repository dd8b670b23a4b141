/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relocate.h - the image adjusts itself to where it stands
 */
#ifndef TRTS_RELOCATE_H
#define TRTS_RELOCATE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* This image, by its own dynamic section. False: nothing, or not all, was relocated. */
bool relocate_self(void);

/*
 * relocate_find() - the relocation table that a dynamic section speaks of
 *
 * False if it speaks of one that is not R_X86_64_RELATIVE's shape, or leaves the image.
 */
bool relocate_find(const Elf64_Dyn *dynamic, uint64_t image_size, uint64_t *ret_offset,
                   size_t *ret_count);

/* Every entry is RELATIVE, its place and its target lie in the image. Changes nothing. */
bool relocate_check(const Elf64_Rela *rela, size_t count, uint64_t image_size);

/* After relocate_check(): nothing is left to refuse. */
void relocate_apply(const Elf64_Rela *rela, size_t count, uintptr_t base);

#endif
