/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosted.h - a whole program as the guest of ap-run's process
 *
 * LD_PRELOAD reaches programs that call glibc. Any other - statically linked, linked with another
 * libc, issuing SYSCALL by itself - is mapped by ap-run into its own process and started there, on
 * a stack made as execve(2) makes it. Each of its system calls traps, by Syscall User Dispatch.
 *
 * The two share an address space and nothing else. The program has its own libc, thread pointer and
 * program break; the model runs on those of the loader's glibc, always in a signal handler, on the
 * thread's area. A thread of the program is a thread of that glibc, which changes into it by a trap
 * (hosted_switch) and comes back when it is done.
 */
#ifndef MODEL_PRELOAD_HOSTED_H
#define MODEL_PRELOAD_HOSTED_H

#include <limits.h>
#include <semaphore.h>
#include <stdint.h>

#include "run/run.h"

/* Results of a call besides what the kernel returns (0 and more, or a negative errno). */
#define CALL_KERNELS (LONG_MIN)     /* let the kernel have it, in the program's context */
#define CALL_SETTLED (LONG_MIN + 1) /* the context is as it should be: no result to store */

/* A system call of the program. Its context may be changed. */
struct call {
    long number;
    unsigned long args[6];
    ucontext_t *uc;
    struct thread *t;
    struct bases *bases;
};

/* How a thread of the program begins. */
struct start {
    const struct call *parent; /* the clone; NULL: the program itself */
    uint64_t rip, rsp;         /* of the program itself */
    uint64_t mask;             /* likewise */
    uint64_t fs;               /* of a clone, as the rest */
    uint64_t withheld;
    uint64_t child_tid, parent_tid; /* where the thread's id goes; 0: nowhere */
    uint64_t clear_tid;             /* as in struct hosted, if the flags say so */
};

/* A thread of the program, as the loader has it. */
struct hosted {
    const struct start *start; /* until it has begun */
    gregset_t home;            /* the loader's registers: where the thread goes when it is done */
    uint64_t clear_tid;        /* zeroed, and waiters woken, when the thread ends */
    int status;                /* of exit(2) */
    bool vforked;              /* a child of vfork(), in the memory of its parent */
    uint64_t *exec_argv;       /* of the execve(2) under way; a child of vfork() leaves it behind */
    sem_t *born;               /* to be posted when the thread has begun */
};

/* The program. */
extern struct hosted_program {
    char path[PATH_MAX]; /* what /proc/self/exe is to it */
    bool raw;            /* --raw: programs that it executes are hosted if they can be */
} hosted_program;

/*
 * Run a program. Does not return: prints what is wrong and exits with 126, or ends as the program
 * does. path: the file; argv, envp: as for execve(2); raw: see struct hosted_program.
 */
__attribute__((visibility("default"), noreturn)) void
aperture_host(const char *path, char *const argv[], char *const envp[], bool raw);

/* ------------------------------------------------------------------ hosted.c */

/* Run the program, or one thread of it, in this thread, from h->start to its exit(2). */
void hosted_run(struct hosted *h);

/* Install the trap. */
void hosted_begin(void);

/* ------------------------------------------------------------------ hosted_process.c */

long hosted_clone(struct call *c, unsigned long flags, uint64_t stack, uint64_t parent_tid,
                  uint64_t child_tid, uint64_t tls);
long hosted_execve(struct call *c, int dir, uint64_t path, uint64_t argv, uint64_t envp, int flags);

/* ------------------------------------------------------------------ hosted_memory.c */

/* Address space for the program break. Without any, brk(2) fails and programs use mmap(2). */
void hosted_brk_reserve(void);
long hosted_brk(uint64_t end);

/* ------------------------------------------------------------------ hosted_switch.S */

/* Change into the program at h->start; returns when the thread is done. */
void hosted_switch(void);
extern const char hosted_switch_insn[], hosted_switch_back[];

/*
 * clone(2) with CLONE_VM and CLONE_VFORK, on the same stack: the caller's side of it, from its
 * stack pointer up to top, is saved in buffer while the child uses it.
 */
long hosted_vfork(unsigned long flags, void *buffer, uint64_t top);

#endif
