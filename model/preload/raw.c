/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls behind the names that this library defines. The linker's --wrap makes the
 * model's own calls of open(), mmap() and so on arrive at the second half of this file.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/preload.h"

#define KERNEL_SIGSET_SIZE 8

int raw_open(int dir, const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int raw_close(int fd)
{
    return (int)syscall(SYS_close, fd);
}

int raw_fcntl(int fd, int command, unsigned long arg)
{
    return (int)syscall(SYS_fcntl, fd, command, arg);
}

int raw_fstat(int fd, struct stat *st)
{
    return (int)syscall(SYS_fstat, fd, st);
}

void *raw_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
    return (void *)syscall(SYS_mmap, address, size, prot, flags, fd, offset);
}

int raw_munmap(void *address, size_t size)
{
    return (int)syscall(SYS_munmap, address, size);
}

int raw_mprotect(void *address, size_t size, int prot)
{
    return (int)syscall(SYS_mprotect, address, size, prot);
}

/* ------------------------------------------------------------------ for --wrap */

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd) __attribute__((alias("raw_close")));
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fstat(int fd, struct stat *st) __attribute__((alias("raw_fstat")));
void *__wrap_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
    __attribute__((alias("raw_mmap")));
int __wrap_munmap(void *address, size_t size) __attribute__((alias("raw_munmap")));
int __wrap_mprotect(void *address, size_t size, int prot) __attribute__((alias("raw_mprotect")));
int __wrap_sigaltstack(const stack_t *stack, stack_t *old);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);

int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = va_arg(args, mode_t); /* without O_CREAT the kernel does not look at it */
    va_end(args);
    return raw_open(AT_FDCWD, path, flags, mode);
}

int __wrap_fcntl(int fd, int command, ...)
{
    va_list args;
    unsigned long arg;

    va_start(args, command);
    arg = va_arg(args, unsigned long); /* as above, for commands that take none */
    va_end(args);
    return raw_fcntl(fd, command, arg);
}

int __wrap_sigaltstack(const stack_t *stack, stack_t *old)
{
    return (int)syscall(SYS_sigaltstack, stack, old);
}

int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    return (int)syscall(SYS_rt_sigprocmask, how, set, old, KERNEL_SIGSET_SIZE);
}

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    return __wrap_sigprocmask(how, set, old) < 0 ? errno : 0;
}
