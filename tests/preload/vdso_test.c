/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "find.h"
#include "raw.h"

extern char **environ;

/* The vDSO of the vector that a file of /proc shows. */
static const void *image_in(const char *path)
{
    Elf64_auxv_t entries[64];
    const int fd = open(path, O_RDONLY);
    const ssize_t size = read(fd, entries, sizeof entries);

    close(fd);
    for (size_t i = 0; (i + 1) * sizeof *entries <= (size_t)size; i++)
        if (entries[i].a_type == AT_SYSINFO_EHDR)
            return (const void *)entries[i].a_un.a_val;
    return NULL;
}

/* As the kernel gave it: the vDSO that it mapped, which another process gets to see. */
static const void *kernel_image(void)
{
    const void *image = NULL;
    int ends[2];
    pid_t child;

    cr_assert_eq(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        char path[32];

        snprintf(path, sizeof path, "/proc/%d/auxv", (int)getppid());
        image = image_in(path);
        _exit(write(ends[1], &image, sizeof image) != sizeof image);
    }
    cr_assert_eq(read(ends[0], &image, sizeof image), sizeof image);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    return image;
}

Test(vdso, is_found_by_getauxval_and_by_walking_the_vector)
{
    char **end = environ;
    const Elf64_auxv_t *entry;

    while (*end)
        end++;
    for (entry = (const void *)(end + 1); entry->a_type != AT_SYSINFO_EHDR; entry++)
        cr_assert_neq(entry->a_type, AT_NULL);
    cr_assert_eq(entry->a_un.a_val, getauxval(AT_SYSINFO_EHDR));
    cr_assert_neq((const void *)entry->a_un.a_val, kernel_image());
    cr_assert_eq(memcmp((const void *)entry->a_un.a_val, ELFMAG, SELFMAG), 0);
}

Test(vdso, is_the_one_that_proc_shows)
{
    const void *const image = (const void *)getauxval(AT_SYSINFO_EHDR);
    char path[64];

    cr_assert_eq(image_in("/proc/self/auxv"), image);
    cr_assert_eq(image_in("/proc/thread-self/auxv"), image);
    snprintf(path, sizeof path, "/proc/%d/auxv", (int)getpid());
    cr_assert_eq(image_in(path), image);
    cr_assert_neq(kernel_image(), image);
}

Test(vdso, has_the_function_that_enters_enclaves)
{
    cr_assert_not_null(find_vdso("__vdso_sgx_enter_enclave"));
    cr_assert_null(find_vdso("__vdso_sgx_enter_enclav"));
}

static void same(const char *name)
{
    cr_assert_eq(!find_vdso(name), !find_in_image(kernel_image(), name), "%s", name);
}

Test(vdso, has_the_functions_that_the_kernels_has)
{
    cr_assert_not_null(kernel_image());
    same("__vdso_clock_gettime");
    same("__vdso_gettimeofday");
    same("__vdso_time");
    same("__vdso_getcpu");
    same("__vdso_clock_getres");
    same("__vdso_getrandom");
    same("clock_gettime");
    cr_assert_not_null(find_vdso("__vdso_clock_gettime"));
}

static int64_t nanoseconds(const struct timespec *t)
{
    return t->tv_sec * INT64_C(1000000000) + t->tv_nsec;
}

Test(vdso, tells_the_time)
{
    int (*get)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))find_vdso("__vdso_clock_gettime");
    time_t (*seconds)(time_t *) = (time_t(*)(time_t *))find_vdso("__vdso_time");
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID};

    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct timespec before, image, libc, after;

        syscall(SYS_clock_gettime, clocks[i], &before);
        cr_assert_eq(get(clocks[i], &image), 0);
        cr_assert_eq(clock_gettime(clocks[i], &libc), 0);
        syscall(SYS_clock_gettime, clocks[i], &after);
        cr_assert_leq(nanoseconds(&before), nanoseconds(&image));
        cr_assert_leq(nanoseconds(&image), nanoseconds(&libc));
        cr_assert_leq(nanoseconds(&libc), nanoseconds(&after));
    }
    cr_assert_lt(llabs((long long)(seconds(NULL) - time(NULL))), 2);
}

Test(vdso, image_can_be_read_and_run_but_not_written)
{
    char line[256], perms[8] = "";
    FILE *maps = fopen("/proc/self/maps", "r");

    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;

        sscanf(line, "%lx-%lx %7s", &start, &end, perms);
        if (start <= getauxval(AT_SYSINFO_EHDR) && getauxval(AT_SYSINFO_EHDR) < end)
            break;
    }
    fclose(maps);
    cr_assert_str_eq(perms, "r-xp");
}
