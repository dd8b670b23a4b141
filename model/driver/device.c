/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and closing the device, and the list of enclaves that this process knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/report.h"
#include "driver/share.h"
#include "model.h"
#include "signal_raw.h"
#include "trace.h"

/* Taken before an enclave's lock, never after it. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct enclave *registry;
static dev_t memory_device; /* of all memory files; valid once the registry was not empty */
static pid_t process;       /* whose list this is */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static __thread const sigset_t *outer_mask; /* of the driver call in progress */

void driver_enter(sigset_t *ret_saved)
{
    sigset_t all;

    sigfillset(&all);
    signal_raw_mask(SIG_SETMASK, &all, ret_saved);
    outer_mask = ret_saved;
}

void driver_leave(const sigset_t *saved)
{
    outer_mask = NULL;
    signal_raw_mask(SIG_SETMASK, saved, NULL);
}

/* What Linux drops at once: but not while it is blocked, as all are here. */
static bool is_ignored(int sig)
{
    struct {
        uint64_t handler, flags, restorer, mask;
    } action; /* as the kernel has it */

    if (syscall(SYS_rt_sigaction, sig, NULL, &action, sizeof action.mask) < 0)
        return false;
    return action.handler == (uintptr_t)SIG_IGN ||
           (action.handler == (uintptr_t)SIG_DFL &&
            (sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH));
}

bool driver_signal_pending(void)
{
    sigset_t pending;

    if (!outer_mask || sigpending(&pending) < 0)
        return false;
    for (int sig = 1; sig < NSIG - 1; sig++) /* the last one is the model's own */
        if (sigismember(&pending, sig) == 1 && !sigismember(outer_mask, sig) && !is_ignored(sig))
            return true;
    return false;
}

void enclave_lock(struct enclave *e)
{
    if (pthread_mutex_lock(&e->file->lock) == EOWNERDEAD) {
        /* A process died with the lock; the page that it was changing is the worst. */
        pthread_mutex_consistent(&e->file->lock);
        share_recover(e);
    }
    share_catch_up(e);
}

void enclave_unlock(struct enclave *e)
{
    pthread_mutex_unlock(&e->file->lock);
}

/* ------------------------------------------------------------------ fork */

static sigset_t fork_mask; /* of the forking thread; registry lock */

/* The child gets every lock free, and what they guard in order. */
static void before_fork(void)
{
    sigset_t saved;

    driver_enter(&saved);
    pthread_mutex_lock(&registry_lock);
    fork_mask = saved;
    for (struct enclave *e = registry; e; e = e->next)
        enclave_lock(e);
}

static void after_fork_in_parent(void)
{
    const sigset_t mask = fork_mask;

    for (struct enclave *e = registry; e; e = e->next)
        enclave_unlock(e);
    pthread_mutex_unlock(&registry_lock);
    driver_leave(&mask);
}

/* The locks of the enclaves are the parent's still, who gives them back by itself. */
static void after_fork_in_child(void)
{
    process = getpid();
    count_after_fork();
    for (struct enclave *e = registry; e; e = e->next)
        view_after_fork(e);
    pthread_mutex_unlock(&registry_lock);
    driver_leave(&fork_mask);
}

static void start(void)
{
    process = getpid();
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void driver_begin(void)
{
    pthread_once(&once, start);
}

/* ------------------------------------------------------------------ the list */

void enclave_each(void (*visit)(struct enclave *e, void *arg), void *arg)
{
    pthread_mutex_lock(&registry_lock);
    for (struct enclave *e = registry; e; e = e->next)
        visit(e, arg);
    pthread_mutex_unlock(&registry_lock);
}

bool enclave_any(void)
{
    return __atomic_load_n(&registry, __ATOMIC_ACQUIRE) != NULL;
}

bool enclave_is_ours(void)
{
    return getpid() == process;
}

static void notice(void)
{
    static int said;
    const char *quiet = getenv("APERTURE_QUIET");

    if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED) && !(quiet && *quiet == '1'))
        fputs("aperture: running on the software model of SGX2: for development and tests; "
              "it does not protect the enclave from this machine (APERTURE_QUIET=1 hides this)\n",
              stderr);
}

static struct enclave *find_inode(uint64_t inode)
{
    struct enclave *e;

    for (e = registry; e && e->inode != inode; e = e->next)
        ;
    return e;
}

/* Enter a new view in the list; the one that another thread made meanwhile goes before. */
static struct enclave *add_view(struct enclave *e)
{
    struct enclave *present;
    struct stat st;

    pthread_once(&once, start);
    pthread_mutex_lock(&registry_lock);
    present = find_inode(e->inode);
    if (!present) {
        if (fstat(e->fd, &st) == 0)
            memory_device = st.st_dev;
        e->open_fds = 1;
        e->next = registry;
        __atomic_store_n(&registry, e, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&registry_lock);
    if (present) {
        view_free(e);
        return present;
    }
    run_install();
    run_kick_mark();
    enclave_lock(e); /* takes its place among the processes */
    enclave_unlock(e);
    notice();
    return e;
}

/* An enclave that another process opened, if fd is one: from now on this process has it too. */
static struct enclave *attach(int fd)
{
    struct enclave *e;

