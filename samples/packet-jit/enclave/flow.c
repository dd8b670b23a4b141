/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/flow.h"

#include "shared/opcodes.h"

struct effect flow_effect(const struct filter_insn *insn)
{
    const uint32_t cell = 1u << (insn->k % FILTER_SCRATCH_CELLS);

    switch (insn->code) {
    case OP_LD_W_ABS:
    case OP_LD_H_ABS:
    case OP_LD_B_ABS:
    case OP_LD_IMM:
    case OP_LD_LEN:
        return (struct effect){.writes = VALUE_A};
    case OP_LD_W_IND:
    case OP_LD_H_IND:
    case OP_LD_B_IND:
        return (struct effect){.guards = VALUE_X, .writes = VALUE_A};
    case OP_LD_MEM:
        return (struct effect){.reads = cell, .writes = VALUE_A};
    case OP_LDX_IMM:
    case OP_LDX_LEN:
    case OP_LDX_MSH:
        return (struct effect){.writes = VALUE_X};
    case OP_LDX_MEM:
        return (struct effect){.reads = cell, .writes = VALUE_X};
    case OP_ST:
        return (struct effect){.reads = VALUE_A, .writes = cell};
    case OP_STX:
        return (struct effect){.reads = VALUE_X, .writes = cell};
    case OP_TAX:
        return (struct effect){.reads = VALUE_A, .writes = VALUE_X};
    case OP_TXA:
        return (struct effect){.reads = VALUE_X, .writes = VALUE_A};

    case OP_ADD_K:
    case OP_SUB_K:
    case OP_MUL_K:
    case OP_DIV_K:
    case OP_MOD_K:
    case OP_OR_K:
    case OP_AND_K:
    case OP_XOR_K:
    case OP_LSH_K:
    case OP_RSH_K:
    case OP_NEG:
        return (struct effect){.reads = VALUE_A, .writes = VALUE_A};
    case OP_ADD_X:
    case OP_SUB_X:
    case OP_MUL_X:
    case OP_OR_X:
    case OP_AND_X:
    case OP_XOR_X:
    case OP_LSH_X:
    case OP_RSH_X:
        return (struct effect){.reads = VALUE_A | VALUE_X, .writes = VALUE_A};
    case OP_DIV_X:
    case OP_MOD_X:
        return (struct effect){.guards = VALUE_X, .reads = VALUE_A, .writes = VALUE_A};

    case OP_JEQ_K:
    case OP_JGT_K:
    case OP_JGE_K:
    case OP_JSET_K:
    case OP_RET_A:
        return (struct effect){.guards = VALUE_A};
    case OP_JEQ_X:
    case OP_JGT_X:
    case OP_JGE_X:
    case OP_JSET_X:
        return (struct effect){.guards = VALUE_A | VALUE_X};
    default: /* OP_JA, OP_RET_K */
        return (struct effect){0};
    }
}

uint32_t flow_load_size(const struct filter_insn *insn)
{
    switch (insn->code) {
    case OP_LD_W_ABS:
    case OP_LD_W_IND:
        return 4;
    case OP_LD_H_ABS:
    case OP_LD_H_IND:
        return 2;
    case OP_LD_B_ABS:
    case OP_LD_B_IND:
    case OP_LDX_MSH:
        return 1;
    default:
        return 0;
    }
}

bool flow_load_indexed(const struct filter_insn *insn)
{
    return insn->code == OP_LD_W_IND || insn->code == OP_LD_H_IND || insn->code == OP_LD_B_IND;
}

bool flow_load_fails(const struct filter_insn *insn)
{
    const uint32_t size = flow_load_size(insn);

    return size != 0 && insn->k > FILTER_PACKET_MAX - size;
}

static uint32_t min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* One more path leads to `to`: what holds there is what holds on every path. */
static void join(struct flow *to, const struct flow *from)
{
    if (to->reached) {
        to->bytes = min(to->bytes, from->bytes);
        to->after_x = min(to->after_x, from->after_x);
    } else {
        *to = *from;
    }
}

/* What holds after an instruction that did not end the program. */
static struct flow step(const struct filter_insn *insn, struct flow now)
{
    const uint32_t size = flow_load_size(insn);

    if (size != 0) {
        now.bytes = max(now.bytes, insn->k + size);
        if (flow_load_indexed(insn))
            now.after_x = max(now.after_x, insn->k + size);
    }
    if (flow_effect(insn).writes & VALUE_X)
        now.after_x = 0;
    return now;
}

static void walk_down(const struct filter_insn *insns, uint32_t count, struct flow *flow)
{
    flow[0].reached = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct filter_insn *insn = &insns[i];

        if (!flow[i].reached)
            continue;
        switch (insn->code & 7) {
        case OP_RET_K & 7:
            break;
        case OP_JA & 7:
            join(&flow[i + 1 + (insn->code == OP_JA ? insn->k : insn->jt)], &flow[i]);
            if (insn->code != OP_JA)
                join(&flow[i + 1 + insn->jf], &flow[i]);
            break;
        default:
            if (!flow_load_fails(insn)) {
                const struct flow after = step(insn, flow[i]);

                join(&flow[i + 1], &after);
            }
        }
    }
}

/* What may be read after instruction i. Rows below it are final; unreached ones are empty. */
static uint32_t live_after(const struct filter_insn *insns, const struct flow *flow, uint32_t i)
{
    const struct filter_insn *insn = &insns[i];

    if ((insn->code & 7) == (OP_RET_K & 7) || flow_load_fails(insn))
        return 0;
    if (insn->code == OP_JA)
        return flow[i + 1 + insn->k].live;
    if ((insn->code & 7) == (OP_JA & 7))
        return flow[i + 1 + insn->jt].live | flow[i + 1 + insn->jf].live;
    return flow[i + 1].live;
}

static void walk_up(const struct filter_insn *insns, uint32_t count, struct flow *flow)
{
    for (uint32_t i = count; i-- > 0;) {
        const struct effect effect = flow_effect(&insns[i]);
        const uint32_t after = live_after(insns, flow, i);

        if (!flow[i].reached)
            continue;
        flow[i].live_after = after;
        flow[i].live = after & ~effect.writes;
        if (after & effect.writes)
            flow[i].live |= effect.reads;
        if (!flow_load_fails(&insns[i]))
            flow[i].live |= effect.guards;
    }
}

void flow_find(const struct filter_insn *insns, uint32_t count, struct flow *ret_flow)
{
    for (uint32_t i = 0; i < count; i++)
        ret_flow[i] = (struct flow){0};
    walk_down(insns, count, ret_flow);
    walk_up(insns, count, ret_flow);
}
