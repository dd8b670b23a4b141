/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls by number: what a program issued itself, instead of calling libc's function.
 *
 * Unlike those functions, a system call may be given any address. So what it points to is copied by
 * way of the kernel, which says EFAULT where a plain access would be the end of the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "preload/preload.h"
#include "run/run.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

#define PAGE 4096u

/* ------------------------------------------------------------------ arguments */

size_t user_string(char *to, size_t size, uint64_t from)
{
    size_t done = 0;

    while (done < size) {
        size_t piece = PAGE - ((from + done) & (PAGE - 1));

        if (piece > size - done)
            piece = size - done;
        if (user_read(to + done, from + done, piece) < 0)
            return size;
        if (memchr(to + done, '\0', piece))
            return strlen(to);
        done += piece;
    }
    return size;
}

/* The node that the path at `path` is, or that dir is open on if it is empty; NULL: neither. */
static const char *node_of(int dir, unsigned long path, int flags)
{
    char text[PATH_MAX];

    if (user_string(text, sizeof text, path) == sizeof text)
        return NULL;
    return node_at(dir, text, flags);
}

/* ------------------------------------------------------------------ nodes */

static bool open_node(int dir, unsigned long path, int flags, long *ret)
{
    const char *node = node_of(dir, path, 0);
    int fd;

    if (!node)
        return false;
    fd = open_call(AT_FDCWD, node, flags, 0);
    *ret = fd < 0 ? -errno : fd;
    return true;
}

static bool open_node_how(int dir, unsigned long path, unsigned long at, size_t size, long *ret)
{
    struct open_how how;

    if (size < sizeof how || user_read(&how, at, sizeof how) < 0)
        return false; /* the kernel has words for it */
    return open_node(dir, path, (int)how.flags, ret);
}

static bool stat_of(const char *node, unsigned long to, long *ret)
{
    struct stat st;

    if (!node)
        return false;
    stat_node(node, &st);
    *ret = user_write(to, &st, sizeof st);
    return true;
}

static bool statx_of(const char *node, unsigned long to, long *ret)
{
    struct statx st;

    if (!node)
        return false;
    statx_node(node, &st);
    *ret = user_write(to, &st, sizeof st);
    return true;
}

static bool access_of(const char *node, int mode, long *ret)
{
    if (!node)
        return false;
    *ret = mode & ~(R_OK | W_OK | X_OK) ? -EINVAL : mode & X_OK ? -EACCES : 0;
    return true;
}

/* ------------------------------------------------------------------ descriptors */

static bool is_generic(unsigned long request)
{
    return request == FIOCLEX || request == FIONCLEX || request == FIONBIO || request == FIOASYNC;
}

static bool ioctl_of(int fd, unsigned long request, unsigned long arg, long *ret)
{
    const char *node = is_generic(request) ? NULL : sgx2_node(fd);

    if (!node)
        return false;
    *ret = strcmp(node, "/dev/sgx_enclave") == 0
               ? sgx2_ioctl(fd, request, (void *)(uintptr_t)arg)
               : -ENOTTY; /* the other node has no file operations */
    return true;
}

static bool dup2_of(int fd, int to, long *ret)
{
    if (fd == to) /* dup3() refuses this; dup2() returns it if it is open */
        return false;
    *ret = sgx2_dup3(fd, to, 0);
    return true;
}

/* Most calls of fcntl(2) are nobody's business: only copies count. */
static bool fcntl_of(int fd, int command, unsigned long arg, long *ret)
{
    if (command != F_DUPFD && command != F_DUPFD_CLOEXEC)
        return false;
    *ret = sgx2_fcntl(fd, command, arg);
    return true;
}

/* ------------------------------------------------------------------ signals */

long call_sigaction(const unsigned long args[6])
{
    struct kernel_sigaction new, old;
    long r;

    if (args[3] != sizeof new.mask)
        return -EINVAL;
    if (args[1] && user_read(&new, args[1], sizeof new) < 0)
        return -EFAULT;
    r = signals_exchange((int)args[0], args[1] ? &new : NULL, &old);
    if (r == 0 && args[2])
        r = user_write(args[2], &old, sizeof old);
    return r;
}

static long call_sigmask(const unsigned long args[6])
{
    uint64_t set;
    sigset_t new, old;
    long r;

    if (args[3] != sizeof set)
        return -EINVAL;
    if (args[1] && user_read(&set, args[1], sizeof set) < 0)
        return -EFAULT;
    sigemptyset(&new);
    if (args[1])
        memcpy(&new, &set, sizeof set);
    r = sgx2_sigmask((int)args[0], args[1] ? &new : NULL, &old);
    if (r == 0 && args[2])
        r = user_write(args[2], &old, sizeof set);
    return r;
}

static long call_sigaltstack(const unsigned long args[6])
{
    stack_t new, old;
    long r;

    if (args[0] && user_read(&new, args[0], sizeof new) < 0)
        return -EFAULT;
    r = sgx2_sigaltstack(args[0] ? &new : NULL, &old);
    if (r == 0 && args[1])
        r = user_write(args[1], &old, sizeof old);
    return r;
}

