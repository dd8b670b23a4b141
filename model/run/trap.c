/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps: what a signal means in enclave mode, and outside it.
 */
#include <string.h>

#include "run/run.h"
#include "trace.h"

void trap_handle(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t, struct bases *bases);
void trap_foreign(int sig, siginfo_t *info, ucontext_t *uc);
void trap_nobody(int sig, siginfo_t *info, ucontext_t *uc);

/* Any vectors of interrupts: what the enclave's frame and the host see does not depend on them. */
#define VECTOR_IPI   0xfd
#define VECTOR_TIMER 0xec

#define KICK 0 /* in place of a signal's number, once it has been recognised */

#define SOFTWARE_AT 464 /* the kernel's part of the legacy area: ERESUME must not touch it */

/* Vectors, as the kernel passes them in the signal frame. */
static unsigned trap_number(const ucontext_t *uc)
{
    return (unsigned)uc->uc_mcontext.gregs[REG_TRAPNO];
}

static enum access trap_access(const ucontext_t *uc)
{
    uint32_t error = (uint32_t)uc->uc_mcontext.gregs[REG_ERR];

    return error & SGX_PFEC_I ? ACCESS_FETCH : error & SGX_PFEC_W ? ACCESS_WRITE : ACCESS_READ;
}

/* Bytes of enclave code at rip, as far as they can be fetched. */
static size_t fetch(struct enclave *e, uint64_t rip, uint8_t *bytes, size_t size)
{
    size_t done = 0;

    while (done < size) {
        uint32_t frame, pfec;
        size_t piece = SGX_PAGE_SIZE - ((rip + done) & (SGX_PAGE_SIZE - 1));

        if (!enclave_contains(e, rip + done) ||
            !pagetable_walk(e, rip + done, ACCESS_FETCH, &frame, &pfec))
            break;
        if (piece > size - done)
            piece = size - done;
        memcpy(bytes + done,
               (uint8_t *)epc_frame(&e->epc, frame) + ((rip + done) & (SGX_PAGE_SIZE - 1)), piece);
        done += piece;
    }
    return done;
}

static bool at_enclu(struct enclave *e, uint64_t rip)
{
    uint8_t bytes[ENCLU_LENGTH];

    return fetch(e, rip, bytes, sizeof bytes) == sizeof bytes &&
           memcmp(bytes, (const uint8_t[]){0x0f, 0x01, 0xd7}, sizeof bytes) == 0;
}

static struct event fault(uint8_t vector)
{
    return (struct event){.vector = vector, .reported = true, .fault = true};
}

/*
 * A page fault of enclave code. False: the access is allowed after all, because the host's mirror
 * of the page's permission was behind; it has been brought in line.
 */
static bool page_fault(struct thread *t, const ucontext_t *uc, struct event *ret_event)
{
    struct enclave *e = t->enclave;
    const uint64_t address = (uint64_t)uc->uc_mcontext.gregs[REG_CR2];
    const enum access access = trap_access(uc);
    uint32_t frame, pfec;

    *ret_event = fault(SGX_VECTOR_PF);
    ret_event->addr = address;
    if (!enclave_contains(e, address)) {
        if (access == ACCESS_FETCH)
            *ret_event = fault(SGX_VECTOR_GP); /* fetch outside ELRANGE */
        else
            ret_event->errcd = (uint32_t)uc->uc_mcontext.gregs[REG_ERR] & 0x7f;
        return true;
    }
    if (!pagetable_walk(e, address, access, &frame, &pfec)) {
        ret_event->errcd = pfec;
        return true;
    }
    if (!cpu_epcm_permits(&e->epc, frame, address, EPC_SECS_FRAME, access)) {
        ret_event->errcd = pfec | SGX_PFEC_SGX;
        return true;
    }
    pagetable_sync(e, enclave_page(e, address));
    return false;
}

/* Which exception enclave code raised. False: none, go on. */
static bool classify(int sig, struct thread *t, const ucontext_t *uc, struct event *ret_event)
{
    struct cpu_regs *r = &t->cpu.r;
    const unsigned vector = trap_number(uc);

    switch (sig) {
    case KICK:
        *ret_event = (struct event){.vector = VECTOR_IPI};
        COUNT(t->enclave, ipis);
        return true;
    case SIGSYS: /* SYSCALL and INT 80h have been stepped over: both are two bytes long */
        r->rip -= 2;
        *ret_event = fault(SGX_VECTOR_UD);
        return true;
    case SIGTRAP:
        if (vector == SGX_VECTOR_BP) { /* opt-out entry: INT3 is an illegal instruction */
            r->rip -= 1;
            *ret_event = fault(SGX_VECTOR_UD);
        } else {
            *ret_event = (struct event){.vector = SGX_VECTOR_DB, .reported = true};
        }
        return true;
    case SIGSEGV:
    case SIGBUS:
        if (vector == SGX_VECTOR_PF)
            return page_fault(t, uc, ret_event);
        *ret_event = fault((uint8_t)vector);
        if (vector == SGX_VECTOR_GP)
            ret_event->errcd = (uint32_t)uc->uc_mcontext.gregs[REG_ERR];
        break;
    default: /* SIGILL, SIGFPE */
        *ret_event = fault((uint8_t)vector);
        break;
    }
    if (!enclave_contains(t->enclave, r->rip)) {
        *ret_event = fault(SGX_VECTOR_GP); /* it ran outside ELRANGE: that fetch was the fault */
    } else if (ret_event->vector == SGX_VECTOR_GP && illegal_in_enclave(t->enclave, r->rip)) {
        *ret_event = fault(SGX_VECTOR_UD);
    }
    return true;
}

