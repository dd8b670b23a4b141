/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/dispatch.h"

#include "cpu/flags.h"

static void tell(struct cpu *cpu, const struct outcome *outcome)
{
    cpu->r.rax = outcome->code;
    cpu->r.rflags &= ~RFLAGS_STATUS;
    if (outcome->code != SGX_OK)
        cpu->r.rflags |= outcome->carry ? RFLAGS_CF : RFLAGS_ZF;
}

void cpu_dispatch_finish(struct cpu *cpu, enum effect effect, const struct outcome *outcome)
{
    if (outcome->kind != LEAF_DONE)
        return;
    if (effect == RETURNS_CODE)
        tell(cpu, outcome);
    if (effect != JUMPS)
        cpu->r.rip += ENCLU_LENGTH;
}
