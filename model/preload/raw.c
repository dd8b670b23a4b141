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

long raw_syscall(long number, const unsigned long args[6])
{
    register unsigned long r10 __asm__("r10");
    register unsigned long r8 __asm__("r8");
    register unsigned long r9 __asm__("r9");
    long r;

    r10 = args[3];
    r8 = args[4];
    r9 = args[5];
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(number), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}

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

ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap_write(int fd, const void *buffer, size_t size);
ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset);
off_t __wrap_lseek(int fd, off_t offset, int whence);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);
ssize_t __wrap_readlink(const char *path, char *buffer, size_t size);

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    return syscall(SYS_read, fd, buffer, size);
}

ssize_t __wrap_write(int fd, const void *buffer, size_t size)
{
    return syscall(SYS_write, fd, buffer, size);
}

ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset)
{
    return syscall(SYS_pread64, fd, buffer, size, offset);
}

off_t __wrap_lseek(int fd, off_t offset, int whence)
{
    return syscall(SYS_lseek, fd, offset, whence);
}

int __wrap_ftruncate(int fd, off_t size)
{
    return (int)syscall(SYS_ftruncate, fd, size);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
    return (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

ssize_t __wrap_readlink(const char *path, char *buffer, size_t size)
{
    return syscall(SYS_readlink, path, buffer, size);
}

/* What this library means by syscall() is the instruction. */
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    unsigned long args[6];
    va_list list;
    long r;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        args[i] = va_arg(list, unsigned long);
    va_end(list);
    r = raw_syscall(number, args);
    if (r >= 0 || r < -4095)
        return r;
    errno = (int)-r;
    return -1;
}
