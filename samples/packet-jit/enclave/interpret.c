/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/interpret.h"

#include <stdbool.h>
#include <stddef.h>

#include "shared/opcodes.h"

struct packet {
    const uint8_t *bytes;
    uint32_t caplen;
};

/*
 * Where size bytes at index + k are, or NULL if they were not all captured.
 *
 * The program and the packets are the host's, so it could train the bounds check and then have it
 * mispredicted, with an offset anywhere in 4 GiB. Cutting the checked offset to 16 bits changes
 * nothing on the right path and keeps the wrong one close to the packet. The empty asm hides from
 * the compiler that the check has made the cut redundant.
 */
static inline const uint8_t *reach(const struct packet *p, uint32_t index, uint32_t k,
                                   unsigned size)
{
    uint64_t offset = (uint64_t)index + k;

    if (offset + size > p->caplen)
        return NULL;
    __asm__("" : "+r"(offset));
    return p->bytes + (offset & 0xffff);
}

/* Freestanding, memcpy() is a call; the builtin is the one instruction that this should be. */
static inline bool load_word(const uint8_t *at, uint32_t *ret_value)
{
    uint32_t raw;

    if (at == NULL)
        return false;
    __builtin_memcpy(&raw, at, sizeof raw);
    *ret_value = __builtin_bswap32(raw);
    return true;
}

static inline bool load_half(const uint8_t *at, uint32_t *ret_value)
{
    uint16_t raw;

    if (at == NULL)
        return false;
    __builtin_memcpy(&raw, at, sizeof raw);
    *ret_value = __builtin_bswap16(raw);
    return true;
}

static inline bool load_byte(const uint8_t *at, uint32_t *ret_value)
{
    if (at == NULL)
        return false;
    *ret_value = *at;
    return true;
}

uint32_t filter_interpret(const struct filter_insn *insns, const uint8_t *packet, uint32_t caplen,
                          uint32_t len)
{
    const struct packet p = {packet, caplen};
    uint32_t cell[FILTER_SCRATCH_CELLS] = {0};
    uint32_t a = 0;
    uint32_t x = 0;

    for (const struct filter_insn *at = insns;; at++) {
        const uint32_t k = at->k;

        switch (at->code) {
        case OP_LD_IMM:
            a = k;
            break;
        case OP_LD_W_ABS:
            if (!load_word(reach(&p, 0, k, 4), &a))
                return 0;
            break;
        case OP_LD_H_ABS:
            if (!load_half(reach(&p, 0, k, 2), &a))
                return 0;
            break;
        case OP_LD_B_ABS:
            if (!load_byte(reach(&p, 0, k, 1), &a))
                return 0;
            break;
        case OP_LD_W_IND:
            if (!load_word(reach(&p, x, k, 4), &a))
                return 0;
            break;
        case OP_LD_H_IND:
            if (!load_half(reach(&p, x, k, 2), &a))
                return 0;
            break;
        case OP_LD_B_IND:
            if (!load_byte(reach(&p, x, k, 1), &a))
                return 0;
            break;
        case OP_LD_MEM:
            a = cell[k];
            break;
        case OP_LD_LEN:
            a = len;
            break;

        case OP_LDX_IMM:
            x = k;
            break;
        case OP_LDX_MEM:
            x = cell[k];
            break;
        case OP_LDX_LEN:
            x = len;
            break;
        case OP_LDX_MSH:
            if (!load_byte(reach(&p, 0, k, 1), &x))
                return 0;
            x = (x & 15) * 4;
            break;

        case OP_ST:
            cell[k] = a;
            break;
        case OP_STX:
            cell[k] = x;
            break;

        case OP_ADD_K:
            a += k;
            break;
        case OP_ADD_X:
            a += x;
            break;
        case OP_SUB_K:
            a -= k;
            break;
        case OP_SUB_X:
            a -= x;
            break;
        case OP_MUL_K:
            a *= k;
            break;
        case OP_MUL_X:
            a *= x;
            break;
        case OP_DIV_K:
            a /= k;
            break;
        case OP_DIV_X:
            if (x == 0)
                return 0;
            a /= x;
            break;
        case OP_MOD_K:
            a %= k;
            break;
        case OP_MOD_X:
            if (x == 0)
                return 0;
            a %= x;
            break;
        case OP_OR_K:
            a |= k;
            break;
        case OP_OR_X:
            a |= x;
            break;
        case OP_AND_K:
            a &= k;
            break;
        case OP_AND_X:
            a &= x;
            break;
        case OP_XOR_K:
            a ^= k;
            break;
        case OP_XOR_X:
            a ^= x;
            break;
        case OP_LSH_K:
            a <<= k;
            break;
        case OP_LSH_X:
            a = x < 32 ? a << x : 0;
            break;
        case OP_RSH_K:
            a >>= k;
            break;
        case OP_RSH_X:
            a = x < 32 ? a >> x : 0;
            break;
        case OP_NEG:
            a = 0 - a;
            break;

        case OP_JA:
            at += k;
            break;
        case OP_JEQ_K:
            at += a == k ? at->jt : at->jf;
            break;
        case OP_JEQ_X:
            at += a == x ? at->jt : at->jf;
            break;
        case OP_JGT_K:
            at += a > k ? at->jt : at->jf;
            break;
        case OP_JGT_X:
            at += a > x ? at->jt : at->jf;
            break;
        case OP_JGE_K:
            at += a >= k ? at->jt : at->jf;
            break;
        case OP_JGE_X:
            at += a >= x ? at->jt : at->jf;
            break;
        case OP_JSET_K:
            at += a & k ? at->jt : at->jf;
            break;
        case OP_JSET_X:
            at += a & x ? at->jt : at->jf;
            break;

        case OP_TAX:
            x = a;
            break;
        case OP_TXA:
            a = x;
            break;
        case OP_RET_A:
            return a;
        case OP_RET_K:
            return k;
        default:
            return 0; /* not in a checked program */
        }
    }
}
