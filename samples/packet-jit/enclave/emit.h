/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emit.h - write x86-64 instructions from the last to the first
 *
 * A filter only jumps forward. Written backward, the code that a jump leads to is already there
 * when the jump is written, so each distance is known, each jump has its shortest form, and no
 * second pass is needed. A sequence therefore reads bottom-up in the callers: the call that comes
 * last writes the instruction that runs first.
 */
#ifndef ENCLAVE_EMIT_H
#define ENCLAVE_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct code {
    uint8_t *floor; /* lowest byte that may be written */
    uint8_t *at;    /* first byte of the code so far */
    uint8_t *end;   /* one past its last byte */
    bool full;      /* something did not fit; nothing is written from then on */
};

/* A place in the code, as bytes from there to the code's end: valid however much is put before. */
typedef uint32_t code_label;

/* Condition codes of Jcc. x ^ 1 is the opposite of x. */
enum condition {
    IF_BELOW = 2,
    IF_NOT_BELOW = 3,
    IF_EQUAL = 4,
    IF_NOT_EQUAL = 5,
    IF_NOT_ABOVE = 6,
    IF_ABOVE = 7,
};

enum reg {
    EAX = 0,
    ECX = 1,
    ESI = 6,
    R9D = 9,
};

/* One or more whole instructions, whose bytes are given in order. */
#define EMIT(code, ...)                                                                            \
    emit_bytes((code), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
void emit_bytes(struct code *code, const uint8_t *bytes, size_t size);

/* Where the next instruction to run is, now. */
code_label emit_here(const struct code *code);

/* Nothing at all if target is where control would go anyhow. */
void emit_jump(struct code *code, code_label target);
void emit_jump_if(struct code *code, enum condition condition, code_label target);

/* An instruction up to its displacement, which takes 1 byte or 4. */
struct form {
    uint8_t size;
    uint8_t modrm;    /* which of the bytes is the ModRM */
    uint8_t bytes[5]; /* prefixes, opcode, ModRM as for a displacement of 1 byte, SIB */
};
void emit_displaced(struct code *code, struct form form, uint32_t displacement);

/* The eight operations that share an encoding, by their number in it. */
enum alu {
    ALU_ADD = 0,
    ALU_OR = 1,
    ALU_AND = 4,
    ALU_SUB = 5,
    ALU_XOR = 6,
    ALU_CMP = 7,
};
/* reg: not R9D */
void emit_alu(struct code *code, enum alu op, enum reg reg, uint32_t immediate);

/* reg = value. Changes the flags. */
void emit_set(struct code *code, enum reg reg, uint32_t value);

#endif
