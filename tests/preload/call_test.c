/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libc's syscall(): by number as by name.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "raw.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

#define NODE "/dev/sgx_enclave"

static struct raw raw;

static void is_an_enclave(long fd)
{
    struct sgx2_counters counters;

    cr_assert_geq(fd, 0);
    cr_assert_eq(syscall(SYS_ioctl, fd, SGX2_MODEL_COUNTERS, &counters), 0);
    cr_assert_eq(syscall(SYS_close, fd), 0);
    cr_assert_eq(syscall(SYS_close, fd), -1);
    cr_assert_eq(errno, EBADF);
}

static void fails(int error, long result)
{
    cr_assert_eq(result, -1);
    cr_assert_eq(errno, error, "%s", strerror(errno));
}

Test(call, opens_the_device)
{
    struct open_how how = {.flags = O_RDWR | O_CLOEXEC};

    is_an_enclave(syscall(SYS_open, NODE, O_RDWR));
    is_an_enclave(syscall(SYS_openat, AT_FDCWD, NODE, O_RDWR));
    is_an_enclave(syscall(SYS_openat2, AT_FDCWD, NODE, &how, sizeof how));
    is_an_enclave(syscall(SYS_dup, syscall(SYS_creat, NODE, 0600)));
}

Test(call, with_pointers_to_nowhere_is_an_error)
{
    char *const volatile nowhere = (char *)8;

    raw_open(&raw);
    fails(EFAULT, syscall(SYS_open, nowhere, O_RDWR));
    fails(EFAULT, syscall(SYS_openat2, AT_FDCWD, NODE, nowhere, sizeof(struct open_how)));
    fails(EFAULT, syscall(SYS_stat, NODE, nowhere));
    fails(EFAULT, syscall(SYS_readlink, nowhere, nowhere, 5));
    fails(EFAULT, syscall(SYS_mincore, raw.base, SGX_PAGE_SIZE, nowhere));
    raw_close(&raw);
}

Test(call, changes_memory_that_the_model_knows_of)
{
    raw_open(&raw);
    cr_assert_eq(syscall(SYS_mprotect, raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ), 0);
    fails(EACCES, syscall(SYS_mprotect, raw.base + RAW_CODE, SGX_PAGE_SIZE, PROT_WRITE));
    fails(EINVAL, syscall(SYS_madvise, raw.base, SGX_PAGE_SIZE, MADV_DONTNEED));
    fails(EFAULT, syscall(SYS_mremap, raw.base, SGX_PAGE_SIZE, 16 * SGX_PAGE_SIZE, 0));
    cr_assert_eq(syscall(SYS_mmap, raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 (long)(raw.base + RAW_DATA));
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = 1});
    raw_close(&raw);
}

Test(call, does_not_read_write_or_cut_the_enclave)
{
    char byte = 0;

    raw_open(&raw);
    fails(EINVAL, syscall(SYS_read, raw.fd, &byte, 1));
    fails(EINVAL, syscall(SYS_pwrite64, raw.fd, &byte, 1, 0));
    fails(EINVAL, syscall(SYS_ftruncate, raw.fd, 0));
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    raw_close(&raw);
}

Test(call, shows_the_device_in_proc)
{
    static char text[1 << 20];
    long fd, size = 0, r;

    raw_open(&raw);
    fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY);
    while ((r = syscall(SYS_read, fd, text + size, sizeof text - 1 - (size_t)size)) > 0)
        size += r;
    cr_assert(strstr(text, " " NODE "\n"));
    raw_close(&raw);
}

Test(call, of_what_does_not_concern_the_model_is_the_kernels)
{
    int pipes[2];
    char bytes[4];

    raw_open(&raw);
    cr_assert_eq(syscall(SYS_getpid), getpid());
    cr_assert_eq(syscall(SYS_pipe2, pipes, 0), 0);
    cr_assert_eq(syscall(SYS_write, pipes[1], "four", 4), 4);
    cr_assert_eq(syscall(SYS_read, pipes[0], bytes, 4), 4);
    fails(ENOSYS, syscall(9999));
    raw_close(&raw);
}
