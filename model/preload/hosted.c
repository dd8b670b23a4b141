/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traps of a hosted program: its system calls, and its threads' beginning and end.
 *
 * A call that is the kernel's goes there from the thread's code page, after the handler: in the
 * program's context, so that it can be interrupted, made again or left by a handler as ever.
 */
#include "preload/hosted.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model.h"
#include "preload/preload.h"

#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define ARCH_SHSTK_FIRST 0x5001 /* shadow stacks: the frames of handlers would need one too */
#define ARCH_SHSTK_LAST  0x5005

#define SYSCALL_LENGTH 2
#define FLAGS_INITIAL  0x202

static uint64_t address_of(const char *symbol)
{
    return (uint64_t)(uintptr_t)symbol;
}

/* ------------------------------------------------------------------ calls that differ */

static long call_arch_prctl(struct call *c)
{
    switch (c->args[0]) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (c->args[1] >= UINT64_C(1) << 47)
            return -EPERM;
        *(c->args[0] == ARCH_SET_FS ? &c->bases->fs : &c->bases->gs) = c->args[1];
        return 0;
    case ARCH_GET_FS:
        return user_write(c->args[1], &c->bases->fs, sizeof c->bases->fs);
    case ARCH_GET_GS:
        return user_write(c->args[1], &c->bases->gs, sizeof c->bases->gs);
    default:
        if (c->args[0] >= ARCH_SHSTK_FIRST && c->args[0] <= ARCH_SHSTK_LAST)
            return -EINVAL;
        return CALL_KERNELS;
    }
}

/* The frame may hold a mask that the program has changed. */
static long call_sigreturn(const struct call *c)
{
    const uint64_t at =
        (uint64_t)c->uc->uc_mcontext.gregs[REG_RSP] + offsetof(ucontext_t, uc_sigmask);
    uint64_t mask;

    if (user_read(&mask, at, sizeof mask) == 0 && mask & SIGNALS_OURS) {
        signals_hide(&mask);
        user_write(at, &mask, sizeof mask);
    }
    return CALL_KERNELS;
}

static long call_sigmask(const struct call *c)
{
    uint64_t mask, set, old;
    long r;

    if (c->args[3] != sizeof set)
        return -EINVAL;
    if (c->args[1] && user_read(&set, c->args[1], sizeof set) < 0)
        return -EFAULT;
    memcpy(&mask, &c->uc->uc_sigmask, sizeof mask);
    r = signals_change(&mask, (int)c->args[0], c->args[1] ? &set : NULL, &old);
    memcpy(&c->uc->uc_sigmask, &mask, sizeof mask);
    if (r == 0 && c->args[2])
        r = user_write(c->args[2], &old, sizeof old);
    return r;
}

static long call_sigaltstack(const struct call *c)
{
    stack_t new, old;
    long r;

    if (c->args[0] && user_read(&new, c->args[0], sizeof new) < 0)
        return -EFAULT;
    r = thread_exchange_stack(c->t, (uint64_t)c->uc->uc_mcontext.gregs[REG_RSP],
                              c->args[0] ? &new : NULL, &old);
    if (r == 0 && c->args[1])
        r = user_write(c->args[1], &old, sizeof old);
    return r;
}

/* A child of vfork() has the tables of its parent: what is the model's stays. */
static long call_handler(const struct call *c)
{
    const unsigned long sig = c->args[0];

    if (c->t->hosted->vforked && sig >= 1 && sig <= SIGNAL_KICK && SIGNALS_OURS & SIGNAL_BIT(sig))
        return 0;
    return call_sigaction(c->args);
}

static long call_exit(struct call *c)
{
    struct hosted *h = c->t->hosted;
    const uint64_t all = ~UINT64_C(0);

    if (h->vforked)
        return CALL_KERNELS;
    h->status = (int)c->args[0];
    memcpy(c->uc->uc_mcontext.gregs, h->home, sizeof h->home);
    memcpy(&c->uc->uc_sigmask, &all, sizeof all);
    c->bases->fs = c->t->host_fs;
    c->bases->gs = c->t->host_gs;
    c->bases->selector = SUD_ALLOW;
    return CALL_SETTLED;
}

/* ------------------------------------------------------------------ its own file */

static bool is_own_file(uint64_t path)
{
    char text[64], own[64];

    if (user_string(text, sizeof text, path) == sizeof text)
        return false;
    snprintf(own, sizeof own, "/proc/%d/exe", getpid());
    return strcmp(text, "/proc/self/exe") == 0 || strcmp(text, own) == 0;
}

