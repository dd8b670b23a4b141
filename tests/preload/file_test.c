/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the device's driver has no operation for: each call fails as on Linux, and the memory file
 * behind the descriptor stays as it is.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"
#include "raw.h"

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#endif

/* The call fails with this errno. */
#define fails(with, call)                                                                          \
    do {                                                                                           \
        errno = 0;                                                                                 \
        cr_assert_eq((call), -1, "%s", #call);                                                     \
        cr_assert_eq(errno, with, "%s: %s", #call, strerror(errno));                               \
    } while (0)

static const char *const nodes[] = {"/dev/sgx_enclave", "/dev/sgx_provision"};
static struct raw raw;
static char bytes[64];
static struct iovec vector[1] = {{.iov_base = bytes, .iov_len = sizeof bytes}};

/* An enclave that works before and after; fd is a descriptor of it. */
static int begin(void)
{
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = 77});
    return raw.fd;
}

static void end(void)
{
    const struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)};

    cr_assert_eq(raw_do(&raw, 0, op).ret, 77);
    cr_assert_eq(raw_counters(&raw).ioctl_init, 1);
    raw_close(&raw);
}

Test(device, cannot_be_read_or_written)
{
    const int enclave = begin();

    for (int i = 0; i < 2; i++) {
        const int fd = i ? open(nodes[1], O_RDWR) : enclave;

        fails(EINVAL, read(fd, bytes, sizeof bytes));
        fails(EINVAL, read(fd, bytes, 0));
        fails(EINVAL, write(fd, bytes, sizeof bytes));
        fails(EINVAL, pread(fd, bytes, sizeof bytes, 0));
        fails(EINVAL, pread64(fd, bytes, sizeof bytes, 4096));
        fails(EINVAL, pwrite(fd, bytes, sizeof bytes, 0));
        fails(EINVAL, pwrite64(fd, bytes, sizeof bytes, 4096));
        fails(EINVAL, readv(fd, vector, 1));
        fails(EINVAL, writev(fd, vector, 1));
        fails(EINVAL, preadv(fd, vector, 1, 0));
        fails(EINVAL, pwritev(fd, vector, 1, 0));
        fails(EINVAL, preadv2(fd, vector, 1, -1, 0));
        fails(EINVAL, pwritev2(fd, vector, 1, -1, 0));
        fails(EINVAL, pwrite(fd, bytes, 1, -1));
    }
    end();
}

Test(device, opened_for_one_of_them_has_not_the_other)
{
    for (int i = 0; i < 2; i++) {
        const int in = open(nodes[i], O_RDONLY), out = open(nodes[i], O_WRONLY);

        cr_assert_eq(fcntl(in, F_GETFL) & O_ACCMODE, O_RDONLY);
        cr_assert_eq(fcntl(out, F_GETFL) & O_ACCMODE, O_WRONLY);
        fails(EINVAL, read(in, bytes, 1));
        fails(EBADF, write(in, bytes, 1));
        fails(EBADF, pwritev(in, vector, 1, 0));
        fails(EBADF, read(out, bytes, 1));
        fails(EBADF, preadv(out, vector, 1, 0));
        fails(EINVAL, write(out, bytes, 1));
        fails(EINVAL, pread(out, bytes, 1, -1));
        fails(EBADF, fallocate(in, 0, 0, 4096));
        close(in);
        close(out);
    }
}

