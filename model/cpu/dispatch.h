/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch.h - what ENCLS and ENCLU share around a leaf (private to model/cpu)
 */
#ifndef MODEL_CPU_DISPATCH_H
#define MODEL_CPU_DISPATCH_H

#include <assert.h>

#include "cpu/cpu.h"

/* What a leaf that has done its work leaves in RAX, the flags and RIP. */
enum effect {
    PLAIN,        /* RIP moves past the instruction */
    RETURNS_CODE, /* and RAX and the flags tell the code */
    JUMPS,        /* the leaf has set every register itself */
};

/* Both instructions are 0F 01 and one more byte. */
static_assert(ENCLS_LENGTH == ENCLU_LENGTH, "one length for both");

/* The outcome of a leaf, made visible in the registers. A fault changes none. */
void cpu_dispatch_finish(struct cpu *cpu, enum effect effect, const struct outcome *outcome);

#endif
