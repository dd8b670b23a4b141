/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign FILE - the SIGSTRUCT of raw.c's enclave, for author_read.c
 *
 * raw.c builds it as ever, on a device that agrees to everything.
 */
#include <stdio.h>

#include "model.h"
#include "raw.h"

void static_test_fail(const char *file, int line, const char *expression, const char *format, ...);
void static_test_fail(const char *file, int line, const char *expression, const char *format, ...)
{
    (void)format;
    fprintf(stderr, "%s:%d: %s\n", file, line, expression);
    __builtin_trap();
}

int sgx2_open(const char *path, int flags)
{
    (void)path, (void)flags;
    return 0;
}

int sgx2_ioctl(int fd, unsigned long request, void *argument)
{
    (void)fd, (void)request, (void)argument;
    return 0;
}

intptr_t sgx2_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
    (void)size, (void)prot, (void)flags, (void)fd, (void)offset;
    return (intptr_t)address;
}

int sgx2_munmap(void *address, size_t size)
{
    (void)address, (void)size;
    return 0;
}

int sgx2_close(int fd)
{
    return fd;
}

int sgx2_enter_enclave(unsigned long rdi, unsigned long rsi, unsigned long rdx,
                       unsigned int function, unsigned long r8, unsigned long r9,
                       struct sgx_enclave_run *run)
{
    (void)rdi, (void)rsi, (void)rdx, (void)function, (void)r8, (void)r9, (void)run;
    __builtin_trap();
}

int main(int argc, char **argv)
{
    static struct raw raw;
    FILE *file = argc == 2 ? fopen(argv[1], "wb") : NULL;

    if (!file)
        return 2;
    raw_build(&raw);
    return fwrite(&raw.sig, sizeof raw.sig, 1, file) != 1 || fclose(file) != 0;
}
