/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close_range(2): the descriptors that the model keeps for itself stay open, whatever the program
 * says about numbers that it never opened, and those of enclaves are closed one by one.
 *
 * This may run in a child between fork and exec: no allocation.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "preload/next.h"
#include "preload/preload.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define CLOSE_UNSHARE 2u /* CLOSE_RANGE_* */
#define CLOSE_CLOEXEC 4u

static long kernel_close_range(unsigned first, unsigned last)
{
    return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

/* The kernel's struct linux_dirent64, whose name is the number of a descriptor. */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

/* Call visit for each open descriptor in [first, last]. Without /proc, for all that there may be.
 */
static void each_open(unsigned first, unsigned last, void (*visit)(int fd))
{
    const int dir = raw_open(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    _Alignas(struct entry) char buffer[2048];
    struct rlimit limit;
    long size;

    if (dir < 0) {
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
            limit.rlim_cur = INT_MAX;
        for (unsigned fd = first; fd <= last && fd < limit.rlim_cur; fd++)
            visit((int)fd);
        return;
    }
    while ((size = syscall(SYS_getdents64, dir, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < size;) {
            const struct entry *entry = (const void *)(buffer + at);
            const unsigned fd = (unsigned)strtoul(entry->name, NULL, 10);

            if (entry->name[0] != '.' && fd >= first && fd <= last && fd != (unsigned)dir)
                visit((int)fd);
            at += entry->size;
        }
    raw_close(dir);
}

/* What is the program's and an enclave's. */
static void close_enclave(int fd)
{
    if (!enclave_is_private(fd) && sgx2_node(fd))
        sgx2_close(fd);
}

/* The lowest descriptor of the model's own that is not below first; NONE: there is none. */
struct search {
    uint64_t first, lowest;
};

#define NONE (UINT64_C(1) << 32)

static void look(struct enclave *e, void *arg)
{
    struct search *search = arg;

    if ((unsigned)e->fd >= search->first && (unsigned)e->fd < search->lowest)
        search->lowest = (unsigned)e->fd;
}

/* Blocked signals keep a handler from making or freeing an enclave between the two steps. */
static long close_all_but_ours(unsigned first, unsigned last)
{
    struct search ours = {.first = first};
    sigset_t saved;
    long r = 0;

    driver_enter(&saved);
    each_open(first, last, close_enclave);
    while (r == 0 && ours.first <= last) {
        ours.lowest = NONE;
        enclave_each(look, &ours);
        if (ours.lowest > last)
            ours.lowest = (uint64_t)last + 1;
        if (ours.lowest > ours.first)
            r = kernel_close_range((unsigned)ours.first, (unsigned)(ours.lowest - 1));
        ours.first = ours.lowest + 1;
    }
    driver_leave(&saved);
    return r;
}

bool close_range_answer(const unsigned long args[6], long *ret_result)
{
    const unsigned first = (unsigned)args[0], last = (unsigned)args[1], flags = (unsigned)args[2];

    if (!enclave_any() || !enclave_is_ours())
        return false; /* before exec, in what is not our table */
    if ((flags & ~(CLOSE_UNSHARE | CLOSE_CLOEXEC)) || first > last || (flags & CLOSE_CLOEXEC))
        return false; /* the model's own are closed by exec anyway */
    if (flags & CLOSE_UNSHARE && unshare(CLONE_FILES) < 0)
        *ret_result = -errno;
    else
        *ret_result = close_all_but_ours(first, last);
    return true;
}

INTERPOSED int close_range(unsigned first, unsigned last, int flags)
{
    long r;

    if (!answer_call(SYS_close_range, (const unsigned long[6]){first, last, (unsigned)flags}, &r))
        return (int)syscall(SYS_close_range, first, last, flags);
    return libc_result((int)r);
}

NEXT_DECLARE(closefrom);

__attribute__((constructor)) static void find_next(void)
{
    NEXT_FIND(closefrom);
}

INTERPOSED void closefrom(int low)
{
    const unsigned first = low < 0 ? 0 : (unsigned)low;
    long r;

    if (!answer_call(SYS_close_range, (const unsigned long[6]){first, UINT_MAX, 0}, &r) || r < 0)
        NEXT(closefrom, low);
}
