/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of ioctls may point anywhere. The kernel's copy routines answer -EFAULT for memory that
 * is not there; process_vm_readv() on oneself does the same for a process.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "driver/enclave.h"

int user_read(void *to, uint64_t from, size_t size)
{
    struct iovec local = {.iov_base = to, .iov_len = size};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)from, .iov_len = size};

    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

int user_write(uint64_t to, const void *from, size_t size)
{
    struct iovec local = {.iov_base = (void *)(uintptr_t)from, .iov_len = size};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)to, .iov_len = size};

    return process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

void user_no_dump(void *at, size_t size)
{
    syscall(SYS_madvise, at, size, MADV_DONTDUMP);
}
