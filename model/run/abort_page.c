/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Abort-page semantics for host code: an access to enclave memory that it must not see does not
 * fault; reads give ones and writes vanish.
 *
 * Moves between memory and general registers are most of what programs do, and are carried out
 * here. Any other instruction runs on a scratch page: redirect.h.
 */
#include <Zydis/Zydis.h>

#include "run/redirect.h"
#include "run/run.h"
#include "unconfirmed.h"

const int context_encoding[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

UNCONFIRMED(ABORT_PATTERN);

static bool set_ones(ucontext_t *uc, ZydisRegister reg, uint64_t value, unsigned bits)
{
    const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
    const ZyanI8 id = ZydisRegisterGetId(whole);
    greg_t *to;

    if (ZydisRegisterGetClass(whole) != ZYDIS_REGCLASS_GPR64 || id < 0 || id > 15)
        return false;
    to = &uc->uc_mcontext.gregs[context_encoding[id]];
    if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        *to |= 0xff00;
    else if (bits >= 32) /* a 32-bit write clears the upper half */
        *to = (greg_t)(bits == 64 ? value : value & 0xffffffff);
    else
        *to = (greg_t)(((uint64_t)*to & ~((UINT64_C(1) << bits) - 1)) |
                       (value & ((UINT64_C(1) << bits) - 1)));
    return true;
}

/* A near jump or call through memory goes to an address of ones; a call says where it came from. */
static bool branch(ucontext_t *uc, const ZydisDecodedInstruction *insn)
{
    greg_t *gregs = uc->uc_mcontext.gregs;
    const uint64_t next = (uint64_t)gregs[REG_RIP] + insn->length;

    if (insn->mnemonic == ZYDIS_MNEMONIC_CALL) {
        if (user_write((uint64_t)gregs[REG_RSP] - sizeof next, &next, sizeof next) < 0)
            return false;
        gregs[REG_RSP] -= (greg_t)sizeof next;
    }
    gregs[REG_RIP] = -1;
    return true;
}

static bool is_branch(const ZydisDecodedInstruction *insn)
{
    return insn->meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR &&
           (insn->mnemonic == ZYDIS_MNEMONIC_CALL || insn->mnemonic == ZYDIS_MNEMONIC_JMP) &&
           insn->attributes & ZYDIS_ATTRIB_HAS_MODRM;
}

/* False: not one of the simple ones. */
static bool carry_out(ucontext_t *uc, const ZydisDecodedInstruction *insn,
                      const ZydisDecodedOperand *op)
{
    uint64_t value = ~UINT64_C(0);

    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_MOVZX:
        value = (UINT64_C(1) << op[1].size) - 1;
        break;
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
        break;
    case ZYDIS_MNEMONIC_XLAT: /* its operand is named by no ModRM */
        uc->uc_mcontext.gregs[REG_RAX] |= 0xff;
        return true;
    case ZYDIS_MNEMONIC_MASKMOVQ: /* nor is theirs, and they only store */
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU:
        return true;
    default:
        return false;
    }
    return op[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
           set_ones(uc, op[0].reg.value, value, op[0].size);
}

/* The bytes at RIP, which could be executed a moment ago; those of the next page may not be there.
 */
size_t fetch_host(uint64_t rip, uint8_t *to, size_t size)
{
    const size_t page = SGX_PAGE_SIZE - (rip & (SGX_PAGE_SIZE - 1));
    const size_t first = page < size ? page : size;

    if (user_read(to, rip, size) == 0)
        return size;
    return user_read(to, rip, first) == 0 ? first : 0;
}

bool abort_page_emulate(ucontext_t *uc, hidden_fn *hidden)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t code[ZYDIS_MAX_INSTRUCTION_LENGTH];
    const size_t size = fetch_host((uint64_t)uc->uc_mcontext.gregs[REG_RIP], code, sizeof code);

    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, size, &insn, op)))
        return false;
    if (is_branch(&insn))
        return branch(uc, &insn);
    if (!carry_out(uc, &insn, op))
        return redirect_begin(uc, code, size, hidden);
    uc->uc_mcontext.gregs[REG_RIP] += insn.length;
    return true;
}
