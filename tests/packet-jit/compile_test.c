/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler as a writer into memory: sizes, limits, the longest programs.
 */
#include "enclave/compile.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "enclave/check.h"
#include "enclave/interpret.h"
#include "host/expressions.h"
#include "host/program.h"
#include "native.h"
#include "random.h"
#include "shared/opcodes.h"

static struct filter_work work;
static struct filter_insn insns[FILTER_INSNS_MAX];
static uint8_t buffer[FILTER_CODE_MAX + 64];

/* 32 bytes on either side that must stay as they are. */
static uint8_t *const room = buffer + 32;

static size_t compile(uint32_t count, size_t capacity)
{
    size_t size = 0;

    memset(buffer, 0xa5, sizeof buffer);
    if (filter_compile(insns, count, &work, room, capacity, &size) != FILTER_OK) {
        cr_expect(size == 0);
        size = 0;
    }
    for (unsigned i = 0; i < 32; i++) {
        cr_assert(buffer[i] == 0xa5);
        cr_assert(room[capacity + i] == 0xa5);
    }
    return size;
}

Test(compile, a_buffer_of_the_exact_size_is_enough_and_a_smaller_one_is_refused_untouched_outside)
{
    struct random random = {.state = 3};

    for (unsigned i = 0; i < 300; i++) {
        const uint32_t count = 1 + random_below(&random, 30);
        size_t size;

        random_program(&random, insns, count);
        size = compile(count, FILTER_CODE_MAX);
        cr_assert(size > 0);
        cr_expect(compile(count, size) == size);
        for (size_t capacity = 0; capacity < size; capacity++)
            cr_assert(compile(count, capacity) == 0);
    }
}

Test(compile, the_same_program_gives_the_same_bytes_whatever_the_room)
{
    static uint8_t first[FILTER_CODE_MAX];
    struct random random = {.state = 4};
    size_t size;

    random_program(&random, insns, 2000);
    size = compile(2000, FILTER_CODE_MAX);
    memcpy(first, room, size);
    cr_expect(compile(2000, size + 1) == size);
    cr_expect(memcmp(first, room, size) == 0);
}

/* The bulkiest instructions there are: a load with a check of its own, and a far branch. */
Test(compile, no_program_needs_more_than_the_stated_maximum)
{
    for (uint32_t i = 0; i < FILTER_INSNS_MAX; i++) {
        const uint8_t far = i + 202 < FILTER_INSNS_MAX ? 200 : 0;

        insns[i] = i % 2 ? (struct filter_insn){OP_JEQ_X, 0, far, 0}
                         : (struct filter_insn){OP_LD_H_IND, 0, 0, 0x1000 + i};
    }
    insns[FILTER_INSNS_MAX - 1] = (struct filter_insn){OP_RET_A, 0, 0, 0};
    cr_expect(compile(FILTER_INSNS_MAX, FILTER_CODE_MAX) > 80000);

    for (uint32_t i = 0; i + 1 < FILTER_INSNS_MAX; i++)
        insns[i] = (struct filter_insn){OP_MOD_X, 0, 0, 0};
    cr_expect(compile(FILTER_INSNS_MAX, FILTER_CODE_MAX) > 40000);
}

/* Every distance in bytes around the one where jumps change their size: NEG takes 2, LD_LEN 3. */
Test(compile, near_and_far_jumps_arrive)
{
    const uint8_t byte = 7;

    for (uint32_t distance = 1; distance < FILTER_INSNS_MAX - 4;
         distance = distance < 300 ? distance + 1 : distance * 3 / 2) {
        for (uint32_t odd = 0; odd < 2; odd++) {
            insns[0] = (struct filter_insn){OP_LD_B_ABS, 0, 0, 0};
            insns[1] = (struct filter_insn){OP_JEQ_K, 1, 0, byte};
            insns[2] = (struct filter_insn){OP_JA, 0, 0, distance};
            for (uint32_t i = 3; i < distance + 2; i++)
                insns[i] = (struct filter_insn){OP_NEG, 0, 0, 0};
            insns[distance + 2] = (struct filter_insn){odd ? OP_LD_LEN : OP_NEG, 0, 0, 0};
            insns[distance + 3] = (struct filter_insn){OP_RET_A, 0, 0, 0};
            native_load(insns, distance + 4);
            cr_expect(native_run(native_place(&byte, 1), 1, 99) == (odd            ? 99u
                                                                    : distance % 2 ? -7u
                                                                                   : 7u));
            cr_expect(native_run(native_place("\5", 1), 1, 99) == 5);
        }
    }
}

