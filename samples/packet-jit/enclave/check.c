/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/check.h"

#include <stdbool.h>

#include "shared/opcodes.h"

/* after: instructions that follow this one, so the largest distance plus one. */
static enum filter_reason check_jump(const struct filter_insn *insn, uint32_t after)
{
    if (insn->code == OP_JA) {
        if (insn->k >> 31)
            return FILTER_BACKWARD_JUMP;
        return insn->k < after ? FILTER_OK : FILTER_JUMP_RANGE;
    }
    return insn->jt < after && insn->jf < after ? FILTER_OK : FILTER_JUMP_RANGE;
}

static enum filter_reason check_insn(const struct filter_insn *insn, uint32_t after)
{
    switch (insn->code) {
    case OP_LD_IMM:
    case OP_LD_W_ABS:
    case OP_LD_H_ABS:
    case OP_LD_B_ABS:
    case OP_LD_W_IND:
    case OP_LD_H_IND:
    case OP_LD_B_IND:
    case OP_LD_LEN:
    case OP_LDX_IMM:
    case OP_LDX_LEN:
    case OP_LDX_MSH:
    case OP_ADD_K:
    case OP_ADD_X:
    case OP_SUB_K:
    case OP_SUB_X:
    case OP_MUL_K:
    case OP_MUL_X:
    case OP_DIV_X:
    case OP_OR_K:
    case OP_OR_X:
    case OP_AND_K:
    case OP_AND_X:
    case OP_LSH_X:
    case OP_RSH_X:
    case OP_NEG:
    case OP_MOD_X:
    case OP_XOR_K:
    case OP_XOR_X:
    case OP_RET_K:
    case OP_RET_A:
    case OP_TAX:
    case OP_TXA:
        return FILTER_OK;

    case OP_DIV_K:
    case OP_MOD_K:
        return insn->k != 0 ? FILTER_OK : FILTER_DIVIDE_BY_ZERO;

    case OP_LSH_K:
    case OP_RSH_K:
        return insn->k < 32 ? FILTER_OK : FILTER_SHIFT_RANGE;

    case OP_LD_MEM:
    case OP_LDX_MEM:
    case OP_ST:
    case OP_STX:
        return insn->k < FILTER_SCRATCH_CELLS ? FILTER_OK : FILTER_SCRATCH_RANGE;

    case OP_JA:
    case OP_JEQ_K:
    case OP_JEQ_X:
    case OP_JGT_K:
    case OP_JGT_X:
    case OP_JGE_K:
    case OP_JGE_X:
    case OP_JSET_K:
    case OP_JSET_X:
        return check_jump(insn, after);

    default:
        return FILTER_BAD_OPCODE;
    }
}

enum filter_reason filter_check(const struct filter_insn *insns, uint32_t count,
                                uint32_t *ret_index)
{
    *ret_index = 0;
    if (count == 0)
        return FILTER_EMPTY;
    if (count > FILTER_INSNS_MAX)
        return FILTER_TOO_LONG;

    for (uint32_t i = 0; i < count; i++) {
        enum filter_reason reason = check_insn(&insns[i], count - 1 - i);

        if (reason != FILTER_OK) {
            *ret_index = i;
            return reason;
        }
    }
    if (insns[count - 1].code != OP_RET_K && insns[count - 1].code != OP_RET_A) {
        *ret_index = count - 1;
        return FILTER_NO_RETURN;
    }
    return FILTER_OK;
}
