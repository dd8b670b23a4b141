/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every instruction once, or more often where it has corners, with a verdict worked out by hand.
 * Each row is run by the interpreter, by the compiled code and by libpcap.
 */
#include <criterion/criterion.h>
#include <stdbool.h>

#include "enclave/check.h"
#include "enclave/interpret.h"
#include "host/program.h"
#include "native.h"
#include "shared/opcodes.h"

#define WIRE_LENGTH 1234

static const uint8_t packet[] = {0x10, 0x21, 0x32, 0x43, 0x54, 0x65, 0x76, 0x87,
                                 0x98, 0xa9, 0xba, 0xcb, 0xdc, 0xed, 0xfe, 0x0f};

#define LD(k)                                                                                      \
    {                                                                                              \
        OP_LD_IMM, 0, 0, (k)                                                                       \
    }
#define LDX(k)                                                                                     \
    {                                                                                              \
        OP_LDX_IMM, 0, 0, (k)                                                                      \
    }
#define DO(op)                                                                                     \
    {                                                                                              \
        OP_##op, 0, 0, 0                                                                           \
    }
#define K(op, k)                                                                                   \
    {                                                                                              \
        OP_##op, 0, 0, (k)                                                                         \
    }
#define A                                                                                          \
    {                                                                                              \
        OP_RET_A, 0, 0, 0                                                                          \
    }
#define RET(k)                                                                                     \
    {                                                                                              \
        OP_RET_K, 0, 0, (k)                                                                        \
    }

struct row {
    uint16_t opcode; /* that the row is about */
    uint32_t verdict;
    struct filter_insn insns[6];
};