static long call_readlink(uint64_t path, uint64_t to, size_t size)
{
    const size_t length = strlen(hosted_program.path);

    if (!is_own_file(path))
        return CALL_KERNELS;
    if ((int)size <= 0)
        return -EINVAL;
    if (size > length)
        size = length;
    return user_write(to, hosted_program.path, size) < 0 ? -EFAULT : (long)size;
}

static long call_with_own_file(const struct call *c, unsigned at)
{
    unsigned long args[6];

    if (!is_own_file(c->args[at]))
        return CALL_KERNELS;
    memcpy(args, c->args, sizeof args);
    args[at] = (unsigned long)hosted_program.path;
    return raw_syscall(c->number, args);
}

/* ------------------------------------------------------------------ by number */

static long call_path(struct call *c)
{
    switch (c->number) {
    case SYS_readlink:
        return call_readlink(c->args[0], c->args[1], c->args[2]);
    case SYS_readlinkat:
        return call_readlink(c->args[1], c->args[2], c->args[3]);
    case SYS_open:
    case SYS_stat:
        return call_with_own_file(c, 0);
    case SYS_openat:
    case SYS_newfstatat:
    case SYS_statx:
        return call_with_own_file(c, 1);
    case SYS_execve:
        return hosted_execve(c, AT_FDCWD, c->args[0], c->args[1], c->args[2], 0);
    case SYS_execveat:
        return hosted_execve(c, (int)c->args[0], c->args[1], c->args[2], c->args[3],
                             (int)c->args[4]);
    default:
        return CALL_KERNELS;
    }
}

