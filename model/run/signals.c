/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our signal handlers, in front of those that the host program has.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/run.h"

/* What rt_sigaction(2) takes. glibc's sigaction() would put its own restorer in. */
struct kernel_sigaction {
    void *handler;
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

#define SA_RESTORER 0x04000000ul

static const int ours[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGSYS, SIGNAL_KICK};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kernel_sigaction before[SIGNAL_KICK + 1]; /* what stood there before us */

static void install_one(int sig)
{
    const struct kernel_sigaction action = {
        .handler = (void *)sgx2_trap_entry,
        .flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER,
        .restorer = sgx2_restorer,
        .mask = ~UINT64_C(0),
    };
    struct kernel_sigaction old;

    if (syscall(SYS_rt_sigaction, sig, NULL, &old, sizeof old.mask) < 0)
        return;
    if (old.handler == action.handler)
        return;
    before[sig] = old;
    if (syscall(SYS_rt_sigaction, sig, &action, NULL, sizeof action.mask) < 0) {
        perror("aperture: the model cannot install its signal handlers");
        abort();
    }
}

void signals_install(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        install_one(ours[i]);
    pthread_mutex_unlock(&lock);
}

void run_install(void)
{
    signals_install();
}

/* Let the default action happen: the signal comes again with nobody to catch it. */
void signals_default(int sig, const siginfo_t *info)
{
    const struct kernel_sigaction action = {.handler = SIG_DFL};
    uint64_t mask = UINT64_C(1) << (sig - 1);

    syscall(SYS_rt_sigaction, sig, &action, NULL, sizeof action.mask);
    if (info->si_code <= 0) /* sent by someone: it does not come again by itself */
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
    syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, sizeof mask);
}

void signals_chain(int sig, siginfo_t *info, ucontext_t *uc)
{
    const struct kernel_sigaction old = before[sig];
    uint64_t mask;

    if (old.handler == (void *)SIG_DFL || old.handler == (void *)SIG_IGN) {
        if (sig != SIGNAL_KICK)
            signals_default(sig, info);
        return;
    }
    /* With the mask that the kernel would have set for it. */
    memcpy(&mask, &uc->uc_sigmask, sizeof mask);
    mask |= old.mask;
    if (!(old.flags & SA_NODEFER))
        mask |= UINT64_C(1) << (sig - 1);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
    if (old.flags & SA_SIGINFO)
        ((void (*)(int, siginfo_t *, void *))old.handler)(sig, info, uc);
    else
        ((void (*)(int))old.handler)(sig);
    mask = ~UINT64_C(0);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}