Test(device, has_no_position_and_no_size)
{
    const int enclave = begin();

    for (int i = 0; i < 2; i++) {
        const int fd = i ? open(nodes[1], O_RDWR) : enclave;

        fails(ESPIPE, lseek(fd, 0, SEEK_SET));
        fails(ESPIPE, lseek64(fd, 0, SEEK_DATA));
        fails(EINVAL, lseek(fd, 0, 9));
        fails(EINVAL, ftruncate(fd, 0));
        fails(EINVAL, ftruncate64(fd, 1 << 20));
        fails(EINVAL, truncate(nodes[i], 0));
        fails(ENODEV, fallocate(fd, 0, 0, 4096));
        fails(ENODEV, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
        fails(EINVAL, fallocate(fd, 0, 0, 0));
        fails(EOPNOTSUPP, fallocate(fd, 0x4000, 0, 4096));
        cr_assert_eq(posix_fallocate(fd, 0, 4096), ENODEV);
        fails(EINVAL, fsync(fd));
        fails(EINVAL, fdatasync(fd));
        fails(ESPIPE, sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
        fails(EINVAL, sync_file_range(fd, 0, 0, 0x80));
    }
    end();
}

Test(device, is_neither_end_of_a_copy)
{
    char path[] = "/tmp/preload-XXXXXX";
    const int fd = begin(), file = mkstemp(path), null = open("/dev/null", O_WRONLY);
    const int wrong = open("/dev/null", O_RDONLY);
    off64_t zero = 0;
    int pipes[2];

    unlink(path);
    cr_assert_eq(write(file, "hello", 5), 5);
    cr_assert_eq(lseek(file, 0, SEEK_SET), 0);
    cr_assert_eq(pipe(pipes), 0);
    cr_assert_eq(write(pipes[1], "hello", 5), 5);
    fails(EINVAL, sendfile(fd, file, NULL, 5));
    fails(EINVAL, sendfile64(file, fd, NULL, 5));
    fails(EINVAL, sendfile(pipes[1], fd, NULL, 5));
    fails(EBADF, sendfile(wrong, fd, NULL, 5));
    fails(EBADF, sendfile(fd, null, NULL, 5));
    fails(EINVAL, splice(pipes[0], NULL, fd, NULL, 5, 0));
    fails(EINVAL, splice(fd, NULL, pipes[1], NULL, 5, 0));
    fails(EINVAL, splice(fd, NULL, file, NULL, 5, 0));
    fails(ESPIPE, splice(pipes[0], &zero, fd, NULL, 5, 0));
    fails(EBADF, splice(fd, NULL, wrong, NULL, 5, 0));
    cr_assert_eq(splice(pipes[0], NULL, fd, NULL, 0, 0), 0);
    fails(EINVAL, copy_file_range(fd, NULL, file, NULL, 5, 0));
    fails(EINVAL, copy_file_range(file, NULL, fd, NULL, 5, 0));
    fails(EBADF, copy_file_range(fd, NULL, -1, NULL, 5, 0));
    cr_assert_eq(read(pipes[0], bytes, sizeof bytes), 5, "nothing was taken out of the pipe");
    end();
}

Test(device, is_always_ready_and_cannot_be_waited_for_by_epoll)
{
    const int fd = begin(), epoll = epoll_create1(0);
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};
    struct epoll_event event = {.events = EPOLLIN};
    fd_set in, out, error;

    cr_assert_eq(poll(&poll_fd, 1, 0), 1);
    cr_assert_eq(poll_fd.revents, POLLIN | POLLOUT);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&error);
    FD_SET(fd, &in);
    FD_SET(fd, &out);
    FD_SET(fd, &error);
    cr_assert_eq(select(fd + 1, &in, &out, &error, NULL), 2);
    fails(EPERM, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    end();
}

Test(device, has_an_owner_that_is_not_the_program)
{
    const int fd = begin();

    fails(EPERM, fchmod(fd, 0));
    fails(EPERM, fchown(fd, 1, 1));
    fails(EINVAL, fcntl(fd, F_ADD_SEALS, 1));
    fails(EINVAL, fcntl(fd, F_GET_SEALS));
    fails(EINVAL, fcntl(fd, F_SETLEASE, F_RDLCK));
    end();
}

static int in_child(void (*act)(void))
{
    const pid_t child = fork();
    int status;

    if (child == 0) {
        act();
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

static void enter_in_a_child(void)
{
    const struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)};

    if (raw_do(&raw, 0, op).ret != 77)
        _exit(1);
}

static void find_it_locked(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 10};

    if (fcntl(raw.fd, F_GETLK, &lock) < 0 || lock.l_type != F_WRLCK || lock.l_pid != getppid() ||
        lock.l_start != 0 || lock.l_len != 0)
        _exit(1);
    lock.l_type = F_WRLCK;
    if (fcntl(raw.fd, F_SETLK, &lock) != -1 || (errno != EAGAIN && errno != EACCES))
        _exit(2);
}

Test(device, can_be_locked_as_any_file_and_the_enclave_goes_on)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_END};
    const int fd = begin();

    cr_assert_eq(fcntl(fd, F_SETLK, &lock), 0);
    cr_assert_eq(in_child(find_it_locked), 0);
    cr_assert_eq(in_child(enter_in_a_child), 0, "another process joins, which takes a lock");
    lock = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET};
    cr_assert_eq(fcntl(fd, F_SETLKW, &lock), 0);
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 4};
    cr_assert_eq(fcntl(fd, F_OFD_GETLK, &lock), 0);
    cr_assert_eq(lock.l_type, F_UNLCK);
    cr_assert_eq(lock.l_start, 3);
    cr_assert_eq(lock.l_len, 4);
    lock.l_start = -1;
    fails(EINVAL, fcntl(fd, F_SETLK, &lock));
    lock.l_whence = 7;
    fails(EINVAL, fcntl(fd, F_SETLK, &lock));
    fails(EFAULT, fcntl(fd, F_SETLK, (void *)8));
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    end();
}

