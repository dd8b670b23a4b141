/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ENCLU and asynchronous exits of a native thread: the processor's part by model/cpu, the kernel's
 * part - settling page faults, fixing up exceptions in the vDSO - here.
 */
#include <string.h>

#include "driver/share.h"
#include "model.h"
#include "run/run.h"
#include "trace.h"

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
static bool deliver(struct thread *t, const struct event *event)
{
    struct cpu_regs *r = &t->cpu.r;

    COUNT(t->enclave, exceptions);
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

static void trace_event(const struct thread *t, const struct event *event)
{
    const struct enclave *e = t->enclave;

    if (!event->reported && event->vector != SGX_VECTOR_PF && event->vector != SGX_VECTOR_GP)
        trace_write("exit", "AEX          interrupt at +%#llx",
                    (unsigned long long)(t->cpu.r.rip - e->file->base));
    else if (event->vector == SGX_VECTOR_PF)
        trace_write("exit", "AEX          #PF(%#x) %s%#llx: %s", event->errcd,
                    enclave_contains(e, event->addr) ? "+" : "",
                    (unsigned long long)(enclave_contains(e, event->addr)
                                             ? event->addr - e->file->base
                                             : event->addr),
                    trace_pfec(event->errcd).buf);
    else
        trace_write("exit", "AEX          vector %u at +%#llx", event->vector,
                    (unsigned long long)(t->cpu.r.rip - e->file->base));
}

bool run_event(struct thread *t, struct event *event)
{
    struct enclave *e = t->enclave;

    if (__builtin_expect(trace_enabled, 0))
        trace_event(t, event);
    cpu_aex(&t->cpu, event);
    inside_leave(e, t->place);
    COUNT(e, aex);

    if (event->vector == SGX_VECTOR_PF && event->reported) {
        enum fault_result result = fault_handle(e, event->addr, event->errcd);

        if (enclave_contains(e, event->addr))
            event->addr &= SGX_PAGE_MASK; /* CR2, as software outside may see it */
        if (result != FAULT_RETRY)
            return deliver(t, event);
    } else if (event->reported) {
        return deliver(t, event);
    }

    /* IRET to the AEP: ERESUME, or whatever a host that enters by itself has put there. */
    if (t->cpu.r.rip == (uint64_t)(uintptr_t)sgx2_enclu_insn || is_enclu(t->cpu.r.rip))
        return run_enclu(t, event);
    return true;
}

void run_leave(struct thread *t, const struct event *event)
{
    if (__builtin_expect(trace_enabled, 0))
        trace_event(t, event);
    cpu_aex(&t->cpu, event);
    inside_leave(t->enclave, t->place);
    COUNT(t->enclave, aex);
}

void run_interrupt_to_host(struct thread *t)
{
    struct event event = {.vector = 0xfd};

    run_leave(t, &event);
    event.vector = t->step_vector;
    deliver(t, &event);
}

static void trace_leaf(const struct enclave *e, uint32_t leaf, const struct cpu_regs *r,
                       struct outcome outcome)
{
    const uint64_t base = e->file->base;
    uint64_t page = 0, flags = 0;
    uint32_t frame, pfec;

    switch (leaf) {
    case SGX_EENTER:
    case SGX_ERESUME:
        trace_write("ENCLU", "%-12s tcs +%#llx -> %s", trace_enclu(leaf),
                    (unsigned long long)(r->rbx - base), trace_outcome(outcome).buf);
        return;
    case SGX_EACCEPT:
    case SGX_EMODPE:
    case SGX_EACCEPTCOPY:
        page = r->rcx - base;
        if (enclave_contains(e, r->rbx) && pagetable_walk(e, r->rbx, ACCESS_READ, &frame, &pfec))
            memcpy(&flags, (uint8_t *)epc_frame(&e->epc, frame) + (r->rbx & 4095), sizeof flags);
        trace_write("ENCLU", "%-12s +%#llx %s%s -> %s", trace_enclu(leaf), (unsigned long long)page,
                    leaf == SGX_EACCEPT ? "want " : "as ", trace_secinfo(flags).buf,
                    trace_outcome(outcome).buf);
        return;
    default:
        trace_write("ENCLU", "%-12s -> %s", trace_enclu(leaf), trace_outcome(outcome).buf);
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
            return true;
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
                   fault_handle(e, outcome.addr, outcome.pfec) != FAULT_RETRY) {
            return deliver(t, ret_event);
        }
    }
}

/* No EPC page at RBX: what EENTER's first look at the TCS finds. */
static void enter_nothing(struct entry *entry)
{
    entry->r.rdi = SGX_VECTOR_PF;
    entry->r.rsi = SGX_PFEC_U | SGX_PFEC_W;
    entry->r.rdx = entry->r.rbx;
    if (entry->r.rbx & (SGX_PAGE_SIZE - 1)) {
        entry->r.rdi = SGX_VECTOR_GP;
        entry->r.rsi = entry->r.rdx = 0;
    }
    entry->r.rip = (uint64_t)(uintptr_t)sgx2_enclu_fixup;
}

static void enter_enclave(struct thread *t, struct entry *entry)
{
    struct event event;

    t->cpu.epc = &t->enclave->epc;
    t->cpu.translate_arg = t->enclave;
    enclave_lock(t->enclave);
    run_enclu(t, &event); /* always fixed up: RIP is the vDSO's ENCLU */
    if (t->cpu.enclave_mode)
        step_arm(t);
    enclave_unlock(t->enclave);
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
    deliver_waiting(t);
}
