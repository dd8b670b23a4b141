/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The areas of threads that enter enclaves, and what each such thread needs from the kernel: an
 * alternate signal stack in its area, and Syscall User Dispatch.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/run.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON           1
#endif
#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1 << 1)
#endif
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

#define STATE_SIZE 0x2000u /* struct thread; a guard page follows, then the signal stack */
#define STACK_AT   0x4000u

_Static_assert(sizeof(struct thread) <= STATE_SIZE, "the state fits below the guard");
_Static_assert(1 << THREAD_AREA_SHIFT == THREAD_AREA_SIZE, "areas are found by masking");

uint64_t sgx2_areas_base, sgx2_areas_end;
uint8_t sgx2_has_fsgsbase;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t areas_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned areas_used; /* areas [0, areas_used) were handed out at some time */
static pthread_key_t at_exit;
static __thread struct thread *self;

static __attribute__((noreturn)) void die(const char *what)
{
    fprintf(stderr, "aperture: the model cannot prepare a thread: %s: %s\n", what, strerror(errno));
    abort();
}

static struct thread *area(unsigned i)
{
    return (struct thread *)(uintptr_t)(sgx2_areas_base + (uint64_t)i * THREAD_AREA_SIZE);
}

static void release(void *arg)
{
    struct thread *t = arg;
    stack_t off = {.ss_flags = SS_DISABLE};

    prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0);
    sigaltstack(&off, NULL);
    self = NULL;
    pthread_mutex_lock(&areas_lock);
    t->used = false;
    pthread_mutex_unlock(&areas_lock);
}

static void reserve_areas(void)
{
    const size_t size = (size_t)THREAD_AREA_SIZE * (THREAD_AREA_COUNT + 1);
    void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED)
        die("reserving the thread areas");
    sgx2_areas_base =
        ((uint64_t)(uintptr_t)at + THREAD_AREA_SIZE - 1) & -(uint64_t)THREAD_AREA_SIZE;
    sgx2_areas_end = sgx2_areas_base + (uint64_t)THREAD_AREA_SIZE * THREAD_AREA_COUNT;
    sgx2_has_fsgsbase = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0;
    if (pthread_key_create(&at_exit, release) != 0)
        die("a key for its end");
}

/* A free area with its state zeroed: a used one again, or the next. */
static struct thread *take_area(void)
{
    struct thread *t = NULL;

    pthread_mutex_lock(&areas_lock);
    for (unsigned i = 0; i < areas_used && !t; i++)
        if (!area(i)->used)
            t = area(i);
    if (!t && areas_used < THREAD_AREA_COUNT) {
        t = area(areas_used);
        if (mprotect(t, STATE_SIZE, PROT_READ | PROT_WRITE) < 0 ||
            mprotect((char *)t + STACK_AT, THREAD_AREA_SIZE - STACK_AT, PROT_READ | PROT_WRITE) < 0)
            die("memory for its area");
        areas_used++;
    }
    if (!t) {
        errno = EAGAIN;
        die("too many threads");
    }
    memset(t, 0, sizeof *t);
    t->used = true;
    pthread_mutex_unlock(&areas_lock);
    return t;
}

static struct thread *thread_create(void)
{
    struct thread *t;
    stack_t stack;

    pthread_once(&once, reserve_areas);
    signals_install();
    t = take_area();
    t->tid = (int)syscall(SYS_gettid);
    syscall(SYS_arch_prctl, ARCH_GET_FS, &t->host_fs);
    t->cpu.translate = run_translate;

    stack = (stack_t){
        .ss_sp = (char *)t + STACK_AT,
        .ss_size = THREAD_AREA_SIZE - STACK_AT,
    };
    if (sigaltstack(&stack, NULL) < 0)
        die("its signal stack");
    /* Where the kernel has no Syscall User Dispatch, SYSCALL in an enclave goes unnoticed. */
    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, sgx2_sigreturn_start,
          (uintptr_t)sgx2_sigreturn_end - (uintptr_t)sgx2_sigreturn_start, &t->selector);
    pthread_setspecific(at_exit, t);
    self = t;
    return t;
}

struct thread *thread_self(void)
{
    struct thread *t = self ? self : thread_create();

    /* Whatever uses GS may change it between two entries. */
    if (sgx2_has_fsgsbase)
        __asm__("rdgsbase %0" : "=r"(t->host_gs));
    else
        syscall(SYS_arch_prctl, ARCH_GET_GS, &t->host_gs);
    return t;
}

void thread_each(void (*visit)(struct thread *t, void *arg), void *arg)
{
    unsigned count;

    pthread_mutex_lock(&areas_lock);
    count = areas_used;
    pthread_mutex_unlock(&areas_lock);
    for (unsigned i = 0; i < count; i++)
        if (area(i)->used)
            visit(area(i), arg);
}
