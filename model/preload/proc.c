/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of /proc in which this process sees its own mappings and its auxiliary vector.
 *
 * What is opened is a snapshot in a memory file: maps and smaps with a line for each mapping of the
 * device, as Linux shows it, where the kernel shows those of the model; auxv with the vDSO that the
 * program has. The kernel makes such a text when it is read, piece by piece.
 */
#include <ctype.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "preload/preload.h"
#include "preload/proc.h"

static const char *const names[] = {"maps", "smaps", "auxv"};

bool proc_is(const char *path)
{
    const char *const slash = strrchr(path, '/'), *const name = slash ? slash + 1 : path;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* What fd is open on, if it shows this process: "/proc/1/maps" or "/proc/1/task/2/maps". */
static bool shows_us(int fd, char path[static LINK_SIZE])
{
    char link[32], ours[32];
    long size;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = syscall(SYS_readlinkat, AT_FDCWD, link, path, LINK_SIZE - 1);
    if (size < 0)
        return false;
    path[size] = '\0';
    size = snprintf(ours, sizeof ours, "/proc/%d/", (int)getpid());
    return strncmp(path, ours, (size_t)size) == 0 && (!enclave_any() || enclave_is_ours());
}

#define PIECE 4096u

/* Room for one more piece of a file. NULL and errno; the text is gone then. */
static char *make_room(char *text, size_t size, size_t *room)
{
    char *grown;

    if (text && *room - size > PIECE)
        return text;
    grown = realloc(text, *room *= 2);
    if (!grown)
        free(text);
    return grown;
}

/* All of a file of unknown size, with a zero behind it. NULL and errno. */
static char *read_all(int fd, size_t *ret_size)
{
    size_t room = 1u << 15, size = 0;
    char *text = NULL;
    long r;

    do {
        text = make_room(text, size, &room);
        if (!text)
            return NULL;
        r = syscall(SYS_read, fd, text + size, room - size - 1);
        if (r > 0)
            size += (size_t)r;
    } while (r > 0);
    if (r < 0) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    *ret_size = size;
    return text;
}

/* The vector with the address of the vDSO that libc and the program see. */
static void correct_auxv(char *vector, size_t size)
{
    Elf64_auxv_t aux;

    for (size_t at = 0; at + sizeof aux <= size; at += sizeof aux) {
        memcpy(&aux, vector + at, sizeof aux);
        if (aux.a_type == AT_SYSINFO_EHDR)
            aux.a_un.a_val = getauxval(AT_SYSINFO_EHDR);
        memcpy(vector + at, &aux, sizeof aux);
    }
}

/* Write what the program is to read in place of text. */
static int write_snapshot(int fd, const char *path, char *text, size_t size)
{
    struct proc_out out = {.fd = fd};
    struct vma *vmas = NULL;
    ssize_t count;

    if (strcmp(strrchr(path, '/'), "/auxv") == 0) {
        correct_auxv(text, size);
        proc_write(&out, text, size);
    } else {
        count = listing_take(&vmas);
        if (count < 0)
            return (int)count;
        proc_write_maps(&out, text, vmas, (size_t)count);
        free(vmas);
    }
    proc_flush(&out);
    return out.error;
}

/* A memory file with the snapshot, for reading only. A descriptor, or a negative errno. */
static int snapshot(const char *path, char *text, size_t size, int flags)
{
    const int fd = (int)syscall(SYS_memfd_create, path, (unsigned)MFD_CLOEXEC);
    char again[32];
    int r;

    if (fd < 0)
        return -errno;
    r = write_snapshot(fd, path, text, size);
    if (r == 0) {
        snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
        r = raw_open(AT_FDCWD, again, O_RDONLY | (flags & (O_CLOEXEC | O_NONBLOCK)), 0);
        if (r < 0)
            r = -errno;
    }
    raw_close(fd);
    return r;
}

/* Puts the snapshot in the place of fd, which is the kernel's file. 0 or a negative errno. */
static int replace(int fd, const char *path, int flags)
{
    size_t size;
    char *text = read_all(fd, &size);
    int r;

    if (!text)
        return -ENOMEM;
    r = snapshot(path, text, size, flags);
    free(text);
    if (r < 0)
        return r;
    fd = (int)syscall(SYS_dup3, r, fd, flags & O_CLOEXEC) < 0 ? -errno : 0;
    raw_close(r);
    return fd;
}

int proc_open(int dir, const char *path, int flags, mode_t mode)
{
    const int fd = raw_open(dir, path, flags, mode);
    char shown[LINK_SIZE];
    int r;

    /* Not for reading: it did not open, or nobody can see what is in it. */
    if (fd < 0 || flags & (O_PATH | O_ACCMODE) || !shows_us(fd, shown) || !proc_is(shown))
        return fd;
    r = replace(fd, shown, flags);
    if (r < 0) {
        raw_close(fd);
        return libc_result(r);
    }
    return fd;
}
