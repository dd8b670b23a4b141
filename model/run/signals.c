/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose handlers the kernel knows, and whose the program knows.
 *
 * The kernel calls ours for every signal that means something in an enclave and, once the program's
 * calls come here, for every signal that the program has a handler for. The program's own actions
 * are in the table `program`.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model.h"
#include "run/run.h"

#define SA_RESTORER 0x04000000ul

/* Of the program's flags, those that the kernel acts upon before it calls anybody. */
#define FLAGS_KEPT ((unsigned long)(SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT))

/* glibc's own, for cancellation and for set*id(): programs cannot touch them. */
#define SIGNAL_CANCEL 32
#define SIGNAL_SETXID 33
#define SIGNALS_LIBC  (SIGNAL_BIT(SIGNAL_CANCEL) | SIGNAL_BIT(SIGNAL_SETXID))

/* Taken with all signals blocked, by handlers too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kernel_sigaction program[SIGNAL_KICK + 1];
static bool all;       /* all of the program's calls come here */
static bool installed; /* our handlers are in front */

static __thread uint64_t withheld; /* signals of ours that the program believes blocked */

static int kernel_action(int sig, const struct kernel_sigaction *action,
                         struct kernel_sigaction *old)
{
    return syscall(SYS_rt_sigaction, sig, action, old, sizeof old->mask) < 0 ? -errno : 0;
}

static int kernel_mask(int how, const uint64_t *set, uint64_t *old)
{
    return syscall(SYS_rt_sigprocmask, how, set, old, sizeof *set) < 0 ? -errno : 0;
}

static bool is_ours(int sig)
{
    return SIGNALS_OURS & SIGNAL_BIT(sig);
}

static bool is_function(const struct kernel_sigaction *action)
{
    return action->handler != (void *)SIG_DFL && action->handler != (void *)SIG_IGN;
}

/* Put ours in front of action. */
static void take(int sig, const struct kernel_sigaction *action)
{
    const struct kernel_sigaction ours = {
        .handler = (void *)sgx2_trap_entry,
        .flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER | (action->flags & FLAGS_KEPT),
        .restorer = (const void *)sgx2_restorer,
        .mask = ~UINT64_C(0),
    };

    program[sig] = *action;
    if (kernel_action(sig, &ours, NULL) < 0) {
        perror("aperture: the model cannot install its signal handlers");
        abort();
    }
}

static void install_one(int sig)
{
    struct kernel_sigaction now;

    if (kernel_action(sig, NULL, &now) < 0 || now.handler == (void *)sgx2_trap_entry)
        return;
    if (is_ours(sig) || (all && is_function(&now)))
        take(sig, &now);
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

void signals_install(void)
{
    pthread_mutex_lock(&lock);
    if (!installed)
        pthread_atfork(before_fork, after_fork, after_fork);
    for (int sig = 1; sig <= SIGNAL_KICK; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            install_one(sig);
    __atomic_store_n(&installed, true, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&lock);
}

void run_install(void)
{
    signals_install();
}

void sgx2_signals_take_all(void)
{
    all = true;
}

/* ------------------------------------------------------------------ the program's calls */

/* Whether the program's calls concern tables and masks of ours. */
static bool in_front(void)
{
    return __atomic_load_n(&installed, __ATOMIC_ACQUIRE) && enclave_is_ours();
}

bool sgx2_signals_in_front(void)
{
    return in_front();
}

static struct kernel_sigaction to_kernel(const struct sigaction *action)
{
    struct kernel_sigaction k = {
        .handler = (void *)action->sa_sigaction,
        .flags = (unsigned)action->sa_flags | SA_RESTORER,
        .restorer = sgx2_frame_return,
    };

    memcpy(&k.mask, &action->sa_mask, sizeof k.mask);
    return k;
}

static struct sigaction to_libc(const struct kernel_sigaction *k)
{
    struct sigaction action = {.sa_flags = (int)k->flags};

    action.sa_sigaction = (void (*)(int, siginfo_t *, void *))k->handler;
    action.sa_restorer = (void (*)(void))k->restorer;
    memcpy(&action.sa_mask, &k->mask, sizeof k->mask);
    return action;
}

static int exchange(int sig, const struct kernel_sigaction *new, struct kernel_sigaction *ret_old)
{
    int r = kernel_action(sig, NULL, ret_old);

    if (r < 0)
        return r;
    if (ret_old->handler == (void *)sgx2_trap_entry)
        *ret_old = program[sig];
    if (!new)
        return 0;
    if (in_front() && sig != SIGKILL && sig != SIGSTOP &&
        (is_ours(sig) || (all && is_function(new)))) {
        take(sig, new);
        return 0;
    }
    return kernel_action(sig, new, NULL);
}

int signals_exchange(int sig, const struct kernel_sigaction *new, struct kernel_sigaction *ret_old)
{
    sigset_t saved;
    int r;

    if (sig < 1 || sig > SIGNAL_KICK)
        return -EINVAL;
    driver_enter(&saved);
    pthread_mutex_lock(&lock);
    r = exchange(sig, new, ret_old);
    pthread_mutex_unlock(&lock);
    driver_leave(&saved);
    return r;
}

int sgx2_sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
    struct kernel_sigaction new, before;
    int r;

    if (sig == SIGNAL_CANCEL || sig == SIGNAL_SETXID)
        return -EINVAL;
    if (action)
        new = to_kernel(action);
    r = signals_exchange(sig, action ? &new : NULL, &before);
    if (r == 0 && old)
        *old = to_libc(&before);
    return r;
}

int sgx2_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    const bool ours = in_front();
    uint64_t want = 0, was;
    const uint64_t was_withheld = ours ? withheld : 0;
    int r;

    if (set) {
        memcpy(&want, set, sizeof want);
        if (how != SIG_UNBLOCK)
            want &= ~SIGNALS_LIBC;
    }
    if (set && ours) {
        withheld = how == SIG_BLOCK     ? withheld | (want & SIGNALS_OURS)
                   : how == SIG_UNBLOCK ? withheld & ~want
                                        : want & SIGNALS_OURS;
        if (how != SIG_UNBLOCK)
            signals_open(&want);
    }
    r = kernel_mask(how, set ? &want : NULL, &was);
    if (r < 0)
        return r;
    was |= was_withheld;
    if (old)
        memcpy(old, &was, sizeof was);
    return 0;
}