/* ------------------------------------------------------------------ by number */

static bool dispatch_node(long number, const unsigned long a[6], long *ret)
{
    switch (number) {
    case SYS_open:
        return open_node(AT_FDCWD, a[0], (int)a[1], ret);
    case SYS_creat:
        return open_node(AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, ret);
    case SYS_openat:
        return open_node((int)a[0], a[1], (int)a[2], ret);
    case SYS_openat2:
        return open_node_how((int)a[0], a[1], a[2], a[3], ret);
    case SYS_stat:
    case SYS_lstat:
        return stat_of(node_of(AT_FDCWD, a[0], 0), a[1], ret);
    case SYS_fstat:
        return stat_of(sgx2_node((int)a[0]), a[1], ret);
    case SYS_newfstatat:
        return stat_of(node_of((int)a[0], a[1], (int)a[3]), a[2], ret);
    case SYS_statx:
        return statx_of(node_of((int)a[0], a[1], (int)a[2]), a[4], ret);
    case SYS_access:
        return access_of(node_of(AT_FDCWD, a[0], 0), (int)a[1], ret);
    case SYS_faccessat:
    case SYS_faccessat2:
        return access_of(node_of((int)a[0], a[1], 0), (int)a[2], ret);
    default:
        return false;
    }
}

static bool dispatch_descriptor(long number, const unsigned long a[6], long *ret)
{
    switch (number) {
    case SYS_close:
        *ret = sgx2_close((int)a[0]);
        return true;
    case SYS_dup:
        *ret = sgx2_fcntl((int)a[0], F_DUPFD, 0);
        return true;
    case SYS_dup2:
        return dup2_of((int)a[0], (int)a[1], ret);
    case SYS_dup3:
        *ret = sgx2_dup3((int)a[0], (int)a[1], (int)a[2]);
        return true;
    case SYS_fcntl:
        return fcntl_of((int)a[0], (int)a[1], a[2], ret);
    case SYS_ioctl:
        return ioctl_of((int)a[0], (unsigned)a[1], a[2], ret);
    default:
        return false;
    }
}

static bool dispatch_memory(long number, const unsigned long a[6], long *ret)
{
    void *address = (void *)(uintptr_t)a[0];

    switch (number) {
    case SYS_mmap:
        *ret = sgx2_mmap(address, a[1], (int)a[2], (int)a[3], (int)a[4], (off_t)a[5]);
        return true;
    case SYS_mprotect:
        *ret = sgx2_mprotect(address, a[1], (int)a[2]);
        return true;
    case SYS_munmap:
        *ret = sgx2_munmap(address, a[1]);
        return true;
    default:
        return false;
    }
}

static bool dispatch_signal(long number, const unsigned long args[6], long *ret)
{
    switch (number) {
    case SYS_rt_sigaction:
        *ret = call_sigaction(args);
        return true;
    case SYS_rt_sigprocmask:
        *ret = call_sigmask(args);
        return true;
    case SYS_sigaltstack:
        *ret = call_sigaltstack(args);
        return true;
    default:
        return false;
    }
}

/* CPUID for a program that cannot be given a function to ask. */
static bool dispatch_processor(long number, const unsigned long args[6], long *ret)
{
    struct sgx2_cpuid cpuid;

    if (number != DISPATCH_CPUID)
        return false;
    sgx2_cpuid((uint32_t)args[0], (uint32_t)args[1], &cpuid);
    *ret = user_write(args[2], &cpuid, sizeof cpuid);
    return true;
}

/* Files of /proc that show mappings. */
static bool open_proc(int dir, unsigned long path, int flags, long *ret)
{
    char text[64];
    int r;

    if (user_string(text, sizeof text, path) == sizeof text || strncmp(text, "/proc/", 6) != 0)
        return false;
    r = open_call(dir, text, flags, 0);
    *ret = r < 0 ? -errno : r;
    return true;
}

static bool dispatch_view(long number, const unsigned long a[6], long *ret)
{
    if (number == SYS_open)
        return open_proc(AT_FDCWD, a[0], (int)a[1], ret);
    if (number == SYS_openat)
        return open_proc((int)a[0], a[1], (int)a[2], ret);
    return answer_call(number, a, ret);
}

bool dispatch_model(long number, const unsigned long args[6], long *ret_result)
{
    return dispatch_processor(number, args, ret_result) ||
           dispatch_view(number, args, ret_result) ||
           dispatch_descriptor(number, args, ret_result) ||
           dispatch_memory(number, args, ret_result) || dispatch_node(number, args, ret_result) ||
           dispatch_signal(number, args, ret_result);
}

long dispatch_call(long number, const unsigned long args[6])
{
    long r;

    return dispatch_model(number, args, &r) ? r : raw_syscall(number, args);
}
