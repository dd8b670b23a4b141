/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupting enclave code at chosen instructions, as a kernel with a precise timer can.
 *
 * The native trap flag does the stepping, from the passage's first instruction on, also where no
 * interrupt is due: that is how the beginning of a range is noticed. Enclave code must not see the
 * flag, since hardware clears TF at an opt-out entry, nor stop it: PUSHF and POPF are carried out
 * here, without TF.
 *
 * Since each instruction can be looked at before it runs, a stepped passage is exact where a free
 * one is not: a fetch outside ELRANGE is #GP and an instruction that is illegal in enclave mode,
 * CPUID above all, is #UD, whatever the machine makes of it.
 */
#include "run/run.h"
#include "trace.h"

/* What POPF at CPL 3 may change: CF PF AF ZF SF DF OF NT AC ID. */
#define POPF_MASK UINT64_C(0x244cd5)

/* ------------------------------------------------------------------ before an instruction */

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

/* The byte at rip, where enclave code may be fetched from; -1 where the fetch will fault. */
static int fetch_byte(struct enclave *e, uint64_t rip)
{
    uint32_t frame, pfec;

    if (!pagetable_walk(e, rip, ACCESS_FETCH, &frame, &pfec) ||
        !cpu_epcm_permits(&e->epc, frame, rip, EPC_SECS_FRAME, ACCESS_FETCH))
        return -1;
    return ((const uint8_t *)epc_frame(&e->epc, frame))[rip & (SGX_PAGE_SIZE - 1)];
}

/*
 * PUSHF and POPF, whose flags the enclave must not mix with the one that does the stepping. True if
 * one stands at rip and has been carried out.
 */
static bool step_over_flags(struct thread *t)
{
    struct cpu_regs *r = &t->cpu.r;
    const int opcode = fetch_byte(t->enclave, r->rip);
    uint64_t *word;

    if (opcode == 0x9c) {
        word = stack_word(t->enclave, r->rsp - 8, ACCESS_WRITE);
        if (!word)
            return false;
        *word = r->rflags & ~RFLAGS_TF;
        r->rsp -= 8;
    } else if (opcode == 0x9d) {
        word = stack_word(t->enclave, r->rsp, ACCESS_READ);
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

/* What the processor would raise at rip, and this machine would not. */
static bool must_not_run(struct thread *t, struct event *ret_event)
{
    struct enclave *e = t->enclave;
    const uint64_t rip = t->cpu.r.rip;

    *ret_event = (struct event){.vector = SGX_VECTOR_GP, .reported = true, .fault = true};
    if (!enclave_contains(e, rip))
        return true;
    ret_event->vector = SGX_VECTOR_UD;
    return fetch_byte(e, rip) >= 0 && illegal_in_enclave(e, rip);
}

/* ------------------------------------------------------------------ after an instruction */

/* Does an interrupt come behind the instruction that just ran? */
static bool is_due(struct step *step)
{
    if (step->left && --step->left == 0) {
        step->left = step->every;
        return true;
    }
    return step->from <= step->at && step->at <= step->to;
}

/* Interrupts that are due, at the instruction that comes next. Result as run_event(). */
static bool interrupt(struct thread *t, struct event *ret_event)
{
    if (t->step.tells) {
        run_interrupt_to_host(t);
        return true;
    }
    if (!t->step.left && t->step.from > t->step.to)
        t->step.on = false; /* it was the only one */
    *ret_event = (struct event){.vector = VECTOR_TIMER};
    return run_event(t, ret_event);
}

/* Up to an instruction that this machine can run by itself. */
static bool prepare(struct thread *t, struct event *ret_event)
{
    while (t->step.on && t->cpu.enclave_mode) {
        if (must_not_run(t, ret_event))
            return run_event(t, ret_event);
        t->step.at = t->cpu.r.rip;
        if (!step_over_flags(t))
            return true;
        if (is_due(&t->step) && !interrupt(t, ret_event))
            return false;
    }
    return true;
}

bool step_done(struct thread *t, struct event *ret_event)
{
    t->cpu.r.rflags &= ~RFLAGS_TF;
    if (is_due(&t->step) && !interrupt(t, ret_event))
        return false;
    return prepare(t, ret_event);
}

/* ------------------------------------------------------------------ the rules */

static struct step step_of(const struct rule *rule, uint64_t base)
{
    struct step step = {.on = true, .from = 1};

    switch ((enum rule_what)rule->what) {
    case RULE_STEP:
        step.from = base + rule->a;
        step.to = base + rule->b;
        break;
    case RULE_STORM:
        step.left = step.every = rule->a;
        break;
    default:
        step.left = rule->a;
        step.tells = rule->b != 0;
        step.vector = (uint8_t)(rule->b - 1);
        break;
    }
    return step;
}

bool step_arm(struct thread *t, enum rule_operation operation, struct event *ret_event)
{
    const uint64_t whats =
        UINT64_C(1) << RULE_INTERRUPT | UINT64_C(1) << RULE_STORM | UINT64_C(1) << RULE_STEP;
    struct rule *rule = NULL;

    while ((rule = hostile_next(t->enclave, rule, operation, whats,
                                t->cpu.tcs - t->enclave->file->base, SGX_PAGE_SIZE)))
        if (!t->step.on)
            t->step = step_of(rule, t->enclave->file->base);
    return prepare(t, ret_event);
}
