/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which memory may become executable: by the kernel's answer, and by the text where it gives none.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"

#define PAGE UINT64_C(4096)

/* A file on a file system mounted noexec, in a mount namespace of our own; -1: not permitted. */
static int noexec_file(void)
{
    char dir[] = "/tmp/noexecXXXXXX", path[64];
    int fd;

    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        !mkdtemp(dir) || mount("none", dir, "tmpfs", MS_NOEXEC, NULL) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/a file", dir);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    cr_assert_eq(ftruncate(fd, 16 * (off_t)PAGE), 0);
    return fd;
}

/* A kernel that knows no PROCMAP_QUERY. */
static void refuse_ioctls(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};

    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void at(uint64_t base, uint64_t page, uint64_t pages, int prot, int fd)
{
    const int flags = MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);

    cr_assert_neq(mmap((void *)(uintptr_t)(base + page * PAGE), pages * PAGE, prot, flags, fd, 0),
                  MAP_FAILED);
}

/* Pages 0, 1 anonymous; 2, 3 of an ordinary file; 4, 5 noexec; 6 nothing; 7 anonymous; 8 noexec. */
static uint64_t lay_out(int noexec)
{
    const int self = open("/proc/self/exe", O_RDONLY);
    const uint64_t base =
        (uint64_t)(uintptr_t)mmap(NULL, 16 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    at(base, 2, 2, PROT_READ, self);
    at(base, 4, 2, PROT_READ, noexec);
    munmap((void *)(uintptr_t)(base + 6 * PAGE), PAGE);
    at(base, 7, 1, PROT_READ | PROT_WRITE, -1);
    at(base, 8, 1, PROT_READ, noexec);
    return base;
}

static void check(uint64_t base)
{
    const struct {
        unsigned start, end, until;
    } rows[] = {{0, 2, 2}, {0, 4, 4}, {0, 5, 4}, {0, 16, 4}, {3, 5, 4}, {4, 5, 4},
                {5, 6, 5}, {6, 7, 7}, {6, 8, 8}, {6, 9, 8},  {7, 8, 8}, {9, 16, 16}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(
            source_executable_until(base + rows[i].start * PAGE, base + rows[i].end * PAGE),
            base + rows[i].until * PAGE, "row %zu", i);
    cr_expect_eq(source_executable_until(base, 4096), base + 4 * PAGE, "a range that wraps");
}

Test(source, ends_where_the_kernel_says_that_a_file_may_not_be_executed)
{
    const int fd = noexec_file();

    if (fd < 0)
        cr_skip_test("mounting a file system is not permitted here");
    check(lay_out(fd));
}

Test(source, ends_there_by_the_text_of_the_mappings_too)
{
    const int fd = noexec_file();
    uint64_t base;

    if (fd < 0)
        cr_skip_test("mounting a file system is not permitted here");
    base = lay_out(fd);
    refuse_ioctls();
    check(base);
}
