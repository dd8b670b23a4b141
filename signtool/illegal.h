/* SPDX-License-Identifier: Apache-2.0 */
/*
 * illegal.h - instructions that cannot run inside an enclave, found before they are signed
 *
 * A linear sweep with a disassembler, started afresh at every section and function. It is a
 * tripwire for mistakes, not a proof: code that jumps into the middle of instructions escapes it,
 * and data between functions may be taken for code.
 */
#ifndef SIGNTOOL_ILLEGAL_H
#define SIGNTOOL_ILLEGAL_H

#include "image/elf.h"

/* One finding. The strings live until the callback returns. */
struct illegal {
    uint64_t address;
    const char *function; /* the function it is in, or NULL */
    uint64_t function_offset;
    char text[96];   /* the instruction */
    const char *why; /* what the processor does with it */
};

typedef void illegal_found(void *arg, const struct illegal *found);

/*
 * illegal_sweep() - look through the executable segments
 *
 * Calls found for each, in ascending order. Returns how many, or -1 if there is no memory.
 */
long illegal_sweep(const struct elf *elf, illegal_found *found, void *arg);

/*
 * illegal_instruction() - look at one instruction
 * @ret_length: its length, or 0 if the bytes are no instruction
 *
 * What the processor does with it inside an enclave if that is not its job, else NULL.
 */
const char *illegal_instruction(const uint8_t *bytes, size_t size, size_t *ret_length);

#endif