int signals_change(uint64_t *mask, int how, const uint64_t *set, uint64_t *old)
{
    const uint64_t unblockable = SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP);
    uint64_t want = *mask | withheld;

    if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
        return -EINVAL;
    if (old)
        *old = want;
    if (!set)
        return 0;
    want = how == SIG_BLOCK ? want | *set : how == SIG_UNBLOCK ? want & ~*set : *set;
    want &= ~unblockable;
    withheld = want & SIGNALS_OURS;
    *mask = want & ~SIGNALS_OURS;
    return 0;
}

uint64_t signals_withheld(void)
{
    return withheld;
}

void signals_withhold(uint64_t set)
{
    withheld = set;
}

void signals_open(uint64_t *mask)
{
    *mask &= ~SIGNALS_OURS;
}

void signals_hide(uint64_t *mask)
{
    withheld |= *mask & SIGNALS_OURS;
    signals_open(mask);
}

/* ------------------------------------------------------------------ when one arrives */

bool signals_for_program(int sig, const siginfo_t *info)
{
    /* The kernel's own are positive; what somebody sent, by whatever means, is not. */
    return !is_ours(sig) || info->si_code <= 0;
}

struct kernel_sigaction signals_action(int sig)
{
    struct kernel_sigaction action;

    pthread_mutex_lock(&lock);
    action = program[sig];
    if (is_function(&action) && action.flags & (unsigned)SA_RESETHAND) {
        program[sig] = (struct kernel_sigaction){.handler = (void *)SIG_DFL};
        if (!is_ours(sig))
            kernel_action(sig, &program[sig], NULL);
    }
    pthread_mutex_unlock(&lock);
    return action;
}

/* Let the default action happen: the signal comes again with nobody to catch it. */
void signals_default(int sig, const siginfo_t *info)
{
    const struct kernel_sigaction action = {.handler = (void *)SIG_DFL};
    uint64_t mask = SIGNAL_BIT(sig);

    kernel_action(sig, &action, NULL);
    if (signals_for_program(sig, info)) /* it does not come again by itself */
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
    kernel_mask(SIG_UNBLOCK, &mask, NULL);
}

void signals_again(int sig, const siginfo_t *info)
{
    syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), sig, info);
}

/* ------------------------------------------------------------------ the kick */

static char kick_mark;

bool signals_kick(int tid)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    info.si_signo = SIGNAL_KICK;
    info.si_code = SI_QUEUE;
    info.si_ptr = &kick_mark;
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, SIGNAL_KICK, &info) == 0)
        return true;
    /* The user's signals fill the queue. One of the old kind comes without, but says nothing. */
    return syscall(SYS_tgkill, getpid(), tid, SIGSYS) == 0;
}

bool signals_is_old_kick(int sig, const siginfo_t *info)
{
    return sig == SIGSYS && (info->si_code == SI_USER || info->si_code == SI_TKILL);
}

bool signals_is_kick(int sig, const siginfo_t *info)
{
    return sig == SIGNAL_KICK && info->si_code == SI_QUEUE && info->si_ptr == &kick_mark;
}
