/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reason.h"

static const char *const texts[] = {
    [FILTER_OK] = "accepted",
    [FILTER_EMPTY] = "the program has no instruction",
    [FILTER_TOO_LONG] = "the program has more than 4096 instructions",
    [FILTER_BAD_OPCODE] = "not an instruction of classic BPF",
    [FILTER_BACKWARD_JUMP] = "a jump goes backward",
    [FILTER_JUMP_RANGE] = "a jump leads beyond the program's end",
    [FILTER_DIVIDE_BY_ZERO] = "a division by the constant 0",
    [FILTER_SHIFT_RANGE] = "a shift by a constant above 31",
    [FILTER_SCRATCH_RANGE] = "there are only 16 scratch cells",
    [FILTER_NO_RETURN] = "the program does not end with a return",
    [FILTER_CODE_SIZE] = "the machine code does not fit its buffer",
};
_Static_assert(sizeof texts / sizeof texts[0] == FILTER_REASONS, "a text for each reason");

const char *reason_text(uint32_t reason)
{
    return reason < FILTER_REASONS ? texts[reason] : "a reason that this host does not know";
}
