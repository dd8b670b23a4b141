/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's delivery of a signal, done over again.
 *
 * The kernel put its frame where our handler can run, on the thread's area. The program's handler
 * belongs on the interrupted stack or on the program's own alternate stack, so the frame is copied
 * there, and the one at hand becomes a jump to the handler: returning from our handler loads its
 * registers, its stack and its mask in one step. The handler returns by way of the copy.
 */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/run.h"

/* The kernel's ucontext ends with its eight bytes of mask; glibc's type goes on. */
#define KERNEL_UC_SIZE (offsetof(ucontext_t, uc_sigmask) + sizeof(uint64_t))

#define RED_ZONE        128
#define EXTENDED_HEADER 512 /* of an XSAVE image, after the legacy area */
#define MXCSR_AT        24
#define MXCSR_DEFAULT   0x1f80u

#define RFLAGS_DF UINT64_C(0x400)
#define RFLAGS_RF UINT64_C(0x10000)

/* What rt_sigreturn() expects above the stack pointer. */
struct frame {
    const void *restorer;
    uint8_t uc[KERNEL_UC_SIZE];
    siginfo_t info;
};

static size_t fp_size(const ucontext_t *uc)
{
    const struct _fpx_sw_bytes *software =
        (const void *)((const uint8_t *)uc->uc_mcontext.fpregs + 464);

    return software->magic1 == FP_XSTATE_MAGIC1 ? software->extended_size : 512;
}

/* Handlers start with the floating-point unit as a new program has it. */
static void fp_init(ucontext_t *uc)
{
    uint8_t *image = (uint8_t *)uc->uc_mcontext.fpregs;
    const uint32_t mxcsr = MXCSR_DEFAULT;

    if (fp_size(uc) == 512)
        return;
    memset(image + EXTENDED_HEADER, 0, sizeof(uint64_t)); /* XSTATE_BV: all in initial state */
    memcpy(image + MXCSR_AT, &mxcsr, sizeof mxcsr);
}

/* A stack that the program set up and that sp is not on already: a handler may ask for it. */
static bool elsewhere(const stack_t *stack, uint64_t sp)
{
    return !(stack->ss_flags & SS_DISABLE) && stack->ss_size &&
           sp - (uint64_t)(uintptr_t)stack->ss_sp > stack->ss_size;
}

/* The program's handler has what it expects where the kernel put it: call it. */
static void call_here(const struct kernel_sigaction *action, int sig, siginfo_t *info,
                      ucontext_t *uc, uint64_t mask)
{
    uint64_t block_all = ~UINT64_C(0);

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
    ((void (*)(int, siginfo_t *, void *))action->handler)(sig, info, uc);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &block_all, NULL, sizeof block_all);
    thread_keep_stack(uc);
}

static void call_on(uint64_t sp, const struct kernel_sigaction *action, int sig,
                    const siginfo_t *info, ucontext_t *uc, uint64_t mask)
{
    greg_t *gregs = uc->uc_mcontext.gregs;
    ucontext_t *copy;
    struct frame *frame;
    uint8_t *fp;

    sp = (sp - fp_size(uc)) & -(uint64_t)64;
    fp = memcpy((void *)(uintptr_t)sp, uc->uc_mcontext.fpregs, fp_size(uc));
    /* As after a CALL: eight bytes below a multiple of sixteen. */
    sp = ((sp - sizeof *frame) & -(uint64_t)16) - 8;
    frame = (struct frame *)(uintptr_t)sp;
    frame->restorer = sgx2_frame_return;
    memcpy(frame->uc, uc, sizeof frame->uc);
    frame->info = *info;
    copy = (ucontext_t *)(void *)frame->uc;
    copy->uc_mcontext.fpregs = (void *)fp;

    gregs[REG_RIP] = (greg_t)(uintptr_t)action->handler;
    gregs[REG_RSP] = (greg_t)sp;
    gregs[REG_RDI] = sig;
    gregs[REG_RSI] = (greg_t)(uintptr_t)&frame->info;
    gregs[REG_RDX] = (greg_t)(uintptr_t)copy;
    gregs[REG_RAX] = 0;
    gregs[REG_EFL] &= ~(greg_t)(RFLAGS_DF | RFLAGS_TF | RFLAGS_RF);
    memcpy(&uc->uc_sigmask, &mask, sizeof mask);
    fp_init(uc);
}

/* During the handler. What an enclave needs stays unblocked: the handler may enter one. */
static uint64_t handler_mask(const struct kernel_sigaction *action, int sig, const ucontext_t *uc)
{
    uint64_t mask = action->mask, before;

    if (!(action->flags & SA_NODEFER))
        mask |= SIGNAL_BIT(sig);
    signals_open(&mask);
    memcpy(&before, &uc->uc_sigmask, sizeof before);
    return mask | before;
}

void deliver_signal(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t)
{
    const struct kernel_sigaction action = signals_action(sig);
    const uint64_t sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
    const stack_t *stack = t ? &t->program : &uc->uc_stack;
    const bool leaves = elsewhere(stack, sp), wants = action.flags & SA_ONSTACK;
    uint64_t mask;

    if (action.handler == (void *)SIG_IGN && signals_for_program(sig, info))
        return;
    if (action.handler == (void *)SIG_DFL || action.handler == (void *)SIG_IGN) {
        signals_default(sig, info);
        return;
    }
    mask = handler_mask(&action, sig, uc);
    if (wants && leaves && t)
        call_on((uint64_t)(uintptr_t)stack->ss_sp + stack->ss_size, &action, sig, info, uc, mask);
    else if (t || (leaves && !wants))
        call_on(sp - RED_ZONE, &action, sig, info, uc, mask);
    else
        call_here(&action, sig, info, uc, mask);
}

/* ------------------------------------------------------------------ while an entry is under way */

/* Not queued again: it would come after those that were sent behind it. */
void deliver_later(int sig, const siginfo_t *info, ucontext_t *uc, struct thread *t)
{
    const uint64_t mask = ~SIGNALS_OURS;

    memcpy(&t->mask, &uc->uc_sigmask, sizeof t->mask);
    memcpy(&uc->uc_sigmask, &mask, sizeof mask);
    t->held_signal = sig;
    t->held = *info;
    t->waiting = true;
}

void deliver_waiting(const struct thread *t)
{
    if (__atomic_load_n(&t->waiting, __ATOMIC_RELAXED))
        __asm__ volatile("ud2"); /* a trap that cannot be blocked and needs no room in a queue */
}
