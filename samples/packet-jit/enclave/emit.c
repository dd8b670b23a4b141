/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/emit.h"

#include <string.h>

void emit_bytes(struct code *code, const uint8_t *bytes, size_t size)
{
    if (code->full || (size_t)(code->at - code->floor) < size) {
        code->full = true;
        return;
    }
    code->at -= size;
    memcpy(code->at, bytes, size);
}

static void emit_value(struct code *code, uint32_t value)
{
    EMIT(code, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
         (uint8_t)(value >> 24));
}

/* value is what its low byte yields when it is sign extended */
static bool fits_byte(uint32_t value)
{
    return value + 128 < 256;
}

code_label emit_here(const struct code *code)
{
    return (code_label)(code->end - code->at);
}

void emit_jump(struct code *code, code_label target)
{
    const uint32_t distance = emit_here(code) - target;

    if (distance == 0)
        return;
    if (distance < 128) {
        EMIT(code, 0xeb, (uint8_t)distance);
        return;
    }
    emit_value(code, distance);
    EMIT(code, 0xe9);
}

void emit_jump_if(struct code *code, enum condition condition, code_label target)
{
    const uint32_t distance = emit_here(code) - target;

    if (distance == 0)
        return;
    if (distance < 128) {
        EMIT(code, (uint8_t)(0x70 | condition), (uint8_t)distance);
        return;
    }
    emit_value(code, distance);
    EMIT(code, 0x0f, (uint8_t)(0x80 | condition));
}

void emit_displaced(struct code *code, struct form form, uint32_t displacement)
{
    if (fits_byte(displacement)) {
        EMIT(code, (uint8_t)displacement);
    } else {
        emit_value(code, displacement);
        form.bytes[form.modrm] ^= 0xc0; /* mod 01 to mod 10 */
    }
    emit_bytes(code, form.bytes, form.size);
}

void emit_alu(struct code *code, enum alu op, enum reg reg, uint32_t immediate)
{
    const uint8_t modrm = (uint8_t)(0xc0 | op << 3 | reg);

    if (fits_byte(immediate)) {
        EMIT(code, 0x83, modrm, (uint8_t)immediate);
        return;
    }
    emit_value(code, immediate);
    if (reg == EAX)
        EMIT(code, (uint8_t)(op << 3 | 5));
    else
        EMIT(code, 0x81, modrm);
}

void emit_set(struct code *code, enum reg reg, uint32_t value)
{
    const uint8_t number = reg & 7;

    if (value == 0) {
        EMIT(code, 0x31, (uint8_t)(0xc0 | number << 3 | number));
    } else {
        emit_value(code, value);
        EMIT(code, (uint8_t)(0xb8 | number));
    }
    if (reg == R9D)
        EMIT(code, value == 0 ? 0x45 : 0x41);
}
