/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams. libc opens, reads and closes below the names that this library defines.
 *
 * A stream on the device is one whose reads and writes go by our functions, which refuse them. A
 * stream on a file of /proc is one on a snapshot.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "model.h"
#include "preload/next.h"
#include "preload/preload.h"

NEXT_DECLARE(fopen64);
NEXT_DECLARE(freopen64);
NEXT_DECLARE(fdopen);

__attribute__((constructor)) static void find_next(void)
{
    NEXT_FIND(fopen64);
    NEXT_FIND(freopen64);
    NEXT_FIND(fdopen);
}

/* The flags that libc makes of a mode, or -1. What stands behind a comma is for libc alone. */
static int flags_of(const char *mode)
{
    int flags;

    if (*mode == 'r')
        flags = O_RDONLY;
    else if (*mode == 'w')
        flags = O_WRONLY | O_CREAT | O_TRUNC;
    else if (*mode == 'a')
        flags = O_WRONLY | O_CREAT | O_APPEND;
    else
        return -1;
    while (*++mode && *mode != ',')
        if (*mode == '+')
            flags = (flags & ~O_ACCMODE) | O_RDWR;
        else if (*mode == 'x')
            flags |= O_EXCL;
        else if (*mode == 'e')
            flags |= O_CLOEXEC;
    return flags;
}

/* ------------------------------------------------------------------ a stream on the device */

#define FD(cookie) ((int)(intptr_t)(cookie))

static long refuse(long number, void *cookie)
{
    long r = -EINVAL; /* whatever the number has come to be meanwhile */

    answer_call(number, (const unsigned long[6]){(unsigned)FD(cookie)}, &r);
    return libc_result((int)r);
}

static ssize_t stream_read(void *cookie, char *buffer, size_t size)
{
    (void)buffer, (void)size;
    return refuse(SYS_read, cookie);
}

static ssize_t stream_write(void *cookie, const char *buffer, size_t size)
{
    (void)buffer, (void)size;
    return refuse(SYS_write, cookie), 0; /* fopencookie() wants 0 for an error */
}

static int stream_seek(void *cookie, off64_t *position, int whence)
{
    (void)position, (void)whence;
    return (int)refuse(SYS_lseek, cookie);
}

static int stream_close(void *cookie)
{
    return libc_result(sgx2_close(FD(cookie)));
}

static FILE *stream_on(int fd, const char *mode)
{
    const cookie_io_functions_t functions = {
        .read = stream_read, .write = stream_write, .seek = stream_seek, .close = stream_close};
    FILE *stream = fopencookie((void *)(intptr_t)fd, mode, functions);

    if (stream)
        stream->_fileno = fd; /* for fileno(): libc has no other use for it here */
    return stream;
}

INTERPOSED FILE *fdopen(int fd, const char *mode)
{
    return node_by_fd(fd) ? stream_on(fd, mode) : NEXT(fdopen, fd, mode);
}

/* ------------------------------------------------------------------ by path */

static FILE *open_stream(const char *path, const char *mode)
{
    const int flags = flags_of(mode);
    FILE *stream;
    int fd;

    if (flags < 0 || !(is_node(path) || proc_is(path)))
        return NEXT(fopen64, path, mode);
    fd = open_call(AT_FDCWD, path, flags, 0666);
    if (fd < 0)
        return NULL;
    stream = fdopen(fd, mode);
    if (!stream)
        sgx2_close(fd);
    return stream;
}

INTERPOSED FILE *fopen(const char *restrict path, const char *restrict mode)
{
    return open_stream(path, mode);
}

INTERPOSED FILE *fopen64(const char *restrict path, const char *restrict mode)
{
    return open_stream(path, mode);
}

/* A snapshot is opened a second time, by libc. What a stream is on cannot be changed otherwise. */
static FILE *reopen_snapshot(const char *path, const char *mode, int flags, FILE *stream)
{
    const int fd = open_call(AT_FDCWD, path, flags, 0666);
    char again[32];

    if (fd < 0) {
        fclose(stream);
        return NULL;
    }
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    stream = NEXT(freopen64, again, mode, stream);
    raw_close(fd);
    return stream;
}

static FILE *reopen_stream(const char *path, const char *mode, FILE *stream)
{
    const int flags = flags_of(mode);

    if (path && flags >= 0 && proc_is(path))
        return reopen_snapshot(path, mode, flags, stream);
    if (path && is_node(path)) {
        fclose(stream); /* as libc does when the new file does not open */
        return libc_result(-EINVAL), NULL;
    }
    return NEXT(freopen64, path, mode, stream);
}

INTERPOSED FILE *freopen(const char *restrict path, const char *restrict mode,
                         FILE *restrict stream)
{
    return reopen_stream(path, mode, stream);
}

INTERPOSED FILE *freopen64(const char *restrict path, const char *restrict mode,
                           FILE *restrict stream)
{
    return reopen_stream(path, mode, stream);
}
