/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open(2) in all the forms that libc has.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model.h"
#include "preload/preload.h"
#include "run/linked.h"

/* The same file once more, with other flags, under the same number. -1 and errno: fd is closed. */
static int reopen(int fd, int flags)
{
    char path[32];
    int other, r = -1;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    other = raw_open(AT_FDCWD, path, flags, 0);
    if (other >= 0) {
        r = (int)syscall(SYS_dup3, other, fd, flags & O_CLOEXEC);
        raw_close(other);
    }
    if (r < 0)
        raw_close(fd);
    return r;
}

/* A descriptor that only stands for the node: nothing is opened. */
static int open_path(const char *node, int flags)
{
    const bool enclave = strcmp(node, "/dev/sgx_enclave") == 0;
    const int fd = (int)syscall(SYS_memfd_create, enclave ? PATH_FILE : PROVISION_PATH_FILE, 0u);

    return fd < 0 ? -1 : reopen(fd, O_PATH | (flags & O_CLOEXEC));
}

static int open_device(const char *node, int flags)
{
    int fd;

    linked_provoke_libc();
    fd = libc_result(sgx2_open(node, flags));
    if (fd < 0)
        return fd;
    if (strcmp(node, "/dev/sgx_enclave") != 0 && (flags & O_ACCMODE) != O_RDWR)
        fd = reopen(fd, flags & (O_ACCMODE | O_CLOEXEC));
    if (fd >= 0 && flags & (O_APPEND | O_NONBLOCK))
        raw_fcntl(fd, F_SETFL, (unsigned long)(flags & (O_APPEND | O_NONBLOCK)));
    return fd;
}

/* What the kernel says to flags that make no sense with a character device that is there. */
static int open_node(const char *node, int flags)
{
    if (flags & O_DIRECTORY)
        return libc_result(-ENOTDIR);
    if (flags & O_PATH)
        return open_path(node, flags);
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return libc_result(-EEXIST);
    if (flags & O_DIRECT)
        return libc_result(-EINVAL);
    return open_device(node, flags);
}

int open_call(int dir, const char *path, int flags, mode_t mode)
{
    const char *node = node_at(dir, path, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);

    if (node)
        return open_node(node, flags);
    if (path && proc_is(path))
        return proc_open(dir, path, flags, mode);
    return raw_open(dir, path, flags, mode);
}

/* The mode is there if the flags say so; read it only then. */
#define MODE(flags)                                                                                \
    ({                                                                                             \
        mode_t mode_ = 0;                                                                          \
        if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                   \
            va_list args_;                                                                         \
            va_start(args_, flags);                                                                \
            mode_ = va_arg(args_, mode_t);                                                         \
            va_end(args_);                                                                         \
        }                                                                                          \
        mode_;                                                                                     \
    })

INTERPOSED int open(const char *path, int flags, ...)
{
    return open_call(AT_FDCWD, path, flags, MODE(flags));
}

INTERPOSED int open64(const char *path, int flags, ...)
{
    return open_call(AT_FDCWD, path, flags, MODE(flags));
}

INTERPOSED int openat(int dir, const char *path, int flags, ...)
{
    return open_call(dir, path, flags, MODE(flags));
}

INTERPOSED int openat64(int dir, const char *path, int flags, ...)
{
    return open_call(dir, path, flags, MODE(flags));
}

INTERPOSED int creat(const char *path, mode_t mode)
{
    return open_call(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

INTERPOSED int creat64(const char *path, mode_t mode)
{
    return open_call(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* What _FORTIFY_SOURCE makes of calls without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

INTERPOSED int __open_2(const char *path, int flags)
{
    return open_call(AT_FDCWD, path, flags, 0);
}

INTERPOSED int __open64_2(const char *path, int flags)
{
    return open_call(AT_FDCWD, path, flags, 0);
}

INTERPOSED int __openat_2(int dir, const char *path, int flags)
{
    return open_call(dir, path, flags, 0);
}

INTERPOSED int __openat64_2(int dir, const char *path, int flags)
{
    return open_call(dir, path, flags, 0);
}
