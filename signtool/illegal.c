/* SPDX-License-Identifier: Apache-2.0 */
#include "illegal.h"

#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "arch/illegal.h"
#include "marks.h"

#define AS_CASE(mnemonic) case ZYDIS_MNEMONIC_##mnemonic:

static const char undefined[] = "raises #UD inside an enclave";
static const char privileged[] = "is privileged: raises #GP or #UD";

/* Prepared once; a decoder and a formatter hold no state of an instruction. */
static ZydisDecoder decoder;
static ZydisFormatter formatter;

static void prepare(void)
{
    static bool ready;

    if (ready)
        return;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ready = true;
}

static bool writes_segment(const ZydisDecodedInstruction *i, const ZydisDecodedOperand *operand)
{
    return (i->mnemonic == ZYDIS_MNEMONIC_MOV || i->mnemonic == ZYDIS_MNEMONIC_POP) &&
           operand[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           ZydisRegisterGetClass(operand[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
}

/* SDM, "Intel SGX", "Instructions illegal inside an enclave". */
static const char *judge(const ZydisDecodedInstruction *i, const ZydisDecodedOperand *operand)
{
    switch (i->mnemonic) {
        SGX_ILLEGAL_INSTRUCTIONS(AS_CASE)
        return undefined;
    case ZYDIS_MNEMONIC_CLI:
    case ZYDIS_MNEMONIC_LGDT:
    case ZYDIS_MNEMONIC_LIDT:
    case ZYDIS_MNEMONIC_LLDT:
    case ZYDIS_MNEMONIC_LTR:
    case ZYDIS_MNEMONIC_STI:
    case ZYDIS_MNEMONIC_ENCLS:
    case ZYDIS_MNEMONIC_ENCLV:
    case ZYDIS_MNEMONIC_VMMCALL:
        return privileged;
    default:
        break;
    }
    if (i->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR || writes_segment(i, operand))
        return undefined;
    return i->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED ? privileged : NULL;
}

static const char *examine(const uint8_t *bytes, size_t size, size_t *ret_length,
                           ZydisDecodedInstruction *ret_instruction,
                           ZydisDecodedOperand *ret_operands)
{
    prepare();
    if (!ZYAN_SUCCESS(
            ZydisDecoderDecodeFull(&decoder, bytes, size, ret_instruction, ret_operands))) {
        *ret_length = 0;
        return NULL;
    }
    *ret_length = ret_instruction->length;
    return judge(ret_instruction, ret_operands);
}

const char *illegal_instruction(const uint8_t *bytes, size_t size, size_t *ret_length)
{
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    return examine(bytes, size, ret_length, &instruction, operands);
}

struct sweep {
    illegal_found *found;
    void *arg;
    long count;
    struct mark function; /* the last one that began; function is NULL before the first */
};

static void report(struct sweep *s, uint64_t address, const char *why,
                   const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *operands)
{
    struct illegal i = {
        .address = address,
        .function = s->function.function,
        .function_offset = address - s->function.address,
        .why = why,
    };

    ZydisFormatterFormatInstruction(&formatter, instruction, operands,
                                    instruction->operand_count_visible, i.text, sizeof i.text,
                                    address, NULL);
    s->count++;
    if (s->found)
        s->found(s->arg, &i);
}

/* From one mark to the next. Bytes that are no instruction are stepped over one by one. */
static void sweep_piece(struct sweep *s, const uint8_t *bytes, size_t size, uint64_t address)
{
    for (size_t at = 0; at < size;) {
        ZydisDecodedInstruction instruction;
        ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
        size_t length;
        const char *why = examine(bytes + at, size - at, &length, &instruction, operands);

        if (why)
            report(s, address + at, why, &instruction, operands);
        at += length ? length : 1;
    }
}

static void sweep_segment(struct sweep *s, const struct elf *elf, const struct elf_segment *segment,
                          const struct marks *marks)
{
    const uint8_t *bytes = elf->bytes + segment->file_offset;
    uint64_t begin = segment->offset;
    uint64_t end = segment->offset + segment->file_size;
    uint64_t at = begin;

    s->function = (struct mark){0};
    for (size_t i = 0; i <= marks->count; i++) {
        uint64_t next = i < marks->count ? marks->mark[i].address : end;

        if (next < begin || next > end)
            continue;
        sweep_piece(s, bytes + (at - begin), next - at, at);
        at = next;
        if (i < marks->count && (marks->mark[i].function || next > s->function.address))
            s->function = marks->mark[i];
    }
}

long illegal_sweep(const struct elf *elf, illegal_found *found, void *arg)
{
    struct sweep s = {.found = found, .arg = arg};
    struct marks marks;

    if (marks_collect(elf, &marks) < 0)
        return -1;
    for (size_t i = 0; i < elf->segment_count; i++) {
        if (elf->segment[i].perm & AP_PERM_X)
            sweep_segment(&s, elf, &elf->segment[i], &marks);
    }
    free(marks.mark);
    return s.count;
}
