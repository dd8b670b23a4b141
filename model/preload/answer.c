/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that the device's driver has no operation for. The memory file behind a descriptor has
 * them all, and a write to it would be a write to the EPC.
 *
 * The results are those of fs/ of Linux 6 for a character device whose file_operations have neither
 * read nor write nor llseek, fsync, splice or fallocate.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "preload/preload.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define FALLOCATE_MODES 0x7f /* FALLOC_FL_* that there are */

static bool is_device(unsigned long fd)
{
    return sgx2_node((int)fd) != NULL;
}

/* The access mode of an open descriptor, or -1. */
static int mode_of(unsigned long fd)
{
    const int flags = raw_fcntl((int)fd, F_GETFL, 0);

    return flags < 0 || flags & O_PATH ? -1 : flags & O_ACCMODE;
}

static bool readable(unsigned long fd)
{
    const int mode = mode_of(fd);

    return mode == O_RDONLY || mode == O_RDWR;
}

static bool writable(unsigned long fd)
{
    const int mode = mode_of(fd);

    return mode == O_WRONLY || mode == O_RDWR;
}

static bool is_pipe(unsigned long fd)
{
    struct stat st;

    return raw_fstat((int)fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* ------------------------------------------------------------------ one descriptor */

static long fallocate_device(const unsigned long args[6])
{
    const long offset = (long)args[2], size = (long)args[3];

    if (offset < 0 || size <= 0)
        return -EINVAL;
    if (args[1] & ~(unsigned long)FALLOCATE_MODES)
        return -EOPNOTSUPP;
    return writable(args[0]) ? -ENODEV : -EBADF;
}

static long sync_range_device(const unsigned long args[6])
{
    const long offset = (long)args[1], size = (long)args[2];
    const unsigned long known =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

    return (args[3] & ~known) || offset < 0 || size < 0 || size > LONG_MAX - offset ? -EINVAL
                                                                                    : -ESPIPE;
}

/* By position, or not: all of them, before anybody asks the device. */
static long read_device(unsigned long fd, long position)
{
    return position < 0 || readable(fd) ? -EINVAL : -EBADF;
}

static long write_device(unsigned long fd, long position)
{
    return position < 0 || writable(fd) ? -EINVAL : -EBADF;
}

static bool takes_descriptor(long number)
{
    static const short numbers[] = {
        SYS_read,      SYS_write,   SYS_readv,     SYS_writev,          SYS_pread64, SYS_pwrite64,
        SYS_preadv,    SYS_pwritev, SYS_preadv2,   SYS_pwritev2,        SYS_lseek,   SYS_ftruncate,
        SYS_fallocate, SYS_fsync,   SYS_fdatasync, SYS_sync_file_range, SYS_fchmod,  SYS_fchown};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

/* Calls whose first argument is a descriptor, of the device. */
static long result_of(long number, const unsigned long args[6])
{
    switch (number) {
    case SYS_read:
    case SYS_readv:
    case SYS_preadv2: /* -1 for a position is none; anything less is refused alike */
        return read_device(args[0], 0);
    case SYS_write:
    case SYS_writev:
    case SYS_pwritev2:
        return write_device(args[0], 0);
    case SYS_pread64:
    case SYS_preadv:
        return read_device(args[0], (long)args[3]);
    case SYS_pwrite64:
    case SYS_pwritev:
        return write_device(args[0], (long)args[3]);
    case SYS_lseek:
        return args[2] > SEEK_HOLE ? -EINVAL : -ESPIPE;
    case SYS_fallocate:
        return fallocate_device(args);
    case SYS_sync_file_range:
        return sync_range_device(args);
    case SYS_fchmod: /* the node would change for everybody, and there is no node */
    case SYS_fchown:
        return -EPERM;
    default: /* ftruncate, fsync, fdatasync */
        return -EINVAL;
    }
}

static bool answer_one(long number, const unsigned long args[6], long *ret_result)
{
    if (!takes_descriptor(number) || !is_device(args[0]))
        return false;
    *ret_result = result_of(number, args);
    return true;
}

/* ------------------------------------------------------------------ two descriptors */

static long sendfile_device(unsigned long out, unsigned long in)
{
    return readable(in) && writable(out) ? -EINVAL : -EBADF;
}

/* fd_in, off_in, fd_out, off_out, length, flags */
static long splice_device(const unsigned long args[6])
{
    if (!args[4])
        return 0;
    if (args[5] &
        ~(unsigned long)(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT))
        return -EINVAL;
    if (!readable(args[0]) || !writable(args[2]))
        return -EBADF;
    if ((is_pipe(args[0]) && args[1]) || (is_pipe(args[2]) && args[3]))
        return -ESPIPE;
    return -EINVAL;
}

static long copy_device(const unsigned long args[6])
{
    return mode_of(args[0]) < 0 || mode_of(args[2]) < 0 ? -EBADF : -EINVAL;
}

static bool answer_two(long number, const unsigned long args[6], long *ret_result)
{
    switch (number) {
    case SYS_sendfile:
        if (!is_device(args[0]) && !is_device(args[1]))
            return false;
        *ret_result = sendfile_device(args[0], args[1]);
        return true;
    case SYS_splice:
    case SYS_copy_file_range:
        if (!is_device(args[0]) && !is_device(args[2]))
            return false;
        *ret_result = number == SYS_splice ? splice_device(args) : copy_device(args);
        return true;
    default:
        return false;
    }
}

/* ------------------------------------------------------------------ paths and memory */

static bool answer_path(long number, const unsigned long args[6], long *ret_result)
{
    switch (number) {
    case SYS_truncate:
        if (!node_at(AT_FDCWD, (const char *)args[0], 0))
            return false;
        *ret_result = -EINVAL;
        return true;
    case SYS_readlink:
        return link_answer(AT_FDCWD, (const char *)args[0], args[1], args[2], ret_result);
    case SYS_readlinkat:
        return link_answer((int)args[0], (const char *)args[1], args[2], args[3], ret_result);
    default:
        return false;
    }
}

/* While there is an enclave, the model answers for all memory. */
static bool answer_memory(long number, const unsigned long args[6], long *ret_result)
{
    void *const address = (void *)args[0];

    if (!enclave_any())
        return false;
    switch (number) {
    case SYS_mremap:
        *ret_result = sgx2_mremap(address, args[1], args[2], args[3], (void *)args[4]);
        return true;
    case SYS_madvise:
        *ret_result = sgx2_madvise(address, args[1], (int)args[2]);
        return true;
    case SYS_mlock:
        *ret_result = sgx2_mlock(address, args[1], 0);
        return true;
    case SYS_mlock2:
        *ret_result = sgx2_mlock(address, args[1], (unsigned)args[2]);
        return true;
    case SYS_munlock:
        *ret_result = sgx2_munlock(address, args[1]);
        return true;
    case SYS_msync:
        *ret_result = sgx2_msync(address, args[1], (int)args[2]);
        return true;
    case SYS_mincore:
        *ret_result = sgx2_mincore(address, args[1], (unsigned char *)args[2]);
        return true;
    default:
        return false;
    }
}

bool answer_call(long number, const unsigned long args[6], long *ret_result)
{
    const int saved = errno;
    bool answered;

    if (number == SYS_close_range)
        answered = close_range_answer(args, ret_result);
    else
        answered = answer_one(number, args, ret_result) || answer_two(number, args, ret_result) ||
                   answer_path(number, args, ret_result) || answer_memory(number, args, ret_result);
    errno = saved;
    return answered;
}
