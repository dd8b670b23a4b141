/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hosted program's threads, children and successors.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/hosted.h"
#include "preload/preload.h"
#include "preload/program.h"

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define THREAD_MAY                                                                                 \
    (THREAD_FLAGS | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |    \
     CLONE_CHILD_SETTID | CLONE_DETACHED)
#define FORK_MAY    (CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_SETTLS)
#define VFORK_FLAGS (CLONE_VM | CLONE_VFORK)

#define LOADER_STACK (128u << 10) /* of a thread, for its beginning and end */

static void say_refused(const char *what, unsigned long value)
{
    fprintf(stderr, "aperture: ap-run: %s %#lx is not supported\n", what, value);
}

/* ------------------------------------------------------------------ threads */

struct birth {
    struct start start;
    uint64_t clear_tid;
    int tid;
    sem_t done;
};

static void *thread_main(void *arg)
{
    struct birth *b = arg;
    struct start start = b->start;
    struct hosted h = {.start = &start, .clear_tid = b->clear_tid};
    struct thread *t = thread_self();

    /* The parent's context is read in the trap, while it waits: tell it after that. */
    t->hosted = &h;
    h.born = &b->done;
    b->tid = t->tid;
    hosted_run(&h);
    return NULL;
}

/* The parent's signals are blocked, as in every handler, and the thread inherits that. */
static long start_thread(struct birth *b)
{
    pthread_attr_t attr;
    pthread_t thread;
    int r;

    if (!thread_room())
        return -EAGAIN;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, LOADER_STACK);
    sem_init(&b->done, 0, 0);
    r = pthread_create(&thread, &attr, thread_main, b);
    pthread_attr_destroy(&attr);
    if (r != 0)
        return -r;
    while (sem_wait(&b->done) < 0)
        ;
    sem_destroy(&b->done);
    return b->tid;
}

static long clone_thread(const struct call *c, unsigned long flags, const struct start *start)
{
    struct birth b = {.start = *start};

    if ((flags & THREAD_FLAGS) != THREAD_FLAGS || flags & ~(unsigned long)THREAD_MAY) {
        say_refused("a thread by clone() with flags", flags);
        return -EINVAL;
    }
    b.start.parent = c;
    if (flags & CLONE_CHILD_CLEARTID)
        b.clear_tid = start->clear_tid;
    return start_thread(&b);
}

/* ------------------------------------------------------------------ children */

/* In the child: it goes on where its parent made the call. */
static void become_child(struct call *c, unsigned long flags, const struct start *s)
{
    struct hosted *h = c->t->hosted;
    const int tid = c->t->tid;

    if (s->rsp)
        c->uc->uc_mcontext.gregs[REG_RSP] = (greg_t)s->rsp;
    c->bases->fs = s->fs;
    h->clear_tid = flags & CLONE_CHILD_CLEARTID ? s->clear_tid : 0;
    if (s->child_tid)
        user_write(s->child_tid, &tid, sizeof tid);
}

static long clone_fork(struct call *c, unsigned long flags, const struct start *s)
{
    pid_t pid;
    int id;

    if ((flags & CSIGNAL) != SIGCHLD || flags & ~(unsigned long)(FORK_MAY | CSIGNAL)) {
        say_refused("a process by clone() with flags", flags);
        return -EINVAL;
    }
    pid = fork(); /* the model's handlers of it run, and arm the dispatch again */
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        become_child(c, flags, s);
        return 0;
    }
    id = pid;
    if (s->parent_tid)
        user_write(s->parent_tid, &id, sizeof id);
    return pid;
}

/* The state of the parent that its child, on the same memory, goes on changing. */
struct lent {
    struct thread thread;
    struct hosted hosted;
    uint64_t withheld;
    uint8_t stack[];
};

static void lent_back(struct thread *t, const struct lent *lent)
{
    struct hosted *h = lent->thread.hosted;

    *t = lent->thread;
    free(h->exec_argv); /* of the child's last attempt */
    *h = lent->hosted;
    signals_withhold(lent->withheld);
}

static long clone_vfork(struct call *c, unsigned long flags, const struct start *s)
{
    struct thread *t = c->t;
    const uint64_t top = (uint64_t)(uintptr_t)t + THREAD_AREA_SIZE;
    struct lent *lent;
    long pid;

    if ((flags & CSIGNAL) != SIGCHLD || (flags & VFORK_FLAGS) != VFORK_FLAGS ||
        flags & ~(unsigned long)(VFORK_FLAGS | FORK_MAY | CSIGNAL) ||
        flags & CLONE_CHILD_CLEARTID) {
        say_refused("a process by clone() with flags", flags);
        return -EINVAL;
    }
    lent = malloc(sizeof *lent + THREAD_AREA_SIZE);
    if (!lent)
        return -ENOMEM;
    lent->thread = *t;
    lent->hosted = *t->hosted;
    lent->withheld = signals_withheld();
    pid = hosted_vfork(VFORK_FLAGS | SIGCHLD, lent->stack, top);
    if (pid == 0) {
        t->hosted->vforked = true;
        t->hosted->exec_argv = NULL;
        t->tid = (int)syscall(SYS_gettid);
        thread_dispatch(t);
        become_child(c, flags, s);
        /* cppcheck-suppress memleak ; the parent, whose memory this is, gives it back */
        return 0;
    }
    lent_back(t, lent);
    free(lent);
    if (pid > 0 && s->parent_tid)
        user_write(s->parent_tid, &(int){(int)pid}, sizeof(int));
    return pid;
}