static long call_thread(struct call *c)
{
    const unsigned long *a = c->args;

    switch (c->number) {
    case SYS_clone:
        return hosted_clone(c, a[0], a[1], a[2], a[3], a[4]);
    case SYS_fork:
        return hosted_clone(c, SIGCHLD, 0, 0, 0, 0);
    case SYS_vfork:
        return hosted_clone(c, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
    case SYS_exit:
        return call_exit(c);
    case SYS_exit_group:
        if (!c->t->hosted->vforked)
            sgx2_process_ends();
        return CALL_KERNELS;
    case SYS_set_tid_address:
        c->t->hosted->clear_tid = a[0];
        return c->t->tid;
    case SYS_clone3: /* programs fall back to clone() */
#ifdef SYS_rseq
    case SYS_rseq: /* the kernel has room for one a thread: the loader's libc has it */
#endif
    case SYS_set_robust_list: /* likewise; robust mutexes are refused by the program's libc */
    case SYS_get_robust_list:
        return -ENOSYS;
    default:
        return CALL_KERNELS;
    }
}

static long call_self(struct call *c)
{
    switch (c->number) {
    case SYS_arch_prctl:
        return call_arch_prctl(c);
    case SYS_prctl:
        return c->args[0] == PR_SET_SYSCALL_USER_DISPATCH ? -EINVAL : CALL_KERNELS;
    case SYS_brk:
        return hosted_brk(c->args[0]);
    case SYS_rt_sigaction:
        return call_handler(c);
    case SYS_rt_sigprocmask:
        return call_sigmask(c);
    case SYS_rt_sigreturn:
        return call_sigreturn(c);
    case SYS_sigaltstack:
        return call_sigaltstack(c);
    default:
        return CALL_KERNELS;
    }
}

/* Each of them knows the numbers that it answers to. */
static long make_call(struct call *c)
{
    static long (*const differing[])(struct call *) = {call_self, call_thread, call_path};
    long r = CALL_KERNELS;

    for (size_t i = 0; i < sizeof differing / sizeof *differing && r == CALL_KERNELS; i++)
        r = differing[i](c);
    if (r == CALL_KERNELS && c->number != SYS_rt_sigreturn)
        dispatch_model(c->number, c->args, &r);
    return r;
}

static void system_call(const siginfo_t *info, ucontext_t *uc, struct thread *t,
                        struct bases *bases)
{
    greg_t *g = uc->uc_mcontext.gregs;
    struct call c = {
        .number = (int)g[REG_RAX],
        .args = {(unsigned long)g[REG_RDI], (unsigned long)g[REG_RSI], (unsigned long)g[REG_RDX],
                 (unsigned long)g[REG_R10], (unsigned long)g[REG_R8], (unsigned long)g[REG_R9]},
        .uc = uc,
        .t = t,
        .bases = bases,
    };
    long r = -ENOSYS; /* INT 80h, as on a kernel without 32-bit programs */

    if (info->si_arch == AUDIT_ARCH_X86_64)
        r = make_call(&c);
    if (r == CALL_KERNELS) {
        t->resume = (uint64_t)g[REG_RIP];
        g[REG_RIP] = (greg_t)(uintptr_t)t + THREAD_CODE +
                     (greg_t)(address_of(sgx2_code_pass) - address_of(sgx2_code_start));
    } else if (r != CALL_SETTLED) {
        g[REG_RAX] = r;
    }
}

/* A signal between the handler of a call and the program: before the call, or after it. */
static void leave_code_page(ucontext_t *uc, const struct thread *t)
{
    greg_t *g = uc->uc_mcontext.gregs;
    const uint64_t at = (uint64_t)g[REG_RIP] - (uint64_t)(uintptr_t)t - THREAD_CODE;
    const uint64_t base = address_of(sgx2_code_start);

    if (at < address_of(sgx2_code_pass) - base || at >= address_of(sgx2_code_end) - base)
        return;
    g[REG_RIP] = g[REG_RCX] = (greg_t)t->resume;
    if (at == address_of(sgx2_code_pass) - base)
        g[REG_RIP] -= SYSCALL_LENGTH;
}

/* ------------------------------------------------------------------ beginning and end */

static void store_tid(uint64_t at, int tid)
{
    if (at)
        user_write(at, &tid, sizeof tid);
}

static void load_program(const struct start *s, ucontext_t *uc)
{
    greg_t *g = uc->uc_mcontext.gregs;

    for (int i = REG_R8; i <= REG_RCX; i++)
        g[i] = 0;
    g[REG_RSP] = (greg_t)s->rsp;
    g[REG_RIP] = (greg_t)s->rip;
    g[REG_EFL] = FLAGS_INITIAL;
    deliver_fp_init(uc);
    memcpy(&uc->uc_sigmask, &s->mask, sizeof s->mask);
}

static size_t fp_size(const ucontext_t *uc)
{
    const struct _fpx_sw_bytes *software =
        (const void *)((const uint8_t *)uc->uc_mcontext.fpregs + 464);

    return software->magic1 == FP_XSTATE_MAGIC1 ? software->extended_size : 512;
}

/* The registers of its parent, but for two. */
static void load_clone(const struct start *s, ucontext_t *uc)
{
    const ucontext_t *parent = s->parent->uc;
    greg_t *g = uc->uc_mcontext.gregs;

    memcpy(g, parent->uc_mcontext.gregs, sizeof parent->uc_mcontext.gregs);
    if (fp_size(uc) == fp_size(parent))
        memcpy(uc->uc_mcontext.fpregs, parent->uc_mcontext.fpregs, fp_size(parent));
    memcpy(&uc->uc_sigmask, &parent->uc_sigmask, sizeof(uint64_t));
    g[REG_RAX] = 0;
    if (s->rsp)
        g[REG_RSP] = (greg_t)s->rsp;
}

static void begin(ucontext_t *uc, const struct thread *t, struct bases *bases)
{
    struct hosted *h = t->hosted;
    const struct start *s = h->start;

    memcpy(h->home, uc->uc_mcontext.gregs, sizeof h->home);
    h->home[REG_RIP] = (greg_t)address_of(hosted_switch_back);
    h->start = NULL;
    if (s->parent) {
        load_clone(s, uc);
        signals_withhold(s->withheld);
        bases->fs = s->fs;
        bases->gs = s->parent->bases->gs;
        store_tid(s->parent_tid, t->tid);
        store_tid(s->child_tid, t->tid);
        sem_post(h->born); /* from here on its parent's context is not there */
    } else {
        load_program(s, uc);
        bases->fs = bases->gs = 0;
    }
    bases->selector = SUD_BLOCK;
}

static bool trap(int sig, const siginfo_t *info, ucontext_t *uc, struct thread *t,
                 struct bases *bases)
{
    if (!t->hosted)
        return false;
    leave_code_page(uc, t);
    if (sig == SIGSYS && info->si_code == SYS_USER_DISPATCH) {
        system_call(info, uc, t, bases);
        return true;
    }
    if (sig == SIGILL && t->hosted->start &&
        (uint64_t)uc->uc_mcontext.gregs[REG_RIP] == address_of(hosted_switch_insn)) {
        begin(uc, t, bases);
        return true;
    }
    return false;
}

void hosted_begin(void)
{
    sgx2_hosted = 1;
    run_hosted = trap;
    driver_begin();
}

/* What the kernel does when a thread ends that asked for it. */
static void wake_waiters(uint64_t tid_at)
{
    static const int zero;

    if (tid_at && user_write(tid_at, &zero, sizeof zero) == 0)
        syscall(SYS_futex, tid_at, 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0);
}

void hosted_run(struct hosted *h)
{
    uint64_t mask = ~SIGNALS_OURS;
    struct thread *t = thread_self();

    t->hosted = h;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
    hosted_switch();
    mask = ~UINT64_C(0);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
    wake_waiters(h->clear_tid);
}
