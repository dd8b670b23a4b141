/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that are #UD in enclave mode but #GP for an ordinary application: SDM, "Illegal
 * Instructions" in an enclave.
 */
#include <Zydis/Zydis.h>
#include <string.h>

#include "arch/illegal.h"
#include "run/run.h"
#include "unconfirmed.h"

#define AS_CASE(mnemonic) case ZYDIS_MNEMONIC_##mnemonic:

static bool is_illegal(ZydisMnemonic mnemonic)
{
    switch (mnemonic) {
        SGX_ILLEGAL_INSTRUCTIONS(AS_CASE)
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

UNCONFIRMED(PRIVILEGED);
UNCONFIRMED(MACHINE_INSTRUCTIONS);

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
