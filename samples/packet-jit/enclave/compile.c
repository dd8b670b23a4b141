/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers:
 *   rdi  packet            eax  A           r9   for the moment
 *   rsi  caplen            ecx  X           r8d  len, from the start on
 *   edx  len on entry; dividend and remainder later
 *
 * X is written by 32-bit instructions alone, which clear the upper half: rcx is X as well.
 * All of this writes backward: read a sequence of emits from its last line to its first.
 */
#include "enclave/compile.h"

#include <string.h>

#include "enclave/emit.h"
#include "shared/opcodes.h"

#define FRAME_SIZE 64
_Static_assert(FRAME_SIZE == FILTER_SCRATCH_CELLS * sizeof(uint32_t), "a place for each cell");

struct compiler {
    struct code code;
    struct filter_work *work;
    code_label reject; /* returns the verdict 0 */
    bool frame;        /* some scratch cell is in use */
    bool indexed;      /* some load is at X + k */
    bool length;       /* something reads len */
};

static void emit_return(struct compiler *c)
{
    EMIT(&c->code, 0xc3); /* ret */
    if (c->frame)
        EMIT(&c->code, 0x48, 0x83, 0xc4, FRAME_SIZE); /* add rsp, 64 */
}

/* ------------------------------------------------------------------ loads */

static void emit_absolute_check(struct compiler *c, const struct flow *now, uint32_t end)
{
    if (now->bytes >= end)
        return;
    emit_jump_if(&c->code, IF_BELOW, c->reject);
    emit_alu(&c->code, ALU_CMP, ESI, end);
}

static void emit_indexed_check(struct compiler *c, const struct flow *now, uint32_t end)
{
    static const struct form lea = {3, 2, {0x4c, 0x8d, 0x49}}; /* lea r9, [rcx + ...] */

    if (now->after_x >= end)
        return;
    emit_jump_if(&c->code, IF_ABOVE, c->reject);
    EMIT(&c->code, 0x49, 0x39, 0xf1); /* cmp r9, rsi: neither can have wrapped */
    emit_displaced(&c->code, lea, end);
}

/* A holds size bytes as they lie in memory: make them a number. */
static void emit_swap(struct compiler *c, uint32_t size)
{
    if (size == 4)
        EMIT(&c->code, 0x0f, 0xc8); /* bswap eax */
    else if (size == 2)
        EMIT(&c->code, 0x66, 0xc1, 0xc0, 0x08); /* rol ax, 8 */
}

static void emit_absolute_load(struct compiler *c, const struct filter_insn *insn)
{
    static const struct form word = {2, 1, {0x8b, 0x47}};       /* mov eax, [rdi + k] */
    static const struct form half = {3, 2, {0x0f, 0xb7, 0x47}}; /* movzx eax, word [rdi + k] */
    static const struct form byte = {3, 2, {0x0f, 0xb6, 0x47}}; /* movzx eax, byte [rdi + k] */
    const uint32_t size = flow_load_size(insn);

    emit_swap(c, size);
    emit_displaced(&c->code, size == 4 ? word : size == 2 ? half : byte, insn->k);
}

static void emit_indexed_load(struct compiler *c, const struct filter_insn *insn)
{
    /* As above, of [rdi + r9 + k] */
    static const struct form word = {4, 2, {0x42, 0x8b, 0x44, 0x0f}};
    static const struct form half = {5, 3, {0x42, 0x0f, 0xb7, 0x44, 0x0f}};
    static const struct form byte = {5, 3, {0x42, 0x0f, 0xb6, 0x44, 0x0f}};
    const uint32_t size = flow_load_size(insn);

    emit_swap(c, size);
    emit_displaced(&c->code, size == 4 ? word : size == 2 ? half : byte, insn->k);
    /* movzx r9d, cx: X itself if the check was right, and no more than 64 KiB if it was not. */
    EMIT(&c->code, 0x44, 0x0f, 0xb7, 0xc9);
}

static void emit_header_length(struct compiler *c, const struct filter_insn *insn)
{
    static const struct form byte = {3, 2, {0x0f, 0xb6, 0x4f}}; /* movzx ecx, byte [rdi + k] */

    EMIT(&c->code, 0xc1, 0xe1, 2); /* shl ecx, 2 */
    emit_alu(&c->code, ALU_AND, ECX, 15);
    emit_displaced(&c->code, byte, insn->k);
}

