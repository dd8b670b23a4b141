/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that are #UD in enclave mode but #GP for an ordinary application: SDM, "Illegal
 * Instructions" in an enclave.
 */
#include <Zydis/Zydis.h>
#include <string.h>

#include "run/run.h"

static bool is_illegal(ZydisMnemonic mnemonic)
{
    switch (mnemonic) {
    case ZYDIS_MNEMONIC_CPUID:
    case ZYDIS_MNEMONIC_GETSEC:
    case ZYDIS_MNEMONIC_RDPMC:
    case ZYDIS_MNEMONIC_SGDT:
    case ZYDIS_MNEMONIC_SIDT:
    case ZYDIS_MNEMONIC_SLDT:
    case ZYDIS_MNEMONIC_STR:
    case ZYDIS_MNEMONIC_SMSW:
    case ZYDIS_MNEMONIC_VMCALL:
    case ZYDIS_MNEMONIC_VMFUNC:
    case ZYDIS_MNEMONIC_IN:
    case ZYDIS_MNEMONIC_INSB:
    case ZYDIS_MNEMONIC_INSW:
    case ZYDIS_MNEMONIC_INSD:
    case ZYDIS_MNEMONIC_OUT:
    case ZYDIS_MNEMONIC_OUTSB:
    case ZYDIS_MNEMONIC_OUTSW:
    case ZYDIS_MNEMONIC_OUTSD:
    case ZYDIS_MNEMONIC_INT:
    case ZYDIS_MNEMONIC_INT1:
    case ZYDIS_MNEMONIC_INTO:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_LFS:
    case ZYDIS_MNEMONIC_LGS:
    case ZYDIS_MNEMONIC_LSS:
    case ZYDIS_MNEMONIC_SYSCALL:
    case ZYDIS_MNEMONIC_SYSENTER:
        return true;
    default:
        return false;
    }
}

static bool loads_segment(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operand)
{
    return (insn->mnemonic == ZYDIS_MNEMONIC_MOV || insn->mnemonic == ZYDIS_MNEMONIC_POP) &&
           operand[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           ZydisRegisterGetClass(operand[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
}

bool illegal_in_enclave(struct enclave *e, uint64_t rip)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
    size_t size = 0;

    while (size < sizeof bytes) {
        uint32_t frame, pfec;

        if (!enclave_contains(e, rip + size) ||
            !pagetable_walk(e, rip + size, ACCESS_FETCH, &frame, &pfec))
            break;
        bytes[size] = ((uint8_t *)epc_frame(&e->epc, frame))[(rip + size) & (SGX_PAGE_SIZE - 1)];
        size++;
    }
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, &insn, operand)))
        return false;
    return is_illegal(insn.mnemonic) || insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
           loads_segment(&insn, operand);
}
