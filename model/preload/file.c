/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls on descriptors that answer.c answers for the device. For everything else the function
 * that libc has is called, and not the kernel: many of these are cancellation points.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload/next.h"
#include "preload/preload.h"

/* What _FORTIFY_SOURCE makes of them. */
ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room);
ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *buffer, size_t size, off_t offset, size_t room);

/* clang-format off */
#define EACH_FUNCTION(X) \
    X(read) X(write) X(pread) X(pwrite) X(readv) \
    X(writev) X(preadv) X(pwritev) X(preadv2) X(pwritev2) \
    X(__read_chk) X(__pread_chk) X(lseek) X(truncate) X(ftruncate) \
    X(fallocate) X(posix_fallocate) X(fsync) X(fdatasync) X(sync_file_range) \
    X(sendfile) X(splice) X(copy_file_range) X(fchmod) X(fchown)
/* clang-format on */

#define DECLARE(name) NEXT_DECLARE(name);
#define FIND(name)    NEXT_FIND(name);

EACH_FUNCTION(DECLARE)

__attribute__((constructor)) static void find_next(void)
{
    EACH_FUNCTION(FIND)
}

#define U(argument) ((unsigned long)(argument))

/* The device's answer to a system call, as libc returns it; else the value of `otherwise`. */
#define ANSWER_OR(otherwise, number, ...)                                                          \
    ({                                                                                             \
        long result_;                                                                              \
        answer_call(number, (const unsigned long[6]){__VA_ARGS__}, &result_)                       \
            ? (__typeof__(otherwise))libc_result((int)result_)                                     \
            : (otherwise);                                                                         \
    })

INTERPOSED ssize_t read(int fd, void *buffer, size_t size)
{
    return ANSWER_OR(NEXT(read, fd, buffer, size), SYS_read, U(fd));
}

INTERPOSED ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room)
{
    return ANSWER_OR(NEXT(__read_chk, fd, buffer, size, room), SYS_read, U(fd));
}

INTERPOSED ssize_t write(int fd, const void *buffer, size_t size)
{
    return ANSWER_OR(NEXT(write, fd, buffer, size), SYS_write, U(fd));
}

INTERPOSED ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
    return ANSWER_OR(NEXT(pread, fd, buffer, size, offset), SYS_pread64, U(fd), 0, 0, U(offset));
}

INTERPOSED ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
    __attribute__((alias("pread")));

INTERPOSED ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room)
{
    return ANSWER_OR(NEXT(__pread_chk, fd, buffer, size, offset, room), SYS_pread64, U(fd), 0, 0,
                     U(offset));
}

INTERPOSED ssize_t __pread64_chk(int fd, void *buffer, size_t size, off_t offset, size_t room)
    __attribute__((alias("__pread_chk")));

INTERPOSED ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
    return ANSWER_OR(NEXT(pwrite, fd, buffer, size, offset), SYS_pwrite64, U(fd), 0, 0, U(offset));
}

INTERPOSED ssize_t pwrite64(int fd, const void *buffer, size_t size, off64_t offset)
    __attribute__((alias("pwrite")));

INTERPOSED ssize_t readv(int fd, const struct iovec *vector, int count)
{
    return ANSWER_OR(NEXT(readv, fd, vector, count), SYS_readv, U(fd));
}

INTERPOSED ssize_t writev(int fd, const struct iovec *vector, int count)
{
    return ANSWER_OR(NEXT(writev, fd, vector, count), SYS_writev, U(fd));
}

INTERPOSED ssize_t preadv(int fd, const struct iovec *vector, int count, off_t offset)
{
    return ANSWER_OR(NEXT(preadv, fd, vector, count, offset), SYS_preadv, U(fd), 0, 0, U(offset));
}

INTERPOSED ssize_t preadv64(int fd, const struct iovec *vector, int count, off64_t offset)
    __attribute__((alias("preadv")));

INTERPOSED ssize_t pwritev(int fd, const struct iovec *vector, int count, off_t offset)
{
    return ANSWER_OR(NEXT(pwritev, fd, vector, count, offset), SYS_pwritev, U(fd), 0, 0, U(offset));
}

INTERPOSED ssize_t pwritev64(int fd, const struct iovec *vector, int count, off64_t offset)
    __attribute__((alias("pwritev")));

INTERPOSED ssize_t preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags)
{
    return ANSWER_OR(NEXT(preadv2, fd, vector, count, offset, flags), SYS_preadv2, U(fd), 0, 0,
                     U(offset));
}

