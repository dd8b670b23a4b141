/* SPDX-License-Identifier: Apache-2.0 */
#include "touch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

extern const char touch_load[], touch_refused[]; /* touch.S */

/* Written before the guard is installed, then constant but for an SA_RESETHAND handler's end. */
static struct sigaction previous_bus, previous_segv;

/*
 * The guard may interrupt code that runs under a model with the enclave's FS and GS bases. Until
 * the signal has been passed on it may not use TLS: no errno, no stack protector, no sanitizer.
 */
#define BARE __attribute__((no_stack_protector, no_sanitize("address", "undefined", "thread")))

BARE static bool recover(ucontext_t *context)
{
    greg_t *rip = &context->uc_mcontext.gregs[REG_RIP];

    if (*rip != (greg_t)(uintptr_t)touch_load)
        return false;
    *rip = (greg_t)(uintptr_t)touch_refused;
    return true;
}

/* A fault comes again as soon as the guard returns; a signal that was sent has to be sent again. */
BARE static void default_action(int number, const siginfo_t *info)
{
    signal(number, SIG_DFL);
    if (info->si_code <= 0)
        raise(number);
}

BARE static void pass_on(struct sigaction *previous, int number, siginfo_t *info, void *context)
{
    struct sigaction to = *previous;

    if (to.sa_flags & SA_RESETHAND)
        previous->sa_handler = SIG_DFL;
    if (to.sa_handler == SIG_IGN && info->si_code <= 0)
        return; /* a fault cannot be ignored */
    if (to.sa_handler == SIG_DFL || to.sa_handler == SIG_IGN)
        default_action(number, info);
    else if (to.sa_flags & SA_SIGINFO)
        to.sa_sigaction(number, info, context);
    else
        to.sa_handler(number);
}

BARE static void guard(int number, siginfo_t *info, void *context)
{
    if (info->si_code > 0 && recover(context))
        return;
    pass_on(number == SIGBUS ? &previous_bus : &previous_segv, number, info, context);
}

static int install(int number, struct sigaction *previous)
{
    struct sigaction own = {.sa_sigaction = guard};

    if (sigaction(number, NULL, previous) < 0)
        return -errno;
    own.sa_mask = previous->sa_mask;
    own.sa_flags = SA_SIGINFO | (previous->sa_flags & (SA_ONSTACK | SA_NODEFER | SA_RESTART));
    if (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN)
        own.sa_flags |= SA_ONSTACK;
    return sigaction(number, &own, NULL) < 0 ? -errno : 0;
}

static int install_result;

static void install_both(void)
{
    install_result = install(SIGBUS, &previous_bus);
    if (install_result == 0)
        install_result = install(SIGSEGV, &previous_segv);
}

int touch_guard_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, install_both);
    return install_result;
}
