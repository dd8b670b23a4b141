/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model.h"
#include "preload/preload.h"

/* Addresses of the upper half never come from mmap: what is negative is an errno. */
static void *address_result(intptr_t r)
{
    if (r >= 0)
        return (void *)r;
    errno = (int)-r;
    return MAP_FAILED;
}

INTERPOSED void *mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
    return address_result(sgx2_mmap(address, size, prot, flags, fd, offset));
}

INTERPOSED void *mmap64(void *address, size_t size, int prot, int flags, int fd, off64_t offset)
    __attribute__((alias("mmap")));

INTERPOSED int mprotect(void *address, size_t size, int prot)
{
    return libc_result(sgx2_mprotect(address, size, prot));
}

INTERPOSED int munmap(void *address, size_t size)
{
    return libc_result(sgx2_munmap(address, size));
}

/* Without a key of its own it is mprotect(). No key goes with memory that the driver protects. */
INTERPOSED int pkey_mprotect(void *address, size_t size, int prot, int key)
{
    if (key == -1)
        return libc_result(sgx2_mprotect(address, size, prot));
    return (int)syscall(SYS_pkey_mprotect, address, size, prot, key);
}

INTERPOSED void *mremap(void *address, size_t old_size, size_t new_size, int flags, ...)
{
    void *to = NULL;
    va_list args;

    if (flags & MREMAP_FIXED) {
        va_start(args, flags);
        to = va_arg(args, void *);
        va_end(args);
    }
    return address_result(sgx2_mremap(address, old_size, new_size, (unsigned)flags, to));
}

INTERPOSED int madvise(void *address, size_t size, int advice)
{
    return libc_result(sgx2_madvise(address, size, advice));
}

/* POSIX_MADV_DONTNEED may not lose data, so libc does nothing for it. */
INTERPOSED int posix_madvise(void *address, size_t size, int advice)
{
    return advice == POSIX_MADV_DONTNEED ? 0 : -sgx2_madvise(address, size, advice);
}

INTERPOSED int mlock(const void *address, size_t size)
{
    return libc_result(sgx2_mlock(address, size, 0));
}

INTERPOSED int mlock2(const void *address, size_t size, unsigned flags)
{
    return libc_result(sgx2_mlock(address, size, flags));
}

INTERPOSED int munlock(const void *address, size_t size)
{
    return libc_result(sgx2_munlock(address, size));
}

INTERPOSED int msync(void *address, size_t size, int flags)
{
    return libc_result(sgx2_msync(address, size, flags));
}

INTERPOSED int mincore(void *address, size_t size, unsigned char *vector)
{
    return libc_result(sgx2_mincore(address, size, vector));
}