/* A step of an enclave that somebody watches instruction by instruction. */
static void stepped(struct thread *t)
{
    t->cpu.r.rflags &= ~RFLAGS_TF;
    while (!step_count(t))
        if (!step_over_flags(t))
            return;
    run_interrupt_to_host(t);
}

/* A trap of enclave code. */
static void trap_inside(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t,
                        struct bases *bases)
{
    struct enclave *e = t->enclave;
    const bool foreign = sig != KICK && signals_for_program(sig, info);
    struct event event = {.vector = VECTOR_TIMER};
    bool settled = true;
    uint8_t software[48];
    uint8_t *image = (uint8_t *)uc->uc_mcontext.fpregs;

    memcpy(software, image + SOFTWARE_AT, sizeof software);
    context_load(&t->cpu, uc, bases);
    enclave_lock(e);
    COUNT(e, traps);
    if (foreign)
        run_leave(t, &event);
    else if (sig == SIGTRAP && trap_number(uc) == SGX_VECTOR_DB && t->step_left)
        stepped(t);
    else if (sig == SIGILL && at_enclu(e, t->cpu.r.rip))
        settled = run_enclu(t, &event);
    else if (classify(sig, t, uc, &event))
        settled = run_event(t, &event);
    if (t->step_left && t->cpu.enclave_mode)
        t->cpu.r.rflags |= RFLAGS_TF;
    enclave_unlock(e);
    context_store(&t->cpu, uc, bases);
    memcpy(image + SOFTWARE_AT, software, sizeof software);

    if (foreign) {
        deliver_signal(sig, info, uc, t);
    } else if (!settled) {
        /* A host that enters by itself gets the signal Linux would send, with synthetic state. */
        info->si_addr = (void *)(uintptr_t)event.addr;
        deliver_signal(sig == SIGSYS ? SIGILL : sig, info, uc, t);
    }
}

/*
 * An entry that a signal found on its last instructions: done by loading its result here. The
 * kernel's frame then stands for whatever runs next, enclave or host.
 */
static void finish_entry(struct thread *t, ucontext_t *uc, struct bases *bases)
{
    const struct entry *entry = t->entry;
    uint8_t *image = (uint8_t *)uc->uc_mcontext.fpregs;
    uint8_t software[48];

    context_load(&t->cpu, uc, bases);
    t->cpu.r = entry->r;
    context_store(&t->cpu, uc, bases);
    memcpy(software, image + SOFTWARE_AT, sizeof software);
    memcpy(image, entry->xsave,
           t->cpu.xsave_size < sgx2_xsave_size ? t->cpu.xsave_size : sgx2_xsave_size);
    memcpy(image + SOFTWARE_AT, software, sizeof software);
    t->in_model = ENTRY_NONE;
}

static bool host_at_enclu(const ucontext_t *uc)
{
    const uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];

    return memcmp((const void *)(uintptr_t)rip, (const uint8_t[]){0x0f, 0x01, 0xd7}, 3) == 0;
}

/* ENCLU executed by host code, not through sgx2_enter_enclave(). */
static bool host_enclu(ucontext_t *uc, struct thread *t, struct bases *bases)
{
    const bool resumes = (uint32_t)uc->uc_mcontext.gregs[REG_RAX] == SGX_ERESUME;
    uint8_t software[48];
    uint8_t *image = (uint8_t *)uc->uc_mcontext.fpregs;
    struct event event;
    bool settled;

    if (!host_at_enclu(uc))
        return false;
    t->enclave = enclave_by_tcs((uint64_t)uc->uc_mcontext.gregs[REG_RBX]);
    if (!t->enclave)
        return false;
    memcpy(software, image + SOFTWARE_AT, sizeof software);
    context_load(&t->cpu, uc, bases);
    t->cpu.epc = &t->enclave->epc;
    t->cpu.translate_arg = t->enclave;
    enclave_lock(t->enclave);
    COUNT(t->enclave, traps);
    settled = run_enclu(t, &event);
    if (settled && t->cpu.enclave_mode) {
        if (resumes && t->step_left) /* a signal for the program came while stepping */
            t->cpu.r.rflags |= RFLAGS_TF;
        else
            step_arm(t);
    }
    enclave_unlock(t->enclave);
    if (settled)
        context_store(&t->cpu, uc, bases);
    memcpy(image + SOFTWARE_AT, software, sizeof software);
    return settled;
}

