/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: a copy of an enclave's descriptor is the enclave as well.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model.h"
#include "preload/preload.h"

INTERPOSED int close(int fd)
{
    return libc_result(sgx2_close(fd));
}

INTERPOSED int dup(int fd)
{
    return libc_result(sgx2_fcntl(fd, F_DUPFD, 0));
}

INTERPOSED int dup2(int fd, int to)
{
    if (fd == to) /* dup3() refuses this; dup2() returns it if it is open */
        return raw_fcntl(fd, F_GETFD, 0) < 0 ? -1 : to;
    return libc_result(sgx2_dup3(fd, to, 0));
}

INTERPOSED int dup3(int fd, int to, int flags)
{
    return libc_result(sgx2_dup3(fd, to, flags));
}

/* A missing argument is read as rubbish, which commands without one do not look at. */
INTERPOSED int fcntl(int fd, int command, ...)
{
    va_list args;
    unsigned long arg;

    va_start(args, command);
    arg = va_arg(args, unsigned long);
    va_end(args);
    return libc_result(sgx2_fcntl(fd, command, arg));
}

INTERPOSED int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl")));

/* Requests that the kernel answers before any driver sees them. */
static bool is_generic(unsigned long request)
{
    return request == FIOCLEX || request == FIONCLEX || request == FIONBIO || request == FIOASYNC;
}

INTERPOSED int ioctl(int fd, unsigned long request, ...)
{
    const char *node = sgx2_node(fd);
    va_list args;
    void *arg;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    if (!node || is_generic(request))
        return (int)syscall(SYS_ioctl, fd, request, arg);
    if (strcmp(node, "/dev/sgx_enclave") != 0)
        return libc_result(-ENOTTY); /* the other node has no file operations */
    return libc_result(sgx2_ioctl(fd, request, arg));
}
