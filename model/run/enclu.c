/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ENCLU and asynchronous exits of a native thread: the processor's part by model/cpu, the kernel's
 * part - settling page faults, fixing up exceptions in the vDSO - here.
 */
#include <string.h>

#include "driver/share.h"
#include "model.h"
#include "run/exception.h"
#include "run/hidden.h"
#include "run/run.h"
#include "trace.h"
#include "unconfirmed.h"

void enter_enclu(struct entry *entry);

bool run_translate(struct cpu *cpu, uint64_t linear, enum access access, uint64_t *ret_frame,
                   uint32_t *ret_pfec)
{
    struct enclave *e = cpu->translate_arg;
    uint32_t frame;

    if (!enclave_contains(e, linear)) {
        *ret_frame = FRAME_NONE;
        return true;
    }
    if (!pagetable_walk(e, linear, access, &frame, ret_pfec))
        return false;
    *ret_frame = frame;
    return true;
}

/* Linux delivers an exception at the vDSO's ENCLU by going on at the fixup. */
bool run_tell(struct thread *t, const struct event *event)
{
    struct cpu_regs *r = &t->cpu.r;

    t->step.on = false;
    COUNT(t->enclave, exceptions);
    TRACE_DATA(t->enclave, TRACE_EXCEPTION, NULL, trace_number("vector", NULL, event->vector),
               trace_number("error_code", NULL, event->errcd),
               trace_hex("address", NULL, event->addr),
               trace_flag("signal", NULL, r->rip != (uint64_t)(uintptr_t)sgx2_enclu_insn));
    if (r->rip != (uint64_t)(uintptr_t)sgx2_enclu_insn)
        return false;
    r->rdi = event->vector;
    r->rsi = event->errcd;
    r->rdx = event->addr;
    r->rip = (uint64_t)(uintptr_t)sgx2_enclu_fixup;
    return true;
}

static bool is_enclu(uint64_t rip)
{
    static const uint8_t opcode[] = {0x0f, 0x01, 0xd7};

    return memcmp((const void *)(uintptr_t)rip, opcode, sizeof opcode) == 0;
}

/* Before the exit, so that a trace has the causes first. What a page fault comes to is not known.
 */
static void trace_exit(const struct thread *t, const struct event *event)
{
    const struct enclave *e = t->enclave;
    const uint64_t at = t->cpu.r.rip - e->file->base;

    if (!event->reported && event->vector != SGX_VECTOR_PF && event->vector != SGX_VECTOR_GP)
        TRACE_EVENT(e, TRACE_EXIT, "AEX",
                    trace_string("cause", NULL, event->vector == VECTOR_IPI ? "IPI" : "interrupt"),
                    trace_flag(NULL, "interrupt", true), trace_hex("at", "at +%", at));
    else if (event->vector == SGX_VECTOR_PF && enclave_contains(e, event->addr))
        TRACE_EVENT(e, TRACE_EXIT, "AEX", trace_string("cause", NULL, "page fault"),
                    trace_number("vector", NULL, event->vector),
                    trace_hex("error_code", "#PF(%)", event->errcd),
                    trace_hex("offset", "+%:", event->addr - e->file->base),
                    trace_access(event->errcd), trace_hex("at", NULL, at));
    else if (event->vector == SGX_VECTOR_PF)
        TRACE_EVENT(e, TRACE_EXIT, "AEX", trace_string("cause", NULL, "page fault"),
                    trace_number("vector", NULL, event->vector),
                    trace_hex("error_code", "#PF(%)", event->errcd),
                    trace_hex("address", "%:", event->addr), trace_access(event->errcd),
                    trace_hex("at", NULL, at));
    else
        TRACE_EVENT(e, TRACE_EXIT, "AEX", trace_string("cause", NULL, "exception"),
                    trace_number("vector", "vector %", event->vector),
                    trace_hex("at", "at +%", at));
}

