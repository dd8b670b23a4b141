/* SPDX-License-Identifier: Apache-2.0 */
#include "host/invalid.h"

#include "shared/opcodes.h"

#define ACCEPT                                                                                     \
    {                                                                                              \
        OP_RET_K, 0, 0, FILTER_PACKET_MAX                                                          \
    }

const struct invalid_program invalid_programs[] = {
    {"nothing at all", 0, FILTER_EMPTY, 0, {ACCEPT}},
    {"4097 instructions", FILTER_INSNS_MAX + 1, FILTER_TOO_LONG, 0, {ACCEPT}},
    {"an unknown instruction", 2, FILTER_BAD_OPCODE, 0, {{0xffff, 0, 0, 0}, ACCEPT}},
    {"a return of X", 1, FILTER_BAD_OPCODE, 0, {{OP_RET_K | 8, 0, 0, 0}}},
    {"a loop", 3, FILTER_BACKWARD_JUMP, 1, {{OP_LD_LEN, 0, 0, 0}, {OP_JA, 0, 0, -2u}, ACCEPT}},
    {"a jump out of the program", 2, FILTER_JUMP_RANGE, 0, {{OP_JA, 0, 0, 1}, ACCEPT}},
    {"a branch out of the program", 2, FILTER_JUMP_RANGE, 0, {{OP_JEQ_K, 0, 200, 1}, ACCEPT}},
    {"a division by 0", 2, FILTER_DIVIDE_BY_ZERO, 0, {{OP_DIV_K, 0, 0, 0}, ACCEPT}},
    {"a remainder by 0", 2, FILTER_DIVIDE_BY_ZERO, 0, {{OP_MOD_K, 0, 0, 0}, ACCEPT}},
    {"a shift by 32", 2, FILTER_SHIFT_RANGE, 0, {{OP_LSH_K, 0, 0, 32}, ACCEPT}},
    {"a store to cell 16", 2, FILTER_SCRATCH_RANGE, 0, {{OP_ST, 0, 0, 16}, ACCEPT}},
    {"a load of cell 2^31", 2, FILTER_SCRATCH_RANGE, 0, {{OP_LD_MEM, 0, 0, 1u << 31}, ACCEPT}},
    {"no return at the end", 2, FILTER_NO_RETURN, 1, {ACCEPT, {OP_LD_LEN, 0, 0, 0}}},
};

const unsigned invalid_program_count = sizeof invalid_programs / sizeof invalid_programs[0];