    if (process && !enclave_is_ours())
        return NULL;
    e = view_new(fd);
    if (!e)
        return NULL;
    TRACE_EVENT(e, TRACE_ATTACH, NULL, trace_number("fd", "%", fd));
    return add_view(e);
}

struct enclave *enclave_by_fd(int fd)
{
    struct stat st;
    struct enclave *e;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        (memory_device && st.st_dev != memory_device))
        return NULL;
    pthread_mutex_lock(&registry_lock);
    e = find_inode(st.st_ino);
    pthread_mutex_unlock(&registry_lock);
    return e ? e : attach(fd);
}

struct enclave *enclave_use(int fd)
{
    struct enclave *e = enclave_by_fd(fd), *present;

    if (!e)
        return NULL;
    pthread_mutex_lock(&registry_lock);
    for (present = registry; present && present != e; present = present->next)
        ;
    if (present)
        present->open_fds++;
    pthread_mutex_unlock(&registry_lock);
    return present;
}

void enclave_hold_fd(struct enclave *e)
{
    pthread_mutex_lock(&registry_lock);
    e->open_fds++;
    pthread_mutex_unlock(&registry_lock);
}

bool enclave_is_private(int fd)
{
    struct enclave *e;

    pthread_mutex_lock(&registry_lock);
    for (e = registry; e && e->fd != fd; e = e->next)
        ;
    pthread_mutex_unlock(&registry_lock);
    return e != NULL;
}

struct enclave *enclave_by_address(uint64_t address)
{
    struct enclave *e;

    pthread_mutex_lock(&registry_lock);
    for (e = registry; e; e = e->next) {
        bool found;

        enclave_lock(e);
        found = vma_find(e, address) != NULL;
        enclave_unlock(e);
        if (found)
            break;
    }
    pthread_mutex_unlock(&registry_lock);
    return e;
}

struct enclave *enclave_by_tcs(uint64_t tcs)
{
    struct enclave *e;

    pthread_mutex_lock(&registry_lock);
    for (e = registry; e && !enclave_contains(e, tcs); e = e->next)
        ;
    pthread_mutex_unlock(&registry_lock);
    return e;
}

/* The same file by another descriptor, with the access mode that the caller asked for. */
static int with_mode(int fd, int flags)
{
    char path[32];
    int r;

    if ((flags & O_ACCMODE) == O_RDWR)
        return fd;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    r = open(path, flags & (O_ACCMODE | O_CLOEXEC));
    if (r < 0)
        return fd;
    close(fd);
    return r;
}

static int open_enclave(const char *path, int flags)
{
    struct enclave *e;
    int r = epcfile_new(flags);

    if (r < 0)
        return r;
    e = view_new(r);
    if (!e) {
        close(r);
        return errno ? -errno : -ENOMEM;
    }
    r = with_mode(r, flags);
    TRACE_EVENT(e, TRACE_OPEN, NULL, trace_string("path", "%", path), trace_number("fd", NULL, r),
                trace_system_result(r));
    add_view(e);
    return r;
}

int sgx2_open(const char *path, int flags)
{
    sigset_t saved;
    int r;

    if (strcmp(path, PROVISION_PATH) == 0)
        return open_provision(flags);
    if (strcmp(path, DEVICE_PATH) != 0)
        return -ENOENT;
    run_prepare();
    driver_enter(&saved);
    r = open_enclave(path, flags);
    driver_leave(&saved);
    return r;
}

/* Take e off the list if neither descriptor nor mapping is left. False: it stays, or is gone. */
static bool unlist(const struct enclave *e)
{
    struct enclave **link;

    for (link = &registry; *link && *link != e; link = &(*link)->next)
        ;
    if (!*link || e->open_fds || e->vma_count)
        return false;
    *link = e->next;
    return true;
}

/* Nobody finds it any more. */
static void end(struct enclave *e)
{
    bool last;

    enclave_lock(e);
    last = share_leave(e);
    enclave_unlock(e);
    if (last)
        report_enclave(e);
    view_free(e);
}

void enclave_put(struct enclave *e)
{
    bool gone;

    pthread_mutex_lock(&registry_lock);
    gone = unlist(e);
    pthread_mutex_unlock(&registry_lock);
    if (gone)
        end(e);
}

void enclave_release_fd(struct enclave *e)
{
    bool gone;

    pthread_mutex_lock(&registry_lock);
    if (e->open_fds)
        e->open_fds--;
    gone = unlist(e);
    pthread_mutex_unlock(&registry_lock);
    if (gone)
        end(e);
}
