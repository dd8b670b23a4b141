/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many signals, to threads that go in and out or stay inside: none is lost, none disturbs an entry
 * or an exit. And the signals that libc keeps for itself.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "raw.h"

static struct raw raw;
static volatile uint64_t stop;
static volatile int calls;
static int enough;                              /* calls after which the enclave may leave */
static __thread volatile int calls_here = 1000; /* wrong if FS were the enclave's */

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

static void install(int sig, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    cr_assert_eq(sigaction(sig, &action, NULL), 0);
}

static void tick(int sig)
{
    (void)sig;
    calls_here++;
    if (++calls >= enough)
        stop = 1;
}

Test(timer, at_1_kHz_interrupts_a_thread_that_stays_inside)
{
    struct sgx2_counters before, after;

    raw_open(&raw);
    signal(SIGALRM, tick);
    enough = 500;
    before = raw_counters(&raw);
    tick_every(1000);
    spin();
    tick_every(0);
    after = raw_counters(&raw);
    cr_assert_geq(calls, 500);
    cr_assert_eq(calls_here, 1000 + calls);
    cr_assert_gt(after.aex - before.aex, 50,
                 "on a busy machine ticks meet the handler, not the enclave");
    cr_assert_eq(after.enclu[SGX_ERESUME] - before.enclu[SGX_ERESUME], after.aex - before.aex,
                 "an AEX each, and resumed");
    cr_assert_eq(after.exceptions, before.exceptions);
    raw_close(&raw);
}

Test(timer, at_20_kHz_disturbs_no_entry_and_no_exit)
{
    raw_open(&raw);
    signal(SIGALRM, tick);
    enough = INT32_MAX;
    tick_every(50);
    for (int i = 0; i < 100000; i++) {
        struct op op = raw_do(&raw, 0,
                              (struct op){.op = i & 1 ? OP_LOAD : OP_STORE,
                                          .a = raw_address(&raw, RAW_DATA),
                                          .b = (uint64_t)i});

        cr_assert(!(i & 1) || op.ret == (uint64_t)i - 1);
    }
    tick_every(0);
    cr_assert_gt(calls, 100);
    cr_assert_eq(calls_here, 1000 + calls);
    raw_close(&raw);
}

#define QUEUED 5000

static volatile int order_kept = 1;

static void count_up(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    if (info->si_value.sival_int != calls)
        order_kept = 0;
    if (++calls == QUEUED)
        stop = 1;
}

static void *send_many(void *arg)
{
    const int pid = getpid(), tid = *(const int *)arg;

    for (int i = 0; i < QUEUED; i++) {
        siginfo_t info;

        memset(&info, 0, sizeof info);
        info.si_code = SI_QUEUE;
        info.si_value.sival_int = i;
        while (syscall(SYS_rt_tgsigqueueinfo, pid, tid, SIGRTMIN + 3, &info) < 0)
            sched_yield(); /* the queue is full */
    }
    return NULL;
}

Test(signals, queued_to_a_thread_that_enters_and_stays_come_each_once_and_in_order)
{
    int tid = gettid();
    pthread_t sender;

    raw_open(&raw);
    install(SIGRTMIN + 3, count_up);
    pthread_create(&sender, NULL, send_many, &tid);
    for (int i = 0; i < 3000; i++)
        raw_do(&raw, 0, (struct op){.op = OP_NOP});
    if (calls < QUEUED)
        spin();
    pthread_join(sender, NULL);
    cr_assert_eq(calls, QUEUED);
    cr_assert(order_kept);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ many threads */

static void *spin_on(void *arg)
{
    const uint64_t page = *(const uint64_t *)arg;
    struct op op = {.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&stop};
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, page * SGX_PAGE_SIZE)};
    const struct itimerspec every = {.it_interval = {.tv_nsec = 200000},
                                     .it_value = {.tv_nsec = 200000}};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2};
    timer_t timer;

    event._sigev_un._tid = gettid();
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &every, NULL);
    cr_assert_eq(raw_enter(&op, SGX_EENTER, &run), 0);
    cr_assert_eq(run.function, SGX_EEXIT);
    timer_delete(timer);
    cr_assert_gt(calls_here, 1000);
    return NULL;
}

Test(timer, of_each_of_three_threads_interrupts_that_one)
{
    static const uint64_t pages[] = {0, 3, 9};
    pthread_t threads[3];

    raw_open(&raw);
    signal(SIGUSR2, tick);
    enough = 3000;
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, spin_on, (void *)(uintptr_t)&pages[i]);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    cr_assert_geq(calls, 2000, "counted without a lock");
    raw_close(&raw);
}

/* ------------------------------------------------------------------ libc's own signals */

static void *spin_then_end(void *arg)
{
    struct op op = {.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&stop};
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 3 * SGX_PAGE_SIZE)};

    (void)arg;
    raw_enter(&op, SGX_EENTER, &run);
    pthread_testcancel();
    return NULL;
}

static pthread_t start_spinning(void)
{
    const struct sgx2_counters before = raw_counters(&raw);
    pthread_t thread;

    stop = 0;
    pthread_create(&thread, NULL, spin_then_end, NULL);
    while (raw_counters(&raw).enclu[SGX_EENTER] == before.enclu[SGX_EENTER])
        sched_yield();
    usleep(1000);
    return thread;
}

Test(libc, cancels_a_thread_inside_at_its_next_cancellation_point)
{
    pthread_t thread;
    void *result;

    raw_open(&raw);
    thread = start_spinning();
    cr_assert_eq(pthread_cancel(thread), 0);
    usleep(1000);
    stop = 1;
    pthread_join(thread, &result);
    cr_assert_eq(result, PTHREAD_CANCELED);
    raw_close(&raw);
}

Test(libc, changes_the_ids_of_a_thread_inside)
{
    pthread_t thread;

    raw_open(&raw);
    thread = start_spinning();
    cr_assert_eq(setgid(getgid()), 0, "which interrupts every thread");
    stop = 1;
    pthread_join(thread, NULL);
    raw_close(&raw);
}
