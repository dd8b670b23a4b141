/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program sees of its enclaves in /proc.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"
#include "raw.h"

static struct raw raw;

/* All of a file, by open(2) and read(2). */
static char *text_of(int fd)
{
    static char text[1 << 20];
    size_t size = 0;
    ssize_t r;

    cr_assert_geq(fd, 0);
    while ((r = read(fd, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)r;
    cr_assert_eq(r, 0);
    text[size] = '\0';
    close(fd);
    return text;
}

static char *maps(void)
{
    return text_of(open("/proc/self/maps", O_RDONLY));
}

/* The line of the device that Linux shows for [start, end), of offset, within the text. */
static const char *line_of(const char *text, uint64_t start, uint64_t end, const char *prot,
                           uint64_t offset)
{
    char line[160];
    struct stat st;
    int size;

    cr_assert_eq(stat("/dev/sgx_enclave", &st), 0);
    size = snprintf(
        line, sizeof line, "%08" PRIx64 "-%08" PRIx64 " %s %08" PRIx64 " %02x:%02x %llu ", start,
        end, prot, offset, major(st.st_dev), minor(st.st_dev), (unsigned long long)st.st_ino);
    while (size < 73)
        line[size++] = ' ';
    strcpy(line + size, "/dev/sgx_enclave\n");
    return strstr(text, line);
}

static int count_of(const char *text, const char *what)
{
    int count = 0;

    for (; (text = strstr(text, what)); text++)
        count++;
    return count;
}

static uint64_t at(uint64_t page)
{
    return raw_address(&raw, page * SGX_PAGE_SIZE);
}

Test(maps, has_a_line_for_each_mapping_of_the_device)
{
    const char *text;

    raw_open(&raw);
    text = maps();
    cr_assert(line_of(text, at(0), at(5), "rw-s", 0));
    cr_assert(line_of(text, at(5), at(6), "r-xs", 0));
    cr_assert(line_of(text, at(6), at(11), "rw-s", 0));
    cr_assert_eq(count_of(text, "/dev/sgx_enclave"), 3);
    raw_close(&raw);
    cr_assert_eq(count_of(maps(), "/dev/sgx_enclave"), 0);
}

Test(maps, shows_what_the_program_asked_for_and_not_what_the_epcm_permits)
{
    struct sgx_enclave_restrict_permissions r;
    const char *text;

    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = 1});
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), 0);
    text = maps();
    cr_assert(line_of(text, at(6), at(11), "rw-s", 0), "one mapping, whatever pages allow");
    raw_close(&raw);
}

Test(maps, follows_mmap_mprotect_and_munmap_with_offsets_and_permissions)
{
    const char *text;

    raw_open(&raw);
    cr_assert_eq(mprotect(raw.base + 7 * SGX_PAGE_SIZE, SGX_PAGE_SIZE, PROT_READ), 0);
    cr_assert_eq(munmap(raw.base + 9 * SGX_PAGE_SIZE, SGX_PAGE_SIZE), 0);
    cr_assert_eq(mprotect(raw.base, SGX_PAGE_SIZE, PROT_NONE), 0);
    text = maps();
    cr_assert(line_of(text, at(0), at(1), "---s", 0));
    cr_assert(line_of(text, at(1), at(5), "rw-s", SGX_PAGE_SIZE));
    cr_assert(line_of(text, at(6), at(7), "rw-s", 0));
    cr_assert(line_of(text, at(7), at(8), "r--s", SGX_PAGE_SIZE));
    cr_assert(line_of(text, at(8), at(9), "rw-s", 2 * SGX_PAGE_SIZE));
    cr_assert(line_of(text, at(10), at(11), "rw-s", 4 * SGX_PAGE_SIZE));
    cr_assert_neq(mmap(raw.base + 9 * SGX_PAGE_SIZE, SGX_PAGE_SIZE, PROT_READ,
                       MAP_SHARED | MAP_FIXED, raw.fd, 0x7000),
                  MAP_FAILED);
    cr_assert(line_of(maps(), at(9), at(10), "r--s", 0x7000), "the offset that mmap was given");
    raw_close(&raw);
}

