/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readlink(2) of /proc/self/fd/N and its like: descriptors of the device show its node, and
 * descriptors of a snapshot (proc.c) the file it was taken of.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "preload/next.h"
#include "preload/preload.h"

NEXT_DECLARE(realpath);

__attribute__((constructor)) static void find_next(void)
{
    NEXT_FIND(realpath);
}

/* The kernel's text for a memory file: its name between these two. */
#define BEFORE "/memfd:"
#define AFTER  " (deleted)"

const char *link_target(int dir, const char *path, char text[static LINK_SIZE])
{
    const long size = syscall(SYS_readlinkat, dir, path, text, LINK_SIZE - 1);
    const size_t before = sizeof BEFORE - 1, after = sizeof AFTER - 1;
    char *name = text + before, *end;

    if (size < (long)(before + after))
        return NULL;
    text[size] = '\0';
    end = text + size - after;
    if (strncmp(text, BEFORE, before) != 0 || strcmp(end, AFTER) != 0)
        return NULL;
    *end = '\0';
    if (strcmp(name, ENCLAVE_FILE) == 0 || strcmp(name, PATH_FILE) == 0)
        return DEVICE_PATH;
    if (strcmp(name, PROVISION_FILE) == 0 || strcmp(name, PROVISION_PATH_FILE) == 0)
        return PROVISION_PATH;
    return strncmp(name, "/proc/", 6) == 0 ? name : NULL;
}

bool link_answer(int dir, const char *path, unsigned long buffer, size_t size, long *ret_result)
{
    char text[LINK_SIZE];
    const char *target;

    if (size - 1 >= INT_MAX || !(target = link_target(dir, path, text)))
        return false;
    if (size > strlen(target))
        size = strlen(target);
    *ret_result = user_write(buffer, target, size) < 0 ? -EFAULT : (long)size;
    return true;
}

static ssize_t link_at(int dir, const char *path, char *buffer, size_t size)
{
    long r;

    if (!answer_call(SYS_readlinkat,
                     (const unsigned long[6]){(unsigned long)dir, (unsigned long)path,
                                              (unsigned long)buffer, size},
                     &r))
        return syscall(SYS_readlinkat, dir, path, buffer, size);
    return libc_result((int)r);
}

INTERPOSED ssize_t readlink(const char *restrict path, char *restrict buffer, size_t size)
{
    return link_at(AT_FDCWD, path, buffer, size);
}

INTERPOSED ssize_t readlinkat(int dir, const char *restrict path, char *restrict buffer,
                              size_t size)
{
    return link_at(dir, path, buffer, size);
}

/* What _FORTIFY_SOURCE makes of them. */
__attribute__((noreturn)) void __chk_fail(void);
ssize_t __readlink_chk(const char *path, char *buffer, size_t size, size_t room);
ssize_t __readlinkat_chk(int dir, const char *path, char *buffer, size_t size, size_t room);
char *__realpath_chk(const char *path, char *resolved, size_t room);

INTERPOSED ssize_t __readlink_chk(const char *path, char *buffer, size_t size, size_t room)
{
    if (size > room)
        __chk_fail();
    return link_at(AT_FDCWD, path, buffer, size);
}

INTERPOSED ssize_t __readlinkat_chk(int dir, const char *path, char *buffer, size_t size,
                                    size_t room)
{
    if (size > room)
        __chk_fail();
    return link_at(dir, path, buffer, size);
}

/* libc would follow the links itself, and look for nodes that need not exist. */
INTERPOSED char *realpath(const char *restrict path, char *restrict resolved)
{
    const char *node = node_at(AT_FDCWD, path, 0);

    if (!node)
        return NEXT(realpath, path, resolved);
    return resolved ? strcpy(resolved, node) : strdup(node);
}

INTERPOSED char *__realpath_chk(const char *path, char *resolved, size_t room)
{
    if (room < PATH_MAX)
        __chk_fail();
    return realpath(path, resolved);
}

INTERPOSED char *canonicalize_file_name(const char *path)
{
    return realpath(path, NULL);
}