/* The check stays when nobody wants the value: it decides the verdict. */
static void emit_packet_load(struct compiler *c, const struct filter_insn *insn,
                             const struct flow *now, bool wanted)
{
    const uint32_t end = insn->k + flow_load_size(insn);

    if (flow_load_fails(insn)) {
        emit_jump(&c->code, c->reject);
        return;
    }
    if (flow_load_indexed(insn)) {
        if (wanted)
            emit_indexed_load(c, insn);
        emit_indexed_check(c, now, end);
    } else {
        if (wanted && insn->code == OP_LDX_MSH)
            emit_header_length(c, insn);
        else if (wanted)
            emit_absolute_load(c, insn);
        emit_absolute_check(c, now, end);
    }
}

/* ------------------------------------------------------------------ arithmetic */

static bool is_power_of_two(uint32_t k)
{
    return k != 0 && (k & (k - 1)) == 0;
}

static uint8_t exponent_of(uint32_t k)
{
    return (uint8_t)__builtin_ctz(k);
}

static void emit_shift_constant(struct compiler *c, bool left, uint8_t bits)
{
    if (bits != 0)
        EMIT(&c->code, 0xc1, left ? 0xe0 : 0xe8, bits); /* shl or shr eax, bits */
}

/* The processor takes the count modulo 32; the program means 0 from 32 on. */
static void emit_shift_index(struct compiler *c, bool left)
{
    EMIT(&c->code, 0x41, 0x0f, 0x43, 0xc1); /* cmovae eax, r9d */
    emit_alu(&c->code, ALU_CMP, ECX, 32);
    EMIT(&c->code, 0xd3, left ? 0xe0 : 0xe8); /* shl or shr eax, cl */
    emit_set(&c->code, R9D, 0);
}

static void emit_multiply_constant(struct compiler *c, uint32_t k)
{
    if (is_power_of_two(k)) {
        emit_shift_constant(c, true, exponent_of(k));
        return;
    }
    EMIT(&c->code, 0x41, 0x0f, 0xaf, 0xc1); /* imul eax, r9d */
    emit_set(&c->code, R9D, k);
}

static void emit_divide_constant(struct compiler *c, uint32_t k, bool remainder)
{
    if (is_power_of_two(k)) {
        if (remainder)
            emit_alu(&c->code, ALU_AND, EAX, k - 1);
        else
            emit_shift_constant(c, false, exponent_of(k));
        return;
    }
    if (remainder)
        EMIT(&c->code, 0x89, 0xd0);   /* mov eax, edx */
    EMIT(&c->code, 0x41, 0xf7, 0xf1); /* div r9d */
    EMIT(&c->code, 0x31, 0xd2);       /* xor edx, edx */
    emit_set(&c->code, R9D, k);
}

static void emit_divide_index(struct compiler *c, bool remainder, bool wanted)
{
    if (wanted) {
        if (remainder)
            EMIT(&c->code, 0x89, 0xd0); /* mov eax, edx */
        EMIT(&c->code, 0xf7, 0xf1);     /* div ecx */
        EMIT(&c->code, 0x31, 0xd2);     /* xor edx, edx */
    }
    emit_jump_if(&c->code, IF_EQUAL, c->reject);
    EMIT(&c->code, 0x85, 0xc9); /* test ecx, ecx */
}

/* ------------------------------------------------------------------ control */

static enum condition condition_of(uint16_t opcode)
{
    switch (opcode) {
    case OP_JEQ_K:
    case OP_JEQ_X:
        return IF_EQUAL;
    case OP_JGT_K:
    case OP_JGT_X:
        return IF_ABOVE;
    case OP_JGE_K:
    case OP_JGE_X:
        return IF_NOT_BELOW;
    default: /* OP_JSET_K, OP_JSET_X */
        return IF_NOT_EQUAL;
    }
}

