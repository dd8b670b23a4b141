/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

#include <string.h>

#include "shared/opcodes.h"

/* splitmix64 */
uint32_t random_number(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32);
}

uint32_t random_below(struct random *random, uint32_t limit)
{
    return random_number(random) % limit;
}

void random_bytes(struct random *random, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_number(random);
}

static const uint16_t opcodes[] = {
#define OPCODE(name, value) (value),
    FILTER_OPCODES(OPCODE)
#undef OPCODE
};

#define OPCODES (sizeof opcodes / sizeof opcodes[0])

/* Numbers of the kinds that code generators get wrong. */
static uint32_t interesting(struct random *random)
{
    static const uint32_t corners[] = {
        0, 1, 2, 127, 128, 129, 255, 256, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, ~0u,
    };

    switch (random_below(random, 4)) {
    case 0:
        return random_number(random);
    case 1:
        return 1u << random_below(random, 32);
    case 2:
        return corners[random_below(random, sizeof corners / sizeof corners[0])];
    default:
        return random_below(random, 64);
    }
}

static uint32_t offset(struct random *random)
{
    switch (random_below(random, 64)) {
    case 0:
        return interesting(random);
    case 1:
        return FILTER_PACKET_MAX - random_below(random, 8);
    default:
        return random_below(random, 48);
    }
}

/* Nearby as a rule, so that most of a program runs; at times as far as it goes. */
static uint32_t distance(struct random *random, uint32_t most)
{
    const uint32_t limit = random_below(random, 16) == 0 ? most + 1 : 4;

    return random_below(random, limit <= most ? limit : most + 1);
}

/* after: instructions that follow, at least 1 */
static struct filter_insn random_insn(struct random *random, uint32_t after)
{
    struct filter_insn insn = {.code = opcodes[random_below(random, OPCODES)]};
    const uint32_t far = after - 1;

    /* Returns end a program: rare, or nothing else would be run. */
    if ((insn.code & 7) == OP_RET_K && random_below(random, 8) != 0)
        insn.code = OP_LDX_MSH;

    switch (insn.code) {
    case OP_LD_W_ABS:
    case OP_LD_H_ABS:
    case OP_LD_B_ABS:
    case OP_LD_W_IND:
    case OP_LD_H_IND:
    case OP_LD_B_IND:
    case OP_LDX_MSH:
        insn.k = offset(random);
        break;
    case OP_LD_MEM:
    case OP_LDX_MEM:
    case OP_ST:
    case OP_STX:
        insn.k = random_below(random, FILTER_SCRATCH_CELLS);
        break;
    case OP_LSH_K:
    case OP_RSH_K:
        insn.k = random_below(random, 32);
        break;
    case OP_DIV_K:
    case OP_MOD_K:
        insn.k = interesting(random);
        insn.k += insn.k == 0;
        break;
    case OP_LDX_IMM:
        insn.k = random_below(random, 4) == 0 ? interesting(random) : random_below(random, 24);
        break;
    case OP_JA:
        insn.k = distance(random, far);
        break;
    default:
        insn.k = interesting(random);
        if ((insn.code & 7) == OP_JA) {
            insn.jt = (uint8_t)distance(random, far < 255 ? far : 255);
            insn.jf = (uint8_t)distance(random, far < 255 ? far : 255);
        }
    }
    return insn;
}

void random_program(struct random *random, struct filter_insn *insns, uint32_t count)
{
    for (uint32_t i = 0; i + 1 < count; i++)
        insns[i] = random_insn(random, count - 1 - i);
    insns[count - 1] = (struct filter_insn){.code = OP_RET_A};
    if (random_below(random, 4) == 0)
        insns[count - 1] = (struct filter_insn){.code = OP_RET_K, .k = interesting(random)};
}

void random_damage(struct random *random, struct filter_insn *insns, uint32_t count)
{
    for (uint32_t times = 1 + random_below(random, 3); times > 0; times--) {
        struct filter_insn *insn = &insns[random_below(random, count)];

        switch (random_below(random, 6)) {
        case 0:
            insn->code = (uint16_t)random_number(random);
            break;
        case 1:
            insn->code = opcodes[random_below(random, OPCODES)];
            break;
        case 2:
            insn->code ^= (uint16_t)(1u << random_below(random, 8));
            break;
        case 3:
            insn->k = interesting(random);
            break;
        case 4:
            insn->jt = (uint8_t)random_number(random);
            break;
        default:
            insn->jf = (uint8_t)random_number(random);
        }
    }
}