/* ------------------------------------------------------------------ open */

Test(open, with_flags_that_make_no_sense_for_a_device)
{
    for (int i = 0; i < 2; i++) {
        fails(ENOTDIR, open(nodes[i], O_RDONLY | O_DIRECTORY));
        fails(ENOTDIR, open(nodes[i], O_RDWR | O_TMPFILE, 0600));
        fails(EEXIST, open(nodes[i], O_RDWR | O_CREAT | O_EXCL, 0600));
        fails(EINVAL, open(nodes[i], O_RDWR | O_DIRECT));
    }
}

Test(open, with_flags_that_a_descriptor_keeps)
{
    for (int i = 0; i < 2; i++) {
        const int fd = open(nodes[i], O_RDWR | O_NONBLOCK | O_APPEND | O_CREAT | O_TRUNC, 0600);
        const int made = creat(nodes[i], 0600);

        cr_assert_geq(fd, 0);
        cr_assert_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND),
                     O_RDWR | O_NONBLOCK | O_APPEND);
        cr_assert_geq(made, 0);
        cr_assert_eq(fcntl(made, F_GETFL) & O_ACCMODE, O_WRONLY);
        close(fd);
        close(made);
    }
}

Test(open, of_the_path_only)
{
    struct sgx2_counters counters;

    for (int i = 0; i < 2; i++) {
        const int fd = open(nodes[i], O_PATH | O_CLOEXEC);
        struct stat by_path, by_fd, by_at;

        cr_assert_geq(fd, 0);
        cr_assert_eq(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
        cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        cr_assert_eq(stat(nodes[i], &by_path), 0);
        cr_assert_eq(fstat(fd, &by_fd), 0);
        cr_assert_eq(fstatat(fd, "", &by_at, AT_EMPTY_PATH), 0);
        cr_assert_eq(memcmp(&by_path, &by_fd, sizeof by_path), 0);
        cr_assert_eq(memcmp(&by_path, &by_at, sizeof by_path), 0);
        fails(EBADF, read(fd, bytes, 1));
        fails(EBADF, ioctl(fd, SGX2_MODEL_COUNTERS, &counters));
        close(fd);
    }
}

Test(open, by_other_spellings_of_the_path)
{
    const int dev = open("/dev", O_PATH | O_DIRECTORY);
    struct stat st;

    cr_assert_eq(chdir("/dev"), 0);
    const int fds[] = {open("//dev/./sgx_enclave", O_RDWR), open("/dev/../dev/sgx_enclave", O_RDWR),
                       open("sgx_enclave", O_RDWR), openat(dev, "sgx_enclave", O_RDWR)};

    for (int i = 0; i < 4; i++) {
        struct sgx2_counters counters;

        cr_assert_geq(fds[i], 0, "%d", i);
        cr_assert_eq(ioctl(fds[i], SGX2_MODEL_COUNTERS, &counters), 0);
    }
    cr_assert_eq(stat("./sgx_provision", &st), 0);
    cr_assert(S_ISCHR(st.st_mode));
    cr_assert_eq(faccessat(dev, "sgx_provision", R_OK, 0), 0);
    cr_assert_eq(chdir("/"), 0);
    fails(ENOENT, open("sgx_enclave", O_RDWR));
    fails(ENOENT, open("/tmp/sgx_enclave", O_RDWR));
}

/* ------------------------------------------------------------------ streams */

Test(stream, on_the_device_has_a_descriptor_that_works_and_neither_reads_nor_writes)
{
    static const char *const modes[] = {"r", "r+", "w+e", "a+"};

    for (int i = 0; i < 4; i++) {
        FILE *stream = i & 1 ? fopen64(nodes[0], modes[i]) : fopen(nodes[0], modes[i]);
        struct sgx2_counters counters;
        int fd;

        cr_assert_not_null(stream);
        fd = fileno(stream);
        cr_assert_eq(ioctl(fd, SGX2_MODEL_COUNTERS, &counters), 0);
        cr_assert_eq(fcntl(fd, F_GETFD), i == 2 ? FD_CLOEXEC : 0);
        cr_assert_eq(fgetc(stream), EOF);
        cr_assert(ferror(stream));
        cr_assert_eq(errno, EINVAL);
        if (i) {
            clearerr(stream);
            fputs("text", stream);
            cr_assert_neq(fflush(stream), 0);
            cr_assert_eq(errno, EINVAL);
            cr_assert_eq(ioctl(fd, SGX2_MODEL_COUNTERS, &counters), 0, "unharmed");
        }
        fclose(stream);
        fails(EBADF, fcntl(fd, F_GETFD));
    }
    errno = 0;
    cr_assert_null(fopen(nodes[0], "wx"));
    cr_assert_eq(errno, EEXIST);
}

Test(stream, on_a_descriptor_of_the_device_likewise)
{
    const int fd = dup(begin());
    FILE *stream = fdopen(fd, "r+");

    cr_assert_not_null(stream);
    fwrite(bytes, 1, sizeof bytes, stream);
    cr_assert_neq(fflush(stream), 0);
    cr_assert_eq(errno, EINVAL);
    fclose(stream);
    fails(EBADF, fcntl(fd, F_GETFD));
    end();
}

Test(stream, that_is_open_cannot_become_one_on_the_device)
{
    FILE *stream = fopen("/dev/null", "r");

    errno = 0;
    cr_assert_null(freopen(nodes[0], "r+", stream));
    cr_assert_eq(errno, EINVAL);
}

/* ------------------------------------------------------------------ ranges of descriptors */

/* In a child: the test's own descriptors are needed to report. */
static void expect(bool holds, int status)
{
    if (!holds)
        _exit(status);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static bool still_works(void)
{
    struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)};

    return raw_call(&raw, 0, SGX_EENTER, &op) == 0 && raw.run.function == SGX_EEXIT && op.ret == 77;
}

