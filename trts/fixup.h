/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixup.h - instructions that may fault, and where to go on if they do
 *
 * EACCEPT and EACCEPTCOPY fault when the host withholds the page. That is an answer, not an
 * accident: phase one of the exception sets RIP to the entry's target and RAX to LEAF_FAULT, and
 * the leaf's caller sees one more result. No handler runs and no stack is needed, so the leaf may
 * stand inside a critical section.
 */
#ifndef TRTS_FIXUP_H
#define TRTS_FIXUP_H

#include <stdint.h>

/* Relative to the field itself, so the table needs no relocation and can be read-only. */
struct fixup {
    int32_t at; /* the instruction */
    int32_t to; /* where to go on */
};

/* Beyond every code that a leaf returns. */
#define LEAF_FAULT 0x10000

/* In an asm statement: the instruction at local label 11 continues at local label 12. */
#define FIXUP_11_TO_12                                                                             \
    ".pushsection ap_fixups, \"a\", @progbits\n\t"                                                 \
    ".balign 4\n\t"                                                                                \
    ".long 11b - ., 12b - .\n\t"                                                                   \
    ".popsection\n\t"

extern const struct fixup __start_ap_fixups[] __attribute__((visibility("hidden")));
extern const struct fixup __stop_ap_fixups[] __attribute__((visibility("hidden")));

/* Where the table [begin, end) says to go on from rip, or 0. */
uint64_t fixup_find(const struct fixup *begin, const struct fixup *end, uint64_t rip);

#endif
