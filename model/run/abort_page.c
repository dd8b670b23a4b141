/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Abort-page semantics for host code: an access to enclave memory that the EPCM withholds does not
 * fault; reads give ones and writes vanish. The instruction is decoded and stepped over.
 *
 * Done here are plain moves between memory and general registers, and any instruction that only
 * stores. For others the host gets the SIGSEGV that this model's mirror of the EPCM raised.
 */
#include <Zydis/Zydis.h>

#include "run/run.h"

/* General registers in Zydis' order of encoding. */
static const int encoding[] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static bool set_ones(ucontext_t *uc, ZydisRegister reg, uint64_t value, unsigned bits)
{
    const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
    const ZyanI8 id = ZydisRegisterGetId(whole);
    greg_t *to;

    if (ZydisRegisterGetClass(whole) != ZYDIS_REGCLASS_GPR64 || id < 0 || id > 15)
        return false;
    to = &uc->uc_mcontext.gregs[encoding[id]];
    if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        *to |= 0xff00;
    else if (bits >= 32) /* a 32-bit write clears the upper half */
        *to = (greg_t)(bits == 64 ? value : value & 0xffffffff);
    else
        *to = (greg_t)(((uint64_t)*to & ~((UINT64_C(1) << bits) - 1)) |
                       (value & ((UINT64_C(1) << bits) - 1)));
    return true;
}

bool abort_page_emulate(ucontext_t *uc)
{
    greg_t *gregs = uc->uc_mcontext.gregs;
    ZydisDecoder decoder;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    uint64_t value = ~UINT64_C(0);

    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, (const void *)gregs[REG_RIP],
                                             ZYDIS_MAX_INSTRUCTION_LENGTH, &insn, op)))
        return false;

    switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_MOVZX:
        value = (UINT64_C(1) << op[1].size) - 1;
        break;
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
        break;
    default:
        /* A store and nothing else. */
        if (insn.operand_count_visible == 2 && op[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            op[0].actions == ZYDIS_OPERAND_ACTION_WRITE &&
            !(insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPNE)))
            break;
        return false;
    }
    if (op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
        !set_ones(uc, op[0].reg.value, value, op[0].size))
        return false;
    gregs[REG_RIP] += insn.length;
    return true;
}
