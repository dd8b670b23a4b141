/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of the host, called while a thread is inside: as on Linux they run outside, after an
 * AEX, on the stack and with the mask that they were installed with.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "model.h"
#include "raw.h"

int raw_enter_on(struct op *op, unsigned function, struct sgx_enclave_run *run, void *stack_top);

static struct raw raw;
static volatile uint64_t stop;
static volatile int calls;
static __thread volatile int calls_here = 1000; /* wrong if FS were the enclave's */

/* What a handler saw, of its last call. */
static struct seen {
    uint64_t rip, rax, rbx, rsp;
    uint8_t at_rip[3];
    uint64_t own_stack;
    sigset_t mask;
    siginfo_t info;
} seen;

static void look(int sig, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    const greg_t *gregs = uc->uc_mcontext.gregs;

    (void)sig;
    seen.rip = (uint64_t)gregs[REG_RIP];
    seen.rax = (uint64_t)gregs[REG_RAX];
    seen.rbx = (uint64_t)gregs[REG_RBX];
    seen.rsp = (uint64_t)gregs[REG_RSP];
    seen.own_stack = (uint64_t)(uintptr_t)__builtin_frame_address(0);
    seen.info = *info;
    sigprocmask(SIG_SETMASK, NULL, &seen.mask);
    if (gregs[REG_RAX] == SGX_ERESUME)
        memcpy(seen.at_rip, (const void *)seen.rip, sizeof seen.at_rip);
    calls_here++;
    calls++;
    stop = 1;
}

static void install(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    cr_assert_eq(sigaction(sig, &action, NULL), 0);
}

