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

#define XSTATE_PKRU UINT64_C(0x200)

#define RFLAGS_AC UINT64_C(0x40000)
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

/* Handlers start with the floating-point unit as a new program has it, but not with all keys. */
void deliver_fp_init(ucontext_t *uc)
{
    uint8_t *image = (uint8_t *)uc->uc_mcontext.fpregs;
    const uint32_t mxcsr = MXCSR_DEFAULT;
    uint64_t bv;

    if (fp_size(uc) == 512)
        return;
    memcpy(&bv, image + EXTENDED_HEADER, sizeof bv);
    bv &= XSTATE_PKRU; /* the rest is in its initial state */
    memcpy(image + EXTENDED_HEADER, &bv, sizeof bv);
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

/*
 * Below the interrupted stack pointer may be what AddressSanitizer still takes for variables: of C
 * of the model, which a signal ended instead of a return (deliver_waiting).
 */
#define ABANDONED 0x2000

extern void __asan_unpoison_memory_region(const volatile void *start, size_t size)
    __attribute__((weak));

static void clear_stack(uint64_t sp, size_t frame)
{
    const uint64_t start = (sp - frame - ABANDONED) & -(uint64_t)64;

    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region((const void *)(uintptr_t)start, sp - start);
}

static void call_on(uint64_t sp, const struct kernel_sigaction *action, int sig,
                    const siginfo_t *info, ucontext_t *uc, uint64_t mask)
{
    greg_t *gregs = uc->uc_mcontext.gregs;
    ucontext_t *copy;
    struct frame *frame;
    uint8_t *fp;

    clear_stack(sp, fp_size(uc) + sizeof *frame);
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
    deliver_fp_init(uc);
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

/* Called like a handler of the program's, on the interrupted stack. */
static void adopt(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    thread_adopt(context, false);
}

void deliver_adoption(int sig, siginfo_t *info, ucontext_t *uc)
{
    const struct kernel_sigaction action = {.handler = (void *)adopt};
    const uint64_t sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];

    if (!elsewhere(&uc->uc_stack, sp)) { /* the frame at hand is on the interrupted stack itself */
        thread_adopt(uc, true);
        return;
    }
    call_on(sp - RED_ZONE, &action, sig, info, uc, ~UINT64_C(0));
    uc->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)RFLAGS_AC;
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

void deliver_trap(int sig, const siginfo_t *info, struct thread *t)
{
    const uint64_t quiet = ~SIGNALS_OURS;
    uint64_t mask;

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &quiet, &mask, sizeof mask);
    if (t->waiting) { /* some other signal came first: this one after it */
        signals_again(sig, info);
        return;
    }
    t->mask = mask;
    t->held_signal = sig;
    t->held = *info;
    t->waiting = true;
}

void deliver_waiting(const struct thread *t)
{
    if (__atomic_load_n(&t->waiting, __ATOMIC_RELAXED))
        __asm__ volatile("ud2"); /* a trap that cannot be blocked and needs no room in a queue */
}
