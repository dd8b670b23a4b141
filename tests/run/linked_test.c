/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that is linked with the model and knows nothing of its signals: libc's functions, any
 * signal, any number of threads inside.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "raw.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define THREADS 4
#define SENT    5000 /* to each thread, and to the one that waits */
#define TICK_NS 100000
#define SECONDS 1

#define TICK  (SIGRTMIN + 1)
#define QUEUE (SIGRTMIN + 2)
#define WAIT  (SIGRTMIN + 3)

static struct worker {
    pthread_t thread;
    struct raw *raw;
    unsigned tcs_page;
    bool on_stack;
    uint8_t stack[65536]; /* its alternate one */
    uint64_t ticks, queued, ecalls;
    bool wrong_order, wrong_stack, wrong_thread, wrong_errno, wrong_result;
} workers[THREADS];

static struct raw raws[2];
static pthread_barrier_t ready;
static __thread struct worker *self; /* rubbish or a crash if FS were the enclave's */
static volatile bool stop;

/* What every handler does: look where it is. */
static struct worker *look(bool on_stack)
{
    struct worker *w = self;
    const uint64_t sp = (uint64_t)(uintptr_t)__builtin_frame_address(0);
    const uint64_t into = sp - (uint64_t)(uintptr_t)w->stack;

    w->wrong_thread |= !pthread_equal(w->thread, pthread_self());
    w->wrong_stack |= (into < sizeof w->stack) != on_stack;
    errno = EDOM;
    w->wrong_errno |= syscall(SYS_close, -1) != -1 || errno != EBADF;
    return w;
}

static void on_tick(int sig, siginfo_t *info, void *context)
{
    const int saved = errno;

    (void)sig, (void)context;
    look(self->on_stack)->ticks += 1 + (unsigned)info->si_overrun;
    errno = saved;
}

static void on_queue(int sig, siginfo_t *info, void *context)
{
    const int saved = errno;
    struct worker *w = look(false);

    (void)sig, (void)context;
    w->wrong_order |= (uint64_t)info->si_value.sival_int != w->queued;
    w->queued++;
    errno = saved;
}

static void install(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    sigaddset(&action.sa_mask, TICK); /* neither on the stack of the other */
    sigaddset(&action.sa_mask, QUEUE);
    cr_assert_eq(sigaction(sig, &action, NULL), 0);
}

static timer_t tick(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK};
    const struct itimerspec every = {.it_interval = {.tv_nsec = TICK_NS},
                                     .it_value = {.tv_nsec = TICK_NS}};
    timer_t timer;

    event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
    cr_assert_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    cr_assert_eq(timer_settime(timer, 0, &every, NULL), 0);
    return timer;
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One ecall; the word that it stores, or loads, is this thread's own. */
static uint64_t ecall(struct worker *w, uint64_t op, uint64_t value)
{
    struct op call = {
        .op = op, .a = raw_address(w->raw, RAW_DATA + 512 + 8 * w->tcs_page), .b = value};
    struct sgx_enclave_run run = {.tcs = raw_address(w->raw, w->tcs_page * SGX_PAGE_SIZE)};

    w->wrong_result |= raw_enter(&call, SGX_EENTER, &run) != 0 || run.function != SGX_EEXIT;
    return call.ret;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    const stack_t stack = {.ss_sp = w->stack, .ss_size = sizeof w->stack};
    stack_t before;
    timer_t timer;

    w->thread = pthread_self();
    self = w;
    if (w->on_stack)
        sigaltstack(&stack, &before);
    timer = tick();
    pthread_barrier_wait(&ready);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED) ||
           __atomic_load_n(&w->queued, __ATOMIC_RELAXED) < SENT) {
        const uint64_t value = ++w->ecalls;

        errno = ENOTTY;
        ecall(w, OP_STORE, value);
        w->wrong_result |= ecall(w, OP_LOAD, 0) != value;
        w->wrong_errno |= errno != ENOTTY;
    }
    timer_delete(timer);
    if (w->on_stack) /* AddressSanitizer frees the one that is in force at the end */
        sigaltstack(&before, NULL);
    return NULL;
}

static void *await(void *arg)
{
    uint64_t *got = arg;
    sigset_t set;
    int sig;

    sigemptyset(&set);
    sigaddset(&set, WAIT);
    while (*got < SENT && sigwait(&set, &sig) == 0)
        *got += sig == WAIT;
    return NULL;
}

/* The queue has room for so many only. */
static void send(bool to_process, pthread_t thread, int sig, int value)
{
    const union sigval v = {.sival_int = value};
    int r;

    do {
        r = to_process ? (sigqueue(getpid(), sig, v) < 0 ? errno : 0)
                       : pthread_sigqueue(thread, sig, v);
        if (r)
            usleep(100);
    } while (r == EAGAIN);
    cr_assert_eq(r, 0);
}

static void block(int sig)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    cr_assert_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
}

