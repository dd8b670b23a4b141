/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: the program's handlers stand behind the model's, whoever came first. Until the model has
 * handlers, the calls go to whom they would go to without it.
 *
 * These definitions come before libc's in libsgx2.so, and in a program that is linked with the
 * model: run/linked.c sees to it that the linker takes them.
 *
 * libc's own uses - of abort(), system(), siglongjmp() and their like - do not come here. They save
 * and restore what the kernel has, and so do no harm.
 */
#include <signal.h>
#include <string.h>

#include "model.h"
#include "preload/next.h"
#include "preload/preload.h"
#include "run/linked.h"

NEXT_DECLARE(sigaction);
NEXT_DECLARE(sigprocmask);
NEXT_DECLARE(pthread_sigmask);
NEXT_DECLARE(sigaltstack);

void signal_find_next(void)
{
    NEXT_FIND(sigaction);
    NEXT_FIND(sigprocmask);
    NEXT_FIND(pthread_sigmask);
    NEXT_FIND(sigaltstack);
}

INTERPOSED int sigaction(int sig, const struct sigaction *restrict action,
                         struct sigaction *restrict old)
{
    if (!sgx2_signals_in_front())
        return NEXT(sigaction, sig, action, old);
    return libc_result(sgx2_sigaction(sig, action, old));
}

int __sigaction(int sig, const struct sigaction *action, struct sigaction *old);
INTERPOSED int __sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
    return sigaction(sig, action, old);
}

/* ------------------------------------------------------------------ signal(2) and its variants */

static sigset_t interrupting; /* by siginterrupt(): calls that this signal interrupts fail */

static __sighandler_t set_handler(int sig, __sighandler_t handler, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, old;

    sigemptyset(&action.sa_mask);
    if (sigaction(sig, &action, &old) < 0)
        return SIG_ERR;
    return old.sa_handler;
}

INTERPOSED __sighandler_t signal(int sig, __sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler}, old;

    sigemptyset(&action.sa_mask);
    if (handler == SIG_ERR || sigaddset(&action.sa_mask, sig) < 0)
        return libc_result(-EINVAL), SIG_ERR;
    action.sa_flags = sigismember(&interrupting, sig) ? 0 : SA_RESTART;
    return sigaction(sig, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

__sighandler_t bsd_signal(int sig, __sighandler_t handler);
__sighandler_t ssignal(int sig, __sighandler_t handler);

INTERPOSED __sighandler_t bsd_signal(int sig, __sighandler_t handler)
{
    return signal(sig, handler);
}

INTERPOSED __sighandler_t ssignal(int sig, __sighandler_t handler)
{
    return signal(sig, handler);
}

__sighandler_t __sysv_signal(int sig, __sighandler_t handler);

INTERPOSED __sighandler_t sysv_signal(int sig, __sighandler_t handler)
{
    return set_handler(sig, handler, (int)(SA_RESETHAND | SA_NODEFER));
}

INTERPOSED __sighandler_t __sysv_signal(int sig, __sighandler_t handler)
{
    return sysv_signal(sig, handler);
}

INTERPOSED int siginterrupt(int sig, int interrupt)
{
    struct sigaction action;

    if (sigaction(sig, NULL, &action) < 0)
        return -1;
    if (interrupt) {
        sigaddset(&interrupting, sig);
        action.sa_flags &= ~SA_RESTART;
    } else {
        sigdelset(&interrupting, sig);
        action.sa_flags |= SA_RESTART;
    }
    return sigaction(sig, &action, NULL);
}

/* ------------------------------------------------------------------ System V's other calls */

static int set_blocked(int sig, int how, sigset_t *old)
{
    sigset_t set;

    sigemptyset(&set);
    if (sigaddset(&set, sig) < 0)
        return -1;
    return sigprocmask(how, &set, old);
}

INTERPOSED __sighandler_t sigset(int sig, __sighandler_t handler)
{
    struct sigaction now;
    sigset_t mask;

    sigemptyset(&mask);
    if (handler == SIG_HOLD) {
        if (sigaction(sig, NULL, &now) < 0 || set_blocked(sig, SIG_BLOCK, &mask) < 0)
            return SIG_ERR;
        return sigismember(&mask, sig) ? SIG_HOLD : now.sa_handler;
    }
    handler = set_handler(sig, handler, 0);
    if (handler == SIG_ERR || set_blocked(sig, SIG_UNBLOCK, &mask) < 0)
        return SIG_ERR;
    return sigismember(&mask, sig) ? SIG_HOLD : handler;
}

INTERPOSED int sigignore(int sig)
{
    return set_handler(sig, SIG_IGN, 0) == SIG_ERR ? -1 : 0;
}

INTERPOSED int sighold(int sig)
{
    return set_blocked(sig, SIG_BLOCK, NULL);
}

INTERPOSED int sigrelse(int sig)
{
    return set_blocked(sig, SIG_UNBLOCK, NULL);
}

/* ------------------------------------------------------------------ masks and stacks */

INTERPOSED int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    if (!sgx2_signals_in_front())
        return NEXT(sigprocmask, how, set, old);
    return libc_result(sgx2_sigmask(how, set, old));
}

INTERPOSED int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    if (!sgx2_signals_in_front())
        return NEXT(pthread_sigmask, how, set, old);
    return -sgx2_sigmask(how, set, old);
}

INTERPOSED int sigaltstack(const stack_t *restrict stack, stack_t *restrict old)
{
    if (!sgx2_signals_in_front())
        return NEXT(sigaltstack, stack, old);
    return libc_result(sgx2_sigaltstack(stack, old));
}