static void emit_compare(struct compiler *c, const struct filter_insn *insn)
{
    if (insn->code == OP_JSET_X) {
        EMIT(&c->code, 0x85, 0xc8); /* test eax, ecx */
    } else if (insn->code == OP_JSET_K) {
        const uint32_t k = insn->k;

        EMIT(&c->code, 0xa9, (uint8_t)k, (uint8_t)(k >> 8), (uint8_t)(k >> 16),
             (uint8_t)(k >> 24)); /* test eax, k */
    } else if (insn->code & 8) {
        EMIT(&c->code, 0x39, 0xc8); /* cmp eax, ecx */
    } else {
        emit_alu(&c->code, ALU_CMP, EAX, insn->k);
    }
}

static void emit_branch(struct compiler *c, const struct filter_insn *insn, uint32_t i)
{
    const code_label yes = c->work->start[i + 1 + insn->jt];
    const code_label no = c->work->start[i + 1 + insn->jf];
    const enum condition condition = condition_of(insn->code);

    if (yes == no) {
        emit_jump(&c->code, yes);
        return;
    }
    if (yes == emit_here(&c->code)) {
        emit_jump_if(&c->code, condition ^ 1, no);
    } else {
        emit_jump(&c->code, no);
        emit_jump_if(&c->code, condition, yes);
    }
    emit_compare(c, insn);
}

static void emit_return_constant(struct compiler *c, uint32_t k)
{
    if (k == 0 && emit_here(&c->code) == c->reject)
        return; /* the code that follows does just that */
    emit_return(c);
    emit_set(&c->code, EAX, k);
}

/* ------------------------------------------------------------------ the whole */

static uint8_t cell_offset(const struct filter_insn *insn)
{
    return (uint8_t)(insn->k * sizeof(uint32_t));
}

/* Instructions that only make a value, which somebody wants. */
static void emit_value_insn(struct compiler *c, const struct filter_insn *insn)
{
    struct code *code = &c->code;

    switch (insn->code) {
    case OP_LD_IMM:
        emit_set(code, EAX, insn->k);
        break;
    case OP_LDX_IMM:
        emit_set(code, ECX, insn->k);
        break;
    case OP_LD_LEN:
        EMIT(code, 0x44, 0x89, 0xc0); /* mov eax, r8d */
        break;
    case OP_LDX_LEN:
        EMIT(code, 0x44, 0x89, 0xc1); /* mov ecx, r8d */
        break;
    case OP_LD_MEM:
        EMIT(code, 0x8b, 0x44, 0x24, cell_offset(insn)); /* mov eax, [rsp + 4k] */
        break;
    case OP_LDX_MEM:
        EMIT(code, 0x8b, 0x4c, 0x24, cell_offset(insn));
        break;
    case OP_ST:
        EMIT(code, 0x89, 0x44, 0x24, cell_offset(insn)); /* mov [rsp + 4k], eax */
        break;
    case OP_STX:
        EMIT(code, 0x89, 0x4c, 0x24, cell_offset(insn));
        break;
    case OP_TAX:
        EMIT(code, 0x89, 0xc1); /* mov ecx, eax */
        break;
    case OP_TXA:
        EMIT(code, 0x89, 0xc8); /* mov eax, ecx */
        break;
    case OP_ADD_K:
        emit_alu(code, ALU_ADD, EAX, insn->k);
        break;
    case OP_SUB_K:
        emit_alu(code, ALU_SUB, EAX, insn->k);
        break;
    case OP_OR_K:
        emit_alu(code, ALU_OR, EAX, insn->k);
        break;
    case OP_AND_K:
        emit_alu(code, ALU_AND, EAX, insn->k);
        break;
    case OP_XOR_K:
        emit_alu(code, ALU_XOR, EAX, insn->k);
        break;
    case OP_ADD_X:
        EMIT(code, 0x01, 0xc8); /* add eax, ecx, and so on */
        break;
    case OP_SUB_X:
        EMIT(code, 0x29, 0xc8);
        break;
    case OP_OR_X:
        EMIT(code, 0x09, 0xc8);
        break;
    case OP_AND_X:
        EMIT(code, 0x21, 0xc8);
        break;
    case OP_XOR_X:
        EMIT(code, 0x31, 0xc8);
        break;
    case OP_MUL_K:
        emit_multiply_constant(c, insn->k);
        break;
    case OP_MUL_X:
        EMIT(code, 0x0f, 0xaf, 0xc1); /* imul eax, ecx */
        break;
    case OP_DIV_K:
    case OP_MOD_K:
        emit_divide_constant(c, insn->k, insn->code == OP_MOD_K);
        break;
    case OP_LSH_K:
    case OP_RSH_K:
        emit_shift_constant(c, insn->code == OP_LSH_K, (uint8_t)insn->k);
        break;
    case OP_LSH_X:
    case OP_RSH_X:
        emit_shift_index(c, insn->code == OP_LSH_X);
        break;
    case OP_NEG:
        EMIT(code, 0xf7, 0xd8); /* neg eax */
        break;
    }
}