static void tick_every(int microseconds)
{
    const struct itimerval timer = {
        .it_interval = {.tv_usec = microseconds},
        .it_value = {.tv_usec = microseconds},
    };

    cr_assert_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* Inside until a handler says stop. */
static void spin(void)
{
    struct op op = {.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&stop};

    stop = 0;
    op = raw_do(&raw, 0, op);
    cr_assert_gt(op.ret, 0, "the enclave went on where it was");
}

/* A signal to this very thread once it is inside. */
static pthread_t target;
static int target_signal;

static void *send(void *arg)
{
    const struct sgx2_counters *before = arg;

    while (raw_counters(&raw).enclu[SGX_EENTER] == before->enclu[SGX_EENTER])
        sched_yield();
    usleep(1000);
    pthread_kill(target, target_signal);
    return NULL;
}

static void spin_until(int sig)
{
    struct sgx2_counters before = raw_counters(&raw);
    pthread_t sender;

    target = pthread_self();
    target_signal = sig;
    pthread_create(&sender, NULL, send, &before);
    spin();
    pthread_join(sender, NULL);
}

static void saw_an_aex(void)
{
    const uint8_t enclu[] = {0x0f, 0x01, 0xd7};

    cr_assert_eq(seen.rax, SGX_ERESUME);
    cr_assert_eq(seen.rbx, raw_address(&raw, 0), "RBX is the TCS");
    cr_assert_arr_eq(seen.at_rip, enclu, sizeof enclu, "RIP is the AEP");
}

/* ------------------------------------------------------------------ where and how */

Test(handler, installed_before_the_device_was_opened_runs_after_an_aex)
{
    install(SIGUSR1, look, 0);
    raw_open(&raw);
    spin_until(SIGUSR1);
    cr_assert_eq(calls, 1);
    cr_assert_eq(calls_here, 1001, "thread-local variables are the host's");
    saw_an_aex();
    cr_assert_eq(seen.info.si_code, SI_TKILL);
    cr_assert_eq(seen.info.si_pid, getpid());
    raw_close(&raw);
}

Test(handler, installed_after_the_thread_entered_runs_after_an_aex)
{
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    install(SIGUSR1, look, 0);
    spin_until(SIGUSR1);
    cr_assert_eq(calls, 1);
    saw_an_aex();
    raw_close(&raw);
}

Test(handler, runs_on_the_stack_of_the_host_below_its_red_zone)
{
    raw_open(&raw);
    install(SIGUSR1, look, 0);
    spin_until(SIGUSR1);
    cr_assert_lt(seen.own_stack, seen.rsp - 128);
    cr_assert_gt(seen.own_stack, seen.rsp - 32768);
    raw_close(&raw);
}

static uint8_t own_stack[65536];

static void on_own_stack(int set_stack_after_entry)
{
    const stack_t stack = {.ss_sp = own_stack, .ss_size = sizeof own_stack};
    stack_t now;

    raw_open(&raw);
    if (set_stack_after_entry)
        raw_do(&raw, 0, (struct op){.op = OP_NOP});
    cr_assert_eq(sigaltstack(&stack, NULL), 0);
    install(SIGUSR1, look, SA_ONSTACK);
    spin_until(SIGUSR1);
    cr_assert_geq(seen.own_stack, (uint64_t)(uintptr_t)own_stack);
    cr_assert_lt(seen.own_stack, (uint64_t)(uintptr_t)own_stack + sizeof own_stack);
    cr_assert_eq(sigaltstack(NULL, &now), 0);
    cr_assert_eq(now.ss_sp, own_stack, "the program sees its own stack, not the model's");
    cr_assert_eq(now.ss_size, sizeof own_stack);
    cr_assert_eq(now.ss_flags, 0);
    raw_close(&raw);
}

Test(handler, with_onstack_runs_on_the_alternate_stack_that_the_program_had)
{
    on_own_stack(0);
}

Test(handler, with_onstack_runs_on_the_alternate_stack_that_the_program_sets_up_later)
{
    on_own_stack(1);
}

Test(handler, runs_with_the_mask_of_its_action)
{
    struct sigaction action = {.sa_sigaction = look, .sa_flags = SA_SIGINFO};
    sigset_t now;

    raw_open(&raw);
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    spin_until(SIGUSR1);
    cr_assert(sigismember(&seen.mask, SIGUSR1));
    cr_assert(sigismember(&seen.mask, SIGUSR2));
    cr_assert_not(sigismember(&seen.mask, SIGTERM));
    sigprocmask(SIG_SETMASK, NULL, &now);
    cr_assert_not(sigismember(&now, SIGUSR1), "and without it afterwards");

    action.sa_flags |= SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    spin_until(SIGUSR1);
    cr_assert_not(sigismember(&seen.mask, SIGUSR1));
    raw_close(&raw);
}

Test(handler, with_resethand_runs_once)
{
    struct sigaction now;

    raw_open(&raw);
    install(SIGUSR1, look, (int)SA_RESETHAND);
    spin_until(SIGUSR1);
    cr_assert_eq(calls, 1);
    sigaction(SIGUSR1, NULL, &now);
    cr_assert_eq(now.sa_handler, SIG_DFL);
    raw_close(&raw);
}

Test(handler, is_what_sigaction_gives_back)
{
    struct sigaction action = {.sa_sigaction = look, .sa_flags = SA_SIGINFO | SA_RESTART}, old;

    sigaddset(&action.sa_mask, SIGHUP);
    sigaction(SIGILL, &action, NULL);
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    sigaction(SIGUSR1, &action, &old);
    cr_assert_eq(old.sa_handler, SIG_DFL);
    for (int i = 0; i < 2; i++) {
        sigaction(i ? SIGUSR1 : SIGILL, NULL, &old);
        cr_assert_eq(old.sa_sigaction, look);
        cr_assert_eq(old.sa_flags & ~0x04000000, SA_SIGINFO | SA_RESTART);
        cr_assert(sigismember(&old.sa_mask, SIGHUP));
    }
    cr_assert_eq((void *)signal(SIGUSR1, SIG_IGN), (void *)look);
    cr_assert_eq(signal(SIGUSR1, SIG_DFL), SIG_IGN);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    raw_close(&raw);
}

Test(handler, of_a_signal_that_cannot_be_caught_is_refused)
{
    struct sigaction action = {.sa_handler = SIG_IGN};

    raw_open(&raw);
    cr_assert_eq(sigaction(SIGKILL, &action, NULL), -1);
    cr_assert_eq(errno, EINVAL);
    errno = 0;
    cr_assert_eq(sigaction(65, &action, NULL), -1);
    cr_assert_eq(errno, EINVAL);
    cr_assert_eq(signal(32, SIG_IGN), SIG_ERR, "libc keeps two for itself");
    raw_close(&raw);
}

/* ------------------------------------------------------------------ what it may do */

static sigjmp_buf back;

static void jump(int sig)
{
    (void)sig;
    siglongjmp(back, 1);
}

Test(handler, may_leave_by_siglongjmp_with_the_thread_slot_entered)
{
    raw_open(&raw);
    signal(SIGUSR1, jump);
    if (sigsetjmp(back, 1) == 0) {
        spin_until(SIGUSR1);
        cr_assert_fail("the enclave came back");
    }
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_NOP}).ret2, 1, "CSSA is 1");
    cr_assert_eq(raw_do(&raw, 3, (struct op){.op = OP_NOP}).ret2, 0);
    raw_close(&raw);
}