/* Host code touched enclave memory: the kernel adds the page, the processor hides its content. */
static bool host_touch(ucontext_t *uc)
{
    const uint64_t address = (uint64_t)uc->uc_mcontext.gregs[REG_CR2];
    const enum access access = trap_access(uc);
    struct enclave *e = enclave_by_address(address);
    enum fault_result result = FAULT_RETRY;
    bool hidden = false;
    uint32_t frame, pfec;

    if (!e)
        return false;
    enclave_lock(e);
    COUNT(e, traps);
    if (!enclave_contains(e, address)) {
        result = fault_handle(e, address, SGX_PFEC_U);
    } else {
        if (!pagetable_walk(e, address, access, &frame, &pfec)) {
            TRACE("fault", "host         +%#llx: %s", (unsigned long long)(address - e->file->base),
                  trace_pfec(pfec).buf);
            result = fault_handle(e, address, pfec);
        }
        if (result == FAULT_RETRY) {
            const struct pte *pte = &e->ptes[enclave_page(e, address)];

            pagetable_sync(e, enclave_page(e, address));
            hidden = !(pte->native & (access == ACCESS_WRITE ? 2 : access == ACCESS_FETCH ? 4 : 1));
        }
    }
    enclave_unlock(e);
    if (result != FAULT_RETRY)
        return false;
    return !hidden || abort_page_emulate(uc);
}

static bool in_window(const ucontext_t *uc)
{
    const uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];

    return rip >= (uint64_t)(uintptr_t)sgx2_window_start &&
           rip < (uint64_t)(uintptr_t)sgx2_window_end;
}

/* A signal while C of the model works on an entry. */
static void trap_busy(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t)
{
    if (sig == KICK)
        return;
    /* A second one comes only if it is of those that are not blocked, and somebody sent it. */
    if (signals_for_program(sig, info) && !t->waiting)
        deliver_later(sig, info, uc, t);
    else
        deliver_signal(sig, info, uc, t);
}

/* A signal of a thread whose state the kernel's frame holds. */
static void trap_settled(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t,
                         struct bases *bases)
{
    if (t->cpu.enclave_mode) {
        trap_inside(sig, info, uc, t, bases);
        return;
    }
    if (sig == KICK || (sig == SIGILL && info->si_code > 0 && host_enclu(uc, t, bases)))
        return;
    if (sig == SIGSEGV && info->si_code > 0 && trap_number(uc) == SGX_VECTOR_PF && host_touch(uc))
        return;
    deliver_signal(sig, info, uc, t);
}

void trap_handle(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t, struct bases *bases)
{
    if (signals_is_kick(sig, info) || (t->kicked && signals_is_old_kick(sig, info))) {
        __atomic_store_n(&t->kicked, false, __ATOMIC_RELEASE);
        sig = KICK;
    }
    if (t->in_model == ENTRY_BUSY) {
        trap_busy(sig, info, uc, t);
        return;
    }
    if (t->in_model == ENTRY_READY || in_window(uc))
        finish_entry(t, uc, bases);
    if (t->waiting) {
        /* This is deliver_waiting()'s trap, or a kick before it, or came later: the other is first.
         */
        if (sig != KICK && signals_for_program(sig, info))
            signals_again(sig, info);
        sig = t->held_signal;
        *info = t->held;
        memcpy(&uc->uc_sigmask, &t->mask, sizeof t->mask);
        t->waiting = false;
    }
    trap_settled(sig, info, uc, t, bases);
}

/* On a thread that never entered an enclave. */
void trap_foreign(int sig, siginfo_t *info, ucontext_t *uc)
{
    if (sig == SIGILL && info->si_code > 0 && host_at_enclu(uc) &&
        enclave_by_tcs((uint64_t)uc->uc_mcontext.gregs[REG_RBX])) {
        thread_adopt(uc); /* and once more, now as a thread that may enter */
        return;
    }
    if (sig == SIGSEGV && info->si_code > 0 && trap_number(uc) == SGX_VECTOR_PF && host_touch(uc))
        return;
    deliver_signal(sig, info, uc, NULL);
}

/* Two handlers that each took the other for its predecessor: the signal has been everywhere. */
void trap_nobody(int sig, siginfo_t *info, ucontext_t *uc)
{
    (void)uc;
    signals_default(sig, info);
}
