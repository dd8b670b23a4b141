/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open(2) in all the forms that libc has.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <unistd.h>

#include "model.h"
#include "preload/preload.h"

static pthread_once_t provoked = PTHREAD_ONCE_INIT;

static void *nothing(void *arg)
{
    for (;;)
        pause();
    return arg;
}

/*
 * libc has two signals of its own, for pthread_cancel() and for setuid() and its like. It installs
 * their handlers when it first needs them, by ways that do not lead here. Have it done now, so that
 * they are found when the model puts its own in front.
 */
static void provoke_libc(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, nothing, NULL) != 0)
        return;
    pthread_cancel(thread);
    pthread_join(thread, NULL);
}

static int open_at(int dir, const char *path, int flags, mode_t mode)
{
    if (is_node(path)) {
        pthread_once(&provoked, provoke_libc);
        return libc_result(sgx2_open(path, flags));
    }
    return raw_open(dir, path, flags, mode);
}

/* The mode is there if the flags say so; read it only then. */
#define MODE(flags)                                                                                \
    ({                                                                                             \
        mode_t mode_ = 0;                                                                          \
        if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                   \
            va_list args_;                                                                         \
            va_start(args_, flags);                                                                \
            mode_ = va_arg(args_, mode_t);                                                         \
            va_end(args_);                                                                         \
        }                                                                                          \
        mode_;                                                                                     \
    })

INTERPOSED int open(const char *path, int flags, ...)
{
    return open_at(AT_FDCWD, path, flags, MODE(flags));
}

INTERPOSED int open64(const char *path, int flags, ...)
{
    return open_at(AT_FDCWD, path, flags, MODE(flags));
}

INTERPOSED int openat(int dir, const char *path, int flags, ...)
{
    return open_at(dir, path, flags, MODE(flags));
}

INTERPOSED int openat64(int dir, const char *path, int flags, ...)
{
    return open_at(dir, path, flags, MODE(flags));
}

/* What _FORTIFY_SOURCE makes of calls without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

INTERPOSED int __open_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}

INTERPOSED int __open64_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}

INTERPOSED int __openat_2(int dir, const char *path, int flags)
{
    return open_at(dir, path, flags, 0);
}

INTERPOSED int __openat64_2(int dir, const char *path, int flags)
{
    return open_at(dir, path, flags, 0);
}
