/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps: what a signal means in enclave mode, and outside it.
 */
#include <string.h>

#include "driver/hide.h"
#include "driver/share.h"
#include "run/classify.h"
#include "run/exception.h"
#include "run/hidden.h"
#include "run/redirect.h"
#include "run/run.h"
#include "trace.h"

void trap_handle(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t, struct bases *bases);
void trap_foreign(int sig, siginfo_t *info, ucontext_t *uc);
void trap_nobody(int sig, siginfo_t *info, ucontext_t *uc);

/* Any vectors of interrupts: what the enclave's frame and the host see does not depend on them. */

bool (*run_hosted)(int sig, const siginfo_t *info, ucontext_t *uc, struct thread *t,
                   struct bases *bases);

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

/* What enclave code that stands at rip was trapped for. */
static struct meaning meaning_inside(int sig, const ucontext_t *uc, struct enclave *e, uint64_t rip)
{
    uint8_t code[ENCLU_LENGTH];
    struct trap trap = {
        .sig = sig,
        .number = trap_number(uc),
        .error = (uint32_t)uc->uc_mcontext.gregs[REG_ERR],
        .code = code,
        .size = fetch(e, rip, code, sizeof code),
    };

    if (sig == SIGTRAP || trap.number == VECTOR_OF)
        fetch(e, rip - sizeof trap.before, trap.before, sizeof trap.before);
    return classify_inside(&trap);
}

static struct event fault(uint8_t vector)
{
    return (struct event){.vector = vector, .reported = true, .fault = true};
}

/*
 * The page of the instruction that trapped was evicted before the lock was ours. Its bytes decide
 * what the trap means, so it is a page fault first; the instruction traps again once they are back.
 */
