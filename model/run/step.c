/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupting enclave code at a chosen instruction, as a kernel with a precise timer can.
 *
 * The native trap flag does the stepping. Enclave code must not see it, since hardware clears TF at
 * an opt-out entry, nor stop it: PUSHF and POPF are carried out here, without TF. An ENCLU is not
 * counted: it traps by itself, and the flag is set again behind it.
 */
#include "run/run.h"
#include "trace.h"

/* What POPF at CPL 3 may change: CF PF AF ZF SF DF OF NT AC ID. */
#define POPF_MASK UINT64_C(0x244cd5)

void step_arm(struct thread *t)
{
    struct epc_file *file = t->enclave->file;

    t->step_left = file->interrupt_after;
    t->step_vector = (uint8_t)file->interrupt_vector;
    file->interrupt_after = 0;
    if (t->step_left)
        t->cpu.r.rflags |= RFLAGS_TF;
}

bool step_count(struct thread *t)
{
    return --t->step_left == 0;
}

/* The eight bytes at an address of the enclave's stack, or NULL. */
static uint64_t *stack_word(struct enclave *e, uint64_t address, enum access access)
{
    uint32_t frame, pfec;

    if (address % sizeof(uint64_t) || !enclave_contains(e, address) ||
        !pagetable_walk(e, address, access, &frame, &pfec) ||
        !cpu_epcm_permits(&e->epc, frame, address, EPC_SECS_FRAME, access))
        return NULL;
    return (uint64_t *)((uint8_t *)epc_frame(&e->epc, frame) + (address & (SGX_PAGE_SIZE - 1)));
}

bool step_over_flags(struct thread *t)
{
    struct cpu_regs *r = &t->cpu.r;
    struct enclave *e = t->enclave;
    uint32_t frame, pfec;
    uint64_t *word;
    uint8_t opcode;

    if (!enclave_contains(e, r->rip) || !pagetable_walk(e, r->rip, ACCESS_FETCH, &frame, &pfec))
        return false;
    opcode = ((uint8_t *)epc_frame(&e->epc, frame))[r->rip & (SGX_PAGE_SIZE - 1)];
    if (opcode == 0x9c) {
        word = stack_word(e, r->rsp - 8, ACCESS_WRITE);
        if (!word)
            return false;
        *word = r->rflags & ~RFLAGS_TF;
        r->rsp -= 8;
    } else if (opcode == 0x9d) {
        word = stack_word(e, r->rsp, ACCESS_READ);
        if (!word)
            return false;
        r->rflags = (r->rflags & ~POPF_MASK) | (*word & POPF_MASK);
        r->rsp += 8;
    } else {
        return false;
    }
    r->rip++;
    return true;
}