/* An asynchronous exit that ends with the host. */
static bool exit_to_host(struct thread *t, const struct event *event)
{
    COUNT(t->enclave, aex_exceptions);
    return run_tell(t, event);
}

/* What Linux does about a #PF, and why, if it is not settled. */
static enum fault_result settle_fault(struct thread *t, uint64_t address, uint32_t pfec,
                                      enum fault_by by)
{
    const enum fault_result result = fault_handle(t->enclave, address, pfec, by);

    t->refusal = result == FAULT_BUS             ? REFUSED_BY_DRIVER
                 : vma_find(t->enclave, address) ? REFUSED_BY_MAPPING
                                                 : REFUSED_NO_MAPPING;
    return result;
}

UNCONFIRMED(CR2_LOW_BITS);

bool run_event(struct thread *t, struct event *event)
{
    struct enclave *e = t->enclave;

    if (__builtin_expect(trace_enabled, 0))
        trace_exit(t, event);
    cpu_aex(&t->cpu, event);
    inside_leave(e, t->place);
    COUNT(e, aex);
    if (hostile(e, RULE_BIT(RULE_AEX)) || t->disguise.on)
        hostile_left(t, RULE_AEX);

    if (event->vector == SGX_VECTOR_PF && event->reported) {
        enum fault_result result = settle_fault(t, event->addr, event->errcd, FAULT_BY_ENCLAVE);

        if (enclave_contains(e, event->addr))
            event->addr &= SGX_PAGE_MASK; /* CR2, as software outside may see it */
        if (result != FAULT_RETRY)
            return exit_to_host(t, event);
        COUNT(e, aex_faults);
    } else if (event->vector == SGX_VECTOR_DB || event->vector == SGX_VECTOR_BP) {
        COUNT(e, aex_exceptions);
        t->step.on = false;
        return false; /* a debugger's: the vDSO never sees them */
    } else if (event->reported) {
        return exit_to_host(t, event);
    } else {
        COUNT(e, aex_interrupts);
    }
    if (hostile(e, RULE_BIT(RULE_AEX)) && hostile_stays_out(t))
        return true;

    /* IRET to the AEP: ERESUME, or whatever a host that enters by itself has put there. */
    if (t->cpu.r.rip == (uint64_t)(uintptr_t)sgx2_enclu_insn || is_enclu(t->cpu.r.rip))
        return run_enclu(t, event);
    return true;
}

void run_leave(struct thread *t, const struct event *event)
{
    if (__builtin_expect(trace_enabled, 0))
        trace_exit(t, event);
    cpu_aex(&t->cpu, event);
    inside_leave(t->enclave, t->place);
    COUNT(t->enclave, aex);
    COUNT(t->enclave, aex_interrupts);
    if (hostile(t->enclave, RULE_BIT(RULE_AEX)) || t->disguise.on)
        hostile_left(t, RULE_AEX);
}

void run_interrupt_to_host(struct thread *t)
{
    struct event event = {.vector = VECTOR_TIMER};

    run_leave(t, &event);
    event.vector = t->step.vector;
    run_tell(t, &event);
}

/* SECINFO.FLAGS that the leaf was given, or 0 where it may not be read. */
static uint64_t operand_flags(const struct enclave *e, uint64_t rbx)
{
    uint64_t flags = 0;
    uint32_t frame, pfec;

    if (rbx % sizeof(struct sgx_secinfo) == 0 && enclave_contains(e, rbx) &&
        pagetable_walk(e, rbx, ACCESS_READ, &frame, &pfec))
        memcpy(&flags, (uint8_t *)epc_frame(&e->epc, frame) + (rbx & 4095), sizeof flags);
    return flags;
}

static void trace_leaf(const struct enclave *e, uint32_t leaf, const struct cpu_regs *r,
                       struct outcome outcome)
{
    const char *name = trace_enclu(leaf);
    const uint64_t base = e->file->base;

