/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/check.h"

#include <criterion/criterion.h>
#include <stdbool.h>

#include "host/invalid.h"
#include "host/program.h"
#include "host/reason.h"
#include "shared/opcodes.h"

#define ACCEPT                                                                                     \
    {                                                                                              \
        OP_RET_K, 0, 0, 1                                                                          \
    }

static struct filter_insn insns[FILTER_INSNS_MAX + 1];

static void expect(const struct filter_insn *program, uint32_t count, enum filter_reason reason,
                   uint32_t index)
{
    uint32_t at = ~0u;
    const enum filter_reason said = filter_check(program, count, &at);

    cr_expect(said == reason, "%s, not %s", reason_text(said), reason_text(reason));
    cr_expect(at == index, "at %u, not %u", at, index);
}

#define EXPECT(reason, index, ...)                                                                 \
    do {                                                                                           \
        const struct filter_insn program_[] = {__VA_ARGS__};                                       \
        expect(program_, sizeof program_ / sizeof program_[0], (reason), (index));                 \
    } while (0)

static bool is_opcode(uint32_t code)
{
#define IS(name, value)                                                                            \
    if (code == (value))                                                                           \
        return true;
    FILTER_OPCODES(IS)
#undef IS
    return false;
}

Test(check, every_opcode_is_known_and_no_other_number_is)
{
    for (uint32_t code = 0; code <= 0xffff; code++) {
        const bool is_return = code == OP_RET_K || code == OP_RET_A;
        const struct filter_insn program[] = {{(uint16_t)code, 0, 0, 1}, ACCEPT, ACCEPT};

        /* Three instructions: a jump by k = 1 stays inside. */
        expect(program, 3, is_opcode(code) ? FILTER_OK : FILTER_BAD_OPCODE, 0);
        expect(program, 1,
               !is_opcode(code)      ? FILTER_BAD_OPCODE
               : is_return           ? FILTER_OK
               : (code & 7) == OP_JA ? FILTER_JUMP_RANGE
                                     : FILTER_NO_RETURN,
               0);
    }
}

Test(check, an_empty_program_is_refused)
{
    expect(insns, 0, FILTER_EMPTY, 0);
}

Test(check, the_longest_program_is_taken_and_one_more_is_not)
{
    for (uint32_t i = 0; i <= FILTER_INSNS_MAX; i++)
        insns[i] = (struct filter_insn)ACCEPT;
    expect(insns, FILTER_INSNS_MAX, FILTER_OK, 0);
    expect(insns, FILTER_INSNS_MAX + 1, FILTER_TOO_LONG, 0);
    expect(insns, ~0u, FILTER_TOO_LONG, 0);
}

Test(check, an_unconditional_jump_reaches_the_last_instruction_and_no_further)
{
    EXPECT(FILTER_OK, 0, {OP_JA, 0, 0, 1}, ACCEPT, ACCEPT);
    EXPECT(FILTER_JUMP_RANGE, 0, {OP_JA, 0, 0, 2}, ACCEPT, ACCEPT);
    EXPECT(FILTER_JUMP_RANGE, 1, {OP_LD_LEN, 0, 0, 0}, {OP_JA, 0, 0, 0x7fffffff}, ACCEPT);
}

Test(check, a_jump_backward_is_refused)
{
    EXPECT(FILTER_BACKWARD_JUMP, 1, {OP_LD_LEN, 0, 0, 0}, {OP_JA, 0, 0, -1u}, ACCEPT);
    EXPECT(FILTER_BACKWARD_JUMP, 1, {OP_LD_LEN, 0, 0, 0}, {OP_JA, 0, 0, -2u}, ACCEPT);
    EXPECT(FILTER_BACKWARD_JUMP, 0, {OP_JA, 0, 0, 0x80000000}, ACCEPT);
}

Test(check, either_arm_of_a_branch_beyond_the_end_is_refused)
{
    static const uint16_t branches[] = {OP_JEQ_K, OP_JEQ_X, OP_JGT_K,  OP_JGT_X,
                                        OP_JGE_K, OP_JGE_X, OP_JSET_K, OP_JSET_X};

    for (unsigned i = 0; i < sizeof branches / sizeof branches[0]; i++) {
        EXPECT(FILTER_OK, 0, {branches[i], 1, 0, 0}, ACCEPT, ACCEPT);
        EXPECT(FILTER_OK, 0, {branches[i], 0, 1, 0}, ACCEPT, ACCEPT);
        EXPECT(FILTER_JUMP_RANGE, 0, {branches[i], 2, 0, 0}, ACCEPT, ACCEPT);
        EXPECT(FILTER_JUMP_RANGE, 0, {branches[i], 0, 2, 0}, ACCEPT, ACCEPT);
        EXPECT(FILTER_JUMP_RANGE, 0, {branches[i], 255, 255, 0}, ACCEPT, ACCEPT);
    }
}