static struct op nested = {.op = OP_NOP, .ret2 = 77};
static int nested_result = -1;

static void enter_again(int sig)
{
    static uint8_t stack[65536] __attribute__((aligned(64)));
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 3 * SGX_PAGE_SIZE)};

    (void)sig;
    nested_result = raw_enter_on(&nested, SGX_EENTER, &run, stack + sizeof stack);
    stop = 1;
}

Test(handler, may_enter_the_enclave_by_another_thread_slot)
{
    raw_open(&raw);
    signal(SIGUSR1, enter_again);
    spin_until(SIGUSR1);
    cr_assert_eq(nested_result, 0);
    cr_assert_eq(nested.ret2, 0);
    raw_close(&raw);
}

static void touch_memory(int sig)
{
    void *page = (void *)(uintptr_t)raw_address(&raw, RAW_FREE);

    (void)sig;
    /* Each takes the locks that an entry takes. */
    sgx2_mmap(page, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, raw.fd, 0);
    (void)*(volatile uint8_t *)page;
    sgx2_mprotect(page, SGX_PAGE_SIZE, PROT_READ);
    calls++;
}

Test(handler, may_use_the_device_whatever_it_interrupted)
{
    raw_open(&raw);
    signal(SIGALRM, touch_memory);
    tick_every(100);
    for (int i = 0; i < 20000; i++)
        raw_do(&raw, 0, (struct op){.op = OP_NOP});
    tick_every(0);
    cr_assert_gt(calls, 10);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ signals that mean something */

Test(handler, of_a_fault_signal_that_somebody_sent_is_called_and_no_fault_assumed)
{
    raw_open(&raw);
    install(SIGSEGV, look, 0);
    install(SIGILL, look, 0);
    spin_until(SIGSEGV);
    cr_assert_eq(seen.info.si_code, SI_TKILL);
    saw_an_aex();
    spin_until(SIGILL);
    cr_assert_eq(calls, 2);
    raw_close(&raw);
}

Test(handler, of_the_signal_that_the_model_kicks_with_is_the_programs)
{
    raw_open(&raw);
    install(64, look, 0);
    spin_until(64);
    cr_assert_eq(calls, 1);
    raw_close(&raw);
}

Test(signals, that_the_program_blocked_do_not_keep_faults_from_the_enclave)
{
    sigset_t all, now;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    raw_open(&raw);
    sgx2_mmap(raw.base + RAW_FREE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
              raw.fd, 0);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT,
                          SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING,
                          raw.base + RAW_FREE, NULL),
                 SGX_OK, "EAUG by a fault inside");
    pthread_sigmask(SIG_BLOCK, &all, &now);
    cr_assert(sigismember(&now, SIGSEGV), "and the program sees them blocked");
    cr_assert(sigismember(&now, SIGTERM));
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    sigemptyset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    cr_assert_not(sigismember(&now, SIGSEGV));
    raw_close(&raw);
}

Test(signals, of_the_program_stay_pending_while_it_blocks_them)
{
    sigset_t usr1;

    raw_open(&raw);
    install(SIGUSR1, look, 0);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    pthread_kill(pthread_self(), SIGUSR1);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    cr_assert_eq(calls, 0);
    pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
    cr_assert_eq(calls, 1);
    raw_close(&raw);
}

Test(signals, that_nobody_handles_do_what_they_do, .signal = SIGTERM)
{
    raw_open(&raw);
    spin_until(SIGTERM);
}

Test(signals, that_another_thread_waits_for_do_not_reach_one_inside)
{
    sigset_t usr1;
    pthread_t sender;
    struct sgx2_counters before;
    int got = 0;

    raw_open(&raw);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    before = raw_counters(&raw);
    target = pthread_self();
    target_signal = SIGUSR1;
    pthread_create(&sender, NULL, send, &before);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    cr_assert_eq(sigwait(&usr1, &got), 0);
    cr_assert_eq(got, SIGUSR1);
    pthread_join(sender, NULL);
    raw_close(&raw);
}