static bool code_gone(int sig, struct enclave *e, uint64_t rip, struct event *ret_event)
{
    static const uint8_t enclu[ENCLU_LENGTH] = {0x0f, 0x01, 0xd7};
    uint8_t bytes[ENCLU_LENGTH];
    uint32_t frame;
    size_t size;

    if (sig != SIGILL && sig != SIGSEGV)
        return false;
    size = fetch(e, rip, bytes, sizeof bytes);
    if (size == sizeof bytes || memcmp(bytes, enclu, size) != 0 || (size && sig != SIGILL) ||
        !enclave_contains(e, rip + size))
        return false;
    *ret_event = fault(SGX_VECTOR_PF);
    ret_event->addr = rip + size;
    return !pagetable_walk(e, rip + size, ACCESS_FETCH, &frame, &ret_event->errcd);
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

/* #DB. After an opt-out entry POPF cannot set TF, so the step it led to has not happened. */
static bool single_step(struct thread *t, struct event *ret_event)
{
    if (!t->cpu.opt_in && t->cpu.r.rflags & RFLAGS_TF) {
        t->cpu.r.rflags &= ~RFLAGS_TF;
        return false;
    }
    *ret_event = (struct event){.vector = SGX_VECTOR_DB, .reported = true};
    return true;
}

/* Which exception enclave code raised. False: none, go on. */
static bool find_event(const struct meaning *meaning, struct thread *t, const ucontext_t *uc,
                       struct event *ret_event)
{
    struct cpu_regs *r = &t->cpu.r;

    r->rip -= meaning->back;
    switch (meaning->class) {
    case TRAP_PAGE_FAULT:
        return page_fault(t, uc, ret_event);
    case TRAP_STEP:
        return single_step(t, ret_event);
    case TRAP_BREAKPOINT: /* opt-out entry: INT3 is an illegal instruction */
        *ret_event = fault(t->cpu.opt_in ? SGX_VECTOR_BP : SGX_VECTOR_UD);
        ret_event->software = t->cpu.opt_in;
        break;
    default:
        *ret_event = fault(meaning->vector);
        ret_event->errcd = meaning->error;
        break;
    }
    if (!enclave_contains(t->enclave, r->rip)) {
        *ret_event = fault(SGX_VECTOR_GP); /* it ran outside ELRANGE: that fetch was the fault */
    } else if (ret_event->vector == SGX_VECTOR_GP && illegal_in_enclave(t->enclave, r->rip)) {
        *ret_event = fault(SGX_VECTOR_UD);
    }
    return true;
}

/* The kick is here: the next one would be another. */
static void kick_taken(struct thread *t)
{
    __atomic_store_n(&t->kicked, false, __ATOMIC_RELEASE);
}

/* The exception, kick or leaf that enclave code was trapped for; result as of run_event(). */
static bool trap_own(int sig, struct thread *t, const ucontext_t *uc, struct event *ret_event)
{
    struct meaning meaning;

    if (sig == KICK) {
        *ret_event = (struct event){.vector = VECTOR_IPI};
        COUNT(t->enclave, ipis);
        return run_event(t, ret_event);
    }
    meaning = meaning_inside(sig, uc, t->enclave, t->cpu.r.rip);
    if (meaning.class == TRAP_LEAF)
        return run_enclu(t, ret_event) &&
               (!t->step.on || !t->cpu.enclave_mode || step_done(t, ret_event));
    return !find_event(&meaning, t, uc, ret_event) || run_event(t, ret_event);
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
    if (sig == KICK) /* whoever has the lock next finds the thread in the new epoch */
        kick_taken(t);
    inside_catch_up(e, t->place, &t->cpu);
    COUNT(e, traps);
    if (foreign)
        run_leave(t, &event);
    else if (sig == SIGTRAP && trap_number(uc) == SGX_VECTOR_DB && t->step.on)
        settled = step_done(t, &event);
    else if (code_gone(sig, e, t->cpu.r.rip, &event))
        settled = run_event(t, &event);
    else
        settled = trap_own(sig, t, uc, &event);
    step_go(t);
    hidden_follow(t);
    enclave_unlock(e);
    context_store(&t->cpu, uc, bases);
    memcpy(image + SOFTWARE_AT, software, sizeof software);

    if (foreign) {
        deliver_signal(sig, info, uc, t);
    } else if (!settled) {
        /*
         * A host that enters by itself gets the signal Linux would send, with synthetic state. What
         * it says of a fault on ordinary memory, the kernel has said already.
         */
        if (event.vector != SGX_VECTOR_PF || enclave_contains(e, event.addr))
            sig = exception_signal(&event, t->refusal, info, uc);
        deliver_signal(sig, info, uc, t);
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

static bool host_at_enclu(int sig, const siginfo_t *info, const ucontext_t *uc)
{
    uint8_t code[ENCLU_LENGTH];
    const struct trap trap = {
        .sig = sig,
        .number = trap_number(uc),
        .error = (uint32_t)uc->uc_mcontext.gregs[REG_ERR],
        .code = code,
        .size = info->si_code > 0
                    ? fetch_host((uint64_t)uc->uc_mcontext.gregs[REG_RIP], code, sizeof code)
                    : 0,
    };

    return classify_leaf(&trap);
}

/* The enclave that an ENCLU of host code is about; NULL: none, or no leaf to find one by. */
static struct enclave *host_enclave(const ucontext_t *uc)
{
    const uint32_t leaf = (uint32_t)uc->uc_mcontext.gregs[REG_RAX];

    return leaf == SGX_EENTER || leaf == SGX_ERESUME
               ? enclave_by_tcs((uint64_t)uc->uc_mcontext.gregs[REG_RBX])
               : NULL;
}

/* An ENCLU that finds no enclave: the vDSO's has a fixup, else a signal is due. */
static int host_no_enclave(siginfo_t *info, ucontext_t *uc)
{
    greg_t *gregs = uc->uc_mcontext.gregs;
    const struct cpu_regs r = {
        .rax = (uint64_t)gregs[REG_RAX],
        .rbx = (uint64_t)gregs[REG_RBX],
    };
    const struct event event = run_no_enclave(&r);

    if (gregs[REG_RIP] != (greg_t)(uintptr_t)sgx2_enclu_insn)
        return exception_signal(&event, REFUSED_NO_MAPPING, info, uc);
    gregs[REG_RDI] = event.vector;
    gregs[REG_RSI] = event.errcd;
    gregs[REG_RDX] = (greg_t)event.addr;
    gregs[REG_RIP] = (greg_t)(uintptr_t)sgx2_enclu_fixup;
    return 0;
}

/* ENCLU executed by host code, not through sgx2_enter_enclave(). 0, or the signal that is due. */
static int host_enclu(siginfo_t *info, ucontext_t *uc, struct thread *t, struct bases *bases)
{
    const bool resumes = (uint32_t)uc->uc_mcontext.gregs[REG_RAX] == SGX_ERESUME;
    uint8_t software[48];
    uint8_t *image = (uint8_t *)uc->uc_mcontext.fpregs;
    struct event event;
    bool settled;

    t->enclave = host_enclave(uc);
    if (!t->enclave)
        return host_no_enclave(info, uc);
    memcpy(software, image + SOFTWARE_AT, sizeof software);
    context_load(&t->cpu, uc, bases);
    t->cpu.epc = &t->enclave->epc;
    t->cpu.translate_arg = t->enclave;
    enclave_lock(t->enclave);
    COUNT(t->enclave, traps);
    if (resumes && t->step.on) { /* a signal for the program came while stepping */
        settled = run_enclu(t, &event);
        step_go(t);
    } else {
        settled = run_entry(t, &event);
    }
    hidden_follow(t);
    enclave_unlock(t->enclave);
    context_store(&t->cpu, uc, bases); /* as it was, if the leaf was refused */
    memcpy(image + SOFTWARE_AT, software, sizeof software);
    return settled ? 0 : exception_signal(&event, t->refusal, info, uc);
}

static bool withheld(const struct pte *pte, enum access access)
{
    return !(pte->native & (access == ACCESS_WRITE ? 2 : access == ACCESS_FETCH ? 4 : 1));
}

/* Would host code that touches this address find an abort page? */
static bool is_abort_page(uint64_t address, bool write)
{
    struct enclave *e = enclave_by_address(address);
    const enum access access = write ? ACCESS_WRITE : ACCESS_READ;
    uint32_t frame, pfec;
    bool hidden;

    if (!e)
        return false;
    enclave_lock(e);
    hidden = enclave_contains(e, address) && pagetable_walk(e, address, access, &frame, &pfec);
    if (hidden && hide_way() != HIDE_BY_KEY) {
        pagetable_sync(e, enclave_page(e, address));
        hidden = withheld(&e->ptes[enclave_page(e, address)], access);
    }
    enclave_unlock(e);
    return hidden;
}

/* The abort page of a fetch holds ones as well, and FF FF is no instruction. */
static int host_abort_page(enum access access, siginfo_t *info, ucontext_t *uc)
{
    const struct event event = fault(SGX_VECTOR_UD);

    if (access == ACCESS_FETCH)
        return exception_signal(&event, REFUSED_NO_MAPPING, info, uc);
    return abort_page_emulate(uc, is_abort_page) ? 0 : SIGSEGV;
}

/*
 * Host code touched enclave memory: the kernel adds the page, the processor hides its content. 0,
 * or the signal that is due.
 */
static int host_touch(siginfo_t *info, ucontext_t *uc)
{
    const uint64_t address = (uint64_t)uc->uc_mcontext.gregs[REG_CR2];
    const enum access access = trap_access(uc);
    struct enclave *e = enclave_by_address(address);
    struct event event = fault(SGX_VECTOR_PF);
    enum fault_result result = FAULT_RETRY;
    bool hidden = uc->uc_mcontext.gregs[REG_ERR] & SGX_PFEC_PK;
    uint32_t frame, pfec = SGX_PFEC_U;

    if (!e)
        return SIGSEGV;
    enclave_lock(e);
    COUNT(e, traps);
    if (!enclave_contains(e, address)) {
        result = fault_handle(e, address, pfec, FAULT_BY_HOST);
    } else {
        if (!pagetable_walk(e, address, access, &frame, &pfec))
            result = fault_handle(e, address, pfec, FAULT_BY_HOST);
        if (result == FAULT_RETRY) {
            const struct pte *pte = &e->ptes[enclave_page(e, address)];

            pagetable_sync(e, enclave_page(e, address));
            /* Not there: a kernel that only claims to have added it. */
            hidden = hidden || (pte->present && withheld(pte, access));
        }
    }
    enclave_unlock(e);
    if (result == FAULT_RETRY)
        return hidden ? host_abort_page(access, info, uc) : 0;
    event.addr = address;
    event.errcd = pfec;
    return exception_signal(&event, result == FAULT_BUS ? REFUSED_BY_DRIVER : REFUSED_BY_MAPPING,
                            info, uc);
}

static bool in_window(const ucontext_t *uc)
{
    const uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];

    return rip >= (uint64_t)(uintptr_t)sgx2_window_start &&
           rip < (uint64_t)(uintptr_t)sgx2_window_end;
}

/* Host code whose instructions are not all its own: what comes before anything else. */
static bool host_instruction(int sig, const siginfo_t *info, ucontext_t *uc)
{
    return redirect_end(sig, uc) || (info->si_code > 0 && cpuid_emulate(sig, uc));
}

/* A signal while C of the model works on an entry. */
static void trap_busy(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t)
{
    if (sig == KICK) {
        __atomic_store_n(&t->kick_missed, true, __ATOMIC_RELAXED);
        return;
    }
    /* A second one comes only if it is of those that are not blocked, and somebody sent it. */
    if (signals_for_program(sig, info) && !t->waiting)
        deliver_later(sig, info, uc, t);
    else
        deliver_signal(sig, info, uc, t);
}

static bool host_page_fault(int sig, const siginfo_t *info, const ucontext_t *uc)
{
    return sig == SIGSEGV && info->si_code > 0 && trap_number(uc) == SGX_VECTOR_PF;
}

/* A signal of a thread whose state the kernel's frame holds. */
static void trap_settled(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t,
                         struct bases *bases)
{
    if (t->cpu.enclave_mode) {
        trap_inside(sig, info, uc, t, bases);
        return;
    }
    if (sig == KICK)
        kick_taken(t);
    if (run_hosted && run_hosted(sig, info, uc, t, bases))
        return;
    if (sig == KICK)
        return;
    if (host_at_enclu(sig, info, uc))
        sig = host_enclu(info, uc, t, bases);
    else if (host_page_fault(sig, info, uc))
        sig = host_touch(info, uc);
    if (sig)
        deliver_signal(sig, info, uc, t);
}

void trap_handle(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t, struct bases *bases)
{
    if (!t->cpu.enclave_mode && host_instruction(sig, info, uc))
        return;
    if (signals_is_kick(sig, info) || (t->kicked && signals_is_old_kick(sig, info)))
        sig = KICK;
    if (t->in_model == ENTRY_BUSY) {
        trap_busy(sig, info, uc, t);
        return;
    }
    if (t->in_model == ENTRY_READY || in_window(uc))
        finish_entry(t, uc, bases);
    if (t->waiting) {
        if (sig == KICK)
            kick_taken(t);
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
    if (host_instruction(sig, info, uc))
        return;
    if (host_at_enclu(sig, info, uc)) {
        if (host_enclave(uc)) {
            deliver_adoption(sig, info, uc); /* and once more, now as a thread that may enter */
            return;
        }
        sig = host_no_enclave(info, uc);
    } else if (host_page_fault(sig, info, uc)) {
        sig = host_touch(info, uc);
    }
    if (sig)
        deliver_signal(sig, info, uc, NULL);
}

/* Two handlers that each took the other for its predecessor: the signal has been everywhere. */
void trap_nobody(int sig, siginfo_t *info, ucontext_t *uc)
{
    (void)uc;
    signals_default(sig, info);
}
