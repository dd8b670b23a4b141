/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signal_raw.h - the kernel's own calls on signal masks and stacks
 *
 * In a program that is linked with the model, libc's names for these are the program's calls, which
 * come to the model (preload/signal.c). What the model means for itself is this. As from libc: -1
 * and errno.
 */
#ifndef MODEL_SIGNAL_RAW_H
#define MODEL_SIGNAL_RAW_H

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of a set, the kernel knows, reads and writes the first eight bytes. */
static inline int signal_raw_mask(int how, const sigset_t *set, sigset_t *old)
{
    return (int)syscall(SYS_rt_sigprocmask, how, set, old, sizeof(uint64_t));
}

static inline int signal_raw_stack(const stack_t *stack, stack_t *old)
{
    return (int)syscall(SYS_sigaltstack, stack, old);
}

#endif
