/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks.h - addresses at which an instruction is known to begin: sections and functions
 */
#ifndef SIGNTOOL_MARKS_H
#define SIGNTOOL_MARKS_H

#include "image/elf.h"

struct mark {
    uint64_t address;
    const char *function; /* that begins here, in the file; NULL for other marks */
};

struct marks {
    struct mark *mark; /* ascending; several may share an address */
    size_t count;
};

/* From a file that elf_parse() accepted. 0, or -1 if there is no memory; free(ret_marks->mark). */
int marks_collect(const struct elf *elf, struct marks *ret_marks);

#endif