static void set_up(void)
{
    static const unsigned pages[] = {0, 3};

    for (int i = 0; i < THREADS; i++) {
        workers[i].raw = &raws[i / 2];
        workers[i].tcs_page = pages[i % 2];
        workers[i].on_stack = i & 1;
    }
    raw_open(&raws[0]);
    raw_open(&raws[1]);
}

static void storm(bool handlers_first)
{
    uint64_t waited = 0, started, elapsed;
    struct sgx2_counters counters;
    pthread_t waiter;

    install(TICK, on_tick, SA_ONSTACK | SA_RESTART);
    if (handlers_first)
        install(QUEUE, on_queue, SA_RESTART);
    block(WAIT);
    set_up();
    if (!handlers_first)
        install(QUEUE, on_queue, SA_RESTART);
    started = now();
    pthread_create(&waiter, NULL, await, &waited);
    pthread_barrier_init(&ready, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    pthread_barrier_wait(&ready);
    for (int i = 0; i < SENT; i++) {
        for (int j = 0; j < THREADS; j++)
            send(false, workers[j].thread, QUEUE, i);
        send(true, 0, WAIT, i);
    }
    while (now() - started < SECONDS * UINT64_C(1000000000))
        usleep(1000);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_join(waiter, NULL);
    elapsed = now() - started;

    cr_assert_eq(waited, SENT, "%llu", (unsigned long long)waited);
    for (int i = 0; i < THREADS; i++) {
        const struct worker *w = &workers[i];

        cr_assert_eq(w->queued, SENT, "thread %d got %llu", i, (unsigned long long)w->queued);
        cr_assert_geq(w->ticks, elapsed / TICK_NS / 2, "thread %d got %llu of %llu", i,
                      (unsigned long long)w->ticks, (unsigned long long)elapsed / TICK_NS);
        cr_assert_gt(w->ecalls, 10);
        cr_assert_not(w->wrong_order);
        cr_assert_not(w->wrong_stack);
        cr_assert_not(w->wrong_thread);
        cr_assert_not(w->wrong_errno);
        cr_assert_not(w->wrong_result);
    }
    counters = raw_counters(&raws[0]);
    cr_assert_gt(counters.aex, 0, "some came while a thread was inside");
    cr_assert_eq(counters.exceptions, 0);
    raw_close(&raws[0]);
    raw_close(&raws[1]);
}

Test(linked, storm_of_signals_with_handlers_from_before_the_first_enclave)
{
    storm(true);
}

Test(linked, storm_of_signals_with_a_handler_from_after_the_first_enclave)
{
    storm(false);
}

/* ------------------------------------------------------------------ what the program sees */

static volatile int calls;

static void count(int sig)
{
    (void)sig;
    calls++;
}

Test(linked, handlers_are_what_sigaction_gives_back)
{
    static struct raw raw;
    struct sigaction old;

    signal(SIGUSR1, count);
    signal(SIGFPE, count);
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    cr_assert_eq(sigaction(SIGUSR1, NULL, &old), 0);
    cr_assert_eq(old.sa_handler, count);
    cr_assert_eq(sigaction(SIGFPE, NULL, &old), 0);
    cr_assert_eq(old.sa_handler, count, "and not the model's");
    raise(SIGUSR1);
    raise(SIGFPE);
    cr_assert_eq(calls, 2);
    cr_assert_eq(signal(SIGUSR1, SIG_IGN), count);
    raise(SIGUSR1);
    cr_assert_eq(calls, 2);
    raw_close(&raw);
}

Test(linked, masks_are_the_programs_and_keep_no_fault_from_the_enclave)
{
    static struct raw raw;
    sigset_t all, seen;

    raw_open(&raw);
    sigfillset(&all);
    cr_assert_eq(sigprocmask(SIG_SETMASK, &all, NULL), 0);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    cr_assert_eq(pthread_sigmask(SIG_BLOCK, NULL, &seen), 0);
    cr_assert(sigismember(&seen, SIGSEGV));
    cr_assert(sigismember(&seen, SIGALRM));
    raw_close(&raw);
}

static void *enter_until_cancelled(void *arg)
{
    struct worker *w = arg;

    for (;;) {
        for (int i = 0; i < 1000; i++)
            ecall(w, OP_NOP, 0);
        pthread_testcancel();
    }
    return NULL;
}

/* By a signal that libc keeps for itself, and whose handler wants TLS. */
Test(linked, a_thread_inside_can_be_cancelled)
{
    pthread_t thread;
    void *result;

    set_up();
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(pthread_create(&thread, NULL, enter_until_cancelled, &workers[0]), 0);
        usleep(2000);
        pthread_cancel(thread);
        cr_assert_eq(pthread_join(thread, &result), 0);
        cr_assert_eq(result, PTHREAD_CANCELED);
    }
    cr_assert_not(workers[0].wrong_result);
    raw_close(&raws[0]);
    raw_close(&raws[1]);
}
