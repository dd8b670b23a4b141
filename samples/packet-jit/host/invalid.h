/* SPDX-License-Identifier: Apache-2.0 */
/*
 * invalid.h - programs that the enclave must refuse, and why
 */
#ifndef HOST_INVALID_H
#define HOST_INVALID_H

#include "shared/filter.h"

#define INVALID_INSNS 4

struct invalid_program {
    const char *name;
    uint32_t count; /* instructions to claim; those beyond the given ones are zero: LD_IMM */
    enum filter_reason reason;
    uint32_t index;
    struct filter_insn insns[INVALID_INSNS];
};

extern const struct invalid_program invalid_programs[];
extern const unsigned invalid_program_count;

#endif
