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

#include "model.h"
#include "run/run.h"
#include "signal_raw.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON           1
#endif
#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1 << 1)
#endif
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

#define STATE_SIZE 0x2000u /* struct thread; the code page, a guard, then the signal stack */
#define STACK_AT   0x4000u

_Static_assert(sizeof(struct thread) <= STATE_SIZE, "the state fits below the code page");
_Static_assert(STATE_SIZE == THREAD_CODE && STACK_AT > THREAD_CODE + 4096, "and a guard between");
_Static_assert(1 << THREAD_AREA_SHIFT == THREAD_AREA_SIZE, "areas are found by masking");

uint64_t sgx2_areas_base, sgx2_areas_end;
uint8_t sgx2_hosted;
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

static stack_t area_stack(struct thread *t)
{
    return (stack_t){.ss_sp = (char *)t + STACK_AT, .ss_size = THREAD_AREA_SIZE - STACK_AT};
}

/* Where the kernel has no Syscall User Dispatch, SYSCALL in an enclave goes unnoticed. */
void thread_dispatch(struct thread *t)
{
    if (sgx2_hosted &&
        prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, (uintptr_t)t + THREAD_CODE,
              (uintptr_t)sgx2_code_end - (uintptr_t)sgx2_code_start, &t->selector) < 0)
        die("Syscall User Dispatch, which this program cannot do without");
    if (sgx2_hosted)
        return;
    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, sgx2_sigreturn_start,
          (uintptr_t)sgx2_sigreturn_end - (uintptr_t)sgx2_sigreturn_start, &t->selector);
}

static void release(void *arg)
{
    struct thread *t = arg;

    prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0);
    signal_raw_stack(&t->program, NULL);
    self = NULL;
    pthread_mutex_lock(&areas_lock);
    t->used = false;
    pthread_mutex_unlock(&areas_lock);
}

static void before_fork(void)
{
    pthread_mutex_lock(&areas_lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&areas_lock);
}

/* One thread is left. The kernel kept its signal stack, but not Syscall User Dispatch. */
static void after_fork_in_child(void)
{
    for (unsigned i = 0; i < areas_used; i++)
        if (area(i) != self) {
            area(i)->used = false;
            area(i)->cpu.enclave_mode = false;
        }
    if (self) {
        self->tid = (int)syscall(SYS_gettid);
        thread_dispatch(self);
    }
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
    sgx2_has_fsgsbase = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) && !getenv("APERTURE_NO_FSGSBASE");
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    if (pthread_key_create(&at_exit, release) != 0)
        die("a key for its end");
}

static void write_code(struct thread *t)
{
    uint8_t *code = (uint8_t *)t + THREAD_CODE;

    if (mprotect(code, 4096, PROT_READ | PROT_WRITE) < 0)
        die("its code page");
    memcpy(code, sgx2_code_start, (uintptr_t)sgx2_code_end - (uintptr_t)sgx2_code_start);
    if (mprotect(code, 4096, PROT_READ | PROT_EXEC) < 0)
        die("its code page");
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
        if (sgx2_hosted)
            write_code(t);
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

/* All signals are blocked. */
static struct thread *thread_create(void)
{
    struct thread *t;

    pthread_once(&once, reserve_areas);
    signals_install();
    t = take_area();
    t->tid = (int)syscall(SYS_gettid);
    syscall(SYS_arch_prctl, ARCH_GET_FS, &t->host_fs);
    t->cpu.translate = run_translate;
    thread_dispatch(t);
    pthread_setspecific(at_exit, t);
    self = t;
    return t;
}

static struct thread *thread_enlist(void)
{
    struct thread *t;
    stack_t stack;
    sigset_t saved;

    driver_enter(&saved);
    t = thread_create();
    stack = area_stack(t);
    if (signal_raw_stack(&stack, &t->program) < 0)
        die("its signal stack");
    signals_hide((uint64_t *)(void *)&saved);
    driver_leave(&saved);
    return t;
}

void thread_adopt(ucontext_t *uc, bool in_handler)
{
    struct thread *t = thread_create();
    const stack_t stack = area_stack(t);

    if (in_handler)
        t->program = uc->uc_stack;
    else if (signal_raw_stack(&stack, &t->program) < 0)
        die("its signal stack");
    signals_hide((uint64_t *)(void *)&uc->uc_sigmask);
    thread_keep_stack(uc);
}

void thread_keep_stack(ucontext_t *uc)
{
    if (self)
        uc->uc_stack = area_stack(self);
}

struct thread *thread_current(void)
{
    return self;
}

/* sigaltstack(2) of a thread whose real one is its area. */
int thread_exchange_stack(struct thread *t, uint64_t sp, const stack_t *stack, stack_t *old)
{
    const stack_t now = t->program;
    const bool disabled = now.ss_flags & SS_DISABLE || !now.ss_size;
    const bool on = !disabled && sp - (uint64_t)(uintptr_t)now.ss_sp <= now.ss_size;

    if (stack) {
        if (on)
            return -EPERM;
        if (stack->ss_flags & ~(SS_DISABLE | SS_ONSTACK))
            return -EINVAL;
        if (!(stack->ss_flags & SS_DISABLE) && stack->ss_size < (size_t)MINSIGSTKSZ)
            return -ENOMEM;
        t->program = *stack;
    }
    if (old) {
        *old = now;
        old->ss_flags = on ? SS_ONSTACK : disabled ? SS_DISABLE : 0;
    }
    return 0;
}

int sgx2_sigaltstack(const stack_t *stack, stack_t *old)
{
    if (!self || !enclave_is_ours())
        return signal_raw_stack(stack, old) < 0 ? -errno : 0;
    return thread_exchange_stack(self, (uint64_t)(uintptr_t)__builtin_frame_address(0), stack, old);
}

struct thread *thread_self(void)
{
    struct thread *t = self ? self : thread_enlist();

    /* Whatever uses GS may change it between two entries. */
    if (sgx2_has_fsgsbase)
        __asm__("rdgsbase %0" : "=r"(t->host_gs));
    else
        syscall(SYS_arch_prctl, ARCH_GET_GS, &t->host_gs);
    return t;
}

bool thread_room(void)
{
    bool room;

    pthread_mutex_lock(&areas_lock);
    room = areas_used < THREAD_AREA_COUNT;
    for (unsigned i = 0; i < areas_used && !room; i++)
        room = !area(i)->used;
    pthread_mutex_unlock(&areas_lock);
    return room;
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