static void emit_insn(struct compiler *c, const struct filter_insn *insn, uint32_t i)
{
    const struct flow *now = &c->work->flow[i];
    const bool wanted = flow_effect(insn).writes & now->live_after;

    switch (insn->code) {
    case OP_RET_K:
        emit_return_constant(c, insn->k);
        break;
    case OP_RET_A:
        emit_return(c);
        break;
    case OP_JA:
        emit_jump(&c->code, c->work->start[i + 1 + insn->k]);
        break;
    case OP_JEQ_K:
    case OP_JEQ_X:
    case OP_JGT_K:
    case OP_JGT_X:
    case OP_JGE_K:
    case OP_JGE_X:
    case OP_JSET_K:
    case OP_JSET_X:
        emit_branch(c, insn, i);
        break;
    case OP_DIV_X:
    case OP_MOD_X:
        emit_divide_index(c, insn->code == OP_MOD_X, wanted);
        break;
    default:
        if (flow_load_size(insn) != 0)
            emit_packet_load(c, insn, now, wanted);
        else if (wanted)
            emit_value_insn(c, insn);
    }
}

/* What must hold before the first instruction: values that are read unwritten are 0. */
static void emit_entry(struct compiler *c)
{
    const uint32_t live = c->work->flow[0].live;

    if (live & VALUE_X)
        emit_set(&c->code, ECX, 0);
    for (uint8_t i = 0; i < FILTER_SCRATCH_CELLS; i++)
        if (live & (1u << i))
            EMIT(&c->code, 0x89, 0x44, 0x24, (uint8_t)(i * 4)); /* mov [rsp + 4i], eax */
    if (live & (VALUE_A | VALUE_CELLS))
        emit_set(&c->code, EAX, 0);
    if (c->frame)
        EMIT(&c->code, 0x48, 0x83, 0xec, FRAME_SIZE); /* sub rsp, 64 */
    if (c->length)
        EMIT(&c->code, 0x41, 0x89, 0xd0); /* mov r8d, edx */
    if (c->indexed)
        EMIT(&c->code, 0x89, 0xf6); /* mov esi, esi: the ABI leaves the upper half open */
}

static void find_needs(struct compiler *c, const struct filter_insn *insns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct flow *flow = &c->work->flow[i];

        if (!flow->reached)
            continue;
        c->frame |= (flow->live & VALUE_CELLS) != 0;
        c->indexed |= flow_load_indexed(&insns[i]);
        c->length |= insns[i].code == OP_LD_LEN || insns[i].code == OP_LDX_LEN;
    }
}

enum filter_reason filter_compile(const struct filter_insn *insns, uint32_t count,
                                  struct filter_work *work, uint8_t *buffer, size_t capacity,
                                  size_t *ret_size)
{
    struct compiler c = {
        .code = {.floor = buffer, .at = buffer + capacity, .end = buffer + capacity},
        .work = work,
    };

    flow_find(insns, count, work->flow);
    find_needs(&c, insns, count);

    emit_return(&c);
    emit_set(&c.code, EAX, 0);
    c.reject = emit_here(&c.code);
    work->start[count] = c.reject;
    for (uint32_t i = count; i-- > 0;) {
        if (work->flow[i].reached)
            emit_insn(&c, &insns[i], i);
        work->start[i] = emit_here(&c.code);
    }
    emit_entry(&c);
    if (c.code.full)
        return FILTER_CODE_SIZE;

    *ret_size = emit_here(&c.code);
    memmove(buffer, c.code.at, *ret_size);
    return FILTER_OK;
}