    switch (leaf) {
    case SGX_EENTER:
    case SGX_ERESUME:
        TRACE_EVENT(e, TRACE_ENCLU, name, trace_tcs(r->rbx - base), trace_leaf_result(outcome));
        return;
    case SGX_EACCEPT:
    case SGX_EMODPE:
    case SGX_EACCEPTCOPY:
        TRACE_EVENT(
            e, TRACE_ENCLU, name, trace_offset(r->rcx - base),
            trace_flags_as(leaf == SGX_EACCEPT ? "want %" : "as %", operand_flags(e, r->rbx)),
            trace_leaf_result(outcome));
        return;
    default:
        TRACE_EVENT(e, TRACE_ENCLU, name, trace_number("leaf", NULL, leaf),
                    trace_leaf_result(outcome));
    }
}

/* After a leaf that may have changed an EPCM entry: the host's permission follows. */
static void settle(struct enclave *e, uint32_t leaf, uint64_t rcx)
{
    if ((leaf == SGX_EACCEPT || leaf == SGX_EACCEPTCOPY || leaf == SGX_EMODPE) &&
        enclave_contains(e, rcx))
        pagetable_sync(e, enclave_page(e, rcx));
    if (leaf == SGX_EEXIT)
        COUNT(e, eexit);
}

/* After a leaf that went in or out. */
static void settle_mode(struct thread *t)
{
    if (t->cpu.enclave_mode)
        t->place = inside_enter(t->enclave, &t->cpu, t, t->tid);
    else
        inside_leave(t->enclave, t->place);
}

/* The exception that a refused leaf raises. */
static struct event event_of(struct outcome outcome)
{
    struct event event = {.reported = true, .fault = true};

    switch (outcome.kind) {
    case LEAF_PF:
        event.vector = SGX_VECTOR_PF;
        event.errcd = outcome.pfec;
        event.addr = outcome.addr;
        break;
    case LEAF_GP:
        event.vector = SGX_VECTOR_GP;
        break;
    default:
        event.vector = SGX_VECTOR_UD;
        break;
    }
    return event;
}

static bool run_left(struct thread *t, struct event *ret_event);

bool run_enclu(struct thread *t, struct event *ret_event)
{
    struct cpu *cpu = &t->cpu;
    struct enclave *e = t->enclave;

    for (;;) {
        const struct cpu_regs before = cpu->r;
        const uint32_t leaf = (uint32_t)before.rax;
        const bool inside = cpu->enclave_mode;
        const struct outcome outcome = cpu_enclu(cpu);

        if (leaf < 16)
            COUNT(e, enclu[leaf]);
        if (__builtin_expect(trace_enabled, 0))
            trace_leaf(e, leaf, &before, outcome);
        if (outcome.kind == LEAF_DONE) {
            if (cpu->enclave_mode != inside)
                settle_mode(t);
            settle(e, leaf, before.rcx);
            if (inside && !cpu->enclave_mode)
                return run_left(t, ret_event);
            if (leaf != SGX_EENTER || !cpu->opt_in || !(cpu->r.rflags & RFLAGS_TF))
                return true;
            /* Stepped into the enclave: the trap comes before its first instruction. */
            *ret_event = (struct event){.vector = SGX_VECTOR_DB, .reported = true};
            return run_event(t, ret_event);
        }

        /* The TCS may look busy because somebody died on it. */
        if (!inside && outcome.kind == LEAF_GP && inside_bury_dead(e))
            continue;
        *ret_event = event_of(outcome);
        if (inside) {
            if (!run_event(t, ret_event))
                return false;
            /* Resumed at this very instruction: again, without another trap. */
            if (!cpu->enclave_mode || cpu->r.rip != before.rip)
                return true;
        } else if (outcome.kind != LEAF_PF ||
                   settle_fault(t, outcome.addr, outcome.pfec, FAULT_BY_ENTRY) != FAULT_RETRY) {
            return run_tell(t, ret_event);
        }
    }
}