Test(check, division_and_remainder_by_the_constant_zero_are_refused)
{
    EXPECT(FILTER_DIVIDE_BY_ZERO, 0, {OP_DIV_K, 0, 0, 0}, ACCEPT);
    EXPECT(FILTER_DIVIDE_BY_ZERO, 1, {OP_LD_LEN, 0, 0, 0}, {OP_MOD_K, 0, 0, 0}, ACCEPT);
    EXPECT(FILTER_OK, 0, {OP_DIV_K, 0, 0, 1}, {OP_MOD_K, 0, 0, ~0u}, ACCEPT);
    EXPECT(FILTER_OK, 0, {OP_DIV_X, 0, 0, 0}, {OP_MOD_X, 0, 0, 0}, ACCEPT);
}

Test(check, a_constant_shift_beyond_31_is_refused)
{
    EXPECT(FILTER_OK, 0, {OP_LSH_K, 0, 0, 31}, {OP_RSH_K, 0, 0, 31}, ACCEPT);
    EXPECT(FILTER_SHIFT_RANGE, 0, {OP_LSH_K, 0, 0, 32}, ACCEPT);
    EXPECT(FILTER_SHIFT_RANGE, 0, {OP_RSH_K, 0, 0, ~0u}, ACCEPT);
    EXPECT(FILTER_OK, 0, {OP_LSH_X, 0, 0, 99}, {OP_RSH_X, 0, 0, 99}, ACCEPT);
}

Test(check, a_scratch_cell_beyond_the_last_is_refused_in_all_four_instructions)
{
    static const uint16_t users[] = {OP_LD_MEM, OP_LDX_MEM, OP_ST, OP_STX};

    for (unsigned i = 0; i < sizeof users / sizeof users[0]; i++) {
        EXPECT(FILTER_OK, 0, {users[i], 0, 0, 15}, ACCEPT);
        EXPECT(FILTER_SCRATCH_RANGE, 0, {users[i], 0, 0, 16}, ACCEPT);
        EXPECT(FILTER_SCRATCH_RANGE, 0, {users[i], 0, 0, ~0u}, ACCEPT);
    }
}

Test(check, a_program_that_could_fall_off_its_end_is_refused)
{
    EXPECT(FILTER_NO_RETURN, 1, ACCEPT, {OP_TAX, 0, 0, 0});
    EXPECT(FILTER_NO_RETURN, 0, {OP_LD_IMM, 0, 0, 0});
    EXPECT(FILTER_OK, 0, {OP_RET_A, 0, 0, 0});
}

Test(check, the_first_of_several_faults_is_named)
{
    EXPECT(FILTER_SHIFT_RANGE, 1, {OP_TAX, 0, 0, 0}, {OP_LSH_K, 0, 0, 40}, {OP_DIV_K, 0, 0, 0},
           {0xffff, 0, 0, 0});
}

Test(check, every_reason_but_the_compilers_own_is_shown_by_the_list_of_invalid_programs)
{
    bool shown[FILTER_REASONS] = {[FILTER_OK] = true, [FILTER_CODE_SIZE] = true};

    for (unsigned i = 0; i < invalid_program_count; i++) {
        const struct invalid_program *p = &invalid_programs[i];

        for (unsigned j = 0; j < INVALID_INSNS; j++)
            insns[j] = p->insns[j];
        expect(insns, p->count, p->reason, p->index);
        shown[p->reason] = true;
    }
    for (unsigned i = 0; i < FILTER_REASONS; i++)
        cr_expect(shown[i], "%s", reason_text(i));
}

Test(check, the_loops_that_libpcap_makes_for_protochain_are_refused)
{
    struct program program;
    char error[PROGRAM_ERROR_SIZE];
    uint32_t index;

    cr_assert(program_compile("ip6 protochain 6", &program, error) == 0, "%s", error);
    cr_expect(filter_check(program.insns, program.count, &index) == FILTER_BACKWARD_JUMP);
    cr_expect(program.insns[index].code == OP_JA);
    program_free(&program);
}