Test(maps, are_split_by_a_change_only_and_never_joined_again)
{
    raw_open(&raw);
    cr_assert_eq(mprotect(raw.base + 7 * SGX_PAGE_SIZE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    cr_assert(line_of(maps(), at(6), at(11), "rw-s", 0), "nothing changed");
    cr_assert_eq(mprotect(raw.base + 7 * SGX_PAGE_SIZE, SGX_PAGE_SIZE, PROT_READ), 0);
    cr_assert_eq(mprotect(raw.base + 7 * SGX_PAGE_SIZE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    cr_assert(line_of(maps(), at(6), at(7), "rw-s", 0));
    cr_assert(line_of(maps(), at(7), at(8), "rw-s", SGX_PAGE_SIZE));
    cr_assert(line_of(maps(), at(8), at(11), "rw-s", 2 * SGX_PAGE_SIZE));
    raw_close(&raw);
}

Test(maps, shows_a_mapping_from_before_the_enclave_had_addresses)
{
    const int fd = open("/dev/sgx_enclave", O_RDWR);
    uint8_t *early = mmap(NULL, 3 * SGX_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
    const uint64_t start = (uint64_t)(uintptr_t)early;

    cr_assert_neq(early, MAP_FAILED);
    cr_assert(line_of(maps(), start, start + 3 * SGX_PAGE_SIZE, "r--s", 0));
    munmap(early, 3 * SGX_PAGE_SIZE);
    close(fd);
}

Test(maps, lists_addresses_in_order_without_overlap_and_leaves_other_lines_alone)
{
    FILE *from = (raw_open(&raw), fopen("/proc/self/maps", "re"));
    uint64_t start, end, before = 0;
    char line[4096], name[4096];
    bool stack = false, heap = false, us = false;

    cr_assert_not_null(from);
    while (fgets(line, sizeof line, from)) {
        name[0] = '\0';
        cr_assert_geq(
            sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %4095s", &start, &end, name), 2);
        cr_assert_geq(start, before, "%s", line);
        cr_assert_lt(start, end);
        before = end;
        stack |= strcmp(name, "[stack]") == 0;
        heap |= strcmp(name, "[heap]") == 0;
        us |= strstr(name, "preload_proc") != NULL;
    }
    cr_assert(stack && heap && us);
    fclose(from);
    raw_close(&raw);
}

Test(maps, names_the_vdso_that_the_program_has)
{
    const char *text = maps(), *line = strstr(text, "[vdso]\n");

    cr_assert_eq(count_of(text, "[vdso]\n"), 1);
    while (line > text && line[-1] != '\n')
        line--;
    cr_assert_eq(strtoull(line, NULL, 16), getauxval(AT_SYSINFO_EHDR));
}

static void shows_it(int fd)
{
    cr_assert_eq(count_of(text_of(fd), "/dev/sgx_enclave"), 3);
}

static int fd_of(FILE *stream)
{
    int fd;

    cr_assert_not_null(stream);
    fd = dup(fileno(stream));
    fclose(stream);
    return fd;
}

Test(maps, are_the_same_by_every_way_of_opening)
{
    char by_pid[64], by_task[64];
    int dir;

    raw_open(&raw);
    snprintf(by_pid, sizeof by_pid, "/proc/%d/maps", (int)getpid());
    snprintf(by_task, sizeof by_task, "/proc/self/task/%d/maps", (int)syscall(SYS_gettid));
    dir = open("/proc/self", O_PATH | O_DIRECTORY);
    shows_it(open(by_pid, O_RDONLY));
    shows_it(open(by_task, O_RDONLY | O_CLOEXEC));
    shows_it(open64("/proc/thread-self/maps", O_RDONLY));
    shows_it(open("/proc/../proc//self/./maps", O_RDONLY));
    shows_it(openat(dir, "maps", O_RDONLY));
    shows_it(openat64(dir, "maps", O_RDONLY));
    shows_it(fd_of(fopen("/proc/self/maps", "r")));
    shows_it(fd_of(fopen64("/proc/self/maps", "r")));
    shows_it(fd_of(freopen(by_pid, "r", fopen("/dev/null", "r"))));
    shows_it(open("/proc/self/smaps", O_RDONLY));
    cr_assert_eq(chdir("/proc/self"), 0);
    shows_it(open("maps", O_RDONLY));
    raw_close(&raw);
}

Test(maps, are_open_for_reading_only_under_the_lowest_number_and_may_be_read_again)
{
    const int free = dup(0);
    char link[64], one[200], two[200], name[64];
    int fd;

    close(free);
    fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(fd, free);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    cr_assert_eq(write(fd, "x", 1), -1);
    cr_assert_eq(errno, EBADF);
    cr_assert_eq(read(fd, one, sizeof one), sizeof one);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    cr_assert_eq(read(fd, two, sizeof two), sizeof two);
    cr_assert_eq(memcmp(one, two, sizeof one), 0);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    memset(name, 0, sizeof name);
    cr_assert_gt(readlink(link, name, sizeof name - 1), 0);
    snprintf(link, sizeof link, "/proc/%d/maps", (int)getpid());
    cr_assert_str_eq(name, link);
    close(fd);
}

Test(maps, of_another_process_are_the_kernels)
{
    pid_t child = fork();
    char path[64];
    int fd;

    if (child == 0) {
        pause();
        _exit(0);
    }
    snprintf(path, sizeof path, "/proc/%d/maps", (int)child);
    fd = open(path, O_RDONLY);
    cr_assert_geq(fd, 0);
    cr_assert(strstr(text_of(fd), "preload_proc"));
    kill(child, SIGKILL);
    cr_assert_eq(open("/proc/self/nothing/maps", O_RDONLY), -1);
    cr_assert_eq(errno, ENOENT);
}

Test(maps, of_a_forked_child_show_what_it_inherited)
{
    pid_t child;
    int status;

    raw_open(&raw);
    cr_assert_eq(madvise(raw.base, 5 * SGX_PAGE_SIZE, MADV_DONTFORK), 0);
    child = fork();
    if (child == 0) {
        const char *text = maps();

        _exit(!(count_of(text, "/dev/sgx_enclave") == 2 &&
                line_of(text, at(6), at(11), "rw-s", 0) &&
                !line_of(text, at(0), at(5), "rw-s", 0)));
    }
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
    cr_assert_eq(count_of(maps(), "/dev/sgx_enclave"), 3);
    raw_close(&raw);
}

Test(smaps, has_figures_and_flags_for_mappings_of_the_device)
{
    const char *text, *entry, *end;

    raw_open(&raw);
    text = text_of(open("/proc/self/smaps", O_RDONLY));
    entry = line_of(text, at(5), at(6), "r-xs", 0);
    cr_assert(entry);
    end = strstr(entry, "VmFlags:");
    cr_assert(end);
    cr_assert_eq(strncmp(end, "VmFlags: rd ex sh mr mw me ms pf io de dd \n", 43), 0, "%.60s", end);
    cr_assert(strstr(entry, "\nSize:                  4 kB\n") < end);
    cr_assert(strstr(entry, "\nKernelPageSize:        4 kB\n") < end);
    cr_assert(strstr(entry, "\nRss:                   0 kB\n") < end);
    cr_assert(strstr(line_of(text, at(6), at(11), "rw-s", 0), "\nSize:                 20 kB\n"));
    raw_close(&raw);
}

Test(fd, of_the_device_leads_to_its_node)
{
    static const char *const nodes[] = {"/dev/sgx_enclave", "/dev/sgx_provision"};

    for (int i = 0; i < 2; i++) {
        const int fd = open(nodes[i], O_RDWR), by_path = open(nodes[i], O_PATH);
        char path[64], name[PATH_MAX] = "", five[5];

        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        cr_assert_eq(readlink(path, name, sizeof name), (ssize_t)strlen(nodes[i]));
        cr_assert_str_eq(name, nodes[i]);
        cr_assert_eq(readlink(path, five, sizeof five), 5, "cut short");
        cr_assert_eq(memcmp(five, "/dev/", 5), 0);
        cr_assert_eq(readlink(path, five, 0), -1);
        cr_assert_eq(errno, EINVAL);
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), by_path);
        memset(name, 0, sizeof name);
        cr_assert_gt(readlinkat(AT_FDCWD, path, name, sizeof name), 0);
        cr_assert_str_eq(name, nodes[i]);
        cr_assert_str_eq(realpath(path, name), nodes[i]);
        close(fd);
        close(by_path);
    }
}

Test(fd, opened_again_by_its_link_is_another_enclave)
{
    struct sgx2_counters counters;
    struct stat st;
    char path[64];
    int fd;

    raw_open(&raw);
    snprintf(path, sizeof path, "/proc/self/fd/%d", raw.fd);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert(S_ISCHR(st.st_mode));
    cr_assert_eq(lstat(path, &st), 0);
    cr_assert(S_ISLNK(st.st_mode));
    fd = open(path, O_RDWR);
    cr_assert_geq(fd, 0);
    cr_assert_eq(sgx2_ioctl(fd, SGX2_MODEL_COUNTERS, &counters), 0);
    cr_assert_eq(counters.ioctl_init, 0);
    close(fd);
    raw_close(&raw);
}