long hosted_clone(struct call *c, unsigned long flags, uint64_t stack, uint64_t parent_tid,
                  uint64_t child_tid, uint64_t tls)
{
    const struct start start = {
        .rsp = stack,
        .fs = flags & CLONE_SETTLS ? tls : c->bases->fs,
        .withheld = signals_withheld(),
        .parent_tid = flags & CLONE_PARENT_SETTID ? parent_tid : 0,
        .child_tid = flags & CLONE_CHILD_SETTID ? child_tid : 0,
        .clear_tid = child_tid,
    };

    if (c->t->hosted->vforked && flags & CLONE_VM) {
        say_refused("in a child of vfork(), clone() with flags", flags);
        return -EINVAL;
    }
    if (flags & CLONE_THREAD)
        return clone_thread(c, flags, &start);
    return flags & CLONE_VM ? clone_vfork(c, flags, &start) : clone_fork(c, flags, &start);
}

/* ------------------------------------------------------------------ execve */

#define OURS_MOST 5 /* ap-run --raw --argv0 NAME FILE */

static size_t count_arguments(uint64_t argv)
{
    size_t count = 0;
    uint64_t one;

    while (argv && user_read(&one, argv + count * sizeof one, sizeof one) == 0 && one)
        count++;
    return count;
}

/* The program's arguments, behind those of ap-run. Freed by the caller. */
static uint64_t *build_argv(const char *file, uint64_t argv)
{
    const size_t count = count_arguments(argv);
    uint64_t *list = calloc(OURS_MOST + count + 1, sizeof *list);
    size_t n = 0;

    if (!list)
        return NULL;
    list[n++] = (uint64_t)(uintptr_t) "ap-run";
    if (hosted_program.raw)
        list[n++] = (uint64_t)(uintptr_t) "--raw";
    list[n++] = (uint64_t)(uintptr_t) "--argv0";
    list[n++] = (uint64_t)(uintptr_t) "";
    if (count)
        user_read(&list[n - 1], argv, sizeof *list);
    list[n++] = (uint64_t)(uintptr_t)file;
    if (count > 1 && user_read(&list[n], argv + sizeof *list, (count - 1) * sizeof *list) < 0) {
        free(list);
        return NULL;
    }
    return list;
}

/*
 * execve(2) with the program's mask, which its successor inherits. A signal that comes now is kept
 * back as during an entry, and comes again if the call fails.
 */
static long execute(const struct call *c, const uint64_t *argv, uint64_t envp)
{
    const uint64_t all = ~UINT64_C(0);
    struct thread *t = c->t;
    uint64_t mask;
    long r;

    memcpy(&mask, &c->uc->uc_sigmask, sizeof mask);
    mask |= signals_withheld();
    __atomic_store_n(&t->in_model, ENTRY_BUSY, __ATOMIC_RELEASE);
    raw_syscall(SYS_rt_sigprocmask,
                (unsigned long[]){SIG_SETMASK, (unsigned long)&mask, 0, sizeof mask, 0, 0});
    r = raw_syscall(SYS_execve, (unsigned long[]){(unsigned long)"/proc/self/exe",
                                                  (unsigned long)argv, envp, 0, 0, 0});
    raw_syscall(SYS_rt_sigprocmask,
                (unsigned long[]){SIG_SETMASK, (unsigned long)&all, 0, sizeof all, 0, 0});
    __atomic_store_n(&t->in_model, ENTRY_NONE, __ATOMIC_RELEASE);
    if (t->waiting) {
        t->waiting = false;
        signals_again(t->held_signal, &t->held);
    }
    return r;
}

/* The file that an execveat(2) names, as a path that ap-run can open. */
static bool find_file(int dir, const char *path, int flags, char *ret_file)
{
    char link[32];
    ssize_t size;

    if (*path == '/' || (dir == AT_FDCWD && strchr(path, '/'))) {
        snprintf(ret_file, PATH_MAX, "%s", path);
        return true;
    }
    if (dir == AT_FDCWD)
        return *path && snprintf(ret_file, PATH_MAX, "./%s", path) < PATH_MAX;
    if (!*path && !(flags & AT_EMPTY_PATH))
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    size = readlink(link, ret_file, PATH_MAX - 1);
    if (size <= 0)
        return false;
    ret_file[size] = '\0';
    return !*path ||
           snprintf(ret_file + size, PATH_MAX - (size_t)size, "/%s", path) < PATH_MAX - (int)size;
}

/* What the kernel would refuse is left to it to refuse: ap-run would say so too late. */
long hosted_execve(struct call *c, int dir, uint64_t path, uint64_t argv, uint64_t envp, int flags)
{
    char name[PATH_MAX], file[PATH_MAX];
    struct hosted *h = c->t->hosted;
    long r;

    if (user_string(name, sizeof name, path) == sizeof name)
        return CALL_KERNELS;
    if (strcmp(name, "/proc/self/exe") == 0)
        snprintf(file, sizeof file, "%s", hosted_program.path);
    else if (!find_file(dir, name, flags, file))
        return CALL_KERNELS;
    if (access(file, X_OK) < 0 || !program_on_model(file))
        return CALL_KERNELS;
    h->exec_argv = build_argv(file, argv);
    if (!h->exec_argv) /* no memory, or not the program's to give */
        return -EFAULT;
    r = execute(c, h->exec_argv, envp);
    free(h->exec_argv);
    h->exec_argv = NULL;
    return r;
}
