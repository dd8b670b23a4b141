/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall(2), libc's function for calls by number: what the other functions of this library do by
 * name is done by number as well.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "preload/preload.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* open_call() of a path that may point anywhere: what cannot be read is the kernel's to refuse. */
static long open_user(int dir, unsigned long path, int flags, mode_t mode)
{
    char text[PATH_MAX];
    int r;

    if (user_string(text, sizeof text, path) < sizeof text)
        r = open_call(dir, text, flags, mode);
    else
        r = raw_open(dir, (const char *)path, flags, mode);
    return r < 0 ? -errno : r;
}

/* By what open() can say as well. */
static bool open_how(const unsigned long a[6], long *ret_result)
{
    struct open_how how;

    if (a[3] != sizeof how || user_read(&how, a[2], sizeof how) < 0 || how.resolve ||
        how.flags > INT_MAX)
        return false;
    *ret_result = open_user((int)a[0], a[1], (int)how.flags, (mode_t)how.mode);
    return true;
}

static bool answer_open(long number, const unsigned long a[6], long *ret_result)
{
    switch (number) {
    case SYS_open:
        *ret_result = open_user(AT_FDCWD, a[0], (int)a[1], (mode_t)a[2]);
        return true;
    case SYS_creat:
        *ret_result = open_user(AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, (mode_t)a[1]);
        return true;
    case SYS_openat:
        *ret_result = open_user((int)a[0], a[1], (int)a[2], (mode_t)a[3]);
        return true;
    case SYS_openat2:
        return open_how(a, ret_result);
    default:
        return false;
    }
}

/* Arguments that are not there are read as rubbish, which calls without them do not look at. */
INTERPOSED long syscall(long number, ...)
{
    unsigned long args[6];
    va_list list;
    long r;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        args[i] = va_arg(list, unsigned long);
    va_end(list);
    if (!answer_open(number, args, &r) && !answer_call(number, args, &r))
        r = dispatch_call(number, args);
    if (r >= 0 || r < -4095) /* some calls return addresses, or counts of any size */
        return r;
    errno = (int)-r;
    return -1;
}
