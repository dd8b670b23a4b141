/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opcodes.h - the instructions of classic BPF, all of them
 *
 * A machine with an accumulator A, an index register X and 16 scratch cells M[], each of 32 bits
 * and 0 at the start. P is the packet's captured bytes, big endian. A load that is not wholly
 * within P, and a division by an X of 0, end the program with verdict 0.
 */
#ifndef SHARED_OPCODES_H
#define SHARED_OPCODES_H

#define FILTER_OPCODES(OP)                                                                         \
    OP(LD_IMM, 0x00)   /* A = k */                                                                 \
    OP(LD_W_ABS, 0x20) /* A = P[k], 4 bytes */                                                     \
    OP(LD_H_ABS, 0x28) /* 2 bytes */                                                               \
    OP(LD_B_ABS, 0x30) /* 1 byte */                                                                \
    OP(LD_W_IND, 0x40) /* A = P[X + k], 4 bytes; the sum does not wrap */                          \
    OP(LD_H_IND, 0x48)                                                                             \
    OP(LD_B_IND, 0x50)                                                                             \
    OP(LD_MEM, 0x60) /* A = M[k] */                                                                \
    OP(LD_LEN, 0x80) /* A = length on the wire */                                                  \
    OP(LDX_IMM, 0x01)                                                                              \
    OP(LDX_MEM, 0x61)                                                                              \
    OP(LDX_LEN, 0x81)                                                                              \
    OP(LDX_MSH, 0xb1) /* X = 4 * (P[k] & 15), the length of an IPv4 header */                      \
    OP(ST, 0x02)      /* M[k] = A */                                                               \
    OP(STX, 0x03)     /* M[k] = X */                                                               \
    OP(ADD_K, 0x04)   /* A = A + k, and so on; _X takes X in place of k */                         \
    OP(ADD_X, 0x0c)                                                                                \
    OP(SUB_K, 0x14)                                                                                \
    OP(SUB_X, 0x1c)                                                                                \
    OP(MUL_K, 0x24)                                                                                \
    OP(MUL_X, 0x2c)                                                                                \
    OP(DIV_K, 0x34)                                                                                \
    OP(DIV_X, 0x3c)                                                                                \
    OP(OR_K, 0x44)                                                                                 \
    OP(OR_X, 0x4c)                                                                                 \
    OP(AND_K, 0x54)                                                                                \
    OP(AND_X, 0x5c)                                                                                \
    OP(LSH_K, 0x64)                                                                                \
    OP(LSH_X, 0x6c) /* 0 if X is above 31 */                                                       \
    OP(RSH_K, 0x74)                                                                                \
    OP(RSH_X, 0x7c)                                                                                \
    OP(NEG, 0x84)                                                                                  \
    OP(MOD_K, 0x94)                                                                                \
    OP(MOD_X, 0x9c)                                                                                \
    OP(XOR_K, 0xa4)                                                                                \
    OP(XOR_X, 0xac)                                                                                \
    OP(JA, 0x05)    /* skip k instructions */                                                      \
    OP(JEQ_K, 0x15) /* skip jt instructions if A == k, else jf */                                  \
    OP(JEQ_X, 0x1d)                                                                                \
    OP(JGT_K, 0x25) /* unsigned */                                                                 \
    OP(JGT_X, 0x2d)                                                                                \
    OP(JGE_K, 0x35)                                                                                \
    OP(JGE_X, 0x3d)                                                                                \
    OP(JSET_K, 0x45) /* A & k is not 0 */                                                          \
    OP(JSET_X, 0x4d)                                                                               \
    OP(RET_K, 0x06) /* the verdict is k */                                                         \
    OP(RET_A, 0x16)                                                                                \
    OP(TAX, 0x07) /* X = A */                                                                      \
    OP(TXA, 0x87) /* A = X */

enum filter_opcode {
#define FILTER_OPCODE_ENUM(name, value) OP_##name = (value),
    FILTER_OPCODES(FILTER_OPCODE_ENUM)
#undef FILTER_OPCODE_ENUM
};

#endif
