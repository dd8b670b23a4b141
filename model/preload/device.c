/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's nodes as they appear to programs. They need not exist on this machine.
 *
 * This is a file of its own because libc declares that its functions take no NULL: a compiler that
 * saw the functions below in one of them would drop the checks.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "model.h"
#include "preload/preload.h"

#define ENCLAVE   "/dev/sgx_enclave"
#define PROVISION "/dev/sgx_provision"

/* Minors that Linux gives to the two on a machine with no other miscellaneous devices. */
#define MISC_MAJOR      10
#define ENCLAVE_MINOR   125
#define PROVISION_MINOR 126

static const char *const nodes[] = {ENCLAVE, PROVISION};

/* Is the folder that the first size bytes of path name, from dir on, /dev? */
static bool in_dev(int dir, const char *path, size_t size)
{
    char folder[PATH_MAX] = ".";
    struct stat st, dev;
    int fd;
    bool same;

    if (size >= sizeof folder)
        return false;
    if (size)
        memcpy(folder, path, size), folder[size] = '\0';
    fd = raw_open(dir, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    same = raw_fstat(fd, &st) == 0 && syscall(SYS_newfstatat, AT_FDCWD, "/dev", &dev, 0) == 0 &&
           st.st_dev == dev.st_dev && st.st_ino == dev.st_ino;
    raw_close(fd);
    return same;
}

/* "/proc/self/fd/7" and its like end in a number that comes after a folder fd. */
static bool is_link_to_fd(const char *path, const char *name)
{
    return name - path >= 3 && strncmp(name - 3, "fd/", 3) == 0 && *name &&
           !name[strspn(name, "0123456789")];
}

static const char *find_node(int dir, const char *path, int flags)
{
    const char *const slash = strrchr(path, '/'), *const name = slash ? slash + 1 : path;
    char text[LINK_SIZE];
    const char *target;

    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        if (strcmp(path, nodes[i]) == 0 || (strcmp(name, nodes[i] + sizeof "/dev/" - 1) == 0 &&
                                            in_dev(dir, path, (size_t)(name - path))))
            return nodes[i];
    if (flags & AT_SYMLINK_NOFOLLOW || !is_link_to_fd(path, name))
        return NULL;
    target = link_target(dir, path, text);
    return target && strncmp(target, "/dev/", 5) == 0 ? target : NULL;
}

bool is_node(const char *path)
{
    return node_at(AT_FDCWD, path, 0) != NULL;
}

const char *node_by_fd(int fd)
{
    const int flags = raw_fcntl(fd, F_GETFL, 0);
    char path[32], text[LINK_SIZE];
    const char *target;

    if (flags < 0 || !(flags & O_PATH))
        return flags < 0 ? NULL : sgx2_node(fd);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    target = link_target(AT_FDCWD, path, text);
    return target && strncmp(target, "/dev/", 5) == 0 ? target : NULL;
}

const char *node_at(int dir, const char *path, int flags)
{
    const int saved = errno;
    const char *node = NULL;

    if (path && *path)
        node = find_node(dir, path, flags);
    else if (path && flags & AT_EMPTY_PATH)
        node = node_by_fd(dir);
    errno = saved;
    return node;
}

void stat_node(const char *path, struct stat *ret_stat)
{
    const unsigned minor = strcmp(path, ENCLAVE) == 0 ? ENCLAVE_MINOR : PROVISION_MINOR;

    *ret_stat = (struct stat){
        .st_dev = makedev(0, 5),
        .st_ino = minor,
        .st_mode = S_IFCHR | 0666,
        .st_nlink = 1,
        .st_rdev = makedev(MISC_MAJOR, minor),
        .st_blksize = 4096,
    };
}