Test(compile, code_that_no_path_reaches_and_values_that_nobody_reads_cost_nothing)
{
    static const struct filter_insn direct[] = {{OP_LD_LEN, 0, 0, 0}, {OP_RET_A, 0, 0, 0}};
    static const struct filter_insn padded[] = {
        {OP_LDX_IMM, 0, 0, 5}, {OP_STX, 0, 0, 3},      {OP_LD_IMM, 0, 0, 9}, {OP_MUL_K, 0, 0, 7},
        {OP_JA, 0, 0, 1},      {OP_LD_W_ABS, 0, 0, 0}, {OP_LD_LEN, 0, 0, 0}, {OP_RET_A, 0, 0, 0},
    };
    size_t size;

    memcpy(insns, direct, sizeof direct);
    size = compile(2, FILTER_CODE_MAX);
    memcpy(insns, padded, sizeof padded);
    cr_expect(compile(8, FILTER_CODE_MAX) == size);
}

Test(compile, a_bounds_check_that_every_path_has_made_is_not_made_again)
{
    static const struct filter_insn load = {OP_LD_W_ABS, 0, 0, 40};
    static const struct filter_insn add = {OP_TAX, 0, 0, 0};
    static const struct filter_insn sum[] = {
        {OP_LD_W_ABS, 0, 0, 36}, {OP_ADD_X, 0, 0, 0}, {OP_RET_A, 0, 0, 0}};
    size_t falling;
    size_t rising;

    insns[0] = load;
    insns[1] = add;
    memcpy(insns + 2, sum, sizeof sum);
    falling = compile(5, FILTER_CODE_MAX);
    insns[2].k = 44;
    rising = compile(5, FILTER_CODE_MAX);
    cr_expect(falling == rising - 5, "cmp and jb: %zu, %zu", falling, rising);
}

/* A check on one arm only must not count after the arms have met. */
Test(compile, a_bounds_check_on_one_of_two_paths_does_not_count_for_the_other)
{
    static const struct filter_insn program[] = {
        {OP_LD_B_ABS, 0, 0, 0}, {OP_JEQ_K, 0, 1, 1},    {OP_LD_W_ABS, 0, 0, 8},
        {OP_LD_H_ABS, 0, 0, 6}, {OP_LDX_IMM, 0, 0, 2},  {OP_LD_B_IND, 0, 0, 9},
        {OP_LDX_IMM, 0, 0, 3},  {OP_LD_B_IND, 0, 0, 9}, {OP_RET_K, 0, 0, 1},
    };
    uint8_t bytes[16] = {0};

    native_load(program, 9);
    for (unsigned first = 0; first < 2; first++) {
        bytes[0] = (uint8_t)first;
        for (uint32_t caplen = 0; caplen <= sizeof bytes; caplen++)
            cr_expect(native_run(native_place(bytes, caplen), caplen, 0) == (caplen >= 13));
    }
}

Test(compile, packets_of_any_length_up_to_the_largest_are_read_to_their_end)
{
    static uint8_t bytes[FILTER_PACKET_MAX];
    const struct filter_insn program[] = {{OP_LDX_IMM, 0, 0, FILTER_PACKET_MAX - 5},
                                          {OP_LD_B_IND, 0, 0, 4},
                                          {OP_LD_B_ABS, 0, 0, FILTER_PACKET_MAX - 1},
                                          {OP_RET_A, 0, 0, 0}};
    uint32_t index;

    bytes[FILTER_PACKET_MAX - 1] = 9;
    cr_assert(filter_check(program, 4, &index) == FILTER_OK);
    native_load(program, 4);
    cr_expect(native_run(native_place(bytes, sizeof bytes), FILTER_PACKET_MAX, 0) == 9);
    cr_expect(native_run(native_place(bytes, sizeof bytes - 1), FILTER_PACKET_MAX - 1, 0) == 0);
}
