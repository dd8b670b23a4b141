/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tests of tests/run, which call the model's functions, as programs that know only libc and the
 * vDSO: each function of model.h is the kernel's call of that name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "find.h"
#include "model.h"

extern void *seam_enter;

int sgx2_open(const char *path, int flags)
{
    const int r = open(path, flags);

    return r < 0 ? -errno : r;
}

int sgx2_ioctl(int fd, unsigned long request, void *argument)
{
    const int r = ioctl(fd, request, argument);

    return r < 0 ? -errno : r;
}

intptr_t sgx2_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
    void *const at = mmap(address, size, prot, flags, fd, offset);

    return at == MAP_FAILED ? -errno : (intptr_t)at;
}

int sgx2_mprotect(void *address, size_t size, int prot)
{
    return mprotect(address, size, prot) < 0 ? -errno : 0;
}

int sgx2_munmap(void *address, size_t size)
{
    return munmap(address, size) < 0 ? -errno : 0;
}

int sgx2_close(int fd)
{
    return close(fd) < 0 ? -errno : 0;
}

int sgx2_sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
    return sigaction(sig, action, old) < 0 ? -errno : 0;
}

int sgx2_sigaltstack(const stack_t *stack, stack_t *old)
{
    return sigaltstack(stack, old) < 0 ? -errno : 0;
}

void *seam_enter;

__attribute__((constructor)) static void find_enter(void)
{
    seam_enter = find_vdso("__vdso_sgx_enter_enclave");
}

/* A jump, so that the stack and every register are those of a call of the vDSO's function. */
__asm__(".text\n"
        ".globl sgx2_enter_enclave\n"
        ".type sgx2_enter_enclave, @function\n"
        "sgx2_enter_enclave: jmp *seam_enter(%rip)\n"
        ".size sgx2_enter_enclave, . - sgx2_enter_enclave\n");
