/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vdso.h - the kernel's shared object that is mapped into every process
 */
#ifndef URTS_VDSO_H
#define URTS_VDSO_H

#include <stddef.h>

/*
 * vdso_symbol() - look a function up in an ELF image as it stands in memory
 * @image: the ELF header
 * @size:  bytes from there that may be read; nothing beyond is looked at
 *
 * Reads DT_HASH or DT_GNU_HASH, whichever there is. Any inconsistency means "not found": NULL.
 */
const void *vdso_symbol(const void *image, size_t size, const char *name);

/* The bytes that the image's PT_LOAD covers, or 0 if this is no ELF image. Reads one page. */
size_t vdso_size(const void *image);

/* The same, in this process's own vDSO. NULL if there is none, or no such function in it. */
const void *vdso_self_symbol(const char *name);

#endif
