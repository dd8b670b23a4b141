/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "aperture/model.h"
#include "raw.h"

static const char *const nodes[] = {"/dev/sgx_enclave", "/dev/sgx_provision"};

Test(node, is_a_character_device_to_every_way_of_asking)
{
    for (int i = 0; i < 2; i++) {
        struct stat by_stat, by_lstat, by_fstatat, by_fstat;
        struct statx by_statx;
        int fd = open(nodes[i], O_RDWR | O_CLOEXEC);

        cr_assert_geq(fd, 0);
        cr_assert_eq(stat(nodes[i], &by_stat), 0);
        cr_assert_eq(lstat(nodes[i], &by_lstat), 0);
        cr_assert_eq(fstatat(AT_FDCWD, nodes[i], &by_fstatat, 0), 0);
        cr_assert_eq(fstat(fd, &by_fstat), 0);
        cr_assert_eq(statx(AT_FDCWD, nodes[i], 0, STATX_BASIC_STATS, &by_statx), 0);
        cr_assert(S_ISCHR(by_stat.st_mode));
        cr_assert_eq(major(by_stat.st_rdev), 10);
        cr_assert_eq(memcmp(&by_stat, &by_lstat, sizeof by_stat), 0);
        cr_assert_eq(memcmp(&by_stat, &by_fstatat, sizeof by_stat), 0);
        cr_assert_eq(memcmp(&by_stat, &by_fstat, sizeof by_stat), 0);
        cr_assert_eq(by_statx.stx_mode, by_stat.st_mode);
        cr_assert_eq(by_statx.stx_rdev_minor, minor(by_stat.st_rdev));
        close(fd);
    }
}

Test(node, may_be_read_and_written_but_not_executed)
{
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(access(nodes[i], F_OK), 0);
        cr_assert_eq(access(nodes[i], R_OK | W_OK), 0);
        cr_assert_eq(faccessat(AT_FDCWD, nodes[i], R_OK, AT_EACCESS), 0);
        cr_assert_eq(access(nodes[i], X_OK), -1);
        cr_assert_eq(errno, EACCES);
    }
    cr_assert_eq(access("/dev/sgx_nothing", F_OK), -1);
    cr_assert_eq(errno, ENOENT);
}

Test(node, opens_by_every_form_of_open)
{
    const int fds[] = {open(nodes[0], O_RDWR), open64(nodes[0], O_RDWR),
                       openat(AT_FDCWD, nodes[0], O_RDWR),
                       openat64(-1, nodes[0], O_RDWR | O_CLOEXEC)};

    for (int i = 0; i < 4; i++) {
        struct sgx2_counters counters;

        cr_assert_geq(fds[i], 0);
        cr_assert_eq(fcntl(fds[i], F_GETFD), i == 3 ? FD_CLOEXEC : 0);
        cr_assert_eq(ioctl(fds[i], SGX2_MODEL_COUNTERS, &counters), 0);
        cr_assert_eq(close(fds[i]), 0);
        cr_assert_eq(close(fds[i]), -1);
        cr_assert_eq(errno, EBADF);
    }
}

Test(node, takes_the_lowest_free_descriptor)
{
    const int free = dup(0);
    int fd;

    close(free);
    fd = open(nodes[0], O_RDWR);
    cr_assert_eq(fd, free);
    close(fd);
}

Test(node, opened_for_reading_cannot_be_mapped_for_writing)
{
    const int fd = open(nodes[0], O_RDONLY);

    cr_assert_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    cr_assert_eq(errno, EACCES);
    cr_assert_neq(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0), MAP_FAILED);
    close(fd);
}

Test(node, knows_no_other_ioctls_than_its_own)
{
    const int enclave = open(nodes[0], O_RDWR), provision = open(nodes[1], O_RDONLY);
    int zero = 0;

    cr_assert_eq(ioctl(enclave, TIOCGWINSZ, &zero), -1);
    cr_assert_eq(errno, ENOTTY);
    cr_assert_eq(ioctl(provision, SGX_IOC_ENCLAVE_CREATE, &zero), -1);
    cr_assert_eq(errno, ENOTTY);
    cr_assert_eq(ioctl(enclave, FIOCLEX), 0, "the kernel's own work on any descriptor");
    cr_assert_eq(fcntl(enclave, F_GETFD), FD_CLOEXEC);
}

