/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "raw.h"

static struct raw raw;
static sigjmp_buf back;
static void *fault_address;

static void catch_and_jump(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    fault_address = info->si_addr;
    siglongjmp(back, 1);
}

static void install(int sig, struct sigaction *old)
{
    struct sigaction action = {.sa_sigaction = catch_and_jump, .sa_flags = SA_SIGINFO};

    sigaction(sig, &action, old);
}

Test(signals, of_the_host_reach_the_handler_that_was_there_before)
{
    char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    install(SIGSEGV, NULL);
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    for (int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0) {
            *(volatile char *)page = 1;
            cr_assert_fail("the write succeeded");
        }
        cr_assert_eq(fault_address, page);
        raw_do(&raw, 0, (struct op){.op = OP_NOP});
    }
    raw_close(&raw);
}

static struct sigaction behind;

static void pass_on(int sig, siginfo_t *info, void *context)
{
    if (behind.sa_handler == SIG_DFL) /* libc's calls are seen as well: there is no ring */
        signal(sig, SIG_DFL);
    else
        behind.sa_sigaction(sig, info, context);
}

static void fault_in_a_ring_of_handlers(void)
{
    volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction action = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    __typeof__(&sigaction) libcs; /* called by libc for itself, or by way of a plain dlsym() */

    *(void **)(void *)&libcs = dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "sigaction");
    signal(SIGSEGV, SIG_DFL);
    raw_open(&raw);                   /* ours, then */
    libcs(SIGSEGV, &action, &behind); /* one that passes on to us, behind the model's back */
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    *page = 1;
}

Test(signals, that_nobody_takes_end_the_process_and_do_not_go_round_for_ever, .signal = SIGSEGV)
{
    fault_in_a_ring_of_handlers();
}
