/* SPDX-License-Identifier: Apache-2.0 */
/* The seam's table that calls Linux. Each row only turns -1 and errno into a negative errno. */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vdso.h"

static int kernel_open(const char *path, int flags)
{
    int fd = open(path, flags);

    return fd < 0 ? -errno : fd;
}

static int kernel_ioctl(int fd, unsigned long request, void *argument)
{
    int result = ioctl(fd, request, argument);

    return result < 0 ? -errno : result;
}

static intptr_t kernel_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
    void *where = mmap(address, size, prot, flags, fd, offset);

    return where == MAP_FAILED ? -errno : (intptr_t)where;
}

static int kernel_mprotect(void *address, size_t size, int prot)
{
    return mprotect(address, size, prot) < 0 ? -errno : 0;
}

static int kernel_munmap(void *address, size_t size)
{
    return munmap(address, size) < 0 ? -errno : 0;
}

static int kernel_close(int fd)
{
    return close(fd) < 0 ? -errno : 0;
}

static struct os table = {
    .name = "kernel",
    .open = kernel_open,
    .ioctl = kernel_ioctl,
    .mmap = kernel_mmap,
    .mprotect = kernel_mprotect,
    .munmap = kernel_munmap,
    .close = kernel_close,
};

static void find_enter_enclave(void)
{
    table.enter_enclave = (os_enter_enclave *)vdso_self_symbol("__vdso_sgx_enter_enclave");
}

const struct os *os_kernel(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_enter_enclave);
    return &table;
}
