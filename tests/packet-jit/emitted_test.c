/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine code itself, disassembled: only instructions from a short list, only memory that a
 * filter may touch, only jumps forward to an instruction, and a stack that is always put back.
 */
#include <Zydis/Zydis.h>
#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

#include "enclave/compile.h"
#include "random.h"

static struct filter_work work;
static struct filter_insn insns[FILTER_INSNS_MAX];
static uint8_t code[FILTER_CODE_MAX];
static size_t size;

static bool starts[FILTER_CODE_MAX];  /* an instruction starts here */
static bool targets[FILTER_CODE_MAX]; /* a jump leads here */

static bool is_allowed(ZydisMnemonic mnemonic)
{
    static const ZydisMnemonic allowed[] = {
        ZYDIS_MNEMONIC_MOV,  ZYDIS_MNEMONIC_MOVZX,  ZYDIS_MNEMONIC_ADD,  ZYDIS_MNEMONIC_SUB,
        ZYDIS_MNEMONIC_AND,  ZYDIS_MNEMONIC_OR,     ZYDIS_MNEMONIC_XOR,  ZYDIS_MNEMONIC_CMP,
        ZYDIS_MNEMONIC_TEST, ZYDIS_MNEMONIC_IMUL,   ZYDIS_MNEMONIC_DIV,  ZYDIS_MNEMONIC_NEG,
        ZYDIS_MNEMONIC_SHL,  ZYDIS_MNEMONIC_SHR,    ZYDIS_MNEMONIC_ROL,  ZYDIS_MNEMONIC_BSWAP,
        ZYDIS_MNEMONIC_LEA,  ZYDIS_MNEMONIC_JB,     ZYDIS_MNEMONIC_JNB,  ZYDIS_MNEMONIC_JZ,
        ZYDIS_MNEMONIC_JNZ,  ZYDIS_MNEMONIC_JBE,    ZYDIS_MNEMONIC_JNBE, ZYDIS_MNEMONIC_JMP,
        ZYDIS_MNEMONIC_RET,  ZYDIS_MNEMONIC_CMOVNB,
    };

    for (unsigned i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (allowed[i] == mnemonic)
            return true;
    return false;
}

static void check_memory(const ZydisDecodedOperand *operand)
{
    const ZydisDecodedOperandMem *mem = &operand->mem;

    if (mem->type == ZYDIS_MEMOP_TYPE_AGEN) /* LEA computes an address and touches nothing */
        return;
    if (mem->base == ZYDIS_REGISTER_RSP) {
        cr_assert(mem->index == ZYDIS_REGISTER_NONE && operand->size == 32);
        cr_assert(mem->disp.value >= 0 && mem->disp.value <= 60 && mem->disp.value % 4 == 0);
        return;
    }
    cr_assert(mem->base == ZYDIS_REGISTER_RDI);
    cr_assert(mem->index == ZYDIS_REGISTER_NONE || mem->index == ZYDIS_REGISTER_R9);
    cr_assert(mem->index == ZYDIS_REGISTER_NONE || mem->scale == 1);
    cr_assert(mem->disp.value >= 0 && mem->disp.value < FILTER_PACKET_MAX);
    cr_assert(!(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE));
}

static void check_register(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operand)
{
    static const ZydisRegister writable[] = {ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_RCX,
                                             ZYDIS_REGISTER_RDX, ZYDIS_REGISTER_R8,
                                             ZYDIS_REGISTER_R9};
    const ZydisRegister whole =
        ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand->reg.value);
    bool may_write = operand->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;

    if (!(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
        return;
    for (unsigned i = 0; i < sizeof writable / sizeof writable[0]; i++)
        may_write |= whole == writable[i];
    /* mov esi, esi; and the frame */
    may_write |= whole == ZYDIS_REGISTER_RSI && insn->mnemonic == ZYDIS_MNEMONIC_MOV;
    may_write |= whole == ZYDIS_REGISTER_RSP &&
                 (insn->mnemonic == ZYDIS_MNEMONIC_ADD || insn->mnemonic == ZYDIS_MNEMONIC_SUB);
    cr_assert(may_write);
}

static void check_jump(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operand,
                       size_t at)
{
    const int64_t distance = operand->imm.value.s;

    cr_assert(operand->imm.is_relative && distance >= 0);
    cr_assert(at + insn->length + (uint64_t)distance < size);
    targets[at + insn->length + (uint64_t)distance] = true;
}

static bool moves_stack(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operands,
                        ZydisMnemonic mnemonic)
{
    return insn->mnemonic == mnemonic && operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           operands[0].reg.value == ZYDIS_REGISTER_RSP && operands[1].imm.value.u == 64;
}

static void check_code(void)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction insn = {0};
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    unsigned frames = 0;
    bool frame_dropped = false;

    memset(starts, 0, sizeof starts);
    memset(targets, 0, sizeof targets);
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (size_t at = 0; at < size; at += insn.length) {
        cr_assert(
            ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code + at, size - at, &insn, operands)));
        cr_assert(is_allowed(insn.mnemonic), "%s", ZydisMnemonicGetString(insn.mnemonic));
        starts[at] = true;
        if (insn.mnemonic == ZYDIS_MNEMONIC_RET) {
            cr_assert(frames == 0 || frame_dropped);
            continue;
        }
        frame_dropped = moves_stack(&insn, operands, ZYDIS_MNEMONIC_ADD);
        frames += moves_stack(&insn, operands, ZYDIS_MNEMONIC_SUB);
        for (unsigned i = 0; i < insn.operand_count; i++) {
            if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
                check_memory(&operands[i]);
            else if (operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
                check_register(&insn, &operands[i]);
            else if (operands[i].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
                     operands[i].imm.is_relative)
                check_jump(&insn, &operands[i], at);
        }
    }
    cr_assert(insn.mnemonic == ZYDIS_MNEMONIC_RET);
    cr_assert(frames <= 1);
    for (size_t at = 0; at < size; at++)
        cr_assert(!targets[at] || starts[at]);
}

Test(emitted, code_of_random_programs_does_nothing_that_a_filter_may_not)
{
    struct random random = {.state = 5};

    for (unsigned i = 0; i < 3000; i++) {
        const uint32_t count = i % 100 == 0 ? FILTER_INSNS_MAX : 1 + random_below(&random, 60);

        random_program(&random, insns, count);
        cr_assert(filter_compile(insns, count, &work, code, sizeof code, &size) == FILTER_OK);
        check_code();
    }
}