static const struct row rows[] = {
    {OP_RET_K, 77, {RET(77)}},
    {OP_RET_K, ~0u, {RET(~0u)}},
    {OP_RET_K, 0, {RET(0)}},
    {OP_RET_A, 0, {A}},
    {OP_LD_IMM, 0x80000001, {LD(0x80000001), A}},

    {OP_LD_W_ABS, 0x10213243, {K(LD_W_ABS, 0), A}},
    {OP_LD_W_ABS, 0xdcedfe0f, {K(LD_W_ABS, 12), A}},
    {OP_LD_W_ABS, 0, {K(LD_W_ABS, 13), RET(1)}},
    {OP_LD_W_ABS, 0, {K(LD_W_ABS, 0xfffffffd), RET(1)}},
    {OP_LD_H_ABS, 0x2132, {K(LD_H_ABS, 1), A}},
    {OP_LD_H_ABS, 0xfe0f, {K(LD_H_ABS, 14), A}},
    {OP_LD_H_ABS, 0, {K(LD_H_ABS, 15), RET(1)}},
    {OP_LD_H_ABS, 0, {K(LD_H_ABS, ~0u), RET(1)}},
    {OP_LD_B_ABS, 0x87, {K(LD_B_ABS, 7), A}},
    {OP_LD_B_ABS, 0x0f, {K(LD_B_ABS, 15), A}},
    {OP_LD_B_ABS, 0, {K(LD_B_ABS, 16), RET(1)}},
    {OP_LD_B_ABS, 0, {K(LD_B_ABS, 200), RET(1)}},
    {OP_LD_B_ABS, 0, {K(LD_B_ABS, 0xfffff030), RET(1)}},

    {OP_LD_W_IND, 0x32435465, {LDX(1), K(LD_W_IND, 1), A}},
    {OP_LD_W_IND, 0xdcedfe0f, {LDX(12), K(LD_W_IND, 0), A}},
    {OP_LD_W_IND, 0, {LDX(12), K(LD_W_IND, 1), RET(1)}},
    {OP_LD_W_IND, 0, {LDX(~0u), K(LD_W_IND, 1), RET(1)}}, /* the sum does not wrap */
    {OP_LD_H_IND, 0x4354, {LDX(3), K(LD_H_IND, 0), A}},
    {OP_LD_H_IND, 0, {LDX(1), K(LD_H_IND, 14), RET(1)}},
    {OP_LD_H_IND, 0, {LDX(-4u), K(LD_H_IND, 8), RET(1)}},
    {OP_LD_B_IND, 0xed, {LDX(6), K(LD_B_IND, 7), A}},
    {OP_LD_B_IND, 0x10, {K(LD_B_IND, 0), A}}, /* X starts at 0 */
    {OP_LD_B_IND, 0, {LDX(1), K(LD_B_IND, ~0u), RET(1)}},
    {OP_LD_B_IND, 0, {LDX(0x10000), K(LD_B_IND, 0), RET(1)}},

    {OP_LD_LEN, WIRE_LENGTH, {DO(LD_LEN), A}},
    {OP_LDX_IMM, 0xfffffff0, {LDX(0xfffffff0), DO(TXA), A}},
    {OP_LDX_LEN, WIRE_LENGTH, {DO(LDX_LEN), DO(TXA), A}},
    {OP_LD_LEN, WIRE_LENGTH / 10, {LD(7), K(DIV_K, 7), DO(LD_LEN), K(DIV_K, 10), A}},
    {OP_LDX_MSH, 4 * 7, {K(LDX_MSH, 7), DO(TXA), A}},
    {OP_LDX_MSH, 60, {K(LDX_MSH, 15), DO(TXA), A}},
    {OP_LDX_MSH, 0, {K(LDX_MSH, 16), RET(1)}},
    {OP_ST, 5, {LD(5), K(ST, 15), LD(6), K(LD_MEM, 15), A}},
    {OP_LD_MEM, 5, {LD(5), K(ST, 0), LD(6), K(ST, 1), K(LD_MEM, 0), A}},
    {OP_STX, 9, {LDX(9), K(STX, 3), LDX(1), K(LD_MEM, 3), A}},
    {OP_LDX_MEM, 5, {LD(5), K(ST, 8), K(LDX_MEM, 8), LD(0), DO(TXA), A}},
    {OP_TAX, 5, {LD(5), DO(TAX), LD(6), DO(TXA), A}},
    {OP_TXA, 0, {LD(6), DO(TXA), A}},

    {OP_ADD_K, 1, {LD(~0u), K(ADD_K, 2), A}},
    {OP_ADD_K, 0x12345682, {LD(4), K(ADD_K, 0x1234567e), A}},
    {OP_ADD_K, 127, {LD(0), K(ADD_K, 127), A}}, /* where immediates change their size */
    {OP_ADD_K, 128, {LD(0), K(ADD_K, 128), A}},
    {OP_ADD_K, -128u, {LD(0), K(ADD_K, -128u), A}},
    {OP_ADD_K, -129u, {LD(0), K(ADD_K, -129u), A}},
    {OP_ADD_X, 1, {LD(~0u), LDX(2), DO(ADD_X), A}},
    {OP_SUB_K, ~0u, {LD(1), K(SUB_K, 2), A}},
    {OP_SUB_K, 0x80, {LD(0), K(SUB_K, -128u), A}},
    {OP_SUB_X, ~0u, {LD(1), LDX(2), DO(SUB_X), A}},
    {OP_MUL_K, 0xfffffffd, {LD(~0u), K(MUL_K, 3), A}},
    {OP_MUL_K, 0x40, {LD(4), K(MUL_K, 16), A}},
    {OP_MUL_K, 0, {LD(4), K(MUL_K, 0), A}},
    {OP_MUL_X, 0xfffffffd, {LD(~0u), LDX(3), DO(MUL_X), A}},
    {OP_DIV_K, 0x2aaaaaaa, {LD(~0u), K(DIV_K, 6), A}},
    {OP_DIV_K, 0x1fffffff, {LD(~0u), K(DIV_K, 8), A}},
    {OP_DIV_K, 9, {LD(9), K(DIV_K, 1), A}},
    {OP_DIV_K, 1, {LD(~0u), K(DIV_K, ~0u), A}},
    {OP_DIV_X, 0x2aaaaaaa, {LD(~0u), LDX(6), DO(DIV_X), A}},
    {OP_DIV_X, 0, {LD(5), DO(DIV_X), RET(1)}}, /* by an X of 0, though nobody wants the quotient */
    {OP_MOD_K, 5, {LD(~0u), K(MOD_K, 10), A}},
    {OP_MOD_K, 0xf, {LD(~0u), K(MOD_K, 16), A}},
    {OP_MOD_K, 0, {LD(~0u), K(MOD_K, 1), A}},
    {OP_MOD_X, 5, {LD(~0u), LDX(10), DO(MOD_X), A}},
    {OP_MOD_X, 0, {LD(5), DO(MOD_X), RET(1)}},
    {OP_OR_K, 0xf00f, {LD(0xf000), K(OR_K, 0xf), A}},
    {OP_OR_X, 0xf00f, {LD(0xf000), LDX(0xf), DO(OR_X), A}},
    {OP_AND_K, 0xf000, {LD(0xf00f), K(AND_K, 0xfff0), A}},
    {OP_AND_K, 0xf00f0000, {LD(0xf00f0001), K(AND_K, -2u), A}},
    {OP_AND_X, 0xf000, {LD(0xf00f), LDX(0xfff0), DO(AND_X), A}},
    {OP_XOR_K, 0x0ff0, {LD(0xf00f), K(XOR_K, 0xffff), A}},
    {OP_XOR_X, 0x0ff0, {LD(0xf00f), LDX(0xffff), DO(XOR_X), A}},
    {OP_LSH_K, 0x80000000, {LD(3), K(LSH_K, 31), A}},
    {OP_LSH_K, 3, {LD(3), K(LSH_K, 0), A}},
    {OP_LSH_X, 0x80000000, {LD(3), LDX(31), DO(LSH_X), A}},
    {OP_LSH_X, 0, {LD(3), LDX(32), DO(LSH_X), A}},
    {OP_LSH_X, 0, {LD(3), LDX(0x100), DO(LSH_X), A}},
    {OP_RSH_K, 1, {LD(~0u), K(RSH_K, 31), A}},
    {OP_RSH_X, 1, {LD(~0u), LDX(31), DO(RSH_X), A}},
    {OP_RSH_X, 0, {LD(~0u), LDX(33), DO(RSH_X), A}},
    {OP_NEG, 0xfffffffb, {LD(5), DO(NEG), A}},
    {OP_NEG, 0x80000000, {LD(0x80000000), DO(NEG), A}},

    {OP_JA, 2, {K(JA, 1), RET(1), RET(2)}},
    {OP_JEQ_K, 1, {LD(5), {OP_JEQ_K, 0, 1, 5}, RET(1), RET(2)}},
    {OP_JEQ_K, 2, {LD(5), {OP_JEQ_K, 0, 1, 0x10005}, RET(1), RET(2)}},
    {OP_JEQ_K, 3, {LD(5), {OP_JEQ_K, 1, 2, 6}, RET(1), RET(2), RET(3)}},
    {OP_JEQ_X, 1, {LD(5), LDX(5), {OP_JEQ_X, 0, 1, 0}, RET(1), RET(2)}},
    {OP_JEQ_X, 2, {LD(5), LDX(6), {OP_JEQ_X, 0, 1, 0}, RET(1), RET(2)}},
    {OP_JGT_K, 1, {LD(~0u), {OP_JGT_K, 0, 1, 1}, RET(1), RET(2)}},
    {OP_JGT_K, 2, {LD(5), {OP_JGT_K, 0, 1, 5}, RET(1), RET(2)}},
    {OP_JGT_K, 2, {LD(5), {OP_JGT_K, 0, 1, ~0u}, RET(1), RET(2)}},
    {OP_JGT_X, 1, {LD(~0u), LDX(1), {OP_JGT_X, 0, 1, 0}, RET(1), RET(2)}},
    {OP_JGT_X, 2, {LD(1), LDX(~0u), {OP_JGT_X, 0, 1, 0}, RET(1), RET(2)}},
    {OP_JGE_K, 1, {LD(5), {OP_JGE_K, 0, 1, 5}, RET(1), RET(2)}},
    {OP_JGE_K, 2, {LD(5), {OP_JGE_K, 0, 1, 0x80000000}, RET(1), RET(2)}},
    {OP_JGE_X, 1, {LD(5), LDX(5), {OP_JGE_X, 0, 1, 0}, RET(1), RET(2)}},
    {OP_JGE_X, 2, {LD(5), LDX(6), {OP_JGE_X, 0, 1, 0}, RET(1), RET(2)}},
    {OP_JSET_K, 1, {LD(0xff00), {OP_JSET_K, 0, 1, 0x8000}, RET(1), RET(2)}},
    {OP_JSET_K, 2, {LD(0xff00), {OP_JSET_K, 0, 1, 0xff}, RET(1), RET(2)}},
    {OP_JSET_X, 1, {LD(0xff00), LDX(~0u), {OP_JSET_X, 0, 1, 0}, RET(1), RET(2)}},
    {OP_JSET_X, 2, {LD(0xff00), LDX(0xff), {OP_JSET_X, 0, 1, 0}, RET(1), RET(2)}},
};