static void enter_in_a_grandchild(void)
{
    expect(still_works(), 1);
}

static void close_all(void)
{
    const int fd = begin(), copy = dup(fd);

    expect(close_range(0, ~0u, 0) == 0, 1);
    expect(!is_open(0) && !is_open(fd) && !is_open(copy), 2);
    expect(still_works(), 3); /* the mappings keep it */
    expect(in_child(enter_in_a_grandchild) == 0, 4);
    munmap(raw.base, RAW_SIZE);
    expect(open("/", O_PATH) == 0 && open(nodes[0], O_RDWR) == 1, 5);
}

Test(close_range, closes_what_is_the_programs_and_keeps_what_is_mapped)
{
    const int status = in_child(close_all);

    cr_assert_eq(status, 0, "%#x", status);
}

static void close_some(void)
{
    const int low = dup(0), fd = begin(), high = fcntl(0, F_DUPFD, 600);

    expect(close_range((unsigned)fd, 599, 0) == 0, 1);
    expect(is_open(low) && !is_open(fd) && is_open(high), 2);
    expect(still_works(), 3);
}

Test(close_range, leaves_other_numbers_alone)
{
    const int status = in_child(close_some);

    cr_assert_eq(status, 0, "%#x", status);
}

Test(close_range, takes_its_flags)
{
    const int fd = begin(), copy = dup(fd);

    cr_assert_eq(close_range((unsigned)copy, (unsigned)copy, 4 /* CLOSE_RANGE_CLOEXEC */), 0);
    cr_assert_eq(fcntl(copy, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(close_range((unsigned)copy, (unsigned)copy, 2 /* CLOSE_RANGE_UNSHARE */), 0);
    fails(EBADF, fcntl(copy, F_GETFD));
    fails(EINVAL, close_range(5, 4, 0));
    fails(EINVAL, close_range(5, 6, 1));
    end();
}

static void close_from(void)
{
    const int fd = begin();

    closefrom(fd);
    expect(!is_open(fd) && still_works(), 1);
    expect(in_child(enter_in_a_grandchild) == 0, 2);
}

Test(closefrom, closes_what_is_the_programs)
{
    const int status = in_child(close_from);

    cr_assert_eq(status, 0, "%#x", status);
}

/* ------------------------------------------------------------------ everything else */

Test(others, are_read_and_written_as_ever)
{
    const int memory = memfd_create("program's own", 0);
    const void *const volatile nowhere = (void *)8;
    int pipes[2];

    begin();
    cr_assert_eq(pwrite(memory, "hello", 5, 2), 5);
    cr_assert_eq(pread(memory, bytes, 5, 2), 5);
    cr_assert_eq(lseek(memory, 0, SEEK_END), 7);
    cr_assert_eq(ftruncate(memory, 100), 0);
    cr_assert_eq(lseek(memory, 0, SEEK_END), 100);
    cr_assert_eq(fchmod(memory, 0600), 0);
    cr_assert_eq(fsync(memory), 0);
    cr_assert_eq(pipe(pipes), 0);
    cr_assert_eq(writev(pipes[1], vector, 1), sizeof bytes);
    cr_assert_eq(readv(pipes[0], vector, 1), sizeof bytes);
    fails(EBADF, read(-1, bytes, 1));
    fails(EFAULT, write(pipes[1], nowhere, 1));
    end();
}