/* After EEXIT. Result as run_enclu(). */
static bool run_left(struct thread *t, struct event *ret_event)
{
    if (hostile(t->enclave, RULE_BIT(RULE_EXIT)) || t->disguise.on)
        hostile_left(t, RULE_EXIT);
    if (t->reentry.depth && hostile_resumes(t))
        return run_enclu(t, ret_event);
    t->step.on = false;
    return true;
}

bool run_entry(struct thread *t, struct event *ret_event)
{
    const enum rule_operation operation =
        (uint32_t)t->cpu.r.rax == SGX_ERESUME ? RULE_RESUME : RULE_ENTER;
    bool settled;

    t->step.on = false;
    if (t->disguise.on)
        hostile_note_registers(t);
    if (hostile(t->enclave, RULE_ENTRIES) && hostile_entry(t, operation))
        return true;
    settled = run_enclu(t, ret_event);
    if (!t->cpu.enclave_mode) {
        if (t->disguise.on)
            hostile_undisguise(t);
    } else if (hostile(t->enclave, RULE_ENTRIES)) {
        settled = step_arm(t, operation, ret_event);
        step_go(t);
    }
    return settled;
}

UNCONFIRMED(ENTER_NOTHING);

/* No EPC page at RBX: what EENTER's first look at the TCS finds. The other leaves do not look. */
struct event run_no_enclave(const struct cpu_regs *r)
{
    const uint32_t leaf = (uint32_t)r->rax;

    if ((leaf != SGX_EENTER && leaf != SGX_ERESUME) || r->rbx & (SGX_PAGE_SIZE - 1))
        return event_of((struct outcome){.kind = LEAF_GP});
    return event_of(
        (struct outcome){.kind = LEAF_PF, .pfec = SGX_PFEC_U | SGX_PFEC_W, .addr = r->rbx});
}

static void enter_nothing(struct entry *entry)
{
    const struct event event = run_no_enclave(&entry->r);

    entry->r.rdi = event.vector;
    entry->r.rsi = event.errcd;
    entry->r.rdx = event.addr;
    entry->r.rip = (uint64_t)(uintptr_t)sgx2_enclu_fixup;
}

static void enter_enclave(struct thread *t, struct entry *entry)
{
    struct event event;
    bool settled;

    t->cpu.epc = &t->enclave->epc;
    t->cpu.translate_arg = t->enclave;
    enclave_lock(t->enclave);
    settled = run_entry(t, &event);
    hidden_follow(t);
    enclave_unlock(t->enclave);
    if (!settled) { /* #DB: all others are fixed up, as RIP is the vDSO's ENCLU */
        const siginfo_t info = {.si_signo = SIGTRAP, .si_code = TRAP_TRACE};

        deliver_trap(SIGTRAP, &info, t);
    }
    entry->r = t->cpu.r;
    entry->inside = t->cpu.enclave_mode;
}

/*
 * ENCLU of sgx2_enter_enclave(). Signals are not blocked, which would cost two system calls. One
 * for the program that comes while locks may be held waits until the entry is complete.
 */
void enter_enclu(struct entry *entry)
{
    struct thread *t = thread_self();

    t->entry = entry;
    __atomic_store_n(&t->in_model, ENTRY_BUSY, __ATOMIC_RELEASE);
    entry->thread = t;
    entry->inside = false;
    entry->r.fsbase = t->host_fs;
    entry->r.gsbase = t->host_gs;
    t->cpu.r = entry->r;
    t->cpu.xsave = entry->xsave;
    t->cpu.xsave_size = sgx2_xsave_size;
    t->enclave = enclave_by_tcs(entry->r.rbx);
    if (t->enclave)
        enter_enclave(t, entry);
    else
        enter_nothing(entry);
    __atomic_store_n(&t->in_model, ENTRY_READY, __ATOMIC_RELEASE);
    if (__atomic_exchange_n(&t->kick_missed, false, __ATOMIC_RELAXED))
        signals_kick(t->tid);
    deliver_waiting(t);
}