Test(provision, is_the_capability_that_the_ioctl_wants)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));
    struct sgx_enclave_create create = {.src = (uint64_t)(uintptr_t)&secs};
    struct sgx_enclave_provision with = {.fd = (uint64_t)open(nodes[1], O_RDONLY)};
    struct sgx_enclave_provision without = {.fd = (uint64_t)open("/dev/null", O_RDONLY)};
    const int fd = open(nodes[0], O_RDWR);

    secs.size = RAW_SIZE;
    secs.base = (uint64_t)(uintptr_t)raw_reserve(RAW_SIZE);
    secs.ssa_frame_size = 1;
    secs.attributes.flags = SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY;
    secs.attributes.xfrm = SGX_XFRM_LEGACY;
    cr_assert_eq(ioctl(fd, SGX_IOC_ENCLAVE_CREATE, &create), 0);
    cr_assert_eq(ioctl(fd, SGX_IOC_ENCLAVE_PROVISION, &without), -1);
    cr_assert_eq(errno, EINVAL);
    cr_assert_eq(ioctl(fd, SGX_IOC_ENCLAVE_PROVISION, &with), 0);
}

/* ------------------------------------------------------------------ copies of a descriptor */

static struct raw raw;

static void works_by(int fd)
{
    struct sgx2_counters counters;

    cr_assert_geq(fd, 0);
    cr_assert_eq(ioctl(fd, SGX2_MODEL_COUNTERS, &counters), 0);
    cr_assert_eq(counters.ioctl_init, 1, "of this very enclave");
}

Test(descriptor, by_whatever_call_it_was_copied_is_the_enclave)
{
    const int original = (raw_open(&raw), raw.fd);
    const int copies[] = {dup(original), dup2(original, 100), dup3(original, 101, O_CLOEXEC),
                          fcntl(original, F_DUPFD, 50), fcntl(original, F_DUPFD_CLOEXEC, 50)};

    close(original);
    munmap(raw.base, RAW_SIZE);
    for (int i = 0; i < 5; i++)
        works_by(copies[i]);
    for (int i = 0; i < 4; i++)
        close(copies[i]);
    works_by(copies[4]);
    cr_assert_neq(
        mmap(raw.base, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, copies[4], 0),
        MAP_FAILED);
    close(copies[4]);
}

Test(descriptor, that_another_one_replaces_is_closed)
{
    raw_open(&raw);
    munmap(raw.base, RAW_SIZE);
    cr_assert_eq(dup2(raw.fd, raw.fd), raw.fd);
    works_by(raw.fd);
    cr_assert_eq(dup2(0, raw.fd), raw.fd);
    cr_assert_eq(ioctl(raw.fd, SGX2_MODEL_COUNTERS, &(struct sgx2_counters){0}), -1);
}

Test(descriptor, of_anything_else_is_left_alone)
{
    char path[] = "/tmp/preload-XXXXXX";
    const int fd = (raw_open(&raw), mkstemp(path)), copy = dup(fd);
    struct stat st;
    char *map;

    unlink(path);
    cr_assert_eq(write(fd, "hello", 5), 5);
    map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, copy, 0);
    cr_assert_neq(map, MAP_FAILED);
    cr_assert_eq(memcmp(map, "hello", 5), 0);
    cr_assert_eq(mprotect(map, 4096, PROT_READ | PROT_WRITE), 0);
    map[0] = 'j';
    cr_assert_eq(munmap(map, 4096), 0);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_assert_eq(st.st_size, 5);
    close(copy);
    close(fd);
    cr_assert_eq(fcntl(fd, F_GETFD), -1);
    raw_close(&raw);
}

Test(descriptor, numbers_that_the_program_never_opened_cannot_be_closed)
{
    raw_open(&raw);
    for (int fd = raw.fd + 1; fd < 2048; fd++)
        close(fd);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    cr_assert_eq(mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ), 0);
    cr_assert_neq(mmap(raw.base + RAW_FREE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_FIXED, raw.fd, 0),
                  MAP_FAILED, "the model's own descriptor is still there");
    raw_close(&raw);
}

Test(path, of_null_is_the_kernels_to_refuse)
{
    const char *volatile nothing = NULL;
    struct stat st;

    cr_assert_eq(open(nothing, O_RDONLY), -1);
    cr_assert_eq(errno, EFAULT);
    cr_assert_eq(stat(nothing, &st), -1);
    cr_assert_eq(errno, EFAULT);
    cr_assert_eq(access(nothing, F_OK), -1);
    cr_assert_eq(errno, EFAULT);
}
