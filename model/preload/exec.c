/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve(2) in all the forms that libc has: a program that LD_PRELOAD does not reach is started by
 * ap-run, so that what a shell or a build starts is on the model whatever it is.
 *
 * A child of vfork() may come here: no memory is allocated, but for the list of a spawned program.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/preload.h"
#include "preload/program.h"

#define PREFIX 3 /* ap-run --argv0 NAME, before the file */

static char ap_run[PATH_MAX]; /* empty: unknown, and nothing is rewritten */

__attribute__((constructor)) static void find_ap_run(void)
{
    const char *path = getenv("APERTURE_RUN");

    if (path)
        snprintf(ap_run, sizeof ap_run, "%s", path);
}

static size_t count(char *const argv[])
{
    size_t n = 0;

    while (argv && argv[n])
        n++;
    return n;
}

/* list has room for PREFIX + 2 + count(argv). A relative name gets a slash: it is a path. */
static void prefix(const char **list, const char *path, char *relative, char *const argv[])
{
    const size_t n = count(argv);

    list[0] = "ap-run";
    list[1] = "--argv0";
    list[2] = n ? argv[0] : "";
    list[3] = path;
    if (!strchr(path, '/')) {
        snprintf(relative, PATH_MAX, "./%s", path);
        list[3] = relative;
    }
    for (size_t i = 1; i < n; i++)
        list[PREFIX + i] = argv[i];
    list[PREFIX + (n ? n : 1)] = NULL;
}

static bool for_ap_run(const char *path)
{
    return *ap_run && path && access(path, X_OK) == 0 && program_needs_host(path);
}

static int exec_file(const char *path, char *const argv[], char *const envp[])
{
    const char *list[PREFIX + 2 + count(argv)];
    char relative[PATH_MAX];

    if (!for_ap_run(path))
        return (int)syscall(SYS_execve, path, argv, envp);
    prefix(list, path, relative, argv);
    return (int)syscall(SYS_execve, ap_run, list, envp);
}

/* ------------------------------------------------------------------ the search path */

/* Calls try with each candidate for `file` until it does something else than fail to find it. */
static int search(const char *file, int (*try)(const char *path, void *arg), void *arg)
{
    const char *path = getenv("PATH");
    char candidate[PATH_MAX];
    int error = ENOENT;

    if (strchr(file, '/') || !*file)
        return try(file, arg);
    for (const char *end; path; path = *end ? end + 1 : NULL) {
        int r;

        end = path + strcspn(path, ":");
        if (snprintf(candidate, sizeof candidate, "%.*s%s%s", (int)(end - path), path,
                     end == path ? "" : "/", file) >= (int)sizeof candidate)
            continue;
        r = try(candidate, arg);
        if (r != ENOENT && r != ENOTDIR && r != EACCES)
            return r;
        if (r == EACCES)
            error = r;
    }
    return error;
}

struct exec {
    char *const *argv, *const *envp;
};

/* A file that is no program is a script for the shell. */
static int try_exec(const char *path, void *arg)
{
    const struct exec *e = arg;
    const size_t n = count(e->argv);
    const char *list[n + 3];

    exec_file(path, e->argv, e->envp);
    if (errno != ENOEXEC)
        return errno;
    list[0] = "/bin/sh";
    list[1] = path;
    list[2] = NULL;
    for (size_t i = 1; i <= n; i++)
        list[i + 1] = e->argv[i];
    exec_file(list[0], (char *const *)list, e->envp);
    return errno;
}

INTERPOSED int execve(const char *path, char *const argv[], char *const envp[])
{
    return exec_file(path, argv, envp);
}

INTERPOSED int execv(const char *path, char *const argv[])
{
    return exec_file(path, argv, environ);
}

INTERPOSED int execvpe(const char *file, char *const argv[], char *const envp[])
{
    struct exec e = {argv, envp};

    errno = search(file, try_exec, &e);
    return -1;
}

INTERPOSED int execvp(const char *file, char *const argv[])
{
    return execvpe(file, argv, environ);
}

INTERPOSED int fexecve(int fd, char *const argv[], char *const envp[])
{
    char link[32], path[PATH_MAX];
    ssize_t size;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path - 1);
    if (size > 0) {
        path[size] = '\0';
        if (for_ap_run(path))
            return exec_file(path, argv, envp);
    }
    return (int)syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
}

/* ------------------------------------------------------------------ arguments as a list */

static size_t count_list(va_list args)
{
    size_t n = 1;

    while (va_arg(args, char *))
        n++;
    return n;
}

/* The words from `first` to the NULL, as an array on the caller's stack. */
#define LIST(name, first)                                                                          \
    va_list args;                                                                                  \
    va_start(args, first);                                                                         \
    char *name[count_list(args) + 1];                                                              \
    va_end(args);                                                                                  \
    va_start(args, first);                                                                         \
    name[0] = (char *)(uintptr_t)(first);                                                          \
    for (size_t i_ = 1; i_ < sizeof name / sizeof *(name); i_++)                                   \
    name[i_] = va_arg(args, char *)

INTERPOSED int execl(const char *path, const char *first, ...)
{
    LIST(argv, first);
    va_end(args);
    return exec_file(path, argv, environ);
}

INTERPOSED int execlp(const char *file, const char *first, ...)
{
    LIST(argv, first);
    va_end(args);
    return execvpe(file, argv, environ);
}

INTERPOSED int execle(const char *path, const char *first, ...)
{
    char *const *envp;

    LIST(argv, first);
    envp = va_arg(args, char *const *);
    va_end(args);
    return exec_file(path, argv, envp);
}

/* ------------------------------------------------------------------ posix_spawn */

typedef int spawn_fn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);

/* libc's own: the next of that name. */
static spawn_fn *next_spawn(void)
{
    static spawn_fn *next;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "posix_spawn");
    return next;
}

struct spawn {
    pid_t *pid;
    const posix_spawn_file_actions_t *actions;
    const posix_spawnattr_t *attributes;
    struct exec exec;
};

static int try_spawn(const char *path, void *arg)
{
    const struct spawn *s = arg;
    const char **list;
    char relative[PATH_MAX];
    int r;

    if (!for_ap_run(path))
        return next_spawn()(s->pid, path, s->actions, s->attributes, s->exec.argv, s->exec.envp);
    list = calloc(PREFIX + 2 + count(s->exec.argv), sizeof *list);
    if (!list)
        return ENOMEM;
    prefix(list, path, relative, s->exec.argv);
    r = next_spawn()(s->pid, ap_run, s->actions, s->attributes, (char *const *)list, s->exec.envp);
    free(list);
    return r;
}

INTERPOSED int posix_spawn(pid_t *restrict pid, const char *restrict path,
                           const posix_spawn_file_actions_t *actions,
                           const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
                           char *const envp[restrict])
{
    struct spawn s = {pid, actions, attributes, {argv, envp}};

    return try_spawn(path, &s);
}

INTERPOSED int posix_spawnp(pid_t *restrict pid, const char *restrict file,
                            const posix_spawn_file_actions_t *actions,
                            const posix_spawnattr_t *restrict attributes,
                            char *const argv[restrict], char *const envp[restrict])
{
    struct spawn s = {pid, actions, attributes, {argv, envp}};

    return search(file, try_spawn, &s);
}
