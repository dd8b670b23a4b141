/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat(2) and access(2) of the device's nodes.
 */
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "model.h"
#include "preload/preload.h"

static int stat_at(int dir, const char *path, struct stat *ret_stat, int flags)
{
    const char *node = node_at(dir, path, flags);

    if (!node)
        return (int)syscall(SYS_newfstatat, dir, path, ret_stat, flags);
    stat_node(node, ret_stat);
    return 0;
}

static int stat_fd(int fd, struct stat *ret_stat)
{
    const char *node = node_by_fd(fd);

    if (!node)
        return raw_fstat(fd, ret_stat);
    stat_node(node, ret_stat);
    return 0;
}

/* On x86-64 struct stat64 is struct stat. */
#define STAT64(p) ((struct stat *)(void *)(p))
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "one layout");

INTERPOSED int stat(const char *restrict path, struct stat *restrict st)
{
    return stat_at(AT_FDCWD, path, st, 0);
}

INTERPOSED int stat64(const char *restrict path, struct stat64 *restrict st)
{
    return stat_at(AT_FDCWD, path, STAT64(st), 0);
}

INTERPOSED int lstat(const char *restrict path, struct stat *restrict st)
{
    return stat_at(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

INTERPOSED int lstat64(const char *restrict path, struct stat64 *restrict st)
{
    return stat_at(AT_FDCWD, path, STAT64(st), AT_SYMLINK_NOFOLLOW);
}

INTERPOSED int fstatat(int dir, const char *restrict path, struct stat *restrict st, int flags)
{
    return stat_at(dir, path, st, flags);
}

INTERPOSED int fstatat64(int dir, const char *restrict path, struct stat64 *restrict st, int flags)
{
    return stat_at(dir, path, STAT64(st), flags);
}

INTERPOSED int fstat(int fd, struct stat *st)
{
    return stat_fd(fd, st);
}

INTERPOSED int fstat64(int fd, struct stat64 *st)
{
    return stat_fd(fd, STAT64(st));
}

/* What programs built against a glibc older than 2.33 call. */
int __xstat(int version, const char *path, struct stat *st);
int __xstat64(int version, const char *path, struct stat *st);
int __lxstat(int version, const char *path, struct stat *st);
int __lxstat64(int version, const char *path, struct stat *st);
int __fxstat(int version, int fd, struct stat *st);
int __fxstat64(int version, int fd, struct stat *st);
int __fxstatat(int version, int dir, const char *path, struct stat *st, int flags);
int __fxstatat64(int version, int dir, const char *path, struct stat *st, int flags);

INTERPOSED int __xstat(int version, const char *path, struct stat *st)
{
    (void)version;
    return stat_at(AT_FDCWD, path, st, 0);
}

INTERPOSED int __lxstat(int version, const char *path, struct stat *st)
{
    (void)version;
    return stat_at(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

INTERPOSED int __fxstat(int version, int fd, struct stat *st)
{
    (void)version;
    return stat_fd(fd, st);
}

INTERPOSED int __fxstatat(int version, int dir, const char *path, struct stat *st, int flags)
{
    (void)version;
    return stat_at(dir, path, st, flags);
}

INTERPOSED int __xstat64(int version, const char *path, struct stat *st)
    __attribute__((alias("__xstat")));
INTERPOSED int __lxstat64(int version, const char *path, struct stat *st)
    __attribute__((alias("__lxstat")));
INTERPOSED int __fxstat64(int version, int fd, struct stat *st) __attribute__((alias("__fxstat")));
INTERPOSED int __fxstatat64(int version, int dir, const char *path, struct stat *st, int flags)
    __attribute__((alias("__fxstatat")));

void statx_node(const char *node, struct statx *ret_statx)
{
    struct stat st;

    stat_node(node, &st);
    memset(ret_statx, 0, sizeof *ret_statx);
    ret_statx->stx_mask = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_GID | STATX_INO;
    ret_statx->stx_blksize = (uint32_t)st.st_blksize;
    ret_statx->stx_nlink = (uint32_t)st.st_nlink;
    ret_statx->stx_mode = (uint16_t)st.st_mode;
    ret_statx->stx_ino = st.st_ino;
    ret_statx->stx_rdev_major = major(st.st_rdev);
    ret_statx->stx_rdev_minor = minor(st.st_rdev);
    ret_statx->stx_dev_major = major(st.st_dev);
    ret_statx->stx_dev_minor = minor(st.st_dev);
}

INTERPOSED int statx(int dir, const char *restrict path, int flags, unsigned mask,
                     struct statx *restrict ret_statx)
{
    const char *node = node_at(dir, path, flags);

    if (!node)
        return (int)syscall(SYS_statx, dir, path, flags, mask, ret_statx);
    statx_node(node, ret_statx);
    return 0;
}

/* ------------------------------------------------------------------ access(2) */

static int access_node(int mode)
{
    return libc_result(mode & X_OK ? -EACCES : 0);
}

INTERPOSED int access(const char *path, int mode)
{
    return is_node(path) ? access_node(mode) : (int)syscall(SYS_access, path, mode);
}

/* libc does AT_EACCESS and AT_SYMLINK_NOFOLLOW; the older of the system calls knows neither. */
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

INTERPOSED int faccessat(int dir, const char *path, int mode, int flags)
{
    if (node_at(dir, path, flags))
        return access_node(mode);
    if (!flags)
        return (int)syscall(SYS_faccessat, dir, path, mode);
    return (int)syscall(SYS_faccessat2, dir, path, mode, flags);
}

INTERPOSED int euidaccess(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}

INTERPOSED int eaccess(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}