INTERPOSED ssize_t preadv64v2(int fd, const struct iovec *vector, int count, off64_t offset,
                              int flags) __attribute__((alias("preadv2")));

INTERPOSED ssize_t pwritev2(int fd, const struct iovec *vector, int count, off_t offset, int flags)
{
    return ANSWER_OR(NEXT(pwritev2, fd, vector, count, offset, flags), SYS_pwritev2, U(fd), 0, 0,
                     U(offset));
}

INTERPOSED ssize_t pwritev64v2(int fd, const struct iovec *vector, int count, off64_t offset,
                               int flags) __attribute__((alias("pwritev2")));

INTERPOSED off_t lseek(int fd, off_t offset, int whence)
{
    return ANSWER_OR(NEXT(lseek, fd, offset, whence), SYS_lseek, U(fd), U(offset),
                     (unsigned)whence);
}

INTERPOSED off64_t lseek64(int fd, off64_t offset, int whence) __attribute__((alias("lseek")));

/* ------------------------------------------------------------------ sizes */

INTERPOSED int truncate(const char *path, off_t size)
{
    return ANSWER_OR(NEXT(truncate, path, size), SYS_truncate, U(path));
}

INTERPOSED int truncate64(const char *path, off64_t size) __attribute__((alias("truncate")));

INTERPOSED int ftruncate(int fd, off_t size)
{
    return ANSWER_OR(NEXT(ftruncate, fd, size), SYS_ftruncate, U(fd));
}

INTERPOSED int ftruncate64(int fd, off64_t size) __attribute__((alias("ftruncate")));

INTERPOSED int fallocate(int fd, int mode, off_t offset, off_t size)
{
    return ANSWER_OR(NEXT(fallocate, fd, mode, offset, size), SYS_fallocate, U(fd), (unsigned)mode,
                     U(offset), U(size));
}

INTERPOSED int fallocate64(int fd, int mode, off64_t offset, off64_t size)
    __attribute__((alias("fallocate")));

INTERPOSED int posix_fallocate(int fd, off_t offset, off_t size)
{
    const unsigned long args[6] = {U(fd), 0, U(offset), U(size)};
    long r;

    return answer_call(SYS_fallocate, args, &r) ? (int)-r : NEXT(posix_fallocate, fd, offset, size);
}

INTERPOSED int posix_fallocate64(int fd, off64_t offset, off64_t size)
    __attribute__((alias("posix_fallocate")));

/* ------------------------------------------------------------------ the disk, of which is none */

INTERPOSED int fsync(int fd)
{
    return ANSWER_OR(NEXT(fsync, fd), SYS_fsync, U(fd));
}

INTERPOSED int fdatasync(int fd)
{
    return ANSWER_OR(NEXT(fdatasync, fd), SYS_fdatasync, U(fd));
}

INTERPOSED int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags)
{
    return ANSWER_OR(NEXT(sync_file_range, fd, offset, size, flags), SYS_sync_file_range, U(fd),
                     U(offset), U(size), flags);
}

/* ------------------------------------------------------------------ from one to another */

INTERPOSED ssize_t sendfile(int out, int in, off_t *offset, size_t size)
{
    return ANSWER_OR(NEXT(sendfile, out, in, offset, size), SYS_sendfile, U(out), U(in));
}

INTERPOSED ssize_t sendfile64(int out, int in, off64_t *offset, size_t size)
    __attribute__((alias("sendfile")));

INTERPOSED ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size,
                          unsigned flags)
{
    return ANSWER_OR(NEXT(splice, in, in_at, out, out_at, size, flags), SYS_splice, U(in), U(in_at),
                     U(out), U(out_at), size, flags);
}

INTERPOSED ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t size,
                                   unsigned flags)
{
    return ANSWER_OR(NEXT(copy_file_range, in, in_at, out, out_at, size, flags),
                     SYS_copy_file_range, U(in), U(in_at), U(out), U(out_at), size, flags);
}

/* ------------------------------------------------------------------ whose it is */

INTERPOSED int fchmod(int fd, mode_t mode)
{
    return ANSWER_OR(NEXT(fchmod, fd, mode), SYS_fchmod, U(fd));
}

INTERPOSED int fchown(int fd, uid_t user, gid_t group)
{
    return ANSWER_OR(NEXT(fchown, fd, user, group), SYS_fchown, U(fd));
}