#define ROWS (sizeof rows / sizeof rows[0])

/* Up to the last instruction that is not all zeroes, which no row ends with. */
static uint32_t length_of(const struct row *row)
{
    uint32_t count = 6;

    while (row->insns[count - 1].code == 0)
        count--;
    return count;
}

Test(opcodes, interpreter_compiler_and_libpcap_give_the_verdict_worked_out_by_hand)
{
    for (unsigned i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        const uint32_t count = length_of(row);
        const struct filter_packet p = {0, sizeof packet, WIRE_LENGTH};
        const struct program program = {(struct filter_insn *)row->insns, count};
        const uint8_t *at = native_place(packet, sizeof packet);
        uint32_t index;

        cr_assert(filter_check(row->insns, count, &index) == FILTER_OK, "row %u", i);
        native_load(row->insns, count);
        cr_expect(native_run(at, p.caplen, p.len) == row->verdict, "compiled, row %u", i);
        cr_expect(filter_interpret(row->insns, at, p.caplen, p.len) == row->verdict,
                  "interpreted, row %u", i);
        cr_expect(program_verdict(&program, at, &p) == row->verdict, "libpcap, row %u", i);
    }
}

Test(opcodes, the_table_has_a_row_about_every_opcode_that_uses_it){
#define COVERED(name, value)                                                                       \
    {                                                                                              \
        bool covered = false;                                                                      \
        for (unsigned i = 0; i < ROWS; i++)                                                        \
            for (unsigned j = 0; rows[i].opcode == (value) && j < length_of(&rows[i]); j++)        \
                covered |= rows[i].insns[j].code == (value);                                       \
        cr_expect(covered, #name);                                                                 \
    }
    FILTER_OPCODES(COVERED)
#undef COVERED
}

Test(opcodes, scratch_cells_that_were_never_written_read_as_zero)
{
    for (uint32_t cell = 0; cell < FILTER_SCRATCH_CELLS; cell++) {
        const struct filter_insn to_a[] = {K(LD_MEM, cell), K(ADD_K, 1), A};
        const struct filter_insn to_x[] = {K(LDX_MEM, cell), DO(TXA), K(ADD_K, 1), A};

        native_load(to_a, 3);
        cr_expect(native_run(packet, sizeof packet, 0) == 1);
        cr_expect(filter_interpret(to_a, packet, sizeof packet, 0) == 1);
        native_load(to_x, 4);
        cr_expect(native_run(packet, sizeof packet, 0) == 1);
        cr_expect(filter_interpret(to_x, packet, sizeof packet, 0) == 1);
    }
}

Test(opcodes, a_load_whose_value_nobody_wants_still_decides_the_verdict)
{
    static const uint16_t loads[] = {OP_LD_W_ABS, OP_LD_H_ABS, OP_LD_B_ABS, OP_LDX_MSH,
                                     OP_LD_W_IND, OP_LD_H_IND, OP_LD_B_IND};

    for (unsigned i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        const struct filter_insn insns[] = {LDX(4), {loads[i], 0, 0, 8}, LD(0), LDX(0), RET(1)};

        native_load(insns, 5);
        for (uint32_t caplen = 0; caplen <= sizeof packet; caplen++) {
            const uint8_t *at = native_place(packet, caplen);

            cr_expect(native_run(at, caplen, caplen) ==
                      filter_interpret(insns, at, caplen, caplen));
        }
        cr_expect(native_run(packet, sizeof packet, 0) == 1);
    }
}
