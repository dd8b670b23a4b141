/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.h - programs and packets that nobody thought of, the same ones every time
 */
#ifndef PACKET_JIT_RANDOM_H
#define PACKET_JIT_RANDOM_H

#include "shared/filter.h"

struct random {
    uint64_t state;
};

uint32_t random_number(struct random *random);
uint32_t random_below(struct random *random, uint32_t limit);
void random_bytes(struct random *random, uint8_t *bytes, size_t size);

/* A valid program of count instructions, valid by the way it is made. */
void random_program(struct random *random, struct filter_insn *insns, uint32_t count);

/* Change a few fields to anything at all. */
void random_damage(struct random *random, struct filter_insn *insns, uint32_t count);

#endif
