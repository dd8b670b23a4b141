/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "model.h"
#include "preload/preload.h"

INTERPOSED void *mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
    const intptr_t r = sgx2_mmap(address, size, prot, flags, fd, offset);

    /* Addresses of the upper half never come from mmap: what is negative is an errno. */
    if (r >= 0)
        return (void *)r;
    errno = (int)-r;
    return MAP_FAILED;
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
