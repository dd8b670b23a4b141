/* SPDX-License-Identifier: Apache-2.0 */
#include "touch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static void *map_page(int prot)
{
    return mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* A page that is mapped and cannot be had: SIGBUS, as from a kernel without EPC. */
static void *map_nothing(void)
{
    int fd = memfd_create("empty", MFD_CLOEXEC);

    return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

Test(touch, a_page_that_can_be_read_is_touched)
{
    cr_assert_eq(touch_guard_install(), 0);
    cr_assert_eq(touch_page(map_page(PROT_READ)), 0);
}

Test(touch, a_page_that_the_kernel_cannot_give_is_an_error_and_the_process_lives)
{
    void *page = map_nothing();

    cr_assert_eq(touch_guard_install(), 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(touch_page(page), -EFAULT);
}

Test(touch, a_page_that_may_not_be_read_is_an_error_and_the_process_lives)
{
    cr_assert_eq(touch_guard_install(), 0);
    cr_assert_eq(touch_page(map_page(PROT_NONE)), -EFAULT);
    cr_assert_eq(touch_page(NULL), -EFAULT);
}

/* ------------------------------------------------------------------ other people's signals */

static volatile sig_atomic_t calls;
static volatile int seen_number;
static void *volatile seen_address;

static void settle(int number, siginfo_t *info, void *context)
{
    (void)context;
    calls++;
    seen_number = number;
    seen_address = info->si_addr;
    mprotect((void *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1)), PAGE,
             PROT_READ | PROT_WRITE);
}

static void handle_with(int number, struct sigaction action)
{
    cr_assert_eq(sigaction(number, &action, NULL), 0);
}

Test(touch, a_fault_elsewhere_goes_to_the_handler_that_was_there)
{
    volatile char *page = map_page(PROT_NONE);

    handle_with(SIGSEGV, (struct sigaction){.sa_sigaction = settle, .sa_flags = SA_SIGINFO});
    cr_assert_eq(touch_guard_install(), 0);
    page[5] = 1;
    cr_assert_eq(calls, 1);
    cr_assert_eq(seen_number, SIGSEGV);
    cr_assert_eq(seen_address, (void *)&page[5]);
}

Test(touch, a_touch_does_not_go_to_the_handler_that_was_there)
{
    handle_with(SIGBUS, (struct sigaction){.sa_sigaction = settle, .sa_flags = SA_SIGINFO});
    cr_assert_eq(touch_guard_install(), 0);
    cr_assert_eq(touch_page(map_nothing()), -EFAULT);
    cr_assert_eq(calls, 0);
}

Test(touch, a_handler_installed_later_comes_first_and_may_settle_the_touch)
{
    cr_assert_eq(touch_guard_install(), 0);
    handle_with(SIGSEGV, (struct sigaction){.sa_sigaction = settle, .sa_flags = SA_SIGINFO});
    cr_assert_eq(touch_page(map_page(PROT_NONE)), 0);
    cr_assert_eq(calls, 1);
}

static struct sigaction behind;

static void refuse(int number, siginfo_t *info, void *context)
{
    calls++;
    behind.sa_sigaction(number, info, context);
}

Test(touch, a_handler_installed_later_that_chains_can_refuse_the_touch)
{
    struct sigaction front = {.sa_sigaction = refuse, .sa_flags = SA_SIGINFO};

    cr_assert_eq(touch_guard_install(), 0);
    cr_assert_eq(sigaction(SIGSEGV, &front, &behind), 0);
    cr_assert_eq(touch_page(map_page(PROT_NONE)), -EFAULT);
    cr_assert_eq(calls, 1);
}

static void count_plain(int number)
{
    calls++;
    seen_number = number;
}

Test(touch, a_handler_of_one_argument_is_called_as_one)
{
    handle_with(SIGBUS, (struct sigaction){.sa_handler = count_plain});
    cr_assert_eq(touch_guard_install(), 0);
    raise(SIGBUS);
    raise(SIGBUS);
    cr_assert_eq(calls, 2);
    cr_assert_eq(seen_number, SIGBUS);
}

Test(touch, a_signal_that_was_ignored_stays_ignored)
{
    handle_with(SIGBUS, (struct sigaction){.sa_handler = SIG_IGN});
    cr_assert_eq(touch_guard_install(), 0);
    cr_assert_eq(raise(SIGBUS), 0);
}

static volatile bool on_alternate_stack, mask_blocks_usr1;

static void observe(int number, siginfo_t *info, void *context)
{
    stack_t stack;
    sigset_t mask;

    (void)number, (void)info, (void)context;
    sigaltstack(NULL, &stack);
    on_alternate_stack = stack.ss_flags & SS_ONSTACK;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    mask_blocks_usr1 = sigismember(&mask, SIGUSR1);
}

Test(touch, the_earlier_handlers_stack_and_mask_are_kept)
{
    static char alternate[64 << 10];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_sigaction = observe, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    sigaltstack(&stack, NULL);
    sigaddset(&action.sa_mask, SIGUSR1);
    handle_with(SIGSEGV, action);
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    handle_with(SIGBUS, action);
    cr_assert_eq(touch_guard_install(), 0);
    raise(SIGSEGV);
    cr_assert(on_alternate_stack);
    cr_assert(mask_blocks_usr1);
    raise(SIGBUS);
    cr_assert(!on_alternate_stack);
    cr_assert(!mask_blocks_usr1);
}

/* What a child process that does `act` dies of; -1 if it does not. */
static int dies_of(void (*act)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        act();
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void default_handlers(void)
{
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    touch_guard_install();
}

static void write_to_nothing(void)
{
    volatile char *page = map_nothing();

    default_handlers();
    page[0] = 1;
}

static void write_nowhere(void)
{
    volatile char *page = map_page(PROT_NONE);

    default_handlers();
    page[0] = 1;
}

static void be_sent_sigsegv(void)
{
    default_handlers();
    raise(SIGSEGV);
    pause();
}

Test(touch, without_an_earlier_handler_the_default_action_follows)
{
    cr_assert_eq(dies_of(write_to_nothing), SIGBUS);
    cr_assert_eq(dies_of(write_nowhere), SIGSEGV);
    cr_assert_eq(dies_of(be_sent_sigsegv), SIGSEGV);
}

static void fault_with_ignored_signal(void)
{
    volatile char *page = map_page(PROT_NONE);

    signal(SIGSEGV, SIG_IGN);
    signal(SIGBUS, SIG_DFL);
    touch_guard_install();
    page[0] = 1;
}

Test(touch, a_fault_cannot_be_ignored)
{
    cr_assert_eq(dies_of(fault_with_ignored_signal), SIGSEGV);
}

static void raise_twice(void)
{
    signal(SIGSEGV, SIG_DFL);
    handle_with(SIGBUS,
                (struct sigaction){.sa_handler = count_plain, .sa_flags = (int)SA_RESETHAND});
    touch_guard_install();
    raise(SIGBUS);
    if (calls == 1)
        raise(SIGBUS);
}

Test(touch, a_handler_that_asked_for_one_signal_gets_one)
{
    cr_assert_eq(dies_of(raise_twice), SIGBUS);
}

Test(touch, installing_twice_does_not_chain_the_guard_to_itself)
{
    cr_assert_eq(touch_guard_install(), 0);
    cr_assert_eq(touch_guard_install(), 0);
    cr_assert_eq(dies_of(be_sent_sigsegv), SIGSEGV);
}
